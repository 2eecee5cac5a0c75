//! Arithmetic and elementary functions. Whole numbers are checked, real numbers follow IEEE 754.

use crate::transform::fault::Fault;

/// The mean radius of the Earth in kilometres, as the IUGG states it.
const EARTH_KM: f64 = 6_371.008_8;

pub(crate) fn add_int(a: i64, b: i64) -> Result<Option<i64>, Fault> {
    checked(a.checked_add(b), "a sum")
}

pub(crate) fn subtract_int(a: i64, b: i64) -> Result<Option<i64>, Fault> {
    checked(a.checked_sub(b), "a difference")
}

pub(crate) fn multiply_int(a: i64, b: i64) -> Result<Option<i64>, Fault> {
    checked(a.checked_mul(b), "a product")
}

/// The quotient cut towards zero; null by zero.
pub(crate) fn quotient(a: i64, b: i64) -> Result<Option<i64>, Fault> {
    if b == 0 {
        return Ok(None);
    }
    checked(a.checked_div(b), "a quotient")
}

/// The rest of the division that is cut towards zero, with the sign of `a`; null by zero.
pub(crate) fn remainder_int(a: i64, b: i64) -> Option<i64> {
    // the rest of i64::MIN by -1 is 0, though its quotient does not fit
    (b != 0).then(|| a.wrapping_rem(b))
}

pub(crate) fn negate_int(a: i64) -> Result<Option<i64>, Fault> {
    checked(a.checked_neg(), "a change of sign")
}

pub(crate) fn abs_int(a: i64) -> Result<Option<i64>, Fault> {
    checked(a.checked_abs(), "an absolute value")
}

fn checked(value: Option<i64>, what: &'static str) -> Result<Option<i64>, Fault> {
    value.map(Some).ok_or(Fault::Overflow(what))
}

pub(crate) fn add(a: f64, b: f64) -> f64 {
    a + b
}

pub(crate) fn subtract(a: f64, b: f64) -> f64 {
    a - b
}

pub(crate) fn multiply(a: f64, b: f64) -> f64 {
    a * b
}

pub(crate) fn divide(a: f64, b: f64) -> f64 {
    a / b
}

/// A division by a whole number; null by zero.
pub(crate) fn divide_by_int(a: f64, b: i64) -> Option<f64> {
    (b != 0).then(|| a / b as f64)
}

pub(crate) fn divide_int_by_int(a: i64, b: i64) -> Option<f64> {
    divide_by_int(a as f64, b)
}

pub(crate) fn divide_int(a: i64, b: f64) -> f64 {
    a as f64 / b
}

pub(crate) fn remainder(a: f64, b: f64) -> f64 {
    a % b
}

pub(crate) fn negate(a: f64) -> f64 {
    -a
}

/// -1, 0 or 1.
pub(crate) fn sign_int(a: i64) -> i64 {
    a.signum()
}

/// -1, 1, or the number itself if it is a zero or NaN.
pub(crate) fn sign(a: f64) -> f64 {
    if a > 0.0 {
        1.0
    } else if a < 0.0 {
        -1.0
    } else {
        a
    }
}

/// Half away from zero, at so many digits after the point; before it if negative.
pub(crate) fn round_to(a: f64, digits: i64) -> f64 {
    if !a.is_finite() {
        return a; // the sign of a NaN is no one's choice and must not show in a zero
    }
    let power = 10_f64.powi(i32::try_from(digits.clamp(-400, 400)).expect("three digits"));
    let scaled = a * power;
    if power == 0.0 {
        0.0_f64.copysign(a)
    } else if scaled.is_finite() && power.is_finite() {
        scaled.round() / power
    } else {
        a // so many digits that nothing is left to round
    }
}

/// The smaller; NaN if one is, the first of equals.
pub(crate) fn min(a: f64, b: f64) -> f64 {
    if a.is_nan() || a <= b { a } else { b }
}

/// The larger; NaN if one is, the first of equals.
pub(crate) fn max(a: f64, b: f64) -> f64 {
    if a.is_nan() || a >= b { a } else { b }
}

pub(crate) fn clip(a: f64, low: f64, high: f64) -> f64 {
    min(max(a, low), high)
}

pub(crate) fn clip_int(a: i64, low: i64, high: i64) -> i64 {
    a.max(low).min(high)
}

/// The number of edges at or below the value; null for NaN.
pub(crate) fn bucket(edges: &[f64], a: f64) -> Option<i64> {
    (!a.is_nan()).then(|| count(edges.partition_point(|edge| *edge <= a)))
}

pub(crate) fn bucket_int(edges: &[i64], a: i64) -> i64 {
    count(edges.partition_point(|edge| *edge <= a))
}

fn count(edges: usize) -> i64 {
    i64::try_from(edges).expect("an expression has few edges")
}

/// Kilometres along the great circle on a sphere, from degrees; null for a latitude past a pole.
///
/// # Reference
/// The haversine formula with the mean radius 6371.0088 km, as the Python package `haversine` has it.
pub(crate) fn haversine(lat1: f64, lon1: f64, lat2: f64, lon2: f64) -> Option<f64> {
    if lat1.abs() > 90.0 || lat2.abs() > 90.0 {
        return None;
    }
    let (phi1, phi2) = (lat1.to_radians(), lat2.to_radians());
    let lat = ((phi2 - phi1) * 0.5).sin();
    let lon = ((lon2.to_radians() - lon1.to_radians()) * 0.5).sin();
    let chord = lat * lat + phi1.cos() * phi2.cos() * lon * lon;
    // rounding can lift the chord of two opposite points just past 1
    let chord = if chord > 1.0 { 1.0 } else { chord };
    Some(2.0 * EARTH_KM * chord.sqrt().asin())
}
