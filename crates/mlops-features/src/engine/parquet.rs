//! Parquet files as an input: row groups are the pieces of work, and those that cannot matter are not read.

use std::{path::PathBuf, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, UInt32Array},
    compute::take,
    datatypes::{FieldRef, Schema},
};
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{
        ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
        RowSelector, statistics::StatisticsConverter,
    },
};

use super::{
    cells::{Origin, guarded},
    input::{Input, PIECE, Prune, Scan},
    keys::{KeyColumn, KeyKind},
    pool,
};
use crate::{Error, Result};

/// One or more files of the same columns, read one behind the other.
#[derive(Debug)]
pub(super) struct ParquetInput {
    name: String,
    parts: Vec<Part>,
    fields: Vec<FieldRef>,
    rows: u64,
}

#[derive(Debug)]
struct Part {
    path: PathBuf,
    name: String,
    metadata: ArrowReaderMetadata,
    first: u64,
}

/// A row group, and how much of it must be read.
#[derive(Debug, Clone, Copy)]
struct Group {
    part: usize,
    number: usize,
    /// The first row, counted through all files.
    first: u64,
    rows: usize,
    need: Need,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    All,
    Keys,
    Nothing,
}

/// Below this share of wanted rows, pages are skipped; above it, decoding all is faster.
const SELECTIVE: usize = 16;

impl ParquetInput {
    /// Reads the footers; all files must have the columns of the first, in the same types.
    ///
    /// # Errors
    /// [`Error::MissingFile`], [`Error::Read`], [`Error::BrokenParquet`], [`Error::MissingColumn`],
    /// [`Error::ColumnType`].
    pub(super) fn open(name: String, paths: Vec<PathBuf>) -> Result<Self> {
        let mut input = Self {
            name,
            parts: Vec::with_capacity(paths.len()),
            fields: Vec::new(),
            rows: 0,
        };
        for path in paths {
            let name = path.display().to_string();
            let file = super::files::open(&path)?;
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(false);
            let metadata = guarded(&name, || ArrowReaderMetadata::load(&file, options))?;
            let rows = metadata.metadata().file_metadata().num_rows();
            let rows = u64::try_from(rows).map_err(|_| Error::BrokenParquet {
                source_name: name.clone(),
                reason: format!("it claims {rows} rows"),
            })?;
            let part = Part {
                path,
                name,
                metadata,
                first: input.rows,
            };
            if input.parts.is_empty() {
                input.fields = part.metadata.schema().fields().iter().cloned().collect();
            } else {
                input.check(&part)?;
            }
            input.rows += rows;
            input.parts.push(part);
        }
        Ok(input)
    }

    fn check(&self, part: &Part) -> Result<()> {
        let schema = part.metadata.schema();
        for field in &self.fields {
            let found = schema
                .field_with_name(field.name())
                .map_err(|_| missing(&part.name, field.name(), schema))?;
            if found.data_type() != field.data_type() {
                return Err(Error::ColumnType {
                    source_name: part.name.clone(),
                    column: field.name().clone(),
                    found: found.data_type().clone(),
                    wanted: "what the first file holds",
                });
            }
        }
        Ok(())
    }

