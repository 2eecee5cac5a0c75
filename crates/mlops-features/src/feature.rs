//! Features: one value per entity and instant, defined once over a view and used offline and online.
//!
//! A feature is the latest row's value of a field, an aggregate of a field over a sliding window, or the
//! time since the last event. Building it checks that the field exists and that the function fits its
//! type, so that an error names the feature and not a row of a join.

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, DecimalType};
use mlops_core::{Column, Digest, FeatureName, Span, Value};
use serde::Serialize;

use crate::{Error, FeatureView, FieldKind, Result, view::Keeps};

/// A length of some days of 24 hours.
pub const fn days(days: u32) -> Span {
    Span::days(days)
}

/// A length of some hours.
pub const fn hours(hours: u32) -> Span {
    Span::hours(hours)
}

/// A length of some minutes.
pub const fn minutes(minutes: u32) -> Span {
    Span::minutes(minutes)
}

/// What a feature computes.
///
/// Nulls are skipped by every aggregate. A window that holds no value gives 0 for the two counts and
/// null for the others. NaN is a value: it makes sum, mean, min and max NaN and counts once as distinct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Function {
    /// The field in the newest visible row, null if it is null there or the row is older than the TTL.
    Latest,
    /// The sum, in the field's own type; reals are added in event order.
    Sum,
    /// The number of values that are not null, or of events if no field is given.
    Count,
    /// The sum divided by the count, as a real number.
    Mean,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The number of different values; `0.0` and `-0.0` are one value.
    DistinctCount,
    /// The time from the newest visible event to the instant of the question, in days.
    TimeSinceLast,
}

impl Function {
    /// The name that default feature names carry, for instance `distinct_count`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Sum => "sum",
            Self::Count => "count",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::DistinctCount => "distinct_count",
            Self::TimeSinceLast => "time_since_last",
        }
    }

    fn output(self, field: Option<FieldKind>) -> Option<FieldKind> {
        use FieldKind::{Float, Int, Time};
        match (self, field) {
            (Self::Latest, Some(kind))
            | (Self::Sum, Some(kind @ (Int | Float)))
            | (Self::Min | Self::Max, Some(kind @ (Int | Float | Time))) => Some(kind),
            (Self::Mean, Some(Int | Float)) | (Self::TimeSinceLast, None) => Some(Float),
            (Self::Count, _) | (Self::DistinctCount, Some(_)) => Some(Int),
            _ => None,
        }
    }

    /// What it makes of a field's values.
    fn keeps(self) -> Keeps {
        match self {
            Self::Latest | Self::Min | Self::Max => Keeps::Value,
            Self::Sum => Keeps::Sum,
            _ => Keeps::Measure,
        }
    }
}

/// A named value per entity and instant.
///
/// ```
/// use mlops_features::{days, DataType, Entity, Feature, FeatureView};
///
/// let customer = Entity::new("customer", [("customer_id", DataType::Int64)])?;
/// let purchase = FeatureView::builder("purchase").entity(customer).event_time("at")
///     .field("amount", DataType::Float64).field("country", DataType::Utf8).build()?;
///
/// let spend = Feature::sum(&purchase, "amount").over(days(30))?;
/// assert_eq!(spend.name().as_str(), "amount_sum_30d");
/// assert_eq!(Feature::latest(&purchase, "country")?.name().as_str(), "country_latest");
/// assert!(Feature::sum(&purchase, "country").over(days(30)).is_err()); // no sum of texts
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    name: FeatureName,
    view: FeatureView,
    field: Option<usize>,
    function: Function,
    window: Option<Span>,
    alias: Option<String>,
    join_on: Vec<String>,
    kind: FieldKind,
    data_type: DataType,
}

impl Feature {
    /// The field in the newest row; its default name is `<field>_latest`.
    ///
    /// # Errors
    /// [`Error::UnknownField`] if the view does not declare the field, [`Error::Core`] if the name of
    /// the field is no feature name.
    pub fn latest(view: &FeatureView, field: &str) -> Result<Self> {
        Self::new(view, Some(field), Function::Latest, None, None)
    }

