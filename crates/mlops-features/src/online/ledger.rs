//! What an online store remembers of its materialisations, view by view, in a table of its own.

use mlops_core::{Digest, EventTime};
use serde::{Deserialize, Serialize};

use super::{
    OnlineTable, StoreKey,
    store::{Change, OnlineStore},
};
use crate::{Error, Result};

const FORMAT: u32 = 1;

/// A range of event time that was read whole, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Interval {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// One view's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    format: u32,
    /// Sorted, and joined where they touch.
    pub(crate) intervals: Vec<Interval>,
    /// From which instant on all events are in the table; the least if nothing older exists.
    pub(crate) complete_from: i64,
    /// Rows before this instant were left out because they were too late.
    pub(crate) lost_until: i64,
    /// The store whose arrivals were counted, and the last one that was read.
    pub(crate) origin: Option<Digest>,
    pub(crate) arrival: u64,
    /// When the last run ended, by the clock.
    pub(crate) materialized: Option<i64>,
    /// Who is at it, and until when that is believed.
    pub(crate) running: Option<Lease>,
}

/// A run that has begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) owner: Digest,
    pub(crate) until: i64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            format: FORMAT,
            intervals: Vec::new(),
            complete_from: i64::MIN,
            lost_until: i64::MIN,
            origin: None,
            arrival: 0,
            materialized: None,
            running: None,
        }
    }
}

impl Ledger {
    /// The record of a table that nothing was materialised into, and that has every row or not.
    pub(crate) fn new(complete: bool) -> Self {
        let mut ledger = Self::default();
        if !complete {
            ledger.complete_from = i64::MAX;
        }
        ledger
    }

    /// The record of a table, if there is one.
    pub(crate) fn load(store: &dyn OnlineStore, table: &OnlineTable) -> Result<Option<Self>> {
        let mut ledger = None;
        store.read(&OnlineTable::ledger(), &[key(table)], &mut |_, bytes| {
            ledger = bytes.map(|bytes| Self::read(table, bytes)).transpose()?;
            Ok(())
        })?;
        Ok(ledger)
    }

    /// Changes the record in one step, whoever else is writing; what `change` refuses is not written.
    pub(crate) fn update(
        store: &dyn OnlineStore,
        table: &OnlineTable,
        change: &mut dyn FnMut(Option<Self>) -> Result<Self>,
    ) -> Result<Self> {
        let mut written = None;
        store.update(&OnlineTable::ledger(), &[key(table)], &mut |_, bytes| {
            let known = bytes.map(|bytes| Self::read(table, bytes)).transpose()?;
            let next = change(known)?;
            let bytes = serde_json::to_vec(&next).expect("a ledger serialises");
            written = Some(next);
            Ok(Change::Put(bytes))
        })?;
        Ok(written.expect("the store asked for the one key"))
    }

    fn read(table: &OnlineTable, bytes: &[u8]) -> Result<Self> {
        let damaged = |reason: String| Error::Ledger {
            view: table.view().name().to_string(),
            reason,
        };
        let ledger: Self =
            serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if ledger.format == FORMAT {
            Ok(ledger)
        } else {
            Err(damaged(format!(
                "its format is {}, this reads {FORMAT}",
                ledger.format
            )))
        }
    }

    /// Adds a range, joined with those that it touches.
    pub(crate) fn add(&mut self, added: Interval) {
        let mut joined = added;
        self.intervals.retain(|known| {
            let apart = known.end < joined.start || known.start > joined.end;
            if !apart {
                joined.start = joined.start.min(known.start);
                joined.end = joined.end.max(known.end);
            }
            apart
        });
        self.intervals.push(joined);
        self.intervals.sort_unstable();
    }

    /// The range that reaches furthest.
    pub(crate) fn last(&self) -> Option<Interval> {
        self.intervals.last().copied()
    }

    pub(crate) fn last_end(&self) -> Option<EventTime> {
        self.last().map(|last| EventTime::from_micros(last.end))
    }
}

fn key(table: &OnlineTable) -> StoreKey {
    StoreKey::new(&table.id().as_str().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one() {
        let mut ledger = Ledger::default();
        for (start, end) in [(10, 20), (40, 50), (20, 25), (26, 39), (50, 50)] {
            ledger.add(Interval { start, end });
        }
        let ends: Vec<_> = ledger.intervals.iter().map(|i| (i.start, i.end)).collect();
        assert_eq!(ends, [(10, 25), (26, 39), (40, 50)]);
        ledger.add(Interval { start: 0, end: 45 });
        assert_eq!(ledger.last(), Some(Interval { start: 0, end: 50 }));
    }
}
