//! A column holds one of certain types.

use std::fmt;

use arrow::datatypes::DataType;
use mlops_core::Value;
use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, whole},
    values::is_text,
};
use crate::Result;

/// A kind of values, whatever the width: what a contract means by a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// True or false.
    Boolean,
    /// Whole numbers of any width.
    Integer,
    /// Real numbers of any width, and decimals.
    Real,
    /// Numbers, whole or real.
    Number,
    /// Texts.
    Text,
    /// Instants and dates.
    Time,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "booleans",
            Self::Integer => "whole numbers",
            Self::Real => "real numbers",
            Self::Number => "numbers",
            Self::Text => "texts",
            Self::Time => "times",
        })
    }
}

impl Kind {
    /// Whether a column of the type holds this kind.
    pub fn includes(self, data_type: &DataType) -> bool {
        let real = data_type.is_floating() || data_type.is_decimal();
        match self {
            Self::Boolean => *data_type == DataType::Boolean,
            Self::Integer => data_type.is_integer(),
            Self::Real => real,
            Self::Number => data_type.is_integer() || real,
            Self::Text => match data_type {
                DataType::Dictionary(_, values) => is_text(values),
                other => is_text(other),
            },
            Self::Time => matches!(
                data_type,
                DataType::Timestamp(..) | DataType::Date32 | DataType::Date64
            ),
        }
    }
}

/// See [`Expectation::of_type`](super::Expectation::of_type).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfType {
    pub(super) column: String,
    /// Types as Arrow prints them, such as `Int64`.
    pub(super) types: Vec<String>,
}

/// See [`Expectation::of_kind`](super::Expectation::of_kind).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfKind {
    pub(super) column: String,
    pub(super) kind: Kind,
}

impl Check for OfType {
    fn columns(&self) -> Vec<&str> {
        Vec::new()
    }

    fn words(&self) -> String {
        format!("`{}` holds {}", self.column, self.types.join(" or "))
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        if self.types.is_empty() {
            return Err(context.invalid("no type is named"));
        }
        if let Some(unknown) = self.types.iter().find(|t| t.parse::<DataType>().is_err()) {
            return Err(context.invalid(format!("`{unknown}` is no type")));
        }
        let found = context.column(&self.column)?.data_type();
        let known = self.types.iter().filter_map(|t| t.parse().ok());
        Ok(told(
            found,
            known.into_iter().any(|t: DataType| t == *found),
        ))
    }

    fn reads_rows(&self) -> bool {
        false
    }
}

impl Check for OfKind {
    fn columns(&self) -> Vec<&str> {
        Vec::new()
    }

    fn words(&self) -> String {
        format!("`{}` holds {}", self.column, self.kind)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let found = context.column(&self.column)?.data_type();
        Ok(told(found, self.kind.includes(found)))
    }

    fn reads_rows(&self) -> bool {
        false
    }
}

fn told(found: &DataType, passed: bool) -> Outcome {
    let text = found.to_string();
    whole(passed, text.clone(), Some(Value::Str(text)))
}
