//! Typed handles: what `#[derive(FeatureView)]` makes of a struct's fields.
//!
//! `Purchase::amount()` is a [`Handle`] that knows the field's type, so that a misspelt field or the sum
//! of a text does not compile. Everything that a handle builds is also there at run time, on
//! [`Feature`](crate::Feature).

use std::{fmt, marker::PhantomData, sync::Arc};

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use mlops_core::{EventTime, Table};

use crate::{Aggregate, Feature, FeatureView, FieldKind, Filter, FilterField, Function, Result};

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
    note = "a field is a whole number of at most 64 bits signed, a float, a `String`, a `bool`, an `EventTime`, or an `Option` of one"
)]
pub trait FieldValue: Sized {
    /// The type without `Option`: one of `i64`, `f64`, `String`, `bool`, `EventTime`.
    type Base: Base;
    /// What a column of it holds.
    const KIND: FieldKind = <Self::Base as Base>::KIND;

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

macro_rules! fields {
    ($($type:ty => $base:ty;)*) => {$(
        impl FieldValue for $type {
            type Base = $base;
            fn widen(&self) -> Option<$base> {
                Some(<$base>::from(self.clone()))
            }
        }
    )*};
}
fields! {
    i8 => i64; i16 => i64; i32 => i64; i64 => i64; u8 => i64; u16 => i64; u32 => i64;
    f32 => f64; f64 => f64; String => String; bool => bool; EventTime => EventTime;
}

impl<T: FieldValue> FieldValue for Option<T> {
    type Base = T::Base;
    fn widen(&self) -> Option<T::Base> {
        self.as_ref().and_then(T::widen)
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

/// What the derives expand to; no part of the interface.
#[doc(hidden)]
pub mod private {
    pub use mlops_core::{EntityKey, EventTime, Table};

    use super::{ArrayRef, Base, FieldValue};
    use crate::{Boundary, Cutoff, EntityRow, FeatureView, FieldKind, KeyType, Result};

    /// One field as the derive saw it.
    #[derive(Debug)]
    pub struct FieldSpec {
        pub name: &'static str,
        pub kind: FieldKind,
        pub unit: Option<&'static str>,
    }

    /// A view as the derive saw it; `ttl` is in microseconds, 0 is for ever.
    #[derive(Debug)]
    pub struct ViewSpec {
        pub name: &'static str,
        pub time: &'static str,
        pub created: Option<&'static str>,
        pub ttl: i64,
        pub boundary: Boundary,
        pub cutoff: Cutoff,
        pub fields: &'static [FieldSpec],
    }

    /// Builds the view; fields that are keys of the entity are no value fields.
    pub fn view<E: EntityRow>(spec: &ViewSpec) -> FeatureView {
        let ttl = mlops_core::Span::from_micros(spec.ttl).expect("the derive parsed it");
        let mut builder = FeatureView::builder(spec.name)
            .entity(E::entity())
            .event_time(spec.time)
            .ttl(ttl)
            .boundary(spec.boundary)
            .cutoff(spec.cutoff);
        if let Some(created) = spec.created {
            builder = builder.created_time(created);
        }
        for field in spec.fields {
            if E::KEYS.iter().any(|(key, _)| *key == field.name) {
                continue;
            }
            builder = builder.field(field.name, field.kind.data_type());
            if let Some(unit) = field.unit {
                builder = builder.unit(unit);
            }
        }
        builder.build().expect("the derive checks every part")
    }

    /// A column of one field.
    pub fn array<'a, T: FieldValue + 'a>(values: impl Iterator<Item = &'a T>) -> ArrayRef {
        T::Base::array(values.map(FieldValue::widen).collect())
    }

    /// Brings the named columns into the view's order.
    ///
    /// # Errors
    /// Those of `Table::new`.
    pub fn table(view: &FeatureView, columns: &[(&str, ArrayRef)]) -> Result<Table> {
        let schema = view.schema();
        let ordered = schema.columns().iter().map(|column| {
            let found = columns.iter().find(|(name, _)| *name == column.name());
            let (_, array) = found.expect("the derive lists every column");
            ArrayRef::clone(array)
        });
        let ordered = ordered.collect();
        Ok(Table::new(schema, ordered)?)
    }

    /// Whether every key of the entity is a field of the view.
    pub const fn has_keys(keys: &[(&str, KeyType)], fields: &[FieldSpec]) -> bool {
        let mut k = 0;
        while k < keys.len() && find(keys[k].0, fields).is_some() {
            k += 1;
        }
        k == keys.len()
    }

    /// Whether the keys that are fields of the view have the same type there.
    pub const fn keys_fit(keys: &[(&str, KeyType)], fields: &[FieldSpec]) -> bool {
        let mut k = 0;
        while k < keys.len() {
            if let Some(at) = find(keys[k].0, fields)
                && !fits(keys[k].1, fields[at].kind)
            {
                return false;
            }
            k += 1;
        }
        true
    }

    const fn find(name: &str, fields: &[FieldSpec]) -> Option<usize> {
        let mut f = 0;
        while f < fields.len() {
            if same(name, fields[f].name) {
                return Some(f);
            }
            f += 1;
        }
        None
    }

    const fn fits(key: KeyType, field: FieldKind) -> bool {
        matches!(
            (key, field),
            (KeyType::Bool, FieldKind::Bool)
                | (KeyType::Int, FieldKind::Int)
                | (KeyType::Str, FieldKind::Str)
        )
    }

    const fn same(a: &str, b: &str) -> bool {
        let (a, b) = (a.as_bytes(), b.as_bytes());
        let mut i = 0;
        while i < a.len() && i < b.len() && a[i] == b[i] {
            i += 1;
        }
        i == a.len() && i == b.len()
    }

    /// Fails the build unless the time field is an `EventTime`.
    pub const fn is_event_time<T: EventTimeField>() {}

    /// Fails the build unless the field is an `EventTime` or an `Option` of one.
    pub const fn is_time<T: FieldValue<Base = EventTime>>() {}

    #[diagnostic::on_unimplemented(
        message = "the event time of a feature view cannot be a `{Self}`",
        note = "it must be an `EventTime`, without `Option`"
    )]
    pub trait EventTimeField {}
    impl EventTimeField for EventTime {}
}
