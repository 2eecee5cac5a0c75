//! Windows over the sorted events of one key.
//!
//! A [`Lane`] is what a stream of features reads of the events: times and values without nulls, filtered.
//! [`scan`] computes the aggregates of one window from its lane, as an online read does. A [`Slider`] follows
//! a window over the lane of a whole key while the questions rise in time, so that each event enters
//! and leaves once: that is what a join does. Both give the same bits.

mod extreme;
mod fenwick;
mod groups;
mod lane;
mod lanes;
mod registers;
mod scan;
mod slide;
mod tiles;

pub(crate) use lane::{Known, Lane, item};
pub(crate) use lanes::Lanes;
pub(crate) use scan::scan;
pub(crate) use slide::Slider;
