//! All features of one key at one instant: what an online read computes, and the rule that a join follows.

use std::cell::RefCell;

use super::Scalar;
use crate::{
    Boundary, Cutoff, Status,
    aggregate::{days_since, ratio},
    index::{Packed, Rows, ViewIndex},
    plan::Group,
    window::{Known, Lanes, item, scan},
};

/// What one feature answers at one instant.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) scalar: Scalar,
    pub(crate) status: Status,
    pub(crate) time: Option<i64>,
}

impl Answer {
    pub(crate) const NOTHING: Self = Self {
        scalar: Scalar::Null,
        status: Status::NotFound,
        time: None,
    };
}

/// The rows that are known at an instant.
pub(super) fn known<'a>(group: &Group, rows: &Rows<'a>, at: i64) -> Known<'a> {
    match group.view.cutoff() {
        Cutoff::EventTime => Known {
            created: None,
            until: i64::MAX,
        },
        Cutoff::CreatedTime => Known {
            created: rows.created(),
            until: until(group.view.boundary(), at),
        },
    }
}

/// The last created time that an instant sees.
pub(super) fn until(boundary: Boundary, at: i64) -> i64 {
    match boundary {
        Boundary::Inclusive => at,
        Boundary::Exclusive => at.saturating_sub(1),
    }
}

/// Computes all features of a group for one key at one instant; a key without rows has `None`. There is one
/// answer for each of [`Group::slots`], the features' first. An error is the slot of a sum that overflows.
///
/// # Complexity
/// A binary search, and one pass over the events of each window.
pub(crate) fn evaluate(
    group: &Group,
    index: &ViewIndex,
    rows: Option<&Rows<'_>>,
    at: i64,
    out: &mut [Answer],
) -> Result<(), usize> {
    for answer in &mut *out {
        *answer = Answer::NOTHING;
    }
    for (slot, map) in &group.counts {
        out[*slot].scalar = Scalar::nothing(*map);
    }
    let Some(rows) = rows else { return Ok(()) };
    let (view, times) = (&group.view, rows.times());
    let boundary = view.boundary();
    let upper = times.partition_point(|time| boundary.sees(*time, at));
    let seen = known(group, rows, at);
    let Some(newest) = (0..upper).rev().find(|row| seen.sees(*row)) else {
        return Ok(());
    };

    let ttl = view.ttl();
    let oldest = ttl.map_or(i64::MIN, |ttl| at.saturating_sub(ttl.micros()));
    for question in &group.newest {
        let takes = |row: &usize| {
            seen.sees(*row)
                && question.filter.as_ref().is_none_or(|filter| {
                    let field = |field: usize| {
                        let kind = view.fields()[field].kind();
                        item(index, rows, rows.range.start + *row, field, kind)
                    };
                    filter.holds(&field)
                })
        };
        let found = match question.filter {
            None => Some(newest),
            Some(_) => (0..=newest).rev().find(takes),
        };
        let Some(row) = found else {
            out[question.slot].status = Status::Null;
            continue;
        };
        let expired = times[row] < oldest;
        let scalar = match question.field {
            _ if expired => Scalar::Null,
            None => Scalar::Float(days_since(at, times[row])),
            Some(field) => value(group, rows, row, field),
        };
        out[question.slot] = Answer {
            status: match scalar {
                _ if expired => Status::Expired,
                Scalar::Null => Status::Null,
                _ => Status::Present,
            },
            scalar,
            time: Some(times[row]),
        };
    }
    LANES.with_borrow_mut(|lanes| windows(group, index, rows, at, lanes, out))?;
    for quotient in &group.ratios {
        let (above, below) = (&out[quotient.above], &out[quotient.below]);
        let value = ratio(above.scalar.number(), below.scalar.number());
        out[quotient.slot] = Answer {
            scalar: value.map_or(Scalar::Null, Scalar::Float),
            status: value.map_or(Status::Null, |_| Status::Present),
            time: above.time.max(below.time),
        };
    }
    Ok(())
}

thread_local! {
    static LANES: RefCell<Lanes> = RefCell::default();
}

/// Computes the windows of a group.
fn windows(
    group: &Group,
    index: &ViewIndex,
    rows: &Rows<'_>,
    at: i64,
    lanes: &mut Lanes,
    out: &mut [Answer],
) -> Result<(), usize> {
    let (times, boundary) = (rows.times(), group.view.boundary());
    let mut before = None;
    for fold in &group.folds {
        // neighbours often share a window
        let (lower, upper, seen, time) = match before {
            Some((window, bounds)) if window == fold.window => bounds,
            _ => {
                let (tail, head) = fold.window.edges(at);
                let upper = times.partition_point(|time| boundary.sees(*time, head));
                let lower = times[..upper].partition_point(|time| boundary.sees(*time, tail));
                let seen = known(group, rows, head);
                let newest = (lower..upper).rev().find(|row| seen.sees(*row));
                (lower, upper, seen, newest.map(|row| times[row]))
            }
        };
        before = Some((fold.window, (lower, upper, seen, time)));
        let stream = &group.streams[fold.stream];
        let lane = lanes.of(stream);
        lane.gather(stream, index, rows, lower..upper, seen);
        scan(fold, stream, index, lane, |slot, scalar| {
            out[slot] = Answer {
                status: match scalar {
                    Scalar::Null => Status::Null,
                    _ => Status::Present,
                },
                scalar,
                time,
            };
        })?;
    }
    Ok(())
}

/// A field of a row of a key.
pub(super) fn value(group: &Group, rows: &Rows<'_>, row: usize, field: usize) -> Scalar {
    let column = &rows.block.columns[field];
    let row = rows.range.start + row;
    if !column.is_valid(row) {
        return Scalar::Null;
    }
    match &column.data {
        Packed::Bool(values) => Scalar::Bool(values[row]),
        Packed::Int(values) if group.view.fields()[field].kind() == crate::FieldKind::Time => {
            Scalar::Time(values[row])
        }
        Packed::Int(values) => Scalar::Int(values[row]),
        Packed::Float(values) => Scalar::Float(values[row]),
        Packed::Code(values) => Scalar::Code(values[row]),
    }
}
