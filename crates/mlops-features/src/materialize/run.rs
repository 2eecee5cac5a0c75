//! A run: under a lease, key by key, and recorded at its end.

use mlops_core::{EventTime, Span};

use super::{
    Freshness, Materialize, MaterializeReport, Progress,
    job::{Job, has_older},
};
use crate::{
    Error, FeatureStore, Result,
    index::{Block, ViewIndex},
    online::{Lease, Ledger, OnlineStore, OnlineTable, StoreKey, WriteReport},
    store::Shelf,
};

/// Keys that are written in one call of the online store.
const CHUNK: usize = 1024;
/// For how long the run of another process is believed to go on after it was last heard of.
const LEASE: Span = Span::minutes(1);

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
        let job = Job::new(self.inner.origin, table, what, ledger, &arrivals)?;
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
