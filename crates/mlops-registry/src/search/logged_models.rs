//! Searches for logged models.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Transaction, params, types::Value as Sql};

use super::{
    Filter, Ordered, Page, Searchable,
    clause::{Clause, Entity, Found},
    column::each,
    order::{OrderKey, read},
    runs::check_limit,
    subject::page_by_place,
    token::{PageToken, Value},
};
use crate::{
    ExperimentId, LoggedModel, Result, Tracking, TrackingError,
    error::During,
    limits,
    tracking::{Reach, read_logged_models},
};

const SEARCHING: &str = "search logged models";

/// A search for logged models, as MLflow's clients ask.
#[derive(Debug, Clone, Default)]
pub struct LoggedModelSearch {
    /// The experiments whose models are meant.
    pub experiments: Vec<ExperimentId>,
    /// The filter; an empty one lets all pass.
    pub filter: String,
    /// The datasets that the filter's metrics must be measured on, any of them; without a metric in the
    /// filter, the datasets that any metric must be measured on. Empty for all.
    pub datasets: Vec<DatasetFilter>,
    /// The orderings; the latest made first by default.
    pub order_by: Vec<ModelOrdering>,
    /// How many models a page has; 100 by default.
    pub limit: Option<usize>,
    /// Where to go on.
    pub page_token: Option<String>,
}

/// A dataset that metrics are measured on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetFilter {
    /// Its name.
    pub name: String,
    /// Its digest; any by default.
    pub digest: Option<String>,
}

/// What logged models are ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelOrdering {
    /// An attribute, or `metrics.` and a key.
    pub field_name: String,
    /// Whether the least comes first.
    pub ascending: bool,
    /// The dataset that the metric must be measured on; any by default.
    pub dataset: Option<DatasetFilter>,
}

impl Tracking {
    /// A page of the logged models that a filter lets pass, in order; deleted ones are left out.
    ///
    /// # Errors
    /// As for [`search_runs`](Self::search_runs).
    ///
    /// # Complexity
    /// A few lookups for each logged model of the experiments.
    ///
    /// # Reference
    /// `SqlAlchemyStore.search_logged_models` of MLflow 3.17.2, but for NaN, which is itself here and
    /// comes behind the values. A status is compared by its name (`READY`).
    pub fn search_logged_models(&self, search: &LoggedModelSearch) -> Result<Page<LoggedModel>> {
        let filter = Filter::parse(Searchable::LoggedModels, &search.filter)?;
        let ordered = ordered(&search.order_by)?;
        let limit = check_limit(
            search.limit,
            limits::LOGGED_MODELS_DEFAULT,
            limits::LOGGED_MODELS,
        )?;
        if search
            .datasets
            .iter()
            .any(|dataset| dataset.name.is_empty())
        {
            return Err(TrackingError::InvalidValue {
                what: "a dataset of the search".into(),
                reason: "it has no name",
            }
            .into());
        }
        let experiments: BTreeSet<i64> = search.experiments.iter().map(|id| id.row()).collect();
        let names = format!(
            "{experiments:?} {:?} {:?}",
            search.datasets, search.order_by
        );
        let scope = PageToken::scope(&["logged models", &names, &filter.text, &ordered.text()]);
        self.registry().look(Reach::Everything, |tx| {
            let mut keyed = Vec::new();
            for row in rows(tx, &experiments)? {
                if passes(tx, &filter, &search.datasets, row)? {
                    keyed.push((place(tx, &ordered, &search.order_by, row)?, row));
                }
            }
            let page = page_by_place(
                keyed.into_iter(),
                &ordered,
                scope,
                limit,
                search.page_token.as_deref(),
            )?;
            Ok(Page {
                items: read_logged_models(tx, &page.items)?,
                next: page.next,
            })
        })
    }
}

fn ordered(orderings: &[ModelOrdering]) -> Result<Ordered> {
    if orderings.len() > limits::ORDERINGS {
        return Err(TrackingError::TooMany {
            what: "orderings",
            count: orderings.len(),
            limit: limits::ORDERINGS,
        }
        .into());
    }
    let keys = orderings
        .iter()
        .map(|ordering| {
            let field = ordering.field_name.as_str();
            if field.contains('.') && !field.starts_with("metrics.") {
                let reason = "of what has a dot only metrics give an order".to_owned();
                return Err(super::grammar::invalid("ordering", field, reason));
            }
            let text = match ordering.field_name.split_once('.') {
                // field names are not quoted, whatever is in them
                Some((entity, key)) if !key.contains('`') => format!("{entity}.`{key}`"),
                _ => ordering.field_name.clone(),
            };
            let key = read(Searchable::LoggedModels, &text).map_err(|reason| {
                super::grammar::invalid("ordering", &ordering.field_name, reason)
            })?;
            Ok(OrderKey {
                ascending: ordering.ascending,
                ..key
            })
        })
        .collect::<Result<_>>()?;
    Ok(Ordered::with_ties_broken(Searchable::LoggedModels, keys))
}

fn rows(tx: &Transaction<'_>, experiments: &BTreeSet<i64>) -> Result<Vec<i64>> {
    let mut rows = Vec::new();
    for experiment in experiments {
        each(
            tx,
            "SELECT id FROM logged_model WHERE experiment_id = ?1 AND deleted_us IS NULL",
            [experiment],
            |row| {
                rows.push(row.get(0)?);
                Ok(())
            },
        )
        .during(SEARCHING)?;
    }
    Ok(rows)
}

