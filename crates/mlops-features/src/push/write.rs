//! The way of a row into the log, the history and the online store.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, atomic::Ordering},
};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray},
    datatypes::DataType,
};
use mlops_core::{Digest, EventTime, Table};

use super::{Arrival, IngestReport, PushOptions, PushReport, Writer};
use crate::{
    Error, FeatureService, FeatureStore, FeatureView, Result, Target, ViewRow,
    index::{Block, Dictionary, Staged},
    offline::StoredRows,
    online::{OnlineStore, OnlineTable, ordinals_to_be},
    store::Shelf,
};

/// Rows on their way to the online store.
pub(super) struct Outgoing {
    staged: Staged,
    block: Block,
    dictionaries: Vec<Arc<Dictionary>>,
    ordinals: Vec<u32>,
}

impl FeatureStore {
    /// Adds the rows of a table to the history, all or none; columns are found by name and others are left
    /// alone. Online they are seen once they are [materialised](Self::materialize).
    ///
    /// # Errors
    /// [`Error::UnknownView`]; [`Error::ViewMismatch`] if a column is missing or has another type;
    /// [`Error::Core`] if an event time is null; [`Error::File`] if a directory cannot be written.
    pub fn ingest(&self, view: &str, table: &Table) -> Result<IngestReport> {
        let options = PushOptions::new().target(Target::Offline);
        let (report, span) = self.write(view, table, &options, true)?;
        Ok(IngestReport {
            rows: report.rows,
            null_keys: report.null_keys,
            span,
        })
    }

    /// Adds a few rows, all or none, late ones included; the next read sees them.
    ///
    /// The history afterwards is the one that [`ingest`](Self::ingest) of the same rows leaves.
    ///
    /// # Errors
    /// Those of [`push_with`](Self::push_with).
    pub fn push(&self, view: &str, table: &Table) -> Result<()> {
        self.write(view, table, &PushOptions::new(), false)?;
        Ok(())
    }

    /// Adds events as the structs that they are, to the view that the struct defines.
    ///
    /// # Errors
    /// [`Error::UnknownView`] if the view is not registered, [`Error::DuplicateView`] if it is registered
    /// with another definition.
    pub fn push_rows<R: ViewRow>(&self, rows: &[R]) -> Result<()> {
        let view = R::view();
        self.resolve(&view)?;
        self.push(view.name().as_str(), &R::table(rows)?)
    }

    /// Adds a few rows to the history, to the online store or to both, all or none; once it returns they
    /// survive what the store's [`Durability`](crate::Durability) says.
    ///
    /// # Errors
    /// Those of [`ingest`](Self::ingest); [`Error::NoOnlineStore`]; [`Error::EventId`]; those of the online
    /// store. After an error of the online store the rows are logged and in the history, and
    /// [`materialize_incremental`](Self::materialize_incremental) brings them online; rows that were for the
    /// online store alone must be pushed again.
    pub fn push_with(
        &self,
        view: &str,
        table: &Table,
        options: &PushOptions,
    ) -> Result<PushReport> {
        Ok(self.write(view, table, options, false)?.0)
    }

    /// Keeps online what a service needs, from now on.
    ///
    /// # Errors
    /// [`Error::UnknownView`] or [`Error::DuplicateView`].
    pub fn serve(&self, service: &FeatureService) -> Result<()> {
        for group in service.groups() {
            let shelf = self.resolve(&group.view)?;
            let mut table = shelf.table.write().unwrap_or_else(PoisonError::into_inner);
            *table = table.take().map(|table| table.serving(service));
        }
        let services = self.inner.services.write();
        services
            .unwrap_or_else(PoisonError::into_inner)
            .push(service.clone());
        Ok(())
    }

    /// Moves what the push log holds into Parquet segments, so that opening the directory is quick again and
    /// the log begins anew. `false` if it holds rows of a view that is not registered; it then stays.
    ///
    /// Pushes wait for the moment in which the log is exchanged, and reads do not. A crash leaves the
    /// directory as it was before or as it is after.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::DamagedFile`].
    pub fn compact(&self) -> Result<bool> {
        match &self.inner.disk {
            Some(disk) => disk.compact(&self.views()),
            None => Ok(true),
        }
    }

    /// The bytes of the push log that [`compact`](Self::compact) would move.
    pub fn log_bytes(&self) -> u64 {
        self.inner
            .disk
            .as_ref()
            .map_or(0, crate::offline::Directory::log_bytes)
    }

