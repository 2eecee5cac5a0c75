//! Feature views: what the events of one source look like and from when on they may be seen.
//!
//! A view says which columns are the key, which one is the event time, which fields there are, and how
//! time is read: whether an event at the very instant of the question counts ([`Boundary`]), for how long
//! the latest row stays valid (its TTL), and whether a row that was loaded later than the question may
//! answer it ([`Cutoff`]). The same view is read offline and online.

use std::sync::Arc;

use arrow::datatypes::DataType;
use mlops_core::{Column, Digest, EventTime, Role, Span, TableSchema, ViewName};
use serde::Serialize;

use crate::{Entity, Error, Result};

/// Whether an event stamped exactly at the instant of the question is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Boundary {
    /// It is seen: `ts <= t`, as in Feast. Windows are `t - w < ts <= t`.
    #[default]
    Inclusive,
    /// It is not seen: `ts < t`, as in Chronon. Windows are `t - w <= ts < t`.
    Exclusive,
}

impl Boundary {
    pub(crate) fn sees(self, stamp: i64, at: i64) -> bool {
        match self {
            Self::Inclusive => stamp <= at,
            Self::Exclusive => stamp < at,
        }
    }
}

/// Whether rows that became known after the instant of the question are hidden from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cutoff {
    /// Only the event time decides; the created time breaks ties.
    #[default]
    EventTime,
    /// The created time must pass the same [`Boundary`] as the event time; a row without one is hidden.
    /// Backfilled rows then do not leak into training sets.
    CreatedTime,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// True or false.
    Bool,
    /// Whole numbers, 64 bits.
    Int,
    /// Real numbers, 64 bits.
    Float,
    /// Texts.
    Str,
    /// Instants.
    Time,
}

impl FieldKind {
    /// The kind of an Arrow column, if a field can hold it.
    pub fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Boolean => Some(Self::Bool),
            DataType::Int64 => Some(Self::Int),
            DataType::Float64 => Some(Self::Float),
            DataType::Utf8 => Some(Self::Str),
            time if *time == EventTime::data_type() => Some(Self::Time),
            _ => None,
        }
    }

    /// The Arrow type of a column of this kind.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Str => DataType::Utf8,
            Self::Time => EventTime::data_type(),
        }
    }
}

/// One field of a view: a value column that features are made from. Nulls are always allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    name: String,
    kind: FieldKind,
    unit: Option<String>,
}

impl Field {
    /// The field's name, which is its column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it holds.
    pub fn kind(&self) -> FieldKind {
        self.kind
    }

    /// The unit of its values, if one was stated.
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }
}

/// A checked definition of one source of events; cheap to clone.
///
/// ```
/// use mlops_features::{DataType, Entity, FeatureView, Span};
///
/// let customer = Entity::new("customer", [("customer_id", DataType::Int64)])?;
/// let purchase = FeatureView::builder("purchase")
///     .entity(customer)
///     .event_time("invoice_date")
///     .ttl(Span::days(365))
///     .field("amount", DataType::Float64).unit("GBP")
///     .field("country", DataType::Utf8)
///     .build()?;
/// assert_eq!(purchase.field("amount")?.unit(), Some("GBP"));
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FeatureView(Arc<Definition>);

#[derive(Debug)]
struct Definition {
    name: ViewName,
    entity: Entity,
    event_time: String,
    created_time: Option<String>,
    ttl: Option<Span>,
    boundary: Boundary,
    cutoff: Cutoff,
    fields: Vec<Field>,
    digest: Digest,
}

impl PartialEq for FeatureView {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for FeatureView {}

impl FeatureView {
    /// Starts the definition of a view.
    pub fn builder(name: impl Into<String>) -> FeatureViewBuilder {
        FeatureViewBuilder {
            name: name.into(),
            entity: None,
            event_time: None,
            created_time: None,
            ttl: None,
            boundary: Boundary::default(),
            cutoff: Cutoff::default(),
            fields: Vec::new(),
            unit_before_field: false,
        }
    }

    /// The view's name.
    pub fn name(&self) -> &ViewName {
        &self.0.name
    }

    /// What its features describe.
    pub fn entity(&self) -> &Entity {
        &self.0.entity
    }

    /// The column that says when an event became true.
    pub fn event_time(&self) -> &str {
        &self.0.event_time
    }

    /// The column that says when a row became known, if there is one.
    pub fn created_time(&self) -> Option<&str> {
        self.0.created_time.as_deref()
    }