    fn groups(&self) -> Vec<Group> {
        let mut groups = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            let mut offset = 0;
            for (number, metadata) in part.metadata.metadata().row_groups().iter().enumerate() {
                // a negative count is refused by the decoder as soon as the group is read
                let rows = usize::try_from(metadata.num_rows()).unwrap_or(0);
                groups.push(Group {
                    part: at,
                    number,
                    first: part.first + offset,
                    rows,
                    need: Need::All,
                });
                offset += rows as u64;
            }
        }
        groups
    }

    /// Marks the groups of which no row, or only the keys, can matter.
    fn prune(&self, groups: &mut [Group], scan: &Scan<'_>, prune: &Prune) {
        for group in groups {
            let part = &self.parts[group.part];
            let span = |column: usize, read: &dyn Fn(&ArrayRef, &Origin<'_>) -> Option<i64>| {
                let name = self.fields[column].name();
                let (schema, metadata) = (part.metadata.schema(), part.metadata.metadata());
                let converter =
                    StatisticsConverter::try_new(name, schema, part.metadata.parquet_schema())
                        .ok()?;
                let row_group = [metadata.row_group(group.number)];
                let origin = Origin {
                    source: &part.name,
                    column: name,
                    first: 0,
                };
                let low = converter.row_group_mins(row_group).ok()?;
                let high = converter.row_group_maxes(row_group).ok()?;
                Some((read(&low, &origin)?, read(&high, &origin)?))
            };
            let time = scan.columns[prune.keys];
            let instant = |array: &ArrayRef, origin: &Origin<'_>| {
                let instants = prune.precision.instants(array, origin).ok()?;
                instants.is_valid(0).then(|| instants.value(0))
            };
            let whole = |array: &ArrayRef, origin: &Origin<'_>| match KeyKind::Int
                .read(array, origin)
                .ok()?
            {
                KeyColumn::Int(values) if values.is_valid(0) => Some(values.value(0)),
                _ => None,
            };
            // the minimum and maximum of a real column say nothing about NaN, and texts are not ordered by time
            let keyed = self.fields[scan.columns[0]].data_type().is_integer();
            if let Some((least, most)) = prune.key.filter(|_| keyed)
                && let Some((low, high)) = span(scan.columns[0], &whole)
                && (high < least || low > most)
            {
                group.need = Need::Nothing;
            } else if self.fields[time].data_type().is_temporal()
                && let Some((low, high)) = span(time, &instant)
            {
                if low > prune.newest {
                    group.need = Need::Nothing;
                } else if high < prune.oldest {
                    group.need = Need::Keys;
                }
            }
        }
    }

    /// The batches of some columns of a group, of all rows or of a selection.
    fn batches(
        &self,
        group: &Group,
        columns: &[usize],
        select: Option<RowSelection>,
        mut each: impl FnMut(&[ArrayRef]) -> Result<()>,
    ) -> Result<()> {
        let part = &self.parts[group.part];
        let file = super::files::open(&part.path)?;
        let schema = part.metadata.schema();
        let at = columns.iter().map(|column| {
            let name = self.fields[*column].name();
            let found = schema.index_of(name);
            found.map_err(|_| missing(&part.name, name, schema))
        });
        let at = at.collect::<Result<Vec<usize>>>()?;
        let mut sorted = at.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let order: Vec<usize> = at
            .iter()
            .map(|at| sorted.binary_search(at).expect("it is among them"))
            .collect();
        let mut reader = guarded(&part.name, || {
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(file, part.metadata.clone());
            let mask = ProjectionMask::roots(builder.parquet_schema(), sorted.iter().copied());
            let builder = builder
                .with_projection(mask)
                .with_row_groups(vec![group.number])
                .with_batch_size(PIECE);
            match select {
                Some(select) => builder.with_row_selection(select).build(),
                None => builder.build(),
            }
        })?;
        while let Some(batch) = guarded(&part.name, || reader.next().transpose())? {
            let columns: Vec<ArrayRef> = order
                .iter()
                .map(|at| Arc::clone(batch.column(*at)))
                .collect();
            each(&columns)?;
        }
        Ok(())
    }
}

impl Input for ParquetInput {
    fn name(&self) -> &str {
        &self.name
    }

