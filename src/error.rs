//! One error for code that uses several crates: each crate's own, unchanged, behind one `?`.

use mlops_core::ErrorKind;

/// The error of any crate of the SDK.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[error(transparent)]
pub enum Error {
    /// A table, name or time.
    Core(#[from] mlops_core::Error),
    /// Stored bytes.
    Store(#[from] mlops_store::Error),
    /// A source, contract, view or join.
    Features(#[from] mlops_features::Error),
    /// A model or its package.
    Model(#[from] mlops_model::Error),
    /// A trainer.
    #[cfg(feature = "train")]
    Train(#[from] mlops_train::Error),
    /// Tracking, versions, gates.
    Registry(#[from] mlops_registry::Error),
    /// A profile, window or policy.
    Drift(#[from] mlops_drift::Error),
    /// A step or its cache.
    Pipeline(#[from] mlops_pipeline::Error),
    /// An endpoint or server.
    #[cfg(feature = "serve")]
    Serve(#[from] mlops_serve::Error),
}

/// The result of code that uses several crates.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Core(e) => e.kind(),
            Self::Store(e) => e.kind(),
            Self::Features(e) => e.kind(),
            Self::Model(e) => e.kind(),
            #[cfg(feature = "train")]
            Self::Train(e) => e.kind(),
            Self::Registry(e) => e.kind(),
            Self::Drift(e) => e.kind(),
            Self::Pipeline(e) => e.kind(),
            #[cfg(feature = "serve")]
            Self::Serve(e) => e.kind(),
        }
    }
}
