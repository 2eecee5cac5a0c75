//! What a record of the push log says: rows, and of which view they are.
//!
//! ```text
//! version 1: arrival u64 · view · Arrow IPC stream
//! version 2: number u32 · with a number that is new in this file, the next one, a view
//!            · arrival u64 · form u8 · rows
//! view:      length u16 · name · layout, 32 bytes
//! form 0:    Arrow IPC stream
//! form 1:    target u8 · rows u32 · event ids u8 (0 none, 1 a column of texts follows)
//!            · the columns of the layout, as `packed` has them
//! ```
//!
//! A file names a view once, in the first record of its rows, so that a pushed row costs its own bytes and some
//! twenty more. Columns of a type without a packed form go as an Arrow IPC stream.

use std::path::Path;

use arrow::{
    array::{Array, ArrayRef},
    datatypes::DataType,
};
use mlops_core::{Digest, Table, TableSchema};

use super::{
    StoredRows, Target,
    manifest::layout,
    packed::{self, Reader},
};
use crate::{Error, FeatureView, Result};

/// The version that numbers its views; the one before has records of its own.
pub(super) const VERSION: u8 = 2;
const STREAM: u8 = 0;
const PACKED: u8 = 1;

/// How the log is named in errors of its content.
const LOG: &str = "the push log";

/// Form and rows, as they follow the view and the arrival.
pub(super) fn body(rows: &StoredRows) -> Result<Vec<u8>> {
    let columns = rows.table.batch().columns();
    let mut out = Vec::with_capacity(64 + 9 * rows.table.rows() * columns.len());
    out.push(PACKED);
    let target = rows.targets.first().copied().unwrap_or(Target::Offline);
    out.push(target.code().cast_unsigned());
    let count = u32::try_from(rows.table.rows()).expect("a table has fewer than 2^32 rows");
    out.extend(count.to_le_bytes());
    out.push(rows.ids.is_some().into());
    if rows
        .ids
        .iter()
        .chain(columns)
        .all(|column| packed::write(column, &mut out))
    {
        return Ok(out);
    }
    out.clear();
    out.push(STREAM);
    out.extend(rows.to_table()?.to_ipc());
    Ok(out)
}

/// The views that one file has numbered, on the side of the writer.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// How many the file had when it was opened; what is written from then on names its views anew.
    taken: u32,
    known: Vec<Digest>,
}

impl Numbers {
    pub(super) fn after(views: &Views) -> Self {
        let taken = u32::try_from(views.0.len()).expect("each takes some bytes of a file");
        Self {
            taken,
            known: Vec::new(),
        }
    }

    /// How many were given here.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Takes back those that were given after there were so many.
    pub(super) fn truncate(&mut self, len: usize) {
        self.known.truncate(len);
    }

    /// Appends the number of a view, and what it stands for if this is the first time.
    pub(super) fn write(&mut self, view: &FeatureView, out: &mut Vec<u8>) {
        let digest = view.digest();
        let found = self.known.iter().position(|known| *known == digest);
        let at = found.unwrap_or(self.known.len());
        let at = u32::try_from(at).expect("a view is more than one byte");
        out.extend((self.taken + at).to_le_bytes());
        if found.is_none() {
            let name = view.name().as_str().as_bytes();
            out.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
            out.extend(name);
            out.extend(layout(view).as_bytes());
            self.known.push(digest);
        }
    }
}

/// The views that one file has numbered so far, on the side of the reader.
#[derive(Debug, Default)]
pub(super) struct Views(Vec<(String, Digest)>);

/// A record that was read.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) arrival: u64,
    pub(super) view: String,
    pub(super) layout: Digest,
    form: u8,
    body: Vec<u8>,
}

impl Views {
    /// Reads the next record of a file.
    pub(super) fn record(&mut self, path: &Path, version: u8, payload: &[u8]) -> Result<Record> {
        let record = match version {
            VERSION => self.numbered(payload),
            _ => first_version(payload),
        };
        record.ok_or_else(|| Error::DamagedFile {
            path: path.display().to_string(),
            reason: "a record of the push log is not what was written".to_owned(),
        })
    }

