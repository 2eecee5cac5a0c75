//! The catalog as people read it.

use std::fmt;

use mlops_core::{EventTime, VersionNumber};
use serde::Serialize;

use super::{
    record::{ColumnRecord, ViewRecord},
    state::State,
};

/// Every definition in force and every training set: prints as text, serialises as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing {
    views: Vec<ViewLines>,
    services: Vec<ServiceLines>,
    training_sets: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ViewLines {
    name: String,
    version: VersionNumber,
    versions: usize,
    applied_at: EventTime,
    deprecated: Option<String>,
    owner: String,
    description: String,
    tags: Vec<String>,
    sources: Vec<String>,
    entity: String,
    keys: Vec<String>,
    fields: Vec<String>,
    time: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ServiceLines {
    name: String,
    version: VersionNumber,
    versions: usize,
    applied_at: EventTime,
    deprecated: Option<String>,
    features: Vec<String>,
    transforms: Vec<String>,
}

impl Listing {
    pub(super) fn new(state: &State) -> Self {
        let views = state.views.values().filter_map(|history| {
            let view = history.get(history.current)?;
            Some(ViewLines::new(
                view,
                history.current,
                history.versions.len(),
            ))
        });
        let services = state.services.values().filter_map(|history| {
            let service = history.get(history.current)?;
            let features = service.features.iter();
            Some(ServiceLines {
                name: service.name.to_string(),
                version: history.current,
                versions: history.versions.len(),
                applied_at: service.applied_at,
                deprecated: service.deprecated.clone(),
                features: features
                    .map(|feature| format!("{}: {}", feature.name, feature.summary()))
                    .collect(),
                transforms: (service.transforms.iter())
                    .map(|transform| format!("{}: {}", transform.name, transform.expression))
                    .collect(),
            })
        });
        let mut training_sets: Vec<String> = state
            .training_sets
            .values()
            .map(|set| {
                let version = state.service_version(&set.service, set.service_digest);
                let version = version.map(|version| format!("@v{version}"));
                format!(
                    "{} ({}): {} rows of {}{}, {} to {}",
                    set.name,
                    set.digest.short(),
                    set.rows,
                    set.service,
                    version.unwrap_or_default(),
                    set.first,
                    set.last
                )
            })
            .collect();
        training_sets.sort_unstable();
        Self {
            views: views.collect(),
            services: services.collect(),
            training_sets,
        }
    }
}

impl ViewLines {
    fn new(view: &ViewRecord, version: VersionNumber, versions: usize) -> Self {
        let (content, _) = view.settings();
        let setting = |name: &str| content.get(name).map_or("", String::as_str);
        let valid = match setting("ttl") {
            "" => String::new(),
            ttl => format!(", valid for {ttl}"),
        };
        let created = match setting("created time") {
            "" => String::new(),
            created => format!(", created {created}, cutoff {}", setting("cutoff")),
        };
        let (at, boundary) = (setting("event time"), setting("boundary"));
        let described =
            |columns: &[ColumnRecord]| columns.iter().map(ColumnRecord::described).collect();
        Self {
            name: view.name.clone(),
            version,
            versions,
            applied_at: view.applied_at,
            deprecated: view.deprecated.clone(),
            owner: view.owner.clone(),
            description: view.description.clone(),
            tags: (view.tags.iter())
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
            sources: view.sources.iter().map(ToString::to_string).collect(),
            entity: view.entity.name.clone(),
            keys: described(view.entity.keys()),
            fields: described(&view.fields),
            time: format!("{at} {boundary}{valid}{created}"),
        }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for view in &self.views {
            head(f, "view", &view.name, view.version, view.versions)?;
            line(
                f,
                "deprecated",
                view.deprecated.as_deref().unwrap_or_default(),
            )?;
            line(f, "owner", &view.owner)?;
            line(f, "description", &view.description.replace('\n', " "))?;
            line(f, "tags", &view.tags.join(", "))?;
            line(f, "sources", &view.sources.join(", "))?;
            line(f, "entity", &view.entity)?;
            line(f, "time", &view.time)?;
            view.keys.iter().try_for_each(|key| line(f, "key", key))?;
            view.fields
                .iter()
                .try_for_each(|field| line(f, "field", field))?;
        }
        for service in &self.services {
            head(
                f,
                "service",
                &service.name,
                service.version,
                service.versions,
            )?;
            line(
                f,
                "deprecated",
                service.deprecated.as_deref().unwrap_or_default(),
            )?;
            let mut features = service.features.iter();
            features.try_for_each(|feature| line(f, "feature", feature))?;
            let mut transforms = service.transforms.iter();
            transforms.try_for_each(|transform| line(f, "transform", transform))?;
        }
        let mut sets = self.training_sets.iter();
        sets.try_for_each(|set| writeln!(f, "training set {set}"))
    }
}

fn head(
    f: &mut fmt::Formatter<'_>,
    sort: &str,
    name: &str,
    version: VersionNumber,
    versions: usize,
) -> fmt::Result {
    writeln!(f, "{sort} {name}@v{version} of {versions}")
}

fn line(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    if text.is_empty() {
        return Ok(());
    }
    writeln!(f, "  {label}: {text}")
}
