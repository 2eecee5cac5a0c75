//! Entity keys as bytes: typed and length-prefixed, so that no two keys share a form.
//!
//! One byte for the number of parts, then each part with a byte for its type; texts carry their length.
//! `("1", "23")`, `("12", "3")`, `(1, "23")` and `("123")` are four different keys in every backend.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use mlops_core::{Date, EntityKey, KeyPart, Uuid};

const BOOL: u8 = 1;
const INT: u8 = 2;
const STR: u8 = 3;
const UUID: u8 = 4;
const DATE: u8 = 5;

/// The bytes under which a backend keeps the state of one entity.
///
/// ```
/// use mlops_features::{EntityKey, online::StoreKey};
///
/// let glued = |a: &str, b: &str| StoreKey::new(&EntityKey::new([a.into(), b.into()]));
/// assert_ne!(glued("1", "23"), glued("12", "3"));
/// assert_eq!(glued("1", "23").entity(), Some(EntityKey::new(["1".into(), "23".into()])));
/// ```
#[derive(Clone)]
pub struct StoreKey(Form);

/// Keys of a number, a day or a UUID are no allocation of their own, and stand in a map's own memory.
#[derive(Clone)]
enum Form {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

const SHORT: usize = 22;

impl StoreKey {
    /// The bytes of a key.
    pub fn new(key: &EntityKey) -> Self {
        let size = |part: &KeyPart| match part {
            KeyPart::Bool(_) => 2,
            KeyPart::Int(_) => 9,
            KeyPart::Str(text) => 9 + text.len(),
            KeyPart::Uuid(_) => 17,
            KeyPart::Date(_) => 5,
        };
        if let [KeyPart::Int(value)] = key.parts() {
            let mut bytes = [0; SHORT];
            bytes[..2].copy_from_slice(&[1, INT]);
            bytes[2..10].copy_from_slice(&value.to_le_bytes());
            return Self(Form::Short(10, bytes));
        }
        // to the byte, so that it is not moved when it becomes a box
        let mut bytes = Vec::with_capacity(1 + key.parts().iter().map(size).sum::<usize>());
        bytes.push(u8::try_from(key.parts().len()).unwrap_or(u8::MAX));
        for part in key.parts() {
            match part {
                KeyPart::Bool(value) => bytes.extend([BOOL, u8::from(*value)]),
                KeyPart::Int(value) => {
                    bytes.push(INT);
                    bytes.extend(value.to_le_bytes());
                }
                KeyPart::Str(text) => {
                    bytes.push(STR);
                    bytes.extend((text.len() as u64).to_le_bytes());
                    bytes.extend(text.as_bytes());
                }
                KeyPart::Uuid(value) => {
                    bytes.push(UUID);
                    bytes.extend(value.as_bytes());
                }
                KeyPart::Date(value) => {
                    bytes.push(DATE);
                    bytes.extend(value.days().to_le_bytes());
                }
            }
        }
        Self::from_bytes(bytes)
    }

    /// A key out of bytes that a backend kept.
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Self {
        let bytes: Box<[u8]> = bytes.into();
        match u8::try_from(bytes.len()) {
            Ok(length) if bytes.len() <= SHORT => {
                let mut short = [0; SHORT];
                short[..bytes.len()].copy_from_slice(&bytes);
                Self(Form::Short(length, short))
            }
            _ => Self(Form::Long(bytes)),
        }
    }

    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Form::Short(length, bytes) => &bytes[..usize::from(*length)],
            Form::Long(bytes) => bytes,
        }
    }

    /// The key that has these bytes, if one has.
    pub fn entity(&self) -> Option<EntityKey> {
        let (count, mut rest) = self.as_bytes().split_first()?;
        let mut parts = Vec::with_capacity(usize::from(*count).min(rest.len()));
        while let Some((kind, tail)) = rest.split_first() {
            rest = match *kind {
                BOOL => {
                    let (value, tail) = tail.split_first()?;
                    parts.push(KeyPart::Bool(match value {
                        0 => false,
                        1 => true,
                        _ => return None,
                    }));
                    tail
                }
                INT => {
                    let (value, tail) = tail.split_first_chunk()?;
                    parts.push(KeyPart::Int(i64::from_le_bytes(*value)));
                    tail
                }
                STR => {
                    let (length, tail) = tail.split_first_chunk()?;
                    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
                    let (text, tail) = tail.split_at_checked(length)?;
                    parts.push(KeyPart::Str(std::str::from_utf8(text).ok()?.to_owned()));
                    tail
                }
                UUID => {
                    let (value, tail) = tail.split_first_chunk()?;
                    parts.push(KeyPart::Uuid(Uuid::from_bytes(*value)));
                    tail
                }
                DATE => {
                    let (value, tail) = tail.split_first_chunk()?;
                    let days = i32::from_le_bytes(*value);
                    parts.push(KeyPart::Date(Date::from_days(days)?));
                    tail
                }
                _ => return None,
            };
        }
        let counted = u8::try_from(parts.len()).unwrap_or(u8::MAX) == *count;
        counted.then(|| EntityKey::new(parts))
    }
}

impl PartialEq for StoreKey {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            // what stands behind a short key is 0
            (Form::Short(a, left), Form::Short(b, right)) => a == b && left == right,
            _ => self.as_bytes() == other.as_bytes(),
        }
    }
}

impl Eq for StoreKey {}

impl PartialOrd for StoreKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for StoreKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for StoreKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(key) = self.entity() {
            return write!(f, "{key}");
        }
        self.as_bytes()
            .iter()
            .take(32)
            .try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part() -> impl Strategy<Value = KeyPart> {
        prop_oneof![
            any::<bool>().prop_map(KeyPart::Bool),
            any::<i64>().prop_map(KeyPart::Int),
            ".{0,6}".prop_map(KeyPart::Str),
            any::<[u8; 16]>().prop_map(|bytes| KeyPart::Uuid(Uuid::from_bytes(bytes))),
            (-100_000..100_000).prop_map(|days| KeyPart::Date(Date::from_days(days).unwrap())),
        ]
    }

    proptest! {
        #[test]
        fn every_key_comes_back_from_its_bytes(parts in prop::collection::vec(part(), 0..5)) {
            let key = EntityKey::new(parts);
            prop_assert_eq!(StoreKey::new(&key).entity(), Some(key));
        }

        #[test]
        fn no_bytes_bring_the_reader_down(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let key = StoreKey::from_bytes(bytes.clone());
            if let Some(entity) = key.entity() {
                prop_assert_eq!(StoreKey::new(&entity), key);
            }
        }
    }
}
