//! The law of the Kolmogorov statistic of one sample of `n` rows.
//!
//! The two-sample p-value of large samples is taken from it. Four formulas share the work, after
//! the plan of Simard and L'Ecuyer (2011): Smirnov's exact one-sided sum doubled in the upper
//! tail, its expansion by Maag and Dicaire (1971) where the sum is long, Durbin's matrix in the
//! body of small samples, and the series of Pelz and Good (1976) in the body of large ones.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use statrs::function::gamma::ln_gamma;

/// Samples up to this size are worked out exactly in the body.
const SMALL: f64 = 140.0;
/// Samples up to this size are summed in the tail.
const SUMMED: f64 = 20_000.0;

/// The chance that the statistic of `n` rows is at least `d`.
pub(super) fn tail(n: f64, d: f64) -> f64 {
    if n < 1.0 || n * d <= 0.5 {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    let square = n * d * d;
    let upper = if n <= SMALL { 4.0 } else { 2.2 };
    let value = if d >= 0.5 || square > upper {
        2.0 * one_sided(n, d)
    } else if n <= SMALL {
        1.0 - durbin(n, d)
    } else {
        1.0 - pelz_good(n, d)
    };
    value.clamp(0.0, 1.0)
}

/// Smirnov's one-sided tail.
fn one_sided(n: f64, d: f64) -> f64 {
    if n > SUMMED {
        let root = 6.0 * n * d + 1.0;
        let z = root * root / (18.0 * n);
        let shape = 1.0 - (2.0 * z * z - 4.0 * z - 1.0) / (18.0 * n);
        return shape.max(0.0) * (-z).exp();
    }
    let ln_choose = |j: f64| ln_gamma(n + 1.0) - ln_gamma(j + 1.0) - ln_gamma(n - j + 1.0);
    let mut sum = 0.0;
    let mut j = 0.0;
    while j <= n * (1.0 - d) {
        let (grow, rest) = (d + j / n, 1.0 - d - j / n);
        if rest > 0.0 {
            sum += (ln_choose(j) + (j - 1.0) * grow.ln() + (n - j) * rest.ln()).exp();
        }
        j += 1.0;
    }
    (d * sum).min(1.0)
}

/// Durbin's matrix: the chance of a statistic below `d`.
fn durbin(n: f64, d: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "n is at most 140 and d below 1"
    )]
    let (rows, k) = (n as u32, (n * d) as usize + 1);
    let size = 2 * k - 1;
    let h = k as f64 - n * d;
    let power = |base: f64, exponent: usize| base.powi(i32::try_from(exponent).unwrap_or(i32::MAX));
    let mut matrix = vec![0.0; size * size];
    for i in 0..size {
        for j in 0..size.min(i + 2) {
            matrix[i * size + j] = 1.0;
        }
    }
    for i in 0..size {
        matrix[i * size] -= power(h, i + 1);
        matrix[(size - 1) * size + i] -= power(h, size - i);
    }
    if 2.0 * h > 1.0 {
        matrix[(size - 1) * size] += power(2.0 * h - 1.0, size);
    }
    for i in 0..size {
        for j in 0..=i {
            matrix[i * size + j] /= (1..=i + 1 - j).map(|f| f as f64).product::<f64>();
        }
    }
    let central = matrix_power(&matrix, size, rows)[(k - 1) * size + k - 1];
    (1..=rows).fold(central, |value, i| value * f64::from(i) / n)
}

fn matrix_power(matrix: &[f64], size: usize, exponent: u32) -> Vec<f64> {
    if exponent == 1 {
        return matrix.to_vec();
    }
    let half = matrix_power(matrix, size, exponent / 2);
    let square = product(&half, &half, size);
    if exponent.is_multiple_of(2) {
        square
    } else {
        product(&square, matrix, size)
    }
}

fn product(a: &[f64], b: &[f64], size: usize) -> Vec<f64> {
    let mut result = vec![0.0; size * size];
    for i in 0..size {
        for k in 0..size {
            let factor = a[i * size + k];
            for j in 0..size {
                result[i * size + j] += factor * b[k * size + j];
            }
        }
    }
    result
}

