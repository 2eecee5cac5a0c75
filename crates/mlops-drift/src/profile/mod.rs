//! What the training data looked like, in bins: the reference that windows are compared with.
//!
//! A profile is a few kilobytes of counts. It is built once, stored with the model version and
//! needs no raw row afterwards; counts of the same bins add up, so windows can be merged from
//! many endpoints in any order.

mod bins;
mod build;
mod column;
mod edges;
mod format;
mod read;
mod reference;

pub(crate) use bins::{Binner, Counter};
pub use build::ProfileBuilder;
pub use column::{CategoricalProfile, ColumnKind, ColumnProfile, Distribution, NumericProfile};
pub(crate) use read::{Cells, cells};
pub use reference::ReferenceProfile;
