//! What is on the disk for those who have no key: AES-256-GCM, by `ring`.
//!
//! Keys are passed in by name and never stored; names stand in what is written, so that keys can be changed
//! while older data stays readable.
//!
//! Nonces come from the operating system's random numbers, here and inside the Parquet writer. That is the one
//! exception to the rule that randomness is an argument: a nonce that comes twice under one key gives the key stream away,
//! and a seed that is used twice would do just that. So the same data gives other bytes each time.

mod frame;
mod keys;
mod parquet;
mod sealer;
mod store;

pub use keys::{KeyPlan, KeyRing};
pub use parquet::EncryptedParquet;
pub use sealer::Sealer;
pub use store::SealedStore;
