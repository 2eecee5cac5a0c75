//! The values that an input is set to, one after the other.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    },
    compute,
    datatypes::{DataType, Field, Float64Type, Schema},
};
use mlops_core::Value;
use mlops_model::{InputKind, Model};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, error::require};

/// Which values an input is set to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grid {
    /// So many: of numbers evenly spaced between the 5 % and the 95 % quantile, or all there are if those
    /// are fewer; of texts the most frequent; both booleans.
    Points(usize),
    /// These.
    Values(Vec<Value>),
}

/// The most values of a grid.
const MOST: usize = 10_000;

impl Default for Grid {
    /// 100 points.
    fn default() -> Self {
        Self::Points(100)
    }
}

impl Grid {
    /// The values for an input of the model, taken from the batch where they are not given.
    pub(super) fn values(
        &self,
        model: &dyn Model,
        batch: &RecordBatch,
        input: &str,
    ) -> Result<Vec<Value>> {
        let (kind, column) = find(model, batch, input)?;
        let points = match self {
            Self::Values(values) => {
                check_size(values.len(), 1)?;
                return Ok(values.clone());
            }
            Self::Points(points) => *points,
        };
        check_size(points, 2)?;
        match kind {
            InputKind::Bool => Ok(vec![Value::Bool(false), Value::Bool(true)]),
            InputKind::Str => texts(input, column, points),
            InputKind::Floats { .. } | InputKind::Ints { .. } => {
                Err(Error::Core(mlops_core::Error::InvalidParameter {
                    parameter: "grid input",
                    value: input.to_owned(),
                    rule: "it holds lists, which have no grid",
                }))
            }
            InputKind::Int | InputKind::Float => {
                let mut values: Vec<f64> = numbers(input, column)?;
                values.sort_by(f64::total_cmp);
                let between = evenly(&values, points);
                if kind == InputKind::Float {
                    return Ok(between.into_iter().map(Value::Float).collect());
                }
                #[expect(clippy::cast_possible_truncation, reason = "whole numbers of a column")]
                let mut whole: Vec<i64> = between
                    .into_iter()
                    .map(|value| value.round() as i64)
                    .collect();
                whole.dedup();
                Ok(whole.into_iter().map(Value::Int).collect())
            }
        }
    }
}

fn check_size(points: usize, least: usize) -> Result<()> {
    require(
        (least..=MOST).contains(&points),
        "grid",
        "points",
        &points,
        "it must lie in 2..=10000; of given values there must be at least one",
    )
}

/// The kind of an input, and its column in the batch.
pub(super) fn find<'b>(
    model: &dyn Model,
    batch: &'b RecordBatch,
    input: &str,
) -> Result<(InputKind, &'b ArrayRef)> {
    let signature = model.signature();
    let unknown = || {
        let names = signature.inputs().iter();
        let names: Vec<String> = names.map(|input| format!("`{}`", input.name)).collect();
        Error::Core(mlops_core::Error::UnknownColumn {
            column: input.to_owned(),
            available: names.join(", "),
        })
    };
    let at = signature.index_of(input).ok_or_else(unknown)?;
    let column = batch.column_by_name(input).ok_or_else(unknown)?;
    Ok((signature.inputs()[at].kind, column))
}

