//! Which column of a source becomes which column of the table, and how its values are read.
//!
//! The table's columns stand in the order in which they are named here, whatever the order of the source;
//! columns of the source that are not named are left out and, in Parquet, never decoded.

use arrow::{array::new_empty_array, datatypes::DataType};
use mlops_core::{Column, Error as CoreError, EventTime, Role, Table, TableSchema};

use super::TimeFormat;
use crate::Result;

/// How a value is read. An empty text and a null are always "no value".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Parse {
    /// A whole number that fits 64 bits, as `Int64`. `17850`, `+17850` and `17850.0` are the same
    /// number; `17850.5` and `1e3` are rejected.
    Int,
    /// A finite real number, as `Float64`. `NaN` and `inf` are rejected, unless NaN is declared to
    /// mean "no value" by [`SourceSchemaBuilder::nan_as_null`].
    Float,
    /// `true`/`false`, `t`/`f`, `yes`/`no`, `y`/`n` or `1`/`0` in any case, as `Boolean`.
    Bool,
    /// A text as it stands, as `Utf8`.
    Str,
    /// A text without the blanks around it, as `Utf8`; blanks alone are no value.
    Trimmed,
}

impl Parse {
    fn data_type(self) -> DataType {
        match self {
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Str | Self::Trimmed => DataType::Utf8,
        }
    }
}

/// How the values of one column are read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reading {
    Plain(Parse),
    Time(TimeFormat),
}

impl Reading {
    /// What it asks for, in words.
    pub(super) fn wanted(&self) -> &'static str {
        match self {
            Self::Plain(Parse::Int) => "a whole number",
            Self::Plain(Parse::Float) => "a real number",
            Self::Plain(Parse::Bool) => "a boolean",
            Self::Plain(Parse::Str | Parse::Trimmed) => "a text",
            Self::Time(_) => "an instant in the stated format",
        }
    }
}

/// One column: where it comes from, how it is read, what it becomes.
#[derive(Debug, Clone)]
pub(crate) struct SourceColumn {
    pub(crate) source: String,
    pub(crate) reading: Reading,
    pub(crate) nan_as_null: bool,
    pub(crate) column: Column,
}

/// The columns that are taken from a source, in the order of the table.
///
/// ```
/// use mlops_features::{Parse, SourceSchema, TimeFormat};
///
/// let schema = SourceSchema::builder()
///     .key("customer_id", "CustomerID", Parse::Int)
///     .event_time("invoice_date", "InvoiceDate", TimeFormat::new("%Y-%m-%d %H:%M:%S", "UTC")?)
///     .value("unit_price", "UnitPrice", Parse::Float).unit("GBP").required()
///     .value("country", "Country", Parse::Str)
///     .build()?;
/// assert_eq!(schema.table_schema().columns().len(), 4);
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SourceSchema {
    columns: Vec<SourceColumn>,
    table: TableSchema,
}

impl SourceSchema {
    /// Starts without columns.
    pub fn builder() -> SourceSchemaBuilder {
        SourceSchemaBuilder::default()
    }

    /// The schema of the table that a source becomes.
    pub fn table_schema(&self) -> &TableSchema {
        &self.table
    }

    pub(crate) fn columns(&self) -> &[SourceColumn] {
        &self.columns
    }

    /// The keys, the times and the required columns, and of all others those that are wanted.
    pub(crate) fn only(&self, wanted: impl Fn(&str) -> bool) -> Result<Self> {
        let columns = self.columns.iter().filter(|column| {
            let column = &column.column;
            column.role() != Role::Value || !column.is_nullable() || wanted(column.name())
        });
        SourceSchemaBuilder {
            columns: columns.cloned().collect(),
            misplaced: None,
        }
        .build()
    }

    /// What a source without rows becomes.
    pub(crate) fn empty_table(&self) -> Result<Table> {
        let columns = self.table.columns().iter();
        let arrays = columns.map(|column| new_empty_array(column.data_type()));
        Ok(Table::new(self.table.clone(), arrays.collect())?)
    }
}

/// Collects the columns of a [`SourceSchema`].
///
/// [`unit`](Self::unit), [`required`](Self::required), [`nullable`](Self::nullable) and
/// [`nan_as_null`](Self::nan_as_null) speak of the column that was named last.
#[derive(Debug, Default, Clone)]
pub struct SourceSchemaBuilder {
    columns: Vec<SourceColumn>,
    misplaced: Option<&'static str>,
}

impl SourceSchemaBuilder {
    /// A part of the entity key: required unless declared [`nullable`](Self::nullable).
    #[must_use]
    pub fn key(self, name: impl Into<String>, source: impl Into<String>, parse: Parse) -> Self {
        self.plain(name, source, parse, Role::Key)
    }

    /// When the fact became true: required.
    #[must_use]
    pub fn event_time(
        self,
        name: impl Into<String>,
        source: impl Into<String>,
        format: TimeFormat,
    ) -> Self {
        self.timed(name, source, format, Role::EventTime)
    }

