//! Numbers of a contract and intervals of them, compared exactly with whole and real columns alike.

use std::{
    cmp::Ordering,
    fmt,
    ops::{Bound, RangeBounds},
};

use serde::{Deserialize, Serialize};

use super::{
    live::Live,
    values::{Integer, Real, Values, each_whole},
};

/// A number of an expectation; a whole one stays whole, so that identifiers past 2^53 are compared exactly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Limit {
    /// A whole number.
    Int(i64),
    /// A real number.
    Float(f64),
}

impl From<i64> for Limit {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<i32> for Limit {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}
impl From<u32> for Limit {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}
impl From<f64> for Limit {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(i) => i.fmt(f),
            Self::Float(x) => x.fmt(f),
        }
    }
}

impl Limit {
    fn is_nan(self) -> bool {
        matches!(self, Self::Float(x) if x.is_nan())
    }

    /// The number as the nearest float.
    pub(super) fn nearest(self) -> f64 {
        match self {
            Self::Int(i) => i as f64,
            Self::Float(x) => x,
        }
    }

    fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(&b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b),
            (Self::Int(a), Self::Float(b)) => whole_with_real(a.into(), b),
            (Self::Float(a), Self::Int(b)) => whole_with_real(b.into(), a).map(Ordering::reverse),
        }
    }
}

/// How a whole number stands to a real one, without rounding either.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what is past the range was sorted out before"
)]
pub(super) fn whole_with_real(whole: i128, real: f64) -> Option<Ordering> {
    if real.is_nan() {
        return None;
    }
    // past the range of any column
    if real.abs() >= 1e30 {
        return 0.0.partial_cmp(&real);
    }
    let floor = real.floor();
    let order = whole.cmp(&(floor as i128));
    Some(match order {
        Ordering::Equal if floor < real => Ordering::Less,
        order => order,
    })
}

/// The numbers between two bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Interval {
    pub(super) lower: Bound<Limit>,
    pub(super) upper: Bound<Limit>,
}

impl Interval {
    pub(super) fn new<T: Into<Limit> + Copy>(range: &impl RangeBounds<T>) -> Self {
        let lower = range.start_bound().map(|v| (*v).into());
        let upper = range.end_bound().map(|v| (*v).into());
        // the same without infinity, which JSON does not have
        Self {
            lower: match lower {
                Bound::Included(Limit::Float(f64::NEG_INFINITY)) => Bound::Unbounded,
                lower => lower,
            },
            upper: match upper {
                Bound::Included(Limit::Float(f64::INFINITY)) => Bound::Unbounded,
                upper => upper,
            },
        }
    }

    /// Whether the bounds are numbers and leave room between them.
    pub(super) fn is_possible(&self) -> bool {
        use Bound::{Excluded, Included, Unbounded};
        match (self.lower, self.upper) {
            (Unbounded, Unbounded) => true,
            (Included(a) | Excluded(a), Unbounded) | (Unbounded, Included(a) | Excluded(a)) => {
                !a.is_nan()
            }
            (Included(a), Included(b)) => {
                matches!(a.order(b), Some(Ordering::Less | Ordering::Equal))
            }
            (Included(a) | Excluded(a), Included(b) | Excluded(b)) => {
                a.order(b) == Some(Ordering::Less)
            }
        }
    }

    pub(super) fn words(&self, subject: &str) -> String {
        use Bound::{Excluded, Included, Unbounded};
        match (self.lower, self.upper) {
            (Unbounded, Unbounded) => format!("{subject} is a number"),
            (Included(a), Included(b)) => format!("{subject} lies in {a}..={b}"),
            (lower, upper) => {
                let lower = match lower {
                    Included(a) => Some(format!("at least {a}")),
                    Excluded(a) => Some(format!("above {a}")),
                    Unbounded => None,
                };
                let upper = match upper {
                    Included(b) => Some(format!("at most {b}")),
                    Excluded(b) => Some(format!("below {b}")),
                    Unbounded => None,
                };
                let both: Vec<String> = lower.into_iter().chain(upper).collect();
                format!("{subject} is {}", both.join(" and "))
            }
        }
    }

    pub(super) fn contains(&self, value: f64) -> bool {
        let (least, most) = self.closed();
        least <= value && value <= most
    }

    pub(super) fn contains_whole(&self, value: i128) -> bool {
        let (least, most) = self.whole();
        least <= value && value <= most
    }

    /// The same set of floats as a closed interval; the lower bound is NaN if it is empty.
    fn closed(&self) -> (f64, f64) {
        let lower = match self.lower {
            Bound::Unbounded => f64::NEG_INFINITY,
            Bound::Excluded(Limit::Float(f64::INFINITY)) => f64::NAN,
            Bound::Excluded(a) if a.is_exact() => a.nearest().next_up(),
            Bound::Included(a) | Bound::Excluded(a) => at_or_above(a),
        };
        let upper = match self.upper {
            Bound::Unbounded => f64::INFINITY,
            Bound::Excluded(Limit::Float(f64::NEG_INFINITY)) => f64::NAN,
            Bound::Excluded(b) if b.is_exact() => b.nearest().next_down(),
            Bound::Included(b) | Bound::Excluded(b) => at_or_below(b),
        };
        (lower, upper)
    }

