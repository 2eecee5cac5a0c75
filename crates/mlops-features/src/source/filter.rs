//! Which rows of a source are wanted: what cannot hold one is not even read.

use arrow::datatypes::DataType;
use mlops_core::{Error as CoreError, EventTime, TableSchema, Value};

use super::Chunk;
use crate::{Error, Result};

/// The rows that are wanted, by their values. All conditions must hold; a null holds none.
///
/// Columns have the names of the table, not those of the source, and values their types. Files and row groups that
/// cannot hold a wanted row are not read; of the others, only the wanted rows are taken. Whatever is left out in
/// one of these ways counts neither as read nor as rejected.
///
/// ```
/// use mlops_features::{EventTime, RowFilter};
///
/// let filter = RowFilter::new()
///     .one_of("country", ["UK", "France"])
///     .at_least("invoice_date", EventTime::parse("2011-01-01T00:00:00Z")?)
///     .below("invoice_date", EventTime::parse("2011-02-01T00:00:00Z")?);
/// # let _ = filter; Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowFilter {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq)]
struct Term {
    column: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    OneOf(Vec<Value>),
    AtLeast(Value),
    Below(Value),
}

impl RowFilter {
    /// All rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// The column has one of these values.
    #[must_use]
    pub fn one_of<V: Into<Value>>(
        self,
        column: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.term(column.into(), Test::OneOf(values))
    }

    /// The column is this value or larger; a text is so in the order of its bytes.
    #[must_use]
    pub fn at_least(self, column: impl Into<String>, value: impl Into<Value>) -> Self {
        self.term(column.into(), Test::AtLeast(value.into()))
    }

    /// The column is smaller than this value.
    #[must_use]
    pub fn below(self, column: impl Into<String>, value: impl Into<Value>) -> Self {
        self.term(column.into(), Test::Below(value.into()))
    }

    fn term(mut self, column: String, test: Test) -> Self {
        self.terms.push(Term { column, test });
        self
    }

    /// The rows that both take.
    pub(super) fn and(&self, other: &Self) -> Self {
        let terms = self.terms.iter().chain(&other.terms);
        Self {
            terms: terms.cloned().collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// That every condition can be asked of its column.
    pub(super) fn check(&self, schema: &TableSchema) -> Result<()> {
        for term in &self.terms {
            let column = &schema.columns()[schema.index_of(&term.column)?];
            let values = match &term.test {
                Test::OneOf(values) => values.as_slice(),
                Test::AtLeast(value) | Test::Below(value) => std::slice::from_ref(value),
            };
            if let Some(value) = values.iter().find(|value| !fits(value, column.data_type())) {
                return Err(Error::Core(CoreError::InvalidParameter {
                    parameter: "filter",
                    value: format!("{value:?}"),
                    rule: "a value of a filter has the type of its column",
                }));
            }
        }
        Ok(())
    }

    /// The columns that conditions are asked of.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().map(|term| term.column.as_str())
    }

    /// Whether rows may be wanted whose values in a column lie from `least` to `most`; null for what is not known.
    pub(super) fn may_hold(&self, column: &str, least: &Value, most: &Value) -> bool {
        let mut terms = self.terms.iter().filter(|term| term.column == column);
        terms.all(|term| match &term.test {
            Test::OneOf(values) => values.iter().any(|value| {
                !value.is_null()
                    && less(value, least) != Some(true)
                    && less(most, value) != Some(true)
            }),
            Test::AtLeast(value) => less(most, value) != Some(true),
            Test::Below(value) => less(least, value) != Some(false),
        })
    }

    /// Whether a row with this value in a column may be wanted.
    pub(super) fn holds(&self, column: &str, value: &Value) -> bool {
        let mut terms = self.terms.iter().filter(|term| term.column == column);
        terms.all(|term| term.test.holds(value))
    }

    /// The wanted rows of a part.
    pub(super) fn apply(&self, chunk: Chunk) -> Result<Chunk> {
        if self.is_empty() {
            return Ok(chunk);
        }
        let table = &chunk.table;
        let mut keep = vec![true; table.rows()];
        for term in &self.terms {
            let column = table.column(&term.column)?;
            for (row, keep) in keep.iter_mut().enumerate().filter(|(_, keep)| **keep) {
                *keep = term
                    .test
                    .holds(&Value::from_array(&term.column, column, row)?);
            }
        }
        let table = table.filter(&keep)?;
        Ok(Chunk {
            rows_read: table.rows() as u64 + chunk.rejected.total(),
            table,
            rejected: chunk.rejected,
        })
    }
}

impl Test {
    fn holds(&self, found: &Value) -> bool {
        match self {
            Self::OneOf(values) => !found.is_null() && values.contains(found),
            Self::AtLeast(value) => less(found, value) == Some(false),
            Self::Below(value) => less(found, value) == Some(true),
        }
    }
}

fn fits(value: &Value, column: &DataType) -> bool {
    let is = |data_type: DataType| *column == data_type;
    matches!(value, Value::Bool(_)) && is(DataType::Boolean)
        || matches!(value, Value::Int(_)) && is(DataType::Int64)
        || matches!(value, Value::Float(value) if !value.is_nan()) && is(DataType::Float64)
        || matches!(value, Value::Str(_)) && is(DataType::Utf8)
        || matches!(value, Value::Time(_)) && is(EventTime::data_type())
}

/// Whether a value is smaller than another of its sort; `None` if they cannot be compared.
fn less(left: &Value, right: &Value) -> Option<bool> {
    Some(match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left < right,
        (Value::Int(left), Value::Int(right)) => left < right,
        (Value::Float(left), Value::Float(right)) => left < right,
        (Value::Str(left), Value::Str(right)) => left < right,
        (Value::Time(left), Value::Time(right)) => left < right,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_left_out_only_if_it_cannot_hold_a_wanted_value() {
        let filter = RowFilter::new().at_least("n", 10).below("n", 20);
        let may = |least: Value, most: Value| filter.may_hold("n", &least, &most);
        assert!(!may(0.into(), 9.into()));
        assert!(may(0.into(), 10.into()));
        assert!(may(19.into(), 100.into()));
        assert!(!may(20.into(), 100.into()));
        assert!(may(Value::Null, Value::Null));
        assert!(!may(Value::Null, 9.into()));
        assert!(filter.may_hold("other", &0.into(), &1.into()));
        let words = RowFilter::new().one_of("w", ["b", "d"]);
        let may = |least: &str, most: &str| words.may_hold("w", &least.into(), &most.into());
        assert!(may("a", "b") && may("c", "e") && !may("c", "c") && !may("e", "z"));
        assert!(!words.holds("w", &Value::Null) && words.holds("w", &"d".into()));
    }
}
