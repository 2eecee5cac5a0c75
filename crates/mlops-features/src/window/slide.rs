//! The aggregates of a window that follows questions which rise in time.

use std::ops::Range;

use super::{
    Lane,
    extreme::Extreme,
    fenwick::Fenwick,
    groups::Groups,
    lane::{NO_RANK, Values},
    registers::Registers,
    tiles::Tiles,
};
use crate::{
    Boundary, Function,
    aggregate::{Overflow, RealSums, WholeSums, interpolate},
    index::ViewIndex,
    join::Scalar,
    plan::{Fold, Slot, Stream},
};

/// One fold over one key after another.
///
/// # Complexity
/// For each key one pass over its events, whatever the number of questions: an event enters once and leaves
/// once. Exact quantiles and distinct counts sort the key's values first, and a quantile costs the logarithm
/// of their number. A map by category costs the key's categories a question, an approximate
/// quantile the merge of two sketches a question and of all tiles of the window each time it has moved a hop.
#[derive(Debug)]
pub(crate) struct Slider<'a> {
    fold: &'a Fold,
    stream: &'a Stream,
    boundary: Boundary,
    inside: Range<usize>,
    reals: Option<Box<RealSums>>,
    wholes: Option<Box<WholeSums>>,
    least: Option<Extreme>,
    most: Option<Extreme>,
    /// How often each value is inside, and how many different ones are.
    distinct: Option<(Vec<u32>, u64)>,
    ordered: Option<Fenwick>,
    registers: Vec<Registers>,
    tiles: Vec<Tiles>,
    groups: Option<Groups>,
}

impl<'a> Slider<'a> {
    pub(crate) fn new(fold: &'a Fold, streams: &'a [Stream], boundary: Boundary) -> Self {
        let stream = &streams[fold.stream];
        let plain = stream.by.is_none();
        let any = |which: fn(Function) -> bool| {
            plain && fold.slots.iter().any(|slot| which(slot.function))
        };
        let squares = any(|f| matches!(f, Function::Variance(_) | Function::StdDev(_)));
        let sums = squares || any(|f| matches!(f, Function::Sum | Function::Mean));
        let real = matches!(Lane::new(stream).values, Values::Real(_));
        let (mut registers, mut tiles) = (Vec::<Registers>::new(), Vec::<Tiles>::new());
        for slot in &fold.slots {
            match slot.function {
                Function::ApproxDistinctCount(precision)
                    if registers.iter().all(|known| known.precision != precision) =>
                {
                    registers.push(Registers::new(precision));
                }
                Function::ApproxQuantile(_, size)
                    if tiles.iter().all(|known| known.size != size) =>
                {
                    tiles.push(Tiles::new(size));
                }
                _ => {}
            }
        }
        Self {
            fold,
            stream,
            boundary,
            inside: 0..0,
            reals: (sums && real).then(|| Box::new(RealSums::new(squares))),
            wholes: (sums && !real).then(|| Box::new(WholeSums::new(squares))),
            least: any(|f| f == Function::Min).then(|| Extreme::new(true)),
            most: any(|f| f == Function::Max).then(|| Extreme::new(false)),
            distinct: any(|f| f == Function::DistinctCount).then(Default::default),
            ordered: any(|f| matches!(f, Function::Quantile(_))).then(Fenwick::default),
            registers,
            tiles,
            groups: (!plain).then(|| Groups::new(&fold.slots)),
        }
    }

    /// Makes a lane ready for the functions of the fold; lanes are shared, and this is done once a key.
    pub(crate) fn prepare(&self, lane: &mut Lane, index: &ViewIndex) {
        if self.distinct.is_some() && lane.distinct.of.len() != lane.len() {
            lane.rank_distinct();
        }
        if self.ordered.is_some() && lane.ordered.of.len() != lane.len() {
            lane.rank_ordered();
        }
        if !self.registers.is_empty() && lane.hashes.len() != lane.len() {
            lane.hash(index, self.stream);
        }
    }

    /// Begins with another key.
    pub(crate) fn start(&mut self, lane: &Lane) {
        self.inside = 0..0;
        self.reals.iter_mut().for_each(|sums| sums.clear());
        self.wholes.iter_mut().for_each(|sums| sums.clear());
        self.least.iter_mut().for_each(Extreme::clear);
        self.most.iter_mut().for_each(Extreme::clear);
        if let Some((counts, different)) = &mut self.distinct {
            counts.clear();
            counts.resize(lane.distinct.keys.len(), 0);
            *different = 0;
        }
        self.ordered
            .iter_mut()
            .for_each(|tree| tree.start(lane.ordered.keys.len()));
        self.groups.iter_mut().for_each(|groups| groups.start(lane));
        for tiles in &mut self.tiles {
            tiles.start(lane, self.fold.window, self.boundary);
        }
    }

    /// Ends with a key: what cannot be cleared at once is emptied event by event.
    pub(crate) fn finish(&mut self, lane: &Lane) {
        for registers in &mut self.registers {
            for hash in &lane.hashes[self.inside.clone()] {
                registers.remove(*hash);
            }
        }
        self.inside = 0..0;
    }

    /// Moves the window to an instant, which is not before the last one. `until` is the last created time
    /// that is seen from the instant of the window's head, where created times are looked at.
    pub(crate) fn advance(&mut self, lane: &Lane, at: i64, until: i64) {
        let (tail, head) = self.fold.window.edges(at);
        let Range { start, mut end } = self.inside;
        let sees = |at: usize, instant: i64| self.boundary.sees(lane.times[at], instant);
        let known = |at: usize| lane.created.get(at).is_none_or(|created| *created <= until);
        while end < lane.len() && sees(end, head) && known(end) {
            end += 1;
        }
        let mut low = start;
        while low < end && sees(low, tail) {
            low += 1;
        }
        // events that would enter and leave at once stay outside
        let was = self.inside.end;
        let left = start..low.min(was);
        let entered = was.max(low)..end;
        self.inside = low..end;
        let all = left.end == was;
        self.leave(lane, left, all);
        self.enter(lane, entered);
        for tiles in &mut self.tiles {
            tiles.sketch(lane, self.inside.clone());
        }
    }

