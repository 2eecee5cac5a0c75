//! Filters and orderings over values in memory.

use std::{borrow::Cow, cmp::Ordering};

use super::{
    Filter, Ordered, Page, Searchable,
    clause::{Clause, Comparator, Entity, Found, Operand},
    order::compare,
    token::{PageToken, Value},
};
use crate::{Result, TrackingError};

/// Something that a search looks at: an experiment, a registered model, a version.
pub trait Subject {
    /// An attribute by the name that MLflow's grammar has for it in this search; `None` if it has no
    /// value. Times are milliseconds since 1970, versions and experiment ids are integers.
    ///
    /// Experiments: `name`, `experiment_id`, `creation_time`, `last_update_time`. Registered models:
    /// `name`, `last_updated_timestamp`. Versions: `name`, `version_number`, `run_id`, `source_path`,
    /// `creation_timestamp`, `last_updated_timestamp`.
    fn attribute(&self, name: &str) -> Option<Attribute<'_>>;

    /// A tag.
    fn tag(&self, key: &str) -> Option<&str>;
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute<'a> {
    /// A whole number: milliseconds, a version, an identity.
    Integer(i64),
    /// A text.
    Text(Cow<'a, str>),
}

/// The tag that tells prompts from models; where it is missing, it counts as `false`.
const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";

impl Filter {
    /// Whether the filter lets a value pass.
    pub fn matches(&self, subject: &impl Subject) -> bool {
        let outcome: Result<bool, std::convert::Infallible> = self
            .tree
            .holds(&mut |clause| Ok(holds(self.searched, clause, subject)));
        outcome.unwrap_or_else(|never| match never {})
    }
}

fn holds(searched: Searchable, clause: &Clause, subject: &impl Subject) -> bool {
    match clause.entity {
        Entity::Tag => {
            let tag = subject.tag(&clause.key);
            let models = matches!(
                searched,
                Searchable::RegisteredModels | Searchable::ModelVersions
            );
            if tag.is_none() && models && clause.key == PROMPT_TAG {
                return match (&clause.operand, clause.comparator) {
                    (Operand::Text(text), Comparator::Equal) => text == "false",
                    (Operand::Text(text), Comparator::NotEqual) => text == "true",
                    _ => false,
                };
            }
            clause.holds(tag.map(Found::Text))
        }
        Entity::Attribute => match subject.attribute(&clause.key) {
            None => clause.holds(None),
            Some(Attribute::Text(text)) => clause.holds(Some(Found::Text(&text))),
            Some(Attribute::Integer(number)) => match &clause.operand {
                Operand::Number(_) => clause.holds(Some(Found::Number(number as f64))),
                // identities are written as texts
                _ => clause.holds(Some(Found::Text(&number.to_string()))),
            },
        },
        Entity::Metric | Entity::Param | Entity::Dataset => false,
    }
}

/// A page of the values that a filter lets pass, in order.
///
/// # Errors
/// [`TrackingError::InvalidPageToken`]; [`TrackingError::InvalidSearch`] if filter and ordering are for
/// different searches.
pub fn page_of<T: Subject>(
    subjects: impl IntoIterator<Item = T>,
    filter: &Filter,
    ordered: &Ordered,
    limit: usize,
    page_token: Option<&str>,
) -> Result<Page<T>> {
    if filter.searched != ordered.searched {
        return Err(super::grammar::invalid(
            "ordering",
            &filter.text,
            "it is for another search than the filter".into(),
        ));
    }
    let search = format!("{:?}", filter.searched);
    let scope = PageToken::scope(&[&search, &filter.text, &ordered.text()]);
    page_in(
        subjects
            .into_iter()
            .filter(|subject| filter.matches(subject)),
        ordered,
        scope,
        limit,
        page_token,
    )
}

/// A page of values that were filtered before.
pub(super) fn page_in<T: Subject>(
    subjects: impl Iterator<Item = T>,
    ordered: &Ordered,
    scope: mlops_core::Digest,
    limit: usize,
    page_token: Option<&str>,
) -> Result<Page<T>> {
    let keyed = subjects.map(|subject| (place(&subject, ordered), subject));
    page_by_place(keyed, ordered, scope, limit, page_token)
}

/// A page of values with their places.
pub(super) fn page_by_place<T>(
    keyed: impl Iterator<Item = (Vec<Value>, T)>,
    ordered: &Ordered,
    scope: mlops_core::Digest,
    limit: usize,
    page_token: Option<&str>,
) -> Result<Page<T>> {
    let after = page_token
        .map(|token| PageToken::read(token, scope))
        .transpose()?;
    if let Some(after) = &after
        && after.values().len() != ordered.keys.len()
    {
        return Err(TrackingError::InvalidPageToken {
            reason: "it names no place in this order",
        }
        .into());
    }
    let order = |one: &[Value], other: &[Value]| {
        ordered
            .keys
            .iter()
            .zip(one.iter().zip(other))
            .map(|(key, (one, other))| compare(one, other, key.ascending))
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    };
    let mut keyed: Vec<(Vec<Value>, T)> = keyed
        .filter(|(place, _)| {
            after
                .as_ref()
                .is_none_or(|after| order(place, after.values()) == Ordering::Greater)
        })
        .collect();
    keyed.sort_by(|(one, _), (other, _)| order(one, other));
    let more = keyed.len() > limit;
    keyed.truncate(limit);
    let next = match keyed.last() {
        Some((place, _)) if more => Some(PageToken::new(scope, place.clone()).write()),
        _ => None,
    };
    Ok(Page {
        items: keyed.into_iter().map(|(_, subject)| subject).collect(),
        next,
    })
}

fn place(subject: &impl Subject, ordered: &Ordered) -> Vec<Value> {
    ordered
        .keys
        .iter()
        .map(|key| match subject.attribute(&key.key) {
            None => Value::Missing,
            Some(Attribute::Integer(number)) => Value::Integer(number),
            Some(Attribute::Text(text)) => Value::Text(text.into_owned()),
        })
        .collect()
}
