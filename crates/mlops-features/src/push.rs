//! Writing to a feature store: bulk loads, pushes to the history, to the online store or to both.
//!
//! A push is checked whole, then logged, then applied, then acknowledged. Rows of one view are logged and
//! applied in one order, so that replaying the log gives the same state. The online store is written last
//! and without a lock: its rows carry their place among equal ones, so that their order does not matter.

use std::collections::HashSet;

use std::sync::{Arc, PoisonError, atomic::Ordering};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray},
    datatypes::DataType,
};
use mlops_core::{Digest, EventTime, Table};
use serde::Serialize;

use crate::{
    Error, FeatureService, FeatureStore, FeatureView, Result, Target, ViewRow,
    index::{Block, Dictionary, Staged},
    offline::StoredRows,
    online::{Ledger, OnlineStore, OnlineTable, ordinals_to_be},
    store::Shelf,
};

/// What became of the rows of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IngestReport {
    /// The rows that are in the store now.
    pub rows: u64,
    /// The rows that were left out because a part of their key is null: they could answer nothing.
    pub null_keys: u64,
    /// The first and the last event time of the rows taken.
    pub span: Option<(EventTime, EventTime)>,
}

/// What became of the rows of a push.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PushReport {
    /// The rows that were taken.
    pub rows: u64,
    /// The rows that were left out because a part of their key is null.
    pub null_keys: u64,
    /// The rows that were left out because an event of their id was pushed before.
    pub duplicates: u64,
    /// The rows that the online store did not need: older ones than it keeps.
    pub ignored_online: u64,
}

/// Where pushed rows go, and what tells an event that is pushed twice.
///
/// Without event ids each row of a push to the history is an event of its own, for two equal purchases are
/// two purchases; a row that goes to the online store alone replaces one of the same key, event time and
/// created time. With event ids a push can be repeated until it is acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushOptions {
    target: Option<Target>,
    event_id: Option<String>,
}

impl PushOptions {
    /// To both stores if there is an online store, to the history otherwise.
    pub fn new() -> Self {
        Self::default()
    }

    /// To where the rows go.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// The column of event ids, texts or whole numbers: of rows with one id, in this push or an earlier
    /// one of the view, the first is taken. Rows without an id are always taken. An id costs 16 to 32 bytes
    /// of memory for as long as the store is open.
    #[must_use]
    pub fn event_id(mut self, column: impl Into<String>) -> Self {
        self.event_id = Some(column.into());
        self
    }
}

/// What a writer of a view knows besides its rows.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    /// Digests of the event ids that were taken.
    ids: HashSet<u128>,
    /// What arrived and is not known to be online, in order.
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) newest: Option<i64>,
}

/// Rows that arrived together in the history.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) number: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// The ids of their keys in the index.
    pub(crate) keys: Arc<[u32]>,
}

/// Rows on their way to the online store.
struct Outgoing {
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

    fn write(
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
        if let Some(stored) = &mut rows {
            if let Some(ids) = &stored.ids {
                let keep = unseen(&writer.ids, ids, &mut fresh);
                report.duplicates = keep.iter().filter(|keep| !**keep).count() as u64;
                if report.duplicates > 0 {
                    *stored = stored.filter(&keep)?;
                }
            }
            staged = Staged::new(&view, &stored.table)?;
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
    fn apply(
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
                let mut keys: Vec<u32> = staged
                    .keys()
                    .iter()
                    .filter_map(|key| index.keys().get(key))
                    .collect();
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

    /// Rows went into the history alone: a table that was complete because it had every row is so no more.
    fn fell_behind(&self, shelf: &Shelf) -> Result<()> {
        let Some((table, online)) = shelf.table().zip(self.inner.online.as_deref()) else {
            return Ok(());
        };
        if table.covered_from() != i64::MIN {
            return Ok(());
        }
        let ledger = Ledger::load(online, &table)?.unwrap_or_default();
        if ledger.intervals.is_empty() {
            Ledger::update(online, &table, &mut |known| {
                let mut next = known.unwrap_or_default();
                next.complete_from = i64::MAX;
                Ok(next)
            })?;
            // until a materialisation has brought them in
            table.set_complete_from(i64::MAX);
        }
        Ok(())
    }

    /// Brings a view that is being registered to where it was: the history from the directory, and online
    /// whatever may not have reached it.
    pub(crate) fn restore(&self, shelf: &Shelf) -> Result<()> {
        let view = shelf.read().view().clone();
        let table = self.inner.online.as_ref().map(|_| self.new_table(&view));
        *shelf.table.write().unwrap_or_else(PoisonError::into_inner) = table.clone();
        let stored = match &self.inner.disk {
            Some(disk) => disk.load(&view)?,
            None => None,
        };
        let mut writer = shelf.lock();
        let mut complete = true;
        if let Some((rows, logged_from)) = stored {
            if let Some(ids) = &rows.ids {
                let mut fresh = Vec::new();
                unseen(&writer.ids, ids, &mut fresh);
                writer.ids.extend(fresh);
            }
            complete = rows.targets.iter().all(|target| *target != Target::Offline);
            self.restore_rows(shelf, &mut writer, &rows, logged_from)?;
        }
        let Some((table, online)) = table.as_ref().zip(self.inner.online.as_deref()) else {
            return Ok(());
        };
        let ledger = Ledger::update(online, table, &mut |known| {
            Ok(known.unwrap_or_else(|| Ledger::new(complete)))
        })?;
        table.set_complete_from(ledger.complete_from);
        Ok(())
    }

    fn new_table(&self, view: &FeatureView) -> OnlineTable {
        let services = self.inner.services.read();
        let services = services.unwrap_or_else(PoisonError::into_inner);
        let mut table = OnlineTable::new(view);
        if let Some(keep) = self.inner.keep {
            table = table.keep(keep);
        }
        services.iter().fold(table, OnlineTable::serving)
    }

    fn restore_rows(
        &self,
        shelf: &Shelf,
        writer: &mut Writer,
        rows: &StoredRows,
        logged_from: u64,
    ) -> Result<()> {
        let view = shelf.read().view().clone();
        let durable = self
            .inner
            .online
            .as_ref()
            .is_some_and(|online| online.is_durable());
        // in order of arrival, and at once what went to the same place
        let mut start = 0;
        for run in rows.targets.chunk_by(|a, b| a == b) {
            let (target, range) = (run[0], start..start + run.len());
            start = range.end;
            let keep: Vec<bool> = (0..rows.targets.len())
                .map(|row| range.contains(&row))
                .collect();
            let part = rows.filter(&keep)?;
            let staged = Staged::new(&view, &part.table)?;
            let last = part.arrivals.last().copied().unwrap_or_default();
            let outgoing = self.apply(shelf, writer, staged, target, last, true);
            let replay = target.online() && (!durable || last >= logged_from);
            if let (true, Some((table, online))) = (
                target.online(),
                shelf.table().zip(self.inner.online.as_deref()),
            ) {
                writer
                    .arrivals
                    .pop_if(|known| known.number == last && target.offline());
                if replay {
                    outgoing.write(&table, online, self.inner.clock.now())?;
                }
            }
        }
        Ok(())
    }
}

impl Outgoing {
    /// Writes the rows to the online store; how many it did not need.
    fn write(&self, table: &OnlineTable, online: &dyn OnlineStore, now: EventTime) -> Result<u64> {
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
    let own = Table::from_batch(view.schema(), table.batch())?;
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
fn unseen(known: &HashSet<u128>, ids: &ArrayRef, fresh: &mut Vec<u128>) -> Vec<bool> {
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
