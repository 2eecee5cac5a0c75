//! Groups of runs: how many there are of each value of a param, and how their metrics come out.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Condition, Searchable, candidates,
    clause::Entity,
    column::values_of,
    grammar::{invalid, resolve},
    query::scope,
    scan::Scanner,
    token::Value,
};
use crate::{ExperimentId, Result, Tracking, View, limits, number, tracking::Reach};

/// Which runs are grouped, and by what.
#[derive(Debug, Clone, Default)]
pub struct GroupQuery {
    /// The experiments whose runs are meant; `None` for all that are not deleted.
    pub experiments: Option<Vec<ExperimentId>>,
    /// The condition; see [`Condition`].
    pub condition: String,
    /// Which lifecycles are meant.
    pub view: View,
    /// Params, tags and attributes that make the groups, for instance `params.depth`.
    pub by: Vec<String>,
    /// The keys of the metrics that are summed up.
    pub metrics: Vec<String>,
}

/// The runs that share their values.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Group {
    /// The value of each param, tag or attribute; `None` for runs that do not have it.
    pub values: Vec<Option<String>>,
    /// How many runs there are.
    pub runs: u64,
    /// How each metric comes out.
    pub metrics: Vec<Aggregate>,
}

/// How the latest values of a metric come out over the runs of a group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Aggregate {
    /// How many runs have the metric, NaN left out.
    pub count: u64,
    /// How many runs have NaN.
    pub nans: u64,
    /// The least value, if there is one.
    #[serde(with = "number::optional")]
    pub min: Option<f64>,
    /// The greatest value, if there is one.
    #[serde(with = "number::optional")]
    pub max: Option<f64>,
    /// The mean, if there is one.
    #[serde(with = "number::optional")]
    pub mean: Option<f64>,
}

#[derive(Default)]
struct Sum {
    runs: u64,
    metrics: Vec<Vec<f64>>,
}

impl Tracking {
    /// The groups of the runs for which a condition holds, in the order of their values; missing ones last.
    ///
    /// # Errors
    /// [`TrackingError::InvalidSearch`](crate::TrackingError::InvalidSearch) for the condition or what
    /// makes the groups, [`TrackingError::TooMany`](crate::TrackingError::TooMany),
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    ///
    /// # Complexity
    /// A scan of an index for each value and each metric, whatever the number of groups.
    pub fn group_runs(&self, query: &GroupQuery) -> Result<Vec<Group>> {
        let count = query.by.len() + query.metrics.len();
        crate::tracking::check_count("groupings and metrics", count, limits::ORDERINGS)?;
        let condition = Condition::parse(&query.condition)?;
        let by = query
            .by
            .iter()
            .map(|text| read(text).map_err(|reason| invalid("grouping", text, reason)))
            .collect::<Result<Vec<_>>>()?;
        self.registry().look(Reach::Everything, |tx| {
            let scope = scope(tx, query.experiments.as_deref(), query.view)?;
            let rows: Vec<i64> = candidates::find(tx, &scope, &condition.tree)?
                .iter()
                .collect();
            let mut places: BTreeMap<i64, Vec<Option<String>>> =
                rows.iter().map(|row| (*row, Vec::new())).collect();
            for (entity, key) in &by {
                for (value, row) in values_of(tx, *entity, key, &rows)? {
                    places.entry(row).or_default().push(text(value));
                }
            }
            let mut sums: BTreeMap<(Vec<bool>, Vec<Option<String>>), Sum> = BTreeMap::new();
            let mut groups = BTreeMap::new();
            for (row, values) in places {
                // what is missing sorts last
                let place = (values.iter().map(Option::is_none).collect(), values);
                let sum = sums.entry(place.clone()).or_default();
                sum.runs += 1;
                sum.metrics = vec![Vec::new(); query.metrics.len()];
                groups.insert(row, place);
            }
            for (at, metric) in query.metrics.iter().enumerate() {
                let mut values = values_of(tx, Entity::Metric, metric, &rows)?;
                // sums depend on the order of their terms
                values.sort_by_key(|(_, row)| *row);
                for (value, row) in values {
                    if let (Value::Real(value), Some(place)) = (value, groups.get(&row))
                        && let Some(sum) = sums.get_mut(place)
                    {
                        sum.metrics[at].push(value);
                    }
                }
            }
            Ok(sums
                .into_iter()
                .map(|((_, values), sum)| Group {
                    values,
                    runs: sum.runs,
                    metrics: sum.metrics.iter().map(|values| aggregate(values)).collect(),
                })
                .collect())
        })
    }
}

fn read(text: &str) -> Result<(Entity, String), String> {
    let mut scanner = Scanner::new(text);
    let identifier = scanner.identifier()?;
    if !scanner.is_at_end() {
        return Err("one identifier is expected".into());
    }
    match resolve(Searchable::Runs, identifier)? {
        (Entity::Metric | Entity::Dataset, _) => {
            Err("runs are grouped by params, tags and attributes".into())
        }
        found => Ok(found),
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Missing => None,
        Value::Integer(micros) => Some(micros.div_euclid(1_000).to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text),
    }
}

fn aggregate(values: &[f64]) -> Aggregate {
    let numbers: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| !value.is_nan())
        .collect();
    let some = |value: f64| (!numbers.is_empty()).then_some(value);
    let count = numbers.len();
    Aggregate {
        count: count as u64,
        nans: (values.len() - count) as u64,
        min: some(numbers.iter().copied().fold(f64::INFINITY, f64::min)),
        max: some(numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        mean: some(numbers.iter().sum::<f64>() / count as f64),
    }
}
