//! Structs that are entity keys.

use mlops_core::{Date, EntityKey, KeyPart, Uuid};

use super::{Entity, KeyType};

/// A struct that is an entity key; `#[derive(Entity)]` writes it, all fields are key columns.
///
/// ```
/// use mlops_features::{Entity, EntityRow};
///
/// /// Who buys.
/// #[derive(Entity)]
/// struct Customer {
///     /// Given at the first purchase.
///     #[entity(pii)]
///     customer_id: i64,
/// }
///
/// let entity = Customer::entity();
/// assert_eq!((entity.name().as_str(), entity.description()), ("customer", "Who buys."));
/// assert!(entity.notes()[0].pii);
/// assert_eq!(Customer { customer_id: 17850 }.key(), 17850.into());
/// ```
pub trait EntityRow {
    /// The entity's name: the struct's in snake case, or what `#[entity(name = "…")]` states.
    const NAME: &'static str;
    /// The key columns with their types, in order.
    const KEYS: &'static [(&'static str, KeyType)];
    /// What the entity is; the struct's doc comment.
    const DESCRIPTION: &'static str = "";
    /// What each key is and whether it identifies a person, in order; keys past its end have no note.
    const NOTES: &'static [(&'static str, bool)] = &[];

    /// The key of this value.
    fn key(&self) -> EntityKey;

    /// The entity.
    ///
    /// # Panics
    /// If a hand-written `NAME` or `KEYS` is not valid; the derive checks both when it is expanded.
    fn entity() -> Entity {
        let keys = Self::KEYS.iter();
        let keys = keys.map(|(key, kind)| (*key, kind.data_type()));
        let entity = Entity::new(Self::NAME, keys).expect("the derive checks names and keys");
        let noted = Self::KEYS.iter().zip(Self::NOTES);
        noted.fold(
            entity.described(Self::DESCRIPTION),
            |entity, ((key, _), (description, pii))| {
                let noted = entity.note(key, *description, *pii);
                noted.expect("the key is one of the entity's")
            },
        )
    }
}

/// A Rust type that can be a part of an entity key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a part of an entity key",
    note = "a key part is a whole number of at most 64 bits signed, a `String`, a `bool`, a `Uuid` or a `Date`"
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

impl KeyValue for Uuid {
    const TYPE: KeyType = KeyType::Uuid;
    fn part(&self) -> KeyPart {
        KeyPart::Uuid(*self)
    }
}

impl KeyValue for Date {
    const TYPE: KeyType = KeyType::Date;
    fn part(&self) -> KeyPart {
        KeyPart::Date(*self)
    }
}
