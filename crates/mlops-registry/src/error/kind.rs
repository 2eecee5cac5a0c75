//! What a caller can do about each error.

use mlops_core::ErrorKind;

use super::Error;

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Core(error) => error.kind(),
            Self::Governance(error) => error.kind(),
            Self::Tracking(error) => error.kind(),
            Self::Import(error) => error.kind(),
            Self::Mlflow(error) => error.kind(),
            Self::InvalidUrl { .. }
            | Self::InvalidKey { .. }
            | Self::TooLong { .. }
            | Self::InvalidReference { .. }
            | Self::InvalidStatus { .. }
            | Self::InvalidGate { .. }
            | Self::InvalidSignature { .. }
            | Self::TooMany { .. }
            | Self::ReservedName { .. }
            | Self::InvalidEvidence { .. } => ErrorKind::Invalid,
            Self::NoPackage { .. }
            | Self::Unsupported { .. }
            | Self::UnsupportedUrl { .. }
            | Self::SecretKey { .. }
            | Self::SchemaTooNew { .. } => ErrorKind::Unsupported,
            Self::UnknownExperiment { .. }
            | Self::UnknownRun { .. }
            | Self::UnknownMetric { .. }
            | Self::UnknownArtifact { .. }
            | Self::UnknownModel { .. }
            | Self::UnknownWebhook { .. }
            | Self::UnknownVersion { .. }
            | Self::UnknownTree { .. }
            | Self::UnknownAlias { .. } => ErrorKind::NotFound,
            Self::ParamConflict { .. }
            | Self::ArtifactConflict { .. }
            | Self::RunEnded { .. }
            | Self::IllegalTransition { .. }
            | Self::StaleEvidence { .. }
            | Self::ModelExists { .. }
            | Self::InUse { .. }
            | Self::AlreadyInProduction { .. } => ErrorKind::Conflict,
            Self::ReservedAlias { .. }
            | Self::AnchorUntrusted { .. }
            | Self::GateRefused { .. } => ErrorKind::Denied,
            Self::Artifact { source, .. } | Self::RunArtifact { source, .. } => {
                // a registered artifact that is gone is damage, not a question of a wrong name
                match source.kind() {
                    ErrorKind::NotFound => ErrorKind::Corrupt,
                    kind => kind,
                }
            }
            Self::NotKept { source, .. }
            | Self::Log { source, .. }
            | Self::Artifacts { source, .. } => source.kind(),
            Self::Package { source, .. } => match source.kind() {
                // a newer format is not damage
                ErrorKind::Unsupported => ErrorKind::Unsupported,
                _ => ErrorKind::Corrupt,
            },
            Self::PackageMismatch { .. }
            | Self::AnchorBroken { .. }
            | Self::AuditBroken { .. }
            | Self::AuditDisagrees { .. }
            | Self::NotARegistry { .. }
            | Self::Stored { .. } => ErrorKind::Corrupt,
            Self::Directory { .. }
            | Self::Export { .. }
            | Self::Contended { .. }
            | Self::Flush { .. }
            | Self::Busy { .. } => ErrorKind::Unavailable,
            Self::Open { source, .. } | Self::Database { source, .. } => source.kind(),
        }
    }
}
