//! The five grammars: which identifiers, comparators and values a filter may hold in each search.
//!
//! What MLflow 3.17 reads is read and means the same. Two things are refused there and read here, because
//! nobody means anything else by them: small letters in `like` over experiments, and `IS  NULL` with
//! more than one blank.

use super::{
    clause::{Clause, Comparator, Entity, Operand, Tree},
    scan::{Literal, Scanner},
};
use crate::{Result, TrackingError, error::cut, limits};

/// What is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Searchable {
    /// Runs.
    Runs,
    /// Experiments.
    Experiments,
    /// Registered models.
    RegisteredModels,
    /// Versions of registered models.
    ModelVersions,
    /// Logged models.
    LoggedModels,
}

/// A filter that was read and checked for one search.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    pub(crate) searched: Searchable,
    pub(crate) tree: Tree,
    /// The text, which names the search in page tokens.
    pub(crate) text: String,
}

impl Filter {
    /// Reads a filter of MLflow's grammar: comparisons joined by `AND`. An empty one lets everything pass.
    ///
    /// # Errors
    /// [`TrackingError::InvalidSearch`] if it does not parse, names what this search does not have, or
    /// compares it in a way that is not offered.
    ///
    /// # Reference
    /// `mlflow.utils.search_utils` and `search_logged_model_utils` of MLflow 3.17.2.
    pub fn parse(searched: Searchable, text: &str) -> Result<Self> {
        let read = |text| read(searched, text);
        match check_length(text).and_then(|()| read(text)) {
            Ok(clauses) => Ok(Self {
                searched,
                tree: Tree::All(clauses.into_iter().map(Tree::Clause).collect()),
                text: text.to_owned(),
            }),
            Err(reason) => Err(invalid("filter", text, reason)),
        }
    }
}

pub(super) fn check_length(text: &str) -> Result<(), String> {
    if text.len() > limits::FILTER {
        return Err(format!("it is longer than {} bytes", limits::FILTER));
    }
    Ok(())
}

pub(super) fn invalid(part: &'static str, text: &str, reason: String) -> crate::Error {
    TrackingError::InvalidSearch {
        part,
        text: cut(text),
        reason,
    }
    .into()
}

/// Clauses with `AND` between them; MLflow passes over an `AND` too many and misses none.
fn read(searched: Searchable, text: &str) -> Result<Vec<Clause>, String> {
    let mut scanner = Scanner::new(text);
    let mut clauses = Vec::new();
    loop {
        scanner.skip_blanks();
        if scanner.is_at_end() {
            return Ok(clauses);
        }
        if !scanner.take_word("AND") {
            clauses.push(clause(searched, &mut scanner)?);
        }
    }
}

/// Reads one comparison.
pub(super) fn clause(searched: Searchable, scanner: &mut Scanner<'_>) -> Result<Clause, String> {
    let identifier = scanner.identifier()?;
    let (entity, key) = resolve(searched, identifier)?;
    let comparator = scanner.comparator()?;
    let allowed = comparators(searched, entity, &key);
    if !allowed.contains(&comparator) {
        let allowed: Vec<_> = allowed.iter().map(|known| known.as_str()).collect();
        return Err(format!(
            "`{comparator}` does not go with {} `{key}`, only {} do",
            entity.as_str(),
            allowed.join(", ")
        ));
    }
    let operand = match comparator {
        Comparator::IsNull | Comparator::IsNotNull => Operand::Nothing,
        _ => operand(searched, entity, &key, comparator, &scanner.value()?)?,
    };
    Ok(Clause {
        entity,
        key,
        comparator,
        operand,
    })
}

/// What an identifier names.
pub(super) fn resolve(searched: Searchable, identifier: &str) -> Result<(Entity, String), String> {
    if searched == Searchable::LoggedModels {
        return resolve_logged_model(identifier);
    }
    let (entity, key) = match identifier.split_once('.') {
        None => (Entity::Attribute, identifier),
        Some((entity, key)) => (entity_of(searched, strip(entity, "`"))?, key),
    };
    let key = strip(strip(key, "'\""), "`");
    let key = match (searched, entity, key) {
        (Searchable::Runs, Entity::Attribute, "created" | "Created") => "start_time",
        (Searchable::Runs, Entity::Attribute, "run name" | "Run name" | "Run Name") => "run_name",
        _ => key,
    };
    let known: &[&str] = match (searched, entity) {
        (_, Entity::Metric | Entity::Param | Entity::Tag) => &[],
        (_, Entity::Dataset) => &["name", "digest", "context"],
        (Searchable::Runs, _) => &[
            "run_id",
            "run_name",
            "status",
            "artifact_uri",
            "user_id",
            "start_time",
            "end_time",
        ],
        (Searchable::Experiments, _) => {
            &["name", "experiment_id", "creation_time", "last_update_time"]
        }
        (Searchable::RegisteredModels, _) => &["name"],
        (Searchable::ModelVersions | Searchable::LoggedModels, _) => {
            &["name", "version_number", "run_id", "source_path"]
        }
    };
    if known.is_empty() || known.contains(&key) {
        return Ok((entity, key.to_owned()));
    }
    Err(format!(
        "there is no {} `{key}`, only {}",
        entity.as_str(),
        known.join(", ")
    ))
}