    fn fields(&self) -> &[FieldRef] {
        &self.fields
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn scan(&self, scan: &Scan<'_>, threads: usize) -> Result<u64> {
        let mut groups = self.groups();
        if let Some(prune) = &scan.prune {
            self.prune(&mut groups, scan, prune);
        }
        pool::try_run(threads, groups, |group| -> Result<()> {
            let mut row = group.first;
            match group.need {
                Need::Nothing => {}
                Need::Keys => {
                    let keys = scan.prune.map_or(0, |prune| prune.keys);
                    if keys == 0 {
                        (scan.old)(row, &[])?;
                    } else {
                        self.batches(&group, &scan.columns[..keys], None, |columns| {
                            (scan.old)(row, columns)?;
                            row += columns[0].len() as u64;
                            Ok(())
                        })?;
                    }
                }
                Need::All => self.batches(&group, scan.columns, None, |columns| {
                    (scan.sink)(row, columns)?;
                    row += columns[0].len() as u64;
                    (scan.progress)(columns[0].len() as u64);
                    Ok(())
                })?,
            }
            if group.need != Need::All {
                (scan.progress)(group.rows as u64);
            }
            Ok(())
        })?;
        Ok(self.rows)
    }

    fn gather(&self, columns: &[usize], rows: &[u64]) -> Result<Vec<Vec<ArrayRef>>> {
        let mut pieces = vec![Vec::new(); columns.len()];
        let mut rest = rows;
        for group in self.groups() {
            let inside = rest.partition_point(|row| *row < group.first + group.rows as u64);
            let (wanted, after) = rest.split_at(inside);
            rest = after;
            if wanted.is_empty() {
                continue;
            }
            let local = |row: &u64| usize::try_from(row - group.first);
            let local = |row: &u64| local(row).expect("a row group fits memory addresses");
            if wanted.len() * SELECTIVE < group.rows {
                let select = selection(wanted.iter().map(local));
                self.batches(&group, columns, Some(select), |batch| {
                    for (pieces, array) in pieces.iter_mut().zip(batch) {
                        pieces.push(Arc::clone(array));
                    }
                    Ok(())
                })?;
                continue;
            }
            let mut row = 0;
            let mut rest = wanted;
            self.batches(&group, columns, None, |batch| {
                let end = row + batch[0].len();
                let inside = rest.partition_point(|wanted| local(wanted) < end);
                let (wanted, after) = rest.split_at(inside);
                rest = after;
                let start = std::mem::replace(&mut row, end);
                let at = wanted.iter().map(|wanted| local(wanted) - start);
                if inside == batch[0].len() {
                    for (pieces, array) in pieces.iter_mut().zip(batch) {
                        pieces.push(Arc::clone(array));
                    }
                } else if inside > 0 {
                    #[expect(clippy::cast_possible_truncation, reason = "a piece is short")]
                    let at = UInt32Array::from_iter_values(at.map(|at| at as u32));
                    for (pieces, array) in pieces.iter_mut().zip(batch) {
                        pieces.push(take(array, &at, None).map_err(Error::arrow("pick rows"))?);
                    }
                }
                Ok(())
            })?;
        }
        Ok(pieces)
    }

    fn read(&self, column: usize, first: u64, rows: usize) -> Result<Vec<ArrayRef>> {
        let mut pieces = Vec::new();
        let last = first + rows as u64;
        for group in self.groups() {
            let end = group.first + group.rows as u64;
            if end <= first || group.first >= last {
                continue;
            }
            let inside = |row: u64| usize::try_from(row - group.first).unwrap_or(usize::MAX);
            let (from, to) = (inside(first.max(group.first)), inside(last.min(end)));
            let whole = from == 0 && to == group.rows;
            let select = RowSelection::from(vec![
                RowSelector::skip(from),
                RowSelector::select(to - from),
                RowSelector::skip(group.rows - to),
            ]);
            self.batches(&group, &[column], (!whole).then_some(select), |batch| {
                pieces.push(Arc::clone(&batch[0]));
                Ok(())
            })?;
        }
        Ok(pieces)
    }
}

fn selection(rows: impl Iterator<Item = usize>) -> RowSelection {
    let mut selectors: Vec<RowSelector> = Vec::new();
    let mut next = 0;
    for row in rows {
        if row > next || selectors.is_empty() {
            selectors.push(RowSelector::skip(row - next));
            selectors.push(RowSelector::select(1));
        } else if let Some(last) = selectors.last_mut() {
            last.row_count += 1;
        }
        next = row + 1;
    }
    RowSelection::from(selectors)
}

pub(super) fn missing(source: &str, column: &str, schema: &Schema) -> Error {
    Error::MissingColumn {
        source_name: source.to_owned(),
        column: column.to_owned(),
        available: crate::service::quoted(schema.fields().iter().map(|f| f.name().as_str())),
    }
}
