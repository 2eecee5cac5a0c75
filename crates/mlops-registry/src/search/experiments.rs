//! Searches for experiments.

use std::borrow::Cow;

use mlops_core::EventTime;

use super::{Attribute, Filter, Ordered, Page, Searchable, Subject, page_of, runs::check_limit};
use crate::{
    ExperimentId, ExperimentRecord, Result, Tracking, View,
    error::During,
    limits,
    tracking::{Reach, read_experiment},
};

/// A search for experiments, as MLflow's clients ask.
#[derive(Debug, Clone, Default)]
pub struct ExperimentSearch {
    /// The filter; an empty one lets all pass.
    pub filter: String,
    /// Which lifecycles are meant.
    pub view: View,
    /// The orderings; the latest made first by default.
    pub order_by: Vec<String>,
    /// How many experiments a page has; 1000 by default.
    pub limit: Option<usize>,
    /// Where to go on.
    pub page_token: Option<String>,
}

impl Tracking {
    /// A page of the experiments that a filter lets pass, in order.
    ///
    /// # Errors
    /// As for [`search_runs`](Self::search_runs).
    ///
    /// # Reference
    /// `SqlAlchemyStore._search_experiments` of MLflow 3.17.2.
    pub fn search_experiments(&self, search: &ExperimentSearch) -> Result<Page<ExperimentRecord>> {
        let filter = Filter::parse(Searchable::Experiments, &search.filter)?;
        let ordered = Ordered::parse(Searchable::Experiments, &search.order_by)?;
        let limit = check_limit(
            search.limit,
            limits::SEARCH_RESULTS_DEFAULT,
            limits::SEARCH_RESULTS,
        )?;
        let searching = "search experiments";
        let records: Vec<ExperimentRecord> = self.registry().look(Reach::Experiments, |tx| {
            let sql = match search.view {
                View::Active => "SELECT id FROM experiment WHERE deleted_us IS NULL",
                View::Deleted => "SELECT id FROM experiment WHERE deleted_us IS NOT NULL",
                View::All => "SELECT id FROM experiment",
            };
            let rows: Vec<i64> = tx
                .prepare_cached(sql)
                .during(searching)?
                .query_map([], |row| row.get(0))
                .during(searching)?
                .collect::<rusqlite::Result<_>>()
                .during(searching)?;
            rows.into_iter()
                .map(|row| read_experiment(tx, ExperimentId::of_row(row)))
                .collect()
        })?;
        page_of(
            records,
            &filter,
            &ordered,
            limit,
            search.page_token.as_deref(),
        )
    }
}

impl Subject for ExperimentRecord {
    fn attribute(&self, name: &str) -> Option<Attribute<'_>> {
        match name {
            "name" => Some(Attribute::Text(Cow::Borrowed(self.name.as_str()))),
            "experiment_id" => Some(Attribute::Integer(self.id.row())),
            "creation_time" => Some(Attribute::Integer(millis(self.created))),
            "last_update_time" => Some(Attribute::Integer(millis(self.updated))),
            _ => None,
        }
    }

    fn tag(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(String::as_str)
    }
}

/// A time as MLflow's clients see it.
pub(super) fn millis(time: EventTime) -> i64 {
    time.micros().div_euclid(1_000)
}