    fn enter(&mut self, lane: &Lane, range: Range<usize>) {
        match (&lane.values, &mut self.reals, &mut self.wholes) {
            (Values::Real(values), Some(sums), _) => {
                for value in &values[range.clone()] {
                    sums.add(*value);
                }
            }
            (Values::Whole(values), _, Some(sums)) => {
                for value in &values[range.clone()] {
                    sums.add(*value);
                }
            }
            _ => {}
        }
        for extreme in self.least.iter_mut().chain(&mut self.most) {
            for at in range.clone() {
                if let Some(key) = lane.key(at) {
                    extreme.add(at, key);
                }
            }
            extreme.leave(self.inside.start);
        }
        if let Some((counts, different)) = &mut self.distinct {
            for rank in &lane.distinct.of[range.clone()] {
                let count = &mut counts[*rank as usize];
                *different += u64::from(*count == 0);
                *count += 1;
            }
        }
        if let Some(tree) = &mut self.ordered {
            let ranks = lane.ordered.of[range.clone()].iter();
            ranks
                .filter(|rank| **rank != NO_RANK)
                .for_each(|rank| tree.add(*rank));
        }
        for registers in &mut self.registers {
            for hash in &lane.hashes[range.clone()] {
                registers.add(*hash);
            }
        }
        if let Some(groups) = &mut self.groups {
            range.for_each(|at| groups.add(lane, at));
        }
    }

    fn leave(&mut self, lane: &Lane, range: Range<usize>, all: bool) {
        match (&lane.values, &mut self.reals, &mut self.wholes) {
            (_, Some(sums), _) if all => sums.clear(),
            (_, _, Some(sums)) if all => sums.clear(),
            (Values::Real(values), Some(sums), _) => {
                for value in &values[range.clone()] {
                    sums.remove(*value);
                }
            }
            (Values::Whole(values), _, Some(sums)) => {
                for value in &values[range.clone()] {
                    sums.remove(*value);
                }
            }
            _ => {}
        }
        if let Some((counts, different)) = &mut self.distinct {
            for rank in &lane.distinct.of[range.clone()] {
                let count = &mut counts[*rank as usize];
                *count -= 1;
                *different -= u64::from(*count == 0);
            }
        }
        if let Some(tree) = &mut self.ordered {
            let ranks = lane.ordered.of[range.clone()].iter();
            ranks
                .filter(|rank| **rank != NO_RANK)
                .for_each(|rank| tree.remove(*rank));
        }
        for registers in &mut self.registers {
            for hash in &lane.hashes[range.clone()] {
                registers.remove(*hash);
            }
        }
        if let Some(groups) = &mut self.groups {
            range.for_each(|at| groups.remove(lane, at));
        }
    }

    /// What one of the fold's slots says of the events inside.
    pub(crate) fn answer(&self, lane: &Lane, slot: &Slot) -> Result<Scalar, Overflow> {
        let inside = self.inside.clone();
        let count = inside.len() as u64;
        if let (Some(groups), Some(by)) = (&self.groups, slot.by) {
            return groups.answer(lane, slot.function, by);
        }
        Ok(match slot.function {
            Function::Count => Scalar::count(count),
            Function::DistinctCount => Scalar::count(
                self.distinct
                    .as_ref()
                    .map_or(0, |(_, different)| *different),
            ),
            Function::ApproxDistinctCount(precision) => {
                let found = self
                    .registers
                    .iter()
                    .find(|known| known.precision == precision);
                Scalar::count(found.map_or(0, Registers::estimate))
            }
            _ if count == 0 => Scalar::Null,
            Function::First => lane.scalar(inside.start),
            Function::Last => lane.scalar(inside.end - 1),
            Function::LastK(k) => {
                let first = inside.start.max(inside.end.saturating_sub(k.into()));
                Scalar::List((first..inside.end).map(|at| lane.scalar(at)).collect())
            }
            Function::Min
            | Function::Max
            | Function::Quantile(_)
            | Function::ApproxQuantile(..)
                if lane.has_nan(&inside) =>
            {
                Scalar::Float(f64::NAN)
            }
            Function::Min => best(lane, self.least.as_ref()),
            Function::Max => best(lane, self.most.as_ref()),
            Function::Quantile(rank) => self.ordered.as_ref().map_or(Scalar::Null, |tree| {
                let at = |place: u64| lane.real(lane.ordered.keys[tree.select(place)]);
                Scalar::Float(interpolate(rank.get(), tree.len() as u64, at))
            }),
            Function::ApproxQuantile(rank, size) => {
                let tiles = self.tiles.iter().find(|known| known.size == size);
                let whole = tiles.and_then(|tiles| tiles.whole.as_ref());
                let value = whole.and_then(|whole| whole.quantile(rank.get()));
                value.map_or(Scalar::Null, Scalar::Float)
            }
            function => match (&self.reals, &self.wholes) {
                (Some(sums), _) => sums.answer(function, count).into(),
                (_, Some(sums)) => sums.answer(function, count)?.into(),
                _ => Scalar::Null,
            },
        })
    }
}

fn best(lane: &Lane, extreme: Option<&Extreme>) -> Scalar {
    let key = extreme.and_then(Extreme::best);
    key.map_or(Scalar::Null, |key| lane.unkey(key))
}
