//! Features and a label with their event times and their origin: what a trainer fits on.

use std::collections::{BTreeMap, BTreeSet};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::{DataType, Float64Type, Int64Type, Schema},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::{Column, Digest, Error, EventTime, Result, Role, Table, Target};

/// Where a training set came from, so that a model can be traced back to its rows and definitions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lineage {
    /// The digest of each table that went in, by name.
    pub data: BTreeMap<String, Digest>,
    /// The digest of each feature definition that was used, by feature name.
    pub features: BTreeMap<String, Digest>,
    /// The revision of the code that ran, where the caller knows it.
    pub code_revision: Option<String>,
}

/// A table whose value columns are features and whose label column is to be predicted.
#[derive(Debug, Clone)]
pub struct TrainingSet {
    table: Table,
    lineage: Lineage,
}

impl TrainingSet {
    /// Takes a table with a label and at least one value column; an event time and a weight are optional. A value
    /// column holds single values or lists of numbers, which trainers of sequences read.
    ///
    /// Without an event time all rows are of one instant, the epoch, so that no split in time can part them.
    ///
    /// The label is boolean, whole, real or a text, without nulls. Weights are finite and not negative,
    /// and one of them is above 0.
    ///
    /// # Errors
    /// [`Error::EmptyTable`] without rows, [`Error::InvalidSchema`] without one of these columns or with one of
    /// maps or of lists of anything but numbers, [`Error::TypeMismatch`] or [`Error::UnexpectedNull`] for a label or weight of another
    /// type or without a value, [`Error::InvalidScore`] for a weight out of its range.
    pub fn new(table: Table, lineage: Lineage) -> Result<Self> {
        if table.rows() == 0 {
            return Err(Error::EmptyTable {
                table: "training set".into(),
            });
        }
        table.schema().only(Role::Value)?;
        let columns = table.schema().columns();
        let is_feature = |column: &Column| !column.is_nested() || is_numbers(column.data_type());
        if let Some(nested) = columns.iter().find(|column| !is_feature(column)) {
            return Err(Error::InvalidSchema {
                reason: format!(
                    "column `{}` is {}; a feature of a training set is a single value or a list of numbers",
                    nested.name(),
                    nested.data_type()
                ),
            });
        }
        let at = table.schema().only(Role::Label)?;
        let column = &table.schema().columns()[at];
        let label = table.batch().column(at);
        no_nulls(column.name(), label)?;
        if *label.data_type() != DataType::Utf8 {
            numbers(column.name(), label)?;
        }
        let weights = table.schema().with_role(Role::Weight).next();
        if let Some(at) = weights {
            check_weights(
                table.schema().columns()[at].name(),
                table.batch().column(at),
            )?;
        }
        Ok(Self { table, lineage })
    }

