//! The last steps that all ways of computing share.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place is between 0 and the count"
)]

const MICROS_PER_DAY: f64 = 86_400e6;

/// The quantile at a rank by linear interpolation between the two nearest values, given the value at each
/// position from 0; `count` is at least one.
///
/// # Reference
/// `numpy.quantile(..., method="linear")`, with its order of operations.
pub(crate) fn interpolate(rank: f64, count: u64, at: impl Fn(u64) -> f64) -> f64 {
    let place = (count - 1) as f64 * rank;
    let below = place.floor();
    let share = place - below;
    let below = (below as u64).min(count - 1);
    let low = at(below);
    if share == 0.0 || below + 1 == count {
        return low;
    }
    let high = at(below + 1);
    if low == high {
        return low; // infinities have no difference
    }
    let step = high - low;
    if share >= 0.5 {
        high - step * (1.0 - share)
    } else {
        low + step * share
    }
}

/// A ratio; nothing over nothing, and anything over zero, is null.
pub(crate) fn ratio(above: Option<f64>, below: Option<f64>) -> Option<f64> {
    below
        .filter(|below| *below != 0.0)
        .and_then(|below| above.map(|above| above / below))
}

/// Days from one instant to a later one.
pub(crate) fn days_since(at: i64, time: i64) -> f64 {
    at.saturating_sub(time) as f64 / MICROS_PER_DAY
}