    /// For how long the latest row is valid, both ends included; `None` is for ever.
    pub fn ttl(&self) -> Option<Span> {
        self.0.ttl
    }

    /// Whether an event at the very instant of the question is seen.
    pub fn boundary(&self) -> Boundary {
        self.0.boundary
    }

    /// Whether rows that became known later are hidden.
    pub fn cutoff(&self) -> Cutoff {
        self.0.cutoff
    }

    /// The fields in order.
    pub fn fields(&self) -> &[Field] {
        &self.0.fields
    }

    /// A field by name.
    ///
    /// # Errors
    /// [`Error::UnknownField`] if the view does not declare it.
    pub fn field(&self, name: &str) -> Result<&Field> {
        self.field_index(name).map(|i| &self.0.fields[i])
    }

    /// The identity of the definition: it changes with whatever changes a feature value or its meaning.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// The columns that a table of this view's events has: keys, times, fields.
    ///
    /// Keys may be null in a source; such rows can answer nothing and are counted when they are ingested.
    pub fn schema(&self) -> TableSchema {
        let keys = self.entity().keys().iter();
        let keys = keys.map(|(name, kind)| Column::key(name, kind.clone()).nullable(true));
        let created = self.created_time().map(|name| {
            Column::new(name, EventTime::data_type(), Role::CreatedTime).nullable(true)
        });
        let fields = self.fields().iter().map(|field| {
            let column = Column::value(field.name(), field.kind().data_type());
            match field.unit() {
                Some(unit) => column.unit(unit),
                None => column,
            }
        });
        let time = Column::event_time(self.event_time());
        TableSchema::new(keys.chain([time]).chain(created).chain(fields))
            .expect("`build` checked the names")
    }

    pub(crate) fn field_index(&self, name: &str) -> Result<usize> {
        let fields = self.fields();
        fields.iter().position(|f| f.name == name).ok_or_else(|| {
            let names: Vec<String> = fields.iter().map(|f| format!("`{}`", f.name)).collect();
            Error::UnknownField {
                view: self.name().to_string(),
                field: name.to_owned(),
                available: if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                },
            }
        })
    }
}

/// Collects the parts of a [`FeatureView`].
#[derive(Debug, Clone)]
pub struct FeatureViewBuilder {
    name: String,
    entity: Option<Entity>,
    event_time: Option<String>,
    created_time: Option<String>,
    ttl: Option<Span>,
    boundary: Boundary,
    cutoff: Cutoff,
    fields: Vec<(String, DataType, Option<String>)>,
    unit_before_field: bool,
}

impl FeatureViewBuilder {
    /// What the features describe.
    #[must_use]
    pub fn entity(mut self, entity: Entity) -> Self {
        self.entity = Some(entity);
        self
    }

    /// The column that says when an event became true.
    #[must_use]
    pub fn event_time(mut self, column: impl Into<String>) -> Self {
        self.event_time = Some(column.into());
        self
    }

    /// The column that says when a row became known: the newer one wins among rows of one event time.
    #[must_use]
    pub fn created_time(mut self, column: impl Into<String>) -> Self {
        self.created_time = Some(column.into());
        self
    }

    /// For how long the latest row is valid, both ends included; zero is for ever.
    ///
    /// Measured from each question's own time. Windowed aggregates are bounded by their window alone.
    #[must_use]
    pub fn ttl(mut self, ttl: Span) -> Self {
        self.ttl = (ttl != Span::ZERO).then_some(ttl);
        self
    }

    /// Whether an event at the very instant of the question is seen.
    #[must_use]
    pub fn boundary(mut self, boundary: Boundary) -> Self {
        self.boundary = boundary;
        self
    }

    /// Whether rows that became known later than the question are hidden.
    #[must_use]
    pub fn cutoff(mut self, cutoff: Cutoff) -> Self {
        self.cutoff = cutoff;
        self
    }

