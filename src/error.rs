//! One error for code that uses several crates: each crate's own, unchanged, behind one `?`.

use mlops_core::ErrorKind;

macro_rules! errors {
    ($($(#[doc = $doc:literal])* $(#[cfg($cfg:meta)])? $variant:ident($source:ty);)*) => {
        /// The error of any crate of the SDK; boxed, so that a `Result` stays small.
        #[derive(Debug, thiserror::Error)]
        #[non_exhaustive]
        #[error(transparent)]
        pub enum Error {
            $($(#[doc = $doc])* $(#[cfg($cfg)])? $variant(Box<$source>),)*
        }

        $($(#[cfg($cfg)])? impl From<$source> for Error {
            fn from(source: $source) -> Self {
                Self::$variant(Box::new(source))
            }
        })*

        impl Error {
            /// What a caller can do about it.
            pub fn kind(&self) -> ErrorKind {
                match self {
                    $($(#[cfg($cfg)])? Self::$variant(source) => source.kind(),)*
                }
            }
        }
    };
}

errors! {
    /// A table, name or time.
    Core(mlops_core::Error);
    /// Stored bytes.
    Store(mlops_store::Error);
    /// A source, contract, view or join.
    Features(mlops_features::Error);
    /// A model or its package.
    Model(mlops_model::Error);
    /// A trainer.
    #[cfg(feature = "train")]
    Train(mlops_train::Error);
    /// Tracking, versions, gates.
    Registry(mlops_registry::Error);
    /// A profile, window or policy.
    Drift(mlops_drift::Error);
    /// A step or its cache.
    Pipeline(mlops_pipeline::Error);
    /// An endpoint or server.
    #[cfg(feature = "serve")]
    Serve(mlops_serve::Error);
}

/// The result of code that uses several crates.
pub type Result<T, E = Error> = std::result::Result<T, E>;
