//! Wiring: what a service would otherwise write by hand between two crates.
//!
//! - [`labels`]: events into who was active and who then stayed away.
//! - [`leaderboard`](leaderboard()), [`publish`](publish()), [`promote_if_better`]: candidates of any output, a version, a
//!   champion; `sign` between the last two, with feature `sign`.
//! - [`Retraining`]: all of that as a pipeline whose unchanged steps come from a cache.
//! - [`observe`], [`performance`](monitor::performance): logged predictions into signals.
//! - [`ModelCard`]: what a model is, rests on and is worth, as Markdown and as one HTML file.
//! - [`html`]: sections of a report on each of these.

#[cfg(feature = "train")]
mod card;
pub mod html;
pub mod labels;
#[cfg(feature = "train")]
mod leaderboard;
pub mod monitor;
#[cfg(feature = "train")]
mod publish;
#[cfg(feature = "train")]
mod retrain;

#[cfg(feature = "train")]
pub use card::{CardData, ModelCard};
#[cfg(feature = "train")]
pub use leaderboard::{Candidate, leaderboard, rank};
pub use monitor::{Observation, observe};
#[cfg(all(feature = "train", feature = "sign"))]
pub use publish::sign;
#[cfg(feature = "train")]
pub use publish::{is_refusal, promote_if_better, publish};
#[cfg(feature = "train")]
pub use retrain::{Cutoff, Retrained, Retraining};
