//! A checked batch of rows that a view can take as a whole: nothing is changed before all of it fits.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray},
    compute,
    datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType},
};
use mlops_core::{EntityKey, EventTime, Table};

use super::{
    Dictionary, NO_CREATED,
    block::{Block, Packed, PackedColumn},
};
use crate::{
    Error, FeatureView, FieldKind, Result,
    entity::{KeyColumns, KeyType, decode},
    service::quoted,
    view::{store, takes},
};

/// The rows of a table that have a key, with their columns in the view's order and as the index holds them.
#[derive(Debug)]
pub(crate) struct Staged {
    keys: StagedKeys,
    time: ArrayRef,
    created: Option<ArrayRef>,
    fields: Vec<(FieldKind, ArrayRef)>,
    null_keys: u64,
}

/// The keys of rows in their order; none is an allocation of its own.
#[derive(Debug)]
pub(crate) enum StagedKeys {
    /// Keys of one whole number.
    Int(Vec<i64>),
    /// Any other keys, encoded one after the other.
    Any {
        /// All keys.
        bytes: Vec<u8>,
        /// Where each one ends.
        ends: Vec<usize>,
    },
}

impl StagedKeys {
    /// The keys of the rows that have one.
    pub(crate) fn of(keys: &KeyColumns, rows: usize) -> Self {
        match keys.whole() {
            Some(column) if keys.is_complete() => Self::Int(column.values().to_vec()),
            Some(column) => Self::Int(column.iter().flatten().collect()),
            None => {
                let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(rows));
                for row in (0..rows).filter(|row| keys.is_valid(*row)) {
                    keys.encode(row, &mut bytes);
                    ends.push(bytes.len());
                }
                Self::Any { bytes, ends }
            }
        }
    }

    /// Those of some rows.
    fn filter(&self, keep: &[bool]) -> Self {
        match self {
            Self::Int(values) => {
                let kept = values.iter().zip(keep).filter(|(_, keep)| **keep);
                Self::Int(kept.map(|(value, _)| *value).collect())
            }
            Self::Any { .. } => {
                let (mut bytes, mut ends) = (Vec::new(), Vec::new());
                for (key, _) in self.bytes().zip(keep).filter(|(_, keep)| **keep) {
                    bytes.extend_from_slice(key);
                    ends.push(bytes.len());
                }
                Self::Any { bytes, ends }
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Int(values) => values.len(),
            Self::Any { ends, .. } => ends.len(),
        }
    }

    /// The keys as they are asked for, for a store that is told of them one by one.
    pub(crate) fn entities(&self) -> Vec<EntityKey> {
        match self {
            Self::Int(values) => values.iter().map(|value| (*value).into()).collect(),
            Self::Any { .. } => self.bytes().map(decode).collect(),
        }
    }

    /// The encoded keys; none for whole numbers.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        let (bytes, ends) = match self {
            Self::Int(_) => (&[][..], &[][..]),
            Self::Any { bytes, ends } => (bytes.as_slice(), ends.as_slice()),
        };
        let starts = [0].into_iter().chain(ends.iter().copied());
        starts.zip(ends).map(|(start, end)| &bytes[start..*end])
    }
}

