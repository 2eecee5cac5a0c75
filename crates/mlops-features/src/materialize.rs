//! Materialisation: from the history into the online store, by event time and by arrival.
//!
//! A run writes rows that carry their place among equal ones, so that rows that are there already change
//! nothing: a run that was killed half way is simply run again. The ledger in the online store is written
//! at the end; until then it says what it said before.

use std::collections::BTreeMap;

use mlops_core::{EventTime, Span, ViewName};
use serde::Serialize;

use crate::{
    Error, FeatureStore, FeatureView, Result,
    index::{Block, ViewIndex},
    online::{
        Interval, Lease, Ledger, OnlineStore, OnlineTable, StoreKey, WriteReport, ordinals_of,
    },
    push::Arrival,
    store::Shelf,
};

/// Keys that are written in one call of the online store.
const CHUNK: usize = 1024;
/// For how long the run of another process is believed to go on after it was last heard of.
const LEASE: Span = Span::minutes(1);

/// What is to be materialised.
///
/// ```
/// use mlops_features::{EventTime, Materialize, hours};
///
/// let noon = EventTime::parse("2011-07-01T12:00:00Z")?;
/// let nightly = Materialize::until(noon).lateness(hours(48));
/// let backfill = Materialize::between(noon - hours(24), noon);
/// # let _ = (nightly, backfill);
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Materialize {
    start: Option<EventTime>,
    end: EventTime,
    lateness: Option<Span>,
}

impl Materialize {
    /// All rows with an event time in that range, both ends included.
    pub fn between(start: EventTime, end: EventTime) -> Self {
        Self {
            start: Some(start),
            end,
            lateness: None,
        }
    }

    /// What is new up to that event time, inclusive: rows from the end of the last run on, which reads the
    /// boundary twice, and older rows that arrived since.
    ///
    /// The first run begins as far back as the TTL or the longest window that is served, or with the first
    /// row if the online store has had every row from the beginning.
    pub fn until(end: EventTime) -> Self {
        Self {
            start: None,
            end,
            lateness: None,
        }
    }

    /// How old a row may be, before the end of the last run, to be brought in when it arrives late; any age
    /// unless said otherwise. Values that an older one would change are
    /// [`Status::NotRetained`](crate::Status::NotRetained) from then on.
    #[must_use]
    pub fn lateness(mut self, lateness: Span) -> Self {
        self.lateness = Some(lateness);
        self
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The keys that are done.
    pub keys: u64,
    /// The keys that the run has to look at.
    pub of: u64,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MaterializeReport {
    /// The view.
    pub view: ViewName,
    /// From which event time on rows were read; nothing new was if it is after `end`.
    pub start: EventTime,
    /// Up to which event time rows were read, inclusive.
    pub end: EventTime,
    /// The rows that were read from the history.
    pub read: u64,
    /// Those of them that are in the online store now.
    pub written: u64,
    /// Those of them that the online store did not need: older ones than it keeps.
    pub ignored: u64,
    /// Those of them that had arrived late: their event time lies before `start`.
    pub late: u64,
    /// Rows that arrived later than the allowed lateness and were left out. A row counts as often as a run
    /// leaves it out.
    pub too_late: u64,
    /// The different keys that were written.
    pub keys: u64,
}

/// How fresh the online values of a view are, at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Freshness {
    /// The newest event that is in the history.
    pub newest_event: Option<EventTime>,
    /// How old that is: how far behind the world the features are.
    pub event_age: Option<Span>,
    /// Up to which event time the view was materialised.
    pub materialized_until: Option<EventTime>,
    /// How long ago the last run ended.
    pub materialized_age: Option<Span>,
}

/// What one run is to write.
struct Job {
    range: Interval,
    /// By key: the earliest and the last event time of rows that arrived late.
    late: BTreeMap<u32, (i64, i64)>,
    /// Late rows before this instant are left out.
    oldest: i64,
    /// The last arrival that the snapshot has.
    arrival: u64,
}

impl FeatureStore {
    /// Brings the rows of a range of event time online, both ends included; the same range again changes
    /// nothing. Afterwards every read at `end` equals the join at `end`, as far as the range reaches back.
    ///
    /// # Errors
    /// Those of [`materialize_with`](Self::materialize_with).
    pub fn materialize(
        &self,
        view: &str,
        start: EventTime,
        end: EventTime,
    ) -> Result<MaterializeReport> {
        self.materialize_with(view, &Materialize::between(start, end), &mut |_| {})
    }

    /// Brings online what is new since the last run, rows that arrived late included.
    ///
    /// # Errors
    /// Those of [`materialize_with`](Self::materialize_with).
    pub fn materialize_incremental(&self, view: &str, end: EventTime) -> Result<MaterializeReport> {
        self.materialize_with(view, &Materialize::until(end), &mut |_| {})
    }

