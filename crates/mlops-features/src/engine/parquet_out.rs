//! The output as Parquet: columns are gathered and encoded on all threads, one at a time on each, and
//! appended in order at the end. What is held is the encoded output and a column a thread.

use std::{
    fs::File,
    io::BufWriter,
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::ArrayRef,
    datatypes::{DataType, FieldRef, Schema},
};
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves},
    },
    basic::Compression,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
    },
    schema::types::ColumnPath,
};

use super::{
    gather::{Values, spine_run, typed},
    layout::{Layout, Output},
    pool,
    view_pass::Answer,
};
use crate::{Error, Result};

/// The rows of one row group.
pub(super) const GROUP: usize = 1 << 20;

type Chunks = Vec<ArrowColumnChunk>;

/// Writes the whole file.
pub(super) fn write(
    file: File,
    path: &str,
    layout: &Layout,
    answers: &[Answer],
    rows: usize,
    threads: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<()> {
    let failed = Error::encode(path);
    let outputs = layout.outputs();
    let fields: Vec<FieldRef> = outputs.iter().map(|o| layout.field(*o, true)).collect();
    let schema = Arc::new(Schema::new(fields.clone()));
    let file = BufWriter::with_capacity(1 << 20, file);
    let writer = ArrowWriter::try_new(file, schema, Some(properties(&fields))).map_err(&failed)?;
    let (mut writer, factory) = writer.into_serialized_writer().map_err(&failed)?;
    let groups = rows.div_ceil(GROUP);
    // the leaves of each field, in order
    let descriptor = writer.schema_descr();
    let leaves: Vec<usize> = (0..descriptor.num_columns())
        .map(|leaf| descriptor.get_column_root_idx(leaf))
        .collect();
    let mut encoders: Vec<Vec<Mutex<Option<ArrowColumnWriter>>>> = Vec::with_capacity(groups);
    for group in 0..groups {
        let writers = factory.create_column_writers(group).map_err(&failed)?;
        encoders.push(writers.into_iter().map(|w| Mutex::new(Some(w))).collect());
    }
    let encode = |field: usize, group: usize, array: &ArrayRef| -> Result<Chunks> {
        let levels = compute_leaves(&fields[field], array).map_err(&failed)?;
        let first = leaves.partition_point(|root| *root < field);
        let writers = levels.into_iter().zip(&encoders[group][first..]);
        let chunks = writers.map(|(level, writer)| {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            let mut writer = writer.take().expect("a leaf is written once");
            writer.write(&level).map_err(&failed)?;
            writer.close().map_err(&failed)
        });
        chunks.collect()
    };
    let run = |group: usize| (group * GROUP, GROUP.min(rows - group * GROUP));

    let units = units(layout, &outputs);
    let done = pool::try_run(
        threads,
        units,
        |unit| -> Result<Vec<(usize, Vec<Chunks>)>> {
            let encoded: Result<Vec<(usize, Vec<Chunks>)>> = match unit {
                Unit::Spine { field, column } => {
                    let all = (0..groups).map(|group| {
                        let (first, rows) = run(group);
                        let to = fields[field].data_type();
                        let array = spine_run(&*layout.spine, column, first, rows, to)?;
                        encode(field, group, &array)
                    });
                    Ok(vec![(field, all.collect::<Result<_>>()?)])
                }
                Unit::Features {
                    view,
                    first,
                    columns,
                } => {
                    let (input, answer) = (&*layout.views[view].input, &answers[view]);
                    let gathered = input.gather(&columns, &answer.rows)?;
                    let gathered = columns.iter().zip(gathered).zip(first..);
                    let gathered = gathered.map(|((column, pieces), field)| {
                        let from = input.fields()[*column].data_type();
                        let values = Values::new(pieces, from)?;
                        let all = (0..groups).map(|group| {
                            let (first, rows) = run(group);
                            let array = values.spread(answer, first, rows)?;
                            let array = typed(&array, fields[field].data_type())?;
                            encode(field, group, &array)
                        });
                        Ok((field, all.collect::<Result<_>>()?))
                    });
                    gathered.collect()
                }
            };
            progress(encoded.as_ref().map_or(0, |fields| fields.len() as u64));
            encoded
        },
    )?;
    drop(encoders);

    let mut columns: Vec<Vec<Option<Chunks>>> = fields.iter().map(|_| Vec::new()).collect();
    for (field, chunks) in done.into_iter().flatten() {
        columns[field] = chunks.into_iter().map(Some).collect();
    }
    for group in 0..groups {
        let mut next = writer.next_row_group().map_err(&failed)?;
        for chunks in columns.iter_mut().filter_map(|column| column[group].take()) {
            for chunk in chunks {
                chunk.append_to_row_group(&mut next).map_err(&failed)?;
            }
        }
        next.close().map_err(&failed)?;
    }
    writer.append_key_value_metadata(KeyValue::new(
        "mlops:point_in_time".to_owned(),
        "1".to_owned(),
    ));
    writer.close().map_err(&failed)?;
    Ok(())
}

/// What a thread does at a time.
enum Unit {
    Spine {
        field: usize,
        column: usize,
    },
    /// Features of one view, in order from field `first`.
    Features {
        view: usize,
        first: usize,
        columns: Vec<usize>,
    },
}

/// One unit a column, and one for all columns of a text file, which is read line by line.
fn units(layout: &Layout, outputs: &[Output]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for (field, output) in outputs.iter().enumerate() {
        match (*output, units.last_mut()) {
            (Output::Spine(column), _) => units.push(Unit::Spine { field, column }),
            (Output::Feature(at, column), Some(Unit::Features { view, columns, .. }))
                if *view == at && layout.views[at].input.is_text() =>
            {
                columns.push(column);
            }
            (Output::Feature(view, column), _) => units.push(Unit::Features {
                view,
                first: field,
                columns: vec![column],
            }),
        }
    }
    units
}

fn properties(fields: &[FieldRef]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_write_batch_size(1 << 13);
    for field in fields {
        // distinct reals and instants are many: a dictionary is tried in vain
        let varied = matches!(
            field.data_type(),
            DataType::Float32 | DataType::Float64 | DataType::Timestamp(..)
        );
        let path = ColumnPath::new(vec![field.name().clone()]);
        properties = properties.set_column_dictionary_enabled(path, !varied);
    }
    properties.build()
}
