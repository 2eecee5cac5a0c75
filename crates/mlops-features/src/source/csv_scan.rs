//! One pass over the records of a CSV file.

use super::{
    Chunk, Csv, SourceSchema,
    batches::locate,
    csv_records::{Records, Text},
    rejection::{Fault, RejectionKind},
    rows::Rows,
};
use crate::{Error, Result};

/// Where the reader stands.
pub(super) struct Scan<'a> {
    csv: &'a Csv,
    schema: &'a SourceSchema,
    records: Records<'a>,
    /// How many fields a record has, and which of them each column of the schema is.
    fields: usize,
    at: Vec<usize>,
}

impl<'a> Scan<'a> {
    /// Reads the header and finds the columns of the schema in it.
    pub(super) fn start(csv: &'a Csv, schema: &'a SourceSchema) -> Result<Self> {
        if matches!(csv.delimiter, b'"' | b'\n' | b'\r') {
            return Err(Error::InvalidParameter {
                parameter: "delimiter",
                value: char::from(csv.delimiter).escape_default().to_string(),
                rule: "it must be neither a quote nor a line end",
            });
        }
        let mut records = Records::open(Text {
            name: &csv.name,
            origin: &csv.origin,
            delimiter: csv.delimiter,
            record_limit: csv.record_limit,
            unpack_limit: csv.unpack_limit,
        })?;
        let names = match &csv.column_names {
            Some(names) => names.clone(),
            None => records.header()?,
        };
        let columns = schema.columns().iter();
        let at = columns.map(|column| locate(&csv.name, &names, &column.source));
        Ok(Self {
            at: at.collect::<Result<_>>()?,
            fields: names.len(),
            csv,
            schema,
            records,
        })
    }

    /// The next part of at most that many rows, or `None` after the last.
    pub(super) fn chunk(&mut self, rows: usize, rejection_limit: usize) -> Result<Option<Chunk>> {
        let mut part = Rows::new(&self.csv.name, self.schema, rejection_limit);
        while part.read() < rows as u64 && self.records.advance()? {
            let (record, at) = (self.records.record(), &self.at);
            let row = self.records.row();
            if record.len() != self.fields {
                let found = record.len();
                let reason = format!("{} fields are expected, {found} are there", self.fields);
                let fault = Fault::new(RejectionKind::FieldCount, reason);
                part.reject(row, None, &self.excerpt(), fault);
                continue;
            }
            part.add(
                row,
                |i, column| column.push(&record[at[i]], &self.csv.null_tokens),
                |i| String::from_utf8_lossy(&record[at[i]]).into_owned(),
            )?;
        }
        (part.read() > 0).then(|| part.finish()).transpose()
    }

    /// The start of the record, to recognise it by.
    fn excerpt(&self) -> String {
        let mut text = String::new();
        for (i, field) in self.records.record().iter().enumerate() {
            if i > 0 {
                text.push(char::from(self.csv.delimiter));
            }
            let field = &field[..field.len().min(400)];
            text.push_str(&String::from_utf8_lossy(field));
            if text.len() > 400 {
                break;
            }
        }
        text
    }
}
