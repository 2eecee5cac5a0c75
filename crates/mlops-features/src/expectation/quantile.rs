//! Quantiles of a numeric column, exact.

use super::{
    live::Live,
    values::{Integer, Values, each_whole},
};

/// The `q` quantile, linear between neighbours; `None` if there is no number.
///
/// NaN comes after all numbers, so that one among the values shows up at the top.
///
/// # Complexity
/// O(numbers), by selection.
pub(super) fn quantile(mut numbers: Vec<f64>, q: f64) -> Option<f64> {
    if numbers.is_empty() {
        return None;
    }
    let position = q * (numbers.len() - 1) as f64;
    let (at, part) = (position.floor(), position.fract());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of the length is a position"
    )]
    let at = (at as usize).min(numbers.len() - 1);
    let (_, low, above) = numbers.select_nth_unstable_by(at, f64::total_cmp);
    let low = *low;
    let next = above.iter().copied().min_by(f64::total_cmp);
    Some(match next {
        Some(next) if part > 0.0 => low + (next - low) * part,
        _ => low,
    })
}

/// The values of a numeric column as floats; `None` if it is not numeric.
pub(super) fn numbers(values: &Values, live: &Live) -> Option<Vec<f64>> {
    let mut numbers = Vec::with_capacity(live.count());
    match values {
        Values::Whole(whole) => each_whole!(whole, values => collect(values, live, &mut numbers)),
        Values::Real(real) => live.each(&real.wide(), |v| numbers.push(v)),
        _ => return None,
    }
    Some(numbers)
}

fn collect<T: Integer>(values: &[T], live: &Live, numbers: &mut Vec<f64>) {
    live.each(values, |v| {
        let whole: i128 = v.into();
        numbers.push(whole as f64);
    });
}
