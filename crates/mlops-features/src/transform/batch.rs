//! Many rows: the typed tree over columns, a chunk at a time.
//!
//! A chunk fits the fastest cache, and what a program holds besides its answer is bounded by it. A row
//! that breaks does not stop its chunk: the fault goes along with the column and is dropped where no one
//! asks for that row, so that a branch not taken can do no harm, as in the row path.

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringArray,
        StringBuilder, TimestampMicrosecondArray,
    },
    buffer::{NullBuffer, ScalarBuffer},
    datatypes::{Float64Type, Int64Type, TimestampMicrosecondType},
};
use mlops_core::{EventTime, Value};

use super::{
    fault::Fault,
    kind::{Cell, Instant, Kind, canonical},
    select,
    typed::{Typed, What},
    user::UserFunction,
    wide::Wide,
};

/// The rows of a chunk. A text has at most 1 MiB, so that the texts of one fit an Arrow column.
pub(crate) const CHUNK: usize = 1_024;

/// The values of a chunk.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    Bool(Vec<bool>),
    Int(ScalarBuffer<i64>),
    Float(ScalarBuffer<f64>),
    Time(ScalarBuffer<i64>),
    Text(StringArray),
}

/// The rows that broke, each with its reason; they are null as well.
pub(crate) type Faults = BTreeMap<usize, Fault>;

/// A column of a chunk.
#[derive(Debug, Clone)]
pub(crate) struct Vector {
    pub(crate) data: Data,
    pub(crate) nulls: Option<NullBuffer>,
    pub(crate) faults: Faults,
}

impl Vector {
    /// A part of an input column.
    pub(crate) fn load(array: &ArrayRef, from: usize, rows: usize) -> Option<Self> {
        let array = array.slice(from, rows);
        let data = match Kind::of(array.data_type())? {
            Kind::Bool => Data::Bool(array.as_boolean().values().iter().collect()),
            Kind::Int => Data::Int(array.as_primitive::<Int64Type>().values().clone()),
            Kind::Float => Data::Float(array.as_primitive::<Float64Type>().values().clone()),
            Kind::Text => Data::Text(array.as_string::<i32>().clone()),
            Kind::Time => {
                // an instant is one that can be printed, as in `Value::from_array`
                let values = array.as_primitive::<TimestampMicrosecondType>().values();
                let clamped = values.iter().map(|v| EventTime::from_micros(*v).micros());
                Data::Time(clamped.collect())
            }
        };
        let nulls = array.nulls().cloned();
        Some(Self::new(data, nulls, Faults::new()))
    }

    pub(crate) fn new(data: Data, nulls: Option<NullBuffer>, faults: Faults) -> Self {
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        Self {
            data,
            nulls,
            faults,
        }
    }

