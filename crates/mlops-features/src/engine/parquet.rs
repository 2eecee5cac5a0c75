//! Parquet files as an input: row groups are the pieces of work, and those that cannot matter are not read.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, UInt32Array},
    compute::take,
    datatypes::{FieldRef, Schema},
};
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{
        ParquetRecordBatchReaderBuilder, RowSelection, RowSelector, statistics::StatisticsConverter,
    },
};

use super::{
    cells::Origin,
    input::{Input, Need, PIECE, Prune, Scan, Unit},
    keys::{KeyColumn, KeyKind},
    part::Part,
};
use crate::{
    Error, Result, UnpackLimit,
    source::{ParquetInput as Source, guard},
};

/// One or more files of the same columns, read one behind the other.
#[derive(Debug)]
pub(super) struct ParquetInput {
    name: String,
    parts: Vec<Part>,
    groups: Vec<Group>,
    fields: Vec<FieldRef>,
    rows: u64,
}

/// A row group.
#[derive(Debug, Clone, Copy)]
struct Group {
    part: usize,
    number: usize,
    /// The first row, counted through all files.
    first: u64,
    rows: usize,
}

/// Below this share of wanted rows, pages are skipped; above it, decoding all is faster.
const SELECTIVE: usize = 16;

impl ParquetInput {
    /// Reads the footers; all files must have the columns of the first, in the same types.
    ///
    /// # Errors
    /// [`Error::MissingFile`], [`Error::Read`], [`Error::BrokenParquet`], [`Error::MissingColumn`],
    /// [`Error::ColumnType`].
    pub(super) fn open(name: String, sources: Vec<Source>, limit: UnpackLimit) -> Result<Self> {
        let mut input = Self {
            name,
            parts: Vec::with_capacity(sources.len()),
            groups: Vec::new(),
            fields: Vec::new(),
            rows: 0,
        };
        for source in sources {
            let part = Part::open(source, input.rows, limit)?;
            if input.parts.is_empty() {
                input.fields = part.schema().fields().iter().cloned().collect();
            } else {
                input.check(&part)?;
            }
            input.rows += part.rows;
            input.parts.push(part);
        }
        input.list_groups();
        Ok(input)
    }

    fn check(&self, part: &Part) -> Result<()> {
        let schema = part.schema();
        for field in &self.fields {
            let found = schema
                .field_with_name(field.name())
                .map_err(|_| missing(part.source.name(), field.name(), schema))?;
            if found.data_type() != field.data_type() {
                return Err(Error::ColumnType {
                    source_name: part.source.name().to_owned(),
                    column: field.name().clone(),
                    found: found.data_type().clone(),
                    wanted: "what the first file holds",
                });
            }
        }
        Ok(())
    }

    /// The row groups of all files in order.
    fn list_groups(&mut self) {
        for (at, part) in self.parts.iter().enumerate() {
            let mut first = part.first;
            for (number, metadata) in part.metadata.metadata().row_groups().iter().enumerate() {
                // a negative count is refused by the decoder as soon as the group is read
                let rows = usize::try_from(metadata.num_rows()).unwrap_or(0);
                self.groups.push(Group {
                    part: at,
                    number,
                    first,
                    rows,
                });
                first += rows as u64;
            }
        }
    }

