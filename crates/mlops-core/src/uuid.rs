//! Identifiers of 128 bits, as parts of keys.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The places of the hyphens in the text form.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// A universally unique identifier: 16 bytes, of whatever version.
///
/// ```
/// use mlops_core::Uuid;
///
/// let id = Uuid::parse("550E8400-E29B-41D4-A716-446655440000")?;
/// assert_eq!(id.to_string(), "550e8400-e29b-41d4-a716-446655440000");
/// assert_eq!(Uuid::parse("550e8400e29b41d4a716446655440000")?, id);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// Takes the bytes as they are.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads 32 hexadecimal digits in any case, with the four hyphens or with none.
    ///
    /// # Errors
    /// [`Error::InvalidUuid`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = || Error::InvalidUuid {
            text: text.chars().take(64).collect(),
        };
        let hyphened = text.len() == 36;
        if !hyphened && text.len() != 32 {
            return Err(invalid());
        }
        let (mut bytes, mut digits) = ([0; 16], 0);
        for (at, byte) in text.bytes().enumerate() {
            if hyphened && HYPHENS.contains(&at) {
                if byte != b'-' {
                    return Err(invalid());
                }
                continue;
            }
            let digit = char::from(byte).to_digit(16).ok_or_else(invalid)?;
            let digit = u8::try_from(digit).expect("below 16");
            // a misplaced hyphen is no digit, so there are 32 at most
            bytes[digits / 2] = bytes[digits / 2] << 4 | digit;
            digits += 1;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let hyphen = if [4, 6, 8, 10].contains(&at) { "-" } else { "" };
            write!(f, "{hyphen}{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for Uuid {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Uuid {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Uuid> for String {
    fn from(id: Uuid) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_text_forms_are_read() {
        for bad in [
            "",
            "550e8400-e29b-41d4-a716-44665544000",
            "550e8400-e29b-41d4-a716-4466554400000",
            "550e8400-e29b-41d4-a716-44665544000g",
            "550e8400ae29b-41d4-a716-446655440000",
            "{550e8400-e29b-41d4-a716-44665544000}",
            "550e8400e29b41d4a71644665544000é",
            "--------------------------------",
        ] {
            assert!(Uuid::parse(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn an_identifier_survives_its_text(bytes: [u8; 16]) {
            let id = Uuid::from_bytes(bytes);
            proptest::prop_assert_eq!(Uuid::parse(&id.to_string()).unwrap(), id);
        }
    }
}
