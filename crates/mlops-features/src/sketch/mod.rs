//! Sketches: small, mergeable summaries that answer within a stated error.
//!
//! [`HyperLogLog`] counts different values, [`Kll`] answers for quantiles. Both are deterministic: the
//! same values give the same bytes on every machine, for no clock and no random number is asked. The
//! first does not depend on the order of values or merges at all, the second is a function of it.

mod bytes;
mod hash;
mod hyper_log_log;
mod kll;

pub(crate) use bytes::{Reader, Writer};
pub(crate) use hash::{hash_text, hash_word};
pub use hyper_log_log::HyperLogLog;
pub(crate) use hyper_log_log::{estimate, place};
pub use kll::Kll;