    /// The same set of whole numbers as a closed interval.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a conversion that saturates keeps the set, since no column reaches so far"
    )]
    fn whole(&self) -> (i128, i128) {
        let lower = match self.lower {
            Bound::Unbounded => i128::MIN,
            Bound::Included(Limit::Int(a)) => a.into(),
            Bound::Excluded(Limit::Int(a)) => i128::from(a) + 1,
            Bound::Included(Limit::Float(a)) => a.ceil() as i128,
            Bound::Excluded(Limit::Float(a)) => (a.floor() as i128).saturating_add(1),
        };
        let upper = match self.upper {
            Bound::Unbounded => i128::MAX,
            Bound::Included(Limit::Int(b)) => b.into(),
            Bound::Excluded(Limit::Int(b)) => i128::from(b) - 1,
            Bound::Included(Limit::Float(b)) => b.floor() as i128,
            Bound::Excluded(Limit::Float(b)) => (b.ceil() as i128).saturating_sub(1),
        };
        (lower, upper)
    }

    /// The rows of a numeric column that lie outside; `None` if it is not numeric.
    pub(super) fn outside(&self, values: &Values, live: &Live) -> Option<Vec<u32>> {
        let (least, most) = self.closed();
        Some(match values {
            Values::Whole(whole) => {
                each_whole!(whole, values => outside(values, live, self.whole()))
            }
            Values::Real(Real::F32(values)) => live.bad(values, |v| {
                let v = f64::from(v);
                least <= v && v <= most
            }),
            Values::Real(Real::F64(values)) => live.bad(values, |v| least <= v && v <= most),
            _ => return None,
        })
    }
}

fn outside<T: Integer>(values: &[T], live: &Live, (least, most): (i128, i128)) -> Vec<u32> {
    let least = T::try_from(least.max(T::LEAST.into()));
    let most = T::try_from(most.min(T::MOST.into()));
    match (least, most) {
        (Ok(least), Ok(most)) => live.bad(values, |v| least <= v && v <= most),
        // past the range of the type on one side
        _ => live.rows().collect(),
    }
}

impl Limit {
    /// Whether the nearest float is the number itself.
    fn is_exact(self) -> bool {
        match self {
            Self::Int(i) => whole_with_real(i.into(), i as f64) == Some(Ordering::Equal),
            Self::Float(_) => true,
        }
    }
}

/// The least float that is not below a number.
fn at_or_above(number: Limit) -> f64 {
    let near = number.nearest();
    match number {
        Limit::Int(i) if whole_with_real(i.into(), near) == Some(Ordering::Greater) => {
            near.next_up()
        }
        _ => near,
    }
}

/// The greatest float that is not above a number.
fn at_or_below(number: Limit) -> f64 {
    let near = number.nearest();
    match number {
        Limit::Int(i) if whole_with_real(i.into(), near) == Some(Ordering::Less) => {
            near.next_down()
        }
        _ => near,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_real_are_compared_without_rounding() {
        let past = (1_i64 << 53) + 1;
        let cases = [
            (i128::from(past), 9_007_199_254_740_992.0, Ordering::Greater),
            (5, 5.0, Ordering::Equal),
            (5, 5.5, Ordering::Less),
            (-5, -5.5, Ordering::Greater),
            (0, f64::INFINITY, Ordering::Less),
            (0, f64::NEG_INFINITY, Ordering::Greater),
        ];
        for (whole, real, order) in cases {
            assert_eq!(whole_with_real(whole, real), Some(order), "{whole} {real}");
        }
        assert_eq!(whole_with_real(1, f64::NAN), None);
        // 2^53 + 1 lies between two floats
        let above = Interval::new::<i64>(&(past..));
        assert!(
            !above.contains(9_007_199_254_740_992.0) && above.contains(9_007_199_254_740_994.0)
        );
        assert!(!above.contains_whole(i128::from(past) - 1) && above.contains_whole(past.into()));
    }

    #[test]
    fn open_bounds_leave_out_just_the_bound() {
        let open = Interval {
            lower: Bound::Excluded(Limit::Float(-0.0)),
            upper: Bound::Excluded(Limit::Int(1)),
        };
        for (value, inside) in [
            (0.0, false),
            (5e-324, true),
            (1.0, false),
            (1.0 - 1e-16, true),
        ] {
            assert_eq!(open.contains(value), inside, "{value}");
        }
        assert!(!open.contains_whole(0) && !open.contains_whole(1));
        let nothing = Interval {
            lower: Bound::Excluded(Limit::Float(f64::INFINITY)),
            upper: Bound::Unbounded,
        };
        assert!(!nothing.contains(f64::INFINITY));
    }
}
