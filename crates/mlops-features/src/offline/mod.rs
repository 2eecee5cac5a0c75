//! A directory that holds the events of a feature store: segments in Parquet and a log of pushes.
//!
//! ```text
//! LOCK · MANIFEST.json · segments/<view>-<number>.parquet · log/<number>.log
//! ```
//!
//! A push is a record of the log; a bulk load is a segment of its own. Compaction writes what the log
//! holds as segments and then replaces the manifest in one step: after a crash the directory is as before
//! or as after, and files that no manifest names are removed when it is opened.

mod directory;
mod log;
mod manifest;
mod packed;
mod record;
mod rows;
mod segment;

use serde::Serialize;

pub(crate) use directory::Directory;
pub(crate) use rows::StoredRows;

/// What an acknowledged push survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The loss of power: a push waits for the disk, together with all others that are waiting.
    #[default]
    Disk,
    /// The end of the process, however sudden, but not of the machine: a push waits for no disk.
    Process,
}

/// Where pushed rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Into the history that training sets are made from.
    Offline,
    /// Into the online store alone; the history never has them.
    Online,
    /// Into both.
    Both,
}

impl Target {
    /// Whether it includes the history.
    pub fn offline(self) -> bool {
        self != Self::Online
    }

    /// Whether it includes the online store.
    pub fn online(self) -> bool {
        self != Self::Offline
    }

    fn code(self) -> i8 {
        match self {
            Self::Offline => 1,
            Self::Online => 2,
            Self::Both => 3,
        }
    }

    fn of_code(code: i8) -> Option<Self> {
        [Self::Offline, Self::Online, Self::Both]
            .into_iter()
            .find(|target| target.code() == code)
    }
}
