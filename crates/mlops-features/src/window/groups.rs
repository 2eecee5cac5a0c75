//! Aggregates by category while a window moves.

use super::{Lane, lane::Values};
use crate::{
    Function,
    aggregate::{GroupBy, Overflow, RealSums, WholeSums},
    join::Scalar,
    plan::Slot,
};

/// One category: how many events, and their sums where they are asked for.
#[derive(Debug, Default)]
struct Cell {
    events: u64,
    reals: Option<Box<RealSums>>,
    wholes: Option<Box<WholeSums>>,
}

/// The categories of a key, in the order of their texts.
#[derive(Debug)]
pub(super) struct Groups {
    cells: Vec<Cell>,
    sums: bool,
    squares: bool,
}

impl Groups {
    pub(super) fn new(slots: &[Slot]) -> Self {
        let any = |which: fn(Function) -> bool| slots.iter().any(|slot| which(slot.function));
        Self {
            cells: Vec::new(),
            sums: any(|function| function != Function::Count),
            squares: any(|f| matches!(f, Function::Variance(_) | Function::StdDev(_))),
        }
    }

    /// Forgets all and makes room for the categories of a lane.
    pub(super) fn start(&mut self, lane: &Lane) {
        self.cells.clear();
        let real = matches!(lane.values, Values::Real(_));
        self.cells.resize_with(lane.names.len(), || Cell {
            events: 0,
            reals: (self.sums && real).then(|| Box::new(RealSums::new(self.squares))),
            wholes: (self.sums && !real).then(|| Box::new(WholeSums::new(self.squares))),
        });
    }

    pub(super) fn add(&mut self, lane: &Lane, at: usize) {
        let cell = &mut self.cells[lane.categories[at] as usize];
        cell.events += 1;
        match (&lane.values, &mut cell.reals, &mut cell.wholes) {
            (Values::Real(values), Some(sums), _) => sums.add(values[at]),
            (Values::Whole(values), _, Some(sums)) => sums.add(values[at]),
            _ => {}
        }
    }

    pub(super) fn remove(&mut self, lane: &Lane, at: usize) {
        let cell = &mut self.cells[lane.categories[at] as usize];
        cell.events -= 1;
        match (&lane.values, &mut cell.reals, &mut cell.wholes) {
            (Values::Real(values), Some(sums), _) => sums.remove(values[at]),
            (Values::Whole(values), _, Some(sums)) => sums.remove(values[at]),
            _ => {}
        }
    }

    /// The map of a function, in the order of texts.
    pub(super) fn answer(
        &self,
        lane: &Lane,
        function: Function,
        by: GroupBy,
    ) -> Result<Scalar, Overflow> {
        let mut live: Vec<usize> = (0..self.cells.len())
            .filter(|at| self.cells[*at].events > 0)
            .collect();
        if live.len() > usize::from(by.limit) {
            // a stable sort keeps the order of texts among equals
            live.sort_by_key(|at| std::cmp::Reverse(self.cells[*at].events));
            live.truncate(by.limit.into());
            live.sort_unstable();
        }
        let entries = live.into_iter().map(|at| {
            let cell = &self.cells[at];
            let scalar = match (function, &cell.reals, &cell.wholes) {
                (Function::Count, ..) => Scalar::count(cell.events),
                (_, Some(sums), _) => sums.answer(function, cell.events).into(),
                (_, _, Some(sums)) => sums.answer(function, cell.events)?.into(),
                _ => Scalar::Null,
            };
            Ok((lane.names[at].as_str().into(), scalar))
        });
        Ok(Scalar::Map(entries.collect::<Result<_, Overflow>>()?))
    }
}
