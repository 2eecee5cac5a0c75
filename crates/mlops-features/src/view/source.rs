//! Where the rows of a view come from.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where the rows of a view come from: a description for people and for lineage, not an open file.
///
/// ```
/// use mlops_features::ViewSource;
///
/// let source = ViewSource::batch("s3://lake/invoices", "parquet");
/// assert_eq!(source.name(), "s3://lake/invoices");
/// assert_eq!(ViewSource::from_url("events.csv.gz").to_string(), "batch events.csv.gz (csv)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
#[non_exhaustive]
pub enum ViewSource {
    /// Files that are read from time to time.
    Batch {
        /// A path or URL.
        path: String,
        /// How they are written, for instance `parquet`.
        format: String,
    },
    /// Rows that are sent as they happen; several views may share one.
    Push {
        /// The name that rows are sent under.
        name: String,
    },
    /// Values that come with each request and are never stored.
    Request {
        /// The name of the request.
        name: String,
    },
}

impl ViewSource {
    /// Files at a path or URL.
    pub fn batch(path: impl Into<String>, format: impl Into<String>) -> Self {
        Self::Batch {
            path: path.into(),
            format: format.into(),
        }
    }

    /// Rows that are sent under a name.
    pub fn push(name: impl Into<String>) -> Self {
        Self::Push { name: name.into() }
    }

    /// Values that come with each request.
    pub fn request(name: impl Into<String>) -> Self {
        Self::Request { name: name.into() }
    }

    /// Reads `push:NAME` and `request:NAME`; anything else is a path or URL of files, whose ending says how they are
    /// written.
    pub fn from_url(text: &str) -> Self {
        if let Some(name) = text.strip_prefix("push:") {
            return Self::push(name);
        }
        if let Some(name) = text.strip_prefix("request:") {
            return Self::request(name);
        }
        let plain = text.trim_end_matches(".gz").trim_end_matches(".zst");
        let file = plain.rsplit(['/', '\\']).next().unwrap_or(plain);
        let format = match file.rsplit_once('.') {
            Some((_, "jsonl" | "ndjson")) => "jsonl",
            Some((_, "arrow" | "ipc" | "feather")) => "arrow",
            Some((_, "csv" | "tsv")) => "csv",
            _ => "parquet",
        };
        Self::batch(text, format)
    }

    /// The path, URL or name.
    pub fn name(&self) -> &str {
        match self {
            Self::Batch { path, .. } => path,
            Self::Push { name } | Self::Request { name } => name,
        }
    }
}

impl fmt::Display for ViewSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch { path, format } => write!(f, "batch {path} ({format})"),
            Self::Push { name } => write!(f, "push {name}"),
            Self::Request { name } => write!(f, "request {name}"),
        }
    }
}