    /// Values of one kind, one by one.
    pub(crate) fn collect<'a>(
        kind: Kind,
        cells: impl Iterator<Item = Result<Cell<'a>, Fault>>,
    ) -> Self {
        let mut faults = Faults::new();
        let cells = cells.enumerate().map(|(row, cell)| {
            cell.unwrap_or_else(|fault| {
                faults.insert(row, fault);
                Cell::Null
            })
        });
        macro_rules! plain {
            ($kind:ident, $array:ty, $value:expr, $each:expr) => {{
                let values = cells.map(|cell| match cell {
                    Cell::$kind(value) => Some(($value)(value)),
                    _ => None,
                });
                let array: $array = values.collect();
                (
                    Data::$kind(array.values().iter().map($each).collect()),
                    array.nulls().cloned(),
                )
            }};
        }
        let (data, nulls) = match kind {
            Kind::Bool => plain!(Bool, BooleanArray, |v: bool| v, |v| v),
            Kind::Int => plain!(Int, Int64Array, |v: i64| v, |v| *v),
            Kind::Float => plain!(Float, Float64Array, |v: f64| v, |v| *v),
            Kind::Time => plain!(Time, Int64Array, |v: Instant| v.0, |v| *v),
            Kind::Text => {
                let mut builder = StringBuilder::new();
                for cell in cells {
                    match cell {
                        Cell::Text(text) => builder.append_value(text),
                        _ => builder.append_null(),
                    }
                }
                let array = builder.finish();
                let nulls = array.nulls().cloned();
                (Data::Text(array), nulls)
            }
        };
        Self::new(data, nulls, faults)
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    pub(crate) fn cell(&self, row: usize) -> Cell<'_> {
        if self.is_null(row) {
            return Cell::Null;
        }
        match &self.data {
            Data::Bool(values) => Cell::Bool(values[row]),
            Data::Int(values) => Cell::Int(values[row]),
            Data::Float(values) => Cell::Float(values[row]),
            Data::Time(values) => Cell::Time(Instant(values[row])),
            Data::Text(values) => Cell::Text(values.value(row).into()),
        }
    }

    /// Whether a row is this boolean.
    pub(crate) fn is(&self, row: usize, value: bool) -> bool {
        matches!(&self.data, Data::Bool(values) if values[row] == value) && !self.is_null(row)
    }

    /// The column as it leaves the engine: every NaN is the one quiet NaN.
    pub(crate) fn into_array(self) -> ArrayRef {
        let nulls = self.nulls;
        match self.data {
            Data::Bool(values) => Arc::new(BooleanArray::new(values.into(), nulls)),
            Data::Int(values) => Arc::new(Int64Array::new(values, nulls)),
            Data::Float(values) => {
                let values = values.iter().map(|value| canonical(*value));
                Arc::new(Float64Array::new(values.collect(), nulls))
            }
            Data::Time(values) => {
                Arc::new(TimestampMicrosecondArray::new(values, nulls).with_timezone("UTC"))
            }
            Data::Text(array) if array.nulls() == nulls.as_ref() => Arc::new(array),
            // rows may have become null since the texts were put together
            Data::Text(array) => {
                let (offsets, texts, _) = array.into_parts();
                Arc::new(StringArray::new(offsets, texts, nulls))
            }
        }
    }
}

/// One chunk of the inputs, each loaded when it is first read.
pub(crate) struct Chunk<'a> {
    inputs: &'a [ArrayRef],
    loaded: Vec<Option<Rc<Vector>>>,
    from: usize,
    pub(crate) rows: usize,
}

impl<'a> Chunk<'a> {
    pub(crate) fn new(inputs: &'a [ArrayRef], from: usize, rows: usize) -> Self {
        Self {
            inputs,
            loaded: vec![None; inputs.len()],
            from,
            rows,
        }
    }

    fn input(&mut self, slot: usize, kind: Kind) -> Rc<Vector> {
        if let Some(loaded) = &self.loaded[slot] {
            return Rc::clone(loaded);
        }
        let vector = Vector::load(&self.inputs[slot], self.from, self.rows)
            .unwrap_or_else(|| self.repeated(kind, &Cell::Null));
        let vector = Rc::new(vector);
        self.loaded[slot] = Some(Rc::clone(&vector));
        vector
    }

    fn repeated(&self, kind: Kind, cell: &Cell<'_>) -> Vector {
        Vector::collect(kind, (0..self.rows).map(|_| Ok(cell.borrowed())))
    }

