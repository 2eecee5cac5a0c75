//! Bringing a view back to where it was when a directory is opened, and keeping its online table honest.

use std::sync::PoisonError;

use super::{Writer, write::unseen};
use crate::{
    FeatureStore, FeatureView, Result, Target,
    index::Staged,
    offline::StoredRows,
    online::{Ledger, OnlineTable},
    store::Shelf,
};

impl FeatureStore {
    /// Rows went into the history alone: a table that was complete because it had every row is so no more.
    pub(super) fn fell_behind(&self, shelf: &Shelf) -> Result<()> {
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
        let mut place = shelf.table.write().unwrap_or_else(PoisonError::into_inner);
        place.clone_from(&table);
        drop(place);
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