    /// A field: `Boolean`, `Int64`, `Float64`, `Utf8` or [`EventTime::data_type`].
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, data_type: DataType) -> Self {
        self.fields.push((name.into(), data_type, None));
        self
    }

    /// The unit of the field that was named last.
    #[must_use]
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        match self.fields.last_mut() {
            Some((_, _, slot)) => *slot = Some(unit.into()),
            None => self.unit_before_field = true,
        }
        self
    }

    /// Checks the parts against each other.
    ///
    /// # Errors
    /// [`Error::Core`] for a bad name, [`Error::InvalidView`] without an entity or event time, if two
    /// columns share a name, if a field has a type that fields cannot hold, or if a created-time cutoff
    /// has no created-time column.
    pub fn build(self) -> Result<FeatureView> {
        let name = ViewName::new(self.name)?;
        let invalid = |reason: String| Error::InvalidView {
            view: name.to_string(),
            reason,
        };
        let entity = self
            .entity
            .ok_or_else(|| invalid("it has no entity".into()))?;
        let event_time = self
            .event_time
            .ok_or_else(|| invalid("it has no event time column".into()))?;
        if self.unit_before_field {
            return Err(invalid("a unit was stated before the first field".into()));
        }
        if self.cutoff == Cutoff::CreatedTime && self.created_time.is_none() {
            return Err(invalid(
                "a created-time cutoff needs a created time column".into(),
            ));
        }
        let mut taken: Vec<&str> = Vec::new();
        let columns = entity.keys().iter().map(|(key, _)| key.as_str());
        let columns = columns
            .chain([event_time.as_str()])
            .chain(self.created_time.as_deref())
            .chain(self.fields.iter().map(|(field, _, _)| field.as_str()));
        for column in columns {
            if column.is_empty() {
                return Err(invalid("a column has no name".into()));
            }
            if taken.contains(&column) {
                return Err(invalid(format!("two columns are named `{column}`")));
            }
            taken.push(column);
        }
        let fields = self
            .fields
            .iter()
            .map(|(field, data_type, unit)| {
                let kind = FieldKind::of(data_type).ok_or_else(|| {
                    invalid(format!(
                        "field `{field}` is {data_type}; a field is Boolean, Int64, Float64, Utf8 or {}",
                        EventTime::data_type()
                    ))
                })?;
                Ok(Field {
                    name: field.clone(),
                    kind,
                    unit: unit.clone(),
                })
            })
            .collect::<Result<Vec<_>>>()?;

        let keys: Vec<_> = entity.keys().iter().zip(entity.key_types()).collect();
        let keys: Vec<_> = keys
            .iter()
            .map(|((key, _), kind)| (key.as_str(), *kind))
            .collect();
        let described: Vec<_> = fields.iter().map(|f| (&f.name, f.kind, &f.unit)).collect();
        let digest = Digest::of_json(&(
            ("view", 1, &name, entity.name(), keys),
            (&event_time, &self.created_time, self.ttl),
            (self.boundary, self.cutoff, described),
        ));
        Ok(FeatureView(Arc::new(Definition {
            name,
            entity,
            event_time,
            created_time: self.created_time,
            ttl: self.ttl,
            boundary: self.boundary,
            cutoff: self.cutoff,
            fields,
            digest,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purchase() -> FeatureViewBuilder {
        let customer = Entity::new("customer", [("customer_id", DataType::Int64)]).unwrap();
        FeatureView::builder("purchase")
            .entity(customer)
            .event_time("invoice_date")
            .field("amount", DataType::Float64)
    }

    #[test]
    fn a_view_that_contradicts_itself_is_refused_by_name() {
        let check = |builder: FeatureViewBuilder, expect: &str| {
            let error = builder.build().unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check(
            purchase().field("amount", DataType::Int64),
            "two columns are named `amount`",
        );
        check(
            purchase().field("invoice_date", DataType::Int64),
            "named `invoice_date`",
        );
        check(
            purchase().field("customer_id", DataType::Int64),
            "named `customer_id`",
        );
        check(purchase().field("x", DataType::Int32), "field `x` is Int32");
        check(
            purchase().cutoff(Cutoff::CreatedTime),
            "created time column",
        );
        check(
            FeatureView::builder("v").unit("GBP").event_time("t"),
            "no entity",
        );
    }

    #[test]
    fn the_digest_follows_whatever_changes_a_value() {
        let base = purchase().build().unwrap();
        assert_eq!(base, purchase().ttl(Span::ZERO).build().unwrap());
        let others = [
            purchase().ttl(Span::days(1)),
            purchase().boundary(Boundary::Exclusive),
            purchase().created_time("loaded"),
            purchase()
                .created_time("loaded")
                .cutoff(Cutoff::CreatedTime),
            purchase().unit("GBP"),
            purchase().field("country", DataType::Utf8),
        ];
        let mut digests: Vec<Digest> = others.map(|b| b.build().unwrap().digest()).into();
        digests.push(base.digest());
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 7);
    }
}
