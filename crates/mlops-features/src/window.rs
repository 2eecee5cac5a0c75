//! Aggregates over a slice of packed, sorted values: one pass for all that share field and window.
//!
//! Whole numbers are summed in 128 bits, so that only a result that does not fit is an overflow and the
//! order of events does not matter. Reals are added one by one in event order: the same rows give the
//! same bits, offline and online.

use std::ops::Range;

use crate::{
    FieldKind, Function,
    index::{Packed, PackedColumn, Rows},
    join::Scalar,
};

/// Which rows of a key a question may see besides those that its times exclude.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// The created times, if the view hides rows that became known later.
    pub(crate) created: Option<&'a [i64]>,
    /// The last created time that is seen.
    pub(crate) until: i64,
}

impl Known<'_> {
    pub(crate) fn sees(self, row: usize) -> bool {
        self.created.is_none_or(|created| {
            created[row] <= self.until && created[row] != crate::index::NO_CREATED
        })
    }
}

/// A whole-number sum left 64 bits.
#[derive(Debug)]
pub(crate) struct Overflow;

/// Count, sum and extremes of the values that were seen.
struct Moments<T, S> {
    count: i64,
    sum: S,
    min: Option<T>,
    max: Option<T>,
}

/// Reused between questions so that none allocates.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    bits: Vec<u64>,
}

/// Computes the aggregates of one field over `window`, a range of the key's rows.
pub(crate) fn fold(
    rows: &Rows<'_>,
    window: Range<usize>,
    known: Known<'_>,
    (field, kind): (usize, FieldKind),
    slots: &[(usize, Function)],
    scratch: &mut Scratch,
    mut put: impl FnMut(usize, Scalar),
) -> Result<(), (usize, Overflow)> {
    let column = &rows.block.columns[field];
    let start = rows.range.start;
    let live = |row: &usize| known.sees(*row) && column.is_valid(start + *row);
    let seen = || window.clone().filter(live).map(|row| start + row);

    let (mut counted, mut other) = (None, false);
    for (slot, function) in slots {
        if *function == Function::DistinctCount {
            put(
                *slot,
                *counted.get_or_insert_with(|| distinct(column, seen(), scratch)),
            );
        } else {
            other = true;
        }
    }
    if !other {
        return Ok(());
    }
    match &column.data {
        Packed::Float(values) => {
            let all = reals(seen().map(|row| values[row]));
            answer(
                &all,
                slots,
                Scalar::Float,
                |m| Some(Scalar::Float(m.sum)),
                |m| m.sum,
                put,
            )
        }
        Packed::Int(values) => {
            let all = wholes(seen().map(|row| values[row]));
            let wrap = if kind == FieldKind::Time {
                Scalar::Time
            } else {
                Scalar::Int
            };
            let sum = |m: &Moments<i64, i128>| i64::try_from(m.sum).ok().map(Scalar::Int);
            answer(&all, slots, wrap, sum, |m| m.sum as f64, put)
        }
        Packed::Bool(_) | Packed::Code(_) => {
            let count = Scalar::count(seen().count());
            for (slot, _) in slots.iter().filter(|(_, f)| *f == Function::Count) {
                put(*slot, count);
            }
            Ok(())
        }
    }
}

fn answer<T: Copy, S>(
    moments: &Moments<T, S>,
    slots: &[(usize, Function)],
    wrap: impl Fn(T) -> Scalar,
    sum: impl Fn(&Moments<T, S>) -> Option<Scalar>,
    total: impl Fn(&Moments<T, S>) -> f64,
    mut put: impl FnMut(usize, Scalar),
) -> Result<(), (usize, Overflow)> {
    let some = moments.count > 0;
    for (slot, function) in slots {
        let scalar = match function {
            Function::Count => Scalar::Int(moments.count),
            Function::Sum if some => sum(moments).ok_or((*slot, Overflow))?,
            Function::Mean if some => Scalar::Float(total(moments) / moments.count as f64),
            Function::Min => moments.min.map_or(Scalar::Null, &wrap),
            Function::Max => moments.max.map_or(Scalar::Null, &wrap),
            Function::DistinctCount => continue,
            _ => Scalar::Null,
        };
        put(*slot, scalar);
    }
    Ok(())
}

fn reals(values: impl Iterator<Item = f64>) -> Moments<f64, f64> {
    let (mut count, mut sum) = (0, 0.0);
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values {
        // the first value is taken as it is: 0.0 + -0.0 would lose a sign
        sum = if count == 0 { value } else { sum + value };
        if count == 0 || value < min || value.is_nan() {
            min = value;
        }
        if count == 0 || value > max || value.is_nan() {
            max = value;
        }
        count += 1;
    }
    let some = count > 0;
    Moments {
        count,
        sum,
        min: some.then_some(min),
        max: some.then_some(max),
    }
}

fn wholes(values: impl Iterator<Item = i64>) -> Moments<i64, i128> {
    let mut moments = Moments {
        count: 0,
        sum: 0,
        min: None,
        max: None,
    };
    for value in values {
        moments.count += 1;
        moments.sum += i128::from(value);
        moments.min = Some(moments.min.map_or(value, |min: i64| min.min(value)));
        moments.max = Some(moments.max.map_or(value, |max: i64| max.max(value)));
    }
    moments
}

fn distinct(
    column: &PackedColumn,
    seen: impl Iterator<Item = usize>,
    scratch: &mut Scratch,
) -> Scalar {
    let bits = &mut scratch.bits;
    bits.clear();
    match &column.data {
        Packed::Bool(values) => bits.extend(seen.map(|row| u64::from(values[row]))),
        Packed::Int(values) => bits.extend(seen.map(|row| values[row].cast_unsigned())),
        Packed::Float(values) => bits.extend(seen.map(|row| identity(values[row]))),
        Packed::Code(values) => bits.extend(seen.map(|row| u64::from(values[row]))),
    }
    bits.sort_unstable();
    bits.dedup();
    Scalar::count(bits.len())
}

/// Bits that are the same for equal reals: one zero, one NaN.
fn identity(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        (value + 0.0).to_bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_a_value_and_zero_has_no_sign_when_counted() {
        let all = reals([1.0, f64::NAN, -3.0].into_iter());
        assert!(all.sum.is_nan() && all.min.unwrap().is_nan() && all.max.unwrap().is_nan());
        assert_eq!(identity(0.0), identity(-0.0));
        assert_eq!(identity(f64::NAN), identity(-f64::NAN));
        assert_ne!(identity(0.0), identity(f64::MIN_POSITIVE));
    }

    #[test]
    fn reals_are_added_in_order_and_wholes_without_loss() {
        let all = reals([1e16, 1.0, -1e16].into_iter());
        assert_eq!(all.sum, 0.0);
        assert_eq!(
            reals([-0.0].into_iter()).sum.to_bits(),
            (-0.0_f64).to_bits()
        );
        let all = wholes([i64::MAX, i64::MAX, i64::MIN].into_iter());
        assert_eq!(all.sum, i128::from(i64::MAX) - 1);
    }
}
