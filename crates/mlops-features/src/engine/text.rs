//! CSV files as an input, plain or gzip: every column is a text, and the file is read once for each question.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::{
    array::{ArrayRef, RecordBatch, StringBuilder},
    datatypes::{DataType, Field, FieldRef, Schema},
};
use csv::ByteRecord;
use mlops_store::Location;

use super::{
    infer::Inference,
    input::{Input, Need, PIECE, Scan, Unit},
    memory::MemoryInput,
};
use crate::{
    Error, Result, UnpackLimit,
    source::{Origin, Records, Text, file::located, locate, shortened},
};

/// A record that is longer is most often an open quote.
const RECORD_LIMIT: u64 = 64 << 20;

/// A piece of text columns ends early rather than outgrow this.
const PIECE_BYTES: usize = 64 << 20;

/// A CSV file with a header line, separated by commas, in UTF-8; an empty field is null.
#[derive(Debug)]
pub(super) struct TextInput {
    name: String,
    origin: Origin,
    unpack_limit: UnpackLimit,
    fields: Vec<FieldRef>,
    /// What the values say about the types, if it is asked.
    inference: Option<Mutex<Vec<Inference>>>,
}

impl TextInput {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::MissingFile`], [`Error::Read`], [`Error::MissingHeader`], [`Error::NotUtf8`],
    /// [`Error::AmbiguousColumn`], [`Error::BrokenGzip`], [`Error::Unpacked`].
    pub(super) fn open(
        location: &Location,
        unpack_limit: UnpackLimit,
        infer: bool,
    ) -> Result<Self> {
        let (name, origin) = located(location)?;
        let mut input = Self {
            name,
            origin,
            unpack_limit,
            fields: Vec::new(),
            inference: None,
        };
        let names = input.records()?.header()?;
        for column in &names {
            locate(&input.name, &names, column)?;
        }
        input.inference = infer.then(|| Mutex::new(vec![Inference::NEW; names.len()]));
        let fields = names.into_iter();
        let fields = fields.map(|name| Arc::new(Field::new(name, DataType::Utf8, true)));
        input.fields = fields.collect();
        Ok(input)
    }

    fn records(&self) -> Result<Records<'_>> {
        Records::open(Text {
            name: &self.name,
            origin: &self.origin,
            delimiter: b',',
            record_limit: RECORD_LIMIT,
            unpack_limit: self.unpack_limit,
        })
    }

    /// The whole file in memory, for one that is asked for its columns again and again.
    ///
    /// # Errors
    /// Those of reading it.
    pub(super) fn load(self) -> Result<MemoryInput> {
        let columns: Vec<usize> = (0..self.fields.len()).collect();
        let schema = Arc::new(Schema::new(self.fields.clone()));
        let mut batches = Vec::new();
        self.each(&columns, None, |_, arrays| {
            let batch = RecordBatch::try_new(Arc::clone(&schema), arrays);
            batches.push(batch.map_err(Error::arrow("hold a text file"))?);
            Ok(())
        })?;
        let inferred = match self.inference {
            Some(seen) => seen.into_inner().unwrap_or_else(PoisonError::into_inner),
            None => vec![Inference::NEW; self.fields.len()],
        };
        Ok(MemoryInput::new(self.name, self.fields, batches).of_text(inferred))
    }

    /// Hands on pieces of some columns, of all rows or of the given ones.
    fn each(
        &self,
        columns: &[usize],
        rows: Option<&[u64]>,
        mut each: impl FnMut(u64, Vec<ArrayRef>) -> Result<()>,
    ) -> Result<u64> {
        let mut records = self.records()?;
        records.header()?;
        let inference = self.inference.as_ref().filter(|_| rows.is_none());
        let mut seen = inference.map(|_| vec![Inference::NEW; self.fields.len()]);
        let mut builders: Vec<StringBuilder> =
            columns.iter().map(|_| StringBuilder::new()).collect();
        let (mut row, mut first, mut held, mut bytes) = (0_u64, 0_u64, 0_usize, 0_usize);
        let mut wanted = rows.map(|rows| rows.iter().copied().peekable());
        while records.advance()? {
            let record = records.record();
            if record.len() != self.fields.len() {
                return Err(self.wrong_length(records.row(), record.len()));
            }
            let this = row;
            row += 1;
            if let Some(wanted) = &mut wanted {
                match wanted.peek() {
                    None => break,
                    Some(next) if *next == this => wanted.next(),
                    Some(_) => continue,
                };
            }
            if let Some(seen) = &mut seen {
                for (at, seen) in seen.iter_mut().enumerate() {
                    seen.see(self.cell(record, at, this)?);
                }
            }
            for (at, builder) in columns.iter().zip(&mut builders) {
                let text = self.cell(record, *at, this)?;
                bytes += text.len();
                if text.is_empty() {
                    builder.append_null();
                } else {
                    builder.append_value(text);
                }
            }
            held += 1;
            if held == PIECE || bytes > PIECE_BYTES {
                each(first, finish(&mut builders))?;
                (first, held, bytes) = (row, 0, 0);
            }
        }
        if held > 0 {
            each(first, finish(&mut builders))?;
        }
        if let (Some(inference), Some(seen)) = (inference, seen) {
            *inference.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        }
        Ok(row)
    }

    fn wrong_length(&self, row: u64, found: usize) -> Error {
        Error::BadCell {
            source_name: self.name.clone(),
            row,
            column: format!("1 to {}", self.fields.len()),
            value: format!("{found} fields"),
            expected: "one field for each column of the header",
        }
    }

    fn cell<'a>(&self, record: &'a ByteRecord, at: usize, row: u64) -> Result<&'a str> {
        let bytes = record.get(at).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| Error::BadCell {
            source_name: self.name.clone(),
            row: row + 1,
            column: self.fields[at].name().clone(),
            value: shortened(&String::from_utf8_lossy(bytes)),
            expected: "UTF-8",
        })
    }
}

fn finish(builders: &mut [StringBuilder]) -> Vec<ArrayRef> {
    let columns = builders.iter_mut();
    columns
        .map(|builder| Arc::new(builder.finish()) as ArrayRef)
        .collect()
}

impl Input for TextInput {
    fn name(&self) -> &str {
        &self.name
    }

    fn fields(&self) -> &[FieldRef] {
        &self.fields
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn is_text(&self) -> bool {
        true
    }

    fn inferred(&self, column: usize) -> Option<DataType> {
        let inference = self.inference.as_ref()?;
        let seen = inference.lock().unwrap_or_else(PoisonError::into_inner);
        Some(seen[column].data_type())
    }

    fn units(&self, _scan: &Scan<'_>) -> Vec<Unit> {
        vec![Unit {
            at: 0,
            need: Need::All,
        }]
    }

    fn scan(&self, scan: &Scan<'_>, _unit: Unit) -> Result<u64> {
        self.each(scan.columns, None, |first, columns| {
            (scan.progress)(columns[0].len() as u64);
            (scan.sink)(first, &columns)
        })
    }

    fn gather(&self, columns: &[usize], rows: &[u64]) -> Result<Vec<Vec<ArrayRef>>> {
        let mut pieces = vec![Vec::new(); columns.len()];
        self.each(columns, Some(rows), |_, arrays| {
            for (pieces, array) in pieces.iter_mut().zip(arrays) {
                pieces.push(array);
            }
            Ok(())
        })?;
        Ok(pieces)
    }

    fn read(&self, column: usize, first: u64, rows: usize) -> Result<Vec<ArrayRef>> {
        let wanted: Vec<u64> = (first..first + rows as u64).collect();
        let mut pieces = self.gather(&[column], &wanted)?;
        Ok(pieces.swap_remove(0))
    }
}
