//! One field of a view.

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType};

use super::FieldKind;

/// One field of a view: a value column that features are made from. Nulls are always allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub(super) name: String,
    pub(super) data_type: DataType,
    pub(super) kind: FieldKind,
    pub(super) unit: Option<String>,
    pub(super) source: Option<String>,
    pub(super) description: String,
    pub(super) pii: bool,
}

/// What a function makes of a field's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// One of them.
    Value,
    /// Their sum.
    Sum,
    /// A number about them.
    Measure,
}

impl Field {
    pub(super) fn new(name: String, data_type: DataType, kind: FieldKind) -> Self {
        Self {
            name,
            data_type,
            kind,
            unit: None,
            source: None,
            description: String::new(),
            pii: false,
        }
    }

    /// The field's name, which is its column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Arrow type that its values have in a table of events, and that its latest value has in a join.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// How its values are held and computed with.
    pub fn kind(&self) -> FieldKind {
        self.kind
    }

    /// The unit of its values, if one was stated.
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    /// The column of the source that it is read from: its own name unless stated otherwise.
    pub fn source(&self) -> &str {
        self.source.as_deref().unwrap_or(&self.name)
    }

    /// What it is; empty if nobody said.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether it is personal data.
    pub fn is_pii(&self) -> bool {
        self.pii
    }

    /// Whether a value means the same wherever it is held: decimals are held as their digits, bytes as texts of
    /// them, and durations as numbers.
    pub(crate) fn is_plain(&self) -> bool {
        let held_otherwise = matches!(
            self.data_type,
            DataType::Decimal128(..) | DataType::Duration(_) | DataType::FixedSizeBinary(_)
        );
        !held_otherwise && !self.data_type.is_binary()
    }

    /// The Arrow type of what a function that answers in `kind` makes of the values, if it can.
    pub(crate) fn output(&self, keeps: Keeps, kind: FieldKind) -> Option<DataType> {
        let decimal = match self.data_type {
            DataType::Decimal128(_, scale) => Some(scale),
            _ => None,
        };
        match (keeps, decimal) {
            (Keeps::Value, _) => Some(self.data_type.clone()),
            (Keeps::Sum, Some(scale)) => {
                Some(DataType::Decimal128(DECIMAL128_MAX_PRECISION, scale))
            }
            (Keeps::Sum, None) if matches!(self.data_type, DataType::Duration(_)) => {
                Some(self.data_type.clone())
            }
            // a mean of decimals would be a real number: nothing becomes one unasked
            (Keeps::Measure, Some(_)) if kind == FieldKind::Float => None,
            _ => Some(kind.data_type()),
        }
    }
}
