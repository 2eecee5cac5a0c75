//! What is registered: one of our packages, a tree of artifacts, or the place where somebody else keeps a model.

use std::{collections::BTreeMap, fmt, str::FromStr};

use mlops_core::{Digest, Lineage, ModelName, VersionNumber};
use mlops_model::ModelPackage;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result, RunId,
    error::cut,
    key::{PROSE_LIMIT, REGISTRY_TAG_LIMIT, check_key, check_length},
};

/// The longest source, in characters.
const SOURCE_LIMIT: usize = 4_096;
/// The most tags of a version or a model.
pub(crate) const TAGS: usize = 1_000;

/// What a version consists of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A package of ours, whose files lie in the artifact store.
    #[default]
    Package,
    /// A tree of artifacts in the store, by the digest of its manifest.
    Tree,
    /// A place, by its text alone; the registry never goes there.
    Source,
}

impl Content {
    /// The content as the database and JSON have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Tree => "tree",
            Self::Source => "source",
        }
    }

    pub(crate) fn read(text: &str) -> Result<Self> {
        [Self::Package, Self::Tree, Self::Source]
            .into_iter()
            .find(|content| content.as_str() == text)
            .ok_or_else(|| Error::Stored {
                what: "content",
                reason: format!("`{}` is none", cut(text)),
            })
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the content of a version is complete; the words are MLflow's.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
pub enum VersionStatus {
    /// Its content is still being written.
    #[serde(rename = "PENDING_REGISTRATION")]
    Pending,
    /// It is complete.
    #[default]
    #[serde(rename = "READY")]
    Ready,
    /// It was given up.
    #[serde(rename = "FAILED_REGISTRATION")]
    Failed,
}

impl VersionStatus {
    /// The status as the database and MLflow have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING_REGISTRATION",
            Self::Ready => "READY",
            Self::Failed => "FAILED_REGISTRATION",
        }
    }
}

impl fmt::Display for VersionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for VersionStatus {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        [Self::Pending, Self::Ready, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Error::InvalidKey {
                kind: "status",
                key: cut(text),
                reason: "the statuses are PENDING_REGISTRATION, READY and FAILED_REGISTRATION",
            })
    }
}

/// The version that another was made from, for instance by training on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ParentVersion {
    /// The model.
    pub model: ModelName,
    /// Its version.
    pub version: VersionNumber,
}

/// A version before it has a number; see [`RegisteredModel::register_version`](crate::RegisteredModel::register_version).
///
/// ```
/// use mlops_registry::{NewVersion, Registry};
///
/// let model = Registry::memory()?.model("churn")?;
/// let foreign = NewVersion::source("runs:/0123456789abcdef0123456789abcdef/model").tag("team", "growth");
/// assert_eq!(model.register_version(foreign)?.version, 1);
/// # Ok::<(), mlops_registry::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct NewVersion<'a> {
    pub(crate) content: NewContent<'a>,
    pub(crate) source: Option<String>,
    pub(crate) run: Option<RunId>,
    pub(crate) logged_model: Option<String>,
    pub(crate) lineage: Lineage,
    pub(crate) parent: Option<ParentVersion>,
    pub(crate) description: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) status: VersionStatus,
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum NewContent<'a> {
    Package(&'a ModelPackage),
    Tree(Digest),
    Source,
}

impl<'a> NewVersion<'a> {
    fn new(content: NewContent<'a>, source: Option<String>) -> Self {
        Self {
            content,
            source,
            run: None,
            logged_model: None,
            lineage: Lineage::default(),
            parent: None,
            description: String::new(),
            tags: BTreeMap::new(),
            status: VersionStatus::Ready,
            reason: None,
        }
    }

    /// One of our packages; its files are kept in the artifact store.
    pub fn package(package: &'a ModelPackage) -> Self {
        Self::new(NewContent::Package(package), None)
    }

    /// A tree of artifacts whose manifest lies in the artifact store.
    pub fn tree(manifest: Digest) -> Self {
        Self::new(NewContent::Tree(manifest), None)
    }

    /// A place that others know how to read, for instance `runs:/…/model`. It is kept as a text and never opened.
    pub fn source(source: impl Into<String>) -> Self {
        Self::new(NewContent::Source, Some(source.into()))
    }

    /// Where a package or a tree came from.
    pub fn from_source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The run that made it.
    pub fn run(mut self, run: RunId) -> Self {
        self.run = Some(run);
        self
    }

    /// The logged model that it is registered from, as MLflow names it.
    pub fn logged_model(mut self, id: impl Into<String>) -> Self {
        self.logged_model = Some(id.into());
        self
    }

    /// The data, features and code that it came from.
    pub fn lineage(mut self, lineage: Lineage) -> Self {
        self.lineage = lineage;
        self
    }

    /// The version that it was made from.
    pub fn parent(mut self, model: ModelName, version: VersionNumber) -> Self {
        self.parent = Some(ParentVersion { model, version });
        self
    }

    /// What there is to say about it.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// A tag; a key that is given twice has the later value.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Whether its content is complete; `READY` by default.
    pub fn status(mut self, status: VersionStatus) -> Self {
        self.status = status;
        self
    }

    /// Why it is registered, for the audit trail; the description by default.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        check_length("the description", &self.description, PROSE_LIMIT)?;
        check_length("the reason", self.why(), PROSE_LIMIT)?;
        if let Some(source) = &self.source {
            check_line("source", source, SOURCE_LIMIT)?;
        }
        if let Some(id) = &self.logged_model {
            check_line("logged model", id, 256)?;
        }
        check_tags(&self.tags)
    }

    pub(crate) fn why(&self) -> &str {
        self.reason.as_deref().unwrap_or(&self.description)
    }
}

/// Checks the tags of a version or a model.
pub(crate) fn check_tags(tags: &BTreeMap<String, String>) -> Result<()> {
    if tags.len() > TAGS {
        return Err(Error::TooMany {
            what: "tags",
            found: tags.len(),
            limit: TAGS,
        });
    }
    tags.iter()
        .try_for_each(|(key, value)| check_tag(key, value))
}

/// Checks one tag.
pub(crate) fn check_tag(key: &str, value: &str) -> Result<()> {
    check_key("tag", key)?;
    check_length(format!("tag `{key}`"), value, REGISTRY_TAG_LIMIT)
}

fn check_line(kind: &'static str, text: &str, limit: usize) -> Result<()> {
    let reason = if text.trim().is_empty() {
        "it is empty"
    } else if text.chars().any(char::is_control) {
        "it holds a control character"
    } else {
        return check_length(format!("the {kind}"), text, limit);
    };
    Err(Error::InvalidKey {
        kind,
        key: cut(text),
        reason,
    })
}
