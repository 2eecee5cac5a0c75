//! Feature views: what the events of one source look like and from when on they may be seen.
//!
//! A view says which columns are the key, which one is the event time, which fields there are, and how
//! time is read: whether an event at the very instant of the question counts ([`Boundary`]), for how long
//! the latest row stays valid (its TTL), and whether a row that was loaded later than the question may
//! answer it ([`Cutoff`]). The same view is read offline and online.
//!
//! Beside that stands what people read: owner, description, tags, which fields are personal data, and where the
//! rows come from ([`ViewSource`]). It changes no value and so it is no part of the digest that names the version.

mod builder;
mod definition;
mod field;
mod kind;
mod source;
mod storage;
mod type_name;

pub use builder::FeatureViewBuilder;
pub use definition::FeatureView;
pub use field::Field;
pub(crate) use field::Keeps;
pub use kind::{Boundary, Cutoff, FieldKind};
pub use source::ViewSource;
pub(crate) use storage::{hex_text, restore, store, takes};
pub(crate) use type_name::{parse_type, type_name};
