//! A checked feature.

use std::collections::BTreeSet;

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, DecimalType};
use mlops_core::{Column, Digest, FeatureName, Span, Value};

use super::{Accuracy, Aggregate, Divisor, Filter, Function, Rank, Window};
use crate::{
    Error, FeatureView, Result,
    aggregate::{Measure, Shape},
};

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
///
/// // purchases by country, those of the ten most frequent; a share of one window in another is a ratio
/// let by_country = Feature::events(&purchase).by("country", 10).over(days(90))?;
/// assert_eq!(by_country.name().as_str(), "purchase_count_by_country_90d");
/// let basket = Feature::sum(&purchase, "amount").per(Feature::events(&purchase)).over(days(30))?;
/// assert_eq!(basket.name().as_str(), "amount_sum_per_purchase_count_30d");
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    name: FeatureName,
    view: FeatureView,
    /// One measure, or the two of a ratio.
    measures: Vec<Measure>,
    window: Option<Window>,
    alias: Option<String>,
    join_on: Vec<String>,
    shape: Shape,
    data_type: DataType,
}

impl Feature {
    /// The field in the newest row; its default name is `<field>_latest`.
    ///
    /// # Errors
    /// [`Error::UnknownField`] if the view does not declare the field, [`Error::Core`] if the name of
    /// the field is no feature name.
    pub fn latest(view: &FeatureView, field: &str) -> Result<Self> {
        Aggregate::new(view, Some(field.to_owned()), Function::Latest).build(None)
    }

    /// The days since the last event; its default name is `<view>_time_since_last`.
    ///
    /// Null when there was none, or when it is older than the view's TTL.
    ///
    /// # Errors
    /// [`Error::Core`] if the default name is too long.
    pub fn time_since_last(view: &FeatureView) -> Result<Self> {
        Aggregate::new(view, None, Function::TimeSinceLast).build(None)
    }

