//! One scalar function per operation; the row path and the batch path both call these and nothing else.
//!
//! A kernel never sees null. It gives a value, `None` for null, or a [`Fault`](super::fault::Fault).

pub(super) mod cast;
pub(super) mod hash;
pub(super) mod number;
pub(super) mod text;
pub(super) mod time;
