//! A feature's value as it is computed, before it leaves the store.

use mlops_core::{EventTime, Value};

use crate::{aggregate::Item, index::Dictionary};

/// A value as the index holds it; a text is a code of its field's dictionary.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Scalar {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Code(u32),
    Time(i64),
    /// Values in order.
    List(Box<[Scalar]>),
    /// Categories in the order of their texts.
    Map(Box<[(Box<str>, Scalar)]>),
}

impl Scalar {
    pub(crate) fn count(count: u64) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The value of nothing of a count, or of a map.
    pub(crate) fn nothing(map: bool) -> Self {
        if map {
            Self::Map(Box::default())
        } else {
            Self::Int(0)
        }
    }

    /// The number, if it is one.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }
}

impl From<Item<'static>> for Scalar {
    fn from(item: Item<'static>) -> Self {
        match item {
            Item::Int(value) => Self::Int(value),
            Item::Float(value) => Self::Float(value),
            Item::Bool(value) => Self::Bool(value),
            Item::Time(value) => Self::Time(value),
            Item::Null | Item::Str(_) => Self::Null,
        }
    }
}

/// A scalar as it leaves the store.
pub(crate) fn to_value(scalar: &Scalar, words: Option<&Dictionary>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(*value),
        Scalar::Int(value) => Value::Int(*value),
        Scalar::Float(value) => Value::Float(*value),
        Scalar::Time(value) => Value::Time(EventTime::from_micros(*value)),
        Scalar::Code(code) => {
            let words = words.expect("only a field of texts gives a code");
            Value::Str(words.word(*code).to_owned())
        }
        Scalar::List(items) => {
            Value::List(items.iter().map(|item| to_value(item, words)).collect())
        }
        Scalar::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(name, value)| (name.to_string(), to_value(value, None)));
            Value::Map(entries.collect())
        }
    }
}