fn entity_of(searched: Searchable, entity: &str) -> Result<Entity, String> {
    let found = match entity {
        "attribute" => Some(Entity::Attribute),
        "tag" | "tags" => Some(Entity::Tag),
        _ if searched != Searchable::Runs => None,
        "attributes" | "attr" | "run" => Some(Entity::Attribute),
        "metric" | "metrics" => Some(Entity::Metric),
        "param" | "params" | "parameter" | "parameters" => Some(Entity::Param),
        "dataset" | "datasets" => Some(Entity::Dataset),
        _ => None,
    };
    let offered = match searched {
        Searchable::Runs => "metrics, params, tags, attributes or dataset",
        _ => "attribute or tags",
    };
    found.ok_or_else(|| format!("there is no entity `{entity}` in this search, only {offered}"))
}

/// Logged models take exact words, and keys in backticks alone.
fn resolve_logged_model(identifier: &str) -> Result<(Entity, String), String> {
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase());
    let (entity, key) = match identifier.split_once('.') {
        Some((entity, key)) if word(entity) && !key.is_empty() => {
            let entity = match entity {
                "attributes" => Entity::Attribute,
                "metrics" => Entity::Metric,
                "params" => Entity::Param,
                "tags" => Entity::Tag,
                other => {
                    return Err(format!(
                        "there is no entity `{other}` in this search, only attributes, metrics, params or tags"
                    ));
                }
            };
            (entity, key)
        }
        _ => (Entity::Attribute, identifier),
    };
    let key = key.trim_matches('`');
    if entity != Entity::Attribute {
        return Ok((entity, key.to_owned()));
    }
    let key = match key {
        "creation_time" | "creation_timestamp" | "creation_timestamp_ms" => "creation_timestamp",
        "last_updated_timestamp" | "last_updated_timestamp_ms" => "last_updated_timestamp",
        key @ ("name" | "model_id" | "experiment_id" | "status" | "model_type"
        | "source_run_id" | "artifact_location") => key,
        other => return Err(format!("there is no attribute `{other}`")),
    };
    Ok((entity, key.to_owned()))
}

/// Whether an attribute is a number.
pub(super) fn is_number(searched: Searchable, entity: Entity, key: &str) -> bool {
    match (searched, entity) {
        (_, Entity::Metric) => true,
        (_, Entity::Attribute) => matches!(
            key,
            "start_time"
                | "end_time"
                | "creation_time"
                | "last_update_time"
                | "version_number"
                | "creation_timestamp"
                | "last_updated_timestamp"
        ),
        _ => false,
    }
}

fn comparators(searched: Searchable, entity: Entity, key: &str) -> &'static [Comparator] {
    use Comparator::{Equal, Ilike, In, IsNotNull, IsNull, Like, NotEqual, NotIn};
    const TEXT: &[Comparator] = &[Equal, NotEqual, Like, Ilike];
    const LISTED: &[Comparator] = &[Equal, NotEqual, Like, Ilike, In, NotIn];
    if is_number(searched, entity, key) {
        return &Comparator::NUMERIC;
    }
    match (searched, entity, key) {
        (Searchable::LoggedModels, ..) | (_, Entity::Dataset, _) => LISTED,
        (Searchable::Runs, Entity::Param | Entity::Tag, _)
        | (Searchable::Experiments, Entity::Tag, _) => {
            &[Equal, NotEqual, Like, Ilike, IsNull, IsNotNull]
        }
        (Searchable::Experiments, _, "experiment_id") => &[Equal, NotEqual, In, NotIn],
        (Searchable::Runs | Searchable::ModelVersions, Entity::Attribute, "run_id")
        | (Searchable::RegisteredModels | Searchable::ModelVersions, Entity::Attribute, "name") => {
            LISTED
        }
        _ => TEXT,
    }
}