    /// Keys, times, features and label together.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Where the rows and definitions came from.
    pub fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.table.rows()
    }

    /// The names of the features, in column order.
    pub fn feature_names(&self) -> Vec<&str> {
        let schema = self.table.schema();
        schema
            .with_role(Role::Value)
            .map(|i| schema.columns()[i].name())
            .collect()
    }

    /// The feature columns alone.
    pub fn features(&self) -> RecordBatch {
        let at: Vec<usize> = self.table.schema().with_role(Role::Value).collect();
        let batch = self.table.batch();
        let schema = batch.schema();
        let fields: Vec<_> = at.iter().map(|i| schema.fields()[*i].clone()).collect();
        let columns: Vec<ArrayRef> = at.iter().map(|i| batch.column(*i).clone()).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .expect("a projection of a checked table")
    }

    /// The name of the label column.
    pub fn label_name(&self) -> &str {
        self.table.schema().columns()[self.label_at()].name()
    }

    /// The label as what it asks to learn; [`Target`] says which values ask for what.
    pub fn target(&self) -> Target {
        let label = self.label();
        if let Some(texts) = label.as_string_opt::<i32>() {
            let texts: Vec<&str> = texts.iter().flatten().collect();
            let names: BTreeSet<&str> = texts.iter().copied().collect();
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            let code = |text: &&str| {
                let at = names.binary_search_by(|name| name.as_str().cmp(text));
                at.expect("every text is among the names")
            };
            let codes = texts.iter().map(code);
            let codes = codes.map(|at| u32::try_from(at).expect("fewer names than rows"));
            return Target::Classes {
                codes: codes.collect(),
                names,
            };
        }
        let values = numbers("label", label).expect("checked by `new`");
        if values.iter().all(|value| [0.0, 1.0].contains(value)) {
            return Target::Binary(values.into_iter().map(|value| value == 1.0).collect());
        }
        Target::Number(values)
    }

    /// The label as numbers, `[rows]`; booleans are 0 and 1.
    ///
    /// # Errors
    /// [`Error::TypeMismatch`] if the labels are texts.
    pub fn label_values(&self) -> Result<Vec<f64>> {
        numbers(self.label_name(), self.label())
    }

    /// The label as two classes, `[rows]`.
    ///
    /// # Errors
    /// [`Error::InvalidScore`] if a label is neither 0 nor 1, [`Error::TypeMismatch`] if the labels are texts.
    pub fn label_classes(&self) -> Result<Vec<bool>> {
        self.label_values()?
            .into_iter()
            .enumerate()
            .map(|(row, value)| match value {
                0.0 => Ok(false),
                1.0 => Ok(true),
                value => Err(Error::InvalidScore {
                    metric: "binary label",
                    row,
                    value,
                }),
            })
            .collect()
    }

    /// How much each row counts, `[rows]`, if the table has a column of that role.
    pub fn weights(&self) -> Option<Vec<f64>> {
        let at = self.table.schema().with_role(Role::Weight).next()?;
        let weights = self.table.batch().column(at);
        Some(weights.as_primitive::<Float64Type>().values().to_vec())
    }

    fn label_at(&self) -> usize {
        let label = self.table.schema().only(Role::Label);
        label.expect("checked by `new`")
    }

    fn label(&self) -> &ArrayRef {
        self.table.batch().column(self.label_at())
    }

    /// The event times, `[rows]`; the epoch for all rows of a set without them.
    pub fn event_times(&self) -> Vec<EventTime> {
        let epoch = || vec![EventTime::from_seconds(0); self.rows()];
        self.table.event_times().unwrap_or_else(|_| epoch())
    }

    /// The rows before `time`, and the rows from `time` on.
    ///
    /// # Errors
    /// [`Error::EmptyTable`] if either side would have no rows.
    pub fn split_at(&self, time: EventTime) -> Result<(Self, Self)> {
        let before: Vec<bool> = self.event_times().iter().map(|t| *t < time).collect();
        let after: Vec<bool> = before.iter().map(|b| !b).collect();
        Ok((self.filter(&before)?, self.filter(&after)?))
    }

    /// The rows where `keep` is true, with the same lineage.
    ///
    /// # Errors
    /// [`Error::EmptyTable`] if none is, [`Error::LengthMismatch`] if `keep` has another length.
    pub fn filter(&self, keep: &[bool]) -> Result<Self> {
        Self::new(self.table.filter(keep)?, self.lineage.clone())
    }

    /// Joins the rows of several sets with the same columns; lineages are merged.
    ///
    /// # Errors
    /// [`Error::EmptyTable`] if there is none, [`Error::InvalidSchema`] if the columns differ.
    pub fn concat(sets: &[Self]) -> Result<Self> {
        let tables: Vec<Table> = sets.iter().map(|s| s.table.clone()).collect();
        let mut lineage = Lineage::default();
        for set in sets {
            lineage.data.extend(set.lineage.data.clone());
            lineage.features.extend(set.lineage.features.clone());
            lineage.code_revision = lineage.code_revision.or(set.lineage.code_revision.clone());
        }
        Self::new(Table::concat(&tables)?, lineage)
    }

    /// The digest of the rows.
    pub fn digest(&self) -> Digest {
        self.table.digest()
    }
}

/// Whether a type is a list of numbers.
fn is_numbers(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item) => matches!(item.data_type(), DataType::Int64 | DataType::Float64),
        _ => false,
    }
}

fn no_nulls(name: &str, array: &ArrayRef) -> Result<()> {
    match (0..array.len()).find(|row| array.is_null(*row)) {
        Some(row) => Err(Error::UnexpectedNull {
            column: name.to_owned(),
            row,
        }),
        None => Ok(()),
    }
}

fn check_weights(name: &str, array: &ArrayRef) -> Result<()> {
    no_nulls(name, array)?;
    let Some(weights) = array.as_primitive_opt::<Float64Type>() else {
        return Err(Error::TypeMismatch {
            column: name.to_owned(),
            expected: DataType::Float64,
            found: array.data_type().clone(),
        });
    };
    let weights = weights.values();
    let invalid = |row: usize| Error::InvalidScore {
        metric: "weight",
        row,
        value: weights[row],
    };
    match weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
        Some(row) => Err(invalid(row)),
        None if weights.iter().all(|w| *w == 0.0) => Err(invalid(0)),
        None => Ok(()),
    }
}

