//! The columns of a file and how their values seem to be read, for those who ask.
//!
//! Nothing else in this crate guesses. What comes out is a list that can be looked at, changed, and made into a
//! [`SourceSchema`](super::SourceSchema); another file of the same kind is then read by the same list.

use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::{
    Csv, ParquetFile, Parse,
    csv_records::{Records, Text},
    parquet::guard,
};
use crate::{Result, engine::Inference};

impl Csv {
    /// The columns in the order of the file, each with the narrowest reading that all its values have: boolean,
    /// whole number, real number, else text. A column without values is a text. Numbers with leading zeros are texts.
    ///
    /// # Errors
    /// Those of [`Csv::read`]. Rows that it would reject for their number of fields are passed over.
    ///
    /// # Complexity
    /// One pass over the file, in the memory of one record.
    pub fn guess(&self) -> Result<Vec<(String, Parse)>> {
        let mut records = Records::open(Text {
            name: &self.name,
            origin: &self.origin,
            delimiter: self.delimiter,
            record_limit: self.record_limit,
            unpack_limit: self.unpack_limit,
        })?;
        let names = match &self.column_names {
            Some(names) => names.clone(),
            None => records.header()?,
        };
        let mut seen = vec![Inference::NEW; names.len()];
        while records.advance()? {
            let record = records.record();
            if record.len() != names.len() {
                continue;
            }
            for (seen, field) in seen.iter_mut().zip(record) {
                let text = String::from_utf8_lossy(field);
                let text = text.trim();
                if !self.null_tokens.contains(text.as_bytes()) {
                    seen.see(text);
                }
            }
        }
        let readings = seen.into_iter().map(|seen| match seen.data_type() {
            DataType::Boolean => Parse::Bool,
            DataType::Int64 => Parse::Int,
            DataType::Float64 => Parse::Float,
            _ => Parse::Trimmed,
        });
        Ok(names.into_iter().zip(readings).collect())
    }
}

impl ParquetFile {
    /// The columns in the order of the file, each with the reading that its type asks for. Columns of other types
    /// (times, lists, bytes) are left out.
    ///
    /// # Errors
    /// Those of [`ParquetFile::read`] that the footer shows.
    pub fn guess(&self) -> Result<Vec<(String, Parse)>> {
        let bytes = self.input.open()?;
        let load = || ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new());
        let meta = guard(&bytes, load)?;
        let fields = meta.schema().fields().iter();
        Ok(fields
            .filter_map(|field| Some((field.name().clone(), reading(field.data_type())?)))
            .collect())
    }
}

fn reading(data_type: &DataType) -> Option<Parse> {
    Some(match data_type {
        DataType::Boolean => Parse::Bool,
        whole if whole.is_integer() => Parse::Int,
        real if real.is_floating() => Parse::Float,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Parse::Str,
        DataType::Dictionary(_, values) => return reading(values),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(text: &str) -> Result<Vec<(String, Parse)>> {
        Csv::from_bytes("t", text.as_bytes())
            .null_token("?")
            .guess()
    }

    #[test]
    fn every_column_has_the_narrowest_reading_of_its_values() {
        let found = guess("a,b,c,d,e,f\n1,1.5,x,true,,007\n, 2,?,false,,1\n").unwrap();
        let expected = [
            ("a", Parse::Int),
            ("b", Parse::Float),
            ("c", Parse::Trimmed),
            ("d", Parse::Bool),
            ("e", Parse::Trimmed),
            ("f", Parse::Trimmed),
        ];
        assert_eq!(
            found,
            expected.map(|(name, parse)| (name.to_owned(), parse))
        );
    }

    #[test]
    fn rows_of_another_length_say_nothing() {
        let found = guess("a,b\n1,2\nx\n").unwrap();
        assert_eq!(found[0], ("a".to_owned(), Parse::Int));
    }
}