fn passes(
    tx: &Transaction<'_>,
    filter: &Filter,
    datasets: &[DatasetFilter],
    row: i64,
) -> Result<bool> {
    let mut by_metric = false;
    let passes = filter
        .tree
        .holds(&mut |clause: &Clause| match clause.entity {
            Entity::Metric => {
                by_metric = true;
                let mut any = false;
                measured(tx, row, Some(&clause.key), |value, name, digest| {
                    any |= on_one_of(datasets, name, digest)
                        && clause.holds(Some(Found::Number(value)));
                })?;
                Ok(any)
            }
            Entity::Attribute => attribute_holds(tx, clause, row),
            Entity::Param | Entity::Tag | Entity::Dataset => {
                let table = if clause.entity == Entity::Param {
                    "SELECT value FROM logged_model_param WHERE model_id = ?1 AND key = ?2"
                } else {
                    "SELECT value FROM logged_model_tag WHERE model_id = ?1 AND key = ?2"
                };
                let value: Option<String> = tx
                    .prepare_cached(table)
                    .during(SEARCHING)?
                    .query_row(params![row, clause.key], |row| row.get(0))
                    .optional()
                    .during(SEARCHING)?;
                Ok(clause.holds(value.as_deref().map(Found::Text)))
            }
        })?;
    if !passes || by_metric || datasets.is_empty() {
        return Ok(passes);
    }
    let mut any = false;
    measured(tx, row, None, |_, name, digest| {
        any |= on_one_of(datasets, name, digest);
    })?;
    Ok(any)
}

fn on_one_of(datasets: &[DatasetFilter], name: &str, digest: &str) -> bool {
    datasets.is_empty()
        || datasets.iter().any(|dataset| {
            dataset.name == name && dataset.digest.as_ref().is_none_or(|known| known == digest)
        })
}

/// Hands over the points of a model with the names and digests of their datasets, the latest first.
fn measured(
    tx: &Transaction<'_>,
    row: i64,
    key: Option<&str>,
    mut work: impl FnMut(f64, &str, &str),
) -> Result<()> {
    each(
        tx,
        "SELECT is_nan, value, dataset_name, dataset_digest
         FROM logged_model_metric m JOIN run ON run.id = m.run_id
         WHERE model_id = ?1
            AND (?2 IS NULL OR key_id = (SELECT id FROM metric_key WHERE key = ?2))
         ORDER BY time_us DESC, step DESC, run.uid",
        params![row, key],
        |row| {
            let value = if row.get(0)? { f64::NAN } else { row.get(1)? };
            work(value, row.get_ref(2)?.as_str()?, row.get_ref(3)?.as_str()?);
            Ok(())
        },
    )
    .during(SEARCHING)
}

fn attribute_holds(tx: &Transaction<'_>, clause: &Clause, row: i64) -> Result<bool> {
    let value = attribute(tx, &clause.key, row)?;
    Ok(match &value {
        Value::Missing => clause.holds(None),
        Value::Integer(number) => clause.holds(Some(Found::Number(*number as f64))),
        Value::Real(number) => clause.holds(Some(Found::Number(*number))),
        Value::Text(text) => clause.holds(Some(Found::Text(text))),
    })
}

/// An attribute; times in milliseconds.
fn attribute(tx: &Transaction<'_>, key: &str, row: i64) -> Result<Value> {
    let expression = match key {
        "name" => "logged_model.name",
        "model_id" => "uid",
        "experiment_id" => "CAST(experiment_id AS TEXT)",
        "status" => "upper(status)",
        "model_type" => "model_type",
        "source_run_id" => "source_run",
        "creation_timestamp" => "logged_model.created_us / 1000",
        "last_updated_timestamp" => "logged_model.updated_us / 1000",
        // the grammar knows no other
        _ => {
            "rtrim(coalesce(artifact_location, 'mlflow-artifacts:/' || experiment_id), '/')
                || '/models/' || uid || '/artifacts'"
        }
    };
    let sql = format!(
        "SELECT {expression} FROM logged_model JOIN experiment ON experiment.id = experiment_id
         WHERE logged_model.id = ?1"
    );
    let value = tx
        .prepare_cached(&sql)
        .during(SEARCHING)?
        .query_row([row], |row| row.get::<_, Sql>(0))
        .during(SEARCHING)?;
    Ok(match value {
        Sql::Integer(number) => Value::Integer(number),
        Sql::Real(number) => Value::Real(number),
        Sql::Text(text) => Value::Text(text),
        Sql::Null | Sql::Blob(_) => Value::Missing,
    })
}

fn place(
    tx: &Transaction<'_>,
    ordered: &Ordered,
    orderings: &[ModelOrdering],
    row: i64,
) -> Result<Vec<Value>> {
    let datasets = orderings
        .iter()
        .map(|ordering| ordering.dataset.as_ref())
        .chain(std::iter::repeat(None));
    ordered
        .keys
        .iter()
        .zip(datasets)
        .map(|(key, dataset)| {
            if key.entity != Entity::Metric {
                return attribute(tx, &key.key, row);
            }
            let mut latest = Value::Missing;
            measured(tx, row, Some(&key.key), |value, name, digest| {
                let wanted = dataset
                    .is_none_or(|dataset| on_one_of(std::slice::from_ref(dataset), name, digest));
                if wanted && latest == Value::Missing {
                    latest = Value::Real(value);
                }
            })?;
            Ok(latest)
        })
        .collect()
}
