//! The rows of a view that a scan holds.

use std::sync::Arc;

use super::reach::Reach;
use crate::{
    Error, Result,
    index::{Staged, ViewIndex},
};

/// So many rows are merged with those that are held; once there are more, half as many as are held.
const MERGE: usize = 1 << 18;

/// Rows that may be seen, as an index of the view.
#[derive(Debug)]
pub(super) struct Held<'a> {
    reach: &'a Reach,
    index: ViewIndex,
    /// Rows that came since the last merge.
    waiting: Vec<Staged>,
    count: usize,
    /// The rows that were left after those were pruned of which only the newest matters.
    pruned: usize,
    limit: usize,
}

impl<'a> Held<'a> {
    pub(super) fn new(reach: &'a Reach, limit: usize) -> Self {
        Self {
            index: ViewIndex::with_keys(reach.view.clone(), Arc::clone(&reach.keys)),
            reach,
            waiting: Vec::new(),
            count: 0,
            pruned: 0,
            limit,
        }
    }

    /// Takes those of some rows that may be seen, and returns how many they are.
    pub(super) fn add(&mut self, rows: Staged) -> Result<u64> {
        let seen = self.reach.sees(&rows);
        let rows = rows.filter(&seen)?;
        let taken = rows.keys().len();
        if taken > 0 {
            self.count += taken;
            self.waiting.push(rows);
        }
        if self.count >= MERGE.min(self.limit).max(self.index.row_count() / 2) {
            self.merge(false)?;
        }
        Ok(taken as u64)
    }

    /// All that were taken, without those that a newer row hides from every question.
    pub(super) fn finish(mut self) -> Result<ViewIndex> {
        self.merge(true)?;
        Ok(self.index)
    }

    fn merge(&mut self, last: bool) -> Result<()> {
        if self.count > 0 {
            self.index.rebuild(&self.waiting);
        }
        self.waiting.clear();
        self.count = 0;
        let grown = self.pruned.max(MERGE).saturating_mul(2);
        if self.reach.carries() && (last || self.index.row_count() > grown.min(self.limit)) {
            self.reach.prune(&mut self.index);
            self.pruned = self.index.row_count();
        }
        if self.index.row_count() > self.limit {
            return Err(Error::ScanTooLarge {
                view: self.reach.view.name().to_string(),
                limit: self.limit,
            });
        }
        Ok(())
    }
}
