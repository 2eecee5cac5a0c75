//! A column of the output while it grows, and the arrays that come of it.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, MapArray, StringArray,
        StructArray, TimestampMicrosecondArray,
    },
    buffer::{NullBuffer, OffsetBuffer},
    datatypes::DataType,
};

use super::{Scalar, batch::Run};
use crate::{FieldKind, aggregate::Shape, index::Dictionary};

/// The values of one feature; what is no value of its kind is null.
#[derive(Debug)]
pub(super) enum Cells {
    Bool(Vec<bool>, Vec<bool>),
    Int(FieldKind, Vec<i64>, Vec<bool>),
    Float(Vec<f64>, Vec<bool>),
    Code(Vec<u32>, Vec<bool>),
    Nested(Shape, Vec<Scalar>),
}

impl Cells {
    pub(super) fn new(shape: Shape) -> Self {
        match shape {
            Shape::One(FieldKind::Bool) => Self::Bool(Vec::new(), Vec::new()),
            Shape::One(kind @ (FieldKind::Int | FieldKind::Time)) => {
                Self::Int(kind, Vec::new(), Vec::new())
            }
            Shape::One(FieldKind::Float) => Self::Float(Vec::new(), Vec::new()),
            Shape::One(FieldKind::Str) => Self::Code(Vec::new(), Vec::new()),
            shape => Self::Nested(shape, Vec::new()),
        }
    }

    /// An empty one of the same kind.
    pub(super) fn like(&self) -> Self {
        match self {
            Self::Bool(..) => Self::Bool(Vec::new(), Vec::new()),
            Self::Int(kind, ..) => Self::Int(*kind, Vec::new(), Vec::new()),
            Self::Float(..) => Self::Float(Vec::new(), Vec::new()),
            Self::Code(..) => Self::Code(Vec::new(), Vec::new()),
            Self::Nested(shape, _) => Self::Nested(*shape, Vec::new()),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, scalar: Scalar) {
        match self {
            Self::Bool(values, valid) => {
                let value = if let Scalar::Bool(value) = scalar {
                    Some(value)
                } else {
                    None
                };
                valid.push(value.is_some());
                values.push(value.unwrap_or_default());
            }
            Self::Int(_, values, valid) => {
                let value = match scalar {
                    Scalar::Int(value) | Scalar::Time(value) => Some(value),
                    _ => None,
                };
                valid.push(value.is_some());
                values.push(value.unwrap_or_default());
            }
            Self::Float(values, valid) => {
                let value = if let Scalar::Float(value) = scalar {
                    Some(value)
                } else {
                    None
                };
                valid.push(value.is_some());
                values.push(value.unwrap_or_default());
            }
            Self::Code(values, valid) => {
                let value = if let Scalar::Code(value) = scalar {
                    Some(value)
                } else {
                    None
                };
                valid.push(value.is_some());
                values.push(value.unwrap_or_default());
            }
            Self::Nested(_, values) => values.push(scalar),
        }
    }

    /// So many cells of one value.
    fn filled(&self, rows: usize, nothing: &Scalar) -> Self {
        let mut cells = self.like();
        (0..rows).for_each(|_| cells.push(nothing.clone()));
        cells
    }

    /// Moves the cells of a run to their rows.
    fn scatter(&mut self, rows: &[u32], from: Self) {
        fn place<T>(rows: &[u32], to: &mut [T], from: Vec<T>) {
            for (row, value) in rows.iter().zip(from) {
                to[*row as usize] = value;
            }
        }
        match (self, from) {
            (Self::Bool(to, valid), Self::Bool(from, more)) => {
                place(rows, to, from);
                place(rows, valid, more);
            }
            (Self::Int(_, to, valid), Self::Int(_, from, more)) => {
                place(rows, to, from);
                place(rows, valid, more);
            }
            (Self::Float(to, valid), Self::Float(from, more)) => {
                place(rows, to, from);
                place(rows, valid, more);
            }
            (Self::Code(to, valid), Self::Code(from, more)) => {
                place(rows, to, from);
                place(rows, valid, more);
            }
            (Self::Nested(_, to), Self::Nested(_, from)) => place(rows, to, from),
            _ => unreachable!("runs of one feature have one kind"),
        }
    }

    fn finish(self, words: Option<&Dictionary>) -> ArrayRef {
        match self {
            Self::Bool(values, valid) => Arc::new(BooleanArray::new(values.into(), nulls(valid))),
            Self::Int(FieldKind::Time, values, valid) => {
                let array = TimestampMicrosecondArray::new(values.into(), nulls(valid));
                Arc::new(array.with_timezone("UTC"))
            }
            Self::Int(_, values, valid) => Arc::new(Int64Array::new(values.into(), nulls(valid))),
            Self::Float(values, valid) => Arc::new(Float64Array::new(values.into(), nulls(valid))),
            Self::Code(codes, valid) => {
                let words = words.expect("only a field of texts gives a code");
                let word = |(code, valid): (&u32, &bool)| valid.then(|| words.word(*code));
                Arc::new(codes.iter().zip(&valid).map(word).collect::<StringArray>())
            }
            Self::Nested(shape, values) => nested(shape, values, words),
        }
    }
}

/// The column of one feature, of as many rows as the spine: `nothing` where no run has a row.
pub(super) fn gather(
    cells: &Cells,
    rows: usize,
    nothing: &Scalar,
    runs: &mut [Run],
    feature: usize,
    words: Option<&Dictionary>,
) -> ArrayRef {
    let mut all = cells.filled(rows, nothing);
    for run in runs {
        let from = std::mem::replace(&mut run.cells[feature], cells.like());
        all.scatter(&run.rows, from);
    }
    all.finish(words)
}

fn nulls(valid: Vec<bool>) -> Option<NullBuffer> {
    Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0)
}

fn nested(shape: Shape, values: Vec<Scalar>, words: Option<&Dictionary>) -> ArrayRef {
    let (mut lengths, mut valid, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let mut inner = match shape {
        Shape::One(kind) | Shape::List(kind) | Shape::Map(kind) => Cells::new(Shape::One(kind)),
    };
    for value in values {
        valid.push(!matches!(value, Scalar::Null));
        match value {
            Scalar::List(items) => {
                lengths.push(items.len());
                items.into_iter().for_each(|item| inner.push(item));
            }
            Scalar::Map(entries) => {
                lengths.push(entries.len());
                for (name, value) in entries {
                    names.push(name);
                    inner.push(value);
                }
            }
            _ => lengths.push(0),
        }
    }
    let offsets = OffsetBuffer::from_lengths(lengths);
    let inner = inner.finish(words);
    match shape.data_type() {
        DataType::Map(entries, ordered) => {
            let DataType::Struct(fields) = entries.data_type().clone() else {
                unreachable!("the entries of a map are structs")
            };
            let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
            let columns = StructArray::new(fields, vec![names, inner], None);
            Arc::new(MapArray::new(
                entries,
                offsets,
                columns,
                nulls(valid),
                ordered,
            ))
        }
        DataType::List(item) => Arc::new(ListArray::new(item, offsets, inner, nulls(valid))),
        _ => unreachable!("single values are not nested"),
    }
}
