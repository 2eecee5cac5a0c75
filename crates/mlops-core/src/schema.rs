//! What a table's columns mean: their type, role, unit and whether nulls are allowed.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

use crate::{Error, EventTime, Result};

/// The metadata key of a field's role.
const ROLE: &str = "mlops:role";
/// The metadata key of a field's unit.
const UNIT: &str = "mlops:unit";

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A part of the entity key.
    Key,
    /// When the fact became true. At most one column.
    EventTime,
    /// When the fact became known. At most one column.
    CreatedTime,
    /// What was measured.
    Value,
    /// What is to be predicted. At most one column.
    Label,
    /// How much a row counts in training and evaluation. At most one column.
    Weight,
}

/// One column of a [`TableSchema`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    name: String,
    data_type: DataType,
    role: Role,
    nullable: bool,
    unit: Option<String>,
}

impl Column {
    /// A column with a role; keys and times are not nullable, values and labels are.
    pub fn new(name: impl Into<String>, data_type: DataType, role: Role) -> Self {
        Self {
            name: name.into(),
            data_type,
            role,
            nullable: matches!(role, Role::Value | Role::Label),
            unit: None,
        }
    }

    /// A part of the entity key.
    pub fn key(name: impl Into<String>, data_type: DataType) -> Self {
        Self::new(name, data_type, Role::Key)
    }

    /// The event time column.
    pub fn event_time(name: impl Into<String>) -> Self {
        Self::new(name, EventTime::data_type(), Role::EventTime)
    }

    /// A nullable value column.
    pub fn value(name: impl Into<String>, data_type: DataType) -> Self {
        Self::new(name, data_type, Role::Value)
    }

    /// States whether nulls are allowed.
    #[must_use]
    pub fn nullable(mut self, nullable: bool) -> Self {
        self.nullable = nullable;
        self
    }

    /// States the unit of the values, for instance `GBP` or `days`.
    #[must_use]
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = Some(unit.into());
        self
    }

    /// The column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Arrow type of the values.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// What the column is for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The Arrow field; role and unit go into its metadata, so that they travel with the data.
    fn to_field(&self) -> Field {
        let role = format!("{:?}", self.role);
        let unit = self.unit.iter().map(|u| (UNIT.to_owned(), u.clone()));
        Field::new(&self.name, self.data_type.clone(), self.nullable)
            .with_metadata(unit.chain([(ROLE.to_owned(), role)]).collect())
    }

    fn from_field(field: &Field) -> Result<Self> {
        let role = match field.metadata().get(ROLE).map(String::as_str) {
            Some("Key") => Role::Key,
            Some("EventTime") => Role::EventTime,
            Some("CreatedTime") => Role::CreatedTime,
            Some("Label") => Role::Label,
            Some("Weight") => Role::Weight,
            Some("Value") | None => Role::Value,
            Some(other) => {
                return Err(Error::InvalidSchema {
                    reason: format!("column `{}` has the unknown role `{other}`", field.name()),
                });
            }
        };
        Ok(Self {
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            role,
            nullable: field.is_nullable(),
            unit: field.metadata().get(UNIT).cloned(),
        })
    }

    /// Whether nulls are allowed.
    pub fn is_nullable(&self) -> bool {
        self.nullable
    }

    /// Whether it holds lists or maps instead of single values.
    pub fn is_nested(&self) -> bool {
        self.data_type.is_nested()
    }

    /// The unit of the values, if one was stated.
    pub fn unit_name(&self) -> Option<&str> {
        self.unit.as_deref()
    }
}

/// The columns of a table, in order; names are unique, each time role has at most one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSchema {
    columns: Vec<Column>,
    arrow: SchemaRef,
}

