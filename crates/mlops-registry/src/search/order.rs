//! Orderings: which values results are ordered by, and where NaN and what is missing come.

use std::{cmp::Ordering, collections::BTreeSet};

use super::{
    clause::Entity,
    grammar::{Searchable, invalid, resolve},
    scan::Scanner,
    token::Value,
};
use crate::{Result, TrackingError, limits};

/// One value that results are ordered by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OrderKey {
    pub(crate) entity: Entity,
    pub(crate) key: String,
    pub(crate) ascending: bool,
}

/// An ordering that was read and checked for one search, with the ties broken.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered {
    pub(crate) searched: Searchable,
    pub(crate) keys: Vec<OrderKey>,
}

impl Ordered {
    /// Reads orderings of MLflow's grammar: `identifier`, `identifier ASC` or `identifier DESC`. Without
    /// any, each search has its own order; ties are broken as MLflow breaks them.
    ///
    /// # Errors
    /// [`TrackingError::InvalidSearch`] if one does not parse, names what this search cannot be ordered
    /// by, or (but for experiments) names the same value twice; [`TrackingError::TooMany`].
    pub fn parse(searched: Searchable, orderings: &[impl AsRef<str>]) -> Result<Self> {
        if orderings.len() > limits::ORDERINGS {
            return Err(TrackingError::TooMany {
                what: "orderings",
                count: orderings.len(),
                limit: limits::ORDERINGS,
            }
            .into());
        }
        let mut keys: Vec<OrderKey> = Vec::new();
        let mut seen = BTreeSet::new();
        for text in orderings {
            let text = text.as_ref();
            let key = read(searched, text).map_err(|reason| invalid("ordering", text, reason))?;
            if !seen.insert((key.entity, key.key.clone())) {
                // over experiments the first one counts, as with MLflow
                if searched == Searchable::Experiments {
                    continue;
                }
                return Err(invalid("ordering", text, "it is given twice".into()));
            }
            keys.push(key);
        }
        Ok(Self::with_ties_broken(searched, keys))
    }

    pub(crate) fn with_ties_broken(searched: Searchable, mut keys: Vec<OrderKey>) -> Self {
        let ties: &[(&str, bool)] = match (searched, keys.is_empty()) {
            (Searchable::Runs, _) => &[("start_time", false), ("run_id", true)],
            (Searchable::Experiments, true) => &[("creation_time", false), ("experiment_id", true)],
            (Searchable::Experiments, false) => &[("experiment_id", false)],
            (Searchable::RegisteredModels, _) => &[("name", true)],
            (Searchable::ModelVersions, true) => &[
                ("last_updated_timestamp", false),
                ("name", true),
                ("version_number", false),
            ],
            (Searchable::ModelVersions, false) => &[("name", true), ("version_number", false)],
            (Searchable::LoggedModels, _) => &[("creation_timestamp", false), ("model_id", true)],
        };
        for (tie, ascending) in ties {
            let known = |key: &OrderKey| key.entity == Entity::Attribute && key.key == *tie;
            if !keys.iter().any(known) {
                keys.push(OrderKey {
                    entity: Entity::Attribute,
                    key: (*tie).to_owned(),
                    ascending: *ascending,
                });
            }
        }
        Self { searched, keys }
    }

    /// The ordering as text, which names the search in page tokens.
    pub(crate) fn text(&self) -> String {
        let keys = self.keys.iter();
        keys.fold(String::new(), |mut text, key| {
            text.push_str(key.entity.as_str());
            text.push(if key.ascending { '+' } else { '-' });
            text.push_str(&key.key);
            // no key holds it
            text.push('\0');
            text
        })
    }
}

