//! Entities: what features describe, and the typed key columns that identify one.
//!
//! A key part is a whole number, a text or a boolean. Keys compare by type and value and a null key
//! equals nothing, so two keys that merely read alike never share a feature.

use arrow::datatypes::DataType;
use mlops_core::{EntityKey, EntityName, KeyPart};
use serde::Serialize;

use crate::{Error, Result};

/// What features describe, for instance a customer: a name and its key columns in order.
///
/// ```
/// use mlops_features::{DataType, Entity};
///
/// let basket = Entity::new("basket", [("shop", DataType::Utf8), ("basket_id", DataType::Int64)])?;
/// assert_eq!(basket.keys().len(), 2);
/// assert!(Entity::new("basket", [("weight", DataType::Float64)]).is_err()); // not a key
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    name: EntityName,
    keys: Vec<(String, DataType)>,
}

impl Entity {
    /// An entity with key columns; none makes the entity of views that join on time alone.
    ///
    /// # Errors
    /// [`Error::Core`] for a bad name, [`Error::InvalidView`] if a key column is unnamed, named twice,
    /// or is neither `Int64`, `Utf8` nor `Boolean`.
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
                    "key column `{key}` of entity `{name}` is {data_type}; a key is Int64, Utf8 or Boolean"
                )
            } else {
                continue;
            };
            return Err(Error::InvalidView {
                view: name.to_string(),
                reason,
            });
        }
        Ok(Self { name, keys })
    }

    /// The entity's name.
    pub fn name(&self) -> &EntityName {
        &self.name
    }

    /// The key columns with their types, in the order of an [`EntityKey`]'s parts.
    pub fn keys(&self) -> &[(String, DataType)] {
        &self.keys
    }

    pub(crate) fn key_types(&self) -> impl Iterator<Item = KeyType> + '_ {
        self.keys
            .iter()
            .map(|(_, data_type)| KeyType::of(data_type).expect("checked by `new`"))
    }
}

/// The type of one key column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyType {
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A text.
    Str,
}

impl KeyType {
    /// The key type that an Arrow column has, if it can be a key.
    pub fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Boolean => Some(Self::Bool),
            DataType::Int64 => Some(Self::Int),
            DataType::Utf8 => Some(Self::Str),
            _ => None,
        }
    }

    /// The Arrow type of a column of such keys.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Str => DataType::Utf8,
        }
    }

    /// Whether a part of a key has this type.
    pub fn fits(self, part: &KeyPart) -> bool {
        matches!(
            (self, part),
            (Self::Bool, KeyPart::Bool(_))
                | (Self::Int, KeyPart::Int(_))
                | (Self::Str, KeyPart::Str(_))
        )
    }
}

/// A struct that is an entity key; `#[derive(Entity)]` writes it, all fields are key columns.
///
/// ```
/// use mlops_features::{Entity, EntityRow};
///
/// #[derive(Entity)]
/// struct Customer { customer_id: i64 }
///
/// assert_eq!(Customer::entity().name().as_str(), "customer");
/// assert_eq!(Customer { customer_id: 17850 }.key(), 17850.into());
/// ```
pub trait EntityRow {
    /// The entity's name: the struct's in snake case, or what `#[entity(name = "…")]` states.
    const NAME: &'static str;
    /// The key columns with their types, in order.
    const KEYS: &'static [(&'static str, KeyType)];

    /// The key of this value.
    fn key(&self) -> EntityKey;

    /// The entity.
    ///
    /// # Panics
    /// If a hand-written `NAME` or `KEYS` is not valid; the derive checks both when it is expanded.
    fn entity() -> Entity {
        let keys = Self::KEYS
            .iter()
            .map(|(key, kind)| (*key, kind.data_type()));
        Entity::new(Self::NAME, keys).expect("the derive checks names and keys")
    }
}

/// A Rust type that can be a part of an entity key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a part of an entity key",
    note = "a key part is a whole number of at most 64 bits signed, a `String` or a `bool`"
)]
pub trait KeyValue {
    /// The type of the key column.
    const TYPE: KeyType;

    /// The part that this value makes.
    fn part(&self) -> KeyPart;
}

macro_rules! whole_keys {
    ($($type:ty)*) => {$(
        impl KeyValue for $type {
            const TYPE: KeyType = KeyType::Int;
            fn part(&self) -> KeyPart {
                KeyPart::Int(i64::from(*self))
            }
        }
    )*};
}
whole_keys!(i8 i16 i32 i64 u8 u16 u32);

impl KeyValue for bool {
    const TYPE: KeyType = KeyType::Bool;
    fn part(&self) -> KeyPart {
        KeyPart::Bool(*self)
    }
}

impl KeyValue for String {
    const TYPE: KeyType = KeyType::Str;
    fn part(&self) -> KeyPart {
        KeyPart::Str(self.clone())
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
}
