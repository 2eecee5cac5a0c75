//! Who may use a tracking server, and for what: a policy file, secrets that are kept as hashes, rights by role.
//!
//! ```text
//! Authorization ─▶ Doorkeeper ─▶ Who ──may(right, object)──▶ yes or no
//!                      ▲ ServerPolicy: principals ─▶ roles ─▶ patterns of experiments and models
//! ```

mod doorkeeper;
mod grant;
mod policy;
mod secret;

pub(super) use doorkeeper::Doorkeeper;
pub use grant::Right;
pub(super) use grant::{Object, Who};
pub use policy::ServerPolicy;
pub use secret::{AccessToken, hash_password};
