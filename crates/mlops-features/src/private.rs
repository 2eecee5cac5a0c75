//! What the derives expand to; no part of the interface.

pub use mlops_core::{EntityKey, EventTime, Table};

use arrow::{array::ArrayRef, datatypes::DataType};

use crate::{
    Base, Boundary, Cutoff, EntityRow, FeatureView, FieldValue, KeyType, Result, ViewSource,
    view::restore,
};

/// One field as the derive saw it.
#[derive(Debug)]
pub struct FieldSpec {
    pub name: &'static str,
    pub data_type: fn() -> DataType,
    pub key: Option<KeyType>,
    pub unit: Option<&'static str>,
    pub source: Option<&'static str>,
    pub description: &'static str,
    pub pii: bool,
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
    pub renames: &'static [(&'static str, &'static str)],
    pub owner: &'static str,
    pub description: &'static str,
    pub tags: &'static [(&'static str, &'static str)],
    pub sources: &'static [&'static str],
}

/// Builds the view; fields that are keys of the entity are no value fields.
pub fn view<E: EntityRow>(spec: &ViewSpec) -> FeatureView {
    let ttl = mlops_core::Span::from_micros(spec.ttl).expect("the derive parsed it");
    let mut entity = E::entity();
    let mut builder = FeatureView::builder(spec.name)
        .event_time(spec.time)
        .ttl(ttl)
        .boundary(spec.boundary)
        .cutoff(spec.cutoff)
        .owner(spec.owner)
        .description(spec.description);
    if let Some(created) = spec.created {
        builder = builder.created_time(created);
    }
    for (column, source) in spec.renames {
        builder = builder.rename(*column, *source);
    }
    for field in spec.fields {
        if let Some(at) = E::KEYS.iter().position(|(key, _)| *key == field.name) {
            if let Some(source) = field.source {
                builder = builder.rename(field.name, source);
            }
            let known = &entity.notes()[at];
            let pii = known.pii || field.pii;
            let description = match field.description {
                "" => known.description.clone(),
                stated => stated.to_owned(),
            };
            let noted = entity.note(field.name, description, pii);
            entity = noted.expect("it is a key of the entity");
            continue;
        }
        builder = builder
            .field(field.name, (field.data_type)())
            .describe(field.description);
        if field.pii {
            builder = builder.pii();
        }
        if let Some(unit) = field.unit {
            builder = builder.unit(unit);
        }
        if let Some(source) = field.source {
            builder = builder.from_column(source);
        }
    }
    for (name, value) in spec.tags {
        builder = builder.tag(*name, *value);
    }
    for source in spec.sources {
        builder = builder.source(ViewSource::from_url(source));
    }
    let view = builder.entity(entity).build();
    view.expect("the derive checks every part")
}

/// A column of one field.
pub fn array<'a, T: FieldValue + 'a>(values: impl Iterator<Item = &'a T>) -> ArrayRef {
    let wide = T::Base::array(values.map(FieldValue::widen).collect());
    restore(wide, &T::data_type()).expect("the values were of that type")
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
        // a key has the entity's width
        restore(ArrayRef::clone(array), column.data_type())
    });
    let ordered = ordered.collect::<Result<_>>()?;
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
            && !fits(keys[k].1, fields[at].key)
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

const fn fits(key: KeyType, field: Option<KeyType>) -> bool {
    // `==` is not const
    matches!(field, Some(field) if key as u8 == field as u8)
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
