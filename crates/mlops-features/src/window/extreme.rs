//! The least or largest value of a window that only moves forward.

use std::collections::VecDeque;

/// The candidates: each is better than all that came after it, so the first is the best.
#[derive(Debug)]
pub(super) struct Extreme {
    least: bool,
    candidates: VecDeque<(usize, i64)>,
}

impl Extreme {
    pub(super) fn new(least: bool) -> Self {
        Self {
            least,
            candidates: VecDeque::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.candidates.clear();
    }

    /// An event enters; each enters and leaves at most once.
    #[inline]
    pub(super) fn add(&mut self, at: usize, key: i64) {
        while let Some((_, last)) = self.candidates.back() {
            if (self.least && *last < key) || (!self.least && *last > key) {
                break;
            }
            self.candidates.pop_back();
        }
        self.candidates.push_back((at, key));
    }

    /// All events before `low` leave.
    #[inline]
    pub(super) fn leave(&mut self, low: usize) {
        while self.candidates.front().is_some_and(|(at, _)| *at < low) {
            self.candidates.pop_front();
        }
    }

    pub(super) fn best(&self) -> Option<i64> {
        self.candidates.front().map(|(_, key)| *key)
    }
}
