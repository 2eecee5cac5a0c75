//! What a caller can do about an error.

use mlops_core::ErrorKind;

use super::Error;

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Core(error) => error.kind(),
            Self::Store(source) | Self::Object { source, .. } => source.kind(),
            Self::MissingFile { .. }
            | Self::EmptyDirectory { .. }
            | Self::MissingColumn { .. }
            | Self::ContractColumn { .. }
            | Self::UnknownView { .. }
            | Self::UnknownSource { .. }
            | Self::UnknownFeature { .. }
            | Self::MissingRequest { .. }
            | Self::NotInCatalog { .. }
            | Self::UnknownField { .. } => ErrorKind::NotFound,
            Self::AccessDenied { .. } | Self::MissingKey { .. } => ErrorKind::Denied,
            Self::Read { .. }
            | Self::Random
            | Self::Write { .. }
            | Self::Changed { .. }
            | Self::OnlineStore { .. }
            | Self::File { .. } => ErrorKind::Unavailable,
            Self::OnlineContention { .. }
            | Self::Materializing { .. }
            | Self::StoreLocked { .. }
            | Self::DuplicateSource { .. }
            | Self::DuplicateView { .. }
            | Self::NameCollision { .. }
            | Self::ForeignView { .. } => ErrorKind::Conflict,
            Self::NoOnlineStore { .. } | Self::ColumnTooLarge { .. } => ErrorKind::Unsupported,
            Self::OnlineState { .. }
            | Self::Ledger { .. }
            | Self::DamagedFile { .. }
            | Self::BrokenGzip { .. }
            | Self::BrokenParquet { .. }
            | Self::BrokenIpc { .. }
            | Self::BrokenText { .. }
            | Self::BrokenState { .. }
            | Self::Undecryptable { .. }
            | Self::BrokenCatalog { .. } => ErrorKind::Corrupt,
            Self::Arrow { .. } => ErrorKind::Internal,
            _ => ErrorKind::Invalid,
        }
    }
}
