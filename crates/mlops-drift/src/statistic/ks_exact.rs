//! The exact law of the two-sample distance, by counting lattice paths.
//!
//! Without a change every order of the `n + m` rows is equally likely, so the two empirical
//! distributions trace a random path from `(0, 0)` to `(n, m)`. The p-value is the share of paths
//! that leave the band `|i/n − j/m| < d` somewhere. Counts of paths overflow at a thousand rows;
//! here the recursion runs on *shares*: a path to `(i, j)` came from `(i − 1, j)` with chance
//! `i / (i + j)` and from `(i, j − 1)` with chance `j / (i + j)`. Each step is a mean of two
//! numbers in `0..=1`, so nothing can overflow and nothing is subtracted: the relative error is a
//! few rounding errors a step even where p is 1e-200.

/// The two-sided p-value of a distance in `0..=1` between samples of `n` and `m` rows.
pub(super) fn p_value(statistic: f64, n: u64, m: u64) -> f64 {
    // the band runs over the larger sample in rows, so that a row is short
    let (n, m) = (n.max(m), n.min(m));
    let common = gcd(n, m);
    // distances are multiples of one over the least common multiple, so the band is a whole number
    let scale = (n / common * m) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most n·m, below 2^53 for sizes up to 10,000"
    )]
    let reach = (statistic * scale).round() as i64;
    if reach <= 0 {
        return 1.0;
    }
    // p is at most e·exp(−2 d² nm / (n + m)) (Wei and Dudley 2012), which is no float any more
    let effective = n as f64 * m as f64 / (n + m) as f64;
    if 2.0 * statistic * statistic * effective > 750.0 {
        return 0.0;
    }
    let (step_i, step_j) = (signed(m / common), signed(n / common));
    let (n, m) = (signed(n), signed(m));
    // `left[j]` is the share of paths to (i, j) that have left the band
    let mut left = vec![1.0; to_index(m) + 1];
    let mut low = 0;
    for i in 0..=n {
        // inside: |i·step_i − j·step_j| < reach
        let first = ((i * step_i - reach).div_euclid(step_j) + 1).max(0);
        let last = ((i * step_i + reach - 1).div_euclid(step_j)).min(m);
        for outside in low..first.min(m + 1) {
            left[to_index(outside)] = 1.0;
        }
        low = first;
        let mut before = if first == 0 { 0.0 } else { 1.0 };
        for j in first..=last {
            let cell = &mut left[to_index(j)];
            let (from_i, from_j) = (i as f64 * *cell, j as f64 * before);
            *cell = if i + j == 0 {
                0.0
            } else {
                (from_i + from_j) / (i + j) as f64
            };
            before = *cell;
        }
    }
    left[to_index(m)].clamp(0.0, 1.0)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).expect("sample sizes here are at most 10,000")
}

fn to_index(value: i64) -> usize {
    usize::try_from(value).expect("positions lie in 0..=m")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Counts paths one by one.
    fn slow(n: i64, m: i64, reach: i64) -> f64 {
        fn paths(i: i64, j: i64, left: bool, end: (i64, i64), reach: i64) -> (u64, u64) {
            let left = left || (i * end.1 - j * end.0).abs() >= reach;
            if (i, j) == end {
                return (u64::from(left), 1);
            }
            let mut sum = (0, 0);
            for (a, b) in [(i + 1, j), (i, j + 1)] {
                if a <= end.0 && b <= end.1 {
                    let (out, all) = paths(a, b, left, end, reach);
                    sum = (sum.0 + out, sum.1 + all);
                }
            }
            sum
        }
        let (out, all) = paths(0, 0, false, (n, m), reach);
        out as f64 / all as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_path_is_counted_once(n in 1i64..8, m in 1i64..8, share in 0.0f64..=1.0) {
            #[expect(clippy::cast_possible_truncation, reason = "at most 49")]
            let reach = (share * (n * m) as f64).round() as i64;
            let common = signed(gcd(u64::try_from(n).unwrap(), u64::try_from(m).unwrap()));
            let reach = reach / common * common;
            let statistic = reach as f64 / (n * m) as f64;
            let fast = p_value(statistic, u64::try_from(n).unwrap(), u64::try_from(m).unwrap());
            prop_assert!((fast - slow(n, m, reach)).abs() < 1e-13);
        }
    }

    #[test]
    fn tiny_p_values_keep_their_digits() {
        // disjoint samples: two orders out of C(60, 30)
        let expect = 2.0 / 118_264_581_564_861_424.0;
        assert!((p_value(1.0, 30, 30) / expect - 1.0).abs() < 1e-12);
        assert!(p_value(0.8, 500, 500) > 0.0);
        assert_eq!(p_value(0.9, 10_000, 9_999), 0.0);
    }
}