impl TableSchema {
    /// Checks the columns against each other.
    ///
    /// # Errors
    /// [`Error::InvalidSchema`] if a name is empty or taken twice, if a single role has two columns,
    /// if a time column is not [`EventTime::data_type`], or if a column is nested in a way that a table does not
    /// hold: a value column may be a list of booleans, 64-bit numbers, texts or instants, or a map from
    /// texts to them, with Arrow's usual names of the inner fields; all else has single values.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Result<Self> {
        let columns: Vec<Column> = columns.into_iter().collect();
        let invalid = |reason| Err(Error::InvalidSchema { reason });
        let mut names = BTreeSet::new();
        for (i, column) in columns.iter().enumerate() {
            if column.name.is_empty() {
                return invalid(format!("column {i} has no name"));
            }
            let earlier = &columns[..i];
            if !names.insert(&column.name) {
                return invalid(format!("two columns are named `{}`", column.name));
            }
            if column.is_nested() && (column.role != Role::Value || !is_plain(&column.data_type)) {
                return invalid(format!(
                    "column `{}` is {}; a value column may hold lists of single values and maps from \
                     texts to them, any other single values",
                    column.name, column.data_type
                ));
            }
            let single = matches!(
                column.role,
                Role::EventTime | Role::CreatedTime | Role::Label | Role::Weight
            );
            if single && let Some(other) = earlier.iter().find(|c| c.role == column.role) {
                return invalid(format!(
                    "`{}` and `{}` both claim the role {:?}",
                    other.name, column.name, column.role
                ));
            }
            let is_time = matches!(column.role, Role::EventTime | Role::CreatedTime);
            if is_time && column.data_type != EventTime::data_type() {
                return invalid(format!(
                    "time column `{}` is {}, it must be {}",
                    column.name,
                    column.data_type,
                    EventTime::data_type()
                ));
            }
        }
        let fields: Vec<Field> = columns.iter().map(Column::to_field).collect();
        Ok(Self {
            columns,
            arrow: Arc::new(Schema::new(fields)),
        })
    }

    /// Reads the columns from an Arrow schema; roles and units come from the fields' metadata, and a
    /// field without a role is a value.
    ///
    /// # Errors
    /// [`Error::InvalidSchema`] as in [`TableSchema::new`], and for a role that does not exist.
    pub fn from_arrow(schema: &Schema) -> Result<Self> {
        let columns: Vec<Column> = schema
            .fields()
            .iter()
            .map(|field| Column::from_field(field))
            .collect::<Result<_>>()?;
        Self::new(columns)
    }

    /// The columns in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The same columns as an Arrow schema.
    pub fn arrow(&self) -> &SchemaRef {
        &self.arrow
    }

    /// The position of a column.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] if there is none of that name.
    pub fn index_of(&self, name: &str) -> Result<usize> {
        self.columns
            .iter()
            .position(|c| c.name == name)
            .ok_or_else(|| Error::UnknownColumn {
                column: name.to_owned(),
                available: self.names(),
            })
    }

    /// The positions of the columns with a role, in order.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = usize> + '_ {
        (0..self.columns.len()).filter(move |i| self.columns[*i].role == role)
    }

    /// The only column with a role that allows one.
    ///
    /// # Errors
    /// [`Error::InvalidSchema`] if there is none.
    pub fn only(&self, role: Role) -> Result<usize> {
        self.with_role(role)
            .next()
            .ok_or_else(|| Error::InvalidSchema {
                reason: format!("no column has the role {role:?}; there is {}", self.names()),
            })
    }

    fn names(&self) -> String {
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|c| format!("`{}`", c.name))
            .collect();
        names.join(", ")
    }
}

/// Whether a nested type is one of the two that a table holds, in the one form that it holds them in.
fn is_plain(data_type: &DataType) -> bool {
    let single = |inner: &DataType| {
        matches!(
            inner,
            DataType::Boolean | DataType::Int64 | DataType::Float64 | DataType::Utf8
        ) || *inner == EventTime::data_type()
    };
    match data_type {
        DataType::List(item) => {
            single(item.data_type())
                && **item == Field::new_list_field(item.data_type().clone(), true)
        }
        DataType::Map(entries, true) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => {
                let names = Field::new("keys", DataType::Utf8, false);
                let values = Field::new("values", fields[1].data_type().clone(), true);
                let plain = *fields[0] == names && *fields[1] == values;
                let bare = Field::new("entries", entries.data_type().clone(), false);
                plain && single(fields[1].data_type()) && **entries == bare
            }
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_that_contradicts_itself_is_refused() {
        let bad = [
            vec![Column::value("", DataType::Int64)],
            vec![
                Column::value("a", DataType::Int64),
                Column::value("a", DataType::Int64),
            ],
            vec![Column::event_time("a"), Column::event_time("b")],
            vec![Column::new("t", DataType::Int64, Role::EventTime)],
            vec![Column::value(
                "a",
                DataType::new_list(DataType::Int64, false),
            )],
            vec![Column::value(
                "a",
                DataType::new_list(DataType::Int32, true),
            )],
            vec![Column::key("a", DataType::new_list(DataType::Int64, true))],
            vec![Column::new(
                "a",
                DataType::new_list(DataType::Int64, true),
                Role::Label,
            )],
        ];
        for columns in bad {
            assert!(TableSchema::new(columns).is_err());
        }
    }
}
