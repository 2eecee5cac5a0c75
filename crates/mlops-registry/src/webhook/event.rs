//! What webhooks can be told of.

use serde::{Deserialize, Serialize};

/// A change that webhooks can be told of, as MLflow's clients name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WebhookEvent {
    /// A model was made.
    RegisteredModelCreated,
    /// A version was registered.
    ModelVersionCreated,
    /// A tag of a version was set.
    ModelVersionTagSet,
    /// A tag of a version was taken away.
    ModelVersionTagDeleted,
    /// An alias was pointed at a version.
    ModelVersionAliasCreated,
    /// An alias was taken away.
    ModelVersionAliasDeleted,
}

impl WebhookEvent {
    /// All events.
    pub const ALL: [Self; 6] = [
        Self::RegisteredModelCreated,
        Self::ModelVersionCreated,
        Self::ModelVersionTagSet,
        Self::ModelVersionTagDeleted,
        Self::ModelVersionAliasCreated,
        Self::ModelVersionAliasDeleted,
    ];

    /// What changed, for instance `model_version_tag`.
    pub fn entity(self) -> &'static str {
        match self {
            Self::RegisteredModelCreated => "registered_model",
            Self::ModelVersionCreated => "model_version",
            Self::ModelVersionTagSet | Self::ModelVersionTagDeleted => "model_version_tag",
            Self::ModelVersionAliasCreated | Self::ModelVersionAliasDeleted => {
                "model_version_alias"
            }
        }
    }

    /// What happened to it, for instance `created`.
    pub fn action(self) -> &'static str {
        match self {
            Self::RegisteredModelCreated
            | Self::ModelVersionCreated
            | Self::ModelVersionAliasCreated => "created",
            Self::ModelVersionTagSet => "set",
            Self::ModelVersionTagDeleted | Self::ModelVersionAliasDeleted => "deleted",
        }
    }

    /// The event of that entity and action, if there is one.
    pub fn find(entity: &str, action: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|event| event.entity() == entity && event.action() == action)
    }

    /// The text under which the database has it.
    pub(super) fn stored(self) -> String {
        format!("{}.{}", self.entity(), self.action())
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let (entity, action) = text.split_once('.')?;
        Self::find(entity, action)
    }
}
