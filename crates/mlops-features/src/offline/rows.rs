//! Rows on their way to the disk and back: a view's columns, and what is known about each row besides.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, Int8Array, StringArray, UInt64Array},
    datatypes::{DataType, Int8Type, UInt64Type},
};
use mlops_core::{Column, Role, Table, TableSchema};

use super::Target;
use crate::{Error, FeatureView, Result};

const ARRIVAL: &str = "__arrival";
const TARGET: &str = "__target";
const EVENT_ID: &str = "__event_id";

/// Rows of one view with keys that are not null, in order of arrival.
#[derive(Debug, Clone)]
pub(crate) struct StoredRows {
    /// The view's columns.
    pub(crate) table: Table,
    pub(crate) arrivals: Vec<u64>,
    pub(crate) targets: Vec<Target>,
    /// The event ids, where the pusher gave some.
    pub(crate) ids: Option<ArrayRef>,
}

impl StoredRows {
    /// Rows that arrived together.
    pub(crate) fn new(table: Table, arrival: u64, target: Target, ids: Option<ArrayRef>) -> Self {
        Self {
            arrivals: vec![arrival; table.rows()],
            targets: vec![target; table.rows()],
            table,
            ids,
        }
    }

    /// All columns as one table.
    pub(crate) fn to_table(&self) -> Result<Table> {
        let columns = self.table.schema().columns().iter().cloned();
        let extra = [
            Column::new(ARRIVAL, DataType::UInt64, Role::Value),
            Column::new(TARGET, DataType::Int8, Role::Value),
            Column::new(EVENT_ID, DataType::Utf8, Role::Value).nullable(true),
        ];
        let targets: Int8Array = self.targets.iter().map(|t| Some(t.code())).collect();
        let ids = self
            .ids
            .clone()
            .unwrap_or_else(|| Arc::new(StringArray::new_null(self.table.rows())));
        let arrays = self.table.batch().columns().iter().cloned();
        let arrays = arrays.chain([
            Arc::new(UInt64Array::from(self.arrivals.clone())) as ArrayRef,
            Arc::new(targets) as ArrayRef,
            ids,
        ]);
        Ok(Table::new(
            TableSchema::new(columns.chain(extra))?,
            arrays.collect(),
        )?)
    }

    /// The rows of such a table; the name stands in errors.
    pub(crate) fn from_batch(
        view: &FeatureView,
        batch: &arrow::array::RecordBatch,
        name: &str,
    ) -> Result<Self> {
        let damaged = |reason: &str| Error::DamagedFile {
            path: name.to_owned(),
            reason: reason.to_owned(),
        };
        let column = |column: &str, kind: &DataType| {
            let array = batch.column_by_name(column);
            let array = array.filter(|array| array.data_type() == kind);
            array.ok_or_else(|| damaged(&format!("there is no column `{column}` of {kind}")))
        };
        let arrivals = column(ARRIVAL, &DataType::UInt64)?.as_primitive::<UInt64Type>();
        let targets = column(TARGET, &DataType::Int8)?.as_primitive::<Int8Type>();
        let ids = column(EVENT_ID, &DataType::Utf8)?;
        let target = |code: &i8| {
            Target::of_code(*code).ok_or_else(|| damaged(&format!("a row has target {code}")))
        };
        let table =
            Table::from_batch(view.schema(), batch).map_err(|error| damaged(&error.to_string()))?;
        let keys = view.entity().keys().len();
        if table.batch().columns()[..keys]
            .iter()
            .any(|key| key.null_count() > 0)
        {
            return Err(damaged("a row has a null key"));
        }
        Ok(Self {
            table,
            arrivals: arrivals.values().to_vec(),
            targets: targets.values().iter().map(target).collect::<Result<_>>()?,
            ids: (ids.null_count() < ids.len()).then(|| Arc::clone(ids)),
        })
    }

    /// The rows that a filter keeps.
    pub(crate) fn filter(&self, keep: &[bool]) -> Result<Self> {
        fn pick<T: Copy>(values: &[T], keep: &[bool]) -> Vec<T> {
            let kept = values.iter().zip(keep).filter(|(_, keep)| **keep);
            kept.map(|(value, _)| *value).collect()
        }
        let mask = BooleanArray::from(keep.to_vec());
        let ids = self.ids.as_ref().map(|ids| {
            arrow::compute::filter(ids, &mask).map_err(Error::arrow("filter event ids"))
        });
        Ok(Self {
            table: self.table.filter(keep)?,
            arrivals: pick(&self.arrivals, keep),
            targets: pick(&self.targets, keep),
            ids: ids.transpose()?,
        })
    }

    /// All rows in order of arrival; rows that arrived together stay in their order.
    pub(crate) fn concat(mut parts: Vec<Self>) -> Result<Option<Self>> {
        if parts.len() <= 1 {
            return Ok(parts.pop());
        }
        let tables: Vec<Table> = parts.iter().map(|part| part.table.clone()).collect();
        let arrivals: Vec<u64> = parts
            .iter()
            .flat_map(|p| p.arrivals.iter().copied())
            .collect();
        let targets: Vec<Target> = parts
            .iter()
            .flat_map(|p| p.targets.iter().copied())
            .collect();
        let ids = if parts.iter().any(|part| part.ids.is_some()) {
            let ids = parts.iter().map(|part| {
                let none = || Arc::new(StringArray::new_null(part.table.rows())) as ArrayRef;
                part.ids.clone().unwrap_or_else(none)
            });
            let ids: Vec<ArrayRef> = ids.collect();
            let ids: Vec<&dyn Array> = ids.iter().map(AsRef::as_ref).collect();
            Some(arrow::compute::concat(&ids).map_err(Error::arrow("concatenate event ids"))?)
        } else {
            None
        };
        let all = Self {
            table: Table::concat(&tables)?,
            arrivals,
            targets,
            ids,
        };
        if all.arrivals.is_sorted() {
            return Ok(Some(all));
        }
        let mut order: Vec<u32> = (0..).take(all.arrivals.len()).collect();
        order.sort_by_key(|row| all.arrivals[*row as usize]);
        let indices = arrow::array::UInt32Array::from(order.clone());
        let ids = all.ids.as_ref().map(|ids| {
            arrow::compute::take(ids, &indices, None).map_err(Error::arrow("sort event ids"))
        });
        Ok(Some(Self {
            table: all.table.take(&order)?,
            arrivals: order
                .iter()
                .map(|row| all.arrivals[*row as usize])
                .collect(),
            targets: order.iter().map(|row| all.targets[*row as usize]).collect(),
            ids: ids.transpose()?,
        }))
    }
}