    /// The column of a node.
    pub(crate) fn eval(&mut self, node: &Typed) -> Rc<Vector> {
        let kind = node.kind.unwrap_or(Kind::Bool);
        let vector = match &node.what {
            What::Input(slot) => return self.input(*slot, kind),
            What::Constant(cell) => self.repeated(kind, cell),
            What::Apply(op, args) => {
                let args: Vec<_> = args.iter().map(|arg| self.eval(arg)).collect();
                op.drive(Wide::new(&args, self.rows))
            }
            What::Chain(op, args) => {
                let mut done = self.eval(&args[0]);
                for arg in &args[1..] {
                    let pair = [done, self.eval(arg)];
                    done = Rc::new(op.drive(Wide::new(&pair, self.rows)));
                }
                return done;
            }
            What::Reduce(op, args) => {
                let mut done = self.eval(&args[0]);
                for arg in &args[1..] {
                    let pair = [done, self.eval(arg)];
                    let both = op.drive(Wide::new(&pair, self.rows));
                    done = Rc::new(select::reduced(kind, both, &pair, self.rows));
                }
                return done;
            }
            What::IsNull(arg) => {
                let arg = self.eval(arg);
                let nulls = (0..self.rows).map(|row| arg.is_null(row)).collect();
                let faulty = select::valid_but(self.rows, &arg.faults);
                Vector::new(Data::Bool(nulls), faulty, arg.faults.clone())
            }
            What::And(a, b) => self.connect(a, b, false),
            What::Or(a, b) => self.connect(a, b, true),
            What::NullIf(op, a, b) => {
                let pair = [self.eval(a), self.eval(b)];
                let equal = op.drive(Wide::new(&pair, self.rows));
                select::null_where(&equal, &pair[0], self.rows)
            }
            What::Coalesce(args) => return self.coalesce(kind, args),
            What::Case(branches, otherwise) => self.case(kind, branches, otherwise.as_deref()),
            What::User(function, args) => {
                let args: Vec<_> = args.iter().map(|arg| self.eval(arg)).collect();
                call(function, &args, self.rows)
            }
        };
        Rc::new(vector)
    }

    fn connect(&mut self, a: &Typed, b: &Typed, decides: bool) -> Vector {
        let a = self.eval(a);
        if (0..self.rows).all(|row| a.is(row, decides)) {
            return (*a).clone();
        }
        let b = self.eval(b);
        select::connected(&a, &b, decides, self.rows)
    }

    fn coalesce(&mut self, kind: Kind, args: &[Typed]) -> Rc<Vector> {
        let mut done = self.eval(&args[0]);
        for arg in &args[1..] {
            if done.nulls.is_none() {
                break;
            }
            let next = self.eval(arg);
            let first = Rc::clone(&done);
            let from =
                |row: usize| u16::from(first.is_null(row) && !first.faults.contains_key(&row));
            let choice: Vec<u16> = (0..self.rows).map(from).collect();
            done = Rc::new(select::gather(kind, &choice, &[first, next]));
        }
        done
    }

    fn case(
        &mut self,
        kind: Kind,
        branches: &[(Typed, Typed)],
        otherwise: Option<&Typed>,
    ) -> Vector {
        let mut choice = vec![select::OPEN; self.rows];
        let mut sources = Vec::new();
        let mut faults = Faults::new();
        let index = |sources: &[Rc<Vector>]| {
            u16::try_from(sources.len()).expect("an expression has few branches")
        };
        for (when, then) in branches {
            if !choice.contains(&select::OPEN) {
                break;
            }
            let when = self.eval(when);
            let mut taken = false;
            for (row, choice) in choice.iter_mut().enumerate() {
                if *choice != select::OPEN {
                    continue;
                }
                if let Some(fault) = when.faults.get(&row) {
                    faults.insert(row, fault.clone());
                    *choice = select::NOTHING;
                } else if when.is(row, true) {
                    taken = true;
                    *choice = index(&sources);
                }
            }
            if taken {
                sources.push(self.eval(then));
            }
        }
        if let Some(otherwise) = otherwise.filter(|_| choice.contains(&select::OPEN)) {
            let last = index(&sources);
            sources.push(self.eval(otherwise));
            for choice in choice.iter_mut().filter(|choice| **choice == select::OPEN) {
                *choice = last;
            }
        }
        let mut vector = select::gather(kind, &choice, &sources);
        vector.faults.append(&mut faults);
        vector
    }
}

fn call(function: &UserFunction, args: &[Rc<Vector>], rows: usize) -> Vector {
    let mut values: Vec<Value> = Vec::with_capacity(args.len());
    let cells = (0..rows).map(|row| {
        if let Some(fault) = args.iter().find_map(|arg| arg.faults.get(&row)) {
            return Err(fault.clone());
        }
        values.clear();
        values.extend(args.iter().map(|arg| arg.cell(row).into_value()));
        function.call(&values)
    });
    Vector::collect(function.gives(), cells)
}
