//! The output as CSV: texts of text files as they stood, all else as Arrow prints it, null as nothing.

use std::{io::Write, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{
        ArrowTimestampType, DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType,
    },
    util::display::{ArrayFormatter, FormatOptions},
};

use super::{
    gather::{Values, spine_run},
    layout::{Layout, Output},
    pool,
    view_pass::Answer,
};
use crate::{Error, Result};

const RUN: usize = 1 << 16;

/// The columns of the output, gathered and ready to be read a run of rows at a time.
pub(super) struct Columns<'a> {
    layout: &'a Layout,
    answers: &'a [Answer],
    outputs: Vec<Output>,
    features: Vec<Option<Values>>,
}

impl<'a> Columns<'a> {
    /// Gathers the features of all views.
    pub(super) fn new(
        layout: &'a Layout,
        answers: &'a [Answer],
        threads: usize,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Self> {
        let outputs = layout.outputs();
        let views: Vec<usize> = (0..layout.views.len()).collect();
        let gathered = pool::try_run(threads, views, |at| {
            let view = &layout.views[at];
            let pieces = view.input.gather(&view.features, &answers[at].rows)?;
            progress(view.features.len() as u64);
            let values = pieces.into_iter().zip(&view.features);
            let values = values.map(|(pieces, column)| {
                Values::new(pieces, view.input.fields()[*column].data_type())
            });
            values.collect::<Result<Vec<Values>>>()
        })?;
        let spine = (0..layout.spine.fields().len()).map(|_| None);
        let features = spine.chain(gathered.into_iter().flatten().map(Some));
        Ok(Self {
            layout,
            answers,
            outputs,
            features: features.collect(),
        })
    }

    /// A run of rows of all columns; texts of text files stay texts.
    pub(super) fn run(&self, first: usize, rows: usize) -> Result<Vec<ArrayRef>> {
        let columns = self.outputs.iter().zip(&self.features);
        let columns = columns.map(|(output, values)| match (output, values) {
            (Output::Feature(view, _), Some(values)) => {
                values.spread(&self.answers[*view], first, rows)
            }
            (Output::Spine(column), _) => {
                let input = &*self.layout.spine;
                let own = input.fields()[*column].data_type();
                spine_run(input, *column, first, rows, own)
            }
            (Output::Feature(..), None) => unreachable!("features were gathered"),
        });
        columns.collect()
    }
}

/// An instant with a zone as the same instant in UTC, which is printed with a `Z`: no database of zones is asked.
fn in_utc(array: &ArrayRef) -> ArrayRef {
    fn zoned<T: ArrowTimestampType>(array: &ArrayRef) -> ArrayRef {
        let instants = array.as_primitive::<T>().clone();
        Arc::new(instants.with_timezone("+00:00"))
    }
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, Some(_)) => zoned::<TimestampSecondType>(array),
        DataType::Timestamp(TimeUnit::Millisecond, Some(_)) => {
            zoned::<TimestampMillisecondType>(array)
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            zoned::<TimestampMicrosecondType>(array)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, Some(_)) => {
            zoned::<TimestampNanosecondType>(array)
        }
        _ => Arc::clone(array),
    }
}

/// Writes the header and all rows.
pub(super) fn write(
    out: impl Write,
    path: &str,
    layout: &Layout,
    columns: &Columns<'_>,
    rows: usize,
) -> Result<()> {
    let failed = Error::write::<csv::Error>(path);
    let mut out = csv::WriterBuilder::new()
        .buffer_capacity(1 << 20)
        .from_writer(out);
    let names = columns.outputs.iter().map(|o| layout.field(*o, false));
    let names: Vec<_> = names.collect();
    out.write_record(names.iter().map(|field| field.name()))
        .map_err(&failed)?;
    let options = FormatOptions::new().with_null("");
    let mut cell = String::new();
    for first in (0..rows).step_by(RUN) {
        let count = RUN.min(rows - first);
        let arrays: Vec<ArrayRef> = columns.run(first, count)?.iter().map(in_utc).collect();
        let print = arrays
            .iter()
            .map(|array| ArrayFormatter::try_new(array, &options));
        let print = print
            .collect::<Result<Vec<_>, _>>()
            .map_err(Error::arrow("print a column"))?;
        for row in 0..count {
            for (array, print) in arrays.iter().zip(&print) {
                cell.clear();
                if array.is_valid(row) {
                    print
                        .value(row)
                        .write(&mut cell)
                        .map_err(Error::arrow("print a value"))?;
                }
                out.write_field(&cell).map_err(&failed)?;
            }
            out.write_record(None::<&[u8]>).map_err(&failed)?;
        }
    }
    out.flush().map_err(Error::write(path))
}
