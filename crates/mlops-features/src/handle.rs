//! Typed handles: what `#[derive(FeatureView)]` makes of a struct's fields.
//!
//! `Purchase::amount()` is a [`Handle`] that knows the field's type, so that a misspelt field or the sum
//! of a text does not compile. Everything that a handle builds is also there at run time, on
//! [`Feature`](crate::Feature).

use std::{fmt, marker::PhantomData, sync::Arc};

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::DataType;
use mlops_core::{EventTime, Table};

use crate::{
    Aggregate, Feature, FeatureView, FieldKind, Filter, FilterField, Function, KeyType, Result,
};

/// A struct that is one event of a view; `#[derive(FeatureView)]` writes it.
pub trait ViewRow: Sized {
    /// The definition of the view.
    fn view() -> FeatureView;

    /// The rows as a table that the view can ingest.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) only if a hand-written implementation contradicts its view.
    fn table(rows: &[Self]) -> Result<Table>;
}

/// A Rust type that a field of a view can have; an `Option` of it allows nulls.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a feature view",
    note = "a field is a whole number of at most 64 bits signed, a float, a `String`, a `bool`, an `EventTime`, a `Date`, a `Uuid`, bytes, or an `Option` of one"
)]
pub trait FieldValue: Sized {
    /// The type without `Option`: one of `i64`, `f64`, `String`, `bool`, `EventTime`.
    type Base: Base;
    /// What a column of it holds.
    const KIND: FieldKind = <Self::Base as Base>::KIND;
    /// The type of key that it can be a part of, if any.
    const KEY: Option<KeyType>;

    /// The Arrow type of a column of it.
    fn data_type() -> DataType;

    /// The value in its widest form, or `None` for null.
    fn widen(&self) -> Option<Self::Base>;
}

/// One of the five types that columns hold.
pub trait Base: Sized + sealed::Sealed {
    /// What a column of it holds.
    const KIND: FieldKind;

    /// A column of such values.
    fn array(values: Vec<Option<Self>>) -> ArrayRef;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! bases {
    ($($type:ty => $kind:ident, $array:ty;)*) => {$(
        impl sealed::Sealed for $type {}
        impl Base for $type {
            const KIND: FieldKind = FieldKind::$kind;
            fn array(values: Vec<Option<Self>>) -> ArrayRef {
                Arc::new(<$array>::from(values))
            }
        }
    )*};
}
bases! {
    i64 => Int, Int64Array;
    f64 => Float, Float64Array;
    String => Str, StringArray;
    bool => Bool, BooleanArray;
}

impl sealed::Sealed for EventTime {}
impl Base for EventTime {
    const KIND: FieldKind = FieldKind::Time;
    fn array(values: Vec<Option<Self>>) -> ArrayRef {
        let micros = values.into_iter().map(|time| time.map(Self::micros));
        let column: TimestampMicrosecondArray = micros.collect();
        Arc::new(column.with_timezone("UTC"))
    }
}

/// A field of a view with its type; features are made from it.
///
/// ```
/// use mlops_features::{days, Entity, EventTime, FeatureView};
///
/// #[derive(Entity)]
/// struct Customer { customer_id: i64 }
///
/// #[derive(FeatureView)]
/// #[view(entity = Customer, time = at)]
/// struct Purchase { customer_id: i64, at: EventTime, amount: f64 }
///
/// let spend = Purchase::amount().sum().over(days(30))?;
/// assert_eq!(spend.name().as_str(), "amount_sum_30d");
/// # Ok::<(), mlops_features::Error>(())
/// ```
///
/// A field that is not there does not compile:
///
/// ```compile_fail,E0599
/// # use mlops_features::{days, Entity, EventTime, FeatureView};
/// # #[derive(Entity)]
/// # struct Customer { customer_id: i64 }
/// # #[derive(FeatureView)]
/// # #[view(entity = Customer, time = at)]
/// # struct Purchase { customer_id: i64, at: EventTime, amount: f64 }
/// Purchase::amout().sum();
/// ```
#[derive(Clone)]
pub struct Handle<T> {
    view: FeatureView,
    field: &'static str,
    base: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({}.{})", self.view.name(), self.field)
    }
}

