//! Feature services: the ordered features that one model reads.
//!
//! Building a service groups its features by view and key, so that a join and an online read follow
//! the same plan: one key lookup and one binary search a view, one pass a field and window.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::DataType;
use mlops_core::{Digest, EntityKey, ServiceName, Value};

use crate::{
    Error, Feature, Result,
    entity::KeyType,
    plan::Group,
    transform::{IntoExpr, OnDemand, OnDemandBuilder, Transform, UserFunction},
};

/// A named, ordered list of features with different names; cheap to clone.
///
/// ```
/// use mlops_features::{days, DataType, Entity, Feature, FeatureService, FeatureView};
///
/// let customer = Entity::new("customer", [("customer_id", DataType::Int64)])?;
/// let purchase = FeatureView::builder("purchase").entity(customer).event_time("at")
///     .field("amount", DataType::Float64).build()?;
/// let churn = FeatureService::named("churn")?
///     .feature(Feature::sum(&purchase, "amount").over(days(30)))
///     .feature(Feature::time_since_last(&purchase))
///     .build()?;
/// assert_eq!(churn.names(), ["amount_sum_30d", "purchase_time_since_last"]);
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FeatureService(Arc<Plan>);

#[derive(Debug)]
struct Plan {
    name: ServiceName,
    features: Vec<Feature>,
    keys: Vec<(String, DataType)>,
    groups: Vec<Group>,
    on_demand: OnDemand,
}

impl FeatureService {
    /// Starts a service.
    ///
    /// # Errors
    /// [`Error::Core`] if it is no service name.
    pub fn named(name: impl Into<String>) -> Result<FeatureServiceBuilder> {
        Ok(FeatureServiceBuilder {
            name: ServiceName::new(name)?,
            features: Vec::new(),
            full_names: false,
            on_demand: OnDemandBuilder::default(),
        })
    }

    /// The service's name.
    pub fn name(&self) -> &ServiceName {
        &self.0.name
    }

    /// The features in order, those included that are hidden.
    pub fn features(&self) -> &[Feature] {
        &self.0.features
    }

    /// The names of what it answers, in order: of its features, then of its transforms, without the hidden.
    pub fn names(&self) -> Vec<&str> {
        self.0.on_demand.names(self.features()).collect()
    }

    /// The transforms in order, those included that are hidden.
    pub fn transforms(&self) -> &[Transform] {
        &self.0.on_demand.transforms
    }

    /// The request columns that a spine must have and that an online read must be given.
    pub fn requests(&self) -> &[(String, DataType)] {
        &self.0.on_demand.requests
    }

    /// A feature by name.
    ///
    /// # Errors
    /// [`Error::UnknownFeature`] if it is not in the service.
    pub fn get(&self, name: &str) -> Result<&Feature> {
        let found = self.features().iter().find(|f| f.name().as_str() == name);
        found.ok_or_else(|| Error::UnknownFeature {
            service: self.name().to_string(),
            feature: name.to_owned(),
            available: quoted(self.features().iter().map(|f| f.name().as_str())),
        })
    }

    /// The key columns that the features join on, each once, in order of first use.
    ///
    /// An [`EntityKey`] for an online read has one part for each. For a service over one entity these
    /// are the entity's own keys.
    pub fn keys(&self) -> &[(String, DataType)] {
        &self.0.keys
    }

    /// The key for an online read, out of values by column name; others are left alone.
    ///
    /// # Errors
    /// [`Error::KeyShape`] if a key column is missing, null or of another type.
    pub fn key_from_map(&self, values: &BTreeMap<String, Value>) -> Result<EntityKey> {
        let parts = self.keys().iter().map(|(column, data_type)| {
            let shape = |reason: String| Error::KeyShape {
                entity: self.name().to_string(),
                key: column.clone(),
                reason,
            };
            let value = values
                .get(column)
                .ok_or_else(|| shape(format!("column `{column}` is missing")))?;
            KeyType::of(data_type)
                .and_then(|kind| kind.part(value))
                .ok_or_else(|| shape(format!("`{column}` must be {data_type}, and is not")))
        });
        Ok(EntityKey::new(parts.collect::<Result<Vec<_>>>()?))
    }

