//! Searches for runs.

use std::collections::BTreeSet;

use rusqlite::{Transaction, params};

use super::{
    Filter, Ordered, Page, Searchable,
    candidates::{self, Scope},
    clause::Tree,
    column::each,
    select,
    token::{PageToken, Value},
};
use crate::{
    ExperimentId, Result, RunRecord, Tracking, TrackingError, View,
    error::During,
    limits,
    tracking::{Reach, read_runs},
};

/// A search for runs, as MLflow's clients ask.
#[derive(Debug, Clone, Default)]
pub struct RunSearch {
    /// The experiments whose runs are meant; those that do not exist have none.
    pub experiments: Vec<ExperimentId>,
    /// The filter; an empty one lets all pass.
    pub filter: String,
    /// Which lifecycles are meant.
    pub view: View,
    /// The orderings; the latest start first by default.
    pub order_by: Vec<String>,
    /// How many runs a page has; 1000 by default.
    pub limit: Option<usize>,
    /// Where to go on.
    pub page_token: Option<String>,
}

impl Tracking {
    /// A page of the runs that a filter lets pass, in order.
    ///
    /// # Errors
    /// [`TrackingError::InvalidSearch`] for the filter or an ordering, [`TrackingError::InvalidPageToken`],
    /// [`TrackingError::InvalidValue`] for the limit, [`Error::Busy`](crate::Error::Busy) or
    /// [`Error::Database`](crate::Error::Database).
    ///
    /// # Complexity
    /// The default order without a filter reads the page alone, wherever it lies. Otherwise the work is
    /// linear in the runs that each clause lets pass, and in the experiments' runs.
    ///
    /// # Reference
    /// `SqlAlchemyStore._search_runs` of MLflow 3.17.2, exactly; but for infinities, which are themselves
    /// here, and page tokens, which stay in place while runs are added.
    pub fn search_runs(&self, search: &RunSearch) -> Result<Page<RunRecord>> {
        let filter = Filter::parse(Searchable::Runs, &search.filter)?;
        let ordered = Ordered::parse(Searchable::Runs, &search.order_by)?;
        let experiments: BTreeSet<i64> = search.experiments.iter().map(|id| id.row()).collect();
        let limit = check_limit(
            search.limit,
            limits::SEARCH_RESULTS_DEFAULT,
            limits::SEARCH_RESULTS,
        )?;
        let scope = Scope {
            experiments: experiments.into_iter().collect(),
            view: search.view,
        };
        self.registry().look(Reach::Everything, |tx| {
            let token = search.page_token.as_deref();
            page(
                tx,
                &scope,
                &filter.tree,
                &filter.text,
                &ordered,
                limit,
                token,
            )
        })
    }
}

/// Checks how many results a page is to have.
pub(super) fn check_limit(limit: Option<usize>, default: usize, greatest: usize) -> Result<usize> {
    let limit = limit.unwrap_or(default);
    if (1..=greatest).contains(&limit) {
        return Ok(limit);
    }
    Err(TrackingError::InvalidValue {
        what: format!("the page size {limit}"),
        reason: "it is 0 or greater than this search allows",
    }
    .into())
}

/// Reads one page.
pub(super) fn page(
    tx: &Transaction<'_>,
    scope: &Scope,
    tree: &Tree,
    filter: &str,
    ordered: &Ordered,
    limit: usize,
    page_token: Option<&str>,
) -> Result<Page<RunRecord>> {
    let experiments = format!("{:?}", scope.experiments);
    let view = format!("{:?}", scope.view);
    let check = PageToken::scope(&["runs", &experiments, &view, filter, &ordered.text()]);
    let after = page_token
        .map(|token| PageToken::read(token, check))
        .transpose()?;
    let after = after.as_ref().map(PageToken::values);
    let keys = &ordered.keys;
    let by_start = keys.len() == 2 && keys[0].key == "start_time" && keys[1].key == "run_id";
    let mut rows = if by_start && tree.is_everything() && keys[1].ascending {
        walk(tx, scope, keys[0].ascending, after, limit + 1)?
    } else {
        let rows: Vec<i64> = candidates::find(tx, scope, tree)?.iter().collect();
        select::first(tx, &rows, keys, after, limit + 1)?
    };
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = match rows.last() {
        Some(last) if more => Some(PageToken::new(check, select::place(tx, *last, keys)?).write()),
        _ => None,
    };
    Ok(Page {
        items: read_runs(tx, &rows)?,
        next,
    })
}

/// Runs by their start, from the index, without a look at those before the place.
fn walk(
    tx: &Transaction<'_>,
    scope: &Scope,
    ascending: bool,
    after: Option<&[Value]>,
    wanted: usize,
) -> Result<Vec<i64>> {
    // before the first place, for whichever direction
    let (start, uid) = match after {
        None => (if ascending { i64::MIN } else { i64::MAX }, ""),
        Some([Value::Integer(start), Value::Text(uid)]) => (*start, uid.as_str()),
        Some(_) => {
            return Err(TrackingError::InvalidPageToken {
                reason: "it names no place in this order",
            }
            .into());
        }
    };
    let sql = if ascending {
        "SELECT started_us, uid, id FROM run INDEXED BY run_by_start
         WHERE experiment_id = ?1 AND deleted = ?2
            AND started_us >= ?3 AND (started_us > ?3 OR uid > ?4)
         ORDER BY started_us, uid LIMIT ?5"
    } else {
        "SELECT started_us, uid, id FROM run INDEXED BY run_by_start
         WHERE experiment_id = ?1 AND deleted = ?2
            AND started_us <= ?3 AND (started_us < ?3 OR uid > ?4)
         ORDER BY started_us DESC, uid LIMIT ?5"
    };
    let limit = i64::try_from(wanted).unwrap_or(i64::MAX);
    let mut found: Vec<(i64, String, i64)> = Vec::new();
    for experiment in &scope.experiments {
        for deleted in scope.deleted() {
            each(
                tx,
                sql,
                params![experiment, deleted, start, uid, limit],
                |row| {
                    found.push((row.get(0)?, row.get(1)?, row.get(2)?));
                    Ok(())
                },
            )
            .during("search runs")?;
        }
    }
    found.sort_by(|(one, one_uid, _), (other, other_uid, _)| {
        let starts = one.cmp(other);
        let starts = if ascending { starts } else { starts.reverse() };
        starts.then_with(|| one_uid.cmp(other_uid))
    });
    found.truncate(wanted);
    Ok(found.into_iter().map(|(_, _, row)| row).collect())
}