fn numbers(name: &str, array: &ArrayRef) -> Result<Vec<f64>> {
    Ok(match array.data_type() {
        DataType::Boolean => array
            .as_boolean()
            .values()
            .iter()
            .map(|b| f64::from(u8::from(b)))
            .collect(),
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>().values();
            values.iter().map(|v| *v as f64).collect()
        }
        DataType::Float64 => array.as_primitive::<Float64Type>().values().to_vec(),
        found => {
            return Err(Error::TypeMismatch {
                column: name.to_owned(),
                expected: DataType::Boolean,
                found: found.clone(),
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{BooleanArray, Float64Array, Int64Array, StringArray},
        datatypes::Field,
    };

    use super::*;
    use crate::TableSchema;

    fn set(label: ArrayRef, weights: Option<ArrayRef>) -> Result<TrainingSet> {
        let rows = i64::try_from(label.len()).unwrap();
        let times = arrow::array::TimestampMicrosecondArray::from_iter_values(0..rows);
        let mut columns = vec![
            Column::event_time("at"),
            Column::value("x", DataType::Int64),
            Column::new("y", label.data_type().clone(), Role::Label),
        ];
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(times.with_timezone("UTC")),
            Arc::new(Int64Array::from_iter_values(0..rows)),
            label,
        ];
        if let Some(weights) = weights {
            columns.push(Column::new("w", weights.data_type().clone(), Role::Weight));
            arrays.push(weights);
        }
        let table = Table::new(TableSchema::new(columns)?, arrays)?;
        TrainingSet::new(table, Lineage::default())
    }

    #[test]
    fn the_label_says_what_is_learnt() {
        let target = |label: ArrayRef| set(label, None).unwrap().target();
        let binary = Target::Binary(vec![true, false]);
        assert_eq!(
            target(Arc::new(BooleanArray::from(vec![true, false]))),
            binary
        );
        assert_eq!(target(Arc::new(Int64Array::from(vec![1, 0]))), binary);
        assert_eq!(target(Arc::new(Float64Array::from(vec![1.0, 0.0]))), binary);
        let numbers = target(Arc::new(Int64Array::from(vec![1, 2])));
        assert_eq!(numbers, Target::Number(vec![1.0, 2.0]));
        let texts = target(Arc::new(StringArray::from(vec!["b", "c", "b", "a"])));
        let expected = Target::Classes {
            names: ["a", "b", "c"].map(String::from).to_vec(),
            codes: vec![1, 2, 1, 0],
        };
        assert_eq!(texts, expected);
    }

    #[test]
    fn weights_are_checked_by_row() {
        let label = || -> ArrayRef { Arc::new(Int64Array::from(vec![1, 0])) };
        let weighted =
            |weights: Vec<Option<f64>>| set(label(), Some(Arc::new(Float64Array::from(weights))));
        let good = weighted(vec![Some(0.0), Some(2.5)]).unwrap();
        assert_eq!(good.weights(), Some(vec![0.0, 2.5]));
        assert_eq!(set(label(), None).unwrap().weights(), None);
        for (weights, expected) in [
            (vec![Some(1.0), None], "row 1"),
            (vec![Some(1.0), Some(-1.0)], "weight: row 1 is -1"),
            (vec![Some(f64::INFINITY), Some(1.0)], "weight: row 0 is inf"),
            (vec![Some(0.0), Some(0.0)], "weight: row 0 is 0"),
        ] {
            let error = weighted(weights).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(set(label(), Some(label())).is_err());
    }

    #[test]
    fn a_feature_may_be_a_list_of_numbers_and_of_nothing_else() {
        let list = |inner: DataType| DataType::List(Arc::new(Field::new_list_field(inner, true)));
        let with = |data_type: &DataType| {
            let columns = [
                Column::value("x", data_type.clone()),
                Column::new("y", DataType::Int64, Role::Label),
            ];
            let arrays = vec![
                arrow::array::new_null_array(data_type, 2),
                Arc::new(Int64Array::from(vec![1, 0])),
            ];
            TrainingSet::new(
                Table::new(TableSchema::new(columns)?, arrays)?,
                Lineage::default(),
            )
        };
        for inner in [DataType::Int64, DataType::Float64] {
            let set = with(&list(inner)).unwrap();
            let (one, other) = ([true, false], [false, true]);
            let parts = [set.filter(&one).unwrap(), set.filter(&other).unwrap()];
            assert_eq!(TrainingSet::concat(&parts).unwrap().digest(), set.digest());
        }
        for inner in [DataType::Utf8, DataType::Boolean] {
            let error = with(&list(inner)).unwrap_err().to_string();
            assert!(error.contains("or a list of numbers"), "{error}");
        }
    }

    #[test]
    fn texts_are_no_numbers() {
        let set = set(Arc::new(StringArray::from(vec!["yes", "no"])), None).unwrap();
        assert!(matches!(
            set.label_values(),
            Err(Error::TypeMismatch { .. })
        ));
        assert!(set.label_classes().is_err());
        assert_eq!(set.label_name(), "y");
    }
}
