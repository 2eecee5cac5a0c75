//! Secrets of webhooks at rest: AES-256-GCM under a key that the operator gives.
//!
//! A sealed secret is `version ‖ identity of the key ‖ nonce ‖ ciphertext ‖ tag`. The identity of the webhook and what
//! stands before the ciphertext are authenticated with it, so that a secret that is moved to another webhook, or
//! altered in any bit, does not open. Nonces are random.

use std::fmt;

use mlops_core::{Digest, DigestBuilder, Uuid};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};

use super::sealing::NoKey;

/// The version of the form, and the first byte of it.
const VERSION: u8 = 1;
/// How many bytes of a digest tell keys apart.
const KEY_ID: usize = 8;
const HEAD: usize = 1 + KEY_ID + NONCE_LEN;

/// The keys that secrets of webhooks are encrypted with; see [`RegistryBuilder::secret_keys`](crate::RegistryBuilder::secret_keys).
///
/// ```
/// use mlops_registry::{Registry, SecretKeys};
///
/// // 32 bytes each from a generator fit for secrets
/// let keys = SecretKeys::new([2; 32]).or_old([1; 32]);
/// let registry = Registry::builder("memory://").secret_keys(keys).open()?;
/// assert_eq!(registry.reseal_webhook_secrets()?, 0); // none was under the old key
/// # Ok::<(), mlops_registry::Error>(())
/// ```
#[derive(Clone)]
pub struct SecretKeys {
    current: Key,
    old: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: [u8; KEY_ID],
    secret: LessSafeKey,
}

impl Key {
    fn new(bytes: &[u8; 32]) -> Self {
        let digest: Digest = DigestBuilder::new()
            .part("identity of a key for secrets", bytes)
            .finish();
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&digest.as_bytes()[..KEY_ID]);
        let key = UnboundKey::new(&AES_256_GCM, bytes).expect("a key has 32 bytes");
        Self {
            id,
            secret: LessSafeKey::new(key),
        }
    }
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKeys(…)")
    }
}

impl SecretKeys {
    /// Encrypts with this key, and decrypts what was encrypted with it.
    pub fn new(current: [u8; 32]) -> Self {
        Self {
            current: Key::new(&current),
            old: Vec::new(),
        }
    }

    /// Decrypts also what was encrypted with a key from before.
    #[must_use]
    pub fn or_old(mut self, key: [u8; 32]) -> Self {
        self.old.push(Key::new(&key));
        self
    }

    pub(super) fn seal(&self, webhook: Uuid, secret: &str) -> Result<Vec<u8>, NoKey> {
        let mut sealed = Vec::with_capacity(HEAD + secret.len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.current.id);
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| NoKey::Random)?;
        sealed.extend_from_slice(&nonce);
        let aad = authenticated(webhook, &sealed);
        sealed.extend_from_slice(secret.as_bytes());
        let tag = self
            .current
            .secret
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad),
                &mut sealed[HEAD..],
            )
            .expect("secrets are short");
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    pub(super) fn open(&self, webhook: Uuid, sealed: &[u8]) -> Result<String, NoKey> {
        let (head, body) = sealed.split_at_checked(HEAD).ok_or(NoKey::Damaged)?;
        let [VERSION, rest @ ..] = head else {
            return Err(NoKey::Damaged);
        };
        let (id, nonce) = rest.split_at(KEY_ID);
        let key = std::iter::once(&self.current)
            .chain(&self.old)
            .find(|key| key.id == id)
            .ok_or(NoKey::Other)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NoKey::Damaged)?;
        let mut body = body.to_vec();
        let aad = Aad::from(authenticated(webhook, head));
        let opened = key.secret.open_in_place(nonce, aad, &mut body);
        let secret = opened.map_err(|_| NoKey::Damaged)?;
        String::from_utf8(secret.to_vec()).map_err(|_| NoKey::Damaged)
    }

    /// Whether a secret is under the key that new ones are under.
    pub(super) fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.first() == Some(&VERSION) && sealed.get(1..=KEY_ID) == Some(&self.current.id[..])
    }
}

fn authenticated(webhook: Uuid, head: &[u8]) -> Vec<u8> {
    [b"webhook secret", webhook.as_bytes().as_slice(), head].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(byte: u8) -> Uuid {
        Uuid::from_bytes([byte; 16])
    }

    #[test]
    fn a_secret_opens_for_its_webhook_under_its_key_and_whole() {
        let (old, new) = ([1; 32], [2; 32]);
        let sealed = SecretKeys::new(old).seal(webhook(7), "a secret").unwrap();
        let both = SecretKeys::new(new).or_old(old);
        assert_eq!(both.open(webhook(7), &sealed).unwrap(), "a secret");
        assert!(!both.is_current(&sealed) && SecretKeys::new(old).is_current(&sealed));
        assert_eq!(both.open(webhook(8), &sealed), Err(NoKey::Damaged));
        assert_eq!(
            SecretKeys::new(new).open(webhook(7), &sealed),
            Err(NoKey::Other)
        );
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(both.open(webhook(7), &altered).is_err(), "byte {at}");
            assert!(both.open(webhook(7), &sealed[..at]).is_err(), "cut at {at}");
        }
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        let again = SecretKeys::new(old).seal(webhook(7), "a secret").unwrap();
        assert_ne!(again, sealed, "each has a nonce of its own");
        assert_eq!(format!("{both:?}"), "SecretKeys(…)");
    }
}
