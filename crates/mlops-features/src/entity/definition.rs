//! The definition of an entity.

use arrow::datatypes::DataType;
use mlops_core::EntityName;

use super::KeyType;
use crate::{Error, Result};

/// What features describe, for instance a customer: a name and its key columns in order.
///
/// Two entities are equal if name and keys are: what people read about them plays no part.
///
/// ```
/// use mlops_features::{DataType, Entity};
///
/// let basket = Entity::new("basket", [("shop", DataType::Utf8), ("basket_id", DataType::FixedSizeBinary(16))])?
///     .note("basket_id", "given at the till", false)?;
/// assert_eq!(basket.keys().len(), 2);
/// assert!(Entity::new("basket", [("weight", DataType::Float64)]).is_err()); // not a key
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Entity {
    name: EntityName,
    keys: Vec<(String, DataType)>,
    notes: Vec<KeyNote>,
    description: String,
}

/// What people read about a key column; it changes no value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyNote {
    /// What the key is; empty if nobody said.
    pub description: String,
    /// Whether it identifies a person.
    pub pii: bool,
}

impl PartialEq for Entity {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.keys) == (&other.name, &other.keys)
    }
}

impl Eq for Entity {}

impl Entity {
    /// An entity with key columns; none makes the entity of views that join on time alone.
    ///
    /// A key is a whole number of any width (those of 64 bits without a sign must fit 63), `Utf8`, `LargeUtf8`
    /// or `Utf8View`, `Boolean`, `FixedSizeBinary(16)` for a UUID, or `Date32`.
    ///
    /// # Errors
    /// [`Error::Core`] for a bad name, [`Error::InvalidView`] if a key column is unnamed, named twice,
    /// or of another type.
    pub fn new<N: Into<String>>(
        name: impl Into<String>,
        keys: impl IntoIterator<Item = (N, DataType)>,
    ) -> Result<Self> {
        let name = EntityName::new(name)?;
        let keys: Vec<(String, DataType)> = keys
            .into_iter()
            .map(|(key, kind)| (key.into(), kind))
            .collect();
        for (i, (key, data_type)) in keys.iter().enumerate() {
            let reason = if key.is_empty() {
                format!("key column {i} of entity `{name}` has no name")
            } else if keys[..i].iter().any(|(other, _)| other == key) {
                format!("entity `{name}` has two key columns named `{key}`")
            } else if KeyType::of(data_type).is_none() {
                format!(
                    "key column `{key}` of entity `{name}` is {data_type}; a key is a whole number, a text, Boolean, FixedSizeBinary(16) or Date32"
                )
            } else {
                continue;
            };
            return Err(Error::InvalidView {
                view: name.to_string(),
                reason,
            });
        }
        Ok(Self {
            notes: vec![KeyNote::default(); keys.len()],
            name,
            keys,
            description: String::new(),
        })
    }

    /// The same entity with a description.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The same entity with a note on one key column.
    ///
    /// # Errors
    /// [`Error::InvalidView`] if it has no such key column.
    pub fn note(mut self, key: &str, description: impl Into<String>, pii: bool) -> Result<Self> {
        let at = self.keys.iter().position(|(name, _)| name == key);
        let at = at.ok_or_else(|| Error::InvalidView {
            view: self.name.to_string(),
            reason: format!("entity `{}` has no key column `{key}`", self.name),
        })?;
        self.notes[at] = KeyNote {
            description: description.into(),
            pii,
        };
        Ok(self)
    }

    /// The entity's name.
    pub fn name(&self) -> &EntityName {
        &self.name
    }

    /// What it is; empty if nobody said.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The key columns with their types, in the order of an [`EntityKey`](crate::EntityKey)'s parts.
    pub fn keys(&self) -> &[(String, DataType)] {
        &self.keys
    }

    /// What people read about each key column, in order.
    pub fn notes(&self) -> &[KeyNote] {
        &self.notes
    }

    pub(crate) fn key_types(&self) -> impl Iterator<Item = KeyType> + '_ {
        self.keys
            .iter()
            .map(|(_, data_type)| KeyType::of(data_type).expect("checked by `new`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_names_the_key_column_at_fault() {
        let check = |keys: &[(&str, DataType)], expect: &str| {
            let error = Entity::new("shop", keys.iter().cloned())
                .unwrap_err()
                .to_string();
            assert!(error.contains(expect), "{error}");
        };
        check(&[("", DataType::Int64)], "key column 0");
        check(
            &[("id", DataType::Int64), ("id", DataType::Utf8)],
            "two key columns named `id`",
        );
        check(
            &[("price", DataType::Float64)],
            "`price` of entity `shop` is Float64",
        );
        assert!(Entity::new("no name", [("id", DataType::Int64)]).is_err());
        assert!(Entity::new("world", Vec::<(String, DataType)>::new()).is_ok());
    }

    #[test]
    fn notes_do_not_tell_entities_apart() {
        let plain = Entity::new("shop", [("id", DataType::UInt16)]).unwrap();
        let noted = plain.clone().note("id", "the till's", true).unwrap();
        assert_eq!(plain, noted.clone().described("a shop"));
        assert!(noted.notes()[0].pii && noted.note("di", "", true).is_err());
    }
}
