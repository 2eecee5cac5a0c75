//! How often, and after which pauses, an answer that was no answer is asked for again.

use std::{fmt::Debug, thread, time::Duration};

use mlops_core::{Rng, Seed};

/// Bounds of the tries after an answer that leaves the outcome open.
///
/// These come on top of the retries of `S3Settings`, which repeat one request; here a try is a
/// write and a look at what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The tries altogether, 6 unless said otherwise; 0 counts as 1.
    pub attempts: u32,
    /// The longest pause after the first try, 20 milliseconds unless said otherwise; it doubles with each try.
    pub first: Duration,
    /// The longest pause of all, 2 seconds unless said otherwise.
    pub longest: Duration,
    /// Where the random parts of the pauses start, together with the request's id.
    pub seed: Seed,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 6,
            first: Duration::from_millis(20),
            longest: Duration::from_secs(2),
            seed: Seed(0),
        }
    }
}

impl RetryPolicy {
    /// The tries altogether.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The longest pause after the first try.
    #[must_use]
    pub fn first(mut self, pause: Duration) -> Self {
        self.first = pause;
        self
    }

    /// The longest pause of all.
    #[must_use]
    pub fn longest(mut self, pause: Duration) -> Self {
        self.longest = pause;
        self
    }

    /// Where the random parts of the pauses start.
    #[must_use]
    pub fn seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// The tries of one request: `None` before the first, then the pauses.
    pub(crate) fn tries(self, request: &str) -> impl Iterator<Item = Option<Duration>> {
        let mut rng = self.seed.derive(request).rng();
        let pause = move |attempt| (attempt > 0).then(|| self.pause(attempt - 1, &mut rng));
        (0..self.attempts.max(1)).map(pause)
    }

    /// Anything from nothing to the longest, so that writers who collided do not meet again.
    fn pause(self, retry: u32, rng: &mut Rng) -> Duration {
        let doubled = self.first.saturating_mul(1 << retry.min(20));
        doubled.min(self.longest).mul_f64(rng.unit())
    }
}

/// Waits. A test hands in one that only counts.
pub trait Sleeper: Send + Sync + Debug {
    /// Returns after about this time.
    fn sleep(&self, pause: Duration);
}

/// Puts the calling thread to sleep.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadSleeper;

impl Sleeper for ThreadSleeper {
    fn sleep(&self, pause: Duration) {
        thread::sleep(pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_the_same_for_the_same_request() {
        let policy = RetryPolicy::default().attempts(40);
        let pauses: Vec<_> = policy.tries("a").collect();
        assert_eq!(pauses.len(), 40);
        assert_eq!(pauses[0], None);
        assert!(pauses[1].unwrap() <= Duration::from_millis(20));
        assert!(
            pauses
                .iter()
                .flatten()
                .all(|pause| *pause <= policy.longest)
        );
        assert_eq!(policy.tries("a").collect::<Vec<_>>(), pauses);
        assert_ne!(policy.tries("b").collect::<Vec<_>>(), pauses);
        assert_eq!(RetryPolicy::default().attempts(0).tries("a").count(), 1);
    }
}