    /// The days since the last event; its default name is `<view>_time_since_last`.
    ///
    /// Null when there was none, or when it is older than the view's TTL.
    ///
    /// # Errors
    /// [`Error::Core`] if the default name is too long.
    pub fn time_since_last(view: &FeatureView) -> Result<Self> {
        Self::new(view, None, Function::TimeSinceLast, None, None)
    }

    /// The sum of a field over a window.
    pub fn sum(view: &FeatureView, field: impl Into<String>) -> Aggregate {
        Aggregate::new(view, Some(field.into()), Function::Sum)
    }

    /// The number of values of a field over a window.
    pub fn count(view: &FeatureView, field: impl Into<String>) -> Aggregate {
        Aggregate::new(view, Some(field.into()), Function::Count)
    }

    /// The number of events over a window; its default name is `<view>_count_<window>`.
    pub fn events(view: &FeatureView) -> Aggregate {
        Aggregate::new(view, None, Function::Count)
    }

    /// The mean of a field over a window.
    pub fn mean(view: &FeatureView, field: impl Into<String>) -> Aggregate {
        Aggregate::new(view, Some(field.into()), Function::Mean)
    }

    /// The smallest value of a field over a window.
    pub fn min(view: &FeatureView, field: impl Into<String>) -> Aggregate {
        Aggregate::new(view, Some(field.into()), Function::Min)
    }

    /// The largest value of a field over a window.
    pub fn max(view: &FeatureView, field: impl Into<String>) -> Aggregate {
        Aggregate::new(view, Some(field.into()), Function::Max)
    }

    /// The number of different values of a field over a window.
    pub fn distinct_count(view: &FeatureView, field: impl Into<String>) -> Aggregate {
        Aggregate::new(view, Some(field.into()), Function::DistinctCount)
    }

    fn new(
        view: &FeatureView,
        field: Option<&str>,
        function: Function,
        window: Option<Span>,
        name: Option<String>,
    ) -> Result<Self> {
        let at = field.map(|field| view.field_index(field)).transpose()?;
        let subject = field.unwrap_or(view.name().as_str());
        let name = name.unwrap_or_else(|| match window {
            Some(window) => format!("{subject}_{}_{window}", function.name()),
            None => format!("{subject}_{}", function.name()),
        });
        if window == Some(Span::ZERO) {
            return Err(Error::InvalidFeature {
                feature: name,
                reason: "its window is empty".to_owned(),
            });
        }
        let input = at.map(|i| view.fields()[i].kind());
        let output = function.output(input).and_then(|kind| {
            let data_type = match at {
                Some(i) => view.fields()[i].output(function.keeps(), kind)?,
                None => kind.data_type(),
            };
            Some((kind, data_type))
        });
        let (kind, data_type) = output.ok_or_else(|| Error::FieldType {
            feature: name.clone(),
            function: function.name(),
            field: subject.to_owned(),
            found: at.map_or(DataType::Null, |i| view.fields()[i].data_type().clone()),
        })?;
        Ok(Self {
            name: FeatureName::new(name)?,
            view: view.clone(),
            field: at,
            function,
            window,
            alias: None,
            join_on: view
                .entity()
                .keys()
                .iter()
                .map(|(key, _)| key.clone())
                .collect(),
            kind,
            data_type,
        })
    }

    /// The same feature under another name.
    ///
    /// # Errors
    /// [`Error::Core`] if it is no feature name.
    pub fn named(mut self, name: impl Into<String>) -> Result<Self> {
        self.name = FeatureName::new(name)?;
        Ok(self)
    }

