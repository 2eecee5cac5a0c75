//! The stored form of a service: what it computes from which version of which view, for people and lineage.

use std::collections::BTreeMap;

use mlops_core::{Digest, EventTime, FeatureName, ServiceName, Span, VersionNumber, ViewName};
use serde::{Deserialize, Serialize};

use crate::{Feature, FeatureService, transform::Transform, view::type_name};

/// One feature of a service as the catalog describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureEntry {
    /// Its name.
    pub name: FeatureName,
    /// The view that it reads.
    pub view: ViewName,
    /// The version of the view, by content.
    pub view_digest: Digest,
    /// The fields that it reads; none if it is about events as such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// What it computes, for instance `sum`.
    pub function: String,
    /// The window that it looks back over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
    /// The columns of a spine that it joins on.
    pub join_on: Vec<String>,
    /// The type of its values, for instance `double`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// The identity of its definition.
    pub digest: Digest,
}

/// One transform of a service as the catalog describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformEntry {
    /// Its name.
    pub name: FeatureName,
    /// The expression as text.
    pub expression: String,
    /// The features that it rests on, through other transforms as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<FeatureName>,
    /// Whether it serves other transforms only.
    #[serde(default)]
    pub hidden: bool,
    /// The identity of its definition.
    pub digest: Digest,
}

/// One version of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceEntry {
    /// Its name.
    pub name: ServiceName,
    /// The number of the version; in a file its place says it.
    #[serde(skip)]
    pub version: VersionNumber,
    /// Its features in order.
    pub features: Vec<FeatureEntry>,
    /// Its transforms in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<TransformEntry>,
    /// The identity of the definition, transforms included.
    pub digest: Digest,
    /// When it was applied first.
    pub applied_at: EventTime,
    /// Why it should not be used any more, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
}

impl FeatureEntry {
    fn new(feature: &Feature) -> Self {
        Self {
            name: feature.name().clone(),
            view: feature.view().name().clone(),
            view_digest: feature.view().digest(),
            fields: feature.reads().into_iter().map(str::to_owned).collect(),
            function: feature.function().label(),
            window: feature.window(),
            join_on: feature.join_on().to_vec(),
            data_type: type_name(&feature.data_type()),
            digest: feature.digest(),
        }
    }

    /// One line for people, for instance `sum of purchase.amount over 30d`.
    pub fn summary(&self) -> String {
        let subject = match self.fields.as_slice() {
            [] => self.view.to_string(),
            fields => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|field| format!("{}.{field}", self.view))
                    .collect();
                fields.join(" and ")
            }
        };
        let window = self.window.map(|window| format!(" over {window}"));
        let window = window.unwrap_or_default();
        format!("{} of {subject}{window}", self.function.replace('_', " "))
    }
}

impl TransformEntry {
    fn new(transform: &Transform, service: &FeatureService) -> Self {
        let features = transform.rests_on.iter();
        Self {
            name: transform.name().clone(),
            expression: transform.expr().to_string(),
            features: features
                .map(|at| service.features()[*at].name().clone())
                .collect(),
            hidden: transform.is_hidden(),
            digest: transform.digest(),
        }
    }
}

impl ServiceEntry {
    pub(super) fn new(service: &FeatureService, applied_at: EventTime) -> Self {
        Self {
            name: service.name().clone(),
            version: 0,
            features: service.features().iter().map(FeatureEntry::new).collect(),
            transforms: (service.transforms().iter())
                .map(|transform| TransformEntry::new(transform, service))
                .collect(),
            digest: service.digest(),
            applied_at,
            deprecated: None,
        }
    }

    /// Each setting by name, for comparison.
    pub(super) fn settings(&self) -> BTreeMap<String, String> {
        let features = self.features.iter().map(|feature| {
            let text = format!(
                "{} as {}, by {}, of view {} and definition {}",
                feature.summary(),
                feature.data_type,
                feature.join_on.join(", "),
                feature.view_digest.short(),
                feature.digest.short()
            );
            (format!("feature {}", feature.name), text)
        });
        let names: Vec<&str> = self.features.iter().map(|f| f.name.as_str()).collect();
        let order = ("features".to_owned(), names.join(", "));
        let transforms = self.transforms.iter().map(|transform| {
            let hidden = if transform.hidden { ", hidden" } else { "" };
            let text = format!("{}{hidden}", transform.expression);
            (format!("transform {}", transform.name), text)
        });
        let settings = features.chain([order]).chain(transforms);
        let mut settings: BTreeMap<String, String> = settings.collect();
        // the order of transforms, request data and whatever else a service may have
        settings.insert("definition".to_owned(), self.digest.short());
        settings
    }
}