    /// The identity of the definition: of its name, of all features in order, of its request data and
    /// transforms.
    pub fn digest(&self) -> Digest {
        let features: Vec<Digest> = self.features().iter().map(Feature::digest).collect();
        let on_demand = self.on_demand();
        if on_demand.is_empty() {
            return Digest::of_json(&("service", 1, self.name(), features));
        }
        Digest::of_json(&("service", 1, self.name(), features, on_demand.digest()))
    }

    pub(crate) fn on_demand(&self) -> &OnDemand {
        &self.0.on_demand
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.0.groups
    }
}

/// Collects the features of a [`FeatureService`].
#[derive(Debug)]
#[must_use = "a service is made by `build`"]
pub struct FeatureServiceBuilder {
    name: ServiceName,
    features: Vec<Result<Feature>>,
    full_names: bool,
    on_demand: OnDemandBuilder,
}

impl FeatureServiceBuilder {
    /// Adds a feature, or what came of building one; an error shows at [`build`](Self::build).
    pub fn feature(mut self, feature: impl IntoFeature) -> Self {
        self.features.push(feature.into_feature());
        self
    }

    /// Adds several features.
    pub fn features<F: IntoFeature>(mut self, features: impl IntoIterator<Item = F>) -> Self {
        self.features
            .extend(features.into_iter().map(IntoFeature::into_feature));
        self
    }

    /// Declares request data: a column of the spine offline, an entry of the request online.
    pub fn request(mut self, name: impl Into<String>, data_type: DataType) -> Self {
        self.on_demand.requests.push((name.into(), data_type));
        self
    }

    /// Adds a feature that is computed on demand from features, request data, keys and other transforms;
    /// see [`transform`](crate::transform). An error of the expression shows at [`build`](Self::build).
    pub fn transform(mut self, name: impl Into<String>, expr: impl IntoExpr) -> Self {
        let transform = (name.into(), expr.into_expr());
        self.on_demand.transforms.push(transform);
        self
    }

    /// Lets transforms call a function of one's own.
    pub fn function(mut self, function: UserFunction) -> Self {
        self.on_demand.functions.push(function);
        self
    }

    /// Computes a feature or a transform for others to read, and leaves it out of the answer.
    pub fn hidden(mut self, name: impl Into<String>) -> Self {
        self.on_demand.hidden.push(name.into());
        self
    }

    /// Names every feature `<view>__<name>`, as Feast does with full feature names; a role that was
    /// given with [`Feature::keyed_by`] stands in the view's place. Transforms read them by that name.
    pub fn full_names(mut self) -> Self {
        self.full_names = true;
        self
    }

    /// Checks the features against each other.
    ///
    /// # Errors
    /// The first error of a feature; [`Error::EmptyService`] without one; [`Error::NameCollision`] if two
    /// share a name or one is named like a key column; [`Error::DuplicateView`] if two different views
    /// share a name; [`Error::InvalidFeature`] if two views have a key column in two types;
    /// [`Error::ExpressionSyntax`], [`Error::InvalidTransform`] or [`Error::InvalidFunction`] of a transform,
    /// [`Error::UnknownFeature`] if what is hidden is not there.
    pub fn build(self) -> Result<FeatureService> {
        let mut features = self.features.into_iter().collect::<Result<Vec<_>>>()?;
        if self.full_names {
            features = features
                .into_iter()
                .map(Feature::fully_named)
                .collect::<Result<_>>()?;
        }
        if features.is_empty() {
            return Err(Error::EmptyService {
                service: self.name.to_string(),
            });
        }
        let keys = join_columns(&features)?;
        for (i, feature) in features.iter().enumerate() {
            let collision = |first: String| Error::NameCollision {
                name: feature.name().to_string(),
                first,
                second: describe(feature),
            };
            if keys.iter().any(|(key, _)| key == feature.name().as_str()) {
                return Err(collision("a key column".to_owned()));
            }
            for earlier in &features[..i] {
                if earlier.name() == feature.name() {
                    return Err(collision(describe(earlier)));
                }
                if earlier.view().name() == feature.view().name()
                    && earlier.view() != feature.view()
                {
                    return Err(Error::DuplicateView {
                        view: feature.view().name().to_string(),
                    });
                }
            }
        }
        let groups = Group::of(&features, &keys);
        let on_demand = self.on_demand.build(self.name.as_str(), &features, &keys)?;
        Ok(FeatureService(Arc::new(Plan {
            name: self.name,
            features,
            keys,
            groups,
            on_demand,
        })))
    }
}

