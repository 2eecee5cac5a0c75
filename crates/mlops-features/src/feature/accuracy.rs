//! How exactly a window follows the instant of the question.

use mlops_core::Span;
use serde::Serialize;

use crate::Boundary;

/// How exactly a window follows the instant of the question; hops are aligned to 1970-01-01T00:00:00Z.
///
/// An exact window moves with every question. A coarser one changes at its hops only, so that a store may
/// answer from sums of whole hops. Offline and online compute the same, whichever is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Accuracy {
    /// To the microsecond.
    #[default]
    Exact,
    /// The value as of the last multiple of the hop that is not after the question: both edges move in hops,
    /// and what happened since that instant, or became known since, is not seen.
    Snapshot(Span),
    /// The head is exact, the tail is rounded down to a multiple of the hop: the window is never shorter
    /// than asked for and at most one hop longer.
    Sawtooth(Span),
}

impl Accuracy {
    /// A sawtooth with the usual hop for a window: 5 minutes below 12 hours, 1 hour below 12 days, else a day.
    ///
    /// # Reference
    /// Chronon's `FiveMinuteResolution`.
    pub fn sawtooth(window: Span) -> Self {
        Self::Sawtooth(if window < Span::hours(12) {
            Span::minutes(5)
        } else if window < Span::days(12) {
            Span::hours(1)
        } else {
            Span::days(1)
        })
    }

    /// The hop, unless it is exact.
    pub fn hop(self) -> Option<Span> {
        match self {
            Self::Exact => None,
            Self::Snapshot(hop) | Self::Sawtooth(hop) => Some(hop),
        }
    }
}

/// A length with its accuracy: it gives the two edges for an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Window {
    pub(crate) span: Span,
    pub(crate) accuracy: Accuracy,
    /// Whether it is made of whole tiles and a head: the tail is at a multiple of the hop.
    pub(crate) tiled: bool,
}

impl Window {
    /// The instants of the tail and of the head. An event is in the window if the boundary sees it from the
    /// head and does not from the tail; both never fall when `at` rises.
    pub(crate) fn edges(&self, at: i64) -> (i64, i64) {
        let floor = |time: i64, hop: Span| {
            let hop = hop.micros().max(1);
            time.div_euclid(hop).saturating_mul(hop)
        };
        let length = self.span.micros();
        match self.accuracy {
            Accuracy::Exact => (at.saturating_sub(length), at),
            Accuracy::Sawtooth(hop) => (floor(at.saturating_sub(length), hop), at),
            Accuracy::Snapshot(hop) => {
                let head = floor(at, hop);
                let tail = head.saturating_sub(length);
                (if self.tiled { floor(tail, hop) } else { tail }, head)
            }
        }
    }
}

/// The tile of an instant, counted from 1970. Tiles have the far edge of windows: with an inclusive boundary
/// tile `i` is `hop * i < ts <= hop * (i + 1)`, with an exclusive one `hop * i <= ts < hop * (i + 1)`.
pub(crate) fn tile_of(boundary: Boundary, time: i64, hop: Span) -> i64 {
    let hop = hop.micros().max(1);
    match boundary {
        Boundary::Inclusive => time.saturating_sub(1).div_euclid(hop),
        Boundary::Exclusive => time.div_euclid(hop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_hops_are_those_of_chronon() {
        let hop = |window| Accuracy::sawtooth(window).hop().map(|hop| hop.to_string());
        assert_eq!(hop(Span::seconds(1)).as_deref(), Some("5m"));
        assert_eq!(hop(Span::hours(12)).as_deref(), Some("1h"));
        assert_eq!(hop(Span::days(11)).as_deref(), Some("1h"));
        assert_eq!(hop(Span::days(12)).as_deref(), Some("1d"));
        assert_eq!(hop(Span::days(3_650)).as_deref(), Some("1d"));
    }

    #[test]
    fn edges_follow_the_accuracy_before_1970_as_after_it() {
        let span = |micros| Span::from_micros(micros).unwrap();
        let edges = |accuracy, tiled, at| {
            let window = Window {
                span: span(25),
                accuracy,
                tiled,
            };
            window.edges(at)
        };
        assert_eq!(edges(Accuracy::Exact, false, 7), (-18, 7));
        assert_eq!(edges(Accuracy::Sawtooth(span(10)), false, 7), (-20, 7));
        assert_eq!(edges(Accuracy::Snapshot(span(10)), false, 7), (-25, 0));
        assert_eq!(edges(Accuracy::Snapshot(span(10)), false, -1), (-35, -10));
        assert_eq!(edges(Accuracy::Snapshot(span(10)), true, 19), (-20, 10));
        for at in -30..30 {
            for (boundary, first) in [(Boundary::Inclusive, 1), (Boundary::Exclusive, 0)] {
                let tile = tile_of(boundary, at, span(10));
                let inside = 10 * tile + first..10 * tile + 10 + first;
                assert!(inside.contains(&at), "{at} in {inside:?}");
            }
        }
    }
}
