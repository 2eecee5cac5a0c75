//! Aggregates: what is measured of which events, and partial results that can be merged.
//!
//! A value is defined once, as a function of the events that a question sees. It is computed in three ways
//! that agree to the bit: from a slice of events, by events that enter and leave a sliding window, and by
//! merging the [`State`]s of tiles. Sums are exact until the last step ([`exact`]), so that none of the
//! three has rounding of its own.

mod codec;
mod exact;
mod item;
mod limbs;
mod measure;
mod number;
mod partial;
mod state;
mod sums;

pub(crate) use item::{Item, Overflow, from_order_key, identity, order_key};
pub(crate) use measure::{GroupBy, Measure, Shape};
pub(crate) use number::{days_since, interpolate, ratio};
pub use state::State;
pub(crate) use sums::{RealSums, WholeSums};
