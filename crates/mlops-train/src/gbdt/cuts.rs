//! Where a column of numbers is cut into bins: a value a bin where there are few, else about as many
//! rows a bin.
//!
//! The method is LightGBM's `GreedyFindBin`: a value held by more rows than a bin's fair share gets a
//! bin of its own, and the rest is shared out anew behind it.

/// A key that orders like the number does.
fn key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    }
}

fn value(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key ^ 1 << 63 } else { !key })
}

/// The largest value of each bin but the last, in ascending order; at most `max_bins - 1` of them.
///
/// Missing values are left out. A cut lies in the middle between two values that it keeps apart.
pub(crate) fn cuts(sample: impl Iterator<Item = f64>, max_bins: usize) -> Vec<f64> {
    let mut keys: Vec<u64> = sample.filter(|x| !x.is_nan()).map(key).collect();
    keys.sort_unstable();
    let distinct: Vec<(f64, usize)> = keys
        .chunk_by(|a, b| a == b)
        .map(|run| (value(run[0]), run.len()))
        .collect();
    if distinct.len() <= max_bins {
        return distinct
            .windows(2)
            .map(|pair| between(pair[0].0, pair[1].0))
            .collect();
    }
    crowded(&distinct, keys.len(), max_bins)
}

/// Fewer bins than values.
fn crowded(distinct: &[(f64, usize)], rows: usize, max_bins: usize) -> Vec<f64> {
    let fair = rows as f64 / max_bins as f64;
    let big = |at: usize| distinct[at].1 as f64 >= fair;
    let (mut bins_left, mut rows_left) = (max_bins, rows);
    for (at, (_, count)) in distinct.iter().enumerate() {
        if big(at) {
            bins_left -= 1;
            rows_left -= count;
        }
    }
    let share = |rows: usize, bins: usize| rows as f64 / bins.max(1) as f64;
    let mut mean = share(rows_left, bins_left);
    let (mut found, mut held) = (Vec::with_capacity(max_bins - 1), 0.0);
    for at in 0..distinct.len() - 1 {
        if found.len() + 1 == max_bins {
            break;
        }
        if !big(at) {
            rows_left -= distinct[at].1;
        }
        held += distinct[at].1 as f64;
        if big(at) || held >= mean || (big(at + 1) && held >= (mean * 0.5).max(1.0)) {
            found.push(between(distinct[at].0, distinct[at + 1].0));
            held = 0.0;
            if !big(at) {
                bins_left = bins_left.saturating_sub(1);
                mean = share(rows_left, bins_left);
            }
        }
    }
    found
}

/// A number at or above `low` and below `high`, in the middle where there is one.
fn between(low: f64, high: f64) -> f64 {
    let middle = low * 0.5 + high * 0.5;
    if middle >= low && middle < high {
        middle
    } else {
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlops_core::Seed;

    #[test]
    fn few_values_get_a_bin_each() {
        let found = cuts([3.0, 1.0, f64::NAN, 2.0, 1.0].into_iter(), 255);
        assert_eq!(found, [1.5, 2.5]);
        assert_eq!(cuts([-0.0, 0.0].into_iter(), 255), [0.0; 0]);
        let next = f64::from_bits(1.0f64.to_bits() + 1);
        assert_eq!(cuts([1.0, next].into_iter(), 255), [1.0]);
        assert_eq!(cuts([f64::NAN].into_iter(), 255), [0.0; 0]);
    }

    #[test]
    fn many_values_share_bins_of_like_size() {
        let mut rng = Seed(3).rng();
        let values: Vec<f64> = (0..10_000).map(|_| rng.normal().exp() - 2.0).collect();
        let found = cuts(values.iter().copied(), 64);
        assert_eq!(found.len(), 63);
        assert!(found.is_sorted());
        let mut counts = vec![0; 64];
        for x in values {
            counts[found.partition_point(|cut| *cut < x)] += 1;
        }
        assert!(
            counts.iter().all(|count| (100..=320).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn a_frequent_value_ends_its_bin() {
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values.extend([500.0; 500]);
        let found = cuts(values.into_iter(), 16);
        let bin = |x: f64| found.partition_point(|cut| *cut < x);
        assert_ne!(bin(501.0), bin(500.0));
    }
}