impl Staged {
    /// Finds the view's columns in a table by name; other columns are left alone.
    ///
    /// # Errors
    /// [`Error::ViewMismatch`] if a column is missing, has another type, or holds a value that does not fit;
    /// [`Error::Core`] if an event time is null or a key is out of range.
    pub(crate) fn new(view: &FeatureView, table: &Table) -> Result<Self> {
        let entity = view.entity().keys();
        let names: Vec<&str> = entity.iter().map(|(name, _)| name.as_str()).collect();
        let types: Vec<KeyType> = view.entity().key_types().collect();
        let columns = entity.iter().zip(&types).map(|((name, data_type), kind)| {
            find(view, table, name, data_type, |found| kind.reads(found))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let instants = EventTime::data_type();
        let is_time = |found: &DataType| *found == instants;
        let time = find(view, table, view.event_time(), &instants, is_time)?;
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
            .map(|name| find(view, table, name, &instants, is_time))
            .transpose()?;
        let fields = view.fields().iter().map(|field| {
            let declared = field.data_type();
            let array = find(view, table, field.name(), declared, |found| {
                takes(found, declared)
            })?;
            let stored = store(&array, declared)?.map_err(|unfit| Error::ViewMismatch {
                view: view.name().to_string(),
                reason: format!(
                    "column `{}`, row {}: {}",
                    field.name(),
                    unfit.row,
                    unfit.reason
                ),
            })?;
            Ok((field.kind(), stored))
        });
        let fields = fields.collect::<Result<Vec<_>>>()?;

        let keys = KeyColumns::new(&types, &names, &columns)?;
        let staged = Self {
            null_keys: 0,
            keys: StagedKeys::Int(Vec::new()),
            time,
            created,
            fields,
        };
        staged.keyed(&keys, table.rows())
    }

    /// Takes the keys, and only the rows that have one.
    fn keyed(mut self, keys: &KeyColumns, rows: usize) -> Result<Self> {
        self.keys = StagedKeys::of(keys, rows);
        if keys.is_complete() {
            return Ok(self);
        }
        let keep: BooleanArray = (0..rows).map(|row| Some(keys.is_valid(row))).collect();
        self.filter_columns(&keep)?;
        self.null_keys = (rows - self.keys.len()) as u64;
        Ok(self)
    }

    /// Some of the rows.
    pub(crate) fn filter(mut self, keep: &[bool]) -> Result<Self> {
        if !keep.contains(&false) {
            return Ok(self);
        }
        self.keys = self.keys.filter(keep);
        self.filter_columns(&BooleanArray::from(keep.to_vec()))?;
        Ok(self)
    }

    fn filter_columns(&mut self, keep: &BooleanArray) -> Result<()> {
        let columns = self.fields.iter_mut().map(|(_, array)| array);
        for array in columns.chain([&mut self.time]).chain(&mut self.created) {
            *array = compute::filter(array, keep).map_err(Error::arrow("leave out rows"))?;
        }
        Ok(())
    }

    /// The event time of each row.
    pub(crate) fn times(&self) -> &[i64] {
        self.time
            .as_primitive::<TimestampMicrosecondType>()
            .values()
    }

    /// The key of each row.
    pub(crate) fn keys(&self) -> &StagedKeys {
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
        let (first, last) = (*times.iter().min()?, *times.iter().max()?);
        Some((EventTime::from_micros(first), EventTime::from_micros(last)))
    }

    /// The rows as a block; new texts go into the dictionaries.
    pub(crate) fn encode(&self, dictionaries: &mut [Arc<Dictionary>]) -> Block {
        let instants = |array: &ArrayRef| -> Vec<i64> {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            if values.null_count() == 0 {
                return values.values().to_vec();
            }
            values.iter().map(|v| v.unwrap_or(NO_CREATED)).collect()
        };
        let fields = self.fields.iter().zip(dictionaries);
        Block {
            times: instants(&self.time),
            created: self.created.as_ref().map(instants),
            columns: fields
                .map(|((kind, array), words)| pack(*kind, array, words))
                .collect(),
        }
    }
}

fn find(
    view: &FeatureView,
    table: &Table,
    name: &str,
    expected: &DataType,
    takes: impl Fn(&DataType) -> bool,
) -> Result<ArrayRef> {
    let mismatch = |reason: String| Error::ViewMismatch {
        view: view.name().to_string(),
        reason,
    };
    let columns = table.schema().columns();
    let Some(at) = columns.iter().position(|c| c.name() == name) else {
        let names = quoted(columns.iter().map(mlops_core::Column::name));
        return Err(mismatch(format!(
            "there is no column `{name}`, there is {names}"
        )));
    };
    let array = table.batch().column(at);
    let found = array.data_type();
    if !takes(found) {
        return Err(mismatch(format!(
            "column `{name}` is {found} and must be {expected}"
        )));
    }
    Ok(Arc::clone(array))
}

fn pack(kind: FieldKind, array: &ArrayRef, words: &mut Arc<Dictionary>) -> PackedColumn {
    let data = match kind {
        FieldKind::Bool => Packed::Bool(array.as_boolean().values().iter().collect()),
        FieldKind::Int => Packed::Int(array.as_primitive::<Int64Type>().values().to_vec()),
        FieldKind::Time => {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            Packed::Int(values.values().to_vec())
        }
        FieldKind::Float => Packed::Float(array.as_primitive::<Float64Type>().values().to_vec()),
        FieldKind::Str => {
            let code = |word: Option<&str>| {
                let Some(word) = word else { return 0 };
                words
                    .get(word)
                    .unwrap_or_else(|| Arc::make_mut(words).insert(word))
            };
            Packed::Code(array.as_string::<i32>().iter().map(code).collect())
        }
    };
    let valid = array.nulls().filter(|nulls| nulls.null_count() > 0);
    let valid = valid.map(|nulls| nulls.iter().collect());
    PackedColumn { data, valid }
}
