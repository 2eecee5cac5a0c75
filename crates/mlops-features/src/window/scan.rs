//! The aggregates of one window, computed from its events at once.

#![expect(
    clippy::cast_possible_truncation,
    reason = "a place is below the number of events, which is a usize"
)]

use super::{Lane, lane::Values};
use crate::{
    Boundary, Function,
    aggregate::{GroupBy, Overflow, RealSums, WholeSums, interpolate},
    feature::{Window, tile_of},
    index::ViewIndex,
    join::Scalar,
    plan::{Fold, Slot, Stream},
    sketch::{HyperLogLog, Kll},
};

/// So many values are told apart without an allocation.
const FEW: usize = 32;

/// Computes all aggregates of a fold over the events of a lane, which are those of its window.
///
/// # Complexity
/// One pass a function; a sort for quantiles, exact distinct counts and categories.
pub(crate) fn scan(
    fold: &Fold,
    stream: &Stream,
    index: &ViewIndex,
    lane: &mut Lane,
    mut put: impl FnMut(usize, Scalar),
) -> Result<(), usize> {
    let mut sums = None;
    for slot in &fold.slots {
        let scalar = match (slot.by, slot.function) {
            (Some(by), function) => categories(lane, function, by),
            (None, function) if is_sum(function) => {
                let sums = sums.get_or_insert_with(|| {
                    let slots = fold.slots.iter().filter(|slot| slot.by.is_none());
                    let squares = slots.map(|slot| slot.function).any(is_spread);
                    Sums::of(lane, squares, 0..lane.len())
                });
                sums.answer(function, lane.len())
            }
            _ => Ok(one(fold.window, slot, stream, index, lane)),
        };
        put(slot.at, scalar.map_err(|Overflow| slot.at)?);
    }
    Ok(())
}

fn one(window: Window, slot: &Slot, stream: &Stream, index: &ViewIndex, lane: &mut Lane) -> Scalar {
    let len = lane.len();
    let some = len > 0;
    match slot.function {
        Function::Count => Scalar::count(len as u64),
        Function::DistinctCount => {
            let (mut few, mut many) = ([0; FEW], Vec::new());
            let bits = if len <= FEW {
                &mut few[..len]
            } else {
                many.resize(len, 0);
                &mut many[..]
            };
            (0..len).for_each(|at| bits[at] = lane.bits(at));
            bits.sort_unstable();
            Scalar::count(bits.chunk_by(|a, b| a == b).count() as u64)
        }
        Function::ApproxDistinctCount(precision) => {
            let sketch = HyperLogLog::new(precision);
            let mut sketch = sketch.expect("the feature's builder checked the precision");
            lane.hash(index, stream);
            for hash in &lane.hashes {
                sketch.add_hash(*hash);
            }
            Scalar::count(sketch.estimate())
        }
        Function::First if some => lane.scalar(0),
        Function::Last if some => lane.scalar(len - 1),
        Function::LastK(k) if some => {
            let first = len.saturating_sub(k.into());
            Scalar::List((first..len).map(|at| lane.scalar(at)).collect())
        }
        Function::Min | Function::Max | Function::Quantile(_) | Function::ApproxQuantile(..)
            if lane.has_nan(&(0..len)) =>
        {
            Scalar::Float(f64::NAN)
        }
        Function::Min if some => extreme(lane, |keys| keys.min()),
        Function::Max if some => extreme(lane, |keys| keys.max()),
        Function::Quantile(rank) if some => {
            let mut keys: Vec<i64> = (0..len).filter_map(|at| lane.key(at)).collect();
            keys.sort_unstable();
            let at = |place: u64| lane.real(keys[place as usize]);
            Scalar::Float(interpolate(rank.get(), len as u64, at))
        }
        Function::ApproxQuantile(rank, size) => {
            let value = sketch(lane, window, index.view().boundary(), size).quantile(rank.get());
            value.map_or(Scalar::Null, Scalar::Float)
        }
        _ => Scalar::Null,
    }
}

fn extreme(lane: &Lane, best: impl FnOnce(&mut dyn Iterator<Item = i64>) -> Option<i64>) -> Scalar {
    let mut keys = (0..lane.len()).filter_map(|at| lane.key(at));
    best(&mut keys).map_or(Scalar::Null, |key| lane.unkey(key))
}

fn is_sum(function: Function) -> bool {
    matches!(function, Function::Sum | Function::Mean) || is_spread(function)
}

fn is_spread(function: Function) -> bool {
    matches!(function, Function::Variance(_) | Function::StdDev(_))
}

/// The sums of some events, which all functions of sums are answered from.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, on the stack"
)]
enum Sums {
    Real(RealSums),
    Whole(WholeSums),
}

impl Sums {
    fn of(lane: &Lane, squares: bool, events: impl Iterator<Item = usize>) -> Self {
        match &lane.values {
            Values::Real(values) => {
                let mut sums = RealSums::new(squares);
                events.for_each(|at| sums.add(values[at]));
                Self::Real(sums)
            }
            Values::Whole(values) => {
                let mut sums = WholeSums::new(squares);
                events.for_each(|at| sums.add(values[at]));
                Self::Whole(sums)
            }
        }
    }

    fn answer(&self, function: Function, count: usize) -> Result<Scalar, Overflow> {
        let count = count as u64;
        Ok(match self {
            Self::Real(sums) => sums.answer(function, count).into(),
            Self::Whole(sums) => sums.answer(function, count)?.into(),
        })
    }
}

/// The sketch of the window's tiles, each of its events in order.
fn sketch(lane: &Lane, window: Window, boundary: Boundary, size: u16) -> Kll {
    let empty = Kll::new(size).expect("the feature's builder checked the size");
    let hop = window
        .accuracy
        .hop()
        .expect("the feature's builder asked for a hop");
    let mut whole = empty.clone();
    let mut at = 0;
    while at < lane.len() {
        let tile = tile_of(boundary, lane.times[at], hop);
        let mut sketch = empty.clone();
        while at < lane.len() && tile_of(boundary, lane.times[at], hop) == tile {
            sketch.add(lane.number(at));
            at += 1;
        }
        whole
            .merge(&sketch)
            .expect("sketches of one feature have one size");
    }
    whole
}

fn categories(lane: &Lane, function: Function, by: GroupBy) -> Result<Scalar, Overflow> {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); lane.names.len()];
    for (at, category) in lane.categories.iter().enumerate() {
        members[*category as usize].push(at);
    }
    let sizes = lane.names.iter().zip(&members);
    let chosen = by.choose(sizes.map(|(name, members)| (name.as_str(), members.len() as u64)));
    let mut entries = Vec::with_capacity(chosen.len());
    for (name, members) in lane.names.iter().zip(members) {
        if !chosen.contains(&name.as_str()) {
            continue;
        }
        let count = members.len();
        let scalar = if function == Function::Count {
            Scalar::count(count as u64)
        } else {
            Sums::of(lane, is_spread(function), members.into_iter()).answer(function, count)?
        };
        entries.push((name.as_str().into(), scalar));
    }
    Ok(Scalar::Map(entries.into()))
}
