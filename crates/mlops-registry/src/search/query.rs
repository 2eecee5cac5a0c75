//! Our own search for runs, beyond MLflow's: `OR`, `NOT`, parentheses, params that are numbers, and runs
//! of all experiments at once.

use rusqlite::Transaction;

use super::{
    Ordered, Page, Searchable,
    candidates::Scope,
    clause::{Clause, Comparator, Entity, Operand, Tree},
    grammar::{check_length, clause, invalid, resolve},
    runs::{check_limit, page},
    scan::{Literal, Scanner},
};
use crate::{
    ExperimentId, Result, RunRecord, Tracking, View, error::During, limits, tracking::Reach,
};

/// How deep parentheses may be nested.
const DEEPEST: usize = 64;

/// A condition on runs, in our own grammar.
///
/// `AND` binds closer than `OR`, `NOT` closer than both. A comparison is one of MLflow's, or a param or
/// a tag against a number (`params.depth >= 3`), which holds where the text is a number that compares so.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub(super) tree: Tree,
    pub(super) text: String,
}

impl Condition {
    /// Reads a condition. An empty one holds for every run.
    ///
    /// # Errors
    /// [`TrackingError::InvalidSearch`](crate::TrackingError::InvalidSearch).
    pub fn parse(text: &str) -> Result<Self> {
        let tree = read(text, &mut Scanner::new(text));
        Ok(Self {
            tree: tree.map_err(|reason| invalid("condition", text, reason))?,
            text: text.to_owned(),
        })
    }

    /// Where the reading of a condition ends in an error, in bytes from its start; `None` for a good one. A
    /// comparison that reads and cannot hold, for instance one of an unknown attribute, ends behind it.
    pub fn error_position(text: &str) -> Option<usize> {
        let mut scanner = Scanner::new(text);
        read(text, &mut scanner)
            .is_err()
            .then(|| text.len() - scanner.rest().len())
    }
}

/// A search for runs in our own grammar.
#[derive(Debug, Clone, Default)]
pub struct RunQuery {
    /// The experiments whose runs are meant; `None` for all that are not deleted.
    pub experiments: Option<Vec<ExperimentId>>,
    /// The condition; see [`Condition`].
    pub condition: String,
    /// Which lifecycles are meant.
    pub view: View,
    /// The orderings, as for [`RunSearch`](super::RunSearch).
    pub order_by: Vec<String>,
    /// How many runs a page has; 1000 by default.
    pub limit: Option<usize>,
    /// Where to go on.
    pub page_token: Option<String>,
}

impl Tracking {
    /// A page of the runs for which a condition holds, in order.
    ///
    /// # Errors
    /// As for [`search_runs`](Self::search_runs).
    pub fn query_runs(&self, query: &RunQuery) -> Result<Page<RunRecord>> {
        let condition = Condition::parse(&query.condition)?;
        let ordered = Ordered::parse(Searchable::Runs, &query.order_by)?;
        let limit = check_limit(
            query.limit,
            limits::SEARCH_RESULTS_DEFAULT,
            limits::SEARCH_RESULTS,
        )?;
        self.registry().look(Reach::Everything, |tx| {
            let scope = scope(tx, query.experiments.as_deref(), query.view)?;
            let token = query.page_token.as_deref();
            // the same text may mean something else in MLflow's grammar
            let text = format!("condition {}", condition.text);
            page(tx, &scope, &condition.tree, &text, &ordered, limit, token)
        })
    }
}

pub(super) fn scope(
    tx: &Transaction<'_>,
    experiments: Option<&[ExperimentId]>,
    view: View,
) -> Result<Scope> {
    let looking = "look up experiments";
    let mut experiments: Vec<i64> = match experiments {
        Some(ids) => ids.iter().map(|id| id.row()).collect(),
        None => tx
            .prepare_cached("SELECT id FROM experiment WHERE deleted_us IS NULL")
            .during(looking)?
            .query_map([], |row| row.get(0))
            .during(looking)?
            .collect::<rusqlite::Result<_>>()
            .during(looking)?,
    };
    experiments.sort_unstable();
    experiments.dedup();
    Ok(Scope { experiments, view })
}