pub(super) fn read(searched: Searchable, text: &str) -> Result<OrderKey, String> {
    super::grammar::check_length(text)?;
    let mut scanner = Scanner::new(text);
    scanner.skip_blanks();
    let identifier = scanner.identifier()?;
    scanner.skip_blanks();
    let ascending = scanner.take_word("ASC") || !scanner.take_word("DESC");
    scanner.skip_blanks();
    if !scanner.is_at_end() {
        return Err("an identifier and ASC or DESC are expected".into());
    }
    let orderable: &[&str] = match searched {
        Searchable::RegisteredModels => &["name", "timestamp", "last_updated_timestamp"],
        Searchable::ModelVersions => &[
            "name",
            "version_number",
            "creation_timestamp",
            "last_updated_timestamp",
        ],
        _ => &[],
    };
    let bare = match identifier.strip_prefix("attribute.") {
        Some(bare) if searched == Searchable::ModelVersions => bare,
        _ => identifier,
    };
    if orderable.contains(&bare) {
        let key = if bare == "timestamp" {
            "last_updated_timestamp"
        } else {
            bare
        };
        return Ok(OrderKey {
            entity: Entity::Attribute,
            key: key.to_owned(),
            ascending,
        });
    }
    if !orderable.is_empty() {
        return Err(format!("only {} order this search", orderable.join(", ")));
    }
    let (entity, key) = resolve(searched, identifier)?;
    match (searched, entity) {
        (_, Entity::Dataset) => Err("datasets do not order runs".into()),
        (Searchable::Experiments, Entity::Tag) => Err("tags do not order experiments".into()),
        (Searchable::LoggedModels, Entity::Param | Entity::Tag) => {
            Err("only attributes and metrics order logged models".into())
        }
        _ => Ok(OrderKey {
            entity,
            key,
            ascending,
        }),
    }
}

/// Orders two values of one key: values first, NaN next, what is missing last, in both directions.
pub(crate) fn compare(one: &Value, other: &Value, ascending: bool) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Real(number) if number.is_nan() => 1,
        Value::Missing => 2,
        _ => 0,
    };
    let ranks = rank(one).cmp(&rank(other));
    if ranks != Ordering::Equal || rank(one) > 0 {
        return ranks;
    }
    let values = match (one, other) {
        (Value::Integer(one), Value::Integer(other)) => one.cmp(other),
        (Value::Real(one), Value::Real(other)) => one.partial_cmp(other).unwrap_or(Ordering::Equal),
        (Value::Text(one), Value::Text(other)) => one.cmp(other),
        // one key has values of one kind; a token of another kind is refused before
        _ => Ordering::Equal,
    };
    if ascending { values } else { values.reverse() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_missing_come_last_in_both_directions() {
        let values = [
            Value::Real(f64::NEG_INFINITY),
            Value::Real(0.0),
            Value::Real(f64::INFINITY),
            Value::Real(f64::NAN),
            Value::Missing,
        ];
        for ascending in [true, false] {
            let mut order: Vec<usize> = (0..5).collect();
            order.sort_by(|a, b| compare(&values[*a], &values[*b], ascending));
            let expected = if ascending {
                [0, 1, 2, 3, 4]
            } else {
                [2, 1, 0, 3, 4]
            };
            assert_eq!(order, expected);
        }
    }

    #[test]
    fn orderings_are_read_for_their_search() {
        let parse = |searched, text: &str| Ordered::parse(searched, &[text]);
        let first = |searched, text| parse(searched, text).unwrap().keys[0].clone();
        let key = first(Searchable::Runs, "metrics.`a b` desc");
        assert_eq!(
            (key.entity, key.key.as_str(), key.ascending),
            (Entity::Metric, "a b", false)
        );
        assert_eq!(
            first(Searchable::RegisteredModels, "timestamp").key,
            "last_updated_timestamp"
        );
        for (searched, bad) in [
            (Searchable::Runs, ""),
            (Searchable::Runs, "metrics.a foo"),
            (Searchable::Runs, "metrics.a, metrics.b"),
            (Searchable::Runs, "metrics.a ASC DESC"),
            (Searchable::Runs, "dataset.name"),
            (Searchable::Runs, "lifecycle_stage"),
            (Searchable::Experiments, "tags.a"),
            (Searchable::ModelVersions, "run_id"),
            (Searchable::RegisteredModels, "creation_timestamp"),
        ] {
            assert!(parse(searched, bad).is_err(), "{bad}");
        }
        let twice = ["created", "start_time DESC"];
        assert!(Ordered::parse(Searchable::Runs, &twice).is_err());
    }
}
