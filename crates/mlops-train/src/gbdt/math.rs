//! Functions of a number that compilers can work out for several numbers at once, and quantiles.

/// The exponential of `x`, to a relative error below 1e-15; of use between -708 and 709, flat beyond.
///
/// Made of sums and products only, so that a loop over it runs on whole vectors and gives the same bits
/// on every machine, which a system's own function does not.
#[inline]
pub(crate) fn exp(x: f64) -> f64 {
    /// Added and taken away, it leaves the nearest whole number.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let x = x.clamp(-708.0, 709.0);
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let r = x - whole * LN2_HIGH - whole * LN2_LOW;
    // the series, in halves so that its products do not wait for each other
    let r2 = r * r;
    let r4 = r2 * r2;
    let a = 1.0 + r + r2 * (1.0 / 2.0 + r * (1.0 / 6.0));
    let b = 1.0 / 24.0 + r * (1.0 / 120.0) + r2 * (1.0 / 720.0 + r * (1.0 / 5_040.0));
    let c = 1.0 / 40_320.0
        + r * (1.0 / 362_880.0)
        + r2 * (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0))
        + r4 * (1.0 / 479_001_600.0 + r * (1.0 / 6_227_020_800.0));
    let series = a + r4 * (b + r4 * c);
    let power = f64::from_bits((shifted.to_bits().wrapping_add(1023)) << 52);
    series * power
}

/// `1 / (1 + e^-x)`.
#[inline]
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// `ln(1 + e^x)`.
pub(crate) fn log_one_plus_exp(x: f64) -> f64 {
    x.max(0.0) + exp(-x.abs()).ln_1p()
}

/// The quantile of values: of weighted ones the first whose share is reached, else between two of them in
/// proportion.
///
/// # Reference
/// Hyndman and Fan 1996, type 5; LightGBM's is a rank higher.
pub(crate) fn quantile(pairs: &mut [(f64, f64)], level: f64, weighted: bool) -> f64 {
    if pairs.len() <= 1 {
        return pairs.first().map_or(0.0, |pair| pair.0);
    }
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let total: f64 = pairs.iter().map(|pair| pair.1).sum();
    if !weighted {
        // each value is the middle of its share
        let place = (level * pairs.len() as f64 - 0.5).clamp(0.0, (pairs.len() - 1) as f64);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it lies between 0 and a length"
        )]
        let below = place as usize;
        let (low, high) = (pairs[below].0, pairs[(below + 1).min(pairs.len() - 1)].0);
        return low + (high - low) * (place - below as f64);
    }
    let mut sum = 0.0;
    for (value, weight) in pairs.iter() {
        sum += weight;
        if sum >= level * total {
            return *value;
        }
    }
    pairs[pairs.len() - 1].0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_that_of_the_system() {
        let mut x = -708.0;
        while x < 709.0 {
            let error = (exp(x) / x.exp() - 1.0).abs();
            assert!(error < 1e-15, "{x}: {error:e}");
            x += 0.037;
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1e9) < 1e-300 && exp(1e9) > 1e300);
        assert_eq!(sigmoid(0.0), 0.5);
    }

    #[test]
    fn a_quantile_lies_among_its_values() {
        let mut pairs: Vec<(f64, f64)> = (0..101).map(|i| (f64::from(100 - i), 1.0)).collect();
        assert_eq!(quantile(&mut pairs, 0.5, false), 50.0);
        assert_eq!(quantile(&mut [(1.0, 1.0), (3.0, 1.0)], 0.5, false), 2.0);
        assert_eq!(quantile(&mut pairs, 0.5, true), 50.0);
        assert_eq!(quantile(&mut pairs, 0.0, false), 0.0);
        assert_eq!(quantile(&mut pairs, 1.0, false), 100.0);
        assert_eq!(quantile(&mut [(3.0, 0.0)], 0.2, true), 3.0);
        assert_eq!(quantile(&mut [], 0.2, true), 0.0);
    }
}