    /// When the fact became known: required.
    #[must_use]
    pub fn created_time(
        self,
        name: impl Into<String>,
        source: impl Into<String>,
        format: TimeFormat,
    ) -> Self {
        self.timed(name, source, format, Role::CreatedTime)
    }

    /// What was measured: nullable unless declared [`required`](Self::required).
    #[must_use]
    pub fn value(self, name: impl Into<String>, source: impl Into<String>, parse: Parse) -> Self {
        self.plain(name, source, parse, Role::Value)
    }

    /// An instant that is a value and neither event nor created time: nullable.
    #[must_use]
    pub fn time_value(
        self,
        name: impl Into<String>,
        source: impl Into<String>,
        format: TimeFormat,
    ) -> Self {
        self.timed(name, source, format, Role::Value)
    }

    /// What is to be predicted: nullable unless declared [`required`](Self::required).
    #[must_use]
    pub fn label(self, name: impl Into<String>, source: impl Into<String>, parse: Parse) -> Self {
        self.plain(name, source, parse, Role::Label)
    }

    /// States the unit of the last column, for instance `GBP`, `items` or `days`.
    #[must_use]
    pub fn unit(self, unit: impl Into<String>) -> Self {
        let unit = unit.into();
        self.last("unit", |c| c.column = c.column.clone().unit(unit))
    }

    /// A row without a value in the last column is rejected.
    #[must_use]
    pub fn required(self) -> Self {
        self.last("required", |c| c.column = c.column.clone().nullable(false))
    }

    /// A row without a value in the last column is taken.
    #[must_use]
    pub fn nullable(self) -> Self {
        self.last("nullable", |c| c.column = c.column.clone().nullable(true))
    }

    /// NaN in the last column means "no value", as data frames write it. Infinity stays rejected.
    #[must_use]
    pub fn nan_as_null(self) -> Self {
        self.last("nan_as_null", |c| c.nan_as_null = true)
    }

    /// Checks the columns against each other.
    ///
    /// # Errors
    /// [`mlops_core::Error::InvalidSchema`] if there is no column, if a name is empty or taken twice,
    /// if a single role has two columns, or if a modifier stands before the first column.
    pub fn build(self) -> Result<SourceSchema> {
        let invalid = |reason: String| Err(CoreError::InvalidSchema { reason }.into());
        if let Some(modifier) = self.misplaced {
            return invalid(format!("`{modifier}` stands before the first column"));
        }
        if self.columns.is_empty() {
            return invalid("no column is taken from the source".to_owned());
        }
        let table = TableSchema::new(self.columns.iter().map(|c| c.column.clone()))?;
        Ok(SourceSchema {
            columns: self.columns,
            table,
        })
    }

    fn plain(
        self,
        name: impl Into<String>,
        source: impl Into<String>,
        parse: Parse,
        role: Role,
    ) -> Self {
        let column = Column::new(name, parse.data_type(), role);
        self.push(source.into(), Reading::Plain(parse), column)
    }

    fn timed(
        self,
        name: impl Into<String>,
        source: impl Into<String>,
        format: TimeFormat,
        role: Role,
    ) -> Self {
        let column = Column::new(name, EventTime::data_type(), role);
        self.push(source.into(), Reading::Time(format), column)
    }

    fn push(mut self, source: String, reading: Reading, column: Column) -> Self {
        self.columns.push(SourceColumn {
            source,
            reading,
            nan_as_null: false,
            column,
        });
        self
    }

    fn last(mut self, modifier: &'static str, change: impl FnOnce(&mut SourceColumn)) -> Self {
        match self.columns.last_mut() {
            Some(column) => change(column),
            None => self.misplaced = Some(modifier),
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_that_cannot_be_meant_is_refused() {
        let bad = [
            SourceSchema::builder(),
            SourceSchema::builder()
                .required()
                .key("id", "id", Parse::Int),
            SourceSchema::builder()
                .key("id", "a", Parse::Int)
                .value("id", "b", Parse::Int),
            SourceSchema::builder()
                .label("a", "a", Parse::Int)
                .label("b", "b", Parse::Int),
        ];
        for builder in bad {
            let error = builder.build().unwrap_err();
            assert_eq!(error.kind(), mlops_core::ErrorKind::Invalid, "{error}");
        }
    }

    #[test]
    fn keys_are_required_and_values_are_not_until_told() {
        let schema = SourceSchema::builder()
            .key("k", "k", Parse::Int)
            .key("l", "l", Parse::Str)
            .nullable()
            .value("v", "v", Parse::Float)
            .unit("GBP")
            .value("w", "w", Parse::Float)
            .required()
            .build()
            .unwrap();
        let nullable: Vec<bool> = schema
            .table_schema()
            .columns()
            .iter()
            .map(Column::is_nullable)
            .collect();
        assert_eq!(nullable, [false, true, true, false]);
        assert_eq!(schema.table_schema().columns()[2].unit_name(), Some("GBP"));
    }
}