    /// The same feature of another role of the entity: the pairs rename key columns, and the name
    /// becomes `<alias>__<name>`.
    ///
    /// One view of places serves as the origin and as the destination of a trip:
    /// `feature.keyed_by("origin", &[("place_id", "origin_id")])`.
    ///
    /// # Errors
    /// [`Error::InvalidFeature`] if the entity has no such key column or one is renamed twice,
    /// [`Error::Core`] if the new name is no feature name.
    pub fn keyed_by(mut self, alias: &str, renames: &[(&str, &str)]) -> Result<Self> {
        let mut join_on: Vec<String> = self
            .view
            .entity()
            .keys()
            .iter()
            .map(|(key, _)| key.clone())
            .collect();
        let invalid = |reason: String| Error::InvalidFeature {
            feature: self.name.to_string(),
            reason,
        };
        for (i, (key, column)) in renames.iter().enumerate() {
            if renames[..i].iter().any(|(earlier, _)| earlier == key) {
                return Err(invalid(format!("key column `{key}` is renamed twice")));
            }
            let at = self
                .view
                .entity()
                .keys()
                .iter()
                .position(|(name, _)| name == key);
            let at = at.ok_or_else(|| {
                invalid(format!(
                    "entity `{}` has no key column `{key}`",
                    self.view.entity().name()
                ))
            })?;
            (*column).clone_into(&mut join_on[at]);
        }
        let name = FeatureName::new(format!("{alias}__{}", self.name))?;
        self.join_on = join_on;
        self.alias = Some(alias.to_owned());
        self.name = name;
        Ok(self)
    }

    pub(crate) fn fully_named(mut self) -> Result<Self> {
        if self.alias.is_none() {
            self.name = FeatureName::new(format!("{}__{}", self.view.name(), self.name))?;
        }
        Ok(self)
    }

    /// The feature's name, which is its column's name.
    pub fn name(&self) -> &FeatureName {
        &self.name
    }

    /// The view that it reads.
    pub fn view(&self) -> &FeatureView {
        &self.view
    }

    /// The field that it reads, unless it is about events as such.
    pub fn field(&self) -> Option<&str> {
        self.field.map(|i| self.view.fields()[i].name())
    }

    /// All fields whose values play a part in it.
    pub fn reads(&self) -> Vec<&str> {
        self.field().into_iter().collect()
    }

    /// What it computes.
    pub fn function(&self) -> Function {
        self.function
    }

    /// The window that it looks back over.
    pub fn window(&self) -> Option<Span> {
        self.window
    }

    /// The Arrow type of its values: of the latest, smallest and largest value that of the field; of a sum the
    /// widest of its sort.
    pub fn data_type(&self) -> DataType {
        self.data_type.clone()
    }

    /// What leaves the index, as the online store gives it: a decimal as its exact text.
    pub(crate) fn shown(&self, value: Value) -> Value {
        match (&self.data_type, value) {
            (DataType::Decimal128(_, scale), Value::Int(digits)) => Value::Str(
                Decimal128Type::format_decimal(digits.into(), DECIMAL128_MAX_PRECISION, *scale),
            ),
            (_, value) => value,
        }
    }

    /// Whether it can be null: counts cannot.
    pub fn is_nullable(&self) -> bool {
        !matches!(self.function, Function::Count | Function::DistinctCount)
    }

    /// The unit of its values, where one is known.
    pub fn unit(&self) -> Option<&str> {
        match self.function {
            Function::TimeSinceLast => Some("days"),
            Function::Count | Function::DistinctCount => None,
            _ => self.view.fields()[self.field?].unit(),
        }
    }

    /// The columns of a spine that it joins on, in the order of the entity's key.
    pub fn join_on(&self) -> &[String] {
        &self.join_on
    }

    /// The identity of the definition, the view's included.
    pub fn digest(&self) -> Digest {
        Digest::of_json(&(
            ("feature", 1, &self.name, self.view.digest()),
            (self.field(), self.function, self.window, &self.join_on),
        ))
    }

    /// The column that it adds to a table.
    pub fn column(&self) -> Column {
        let column = Column::value(self.name.as_str(), self.data_type());
        let column = column.nullable(self.is_nullable());
        match self.unit() {
            Some(unit) => column.unit(unit),
            None => column,
        }
    }

    pub(crate) fn field_at(&self) -> Option<usize> {
        self.field
    }

    pub(crate) fn kind(&self) -> FieldKind {
        self.kind
    }
}

/// An aggregate that still needs its window.
#[derive(Debug, Clone)]
#[must_use = "an aggregate becomes a feature with `over`"]
pub struct Aggregate {
    view: FeatureView,
    field: Option<String>,
    function: Function,
    name: Option<String>,
}

