//! Sealed values for an online store.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use mlops_core::{EntityKey, ViewName};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};

use super::KeyRing;
use crate::{Error, Result, entity};

/// The version of the form, and the first byte of it.
const VERSION: u8 = 1;
/// Version and length of the key's name.
const HEAD: usize = 2;

/// Encrypts packed values so that each opens only under the view and entity key that it was sealed for.
///
/// A sealed value is `version ‖ length of the key's name ‖ name ‖ nonce ‖ ciphertext ‖ tag`: 30 bytes and the name
/// longer than the value. View, entity key and all that stands before the ciphertext are authenticated with it, so a
/// value that is moved to another key, or altered in any bit, does not open. It can be rolled back to an earlier value
/// of the same key: that is for the store's event times to tell.
///
/// ```
/// use mlops_core::ViewName;
/// use mlops_features::{KeyRing, Sealer, SecretKey};
///
/// let ring = KeyRing::new()
///     .with("2025", SecretKey::new([1; 32]))?
///     .with("2026", SecretKey::new([2; 32]))?;
/// let (old, new) = (Sealer::new(&ring, "2025")?, Sealer::new(&ring, "2026")?);
/// let view = ViewName::new("purchase")?;
///
/// let sealed = old.seal(&view, &7.into(), b"packed")?;
/// assert_eq!(new.open(&view, &7.into(), &sealed)?, b"packed"); // both keys are on the ring
/// assert!(new.open(&view, &8.into(), &sealed).is_err());
/// # Ok::<(), mlops_features::Error>(())
/// ```
///
/// # Limits
///
/// Nonces are random: seal at most 2^32 values under one key, then make another the current one.
pub struct Sealer {
    keys: BTreeMap<String, LessSafeKey>,
    current: String,
    random: SystemRandom,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({})", self.current)
    }
}

impl Sealer {
    /// Seals under one key of the ring and opens under all of them.
    ///
    /// # Errors
    /// [`Error::MissingKey`] if the ring does not have the current key.
    pub fn new(ring: &KeyRing, current: impl Into<String>) -> Result<Self> {
        let current = current.into();
        ring.need(&current, "online store", "values")?;
        let keys = ring.iter().map(|(name, key)| {
            let key = UnboundKey::new(&AES_256_GCM, key.bytes()).expect("a key has 32 bytes");
            (name.to_owned(), LessSafeKey::new(key))
        });
        Ok(Self {
            keys: keys.collect(),
            current,
            random: SystemRandom::new(),
        })
    }

    /// Encrypts a value of an entity key.
    ///
    /// # Errors
    /// [`Error::Random`] if the operating system gives no random numbers.
    pub fn seal(&self, view: &ViewName, key: &EntityKey, value: &[u8]) -> Result<Vec<u8>> {
        self.seal_at(&Place::of(view, key), value)
    }

    pub(super) fn seal_at(&self, place: &Place<'_>, value: &[u8]) -> Result<Vec<u8>> {
        let name = self.current.as_bytes();
        let body = HEAD + name.len() + NONCE_LEN;
        let mut sealed = Vec::with_capacity(body + value.len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.push(u8::try_from(name.len()).expect("a ring bounds the names"));
        sealed.extend_from_slice(name);
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| Error::Random)?;
        sealed.extend_from_slice(&nonce);
        let aad = place.authenticated(&sealed);
        sealed.extend_from_slice(value);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let secret = &self.keys[&self.current];
        let tag = secret
            .seal_in_place_separate_tag(nonce, Aad::from(aad), &mut sealed[body..])
            .map_err(|_| too_long(value))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Decrypts what was sealed for this view and entity key.
    ///
    /// # Errors
    /// [`Error::MissingKey`] if its key is not on the ring, [`Error::Undecryptable`] if it was sealed for another
    /// place or is not what was written.
    pub fn open(&self, view: &ViewName, key: &EntityKey, sealed: &[u8]) -> Result<Vec<u8>> {
        self.open_at(&Place::of(view, key), sealed)
    }

    pub(super) fn open_at(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>> {
        let broken = || Error::Undecryptable {
            place: place.name.to_owned(),
            what: "a sealed value".to_owned(),
        };
        let [VERSION, length, rest @ ..] = sealed else {
            return Err(broken());
        };
        let (name, rest) = rest
            .split_at_checked(usize::from(*length))
            .ok_or_else(broken)?;
        let (nonce, value) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(broken)?;
        let name = std::str::from_utf8(name).map_err(|_| broken())?;
        let secret = self.keys.get(name).ok_or_else(|| Error::MissingKey {
            place: place.name.to_owned(),
            what: "a sealed value".to_owned(),
            key: name.to_owned(),
        })?;
        let aad = place.authenticated(&sealed[..sealed.len() - value.len()]);
        let mut value = value.to_vec();
        let opened = secret.open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(aad),
            &mut value,
        );
        let length = opened.map_err(|_| broken())?.len();
        value.truncate(length);
        Ok(value)
    }

    /// The name of the key that a value was sealed under, to find the ones that still need the current one.
    ///
    /// # Errors
    /// [`Error::Undecryptable`] if it is no sealed value.
    pub fn key_of(sealed: &[u8]) -> Result<&str> {
        let broken = || Error::Undecryptable {
            place: "online store".to_owned(),
            what: "a sealed value".to_owned(),
        };
        let [VERSION, length, rest @ ..] = sealed else {
            return Err(broken());
        };
        let name = rest.get(..usize::from(*length)).ok_or_else(broken)?;
        std::str::from_utf8(name).map_err(|_| broken())
    }
}

/// Where a value belongs.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// Views and tables are different places also where they share a name.
    sort: u8,
    name: &'a str,
    key: Cow<'a, [u8]>,
}

impl<'a> Place<'a> {
    fn of(view: &'a ViewName, key: &EntityKey) -> Self {
        let mut bytes = Vec::with_capacity(64);
        entity::encode(key, &mut bytes);
        Self {
            sort: 0,
            name: view.as_str(),
            key: bytes.into(),
        }
    }

    /// A key of a table of an online store.
    pub(super) fn table(name: &'a str, key: &'a [u8]) -> Self {
        Self {
            sort: 1,
            name,
            key: key.into(),
        }
    }

    /// What is authenticated beside the value: lengths first, so that no two places share their bytes.
    fn authenticated(&self, head: &[u8]) -> Vec<u8> {
        let length = head.len() + self.name.len() + self.key.len() + 25;
        let mut bytes = Vec::with_capacity(length);
        bytes.push(self.sort);
        for part in [head, self.name.as_bytes(), &self.key] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

fn too_long(value: &[u8]) -> Error {
    Error::InvalidParameter {
        parameter: "value",
        value: format!("{} bytes long", value.len()),
        rule: "AES-GCM encrypts at most 64 GiB at once",
    }
}