    /// The days since the last event for which the filter holds, under a name of its own.
    ///
    /// Null when there was none, or when it is older than the view's TTL.
    ///
    /// # Errors
    /// Those of [`Aggregate::over`].
    ///
    /// # Complexity
    /// An online read looks back until the filter holds.
    pub fn time_since_last_of(
        view: &FeatureView,
        filter: Filter,
        name: impl Into<String>,
    ) -> Result<Self> {
        let last = Aggregate::new(view, None, Function::TimeSinceLast);
        last.only(filter).named(name).build(None)
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

    /// The sample variance of a field over a window; see [`Aggregate::population`].
    pub fn variance(view: &FeatureView, field: impl Into<String>) -> Aggregate {
        Aggregate::new(
            view,
            Some(field.into()),
            Function::Variance(Divisor::Sample),
        )
    }

    /// The sample standard deviation of a field over a window; see [`Aggregate::population`].
    pub fn std_dev(view: &FeatureView, field: impl Into<String>) -> Aggregate {
        Aggregate::new(view, Some(field.into()), Function::StdDev(Divisor::Sample))
    }

    /// The smallest value of a field over a window.
    pub fn min(view: &FeatureView, field: impl Into<String>) -> Aggregate {
        Aggregate::new(view, Some(field.into()), Function::Min)
    }

    /// The largest value of a field over a window.
    pub fn max(view: &FeatureView, field: impl Into<String>) -> Aggregate {
        Aggregate::new(view, Some(field.into()), Function::Max)
    }

    /// The oldest value of a field over a window.
    pub fn first(view: &FeatureView, field: impl Into<String>) -> Aggregate {
        Aggregate::new(view, Some(field.into()), Function::First)
    }

    /// The newest value of a field over a window, which skips nulls.
    pub fn last(view: &FeatureView, field: impl Into<String>) -> Aggregate {
        Aggregate::new(view, Some(field.into()), Function::Last)
    }

    /// The `k` newest values of a field over a window as a list, oldest first; at most 1024.
    pub fn last_k(view: &FeatureView, field: impl Into<String>, k: u16) -> Aggregate {
        Aggregate::new(view, Some(field.into()), Function::LastK(k))
    }

    /// The number of different values of a field over a window.
    pub fn distinct_count(view: &FeatureView, field: impl Into<String>) -> Aggregate {
        Aggregate::new(view, Some(field.into()), Function::DistinctCount)
    }

    /// The number of different values by a HyperLogLog sketch of that precision, 4 to 16.
    pub fn approx_distinct_count(
        view: &FeatureView,
        field: impl Into<String>,
        precision: u8,
    ) -> Aggregate {
        Aggregate::new(
            view,
            Some(field.into()),
            Function::ApproxDistinctCount(precision),
        )
    }

    /// The quantile of a field over a window at a rank from 0 to 1, interpolated.
    pub fn quantile(view: &FeatureView, field: impl Into<String>, rank: f64) -> Aggregate {
        Aggregate::ranked(view, field.into(), rank, Function::Quantile)
    }

    /// The quantile by a KLL sketch of that size, 8 to 4096; 200 is usual.
    ///
    /// The sketch of a window is defined as that of its tiles, each of its events in order, merged in the
    /// order of time. Tiles are as long as the hop of the feature's [`Accuracy`]; unless one is
    /// stated that is [`Accuracy::sawtooth`], and it cannot be exact.
    pub fn approx_quantile(
        view: &FeatureView,
        field: impl Into<String>,
        rank: f64,
        size: u16,
    ) -> Aggregate {
        let function = |rank| Function::ApproxQuantile(rank, size);
        Aggregate::ranked(view, field.into(), rank, function)
    }

    pub(crate) fn new(
        view: FeatureView,
        measures: Vec<Measure>,
        window: Option<Window>,
        (shape, data_type): (Shape, DataType),
        name: FeatureName,
    ) -> Self {
        let keys = view.entity().keys().iter();
        Self {
            join_on: keys.map(|(key, _)| key.clone()).collect(),
            name,
            view,
            measures,
            window,
            alias: None,
            shape,
            data_type,
        }
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
        let keys = self.view.entity().keys();
        let mut join_on: Vec<String> = keys.iter().map(|(key, _)| key.clone()).collect();
        let invalid = |reason: String| Error::InvalidFeature {
            feature: self.name.to_string(),
            reason,
        };
        for (i, (key, column)) in renames.iter().enumerate() {
            if renames[..i].iter().any(|(earlier, _)| earlier == key) {
                return Err(invalid(format!("key column `{key}` is renamed twice")));
            }
            let at = keys.iter().position(|(name, _)| name == key);
            let at = at.ok_or_else(|| {
                let entity = self.view.entity().name();
                invalid(format!("entity `{entity}` has no key column `{key}`"))
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

    /// The field that it reads, unless it is about events as such or a ratio.
    pub fn field(&self) -> Option<&str> {
        self.field_at().map(|i| self.view.fields()[i].name())
    }

    /// All fields whose values play a part in it: what is aggregated, by which categories, and what filters ask.
    pub fn reads(&self) -> Vec<&str> {
        let (all, fields) = (self.view.fields(), self.reads_at());
        fields.iter().map(|at| all[*at].name()).collect()
    }

    /// The places of those fields in the view.
    pub(crate) fn reads_at(&self) -> BTreeSet<usize> {
        let mut fields = BTreeSet::new();
        for measure in &self.measures {
            fields.extend(measure.field.map(|(field, _)| field));
            fields.extend(measure.by.map(|by| by.field));
            if let Some(filter) = &measure.filter {
                filter.fields(&mut fields);
            }
        }
        fields
    }

    /// What it computes.
    pub fn function(&self) -> Function {
        match self.measures.as_slice() {
            [only] => only.function,
            _ => Function::Ratio,
        }
    }

    /// The window that it looks back over.
    pub fn window(&self) -> Option<Span> {
        self.window.map(|window| window.span)
    }

    /// How exactly its window follows the instant of the question.
    pub fn accuracy(&self) -> Accuracy {
        self.window
            .map(|window| window.accuracy)
            .unwrap_or_default()
    }

    /// The Arrow type of its values: of the latest, smallest and largest value that of the field, of a sum the
    /// widest of its sort; a list for the newest values, a map from texts for an aggregate by category.
    pub fn data_type(&self) -> DataType {
        self.data_type.clone()
    }

    /// What leaves the index, as the online store gives it: a decimal as its exact text.
    pub(crate) fn shown(&self, value: Value) -> Value {
        match (value, &self.data_type) {
            (Value::Int(digits), DataType::Decimal128(_, scale)) => Value::Str(
                Decimal128Type::format_decimal(digits.into(), DECIMAL128_MAX_PRECISION, *scale),
            ),
            (value, _) => value,
        }
    }

    /// Whether it can be null: counts and maps cannot.
    pub fn is_nullable(&self) -> bool {
        self.measures.len() > 1 || !self.measures[0].counts()
    }

    /// The unit of its values, where one is known.
    pub fn unit(&self) -> Option<&str> {
        match self.function() {
            Function::TimeSinceLast => Some("days"),
            Function::Count
            | Function::DistinctCount
            | Function::ApproxDistinctCount(_)
            | Function::Variance(_)
            | Function::Ratio => None,
            _ => self.view.fields()[self.field_at()?].unit(),
        }
    }

    /// The columns of a spine that it joins on, in the order of the entity's key.
    pub fn join_on(&self) -> &[String] {
        &self.join_on
    }

    /// The identity of the definition, the view's included.
    pub fn digest(&self) -> Digest {
        Digest::of_json(&(
            ("feature", 2, &self.name, self.view.digest()),
            (&self.measures, self.window, &self.join_on),
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
        match self.measures.as_slice() {
            [only] => only.field.map(|(field, _)| field),
            _ => None,
        }
    }

    pub(crate) fn measures(&self) -> &[Measure] {
        &self.measures
    }

    pub(crate) fn timing(&self) -> Option<Window> {
        self.window
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }
}

/// A rank that was asked for; one out of range is reported with the feature's name.
impl Aggregate {
    fn ranked(
        view: &FeatureView,
        field: String,
        rank: f64,
        function: impl FnOnce(Rank) -> Function,
    ) -> Self {
        match Rank::new(rank) {
            Some(rank) => Self::new(view, Some(field), function(rank)),
            None => Self::new(view, Some(field), Function::Mean)
                .with_problem(format!("its rank is {rank} and must be between 0 and 1")),
        }
    }
}
