//! The rows that were not taken: how many, why, and which.
//!
//! Counts are always complete. The list of single rows is bounded, so that a file in which every row is bad
//! costs no more memory than one in which a few are.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// How many rejected rows are listed one by one unless a source is told otherwise.
pub(crate) const DEFAULT_LIMIT: usize = 10_000;

/// How many characters of a rejected value are kept.
const VALUE_LENGTH: usize = 80;

/// Why a row was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RejectionKind {
    /// The row has more or fewer fields than the header.
    FieldCount,
    /// A value is empty or null where one is required.
    Missing,
    /// A text is not UTF-8.
    NotUtf8,
    /// A value is no number.
    NotNumber,
    /// A number is not whole where a whole one is required.
    NotWhole,
    /// A number is NaN or infinite.
    NotFinite,
    /// A number or an instant does not fit its type exactly.
    OutOfRange,
    /// A value is neither true nor false.
    NotBool,
    /// A text is not a time in the stated format.
    NotTime,
    /// A local time exists twice, because clocks were set back.
    AmbiguousTime,
    /// A local time does not exist, because clocks were set forward.
    NonexistentTime,
    /// A line is no JSON object.
    NotJson,
    /// A key that is read stands in an object twice.
    DuplicateKey,
    /// A value is of a type that cannot become what the schema asks for.
    WrongType,
    /// A line is longer than the limit.
    TooLong,
    /// An expectation of a contract does not hold for the row.
    Expectation,
}

impl fmt::Display for RejectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FieldCount => "wrong number of fields",
            Self::Missing => "missing",
            Self::NotUtf8 => "not UTF-8",
            Self::NotNumber => "not a number",
            Self::NotWhole => "not a whole number",
            Self::NotFinite => "not finite",
            Self::OutOfRange => "out of range",
            Self::NotBool => "neither true nor false",
            Self::NotTime => "not a time",
            Self::AmbiguousTime => "ambiguous local time",
            Self::NonexistentTime => "nonexistent local time",
            Self::NotJson => "not a JSON object",
            Self::DuplicateKey => "key twice",
            Self::WrongType => "wrong type",
            Self::TooLong => "too long",
            Self::Expectation => "expectation not met",
        })
    }
}

/// One row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The data row, counted from 1; a header line does not count.
    pub row: u64,
    /// The column in the source; `None` if the row as a whole is at fault.
    pub column: Option<String>,
    /// The value that was found, cut to 80 characters; empty for a missing one.
    pub value: String,
    /// The sort of fault.
    pub kind: RejectionKind,
    /// The fault in words.
    pub reason: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}", self.row)?;
        if let Some(column) = &self.column {
            write!(f, ", column `{column}`")?;
        }
        if !self.value.is_empty() {
            write!(f, ", `{}`", self.value)?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// How many rows have one sort of fault in one column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RejectionCount {
    /// The column in the source; `None` if the row as a whole is at fault.
    pub column: Option<String>,
    /// The sort of fault.
    pub kind: RejectionKind,
    /// The rows that have it.
    pub rows: u64,
}

/// All rows that were not taken: counted in full, listed up to a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejections {
    total: u64,
    #[serde(with = "counts_as_list")]
    counts: BTreeMap<(Option<String>, RejectionKind), u64>,
    rows: Vec<Rejected>,
    limit: usize,
}

impl Default for Rejections {
    fn default() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }
}

impl Rejections {
    pub(crate) fn with_limit(limit: usize) -> Self {
        Self {
            total: 0,
            counts: BTreeMap::new(),
            rows: Vec::new(),
            limit,
        }
    }

    /// The number of rows that were not taken, listed or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether every row was taken.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The rows in the order they were met, up to the limit of the source.
    pub fn rows(&self) -> &[Rejected] {
        &self.rows
    }

    /// Whether every rejected row is listed in [`Rejections::rows`].
    pub fn is_complete(&self) -> bool {
        self.rows.len() as u64 == self.total
    }

    /// Complete counts by column and fault, in order.
    ///
    /// A source stops at the first fault of a row, so there the counts add up to
    /// [`Rejections::total`]; a contract checks everything and may count a row more than once.
    pub fn counts(&self) -> Vec<RejectionCount> {
        list(&self.counts)
    }

    /// The rows with one sort of fault in one column.
    pub fn count_of(&self, column: &str, kind: RejectionKind) -> u64 {
        let key = (Some(column.to_owned()), kind);
        self.counts.get(&key).copied().unwrap_or_default()
    }