/// The batch with one column set to a value in every row.
pub(super) fn with_value(
    batch: &RecordBatch,
    kind: InputKind,
    input: &str,
    value: &Value,
) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    let column: ArrayRef = match (kind, value) {
        (InputKind::Float, Value::Null) => Arc::new(Float64Array::from(vec![None; rows])),
        (InputKind::Int, Value::Null) => Arc::new(Int64Array::from(vec![None; rows])),
        (InputKind::Bool, Value::Null) => Arc::new(BooleanArray::from(vec![None; rows])),
        (InputKind::Str, Value::Null) => Arc::new(StringArray::from(vec![None::<&str>; rows])),
        (InputKind::Float, Value::Float(number)) => {
            Arc::new(Float64Array::from(vec![*number; rows]))
        }
        (InputKind::Float | InputKind::Int, Value::Int(number)) => {
            Arc::new(Int64Array::from(vec![*number; rows]))
        }
        (InputKind::Bool, Value::Bool(yes)) => Arc::new(BooleanArray::from(vec![*yes; rows])),
        (InputKind::Str, Value::Str(text)) => {
            Arc::new(StringArray::from(vec![text.as_str(); rows]))
        }
        _ => {
            return Err(Error::Core(mlops_core::Error::InvalidParameter {
                parameter: "grid value",
                value: format!("{value:?}"),
                rule: "it must be of the input's kind",
            }));
        }
    };
    with_column(batch, input, &column)
}

/// The batch with one column replaced.
pub(super) fn with_column(
    batch: &RecordBatch,
    input: &str,
    column: &ArrayRef,
) -> Result<RecordBatch> {
    let schema = batch.schema();
    let mut columns = batch.columns().to_vec();
    let mut fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| field.as_ref().clone())
        .collect();
    for (at, field) in fields.iter_mut().enumerate() {
        if field.name() == input {
            *field = Field::new(input, column.data_type().clone(), true);
            columns[at] = ArrayRef::clone(column);
        }
    }
    RecordBatch::try_new(Schema::new(fields).into(), columns).map_err(|source| {
        Error::Core(mlops_core::Error::Arrow {
            action: "replace a column",
            source,
        })
    })
}

/// The numbers of a column; missing ones are left out.
pub(super) fn numbers(name: &str, column: &ArrayRef) -> Result<Vec<f64>> {
    let values =
        compute::cast(column, &DataType::Float64).map_err(|_| Error::UnsupportedColumn {
            column: name.to_owned(),
            found: column.data_type().clone(),
        })?;
    let values = values.as_primitive::<Float64Type>().iter().flatten();
    let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    if values.is_empty() {
        return Err(Error::Core(mlops_core::Error::EmptyTable {
            table: format!("values of `{name}`"),
        }));
    }
    Ok(values)
}

/// All different values of a sorted column if they are fewer than `points`, otherwise that many evenly
/// spaced ones between its 5 % and its 95 % quantile.
fn evenly(sorted: &[f64], points: usize) -> Vec<f64> {
    let mut distinct = sorted.to_vec();
    distinct.dedup();
    if distinct.len() < points {
        return distinct;
    }
    let (from, to) = (quantile(sorted, 0.05), quantile(sorted, 0.95));
    let step = (to - from) / (points - 1) as f64;
    let mut values: Vec<f64> = (0..points).map(|at| from + step * at as f64).collect();
    values[points - 1] = to;
    values.dedup();
    values
}

/// As `scipy.stats.mstats.mquantiles`, which scikit-learn takes its grid from.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rows = sorted.len() as f64;
    let at = (rows * share + 0.4 + share * 0.2).clamp(1.0, rows);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the number of rows"
    )]
    let below = at.floor() as usize;
    let above = (below + 1).min(sorted.len());
    let part = at - below as f64;
    (1.0 - part) * sorted[below - 1] + part * sorted[above - 1]
}

/// The most frequent texts, in alphabetical order.
fn texts(input: &str, column: &ArrayRef, points: usize) -> Result<Vec<Value>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in 0..column.len() {
        if let Value::Str(text) = Value::from_array(input, column, row)? {
            *counts.entry(text).or_default() += 1;
        }
    }
    let mut frequent: Vec<(String, usize)> = counts.into_iter().collect();
    frequent.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    frequent.truncate(points);
    frequent.sort();
    if frequent.is_empty() {
        return Err(Error::Core(mlops_core::Error::EmptyTable {
            table: format!("values of `{input}`"),
        }));
    }
    Ok(frequent
        .into_iter()
        .map(|(text, _)| Value::Str(text))
        .collect())
}
