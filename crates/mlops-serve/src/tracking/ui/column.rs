//! The columns of a table of runs: which ones there are, which are shown, and how each is named in an address.

use std::collections::BTreeMap;

use mlops_registry::RunRecord;
use mlops_report::Cell;

use super::show;

/// The most columns of one sort to choose from.
const OFFERED: usize = 60;
/// How many of each sort are shown where nobody chose.
const SHOWN: usize = 6;
/// The most that may be chosen.
const CHOSEN: usize = 40;

/// A param, a metric or a tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Metric(String),
    Param(String),
    Tag(String),
}

impl Column {
    /// Reads a column as an address has it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (sort, key) = text.split_once('.')?;
        let key = key.to_owned();
        match sort {
            "metrics" => Some(Self::Metric(key)),
            "params" => Some(Self::Param(key)),
            "tags" => Some(Self::Tag(key)),
            _ => None,
        }
    }

    /// The column as an address has it.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.sort(), self.key())
    }

    fn sort(&self) -> &'static str {
        match self {
            Self::Metric(_) => "metrics",
            Self::Param(_) => "params",
            Self::Tag(_) => "tags",
        }
    }

    /// What columns of its sort stand below.
    pub(super) fn heading(&self) -> &'static str {
        match self {
            Self::Metric(_) => "Metrics",
            Self::Param(_) => "Params",
            Self::Tag(_) => "Tags",
        }
    }

    pub(super) fn key(&self) -> &str {
        match self {
            Self::Metric(key) | Self::Param(key) | Self::Tag(key) => key,
        }
    }

    pub(super) fn is_metric(&self) -> bool {
        matches!(self, Self::Metric(_))
    }

    /// The identifier in filters and orders; none for a key that no quotes can hold.
    pub(super) fn identifier(&self) -> Option<String> {
        let quote = ['`', '"']
            .into_iter()
            .find(|quote| !self.key().contains(*quote))?;
        Some(format!("{}.{quote}{}{quote}", self.sort(), self.key()))
    }

    pub(super) fn cell(&self, run: &RunRecord) -> Cell {
        match self {
            Self::Metric(key) => run.metrics.get(key).map(|point| point.value).into(),
            Self::Param(key) => run.params.get(key).map(|value| show::short(value)).into(),
            Self::Tag(key) => run.tags.get(key).map(|value| show::short(value)).into(),
        }
    }
}

/// The columns that these runs have, each sort by its name, with those that all chose first where there are many.
pub(super) fn offered(runs: &[RunRecord]) -> Vec<Column> {
    let mut counts: [BTreeMap<&String, usize>; 3] = Default::default();
    for run in runs {
        let tags = run.tags.keys().filter(|key| !show::is_system_tag(key));
        let keys: [Vec<&String>; 3] = [
            run.metrics.keys().collect(),
            run.params.keys().collect(),
            tags.collect(),
        ];
        for (counts, keys) in counts.iter_mut().zip(keys) {
            for key in keys {
                *counts.entry(key).or_default() += 1;
            }
        }
    }
    let makers: [fn(String) -> Column; 3] = [Column::Metric, Column::Param, Column::Tag];
    let mut columns = Vec::new();
    for (counts, make) in counts.into_iter().zip(makers) {
        let mut keys: Vec<(&String, usize)> = counts.into_iter().collect();
        keys.sort_by_key(|(key, count)| (std::cmp::Reverse(*count), *key));
        keys.truncate(OFFERED);
        keys.sort_unstable_by_key(|(key, _)| *key);
        columns.extend(keys.into_iter().map(|(key, _)| make(key.clone())));
    }
    columns
}

/// The columns that were chosen, or those that tell the most: metrics, and params that are not all the same.
pub(super) fn chosen(asked: &[String], offered: &[Column], runs: &[RunRecord]) -> Vec<Column> {
    if !asked.is_empty() {
        let columns = asked.iter().filter_map(|text| Column::read(text));
        return columns.take(CHOSEN).collect();
    }
    let differs = |key: &String| {
        runs.windows(2)
            .any(|pair| pair[0].params.get(key) != pair[1].params.get(key))
    };
    let metrics = offered.iter().filter(|column| column.is_metric());
    let params = || {
        offered
            .iter()
            .filter(|column| matches!(column, Column::Param(_)))
    };
    let telling = params().filter(|column| match column {
        Column::Param(key) => differs(key),
        _ => false,
    });
    let mut columns: Vec<Column> = metrics.take(SHOWN).cloned().collect();
    columns.extend(telling.take(SHOWN).cloned());
    if columns.iter().all(Column::is_metric) {
        columns.extend(params().take(SHOWN).cloned());
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_read_as_it_is_named() {
        for column in [
            Column::Metric("val.auc".into()),
            Column::Param("a b/`c`".into()),
            Column::Tag(String::new()),
        ] {
            assert_eq!(Column::read(&column.name()), Some(column));
        }
        assert_eq!(Column::read("auc"), None);
        assert_eq!(Column::read("attributes.status"), None);
    }

    #[test]
    fn a_key_is_quoted_by_quotes_that_it_does_not_hold() {
        let identifier = |key: &str| Column::Metric(key.into()).identifier();
        assert_eq!(identifier("a b").as_deref(), Some("metrics.`a b`"));
        assert_eq!(identifier("a`b").as_deref(), Some("metrics.\"a`b\""));
        assert_eq!(identifier("a`b\""), None);
    }
}
