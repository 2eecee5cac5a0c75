//! Filters: which events an aggregate looks at.

use std::collections::BTreeSet;

use mlops_core::Value;
use serde::Serialize;

use crate::{Error, FeatureView, FieldKind, Result, aggregate::Item};

/// Nested deeper, a filter is no longer read by anyone.
const MAX_DEPTH: usize = 16;
const MAX_PARTS: usize = 256;

/// A condition on the fields of one event.
///
/// A comparison with null does not hold, whichever it is; ask for nulls with [`is_null`](FilterField::is_null).
/// NaN differs from every number and is neither below nor above any. Texts are compared by their bytes.
///
/// ```
/// use mlops_features::{days, DataType, Entity, Feature, FeatureView, Filter};
///
/// # let customer = Entity::new("customer", [("customer_id", DataType::Int64)])?;
/// # let purchase = FeatureView::builder("purchase").entity(customer).event_time("at")
/// #     .field("amount", DataType::Float64).field("country", DataType::Utf8).build()?;
/// let refunds = Feature::count(&purchase, "amount")
///     .only(Filter::field("amount").is_below(0.0).and(Filter::field("country").is_one_of(["UK", "IE"])))
///     .named("refunds_30d")
///     .over(days(30))?;
/// let typo = Filter::field("amuont").is_below(0.0);
/// assert!(Feature::events(&purchase).only(typo).over(days(1)).is_err());
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Compare(String, Comparison, Value),
    OneOf(String, Vec<Value>),
    Null(String, bool),
    All(Vec<Filter>),
    Any(Vec<Filter>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Comparison {
    Equal,
    Different,
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// A field of which a [`Filter`] says something.
#[derive(Debug, Clone)]
#[must_use = "a field alone is no filter"]
pub struct FilterField(String);

impl FilterField {
    fn compare(self, comparison: Comparison, value: impl Into<Value>) -> Filter {
        Filter(Node::Compare(self.0, comparison, value.into()))
    }

    /// It has this value.
    pub fn equals(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Equal, value)
    }

    /// It has another value.
    pub fn differs_from(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Different, value)
    }

    /// It is less than a number, text or instant.
    pub fn is_below(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Below, value)
    }

    /// It is less or equal.
    pub fn is_at_most(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::AtMost, value)
    }

    /// It is greater.
    pub fn is_above(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Above, value)
    }

    /// It is greater or equal.
    pub fn is_at_least(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::AtLeast, value)
    }

    /// It has one of these values.
    pub fn is_one_of<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Filter {
        Filter(Node::OneOf(
            self.0,
            values.into_iter().map(Into::into).collect(),
        ))
    }

    /// It has no value.
    pub fn is_null(self) -> Filter {
        Filter(Node::Null(self.0, true))
    }

    /// It has a value.
    pub fn is_present(self) -> Filter {
        Filter(Node::Null(self.0, false))
    }
}

impl Filter {
    /// Begins a condition on a field.
    pub fn field(name: impl Into<String>) -> FilterField {
        FilterField(name.into())
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self.0 {
            Node::All(mut parts) => {
                parts.push(other);
                Self(Node::All(parts))
            }
            first => Self(Node::All(vec![Self(first), other])),
        }
    }

    /// Either holds, or both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self.0 {
            Node::Any(mut parts) => {
                parts.push(other);
                Self(Node::Any(parts))
            }
            first => Self(Node::Any(vec![Self(first), other])),
        }
    }

    /// The filter on the fields of a view.
    pub(crate) fn bind(&self, view: &FeatureView, feature: &str) -> Result<Test> {
        let mut parts = 0;
        self.bind_part(view, feature, 0, &mut parts)
    }

    fn bind_part(
        &self,
        view: &FeatureView,
        feature: &str,
        depth: usize,
        parts: &mut usize,
    ) -> Result<Test> {
        let invalid = |reason: String| Error::InvalidFeature {
            feature: feature.to_owned(),
            reason,
        };
        *parts += match &self.0 {
            Node::OneOf(_, values) => values.len().max(1),
            _ => 1,
        };
        if depth > MAX_DEPTH || *parts > MAX_PARTS {
            return Err(invalid(format!(
                "its filter has more than {MAX_PARTS} parts or is nested deeper than {MAX_DEPTH}"
            )));
        }
        let constant = |field: usize, value: &Value, ordered: bool| {
            let field = &view.fields()[field];
            Constant::of(field.kind(), value)
                .filter(|_| !ordered || field.kind() != FieldKind::Bool)
                .filter(|_| field.is_plain())
                .ok_or_else(|| {
                    let (name, holds) = (field.name(), field.data_type());
                    invalid(format!(
                        "field `{name}` holds {holds}, its filter asks for {value:?}"
                    ))
                })
        };
        let many = |filters: &[Self], parts: &mut usize| {
            let bound = filters
                .iter()
                .map(|f| f.bind_part(view, feature, depth + 1, parts));
            bound.collect::<Result<Vec<_>>>()
        };
        Ok(match &self.0 {
            Node::Compare(field, comparison, value) => {
                let field = view.field_index(field)?;
                let ordered = !matches!(comparison, Comparison::Equal | Comparison::Different);
                Test::Compare(field, *comparison, constant(field, value, ordered)?)
            }
            Node::OneOf(field, values) => {
                let field = view.field_index(field)?;
                let values = values.iter().map(|value| constant(field, value, false));
                Test::OneOf(field, values.collect::<Result<_>>()?)
            }
            Node::Null(field, wanted) => Test::Null(view.field_index(field)?, *wanted),
            Node::All(filters) => Test::All(many(filters, parts)?),
            Node::Any(filters) => Test::Any(many(filters, parts)?),
        })
    }
}

