//! Kernels over the columns of a chunk.

use std::rc::Rc;

use arrow::{
    array::{Array, StringBuilder},
    buffer::{BooleanBuffer, NullBuffer},
};

use super::{
    batch::{Data, Faults, Vector},
    kernel::text::Written,
    lane::{Driver, Lane, Outcome, Plain},
};

/// The arguments of one operation.
pub(crate) struct Wide<'v> {
    args: &'v [Rc<Vector>],
    rows: usize,
}

/// Every row as null: what an operation on columns of other types would give, which the checker refuses.
fn nothing<O: Plain>(rows: usize) -> Vector {
    let nulls = Some(NullBuffer::new_null(rows));
    Vector::new(O::data(vec![O::Raw::default(); rows]), nulls, Faults::new())
}

impl<'v> Wide<'v> {
    pub(crate) fn new(args: &'v [Rc<Vector>], rows: usize) -> Self {
        Self { args, rows }
    }

    fn nulls(&self) -> Option<NullBuffer> {
        let nulls = self.args.iter().map(|arg| arg.nulls.as_ref());
        NullBuffer::union_many(nulls)
    }

    /// The faults of the arguments; of several in one row the first argument's counts.
    fn faults(&self) -> Faults {
        let mut faults = Faults::new();
        for arg in self.args {
            for (row, fault) in &arg.faults {
                faults.entry(*row).or_insert_with(|| fault.clone());
            }
        }
        faults
    }

    fn lanes<L: Lane>(&self, at: usize) -> Option<L::Lanes<'v>> {
        L::of_data(&self.args.get(at)?.data)
    }

    /// Calls the kernel for every row, or only where no argument is null if it can fail.
    fn plain<O: Plain, R: Outcome<O>>(&self, kernel: impl Fn(usize) -> R) -> Vector {
        let (nulls, mut faults) = (self.nulls(), self.faults());
        if R::TOTAL {
            let values = (0..self.rows).map(|row| kernel(row).value().raw());
            return Vector::new(O::data(values.collect()), nulls, faults);
        }
        let mut values = vec![O::Raw::default(); self.rows];
        let valid: BooleanBuffer = (0..self.rows)
            .map(|row| {
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    return false;
                }
                match kernel(row).outcome() {
                    Ok(Some(value)) => {
                        values[row] = value.raw();
                        true
                    }
                    Ok(None) => false,
                    Err(fault) => {
                        faults.insert(row, fault);
                        false
                    }
                }
            })
            .collect();
        Vector::new(O::data(values), Some(NullBuffer::new(valid)), faults)
    }

    fn texts(&self, kernel: impl Fn(usize, &mut String) -> Written) -> Vector {
        let (nulls, mut faults) = (self.nulls(), self.faults());
        let mut builder = StringBuilder::with_capacity(self.rows, 16 * self.rows);
        let mut text = String::new();
        for row in 0..self.rows {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                builder.append_null();
                continue;
            }
            text.clear();
            match kernel(row, &mut text) {
                Ok(Some(())) => builder.append_value(&text),
                Ok(None) => builder.append_null(),
                Err(fault) => {
                    faults.insert(row, fault);
                    builder.append_null();
                }
            }
        }
        let array = builder.finish();
        let nulls = array.nulls().cloned();
        Vector::new(Data::Text(array), nulls, faults)
    }
}

impl Driver for Wide<'_> {
    type Done = Vector;

    fn unary<A: Lane, O: Plain, R: Outcome<O>>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>) -> R,
    ) -> Vector {
        let Some(a) = self.lanes::<A>(0) else {
            return nothing::<O>(self.rows);
        };
        self.plain(|row| kernel(A::get(a, row)))
    }

    fn binary<A: Lane, B: Lane, O: Plain, R: Outcome<O>>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, B::Item<'a>) -> R,
    ) -> Vector {
        let (Some(a), Some(b)) = (self.lanes::<A>(0), self.lanes::<B>(1)) else {
            return nothing::<O>(self.rows);
        };
        self.plain(|row| kernel(A::get(a, row), B::get(b, row)))
    }

    fn ternary<A: Lane, O: Plain, R: Outcome<O>>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, A::Item<'a>, A::Item<'a>) -> R,
    ) -> Vector {
        let lanes = [0, 1, 2].map(|at| self.lanes::<A>(at));
        let [Some(a), Some(b), Some(c)] = lanes else {
            return nothing::<O>(self.rows);
        };
        self.plain(|row| kernel(A::get(a, row), A::get(b, row), A::get(c, row)))
    }

    fn places(self, kernel: impl Fn(f64, f64, f64, f64) -> Option<f64>) -> Vector {
        let lanes = [0, 1, 2, 3].map(|at| self.lanes::<f64>(at));
        let [Some(a), Some(b), Some(c), Some(d)] = lanes else {
            return nothing::<f64>(self.rows);
        };
        self.plain(|row| kernel(a[row], b[row], c[row], d[row]))
    }

    fn write<A: Lane>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, &mut String) -> Written,
    ) -> Vector {
        let a = self.lanes::<A>(0);
        self.texts(|row, text| match a {
            Some(a) => kernel(A::get(a, row), text),
            None => Ok(None),
        })
    }

    fn write2<A: Lane, B: Lane>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, B::Item<'a>, &mut String) -> Written,
    ) -> Vector {
        let lanes = (self.lanes::<A>(0), self.lanes::<B>(1));
        self.texts(|row, text| match lanes {
            (Some(a), Some(b)) => kernel(A::get(a, row), B::get(b, row), text),
            _ => Ok(None),
        })
    }

    fn write3<A: Lane, B: Lane, C: Lane>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, B::Item<'a>, C::Item<'a>, &mut String) -> Written,
    ) -> Vector {
        let (a, b) = (self.lanes::<A>(0), self.lanes::<B>(1));
        let lanes = (a, b, self.lanes::<C>(2));
        self.texts(|row, text| match lanes {
            (Some(a), Some(b), Some(c)) => {
                kernel(A::get(a, row), B::get(b, row), C::get(c, row), text)
            }
            _ => Ok(None),
        })
    }
}
