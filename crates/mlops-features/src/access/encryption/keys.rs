//! Keys by name, and which key goes where in a file.

use std::{collections::BTreeMap, sync::Arc};

use crate::{Error, FeatureView, Field, Result, access::SecretKey};

/// The longest name of a key, in bytes: its length is one byte in a sealed value.
const MAX_NAME: usize = 255;

/// Secret keys by name; cheap to clone, and prints only the names.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(BTreeMap<String, Arc<SecretKey>>);

impl KeyRing {
    /// A ring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key under a name of 1 to 255 bytes, which is written beside whatever is encrypted with it.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the name has another length or is taken: a name never means two keys.
    pub fn with(mut self, name: impl Into<String>, key: SecretKey) -> Result<Self> {
        let name = name.into();
        let fits = (1..=MAX_NAME).contains(&name.len());
        if !fits || self.0.contains_key(&name) {
            return Err(Error::InvalidParameter {
                parameter: "key name",
                value: name.chars().take(64).collect(),
                rule: "it has 1 to 255 bytes and is not taken",
            });
        }
        self.0.insert(name, Arc::new(key));
        Ok(self)
    }

    /// The names of the keys.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn get(&self, name: &str) -> Option<&SecretKey> {
        self.0.get(name).map(Arc::as_ref)
    }

    /// All keys by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &SecretKey)> {
        self.0
            .iter()
            .map(|(name, key)| (name.as_str(), key.as_ref()))
    }

    /// The key, or the error that it was not given.
    pub(super) fn need(&self, name: &str, place: &str, what: &str) -> Result<&SecretKey> {
        self.get(name).ok_or_else(|| Error::MissingKey {
            place: place.to_owned(),
            what: what.to_owned(),
            key: name.chars().take(MAX_NAME).collect(),
        })
    }
}

/// Which key of a [`KeyRing`] encrypts which column of a file.
///
/// ```
/// use mlops_features::KeyPlan;
///
/// let plan = KeyPlan::new("features-2026").column("phone", "personal-2026");
/// assert_eq!(plan.key_of("phone"), "personal-2026");
/// assert_eq!(plan.key_of("amount"), "features-2026");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlan {
    main: String,
    columns: BTreeMap<String, String>,
}

impl KeyPlan {
    /// One key for the footer, which names all columns, and for every column that gets none of its own.
    pub fn new(main: impl Into<String>) -> Self {
        Self {
            main: main.into(),
            columns: BTreeMap::new(),
        }
    }

    /// A key for one column: who lacks it can still read the others.
    #[must_use]
    pub fn column(mut self, column: impl Into<String>, key: impl Into<String>) -> Self {
        self.columns.insert(column.into(), key.into());
        self
    }

    /// One key for the personal data of a view, keys of entities included, and one for all else.
    pub fn for_view(view: &FeatureView, main: impl Into<String>, personal: &str) -> Self {
        let keys = view.entity().keys().iter().zip(view.entity().notes());
        let keys = keys
            .filter(|(_, note)| note.pii)
            .map(|((key, _), _)| key.as_str());
        let fields = view.fields().iter().filter(|field| field.is_pii());
        let columns = keys.chain(fields.map(Field::name));
        columns.fold(Self::new(main), |plan, column| {
            plan.column(column, personal)
        })
    }

    /// The key of the footer.
    pub fn main(&self) -> &str {
        &self.main
    }

    /// The key of a column.
    pub fn key_of(&self, column: &str) -> &str {
        self.columns.get(column).unwrap_or(&self.main)
    }

    /// The columns that have a key of their own.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_prints_names_and_takes_each_once() {
        let ring = KeyRing::new().with("a", SecretKey::new([250; 32])).unwrap();
        assert_eq!(format!("{ring:?}"), r#"KeyRing({"a": SecretKey(…)})"#);
        assert!(ring.clone().with("a", SecretKey::new([1; 32])).is_err());
        assert!(ring.clone().with("", SecretKey::new([1; 32])).is_err());
        let long = "x".repeat(256);
        assert!(ring.clone().with(long, SecretKey::new([1; 32])).is_err());
        assert!(ring.need("b", "f", "footer").is_err());
    }
}