    /// Materialises and tells how far it is.
    ///
    /// # Errors
    /// [`Error::UnknownView`], [`Error::NoOnlineStore`], [`Error::EmptyRange`], [`Error::NoHistory`],
    /// [`Error::Materializing`] if another run of the view is going on here or elsewhere, and those of the
    /// online store. After an error the ledger is as before and the run can be repeated.
    pub fn materialize_with(
        &self,
        view: &str,
        what: &Materialize,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<MaterializeReport> {
        let shelf = self.shelf(view)?;
        let view = shelf.read().view().clone();
        let (table, online) = self.online_table(&shelf, &view, "materialise")?;
        if let Some(start) = what.start.filter(|start| *start > what.end) {
            return Err(Error::EmptyRange {
                view: view.name().to_string(),
                start,
                end: what.end,
            });
        }
        let Ok(_running) = shelf.running.try_lock() else {
            return Err(Error::Materializing {
                view: view.name().to_string(),
            });
        };
        let ledger = self.lease(&table, online)?;
        let done = self.run(&shelf, &table, online, what, &ledger, progress);
        let outcome = done.and_then(|(report, job, index)| {
            self.record(&table, online, what, &job, &index, &report)?;
            if what.start.is_none() {
                shelf
                    .lock()
                    .arrivals
                    .retain(|arrival| arrival.number > job.arrival);
            }
            Ok(report)
        });
        if outcome.is_err() {
            // the first error is the one to tell; a lease that stays runs out
            drop(Ledger::update(online, &table, &mut |known| {
                let mut next = known.unwrap_or_default();
                next.running = None;
                Ok(next)
            }));
        }
        outcome
    }

    /// How fresh the online values of a view are at an instant, by newest event and by last run.
    ///
    /// # Errors
    /// [`Error::UnknownView`], and those of the online store.
    pub fn freshness(&self, view: &str, at: EventTime) -> Result<Freshness> {
        let shelf = self.shelf(view)?;
        let newest = shelf.lock().newest.map(EventTime::from_micros);
        let ledger = match shelf.table().zip(self.inner.online.as_deref()) {
            Some((table, online)) => Ledger::load(online, &table)?,
            None => None,
        };
        let ran = ledger.as_ref().and_then(|ledger| ledger.materialized);
        Ok(Freshness {
            newest_event: newest,
            event_age: newest.and_then(|newest| at.since(newest)),
            materialized_until: ledger.as_ref().and_then(Ledger::last_end),
            materialized_age: ran.and_then(|ran| at.since(EventTime::from_micros(ran))),
        })
    }

    /// Says in the ledger that a run is going on; a run of this store that was killed is taken over.
    fn lease(&self, table: &OnlineTable, online: &dyn OnlineStore) -> Result<Ledger> {
        let (now, owner) = (self.inner.clock.now(), self.inner.origin);
        Ledger::update(online, table, &mut |known| {
            let mut ledger = known.unwrap_or_default();
            let busy = |lease: &Lease| lease.owner != owner && lease.until > now.micros();
            if ledger.running.as_ref().is_some_and(busy) {
                return Err(Error::Materializing {
                    view: table.view().name().to_string(),
                });
            }
            ledger.running = Some(Lease {
                owner,
                until: (now + LEASE).micros(),
            });
            Ok(ledger)
        })
    }

    fn run(
        &self,
        shelf: &Shelf,
        table: &OnlineTable,
        online: &dyn OnlineStore,
        what: &Materialize,
        ledger: &Ledger,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(MaterializeReport, Job, ViewIndex)> {
        let (index, arrivals) = {
            let writer = shelf.lock();
            (shelf.snapshot(), writer.arrivals.clone())
        };
        let job = self.job(table, what, ledger, &arrivals)?;
        let mut report = MaterializeReport {
            view: table.view().name().clone(),
            start: EventTime::from_micros(job.range.start),
            end: what.end,
            read: 0,
            written: 0,
            ignored: 0,
            late: 0,
            too_late: 0,
            keys: 0,
        };
        let keys = index.keys().sorted();
        let of = keys.len() as u64;
        for (done, some) in keys.chunks(CHUNK).enumerate() {
            let mut block = Block::empty(table.view());
            let (mut groups, mut rows) = (Vec::new(), Vec::new());
            for (key, id) in some {
                let start = rows.len();
                job.pick(&index, *id, &mut block, &mut rows, &mut report);
                if rows.len() > start {
                    groups.push((StoreKey::new(key), start..rows.len()));
                }
            }
            let now = self.inner.clock.now();
            let words = index.dictionaries();
            let WriteReport {
                taken,
                ignored,
                keys,
                ..
            } = table.write_groups(online, groups, &block, &rows, words, now)?;
            report.written += taken;
            report.ignored += ignored;
            report.keys += keys;
            if done > 0 {
                self.lease(table, online)?;
            }
            progress(Progress {
                keys: ((done * CHUNK + some.len()) as u64).min(of),
                of,
            });
        }
        report.read = report.written + report.ignored;
        Ok((report, job, index))
    }

    fn job(
        &self,
        table: &OnlineTable,
        what: &Materialize,
        ledger: &Ledger,
        arrivals: &[Arrival],
    ) -> Result<Job> {
        let end = what.end.micros();
        let arrival = arrivals.last().map_or(0, |last| last.number);
        let mut job = Job {
            range: Interval {
                start: i64::MIN,
                end,
            },
            late: BTreeMap::new(),
            oldest: i64::MIN,
            arrival,
        };
        if let Some(start) = what.start {
            job.range.start = start.micros();
            return Ok(job);
        }
        let Some(last) = ledger.last() else {
            job.range.start = first_start(table, ledger, what.end)?;
            return Ok(job);
        };
        job.range.start = last.end;
        let lateness = what.lateness.map_or(i64::MAX, Span::micros);
        job.oldest = last.end.saturating_sub(lateness);
        // arrivals of another store say nothing about this one: all of them may be new
        let known = ledger.origin == Some(self.inner.origin);
        let seen = if known { ledger.arrival } else { 0 };
        for late in arrivals
            .iter()
            .filter(|a| a.number > seen && a.first < last.end)
        {
            for key in late.keys.iter() {
                let span = job.late.entry(*key).or_insert((late.first, late.last));
                *span = (span.0.min(late.first), span.1.max(late.last));
            }
        }
        Ok(job)
    }

    fn record(
        &self,
        table: &OnlineTable,
        online: &dyn OnlineStore,
        what: &Materialize,
        job: &Job,
        index: &ViewIndex,
        report: &MaterializeReport,
    ) -> Result<()> {
        let now = self.inner.clock.now().micros();
        let origin = self.inner.origin;
        let ledger = Ledger::update(online, table, &mut |known| {
            let mut next = known.unwrap_or_default();
            let first = next.intervals.is_empty();
            if job.range.start <= job.range.end {
                next.add(job.range);
            }
            if what.start.is_none() || first {
                next.arrival = if next.origin == Some(origin) {
                    next.arrival.max(job.arrival)
                } else {
                    job.arrival
                };
                next.origin = Some(origin);
            }
            if report.too_late > 0 {
                next.lost_until = next.lost_until.max(job.oldest);
            }
            let start = next.last().map_or(i64::MAX, |last| last.start);
            let whole = next.complete_from == i64::MIN || !has_older(index, start);
            let reaches = if whole { i64::MIN } else { start };
            next.complete_from = reaches.max(next.lost_until);
            next.materialized = Some(now);
            next.running = None;
            Ok(next)
        })?;
        table.set_complete_from(ledger.complete_from);
        Ok(())
    }
}

impl Job {
    /// Copies the rows of one key that the run is to write, with their places among equal ones.
    fn pick(
        &self,
        index: &ViewIndex,
        id: u32,
        block: &mut Block,
        rows: &mut Vec<(usize, u32)>,
        report: &mut MaterializeReport,
    ) {
        let known = index.rows(id);
        let (times, base) = (known.times(), known.range.start);
        let from = |instant: i64| times.partition_point(|time| *time < instant);
        let until = |instant: i64| times.partition_point(|time| *time <= instant);
        let mut copy = |range: std::ops::Range<usize>| {
            let placed = ordinals_of(known.block, base + range.start..base + range.end);
            let before = block.len();
            block.extend(known.block, base + range.start..base + range.end);
            let placed = placed.iter().enumerate();
            rows.extend(placed.map(|(at, (_, ordinal))| (before + at, *ordinal)));
        };
        if let Some((first, last)) = self.late.get(&id) {
            let before = from(self.range.start);
            let (first, last) = (from(*first).min(before), until(*last).min(before));
            let allowed = from(self.oldest).clamp(first, last);
            report.too_late += (allowed - first) as u64;
            report.late += (last - allowed) as u64;
            copy(allowed..last);
        }
        let start = from(self.range.start);
        copy(start..until(self.range.end).max(start));
    }
}

/// Where the first incremental run begins.
fn first_start(table: &OnlineTable, ledger: &Ledger, end: EventTime) -> Result<i64> {
    if ledger.complete_from == i64::MIN {
        return Ok(i64::MIN);
    }
    let view: &FeatureView = table.view();
    let window = table.longest_window();
    match view.ttl() {
        Some(ttl) => Ok((end - ttl.max(window)).micros()),
        None => Err(Error::NoHistory {
            view: view.name().to_string(),
        }),
    }
}

fn has_older(index: &ViewIndex, instant: i64) -> bool {
    (0..index.keys().len()).any(|id| index.rows(id).times().first().is_some_and(|t| *t < instant))
}