    fn numbered(&mut self, payload: &[u8]) -> Option<Record> {
        let mut reader = Reader(payload);
        let number = usize::try_from(u32::from_le_bytes(reader.array()?)).ok()?;
        if number == self.0.len() {
            self.0.push(view(&mut reader)?);
        }
        let (view, layout) = self.0.get(number)?.clone();
        let arrival = u64::from_le_bytes(reader.array()?);
        let [form] = reader.array()?;
        Some(Record {
            arrival,
            view,
            layout,
            form,
            body: reader.0.to_vec(),
        })
    }
}

fn first_version(payload: &[u8]) -> Option<Record> {
    let mut reader = Reader(payload);
    let arrival = u64::from_le_bytes(reader.array()?);
    let (view, layout) = view(&mut reader)?;
    Some(Record {
        arrival,
        view,
        layout,
        form: STREAM,
        body: reader.0.to_vec(),
    })
}

fn view(reader: &mut Reader<'_>) -> Option<(String, Digest)> {
    let length = u16::from_le_bytes(reader.array()?);
    let name = std::str::from_utf8(reader.take(length.into())?).ok()?;
    let hex = reader.array::<32>()?;
    let hex = hex.iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write;
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    Some((name.to_owned(), hex.parse().ok()?))
}

/// A view with what reading its records asks for again and again.
#[derive(Debug)]
pub(super) struct Under<'a> {
    view: &'a FeatureView,
    pub(super) layout: Digest,
    schema: TableSchema,
}

impl<'a> Under<'a> {
    pub(super) fn new(view: &'a FeatureView) -> Self {
        Self {
            view,
            layout: layout(view),
            schema: view.schema(),
        }
    }
}

impl Record {
    /// The rows, under the view that has the record's layout.
    pub(super) fn rows(&self, under: &Under<'_>) -> Result<StoredRows> {
        if self.form == STREAM {
            let table = Table::from_ipc(&self.body)?;
            return StoredRows::from_batch(under.view, table.batch(), LOG);
        }
        let damaged = |reason: String| Error::DamagedFile {
            path: LOG.to_owned(),
            reason,
        };
        if self.layout != under.layout {
            let view = under.view.name();
            return Err(damaged(format!("its rows of `{view}` have other columns")));
        }
        let columns = self.columns(&under.schema);
        let (target, ids, columns) =
            columns.ok_or_else(|| damaged("a record holds no such rows".to_owned()))?;
        let table = Table::new(under.schema.clone(), columns)
            .map_err(|error| damaged(error.to_string()))?;
        let mut keys = table
            .batch()
            .columns()
            .iter()
            .take(under.view.entity().keys().len());
        if keys.any(|key| key.null_count() > 0) {
            return Err(damaged("a row has a null key".to_owned()));
        }
        let ids = ids.filter(|ids| ids.null_count() < ids.len());
        Ok(StoredRows::new(table, self.arrival, target, ids))
    }

    fn columns(&self, schema: &TableSchema) -> Option<(Target, Option<ArrayRef>, Vec<ArrayRef>)> {
        if self.form != PACKED {
            return None;
        }
        let mut reader = Reader(&self.body);
        let [target] = reader.array()?;
        let target = Target::of_code(target.cast_signed())?;
        let rows = usize::try_from(u32::from_le_bytes(reader.array()?)).ok()?;
        let ids = match reader.array()? {
            [0] => None,
            [1] => Some(reader.column(&DataType::Utf8, rows)?),
            _ => return None,
        };
        let columns = schema.columns().iter();
        let columns = columns.map(|column| reader.column(column.data_type(), rows));
        let columns = columns.collect::<Option<Vec<_>>>()?;
        reader.0.is_empty().then_some((target, ids, columns))
    }
}
