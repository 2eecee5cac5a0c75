//! Objects by URL: files, memory and S3 under one name, listed and read in ranges.
//!
//! [`Objects`] holds what URLs need to be reached, a [`Location`] is one URL that makes sense, and an
//! [`ObjectReader`] reads ranges of the object that lies there.

mod listing;
mod location;
mod objects;
mod percent;
mod reader;
#[cfg(feature = "s3")]
mod s3;

pub use listing::{ListLimits, Listed};
pub use location::Location;
pub(crate) use location::Place;
pub use objects::Objects;
pub use percent::percent_decode;
pub use reader::ObjectReader;
#[cfg(feature = "s3")]
pub use s3::S3Settings;