    /// The bytes at the end of the push log that a crash had cut off and that were dropped when it was opened.
    pub fn torn_bytes(&self) -> u64 {
        self.inner
            .disk
            .as_ref()
            .map_or(0, crate::offline::Directory::torn)
    }

    pub(super) fn write(
        &self,
        view: &str,
        table: &Table,
        options: &PushOptions,
        bulk: bool,
    ) -> Result<(PushReport, Option<(EventTime, EventTime)>)> {
        let shelf = self.shelf(view)?;
        let view = shelf.read().view().clone();
        let target = self.target(&view, options.target)?;
        let mut staged = Staged::new(&view, table)?;
        let mut report = PushReport {
            null_keys: staged.null_keys(),
            ..PushReport::default()
        };
        let disk = self.inner.disk.as_ref();
        let mut rows = None;
        if disk.is_some() || options.event_id.is_some() {
            rows = Some(stored(&view, table, options.event_id.as_deref(), target)?);
        }
        let mut writer = shelf.lock();
        let mut fresh = Vec::new();
        if let Some(stored) = &mut rows
            && let Some(ids) = &stored.ids
        {
            let keep = unseen(&writer.ids, ids, &mut fresh);
            report.duplicates = keep.iter().filter(|keep| !**keep).count() as u64;
            if report.duplicates > 0 {
                *stored = stored.filter(&keep)?;
                staged = Staged::new(&view, &stored.table)?;
            }
        }
        report.rows = staged.keys().len() as u64;
        let span = staged.span();
        if report.rows == 0 {
            return Ok((report, span));
        }
        let arrival = self.arrival();
        let mut ticket = None;
        if let (Some(disk), Some(rows)) = (disk, &mut rows) {
            rows.arrivals.fill(arrival);
            if bulk {
                disk.store(&view, rows)?;
            } else {
                ticket = Some(disk.append(&view, rows)?);
            }
        }
        writer.ids.extend(fresh);
        let outgoing = self.apply(&shelf, &mut writer, staged, target, arrival, bulk);
        drop(writer);
        if let (Some(disk), Some(ticket)) = (disk, ticket) {
            disk.commit(ticket)?;
        }
        if target.online() {
            let (table, online) = self.online_table(&shelf, &view, "push to")?;
            let now = self.inner.clock.now();
            let written = outgoing.write(&table, online, now)?;
            report.ignored_online = written;
            let mut writer = shelf.lock();
            let arrived = writer
                .arrivals
                .iter()
                .rposition(|known| known.number == arrival);
            arrived.map(|at| writer.arrivals.remove(at));
        } else {
            self.fell_behind(&shelf)?;
        }
        Ok((report, span))
    }