    /// Whether any row of a group can matter, or only its keys.
    fn need(&self, group: &Group, scan: &Scan<'_>, prune: &Prune) -> Need {
        let part = &self.parts[group.part];
        let span = |column: usize, read: &dyn Fn(&ArrayRef, &Origin<'_>) -> Option<i64>| {
            let name = self.fields[column].name();
            let (schema, metadata) = (part.schema(), part.metadata.metadata());
            let converter =
                StatisticsConverter::try_new(name, schema, part.metadata.parquet_schema()).ok()?;
            let row_group = [metadata.row_group(group.number)];
            let origin = Origin {
                source: part.source.name(),
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
        let whole =
            |array: &ArrayRef, origin: &Origin<'_>| match KeyKind::Int.read(array, origin).ok()? {
                KeyColumn::Int(values) if values.is_valid(0) => Some(values.value(0)),
                _ => None,
            };
        // the minimum and maximum of a real column say nothing about NaN, and texts are not ordered by time
        let keyed = self.fields[scan.columns[0]].data_type().is_integer();
        if let Some((least, most)) = prune.key.filter(|_| keyed)
            && let Some((low, high)) = span(scan.columns[0], &whole)
            && (high < least || low > most)
        {
            return Need::Nothing;
        }
        if !self.fields[time].data_type().is_temporal() {
            return Need::All;
        }
        match span(time, &instant) {
            Some((low, _)) if low > prune.newest => Need::Nothing,
            Some((_, high)) if high < prune.oldest => Need::Keys,
            _ => Need::All,
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
        let schema = part.schema();
        let at = columns.iter().map(|column| {
            let name = self.fields[*column].name();
            let found = schema.index_of(name);
            found.map_err(|_| missing(part.source.name(), name, schema))
        });
        let at = at.collect::<Result<Vec<usize>>>()?;
        let mut sorted = at.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let order: Vec<usize> = at
            .iter()
            .map(|at| sorted.binary_search(at).expect("it is among them"))
            .collect();
        part.check(&sorted)?;
        let bytes = part.source.open()?;
        let bytes = bytes.with_ranges(&part.ranges(group.number, &sorted))?;
        let mut reader = guard(&bytes, || {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
                bytes.clone(),
                part.metadata.clone(),
            );
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
        while let Some(batch) = guard(&bytes, || reader.next().transpose())? {
            let columns = order.iter().zip(columns).map(|(at, column)| {
                part.written_out(batch.column(*at), self.fields[*column].data_type())
            });
            each(&columns.collect::<Result<Vec<ArrayRef>>>()?)?;
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

    fn units(&self, scan: &Scan<'_>) -> Vec<Unit> {
        let groups = self.groups.iter().enumerate();
        let units = groups.map(|(at, group)| Unit {
            at,
            need: scan
                .prune
                .map_or(Need::All, |prune| self.need(group, scan, &prune)),
        });
        units.collect()
    }

    fn scan(&self, scan: &Scan<'_>, unit: Unit) -> Result<u64> {
        let group = &self.groups[unit.at];
        let mut row = group.first;
        match unit.need {
            Need::Nothing => {}
            Need::Keys => {
                let keys = scan.prune.map_or(0, |prune| prune.keys);
                if keys == 0 {
                    (scan.old)(row, &[])?;
                } else {
                    self.batches(group, &scan.columns[..keys], None, |columns| {
                        (scan.old)(row, columns)?;
                        row += columns[0].len() as u64;
                        Ok(())
                    })?;
                }
            }
            Need::All => self.batches(group, scan.columns, None, |columns| {
                (scan.sink)(row, columns)?;
                row += columns[0].len() as u64;
                (scan.progress)(columns[0].len() as u64);
                Ok(())
            })?,
        }
        if unit.need != Need::All {
            (scan.progress)(group.rows as u64);
        }
        Ok(group.rows as u64)
    }

    fn gather(&self, columns: &[usize], rows: &[u64]) -> Result<Vec<Vec<ArrayRef>>> {
        let mut pieces = vec![Vec::new(); columns.len()];
        let mut rest = rows;
        for group in &self.groups {
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
                self.batches(group, columns, Some(select), |batch| {
                    for (pieces, array) in pieces.iter_mut().zip(batch) {
                        pieces.push(Arc::clone(array));
                    }
                    Ok(())
                })?;
                continue;
            }
            let mut row = 0;
            let mut rest = wanted;
            self.batches(group, columns, None, |batch| {
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
        for group in &self.groups {
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
            self.batches(group, &[column], (!whole).then_some(select), |batch| {
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