/// A filter with its fields found and its constants of their types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Test {
    Compare(usize, Comparison, Constant),
    OneOf(usize, Vec<Constant>),
    Null(usize, bool),
    All(Vec<Test>),
    Any(Vec<Test>),
}

/// A constant of a field's type; a real is held by its bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Constant {
    Bool(bool),
    Int(i64),
    Float(u64),
    Str(String),
    Time(i64),
}

impl Constant {
    fn of(kind: FieldKind, value: &Value) -> Option<Self> {
        match (kind, value) {
            (FieldKind::Bool, Value::Bool(value)) => Some(Self::Bool(*value)),
            (FieldKind::Int, Value::Int(value)) => Some(Self::Int(*value)),
            (FieldKind::Float, Value::Float(value)) => Some(Self::Float(value.to_bits())),
            (FieldKind::Str, Value::Str(value)) => Some(Self::Str(value.clone())),
            (FieldKind::Time, Value::Time(value)) => Some(Self::Time(value.micros())),
            _ => None,
        }
    }

    fn compare(&self, item: Item<'_>, comparison: Comparison) -> bool {
        let ordering = match (item, self) {
            (Item::Bool(item), Self::Bool(value)) => Some(item.cmp(value)),
            (Item::Int(item), Self::Int(value)) | (Item::Time(item), Self::Time(value)) => {
                Some(item.cmp(value))
            }
            (Item::Str(item), Self::Str(value)) => Some(item.cmp(value.as_str())),
            (Item::Float(item), Self::Float(value)) => item.partial_cmp(&f64::from_bits(*value)),
            _ => return false, // null
        };
        match comparison {
            Comparison::Equal => ordering.is_some_and(std::cmp::Ordering::is_eq),
            Comparison::Different => !ordering.is_some_and(std::cmp::Ordering::is_eq),
            Comparison::Below => ordering.is_some_and(std::cmp::Ordering::is_lt),
            Comparison::AtMost => ordering.is_some_and(std::cmp::Ordering::is_le),
            Comparison::Above => ordering.is_some_and(std::cmp::Ordering::is_gt),
            Comparison::AtLeast => ordering.is_some_and(std::cmp::Ordering::is_ge),
        }
    }
}

impl Test {
    /// Adds the fields that it asks about.
    pub(crate) fn fields(&self, fields: &mut BTreeSet<usize>) {
        match self {
            Self::Compare(field, ..) | Self::OneOf(field, _) | Self::Null(field, _) => {
                fields.insert(*field);
            }
            Self::All(tests) | Self::Any(tests) => {
                for test in tests {
                    test.fields(fields);
                }
            }
        }
    }

    /// Whether it holds for an event, given its fields by position.
    pub(crate) fn holds<'a>(&self, item: &impl Fn(usize) -> Item<'a>) -> bool {
        match self {
            Self::Compare(field, comparison, value) => value.compare(item(*field), *comparison),
            Self::OneOf(field, values) => {
                let item = item(*field);
                values
                    .iter()
                    .any(|value| value.compare(item, Comparison::Equal))
            }
            Self::Null(field, wanted) => item(*field).is_null() == *wanted,
            Self::All(tests) => tests.iter().all(|test| test.holds(item)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(item)),
        }
    }
}