/// A feature, or the result of building one.
pub trait IntoFeature {
    /// Makes it a result.
    ///
    /// # Errors
    /// Whatever building the feature ran into.
    fn into_feature(self) -> Result<Feature>;
}

impl IntoFeature for Feature {
    fn into_feature(self) -> Result<Feature> {
        Ok(self)
    }
}

impl IntoFeature for Result<Feature> {
    fn into_feature(self) -> Result<Feature> {
        self
    }
}

fn join_columns(features: &[Feature]) -> Result<Vec<(String, DataType)>> {
    let mut keys: Vec<(String, DataType)> = Vec::new();
    for feature in features {
        let types = feature
            .view()
            .entity()
            .keys()
            .iter()
            .map(|(_, data_type)| data_type);
        for (column, data_type) in feature.join_on().iter().zip(types) {
            match keys.iter().find(|(known, _)| known == column) {
                None => keys.push((column.clone(), data_type.clone())),
                Some((_, known)) if KeyType::of(known) == KeyType::of(data_type) => {}
                Some((_, known)) => {
                    return Err(Error::InvalidFeature {
                        feature: feature.name().to_string(),
                        reason: format!(
                            "key column `{column}` is {data_type} here and {known} in another view of the service"
                        ),
                    });
                }
            }
        }
    }
    Ok(keys)
}

fn describe(feature: &Feature) -> String {
    let view = feature.view().name();
    match feature.field() {
        Some(field) => format!("the {} of `{view}.{field}`", feature.function().name()),
        None => format!("the {} of `{view}`", feature.function().name()),
    }
}

pub(crate) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entity, FeatureView, days};

    fn view(name: &str, key: DataType) -> FeatureView {
        FeatureView::builder(name)
            .entity(Entity::new("customer", [("customer_id", key)]).unwrap())
            .event_time("at")
            .field("amount", DataType::Float64)
            .build()
            .unwrap()
    }

    #[test]
    fn a_service_that_contradicts_itself_names_the_culprit() {
        let a = view("a", DataType::Int64);
        let sum = || Feature::sum(&a, "amount").over(days(1));
        let check = |features: Vec<Result<Feature>>, expect: &str| {
            let service = FeatureService::named("s").unwrap().features(features);
            let error = service.build().unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check(vec![], "service `s` has no features");
        check(
            vec![sum(), sum()],
            "`amount_sum_1d` is the sum of `a.amount` and also",
        );
        check(vec![sum().unwrap().named("customer_id")], "a key column");
        check(vec![Feature::latest(&a, "amuont")], "no field `amuont`");
        let text = view("b", DataType::Utf8);
        check(
            vec![sum(), Feature::latest(&text, "amount")],
            "`customer_id` is Utf8 here and Int64 in another",
        );
        let other = FeatureView::builder("a")
            .entity(a.entity().clone())
            .event_time("at")
            .field("amount", DataType::Int64)
            .build()
            .unwrap();
        check(
            vec![sum(), Feature::latest(&other, "amount")],
            "`a` is registered already",
        );
    }

    #[test]
    fn full_names_tell_views_apart() {
        let (a, b) = (view("a", DataType::Int64), view("b", DataType::Int64));
        let role = Feature::latest(&a, "amount")
            .and_then(|f| f.keyed_by("payer", &[("customer_id", "payer_id")]));
        let service = FeatureService::named("s")
            .unwrap()
            .features([
                Feature::latest(&a, "amount"),
                Feature::latest(&b, "amount"),
                role,
            ])
            .full_names()
            .build()
            .unwrap();
        let names = [
            "a__amount_latest",
            "b__amount_latest",
            "payer__amount_latest",
        ];
        assert_eq!(service.names(), names);
        assert_eq!(service.keys().len(), 2);
        assert!(service.get("amount_latest").is_err());
    }

    #[test]
    fn a_key_is_read_from_values_by_name_and_type() {
        let a = view("a", DataType::Int64);
        let service = FeatureService::named("s").unwrap();
        let service = service
            .feature(Feature::latest(&a, "amount"))
            .build()
            .unwrap();
        let read = |value: Value| {
            service.key_from_map(
                &[("customer_id".to_owned(), value), ("x".into(), Value::Null)].into(),
            )
        };
        assert_eq!(read(7.into()).unwrap(), EntityKey::from(7));
        assert!(read("7".into()).is_err());
        assert!(read(Value::Null).is_err());
        assert!(service.key_from_map(&BTreeMap::new()).is_err());
    }
}
