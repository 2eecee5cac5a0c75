//! Building a view from its parts.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::DataType;
use mlops_core::{Digest, Span, ViewName};

use super::{
    Boundary, Cutoff, FeatureView, Field, FieldKind, ViewSource, definition::Definition, type_name,
};
use crate::{Entity, Error, Result};

/// Texts that people read, in bytes.
const MAX_TEXT: usize = 16_384;
/// Fields, tags or sources of one view.
const MAX_PARTS: usize = 10_000;

/// Collects the parts of a [`FeatureView`].
///
/// [`unit`](Self::unit), [`describe`](Self::describe), [`pii`](Self::pii) and [`from_column`](Self::from_column) speak
/// of the field that was named last.
#[derive(Debug, Clone)]
pub struct FeatureViewBuilder {
    name: String,
    entity: Option<Entity>,
    event_time: Option<String>,
    created_time: Option<String>,
    ttl: Option<Span>,
    boundary: Boundary,
    cutoff: Cutoff,
    fields: Vec<Field>,
    renames: BTreeMap<String, String>,
    owner: String,
    description: String,
    tags: BTreeMap<String, String>,
    sources: Vec<ViewSource>,
    misplaced: Option<&'static str>,
}

impl FeatureViewBuilder {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            entity: None,
            event_time: None,
            created_time: None,
            ttl: None,
            boundary: Boundary::default(),
            cutoff: Cutoff::default(),
            fields: Vec::new(),
            renames: BTreeMap::new(),
            owner: String::new(),
            description: String::new(),
            tags: BTreeMap::new(),
            sources: Vec::new(),
            misplaced: None,
        }
    }

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

    /// A field of any of these types: `Boolean`; whole numbers of any width; `Float32` and `Float64`; texts and bytes of
    /// any encoding, `FixedSizeBinary` included; `Date32`, `Date64`, `Timestamp` of any unit with or without a zone (one
    /// without is meant in UTC); `Duration`; `Decimal128` with a scale of at least 0.
    ///
    /// In a join the latest value has this very type. Three bounds are checked row by row when events come in: whole numbers and the
    /// digits of decimals fit 64 bits with a sign, times lie in the years -9999 to 9999 and are whole microseconds, and
    /// a `Date64` is a whole day.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, data_type: DataType) -> Self {
        let kind = FieldKind::of(&data_type).unwrap_or(FieldKind::Str); // `build` asks again
        self.fields.push(Field::new(name.into(), data_type, kind));
        self
    }

    /// The unit of the last field, for instance `GBP`.
    #[must_use]
    pub fn unit(self, unit: impl Into<String>) -> Self {
        let unit = unit.into();
        self.last("a unit", |field| field.unit = Some(unit))
    }

    /// What the last field is.
    #[must_use]
    pub fn describe(self, description: impl Into<String>) -> Self {
        let description = description.into();
        self.last("a description", |field| field.description = description)
    }

    /// The last field is personal data.
    #[must_use]
    pub fn pii(self) -> Self {
        self.last("personal data", |field| field.pii = true)
    }

    /// The last field has another name in the source.
    #[must_use]
    pub fn from_column(self, source: impl Into<String>) -> Self {
        let source = source.into();
        self.last("a source column", |field| field.source = Some(source))
    }

    /// A key or time column has another name in the source.
    #[must_use]
    pub fn rename(mut self, column: impl Into<String>, source: impl Into<String>) -> Self {
        self.renames.insert(column.into(), source.into());
        self
    }

    /// Who answers for the view.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = owner.into();
        self
    }

    /// What the view is.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// A tag; the same name again replaces its value.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(name.into(), value.into());
        self
    }

    /// One place where rows come from; a view may have several, such as files and a push source.
    #[must_use]
    pub fn source(mut self, source: ViewSource) -> Self {
        self.sources.push(source);
        self
    }

    fn last(mut self, what: &'static str, change: impl FnOnce(&mut Field)) -> Self {
        match self.fields.last_mut() {
            Some(field) => change(field),
            None => self.misplaced = Some(what),
        }
        self
    }

    /// Checks the parts against each other.
    ///
    /// # Errors
    /// [`Error::Core`] for a bad name, [`Error::InvalidView`] without an entity or event time, if two
    /// columns share a name, if a field has a type that fields cannot hold, if a created-time cutoff
    /// has no created-time column, if a column that is renamed is none of keys and times, or if a text is longer than
    /// 16 KiB.
    pub fn build(self) -> Result<FeatureView> {
        let name = ViewName::new(self.name.as_str())?;
        let invalid = |reason: String| Error::InvalidView {
            view: name.to_string(),
            reason,
        };
        if let Some(what) = self.misplaced {
            return Err(invalid(format!("{what} was stated before the first field")));
        }
        self.check_texts().map_err(invalid)?;
        let entity = self
            .entity
            .ok_or_else(|| invalid("it has no entity".into()))?;
        let event_time = self
            .event_time
            .ok_or_else(|| invalid("it has no event time column".into()))?;
        if self.cutoff == Cutoff::CreatedTime && self.created_time.is_none() {
            return Err(invalid(
                "a created-time cutoff needs a created time column".into(),
            ));
        }
        let keys = entity.keys().iter().map(|(key, _)| key.as_str());
        let keys_and_times = keys
            .chain([event_time.as_str()])
            .chain(self.created_time.as_deref());
        let keys_and_times: Vec<&str> = keys_and_times.collect();
        let mut taken = BTreeSet::new();
        let fields = self.fields.iter().map(Field::name);
        for column in keys_and_times.iter().copied().chain(fields) {
            if column.is_empty() {
                return Err(invalid("a column has no name".into()));
            }
            if !taken.insert(column) {
                return Err(invalid(format!("two columns are named `{column}`")));
            }
        }
        for field in &self.fields {
            if FieldKind::of(&field.data_type).is_none() {
                return Err(invalid(format!(
                    "field `{}` is {}; a field holds booleans, numbers, texts, bytes, days, times, durations or decimals",
                    field.name, field.data_type
                )));
            }
        }
        if let Some(column) = (self.renames.keys()).find(|c| !keys_and_times.contains(&c.as_str()))
        {
            return Err(invalid(format!(
                "`{column}` is renamed and is no key or time column"
            )));
        }

        // a rename to the same name says nothing
        let mut renames = self.renames;
        renames.retain(|column, source| column != source);
        let mut fields = self.fields;
        for field in &mut fields {
            field.source.take_if(|source| *source == field.name);
        }
        let typed = |(key, data_type): &(String, DataType)| (key.clone(), type_name(data_type));
        let keys: Vec<_> = entity.keys().iter().map(typed).collect();
        let described: Vec<_> = fields
            .iter()
            .map(|f| (&f.name, type_name(&f.data_type), &f.unit, &f.source))
            .collect();
        let digest = Digest::of_json(&(
            ("view", 2, &name, entity.name(), keys),
            (&event_time, &self.created_time, self.ttl),
            (self.boundary, self.cutoff, described, &renames),
        ));
        Ok(FeatureView::new(Definition {
            name,
            entity,
            event_time,
            created_time: self.created_time,
            ttl: self.ttl,
            boundary: self.boundary,
            cutoff: self.cutoff,
            fields,
            renames,
            owner: self.owner,
            description: self.description,
            tags: self.tags,
            sources: self.sources,
            digest,
        }))
    }

    fn check_texts(&self) -> Result<(), String> {
        let parts = [self.fields.len(), self.tags.len(), self.sources.len()];
        if parts.iter().any(|parts| *parts > MAX_PARTS) {
            return Err(format!(
                "it has more than {MAX_PARTS} fields, tags or sources"
            ));
        }
        let fields = self.fields.iter().flat_map(|field| {
            let optional = [&field.unit, &field.source].into_iter().flatten();
            optional.chain([&field.name, &field.description])
        });
        let sources_of_fields = self.fields.iter().filter_map(|field| field.source.as_ref());
        let tags = self.tags.iter().flat_map(|(name, value)| [name, value]);
        let renames = self.renames.values();
        let texts = [&self.owner, &self.description].into_iter();
        let texts = texts.chain(fields).chain(tags).chain(renames);
        let texts = texts.map(String::len);
        let mut sources = texts.chain(self.sources.iter().map(|source| source.name().len()));
        if sources.any(|bytes| bytes > MAX_TEXT) {
            return Err(format!("one of its texts is longer than {MAX_TEXT} bytes"));
        }
        if self.tags.contains_key("") {
            return Err("a tag has no name".to_owned());
        }
        let mut sources = self.renames.values().chain(sources_of_fields);
        if sources.any(String::is_empty) {
            return Err("a column of the source has no name".to_owned());
        }
        Ok(())
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
        let list = DataType::new_list(DataType::Int64, true);
        check(purchase().field("x", list), "field `x` is List");
        check(
            purchase().cutoff(Cutoff::CreatedTime),
            "created time column",
        );
        check(FeatureView::builder("v").event_time("t"), "no entity");
        check(
            FeatureView::builder("v").unit("GBP").event_time("t"),
            "a unit was stated before the first field",
        );
        check(purchase().rename("amount", "Amount"), "`amount` is renamed");
        check(purchase().owner("x".repeat(20_000)), "longer than 16384");
        check(purchase().tag("", "x"), "a tag has no name");
        check(
            purchase().from_column(""),
            "column of the source has no name",
        );
    }

    #[test]
    fn the_digest_follows_whatever_changes_a_value_and_nothing_else() {
        let base = purchase().build().unwrap();
        let same = [
            purchase().ttl(Span::ZERO),
            purchase().owner("a").description("b").tag("c", "d"),
            purchase().pii().describe("e").from_column("amount"),
            purchase().source(ViewSource::push("f")),
            purchase().rename("customer_id", "customer_id"),
        ];
        for builder in same {
            assert_eq!(base, builder.build().unwrap());
        }
        let others = [
            purchase().ttl(Span::days(1)),
            purchase().boundary(Boundary::Exclusive),
            purchase().created_time("loaded"),
            purchase()
                .created_time("loaded")
                .cutoff(Cutoff::CreatedTime),
            purchase().unit("GBP"),
            purchase().from_column("Amount"),
            purchase().rename("customer_id", "CustomerID"),
            purchase().field("country", DataType::Utf8),
            purchase().field("country", DataType::LargeUtf8),
        ];
        let mut digests: Vec<Digest> = others.map(|b| b.build().unwrap().digest()).into();
        digests.push(base.digest());
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 10);
    }
}
