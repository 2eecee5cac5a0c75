//! What a column holds, for a contract to be inferred from.

use arrow::array::{Array, ArrayRef};
use mlops_core::Value;

use super::{
    distinct::distinct,
    intern::Distinct,
    live::Live,
    values::{Integer, Text, Values, each_whole},
};
use crate::Result;

/// What a column holds.
#[derive(Debug)]
pub(crate) struct ColumnSummary {
    /// All rows.
    pub(crate) rows: usize,
    /// Those with a value.
    pub(crate) present: usize,
    pub(crate) distinct: usize,
    /// The distinct values in order, if they are few and of a kind that makes sets.
    pub(crate) values: Option<Vec<Value>>,
    /// Numbers and instants have one.
    pub(crate) span: Option<Span64>,
    /// Floats that are NaN or infinite.
    pub(crate) not_finite: usize,
    /// The fewest and the most characters of a text.
    pub(crate) lengths: Option<(usize, usize)>,
    texts: Option<(Text, Distinct)>,
}

/// The least and the greatest value of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Span64 {
    Whole(i128, i128),
    /// Of the finite ones.
    Real(f64, f64),
    /// In microseconds.
    Time(i64, i64),
}

impl ColumnSummary {
    /// Whether a test holds for all texts; false if there is none.
    pub(crate) fn all_texts(&self, holds: impl Fn(&str) -> bool) -> bool {
        self.texts.as_ref().is_some_and(|(texts, distinct)| {
            let mut firsts = distinct.firsts.iter();
            distinct.len() > 0 && firsts.all(|row| holds(texts.value(*row as usize)))
        })
    }
}

/// Looks at a column; of up to `few` distinct values they are told.
pub(crate) fn summary(array: &ArrayRef, few: usize) -> Result<ColumnSummary> {
    let live = Live::new(array.len(), None).with_values(array);
    let kinds = Values::of(array)?;
    let distinct = distinct(array)?;
    let makes_sets = matches!(kinds, Values::Whole(_) | Values::Text(_));
    let mut seen = ColumnSummary {
        rows: array.len(),
        present: live.count(),
        distinct: distinct.len(),
        values: None,
        span: None,
        not_finite: 0,
        lengths: None,
        texts: None,
    };
    if makes_sets && distinct.len() <= few {
        seen.values = listed(&kinds, &distinct);
    }
    match kinds {
        Values::Whole(whole) => {
            seen.span = each_whole!(&whole, values => whole_span(values, &live));
        }
        Values::Real(real) => {
            let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
            live.each(&real.wide(), |v| {
                if v.is_finite() {
                    (least, most) = (least.min(v), most.max(v));
                } else {
                    seen.not_finite += 1;
                }
            });
            seen.span = Some(Span64::Real(least, most));
        }
        Values::Time(micros) => {
            let (first, last, _) = live.extent(&micros, i64::MAX, i64::MIN);
            seen.span = (live.count() > 0).then_some(Span64::Time(first, last));
        }
        Values::Text(texts) => {
            let lengths = || {
                let firsts = distinct.firsts.iter();
                firsts.map(|row| texts.value(*row as usize).chars().count())
            };
            seen.lengths = lengths().min().zip(lengths().max());
            seen.texts = Some((texts, distinct));
        }
        Values::Bool(_) | Values::Other => {}
    }
    Ok(seen)
}

/// The distinct values in order, unless one has no place in a list.
fn listed(kinds: &Values, distinct: &Distinct) -> Option<Vec<Value>> {
    let value = |row: usize| match kinds {
        Values::Text(texts) => Some(Value::Str(texts.value(row).to_owned())),
        Values::Whole(whole) => {
            let value: i128 = each_whole!(whole, values => values[row].into());
            Some(Value::Int(i64::try_from(value).ok()?))
        }
        _ => None,
    };
    let firsts = distinct.firsts.iter();
    let mut values: Vec<Value> = firsts
        .map(|row| value(*row as usize))
        .collect::<Option<_>>()?;
    values.sort_by(|a, b| match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Str(a), Value::Str(b)) => a.cmp(b),
        _ => std::cmp::Ordering::Equal,
    });
    Some(values)
}

fn whole_span<T: Integer>(values: &[T], live: &Live) -> Option<Span64> {
    let (least, most, _) = live.extent(values, T::MOST, T::LEAST);
    (live.count() > 0).then(|| Span64::Whole(least.into(), most.into()))
}