impl Aggregate {
    pub(crate) fn new(view: &FeatureView, field: Option<String>, function: Function) -> Self {
        Self {
            view: view.clone(),
            field,
            function,
            name: None,
        }
    }

    /// The feature's name, in place of `<field>_<function>_<window>`.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The feature over the window that ends at the instant of the question.
    ///
    /// The far edge is on the other side of the view's [`Boundary`](crate::Boundary), so that adjacent
    /// windows share no event: `t - w < ts <= t`, or `t - w <= ts < t` if it is exclusive. The view's TTL
    /// does not shorten a window.
    ///
    /// # Errors
    /// [`Error::UnknownField`], [`Error::FieldType`] if the function does not fit the field,
    /// [`Error::InvalidFeature`] if the window is empty, [`Error::Core`] for a bad name.
    pub fn over(self, window: Span) -> Result<Feature> {
        let field = self.field.as_deref();
        Feature::new(&self.view, field, self.function, Some(window), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entity;

    fn view() -> FeatureView {
        FeatureView::builder("purchase")
            .entity(Entity::new("customer", [("customer_id", DataType::Int64)]).unwrap())
            .event_time("at")
            .field("amount", DataType::Float64)
            .unit("GBP")
            .field("quantity", DataType::Int64)
            .field("country", DataType::Utf8)
            .field("returned", DataType::Boolean)
            .field("due", mlops_core::EventTime::data_type())
            .build()
            .unwrap()
    }

    #[test]
    fn functions_fit_the_types_that_they_can_answer_for() {
        use Function::{Count, DistinctCount, Latest, Max, Mean, Min, Sum};
        let all = [Latest, Sum, Count, Mean, Min, Max, DistinctCount];
        let check = |field: &str, refused: &[Function]| {
            for function in all {
                let made = Feature::new(&view(), Some(field), function, None, None);
                assert_eq!(
                    made.is_err(),
                    refused.contains(&function),
                    "{function:?} of {field}"
                );
            }
        };
        check("amount", &[]);
        check("quantity", &[]);
        check("country", &[Sum, Mean, Min, Max]);
        check("returned", &[Sum, Mean, Min, Max]);
        check("due", &[Sum, Mean]);
        assert!(matches!(
            Feature::sum(&view(), "amout").over(days(1)),
            Err(Error::UnknownField { .. })
        ));
        assert!(Feature::sum(&view(), "amount").over(Span::ZERO).is_err());
        assert!(
            Feature::sum(&view(), "amount")
                .named("a b")
                .over(days(1))
                .is_err()
        );
    }

    #[test]
    fn the_output_type_is_stated_and_never_promoted() {
        let sum = |field: &str| Feature::sum(&view(), field).over(days(1)).unwrap();
        assert_eq!(sum("quantity").data_type(), DataType::Int64);
        assert_eq!(sum("amount").data_type(), DataType::Float64);
        assert_eq!(sum("amount").unit(), Some("GBP"));
        let events = Feature::events(&view()).over(days(7)).unwrap();
        assert_eq!(
            (events.name().as_str(), events.is_nullable()),
            ("purchase_count_7d", false)
        );
        let since = Feature::time_since_last(&view()).unwrap();
        assert_eq!(
            (since.name().as_str(), since.unit()),
            ("purchase_time_since_last", Some("days"))
        );
    }

    #[test]
    fn a_role_renames_the_key_and_prefixes_the_name() {
        let feature = Feature::latest(&view(), "country").unwrap();
        let buyer = feature
            .clone()
            .keyed_by("buyer", &[("customer_id", "buyer_id")])
            .unwrap();
        assert_eq!(buyer.name().as_str(), "buyer__country_latest");
        assert_eq!(buyer.join_on(), ["buyer_id"]);
        assert_ne!(buyer.digest(), feature.digest());
        assert!(feature.clone().keyed_by("b", &[("x", "y")]).is_err());
        let twice = [("customer_id", "y"), ("customer_id", "z")];
        assert!(feature.keyed_by("b", &twice).is_err());
    }
}
