//! Content digests (BLAKE3): the identity of bytes, tables, definitions and models.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The BLAKE3 digest of some content, printed as 64 hexadecimal digits.
///
/// ```
/// use mlops_core::Digest;
///
/// let digest = Digest::of(b"model bytes");
/// assert_eq!(digest.to_string().parse::<Digest>()?, digest);
/// assert_eq!(digest.short().len(), 12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The keyed digest of some bytes: without the key nobody can test a guess of them.
    pub fn keyed(key: &[u8; 32], bytes: &[u8]) -> Self {
        Self(*blake3::keyed_hash(key, bytes).as_bytes())
    }

    /// The digest of a value's JSON text. Maps in it must be ordered ones.
    ///
    /// # Panics
    /// If the value cannot be written as JSON, which is a bug of its type.
    pub fn of_json<T: Serialize + ?Sized>(value: &T) -> Self {
        Self::of(&serde_json::to_vec(value).expect("definitions of this SDK serialise"))
    }

    /// The digest that these bytes are: the result of a hash that was computed piece by piece.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(12);
        text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

impl FromStr for Digest {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        blake3::Hash::from_hex(text)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|_| Error::InvalidDigest {
                text: text.chars().take(80).collect(),
            })
    }
}

impl TryFrom<String> for Digest {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// Builds a digest from labelled parts, so that no two lists of parts share one.
#[derive(Debug, Default)]
pub struct DigestBuilder(blake3::Hasher);

impl DigestBuilder {
    /// Starts with nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part under a label. Lengths go in too: `("a", "bc")` differs from `("ab", "c")`.
    pub fn part(&mut self, label: &str, bytes: &[u8]) -> &mut Self {
        for piece in [label.as_bytes(), bytes] {
            self.0.update(&(piece.len() as u64).to_le_bytes());
            self.0.update(piece);
        }
        self
    }

    /// The digest of all parts in order.
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let digest = |parts: &[(&str, &str)]| {
            let mut builder = DigestBuilder::new();
            for (label, bytes) in parts {
                builder.part(label, bytes.as_bytes());
            }
            builder.finish()
        };
        assert_ne!(digest(&[("a", "bc")]), digest(&[("ab", "c")]));
        assert_ne!(digest(&[("a", ""), ("b", "")]), digest(&[("a", "b")]));
        assert!("xyz".parse::<Digest>().is_err());
        let keyed = |key: u8, text: &[u8]| Digest::keyed(&[key; 32], text);
        assert_eq!(keyed(1, b"a"), keyed(1, b"a"));
        assert!(keyed(1, b"a") != keyed(2, b"a") && keyed(1, b"a") != Digest::of(b"a"));
    }
}
