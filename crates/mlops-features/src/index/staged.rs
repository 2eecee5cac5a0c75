//! A checked batch of rows that a view can take as a whole: nothing is changed before all of it fits.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{Float64Type, Int64Type, TimestampMicrosecondType},
};
use mlops_core::{EntityKey, EventTime, Table};

use super::{
    Dictionary, NO_CREATED,
    block::{Block, Packed, PackedColumn},
};
use crate::{Error, FeatureView, FieldKind, Result, service::quoted};

/// The rows of a table that have a key, with their columns in the view's order.
#[derive(Debug)]
pub(crate) struct Staged {
    keys: Vec<EntityKey>,
    rows: Vec<usize>,
    time: ArrayRef,
    created: Option<ArrayRef>,
    fields: Vec<(FieldKind, ArrayRef)>,
    null_keys: u64,
}

impl Staged {
    /// Finds the view's columns in a table by name; other columns are left alone.
    pub(crate) fn new(view: &FeatureView, table: &Table) -> Result<Self> {
        let mismatch = |reason: String| Error::ViewMismatch {
            view: view.name().to_string(),
            reason,
        };
        let column = |name: &str, expected: &arrow::datatypes::DataType| {
            let columns = table.schema().columns();
            let Some(at) = columns.iter().position(|c| c.name() == name) else {
                let names = quoted(columns.iter().map(mlops_core::Column::name));
                return Err(mismatch(format!(
                    "there is no column `{name}`, there is {names}"
                )));
            };
            let array = table.batch().column(at);
            if array.data_type() != expected {
                let found = array.data_type();
                return Err(mismatch(format!(
                    "column `{name}` is {found} and must be {expected}"
                )));
            }
            Ok(Arc::clone(array))
        };
        let entity = view.entity().keys();
        let names: Vec<&str> = entity.iter().map(|(name, _)| name.as_str()).collect();
        let columns = entity
            .iter()
            .map(|(name, data_type)| column(name, data_type));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let time = column(view.event_time(), &EventTime::data_type())?;
        if time.null_count() > 0 {
            let row = (0..time.len())
                .find(|row| time.is_null(*row))
                .unwrap_or_default();
            return Err(mlops_core::Error::UnexpectedNull {
                column: view.event_time().to_owned(),
                row,
            }
            .into());
        }
        let created = view.created_time();
        let created = created
            .map(|name| column(name, &EventTime::data_type()))
            .transpose()?;
        let fields = view.fields().iter().map(|field| {
            let array = column(field.name(), &field.kind().data_type())?;
            Ok((field.kind(), array))
        });
        let fields = fields.collect::<Result<Vec<_>>>()?;

        let (mut keys, mut rows) = (Vec::new(), Vec::new());
        for row in 0..table.rows() {
            if let Some(key) = EntityKey::from_arrays(&names, &columns, row)? {
                keys.push(key);
                rows.push(row);
            }
        }
        Ok(Self {
            null_keys: (table.rows() - rows.len()) as u64,
            keys,
            rows,
            time,
            created,
            fields,
        })
    }

    /// The key of each row.
    pub(crate) fn keys(&self) -> &[EntityKey] {
        &self.keys
    }

    /// How many rows were left out because a part of their key is null.
    pub(crate) fn null_keys(&self) -> u64 {
        self.null_keys
    }

    /// The first and the last event time.
    pub(crate) fn span(&self) -> Option<(EventTime, EventTime)> {
        let times = self
            .time
            .as_primitive::<TimestampMicrosecondType>()
            .values();
        let times = || self.rows.iter().map(|row| times[*row]);
        let (first, last) = (times().min()?, times().max()?);
        Some((EventTime::from_micros(first), EventTime::from_micros(last)))
    }

    /// The rows as a block; new texts go into the dictionaries.
    pub(crate) fn encode(&self, dictionaries: &mut [Arc<Dictionary>]) -> Block {
        let instants = |array: &ArrayRef| -> Vec<i64> {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            let value = |row: &usize| {
                if values.is_valid(*row) {
                    values.value(*row)
                } else {
                    NO_CREATED
                }
            };
            self.rows.iter().map(value).collect()
        };
        let fields = self.fields.iter().zip(dictionaries);
        Block {
            times: instants(&self.time),
            created: self.created.as_ref().map(instants),
            columns: fields
                .map(|((kind, array), words)| self.pack(*kind, array, words))
                .collect(),
        }
    }

    fn pack(&self, kind: FieldKind, array: &ArrayRef, words: &mut Arc<Dictionary>) -> PackedColumn {
        let rows = self.rows.iter().copied();
        let data = match kind {
            FieldKind::Bool => {
                let values = array.as_boolean();
                Packed::Bool(rows.clone().map(|row| values.value(row)).collect())
            }
            FieldKind::Int => {
                let values = array.as_primitive::<Int64Type>().values();
                Packed::Int(rows.clone().map(|row| values[row]).collect())
            }
            FieldKind::Time => {
                let values = array.as_primitive::<TimestampMicrosecondType>().values();
                Packed::Int(rows.clone().map(|row| values[row]).collect())
            }
            FieldKind::Float => {
                let values = array.as_primitive::<Float64Type>().values();
                Packed::Float(rows.clone().map(|row| values[row]).collect())
            }
            FieldKind::Str => {
                let values = array.as_string::<i32>();
                let code = |row: usize| {
                    if values.is_null(row) {
                        return 0;
                    }
                    let word = values.value(row);
                    words
                        .get(word)
                        .unwrap_or_else(|| Arc::make_mut(words).insert(word))
                };
                Packed::Code(rows.clone().map(code).collect())
            }
        };
        let nulls = array.null_count() > 0 && rows.clone().any(|row| array.is_null(row));
        let valid = nulls.then(|| rows.map(|row| array.is_valid(row)).collect());
        PackedColumn { data, valid }
    }
}
