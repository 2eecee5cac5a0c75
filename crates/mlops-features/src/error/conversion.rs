//! Errors of other crates as errors of this one.

use parquet::errors::ParquetError;

use super::Error;

impl Error {
    /// A store's error; that of a local file is the same as everywhere.
    pub(crate) fn object(name: &str) -> impl FnOnce(mlops_store::Error) -> Self {
        let name = name.to_owned();
        move |error| match error {
            mlops_store::Error::Io { source, .. } => Self::Read {
                source_name: name,
                source,
            },
            mlops_store::Error::NoObject { .. } => Self::MissingFile { path: name },
            source => Self::Object {
                source_name: name,
                source: Box::new(source),
            },
        }
    }

    /// What stood in the way of writing to a place.
    pub(crate) fn write<E: Into<std::io::Error>>(place: &str) -> impl Fn(E) -> Self {
        move |source| Self::Write {
            place: place.to_owned(),
            source: source.into(),
        }
    }

    /// The same where the encoder of Parquet did.
    pub(crate) fn encode(place: &str) -> impl Fn(ParquetError) -> Self {
        move |error| Self::write(place)(std::io::Error::other(error))
    }

    pub(crate) fn arrow(action: &'static str) -> impl FnOnce(arrow::error::ArrowError) -> Self {
        move |source| Self::Arrow { action, source }
    }
}

impl From<mlops_store::Error> for Error {
    fn from(error: mlops_store::Error) -> Self {
        Self::Store(Box::new(error))
    }
}
