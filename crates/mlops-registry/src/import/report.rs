//! What an import found, what of it was new, and what has no place here.

use serde::Serialize;

/// How many notes a report holds; the rest is counted.
const NOTES: usize = 10_000;

/// How many there were, and how many of them were not here yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ImportCount {
    /// All that the source has.
    pub found: u64,
    /// Those that were written now.
    pub new: u64,
}

impl ImportCount {
    pub(super) fn add(&mut self, new: bool) {
        self.found += 1;
        self.new += u64::from(new);
    }
}

/// Something that could not be taken over as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct ImportNote {
    /// What it is about, for instance "run `0123…`".
    pub about: String,
    /// What became of it.
    pub text: String,
}

/// The outcome of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ImportReport {
    /// Experiments.
    pub experiments: ImportCount,
    /// Runs.
    pub runs: ImportCount,
    /// Points of metrics that were read.
    pub metric_points: u64,
    /// Logged models.
    pub logged_models: ImportCount,
    /// Files of runs and logged models.
    pub artifacts: ImportCount,
    /// Registered models.
    pub models: ImportCount,
    /// Versions of registered models, tombstones left out.
    pub versions: ImportCount,
    /// What could not be taken over as it was, in the order in which it was met.
    pub notes: Vec<ImportNote>,
    /// How many notes there were beyond those.
    pub notes_left_out: u64,
}

impl ImportReport {
    /// Whether anything was written that a later import would find.
    pub fn is_news(&self) -> bool {
        let counts = [
            self.experiments,
            self.runs,
            self.logged_models,
            self.artifacts,
            self.models,
            self.versions,
        ];
        counts.iter().any(|count| count.new > 0)
    }

    pub(super) fn note(&mut self, about: impl Into<String>, text: impl Into<String>) {
        if self.notes.len() >= NOTES {
            self.notes_left_out += 1;
            return;
        }
        self.notes.push(ImportNote {
            about: about.into(),
            text: text.into(),
        });
    }
}
