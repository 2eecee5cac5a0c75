//! Signatures over packages, in cosign's forms, and the policy that says whose count.
//!
//! What is signed is `manifest.json` as it stands in the package: it has one possible text and names the
//! digest of every other file, so one signature vouches for every byte. The signature is what
//! `cosign sign-blob --key` makes of that file, ECDSA on P-256 over its SHA-256, and both sides read what
//! the other writes: key files, detached signatures and bundles.
//!
//! ```text
//! ModelPackage ──sign(SigningKey)──▶ BlobSignature ◀─parse─ manifest.json.sig, manifest.json.sigstore.json
//!       │                                 │
//!       └──verify(TrustPolicy, signatures, now)──▶ Verified<ModelPackage>
//! ```
//!
//! A [`Verified`] package cannot be made in another way, so whoever takes one knows that the policy was met.
//!
//! # What a signature does not say
//!
//! It vouches for a package, not for the name or number that it is served under: which version an alias
//! points at is the registry's to say. There is no trusted time in it either, so the validity of a key is
//! judged at the instant that the caller gives. Certificates and transparency logs are not read.

mod forms;
mod key;
mod key_file;
mod policy;
mod signature;
mod verified;

pub use key::{PublicKey, SigningKey};
pub use policy::{TrustPolicy, TrustedKey};
pub use signature::BlobSignature;
pub use verified::Verified;
