//! Features and a label with their event times and their origin: what a trainer fits on.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::{DataType, Float64Type, Int64Type, Schema},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::{Digest, Error, EventTime, Result, Role, Table};

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
    /// Takes a table with an event time, a label and at least one value column.
    ///
    /// The label is boolean, whole or real, without nulls.
    ///
    /// # Errors
    /// [`Error::EmptyTable`] without rows, [`Error::InvalidSchema`] without one of these columns or with one of
    /// lists or maps,
    /// [`Error::TypeMismatch`] or [`Error::UnexpectedNull`] for a label that is no number.
    pub fn new(table: Table, lineage: Lineage) -> Result<Self> {
        if table.rows() == 0 {
            return Err(Error::EmptyTable {
                table: "training set".into(),
            });
        }
        table.schema().only(Role::EventTime)?;
        table.schema().only(Role::Value)?;
        let columns = table.schema().columns();
        if let Some(nested) = columns.iter().find(|column| column.is_nested()) {
            return Err(Error::InvalidSchema {
                reason: format!(
                    "column `{}` is {}; a feature of a training set is a single value",
                    nested.name(),
                    nested.data_type()
                ),
            });
        }
        let at = table.schema().only(Role::Label)?;
        let column = &table.schema().columns()[at];
        let label = table.batch().column(at);
        if label.null_count() > 0 {
            let row = (0..label.len())
                .find(|r| label.is_null(*r))
                .unwrap_or_default();
            return Err(Error::UnexpectedNull {
                column: column.name().to_owned(),
                row,
            });
        }
        numbers(column.name(), label)?;
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

    /// The label as numbers, `[rows]`; booleans are 0 and 1.
    pub fn label_values(&self) -> Vec<f64> {
        let at = self
            .table
            .schema()
            .only(Role::Label)
            .expect("checked by `new`");
        numbers("label", self.table.batch().column(at)).expect("checked by `new`")
    }

    /// The label as two classes, `[rows]`.
    ///
    /// # Errors
    /// [`Error::InvalidScore`] if a label is neither 0 nor 1.
    pub fn label_classes(&self) -> Result<Vec<bool>> {
        self.label_values()
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

    /// The event times, `[rows]`.
    pub fn event_times(&self) -> Vec<EventTime> {
        self.table.event_times().expect("checked by `new`")
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