fn read(text: &str, scanner: &mut Scanner<'_>) -> Result<Tree, String> {
    check_length(text)?;
    scanner.skip_blanks();
    if scanner.is_at_end() {
        return Ok(Tree::everything());
    }
    let tree = any(scanner, 0)?;
    if scanner.is_at_end() {
        return Ok(tree);
    }
    let rest: String = scanner.rest().chars().take(20).collect();
    Err(format!("`{rest}` was not expected"))
}

fn any(scanner: &mut Scanner<'_>, depth: usize) -> Result<Tree, String> {
    let mut parts = vec![all(scanner, depth)?];
    while scanner.take_word("OR") {
        parts.push(all(scanner, depth)?);
    }
    Ok(match parts.len() {
        1 => parts.remove(0),
        _ => Tree::Any(parts),
    })
}

fn all(scanner: &mut Scanner<'_>, depth: usize) -> Result<Tree, String> {
    let mut parts = vec![one(scanner, depth)?];
    while scanner.take_word("AND") {
        parts.push(one(scanner, depth)?);
    }
    Ok(match parts.len() {
        1 => parts.remove(0),
        _ => Tree::All(parts),
    })
}

fn one(scanner: &mut Scanner<'_>, depth: usize) -> Result<Tree, String> {
    if depth > DEEPEST {
        return Err(format!("it is nested deeper than {DEEPEST}"));
    }
    scanner.skip_blanks();
    let tree = if scanner.take_word("NOT") {
        Tree::Not(Box::new(one(scanner, depth + 1)?))
    } else if scanner.take('(') {
        let tree = any(scanner, depth + 1)?;
        if !scanner.take(')') {
            return Err("a parenthesis is not closed".into());
        }
        tree
    } else {
        Tree::Clause(comparison(scanner)?)
    };
    scanner.skip_blanks();
    Ok(tree)
}

/// A comparison of MLflow's, or a param or tag against a number.
fn comparison(scanner: &mut Scanner<'_>) -> Result<Clause, String> {
    let mut ahead = *scanner;
    let found = numeric(&mut ahead);
    if !matches!(found, Ok(None)) {
        *scanner = ahead;
    }
    if let Some(clause) = found? {
        return Ok(clause);
    }
    clause(Searchable::Runs, scanner)
}

fn numeric(scanner: &mut Scanner<'_>) -> Result<Option<Clause>, String> {
    let (entity, key) = resolve(Searchable::Runs, scanner.identifier()?)?;
    let comparator: Comparator = scanner.comparator()?;
    if !matches!(entity, Entity::Param | Entity::Tag) || !comparator.is_numeric() {
        return Ok(None);
    }
    let Literal::Number(number) = scanner.value()? else {
        return Ok(None);
    };
    let number = number
        .parse()
        .map_err(|_| format!("`{number}` is no number"))?;
    Ok(Some(Clause {
        entity,
        key,
        comparator,
        operand: Operand::Number(number),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_binds_closer_than_or() {
        let tree = |text| Condition::parse(text).unwrap().tree;
        let bare = tree("metrics.a > 1 OR metrics.b > 2 AND NOT params.c < 3");
        let nested = tree("metrics.a > 1 or (metrics.b > 2 and (not (params.c < 3)))");
        assert_eq!(bare, nested);
        let Tree::Any(parts) = bare else { panic!() };
        assert_eq!(parts.len(), 2);
        assert!(tree("  ").is_everything());
    }

    #[test]
    fn an_error_tells_where_it_is() {
        for (text, expect) in [
            ("metrics.a > 1 OR params.b = 'x'", None),
            ("", None),
            ("metrics.a > 1 AND (metrics.b > 2", Some(32)),
            ("metrics.a >> 1", Some(12)),
            ("metrics.a > 1 x", Some(14)),
            ("ä", Some(2)),
            ("metrics.a > 'x'", Some(15)),
        ] {
            assert_eq!(Condition::error_position(text), expect, "{text}");
        }
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let deep = format!("{}metrics.a > 1{}", "(".repeat(70), ")".repeat(70));
        let flat = format!("{}metrics.a > 1", "NOT ".repeat(10_000));
        for bad in [
            "(metrics.a > 1",
            "metrics.a > 1)",
            "metrics.a > 1 OR",
            "AND metrics.a > 1",
            "metrics.a > 1 metrics.b > 1",
            "()",
            "NOT",
            "params.a > 'x'",
            &deep,
            &flat,
        ] {
            assert!(Condition::parse(bad).is_err(), "{bad:.30}");
        }
    }
}
