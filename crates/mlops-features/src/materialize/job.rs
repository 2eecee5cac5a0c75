//! Which rows a run is to write: those of a range of event time, and those that arrived late.

use std::collections::BTreeMap;

use mlops_core::{Digest, EventTime, Span};

use super::{Materialize, MaterializeReport};
use crate::{
    Error, FeatureView, Result,
    index::{Block, ViewIndex},
    online::{Interval, Ledger, OnlineTable, ordinals_of},
    push::Arrival,
};

/// What one run is to write.
pub(super) struct Job {
    pub(super) range: Interval,
    /// By key: the earliest and the last event time of rows that arrived late.
    late: BTreeMap<u32, (i64, i64)>,
    /// Late rows before this instant are left out.
    pub(super) oldest: i64,
    /// The last arrival that the snapshot has.
    pub(super) arrival: u64,
}

impl Job {
    /// The job of a run of the store of that origin.
    pub(super) fn new(
        origin: Digest,
        table: &OnlineTable,
        what: &Materialize,
        ledger: &Ledger,
        arrivals: &[Arrival],
    ) -> Result<Self> {
        let end = what.end.micros();
        let arrival = arrivals.last().map_or(0, |last| last.number);
        let mut job = Self {
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
        let known = ledger.origin == Some(origin);
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

    /// Copies the rows of one key that the run is to write, with their places among equal ones.
    pub(super) fn pick(
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

pub(super) fn has_older(index: &ViewIndex, instant: i64) -> bool {
    (0..index.keys().len()).any(|id| index.rows(id).times().first().is_some_and(|t| *t < instant))
}
