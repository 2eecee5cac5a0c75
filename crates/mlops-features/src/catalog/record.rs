//! The stored form of a view, and the check that what is read is what was written.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use mlops_core::{Digest, EventTime, Span};
use serde::{Deserialize, Serialize};

use crate::{
    Boundary, Cutoff, Entity, Error, FeatureView, FeatureViewBuilder, Field, Result, ViewSource,
    view::{parse_type, type_name},
};

/// All that a view is, in the order in which people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewRecord {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) owner: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) sources: Vec<ViewSource>,
    pub(super) entity: EntityRecord,
    event_time: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<Span>,
    boundary: Boundary,
    cutoff: Cutoff,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    renames: BTreeMap<String, String>,
    pub(super) fields: Vec<ColumnRecord>,
    pub(super) digest: Digest,
    pub(super) applied_at: EventTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deprecated: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntityRecord {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    keys: Vec<ColumnRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnRecord {
    pub(super) name: String,
    #[serde(rename = "type")]
    data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) pii: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl ViewRecord {
    pub(super) fn new(view: &FeatureView, applied_at: EventTime) -> Self {
        let entity = view.entity();
        let keys = entity.keys().iter().zip(entity.notes());
        let keys = keys.map(|((name, data_type), note)| ColumnRecord {
            name: name.clone(),
            data_type: type_name(data_type),
            unit: None,
            source: None,
            description: note.description.clone(),
            pii: note.pii,
        });
        let renamed = entity.keys().iter().map(|(key, _)| key.as_str());
        let renamed = renamed
            .chain([view.event_time()])
            .chain(view.created_time());
        let renames = renamed.filter_map(|column| {
            let source = view.source_column(column);
            (source != column).then(|| (column.to_owned(), source.to_owned()))
        });
        Self {
            name: view.name().to_string(),
            owner: view.owner().to_owned(),
            description: view.description().to_owned(),
            tags: view.tags().clone(),
            sources: view.sources().to_vec(),
            entity: EntityRecord {
                name: entity.name().to_string(),
                description: entity.description().to_owned(),
                keys: keys.collect(),
            },
            event_time: view.event_time().to_owned(),
            created_time: view.created_time().map(str::to_owned),
            ttl: view.ttl(),
            boundary: view.boundary(),
            cutoff: view.cutoff(),
            renames: renames.collect(),
            fields: view.fields().iter().map(ColumnRecord::new).collect(),
            digest: view.digest(),
            applied_at,
            deprecated: None,
        }
    }

    /// The view; whatever the record says is checked as if a user had written it.
    pub(super) fn view(&self) -> Result<FeatureView> {
        let keys = self.entity.keys.iter();
        let keys = keys.map(|key| Ok((key.name.as_str(), key.data_type()?)));
        let mut entity = Entity::new(&self.entity.name, keys.collect::<Result<Vec<_>>>()?)?
            .described(&self.entity.description);
        for key in &self.entity.keys {
            entity = entity.note(&key.name, &key.description, key.pii)?;
        }
        let mut builder = FeatureView::builder(&self.name)
            .entity(entity)
            .event_time(&self.event_time)
            .ttl(self.ttl.unwrap_or(Span::ZERO))
            .boundary(self.boundary)
            .cutoff(self.cutoff)
            .owner(&self.owner)
            .description(&self.description);
        if let Some(created) = &self.created_time {
            builder = builder.created_time(created);
        }
        for (column, source) in &self.renames {
            builder = builder.rename(column, source);
        }
        for (name, value) in &self.tags {
            builder = builder.tag(name, value);
        }
        for source in &self.sources {
            builder = builder.source(source.clone());
        }
        for field in &self.fields {
            builder = field.add(builder)?;
        }
        let view = builder.build()?;
        if view.digest() != self.digest {
            return Err(corrupt(format!(
                "view `{}` does not have the content that its digest names",
                self.name
            )));
        }
        Ok(view)
    }

    /// Each setting by name, for comparison: the ones that change values, and the ones that people read.
    pub(super) fn settings(&self) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
        let (mut content, mut notes) = (BTreeMap::new(), BTreeMap::new());
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                content.insert(name.to_owned(), value);
            }
        };
        put("entity", Some(self.entity.name.clone()));
        put("event time", Some(self.event_time.clone()));
        put("created time", self.created_time.clone());
        put("ttl", self.ttl.map(|ttl| ttl.to_string()));
        put(
            "boundary",
            Some(format!("{:?}", self.boundary).to_lowercase()),
        );
        let cutoff = match self.cutoff {
            Cutoff::EventTime => "event time",
            Cutoff::CreatedTime => "created time",
        };
        put("cutoff", Some(cutoff.to_owned()));
        let order = |columns: &[ColumnRecord]| {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            names.join(", ")
        };
        put("keys", Some(order(&self.entity.keys)));
        put("fields", Some(order(&self.fields)));
        for (column, source) in &self.renames {
            put(&format!("source column of {column}"), Some(source.clone()));
        }
        let keys = self.entity.keys.iter().map(|key| ("key", key));
        let fields = self.fields.iter().map(|field| ("field", field));
        for (sort, column) in keys.chain(fields) {
            let name = format!("{sort} {}", column.name);
            content.insert(name.clone(), column.content());
            if !column.description.is_empty() {
                notes.insert(format!("description of {name}"), column.description.clone());
            }
            if column.pii {
                notes.insert(format!("personal data in {name}"), "yes".to_owned());
            }
        }
        let texts = [
            ("owner", &self.owner),
            ("description", &self.description),
            ("description of the entity", &self.entity.description),
        ];
        for (name, text) in texts {
            if !text.is_empty() {
                notes.insert(name.to_owned(), text.clone());
            }
        }
        for (name, value) in &self.tags {
            notes.insert(format!("tag {name}"), value.clone());
        }
        for (i, source) in self.sources.iter().enumerate() {
            notes.insert(format!("source {}", i + 1), source.to_string());
        }
        (content, notes)
    }
}

