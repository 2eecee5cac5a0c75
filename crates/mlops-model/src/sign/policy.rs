//! Whose signatures count, and how many of them are needed.

use std::collections::BTreeSet;

use mlops_core::EventTime;

use crate::{BlobSignature, Error, PublicKey, Result, limit};

/// A public key that a policy accepts, under the name of who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    name: String,
    key: PublicKey,
    from: Option<EventTime>,
    until: Option<EventTime>,
}

impl TrustedKey {
    /// A key that is accepted at any time.
    pub fn new(name: impl Into<String>, key: PublicKey) -> Self {
        Self {
            name: name.into(),
            key,
            from: None,
            until: None,
        }
    }

    /// Accepted from this instant on.
    #[must_use]
    pub fn valid_from(mut self, instant: EventTime) -> Self {
        self.from = Some(instant);
        self
    }

    /// No longer accepted from this instant on, whenever it was that the key signed.
    #[must_use]
    pub fn valid_until(mut self, instant: EventTime) -> Self {
        self.until = Some(instant);
        self
    }

    /// Who holds the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    fn is_valid(&self, now: EventTime) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

/// So many of these keys must have signed: one of one, one of many, or n of m.
///
/// ```
/// use mlops_model::{SigningKey, TrustPolicy, TrustedKey};
///
/// let [alice, bob, carol] = [SigningKey::generate()?, SigningKey::generate()?, SigningKey::generate()?];
/// let policy = TrustPolicy::new(2, [
///     TrustedKey::new("alice", alice.public_key()),
///     TrustedKey::new("bob", bob.public_key()),
///     TrustedKey::new("carol", carol.public_key()),
/// ])?;
/// assert_eq!(policy.threshold(), 2);
/// # Ok::<(), mlops_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustPolicy {
    threshold: usize,
    keys: Vec<TrustedKey>,
}

impl TrustPolicy {
    /// `threshold` of these keys, each of which counts once, however often it has signed.
    ///
    /// # Errors
    /// [`Error::InvalidPolicy`] if the threshold is 0 or more than there are keys, or if a name or a key
    /// is given twice; [`Error::TooLarge`] beyond [`limit::TRUSTED_KEYS`].
    pub fn new(threshold: usize, keys: impl IntoIterator<Item = TrustedKey>) -> Result<Self> {
        let keys: Vec<TrustedKey> = keys.into_iter().collect();
        limit::check(
            "the number of trusted keys",
            keys.len(),
            limit::TRUSTED_KEYS,
        )?;
        let invalid = |reason: String| Err(Error::InvalidPolicy { reason });
        if threshold == 0 || threshold > keys.len() {
            let keys = keys.len();
            return invalid(format!("{threshold} of {keys} keys cannot be asked for"));
        }
        let (mut names, mut points) = (BTreeSet::new(), BTreeSet::new());
        for key in &keys {
            if key.name.is_empty() || key.name.len() > limit::NAME_BYTES {
                return invalid("a key's name is empty or too long".to_owned());
            }
            if !names.insert(&key.name) {
                return invalid(format!("two keys are named `{}`", key.name));
            }
            if !points.insert(key.key) {
                return invalid(format!("the key of `{}` is given twice", key.name));
            }
        }
        Ok(Self { threshold, keys })
    }

    /// One key, under the name of who holds it.
    ///
    /// # Errors
    /// [`Error::InvalidPolicy`] if the name is empty or too long.
    pub fn single(name: impl Into<String>, key: PublicKey) -> Result<Self> {
        Self::new(1, [TrustedKey::new(name, key)])
    }

    /// How many keys must have signed.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// The keys that count.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// The names of the keys that signed the blob and are valid at `now`, at least as many as are needed.
    ///
    /// Signatures that are by no trusted key are passed over: whoever can add one could as well leave it out.
    ///
    /// # Errors
    /// [`Error::Untrusted`] if there are too few, [`Error::TooLarge`] beyond [`limit::SIGNATURES`].
    ///
    /// # Complexity
    /// Up to one ECDSA check for each pair of a key and a signature, some 100 µs each.
    pub fn check(
        &self,
        blob: &[u8],
        signatures: &[BlobSignature],
        now: EventTime,
    ) -> Result<Vec<String>> {
        limit::check(
            "the number of signatures",
            signatures.len(),
            limit::SIGNATURES,
        )?;
        let signed = |key: &&TrustedKey| signatures.iter().any(|s| key.key.verify(blob, s).is_ok());
        let (valid, expired): (Vec<&TrustedKey>, Vec<_>) =
            self.keys.iter().partition(|key| key.is_valid(now));
        let names = |keys: Vec<&TrustedKey>| -> Vec<String> {
            let signed = keys.into_iter().filter(signed);
            signed.map(|key| key.name.clone()).collect()
        };
        let found = names(valid);
        if found.len() >= self.threshold {
            return Ok(found);
        }
        Err(Error::Untrusted {
            needed: self.threshold,
            found,
            outside_validity: names(expired),
            given: signatures.len(),
        })
    }
}
