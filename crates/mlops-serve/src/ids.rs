//! Prediction ids: unique without ambient randomness.
//!
//! An id is the mark of one endpoint's start and a counter. The mark is a digest of the clock, the
//! process and the number of starts in it, so two endpoints share a mark only if two machines start
//! in the same microsecond under the same process number; a seed makes ids reproducible instead.

use std::sync::atomic::{AtomicU64, Ordering};

use mlops_core::{Clock, DigestBuilder, Seed};

static STARTS: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub(crate) struct Ids {
    mark: String,
    next: AtomicU64,
}

impl Ids {
    pub(crate) fn at_start(clock: &dyn Clock) -> Self {
        let start = STARTS.fetch_add(1, Ordering::Relaxed);
        let digest = DigestBuilder::new()
            .part("clock", &clock.now().micros().to_le_bytes())
            .part("process", &std::process::id().to_le_bytes())
            .part("start", &start.to_le_bytes())
            .finish();
        Self::marked(digest.to_string())
    }

    pub(crate) fn seeded(seed: Seed) -> Self {
        Self::marked(
            DigestBuilder::new()
                .part("seed", &seed.0.to_le_bytes())
                .finish()
                .to_string(),
        )
    }

    fn marked(mut mark: String) -> Self {
        mark.truncate(16);
        Self {
            mark,
            next: AtomicU64::new(1),
        }
    }

    pub(crate) fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number:08x}", self.mark)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mlops_core::{EventTime, ManualClock};

    use super::*;

    #[test]
    fn endpoints_that_start_at_one_instant_share_no_id() {
        let clock = ManualClock::new(EventTime::from_seconds(1));
        let (a, b) = (Ids::at_start(&clock), Ids::at_start(&clock));
        let ids: BTreeSet<String> = (0..500).flat_map(|_| [a.next(), b.next()]).collect();
        assert_eq!(ids.len(), 1_000);
    }

    #[test]
    fn a_seed_makes_ids_reproducible() {
        assert_eq!(Ids::seeded(Seed(7)).next(), Ids::seeded(Seed(7)).next());
        assert_ne!(Ids::seeded(Seed(7)).next(), Ids::seeded(Seed(8)).next());
    }
}