fn operand(
    searched: Searchable,
    entity: Entity,
    key: &str,
    comparator: Comparator,
    literal: &Literal<'_>,
) -> Result<Operand, String> {
    let name = format!("{} `{key}`", entity.as_str());
    if is_number(searched, entity, key) {
        return number(searched, entity, key, literal)
            .map(Operand::Number)
            .ok_or_else(|| format!("{name} is compared with a number"));
    }
    let listed = matches!(comparator, Comparator::In | Comparator::NotIn);
    let operand = match literal {
        Literal::List(items) if listed => Operand::List(items.clone()),
        _ if listed => {
            return Err(format!(
                "{comparator} is followed by a list of texts in quotes"
            ));
        }
        Literal::List(_) => return Err(format!("a list goes with IN or NOT IN, not {comparator}")),
        // logged models strip single quotes and take the rest as it is
        Literal::Quoted(text) | Literal::Number(text) | Literal::Word(text)
            if searched == Searchable::LoggedModels =>
        {
            Operand::Text(text.trim_matches('\'').to_owned())
        }
        Literal::Quoted(text) => Operand::Text(text[1..text.len() - 1].to_owned()),
        Literal::Number(_) | Literal::Word(_) => {
            return Err(format!("{name} is compared with a text in quotes"));
        }
    };
    if (searched, key) == (Searchable::Experiments, "experiment_id") && entity == Entity::Attribute
    {
        return experiments(operand)
            .ok_or_else(|| "an experiment is named by a whole number".into());
    }
    Ok(operand)
}

/// Identities of experiments as they are written, without leading zeros.
fn experiments(operand: Operand) -> Option<Operand> {
    let whole = |text: &String| text.parse::<i64>().ok().map(|number| number.to_string());
    match operand {
        Operand::Text(text) => whole(&text).map(Operand::Text),
        Operand::List(items) => items
            .iter()
            .map(whole)
            .collect::<Option<_>>()
            .map(Operand::List),
        _ => None,
    }
}

fn number(searched: Searchable, entity: Entity, key: &str, literal: &Literal<'_>) -> Option<f64> {
    let text = match literal {
        Literal::Number(text) => *text,
        // MLflow reads both of these with Python's `float` and `int`
        Literal::Word(text) if searched == Searchable::LoggedModels => *text,
        Literal::Quoted(text) if key == "version_number" => &text[1..text.len() - 1],
        _ => return None,
    };
    let whole = entity == Entity::Attribute
        && matches!(
            searched,
            Searchable::Experiments | Searchable::ModelVersions
        );
    if whole {
        return text.parse::<i64>().ok().map(|number| number as f64);
    }
    text.parse().ok()
}

/// Takes one pair of quotes off, if the text stands between two of the same.
fn strip<'a>(text: &'a str, quotes: &str) -> &'a str {
    quotes
        .chars()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str) -> Result<Vec<Clause>, String> {
        read(Searchable::Runs, text)
    }

    #[test]
    fn keys_and_values_are_read_as_they_are_quoted() {
        use Comparator::{Equal, Greater};
        for (text, entity, key, comparator, operand) in [
            (
                "metrics.a.b > 1",
                Entity::Metric,
                "a.b",
                Greater,
                Operand::Number(1.0),
            ),
            (
                "metrics.`a b`>-1.5",
                Entity::Metric,
                "a b",
                Greater,
                Operand::Number(-1.5),
            ),
            (
                "`metric`.\"a-b\" > 1e3",
                Entity::Metric,
                "a-b",
                Greater,
                Operand::Number(1000.0),
            ),
            (
                "params.'x' = \"y\"",
                Entity::Param,
                "x",
                Equal,
                Operand::Text("y".into()),
            ),
            (
                "tags.mlflow.user = ''",
                Entity::Tag,
                "mlflow.user",
                Equal,
                Operand::Text(String::new()),
            ),
            (
                "Created = 3",
                Entity::Attribute,
                "start_time",
                Equal,
                Operand::Number(3.0),
            ),
            (
                "`Run Name` = 'x'",
                Entity::Attribute,
                "run_name",
                Equal,
                Operand::Text("x".into()),
            ),
        ] {
            let expected = Clause {
                entity,
                key: key.into(),
                comparator,
                operand,
            };
            assert_eq!(runs(text), Ok(vec![expected]), "{text}");
        }
    }

    #[test]
    fn what_does_not_belong_is_refused() {
        for bad in [
            "metrics.a",
            "metrics.a >",
            "> 1",
            "metrics.a > 'x'",
            "metrics.a == 1",
            "metrics.a IS NULL",
            "metrics.a-b > 1",
            "Metrics.a > 1",
            "params.a = 1",
            "params.a = x",
            "params.a IN ('x')",
            "params.a >= 'x'",
            "params.a = 'x",
            "status > 'x'",
            "run_name IN ('x')",
            "run_id = ('x')",
            "run_id IN 'x'",
            "run_id IN ()",
            "start_time > '1'",
            "nothing = 'x'",
            "dataset.size = 'x'",
            "metrics.a > 1 OR metrics.b > 1",
            "(metrics.a > 1)",
            "NOT metrics.a > 1",
            "metrics.a > 1;",
            "metrics.a > 1 -- x",
            "tags.a RLIKE 'x'",
            "params.a NOT LIKE 'x'",
        ] {
            assert!(runs(bad).is_err(), "{bad}");
        }
        assert!(Filter::parse(Searchable::Runs, &" ".repeat(70_000)).is_err());
    }
}
