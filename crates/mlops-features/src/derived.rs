//! Columns that are computed from other columns of the same row, before a contract or a view sees them.
//!
//! A [`Table`] does not change, so both functions give a new one that shares the old columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use mlops_core::{Column, Table, TableSchema};

use crate::{Error, Result};

/// The table with one more column at its end.
///
/// # Errors
/// [`mlops_core::Error::InvalidSchema`] if the name is taken, and those of [`Table::new`] if the array does not
/// fit the column or the rows.
pub fn with_column(table: &Table, column: Column, array: ArrayRef) -> Result<Table> {
    let schema = TableSchema::new(table.schema().columns().iter().cloned().chain([column]))?;
    let columns = table
        .batch()
        .columns()
        .iter()
        .cloned()
        .chain([array])
        .collect();
    Ok(Table::new(schema, columns)?)
}

/// The table with one more `Float64` column, computed row by row from numbers of the row.
///
/// `compute` gets the inputs in the order in which they are named; where one of them is null the result is
/// null, and so it is where `compute` gives `None`.
///
/// ```
/// use mlops_core::{Column, arrow::datatypes::DataType};
/// use mlops_features::{Csv, Parse, SourceSchema, with_computed};
///
/// let schema = SourceSchema::builder()
///     .value("quantity", "Quantity", Parse::Int)
///     .value("unit_price", "UnitPrice", Parse::Float)
///     .build()?;
/// let lines = Csv::from_bytes("lines", "Quantity,UnitPrice\n6,2.5\n8,\n".as_bytes()).read(&schema)?;
/// let amount = Column::value("amount", DataType::Float64).unit("GBP");
/// let table = with_computed(&lines.table, amount, &["quantity", "unit_price"], |v| Some(v[0] * v[1]))?;
/// assert_eq!(table.column("amount")?.null_count(), 1);
/// # Ok::<(), mlops_features::Error>(())
/// ```
///
/// # Errors
/// [`mlops_core::Error::UnknownColumn`] if an input is not there, [`mlops_core::Error::TypeMismatch`] if an
/// input is no number or the column is not `Float64`, and those of [`with_column`].
pub fn with_computed(
    table: &Table,
    column: Column,
    inputs: &[&str],
    compute: impl Fn(&[f64]) -> Option<f64>,
) -> Result<Table> {
    let numbers: Vec<Float64Array> = inputs
        .iter()
        .map(|name| numbers(table, name))
        .collect::<Result<_>>()?;
    let mut row_values = vec![0.0; inputs.len()];
    let computed: Float64Array = (0..table.rows())
        .map(|row| {
            for (slot, array) in row_values.iter_mut().zip(&numbers) {
                *slot = array.is_valid(row).then(|| array.value(row))?;
            }
            compute(&row_values)
        })
        .collect();
    with_column(table, column, Arc::new(computed))
}

fn numbers(table: &Table, name: &str) -> Result<Float64Array> {
    let array = table.column(name)?;
    if !array.data_type().is_numeric() && *array.data_type() != DataType::Boolean {
        return Err(Error::Core(mlops_core::Error::TypeMismatch {
            column: name.to_owned(),
            expected: DataType::Float64,
            found: array.data_type().clone(),
        }));
    }
    let wide = arrow::compute::cast(array, &DataType::Float64)
        .map_err(Error::arrow("read a column as numbers"))?;
    Ok(wide.as_primitive::<Float64Type>().clone())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn table() -> Table {
        let schema = TableSchema::new([
            Column::value("a", DataType::Int64),
            Column::value("t", DataType::Utf8),
        ]);
        let a: ArrayRef = Arc::new(Int64Array::from(vec![Some(2), None, Some(-1)]));
        let t: ArrayRef = Arc::new(StringArray::from(vec!["x", "y", "z"]));
        Table::new(schema.unwrap(), vec![a, t]).unwrap()
    }

    #[test]
    fn nulls_and_none_give_null() {
        let root = Column::value("root", DataType::Float64);
        let done = with_computed(&table(), root, &["a"], |v| {
            (v[0] >= 0.0).then(|| v[0].sqrt())
        });
        let done = done.unwrap();
        let root = done
            .column("root")
            .unwrap()
            .as_primitive::<Float64Type>()
            .clone();
        assert_eq!(
            root,
            Float64Array::from(vec![Some(2_f64.sqrt()), None, None])
        );
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let column = |name: &str| Column::value(name, DataType::Float64);
        let whole = Column::value("b", DataType::Int64);
        let cases = [
            (
                with_computed(&table(), column("a"), &[], |_| None),
                "two columns are named `a`",
            ),
            (
                with_computed(&table(), column("b"), &["c"], |_| None),
                "column `c` is not in the table",
            ),
            (
                with_computed(&table(), column("b"), &["t"], |_| None),
                "column `t` holds Utf8",
            ),
            (
                with_computed(&table(), whole, &["a"], |_| None),
                "column `b` holds Float64",
            ),
            (
                with_column(
                    &table(),
                    column("b"),
                    Arc::new(Float64Array::from(vec![1.0])),
                ),
                "columns of a table",
            ),
        ];
        for (result, text) in cases {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}