    /// Lists a row with its one fault.
    pub(crate) fn push(&mut self, row: u64, column: Option<&str>, value: &str, fault: Fault) {
        self.count(column, fault.kind);
        self.list(row, column, value, fault);
    }

    /// Adds those of a later part of the same source.
    pub(crate) fn absorb(&mut self, later: Self) {
        self.total += later.total;
        for (key, rows) in later.counts {
            *self.counts.entry(key).or_default() += rows;
        }
        let room = self.limit.saturating_sub(self.rows.len());
        self.rows.extend(later.rows.into_iter().take(room));
    }

    /// Adds to the counts by column and fault alone.
    pub(crate) fn count(&mut self, column: Option<&str>, kind: RejectionKind) {
        *self
            .counts
            .entry((column.map(str::to_owned), kind))
            .or_default() += 1;
    }

    /// Adds a row to the total, and to the list while there is room.
    pub(crate) fn list(&mut self, row: u64, column: Option<&str>, value: &str, fault: Fault) {
        self.total += 1;
        if self.rows.len() < self.limit {
            self.rows.push(Rejected {
                row,
                column: column.map(str::to_owned),
                value: shortened(value),
                kind: fault.kind,
                reason: fault.reason.into_owned(),
            });
        }
    }
}

impl fmt::Display for Rejections {
    /// One line for people: `135080 rows rejected (135080 `CustomerID` missing)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows rejected", self.total)?;
        for (i, count) in self.counts().iter().enumerate() {
            f.write_str(if i == 0 { " (" } else { ", " })?;
            let column = count.column.as_deref().unwrap_or("row");
            write!(f, "{} `{column}` {}", count.rows, count.kind)?;
        }
        f.write_str(if self.counts.is_empty() { "" } else { ")" })
    }
}

/// A value as it is shown in an account of what is wrong: its first 80 characters.
pub(crate) fn shortened(value: &str) -> String {
    value.chars().take(VALUE_LENGTH).collect()
}

/// What is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: RejectionKind,
    pub(crate) reason: Cow<'static, str>,
}

impl Fault {
    pub(crate) fn new(kind: RejectionKind, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            reason: reason.into(),
        }
    }

    pub(crate) fn missing() -> Self {
        Self::new(
            RejectionKind::Missing,
            "a value is required and none is there",
        )
    }
}

fn list(counts: &BTreeMap<(Option<String>, RejectionKind), u64>) -> Vec<RejectionCount> {
    counts
        .iter()
        .map(|((column, kind), rows)| RejectionCount {
            column: column.clone(),
            kind: *kind,
            rows: *rows,
        })
        .collect()
}

/// JSON has no maps with compound keys.
mod counts_as_list {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{RejectionCount, RejectionKind, list};

    type Counts = BTreeMap<(Option<String>, RejectionKind), u64>;

    pub(super) fn serialize<S: Serializer>(counts: &Counts, to: S) -> Result<S::Ok, S::Error> {
        list(counts).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Counts, D::Error> {
        let counts = Vec::<RejectionCount>::deserialize(from)?;
        Ok(counts
            .into_iter()
            .map(|c| ((c.column, c.kind), c.rows))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejections(rows: u64, limit: usize) -> Rejections {
        let mut rejections = Rejections::with_limit(limit);
        for row in 1..=rows {
            let fault = Fault::new(RejectionKind::NotWhole, "0.5 is not a whole number");
            rejections.push(row, Some("Quantity"), &"x".repeat(100), fault);
        }
        rejections
    }

    #[test]
    fn the_list_is_bounded_and_the_counts_are_not() {
        let bounded = rejections(25, 10);
        assert_eq!((bounded.total(), bounded.rows().len()), (25, 10));
        assert_eq!(bounded.count_of("Quantity", RejectionKind::NotWhole), 25);
        assert!(!bounded.is_complete() && rejections(10, 10).is_complete());
        assert_eq!(bounded.rows()[0].value.len(), VALUE_LENGTH);
    }

    #[test]
    fn rejections_survive_json() {
        let before = rejections(3, 2);
        let json = serde_json::to_string(&before).unwrap();
        assert_eq!(serde_json::from_str::<Rejections>(&json).unwrap(), before);
    }

    #[test]
    fn people_can_read_them() {
        let some = rejections(2, 2);
        assert_eq!(
            some.to_string(),
            "2 rows rejected (2 `Quantity` not a whole number)"
        );
        assert!(
            some.rows()[0]
                .to_string()
                .starts_with("row 1, column `Quantity`, `xxx")
        );
        assert_eq!(Rejections::default().to_string(), "0 rows rejected");
    }
}
