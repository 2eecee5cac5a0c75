//! Choosing between columns row by row: what conditions, nulls and comparisons decide.

use std::rc::Rc;

use arrow::buffer::{BooleanBuffer, NullBuffer};

use super::{
    batch::{Data, Faults, Vector},
    kind::{Cell, Kind},
};

/// A row that is not decided yet, and is null if it stays so.
pub(crate) const OPEN: u16 = u16::MAX;
/// A row that is null.
pub(crate) const NOTHING: u16 = u16::MAX - 1;

/// Each row from the source that it chose; its fault comes along.
pub(crate) fn gather(kind: Kind, choice: &[u16], sources: &[Rc<Vector>]) -> Vector {
    let source = |choice: u16| sources.get(usize::from(choice));
    let mut faults = Faults::new();
    for (at, vector) in sources.iter().enumerate() {
        for (row, fault) in &vector.faults {
            if usize::from(choice[*row]) == at {
                faults.insert(*row, fault.clone());
            }
        }
    }
    let valid: BooleanBuffer = choice
        .iter()
        .enumerate()
        .map(|(row, at)| source(*at).is_some_and(|vector| !vector.is_null(row)))
        .collect();
    macro_rules! plain {
        ($kind:ident) => {{
            let lanes: Vec<_> = sources
                .iter()
                .map(|vector| match &vector.data {
                    Data::$kind(values) => &values[..],
                    _ => &[],
                })
                .collect();
            let pick = |(row, at): (usize, &u16)| {
                let lane = lanes.get(usize::from(*at));
                lane.and_then(|lane| lane.get(row)).copied()
            };
            let values = choice.iter().enumerate().map(pick);
            Data::$kind(values.map(Option::unwrap_or_default).collect())
        }};
    }
    let data = match kind {
        Kind::Bool => plain!(Bool),
        Kind::Int => plain!(Int),
        Kind::Float => plain!(Float),
        Kind::Time => plain!(Time),
        Kind::Text => {
            let cells = choice
                .iter()
                .enumerate()
                .map(|(row, at)| Ok(source(*at).map_or(Cell::Null, |vector| vector.cell(row))));
            let mut vector = Vector::collect(kind, cells);
            vector.faults = faults;
            return vector;
        }
    };
    Vector::new(data, Some(NullBuffer::new(valid)), faults)
}

/// The operation of two where both are there, else the one that is; a fault of either stays.
pub(crate) fn reduced(kind: Kind, both: Vector, pair: &[Rc<Vector>; 2], rows: usize) -> Vector {
    if pair.iter().all(|vector| vector.nulls.is_none()) {
        return both;
    }
    let faults = both.faults.clone();
    let choice: Vec<u16> = (0..rows)
        .map(|row| match (pair[0].is_null(row), pair[1].is_null(row)) {
            _ if faults.contains_key(&row) => NOTHING,
            (false, false) => 2,
            (false, true) => 0,
            (true, _) => 1,
        })
        .collect();
    let sources = [Rc::clone(&pair[0]), Rc::clone(&pair[1]), Rc::new(both)];
    let mut vector = gather(kind, &choice, &sources);
    vector.faults = faults;
    vector
}

/// The value where the comparison does not hold.
pub(crate) fn null_where(equal: &Vector, value: &Vector, rows: usize) -> Vector {
    let keeps =
        |row| !equal.is(row, true) && !value.is_null(row) && !equal.faults.contains_key(&row);
    let valid: BooleanBuffer = (0..rows).map(keeps).collect();
    Vector::new(
        value.data.clone(),
        Some(NullBuffer::new(valid)),
        equal.faults.clone(),
    )
}

/// `and` (or `or`): one side that decides is enough, and null is not known.
pub(crate) fn connected(a: &Vector, b: &Vector, decides: bool, rows: usize) -> Vector {
    let mut faults = a.faults.clone();
    for (row, fault) in &b.faults {
        if !a.is(*row, decides) {
            faults.entry(*row).or_insert_with(|| fault.clone());
        }
    }
    let mut values = vec![!decides; rows];
    let valid: BooleanBuffer = (0..rows)
        .map(|row| {
            if faults.contains_key(&row) {
                return false;
            }
            if a.is(row, decides) || b.is(row, decides) {
                values[row] = decides;
                return true;
            }
            !a.is_null(row) && !b.is_null(row)
        })
        .collect();
    Vector::new(Data::Bool(values), Some(NullBuffer::new(valid)), faults)
}

/// All rows but the faulty ones.
pub(crate) fn valid_but(rows: usize, faults: &Faults) -> Option<NullBuffer> {
    if faults.is_empty() {
        return None;
    }
    let valid: BooleanBuffer = (0..rows).map(|row| !faults.contains_key(&row)).collect();
    Some(NullBuffer::new(valid))
}