/// The series of Pelz and Good: the chance of a statistic below `d`.
fn pelz_good(n: f64, d: f64) -> f64 {
    let root = n.sqrt();
    let z = d * root;
    let (z2, z4) = (z * z, z.powi(4));
    let (z6, z8) = (z.powi(6), z.powi(8));
    let mut sums = [0.0f64; 6];
    // terms fall off as exp(-(π k / z)² / 2); z is at most 1.5 here
    for k in 0..24 {
        let half = (f64::from(k) + 0.5) * PI;
        let (h2, h4, h6) = (half * half, half.powi(4), half.powi(6));
        let weight = 2.0 * (-h2 / (2.0 * z2)).exp();
        sums[0] += weight;
        sums[1] += weight * (h2 - z2);
        sums[2] +=
            weight * (6.0 * z6 + 2.0 * z4 + h2 * (2.0 * z4 - 5.0 * z2) + h4 * (1.0 - 2.0 * z2));
        sums[3] += weight
            * (h6 * (5.0 - 30.0 * z2)
                + h4 * (212.0 * z4 - 60.0 * z2)
                + h2 * (135.0 * z4 - 96.0 * z6)
                - 30.0 * z6
                - 90.0 * z8);
        let whole = f64::from(k) * PI;
        let weight = 2.0 * (-whole * whole / (2.0 * z2)).exp();
        sums[4] += weight * whole * whole;
        sums[5] += weight * (3.0 * whole * whole * z2 - whole.powi(4));
    }
    let scale = FRAC_PI_2.sqrt();
    let k0 = TAU.sqrt() / z * sums[0] / 2.0;
    let k1 = scale / (6.0 * z4) * sums[1];
    let k2 = scale / (72.0 * z.powi(7)) * sums[2] - scale / (36.0 * z.powi(3)) * sums[4];
    let k3 = scale / (6480.0 * z.powi(10)) * sums[3] + scale / (216.0 * z6) * sums[5];
    let value = k0 + k1 / root + k2 / n + k3 / (n * root);
    if value.is_finite() {
        value.clamp(0.0, 1.0)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_of_small_samples_is_exact() {
        // one row: the distance is at least d unless it lies within d - 1/2 of the middle
        for d in [0.55, 0.7, 0.95] {
            assert!((tail(1.0, d) - 2.0 * (1.0 - d)).abs() < 1e-12, "{d}");
        }
        assert_eq!(
            (tail(1.0, 0.5), tail(9.0, 1.0), tail(0.0, 0.3)),
            (1.0, 0.0, 1.0)
        );
    }

    #[test]
    fn the_formulas_meet_where_they_hand_over() {
        for n in [20.0, 140.0] {
            let d = (4.0f64 / n).sqrt();
            assert!(
                (1.0 - durbin(n, d) - 2.0 * one_sided(n, d)).abs() < 1e-6,
                "{n}"
            );
        }
        for n in [141.0, 5_000.0, 200_000.0] {
            let d = (2.2f64 / n).sqrt();
            assert!(
                (1.0 - pelz_good(n, d) - 2.0 * one_sided(n, d)).abs() < 2e-5,
                "{n}"
            );
        }
        for z in [1.5f64, 2.0, 3.0] {
            let (n, d) = (SUMMED, z / SUMMED.sqrt());
            let ratio = one_sided(n, d) / one_sided(n + 1.0, d * (n / (n + 1.0)).sqrt());
            assert!((ratio - 1.0).abs() < 1e-4, "{z}: {ratio}");
        }
    }

    #[test]
    fn the_tail_falls_as_the_distance_grows() {
        for n in [3.0, 50.0, 140.0, 141.0, 3e4, 1e7] {
            let tails: Vec<f64> = (1..200)
                .map(|i| tail(n, f64::from(i) / 40.0 / f64::sqrt(n)))
                .collect();
            assert!(tails.windows(2).all(|w| w[1] <= w[0] + 1e-6), "{n}");
            assert!(tails.iter().all(|t| (0.0..=1.0).contains(t)));
        }
    }
}