impl ColumnRecord {
    fn new(field: &Field) -> Self {
        Self {
            name: field.name().to_owned(),
            data_type: type_name(field.data_type()),
            unit: field.unit().map(str::to_owned),
            source: Some(field.source().to_owned()).filter(|source| source != field.name()),
            description: field.description().to_owned(),
            pii: field.is_pii(),
        }
    }

    fn data_type(&self) -> Result<DataType> {
        parse_type(&self.data_type).ok_or_else(|| {
            let known: String = self.data_type.chars().take(64).collect();
            corrupt(format!(
                "column `{}` has the unknown type `{known}`",
                self.name
            ))
        })
    }

    fn add(&self, builder: FeatureViewBuilder) -> Result<FeatureViewBuilder> {
        let mut builder = builder
            .field(&self.name, self.data_type()?)
            .describe(&self.description);
        if let Some(unit) = &self.unit {
            builder = builder.unit(unit);
        }
        if let Some(source) = &self.source {
            builder = builder.from_column(source);
        }
        Ok(if self.pii { builder.pii() } else { builder })
    }

    /// What changes values, as one text.
    fn content(&self) -> String {
        let part = |word: &str, text: &Option<String>| {
            let text = text.as_ref().map(|text| format!(" {word} {text}"));
            text.unwrap_or_default()
        };
        let (unit, source) = (part("in", &self.unit), part("from", &self.source));
        format!("{}{unit}{source}", self.data_type)
    }

    pub(super) fn described(&self) -> String {
        let personal = if self.pii { ", personal data" } else { "" };
        let description = match self.description.as_str() {
            "" => String::new(),
            text => format!(": {}", text.replace('\n', " ")),
        };
        format!("{} {}{personal}{description}", self.name, self.content())
    }
}

impl EntityRecord {
    pub(super) fn keys(&self) -> &[ColumnRecord] {
        &self.keys
    }
}

pub(super) fn corrupt(reason: String) -> Error {
    Error::BrokenCatalog {
        place: String::new(),
        reason,
    }
}
