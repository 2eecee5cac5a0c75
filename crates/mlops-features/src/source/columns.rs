//! Growing typed columns from text, a row at a time, with a way back.
//!
//! A row is pushed column by column. When one cell is bad, the columns before it are cut back to their
//! former length, so that no row is ever half in the table.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Float64Array, Int64Array, NullBufferBuilder, StringArray,
        TimestampMicrosecondArray,
    },
    buffer::{BooleanBuffer, OffsetBuffer},
};

use super::{
    Parse, cell,
    rejection::Fault,
    schema::{Reading, SourceColumn},
};

/// Texts that mean "no value", besides the empty one.
#[derive(Debug, Clone, Default)]
pub(super) struct NullTokens(pub(super) Vec<Box<[u8]>>);

impl NullTokens {
    pub(super) fn contains(&self, cell: &[u8]) -> bool {
        cell.is_empty() || self.0.iter().any(|token| **token == *cell)
    }
}

/// Why a cell was not taken.
#[derive(Debug)]
pub(super) enum Stop {
    /// The value is bad; the row is to be rejected.
    Fault(Fault),
    /// The column's text has reached 2 GiB, the limit of its offsets.
    Full,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

#[derive(Debug)]
enum Values {
    Int(Vec<i64>),
    Float(Vec<f64>),
    Bool(Vec<bool>),
    Str { ends: Vec<i32>, bytes: Vec<u8> },
    Time(Vec<i64>),
}

/// One column under construction.
#[derive(Debug)]
pub(super) struct ColumnBuilder<'a> {
    spec: &'a SourceColumn,
    values: Values,
    nulls: NullBufferBuilder,
}

impl<'a> ColumnBuilder<'a> {
    pub(super) fn new(spec: &'a SourceColumn) -> Self {
        let values = match &spec.reading {
            Reading::Plain(Parse::Int) => Values::Int(Vec::new()),
            Reading::Plain(Parse::Float) => Values::Float(Vec::new()),
            Reading::Plain(Parse::Bool) => Values::Bool(Vec::new()),
            Reading::Plain(Parse::Str | Parse::Trimmed) => Values::Str {
                ends: vec![0],
                bytes: Vec::new(),
            },
            Reading::Time(_) => Values::Time(Vec::new()),
        };
        Self {
            spec,
            values,
            nulls: NullBufferBuilder::new(0),
        }
    }

    pub(super) fn spec(&self) -> &'a SourceColumn {
        self.spec
    }

    /// Adds a value; on a fault nothing is added.
    pub(super) fn push(&mut self, cell: &[u8], null_tokens: &NullTokens) -> Result<(), Stop> {
        let cell = match self.spec.reading {
            Reading::Plain(Parse::Str) => cell,
            _ => cell.trim_ascii(),
        };
        if null_tokens.contains(cell) {
            return Ok(self.push_missing()?);
        }
        match &mut self.values {
            Values::Int(values) => match cell::int(cell) {
                Ok(value) => values.push(value),
                Err(_) if self.spec.nan_as_null && is_nan(cell) => return Ok(self.push_missing()?),
                Err(fault) => return Err(fault.into()),
            },
            Values::Float(values) => {
                let value = cell::float(cell)?;
                if value.is_nan() {
                    return Ok(self.push_nan()?);
                }
                values.push(value);
            }
            Values::Bool(values) => values.push(cell::boolean(cell)?),
            Values::Str { ends, bytes } => {
                let text = cell::text(cell)?;
                let end = i32::try_from(bytes.len() + text.len()).map_err(|_| Stop::Full)?;
                bytes.extend_from_slice(text.as_bytes());
                ends.push(end);
            }
            Values::Time(values) => {
                let Reading::Time(format) = &self.spec.reading else {
                    unreachable!("times are read by a time format");
                };
                values.push(format.parse(cell::text(cell)?)?);
            }
        }
        self.nulls.append_non_null();
        Ok(())
    }

    /// Adds a null where the column allows one.
    pub(super) fn push_missing(&mut self) -> Result<(), Fault> {
        if !self.spec.column.is_nullable() {
            return Err(Fault::missing());
        }
        self.push_null();
        Ok(())
    }

    fn push_nan(&mut self) -> Result<(), Fault> {
        if self.spec.nan_as_null {
            self.push_missing()
        } else {
            Err(cell::not_finite())
        }
    }

    /// Adds a null, allowed or not.
    pub(super) fn push_null(&mut self) {
        match &mut self.values {
            Values::Int(values) | Values::Time(values) => values.push(0),
            Values::Float(values) => values.push(0.0),
            Values::Bool(values) => values.push(false),
            Values::Str { ends, .. } => ends.push(ends[ends.len() - 1]),
        }
        self.nulls.append_null();
    }

    /// Cuts the column back to its first rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        match &mut self.values {
            Values::Int(values) | Values::Time(values) => values.truncate(rows),
            Values::Float(values) => values.truncate(rows),
            Values::Bool(values) => values.truncate(rows),
            Values::Str { ends, bytes } => {
                ends.truncate(rows + 1);
                let end = usize::try_from(ends[rows]).expect("offsets are never negative");
                bytes.truncate(end);
            }
        }
        self.nulls.truncate(rows);
    }

    /// The column as Arrow holds it.
    pub(super) fn finish(mut self) -> ArrayRef {
        let nulls = self.nulls.finish();
        match self.values {
            Values::Int(values) => Arc::new(Int64Array::new(values.into(), nulls)),
            Values::Float(values) => Arc::new(Float64Array::new(values.into(), nulls)),
            Values::Bool(values) => Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls)),
            Values::Str { ends, bytes } => {
                let offsets = OffsetBuffer::new(ends.into());
                Arc::new(StringArray::new(offsets, bytes.into(), nulls))
            }
            Values::Time(values) => {
                Arc::new(TimestampMicrosecondArray::new(values.into(), nulls).with_timezone("UTC"))
            }
        }
    }
}

fn is_nan(cell: &[u8]) -> bool {
    cell::float(cell).is_ok_and(f64::is_nan)
}
