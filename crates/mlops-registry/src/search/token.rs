//! Page tokens: where a page ended, so that the next one begins there whatever was added meanwhile.
//!
//! A token names the place of the last result in the order of its search, and the search itself by a
//! digest: a token of another search is refused, and so is one that was changed. It is no secret.

use mlops_core::{Digest, DigestBuilder};

use crate::{Error, Result, TrackingError};

/// What a token may hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// There is none: it comes last.
    Missing,
    Integer(i64),
    /// A number, or NaN.
    Real(f64),
    Text(String),
}

/// The place where a page ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PageToken {
    scope: Digest,
    values: Vec<Value>,
}

/// The format; another one is refused.
const VERSION: u8 = 1;
/// How much of a digest a token carries.
const CHECK: usize = 12;
/// The longest token that is read, in bytes.
const LONGEST: usize = 262_144;

impl PageToken {
    /// The digest of a search: everything that decides which results it has, and in what order.
    pub(crate) fn scope(parts: &[&str]) -> Digest {
        let mut builder = DigestBuilder::new();
        for part in parts {
            builder.part("part", part.as_bytes());
        }
        builder.finish()
    }

    pub(crate) fn new(scope: Digest, values: Vec<Value>) -> Self {
        Self { scope, values }
    }

    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    pub(crate) fn write(&self) -> String {
        let mut bytes = vec![VERSION];
        for value in &self.values {
            match value {
                Value::Missing => bytes.push(0),
                Value::Integer(number) => {
                    bytes.push(1);
                    bytes.extend(number.to_be_bytes());
                }
                Value::Real(number) => {
                    bytes.push(2);
                    bytes.extend(number.to_bits().to_be_bytes());
                }
                Value::Text(text) => {
                    bytes.push(3);
                    // no text in the database is longer than SQLite's own limit of 2^31 bytes
                    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
                    bytes.extend(length.to_be_bytes());
                    bytes.extend(text.as_bytes());
                }
            }
        }
        let check = self.check(&bytes);
        bytes.extend(check);
        bytes
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|half| char::from(b"0123456789abcdef"[usize::from(half)]))
            .collect()
    }

    /// Reads a token of the search with that digest.
    pub(crate) fn read(text: &str, scope: Digest) -> Result<Self> {
        let refused = |reason| -> Error { TrackingError::InvalidPageToken { reason }.into() };
        if text.len() > LONGEST {
            return Err(refused("it is too long"));
        }
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        let Some(digits) = digits.filter(|digits| digits.len() % 2 == 0) else {
            return Err(refused("it is no token of ours"));
        };
        let bytes: Vec<u8> = digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        let Some(at) = bytes.len().checked_sub(CHECK) else {
            return Err(refused("it is too short"));
        };
        let (bytes, check) = bytes.split_at(at);
        let token = Self {
            scope,
            values: Vec::new(),
        };
        if token.check(bytes) != check {
            return Err(refused("it is not of this search"));
        }
        let values = match bytes.split_first() {
            Some((&VERSION, rest)) => values(rest),
            _ => None,
        };
        match values {
            Some(values) => Ok(Self { scope, values }),
            None => Err(refused("it does not read back")),
        }
    }

    fn check(&self, bytes: &[u8]) -> [u8; CHECK] {
        let digest = DigestBuilder::new()
            .part("search", self.scope.to_string().as_bytes())
            .part("place", bytes)
            .finish()
            .to_string();
        let mut check = [0; CHECK];
        check.copy_from_slice(&digest.as_bytes()[..CHECK]);
        check
    }
}

fn values(mut bytes: &[u8]) -> Option<Vec<Value>> {
    let mut values = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        let (value, rest) = match kind {
            0 => (Value::Missing, rest),
            1 => {
                let (number, rest) = rest.split_first_chunk()?;
                (Value::Integer(i64::from_be_bytes(*number)), rest)
            }
            2 => {
                let (number, rest) = rest.split_first_chunk()?;
                let bits = u64::from_be_bytes(*number);
                (Value::Real(f64::from_bits(bits)), rest)
            }
            3 => {
                let (length, rest) = rest.split_first_chunk()?;
                let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
                let (text, rest) = rest.split_at_checked(length)?;
                let text = String::from_utf8(text.to_vec()).ok()?;
                (Value::Text(text), rest)
            }
            _ => return None,
        };
        values.push(value);
        bytes = rest;
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> PageToken {
        PageToken::new(
            PageToken::scope(&["runs", "metrics.a > 1"]),
            vec![
                Value::Real(f64::NEG_INFINITY),
                Value::Missing,
                Value::Integer(-7),
                Value::Text("é".into()),
            ],
        )
    }

    #[test]
    fn a_token_reads_back_in_its_own_search_alone() {
        let text = token().write();
        let scope = token().scope;
        assert_eq!(PageToken::read(&text, scope).unwrap(), token());
        let other = PageToken::scope(&["runs", "metrics.a > 2"]);
        assert!(PageToken::read(&text, other).is_err());
        // the parts of a scope do not run into each other
        assert_ne!(
            PageToken::scope(&["a", "bc"]),
            PageToken::scope(&["ab", "c"])
        );
    }

    #[test]
    fn a_changed_or_foreign_token_is_refused() {
        let text = token().write();
        let scope = token().scope;
        for bad in ["", "zz", "0", "00", "eyJvZmZzZXQiOiAxfQ==", &text[2..], "é"] {
            assert!(PageToken::read(bad, scope).is_err(), "{bad}");
        }
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(PageToken::read(&changed, scope).is_err(), "{at}");
        }
    }
}