    fn arrival(&self) -> u64 {
        match &self.inner.disk {
            Some(disk) => disk.arrival(),
            None => self.inner.next_arrival.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn target(&self, view: &FeatureView, asked: Option<Target>) -> Result<Target> {
        let online = self.inner.online.is_some();
        match asked {
            None if online => Ok(Target::Both),
            None => Ok(Target::Offline),
            Some(target) if target.online() && !online => Err(Error::NoOnlineStore {
                action: "push to",
                view: view.name().to_string(),
            }),
            Some(target) => Ok(target),
        }
    }

    pub(crate) fn online_table(
        &self,
        shelf: &Shelf,
        view: &FeatureView,
        action: &'static str,
    ) -> Result<(OnlineTable, &dyn OnlineStore)> {
        let both = shelf.table().zip(self.inner.online.as_deref());
        both.ok_or_else(|| Error::NoOnlineStore {
            action,
            view: view.name().to_string(),
        })
    }

    /// Puts checked rows into the history, and gives out what the online store is to have.
    pub(super) fn apply(
        &self,
        shelf: &Shelf,
        writer: &mut Writer,
        staged: Staged,
        target: Target,
        arrival: u64,
        bulk: bool,
    ) -> Outgoing {
        let view = shelf.read().view().clone();
        let mut dictionaries: Vec<Arc<Dictionary>> = Vec::new();
        let (mut block, mut ordinals) = (Block::empty(&view), Vec::new());
        if target.online() {
            dictionaries.extend(view.fields().iter().map(|_| Arc::default()));
            block = staged.encode(&mut dictionaries);
            ordinals = if target.offline() {
                ordinals_to_be(&shelf.read(), &staged, &block)
            } else {
                vec![0; staged.keys().len()]
            };
        }
        if let Some((first, last)) = staged.span().filter(|_| target.offline()) {
            if bulk {
                shelf.load(&staged);
            } else {
                shelf.push(&staged);
            }
            writer.newest = writer.newest.max(Some(last.micros()));
            if self.inner.online.is_some() {
                let index = shelf.read();
                let mut keys = index.ids_of(staged.keys());
                keys.sort_unstable();
                keys.dedup();
                writer.arrivals.push(Arrival {
                    number: arrival,
                    first: first.micros(),
                    last: last.micros(),
                    keys: keys.into(),
                });
            }
        }
        Outgoing {
            staged,
            block,
            dictionaries,
            ordinals,
        }
    }
}

impl Outgoing {
    /// Writes the rows to the online store; how many it did not need.
    pub(super) fn write(
        &self,
        table: &OnlineTable,
        online: &dyn OnlineStore,
        now: EventTime,
    ) -> Result<u64> {
        let (block, words) = (&self.block, &self.dictionaries);
        let written =
            table.write_staged(online, &self.staged, block, words, &self.ordinals, now)?;
        Ok(written.ignored)
    }
}

/// The rows that have a key, with the view's columns alone.
fn stored(
    view: &FeatureView,
    table: &Table,
    event_id: Option<&str>,
    target: Target,
) -> Result<StoredRows> {
    let own = own_columns(view, table)?;
    let ids = event_id
        .map(|column| event_ids(view, table, column))
        .transpose()?;
    let keys = &own.batch().columns()[..view.entity().keys().len()];
    let rows = StoredRows::new(own.clone(), 0, target, ids);
    if keys.iter().all(|key| key.null_count() == 0) {
        return Ok(rows);
    }
    let keep = (0..own.rows()).map(|row| keys.iter().all(|key| key.is_valid(row)));
    rows.filter(&keep.collect::<Vec<_>>())
}

/// The view's columns alone; a table that has no others is taken as it is.
fn own_columns(view: &FeatureView, table: &Table) -> Result<Table> {
    let instants = EventTime::data_type();
    let keys = view.entity().keys().iter();
    let keys = keys.map(|(name, kind)| (name.as_str(), kind));
    let times = [Some(view.event_time()), view.created_time()];
    let times = times.into_iter().flatten().map(|name| (name, &instants));
    let fields = view.fields().iter();
    let fields = fields.map(|field| (field.name(), field.data_type()));
    let found = table.schema().columns().iter();
    let found = found.map(|column| (column.name(), column.data_type()));
    if keys.chain(times).chain(fields).eq(found) {
        return Ok(table.clone());
    }
    Ok(Table::from_batch(view.schema(), table.batch())?)
}

fn event_ids(view: &FeatureView, table: &Table, column: &str) -> Result<ArrayRef> {
    let refuse = |reason: String| Error::EventId {
        view: view.name().to_string(),
        column: column.to_owned(),
        reason,
    };
    let found = table.batch().column_by_name(column);
    let found = found.ok_or_else(|| refuse("it is not there".to_owned()))?;
    match found.data_type() {
        DataType::Utf8 => Ok(Arc::clone(found)),
        DataType::Int64 => {
            arrow::compute::cast(found, &DataType::Utf8).map_err(Error::arrow("read event ids"))
        }
        other => Err(refuse(format!("it is {other} and must be Utf8 or Int64"))),
    }
}

/// Which rows carry an id that is new, with the digests of those.
pub(super) fn unseen(known: &HashSet<u128>, ids: &ArrayRef, fresh: &mut Vec<u128>) -> Vec<bool> {
    let ids = ids.as_string::<i32>();
    let mut here = HashSet::new();
    let keep: BooleanArray = ids
        .iter()
        .map(|id| {
            let Some(id) = id else { return Some(true) };
            let digest = Digest::of(id.as_bytes());
            let (first, _) = digest
                .as_bytes()
                .split_first_chunk()
                .expect("a digest has 32 bytes");
            let id = u128::from_le_bytes(*first);
            let new = !known.contains(&id) && here.insert(id);
            if new {
                fresh.push(id);
            }
            Some(new)
        })
        .collect();
    keep.values().iter().collect()
}
