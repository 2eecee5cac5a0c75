//! How kernels reach their arguments: out of a cell, or out of a column of a chunk.
//!
//! A kernel is written once, on plain values; a [`Driver`] calls it for one row or for many. The trait
//! [`Lane`] says how a driver finds the values of a type, [`Outcome`] what a kernel may answer.

use std::borrow::Cow;

use arrow::{
    array::{Array, StringArray},
    buffer::ScalarBuffer,
};

use super::{
    batch::Data,
    fault::Fault,
    kernel::text::Written,
    kind::{Cell, Instant},
};

/// A type that kernels take.
pub(crate) trait Lane: 'static {
    /// One value.
    type Item<'a>: Copy;
    /// All values of a chunk.
    type Lanes<'a>: Copy;

    fn of_cell<'a>(cell: &'a Cell<'_>) -> Option<Self::Item<'a>>;
    fn of_data(data: &Data) -> Option<Self::Lanes<'_>>;
    fn get(lanes: Self::Lanes<'_>, row: usize) -> Self::Item<'_>;
}

/// A type that kernels answer with, apart from texts, which are written.
pub(crate) trait Plain: Lane + Sized + Copy + Default {
    type Raw: Copy + Default;

    fn raw(self) -> Self::Raw;
    fn cell(self) -> Cell<'static>;
    fn data(values: Vec<Self::Raw>) -> Data;
}

/// The marker of texts.
pub(crate) struct Text;

impl Lane for Text {
    type Item<'a> = &'a str;
    type Lanes<'a> = &'a StringArray;

    fn of_cell<'a>(cell: &'a Cell<'_>) -> Option<&'a str> {
        match cell {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    fn of_data(data: &Data) -> Option<&StringArray> {
        match data {
            Data::Text(lanes) => Some(lanes),
            _ => None,
        }
    }

    fn get(lanes: Self::Lanes<'_>, row: usize) -> Self::Item<'_> {
        if lanes.is_null(row) {
            return "";
        }
        lanes.value(row)
    }
}

macro_rules! plain {
    ($($type:ty, $kind:ident, $raw:ty, $out:expr, $back:expr, $collect:expr;)*) => {$(
        impl Lane for $type {
            type Item<'a> = $type;
            type Lanes<'a> = &'a [$raw];

            fn of_cell<'a>(cell: &'a Cell<'_>) -> Option<Self::Item<'a>> {
                match cell {
                    Cell::$kind(value) => Some(*value),
                    _ => None,
                }
            }

            fn of_data(data: &Data) -> Option<&[$raw]> {
                match data {
                    Data::$kind(lanes) => Some(lanes),
                    _ => None,
                }
            }

            #[inline]
            fn get(lanes: Self::Lanes<'_>, row: usize) -> Self::Item<'_> {
                ($back)(lanes[row])
            }
        }

        impl Plain for $type {
            type Raw = $raw;

            #[inline]
            fn raw(self) -> $raw {
                ($out)(self)
            }

            fn cell(self) -> Cell<'static> {
                Cell::$kind(self)
            }

            fn data(values: Vec<$raw>) -> Data {
                Data::$kind(($collect)(values))
            }
        }
    )*};
}
plain! {
    bool, Bool, bool, |v| v, |v| v, |v| v;
    i64, Int, i64, |v| v, |v| v, ScalarBuffer::from;
    f64, Float, f64, |v| v, |v| v, ScalarBuffer::from;
    Instant, Time, i64, |v: Instant| v.0, Instant, ScalarBuffer::from;
}

/// What a kernel answers: a value, perhaps null, perhaps a fault.
pub(crate) trait Outcome<T> {
    /// Whether it always answers a value, so that it may be called for rows that are null.
    const TOTAL: bool;

    fn outcome(self) -> Result<Option<T>, Fault>;
    /// The value, or anything where there is none.
    fn value(self) -> T;
}

impl<T: Plain> Outcome<T> for T {
    const TOTAL: bool = true;

    #[inline]
    fn outcome(self) -> Result<Option<T>, Fault> {
        Ok(Some(self))
    }

    #[inline]
    fn value(self) -> T {
        self
    }
}

impl<T: Plain> Outcome<T> for Option<T> {
    const TOTAL: bool = false;

    #[inline]
    fn outcome(self) -> Result<Option<T>, Fault> {
        Ok(self)
    }

    fn value(self) -> T {
        self.unwrap_or_default()
    }
}

impl<T: Plain> Outcome<T> for Result<Option<T>, Fault> {
    const TOTAL: bool = false;

    #[inline]
    fn outcome(self) -> Result<Option<T>, Fault> {
        self
    }

    fn value(self) -> T {
        self.ok().flatten().unwrap_or_default()
    }
}

/// Calls a kernel on the arguments that it holds; null in any of them is null.
pub(crate) trait Driver: Sized {
    type Done;

    fn unary<A: Lane, O: Plain, R: Outcome<O>>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>) -> R,
    ) -> Self::Done;

    fn binary<A: Lane, B: Lane, O: Plain, R: Outcome<O>>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, B::Item<'a>) -> R,
    ) -> Self::Done;

    fn ternary<A: Lane, O: Plain, R: Outcome<O>>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, A::Item<'a>, A::Item<'a>) -> R,
    ) -> Self::Done;

    fn places(self, kernel: impl Fn(f64, f64, f64, f64) -> Option<f64>) -> Self::Done;

    fn write<A: Lane>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, &mut String) -> Written,
    ) -> Self::Done;

    fn write2<A: Lane, B: Lane>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, B::Item<'a>, &mut String) -> Written,
    ) -> Self::Done;

    fn write3<A: Lane, B: Lane, C: Lane>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, B::Item<'a>, C::Item<'a>, &mut String) -> Written,
    ) -> Self::Done;
}

/// A text as a cell.
pub(crate) fn text_cell(text: String) -> Cell<'static> {
    Cell::Text(Cow::Owned(text))
}