impl<T> Handle<T> {
    #[doc(hidden)]
    pub fn new(view: FeatureView, field: &'static str) -> Self {
        Self {
            view,
            field,
            base: PhantomData,
        }
    }

    /// The field's name, for instance for [`Aggregate::by`].
    pub fn name(&self) -> &'static str {
        self.field
    }

    /// Begins a condition on the field, for [`Aggregate::only`].
    pub fn condition(&self) -> FilterField {
        Filter::field(self.field)
    }

    fn aggregate(&self, function: Function) -> Aggregate {
        Aggregate::new(&self.view, Some(self.field.to_owned()), function)
    }
}

impl<T: Base> Handle<T> {
    /// The field in the newest row.
    ///
    /// # Errors
    /// [`Error::UnknownField`](crate::Error::UnknownField) if the field is a part of the key.
    pub fn latest(&self) -> Result<Feature> {
        Feature::latest(&self.view, self.field)
    }

    /// The number of values over a window.
    pub fn count(&self) -> Aggregate {
        self.aggregate(Function::Count)
    }

    /// The number of different values over a window.
    pub fn distinct_count(&self) -> Aggregate {
        self.aggregate(Function::DistinctCount)
    }

    /// The number of different values by a HyperLogLog sketch; see [`Feature::approx_distinct_count`].
    pub fn approx_distinct_count(&self, precision: u8) -> Aggregate {
        self.aggregate(Function::ApproxDistinctCount(precision))
    }

    /// The oldest value over a window.
    pub fn first(&self) -> Aggregate {
        self.aggregate(Function::First)
    }

    /// The newest value over a window, which skips nulls.
    pub fn last(&self) -> Aggregate {
        self.aggregate(Function::Last)
    }

    /// The `k` newest values over a window as a list, oldest first; at most 1024.
    pub fn last_k(&self, k: u16) -> Aggregate {
        self.aggregate(Function::LastK(k))
    }
}

impl<T: Ordered> Handle<T> {
    /// The smallest value over a window.
    pub fn min(&self) -> Aggregate {
        self.aggregate(Function::Min)
    }

    /// The largest value over a window.
    pub fn max(&self) -> Aggregate {
        self.aggregate(Function::Max)
    }
}

impl<T: Number> Handle<T> {
    /// The sum over a window.
    pub fn sum(&self) -> Aggregate {
        self.aggregate(Function::Sum)
    }

    /// The mean over a window.
    pub fn mean(&self) -> Aggregate {
        self.aggregate(Function::Mean)
    }

    /// The sample variance over a window.
    pub fn variance(&self) -> Aggregate {
        Feature::variance(&self.view, self.field)
    }

    /// The sample standard deviation over a window.
    pub fn std_dev(&self) -> Aggregate {
        Feature::std_dev(&self.view, self.field)
    }

    /// The quantile at a rank from 0 to 1 over a window.
    pub fn quantile(&self, rank: f64) -> Aggregate {
        Feature::quantile(&self.view, self.field, rank)
    }

    /// The quantile by a KLL sketch; see [`Feature::approx_quantile`].
    pub fn approx_quantile(&self, rank: f64, size: u16) -> Aggregate {
        Feature::approx_quantile(&self.view, self.field, rank, size)
    }
}

/// A field whose values have a smallest and a largest: numbers and instants.
pub trait Ordered: Base {}
impl Ordered for i64 {}
impl Ordered for f64 {}
impl Ordered for EventTime {}

/// A field whose values can be added.
pub trait Number: Base {}
impl Number for i64 {}
impl Number for f64 {}
