//! The requests of one handle: their identities, and how they are repeated.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mlops_core::{Clock, Digest, DigestBuilder, Seed};
use mlops_store::{Appended, CommitLog, Error as StoreError, RequestId, Sleeper};

/// How often the store is asked again whether an entry is ours.
const ASKED_AGAIN: u32 = 3;
/// The first and the longest pause between two attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(800));

/// Tells this handle's requests from everybody else's.
#[derive(Debug)]
pub(crate) struct Requests {
    writer: Digest,
    count: AtomicU64,
    sleeper: Arc<dyn Sleeper>,
}

impl Requests {
    pub(crate) fn new(sleeper: Arc<dyn Sleeper>, clock: &dyn Clock) -> Self {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let writer = DigestBuilder::new()
            .part("process", &std::process::id().to_le_bytes())
            .part("time", &clock.now().micros().to_le_bytes())
            .part(
                "opened",
                &OPENED.fetch_add(1, Ordering::Relaxed).to_le_bytes(),
            )
            .finish();
        Self {
            writer,
            count: AtomicU64::new(0),
            sleeper,
        }
    }

    pub(crate) fn writer(&self) -> &Digest {
        &self.writer
    }

    pub(crate) fn sleeper(&self) -> Arc<dyn Sleeper> {
        self.sleeper.clone()
    }

    pub(crate) fn next(&self) -> RequestId {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let mut digest = DigestBuilder::new();
        digest
            .part("writer", self.writer.as_bytes())
            .part("request", &number.to_le_bytes());
        digest.finish().into()
    }

    pub(crate) fn pause(&self, request: &RequestId, attempt: u32) {
        let (first, longest) = PAUSES;
        let most = first.saturating_mul(1 << attempt.min(16)).min(longest);
        let mut rng = Seed(u64::from(attempt)).derive(request.as_str()).rng();
        self.sleeper.sleep(most.mul_f64(rng.unit()));
    }

    /// Appends, and asks again where the store gave no definite answer.
    pub(crate) fn append(
        &self,
        log: &CommitLog,
        after: u64,
        request: &RequestId,
        bytes: &[u8],
    ) -> mlops_store::Result<Appended> {
        for attempt in 0..ASKED_AGAIN {
            match log.append(after, request, bytes) {
                Err(StoreError::LogUnknown { .. }) => self.pause(request, attempt),
                answer => return answer,
            }
        }
        log.append(after, request, bytes)
    }
}
