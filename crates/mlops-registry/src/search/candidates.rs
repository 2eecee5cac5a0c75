//! Which runs a filter lets pass: sets of rows from indexes, joined as the filter joins its clauses.
//!
//! A clause over many runs is one scan of an index; over few it is a lookup each. So the work grows with
//! what the clauses let pass, and not with the number of runs times the number of clauses.

use rusqlite::{Transaction, params, types::Value as Sql};

use super::{
    clause::{Clause, Comparator, Entity, Found, Operand, Tree},
    column::{FEW, attribute, each, found, value_of},
    rows::Rows,
};
use crate::{Result, View, error::During, metric};

const SEARCHING: &str = "search runs";

/// Which runs are looked at before any filter.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// Rows of experiments, each once.
    pub(super) experiments: Vec<i64>,
    pub(super) view: View,
}

impl Scope {
    /// The values of the column `deleted` that belong to the view.
    pub(super) fn deleted(&self) -> &'static [i64] {
        match self.view {
            View::Active => &[0],
            View::Deleted => &[1],
            View::All => &[0, 1],
        }
    }

    fn rows(&self, tx: &Transaction<'_>) -> Result<Rows> {
        let mut rows = Rows::default();
        for experiment in &self.experiments {
            for deleted in self.deleted() {
                each(
                    tx,
                    "SELECT id FROM run INDEXED BY run_by_start
                     WHERE experiment_id = ?1 AND deleted = ?2",
                    params![experiment, deleted],
                    |row| {
                        rows.insert(row.get(0)?);
                        Ok(())
                    },
                )
                .during(SEARCHING)?;
            }
        }
        Ok(rows)
    }

    fn contains(&self, tx: &Transaction<'_>, row: i64) -> Result<bool> {
        let (experiment, deleted): (i64, i64) = tx
            .prepare_cached("SELECT experiment_id, deleted FROM run WHERE id = ?1")
            .during(SEARCHING)?
            .query_row([row], |row| Ok((row.get(0)?, row.get(1)?)))
            .during(SEARCHING)?;
        Ok(self.experiments.contains(&experiment) && self.deleted().contains(&deleted))
    }
}

/// The runs of the scope that the tree lets pass.
pub(super) fn find(tx: &Transaction<'_>, scope: &Scope, tree: &Tree) -> Result<Rows> {
    // one clause that an index answers may leave so few that the scope need not be read at all
    if let Tree::All(parts) = tree
        && let Some(at) = parts.iter().position(is_selective)
        && let Tree::Clause(clause) = &parts[at]
    {
        let rows = scan(tx, clause)?;
        if rows.len() <= FEW {
            let mut within = Rows::default();
            for row in rows.iter() {
                if scope.contains(tx, row)? {
                    within.insert(row);
                }
            }
            return evaluate(tx, tree, within);
        }
        let mut within = rows.and(&scope.rows(tx)?);
        for (_, part) in parts.iter().enumerate().filter(|(place, _)| *place != at) {
            within = evaluate(tx, part, within)?;
        }
        return Ok(within);
    }
    evaluate(tx, tree, scope.rows(tx)?)
}

/// Whether a range of an index answers it.
fn is_selective(part: &Tree) -> bool {
    let Tree::Clause(clause) = part else {
        return false;
    };
    match clause.entity {
        Entity::Param | Entity::Tag => {
            clause.comparator == Comparator::Equal && matches!(clause.operand, Operand::Text(_))
        }
        Entity::Metric => clause.comparator != Comparator::NotEqual,
        Entity::Dataset => clause.comparator == Comparator::Equal,
        Entity::Attribute => {
            clause.key == "run_id"
                && matches!(clause.comparator, Comparator::Equal | Comparator::In)
        }
    }
}

fn evaluate(tx: &Transaction<'_>, tree: &Tree, within: Rows) -> Result<Rows> {
    if within.is_empty() {
        return Ok(within);
    }
    match tree {
        Tree::All(parts) => parts
            .iter()
            .try_fold(within, |within, part| evaluate(tx, part, within)),
        Tree::Any(parts) => parts.iter().try_fold(Rows::default(), |rows, part| {
            Ok(rows.or(&evaluate(tx, part, within.clone())?))
        }),
        Tree::Not(inner) => {
            let rows = evaluate(tx, inner, within.clone())?;
            Ok(within.and_not(&rows))
        }
        Tree::Clause(clause) if within.len() <= FEW => {
            let mut rows = Rows::default();
            for row in within.iter() {
                if holds(tx, clause, row)? {
                    rows.insert(row);
                }
            }
            Ok(rows)
        }
        Tree::Clause(clause) if clause.comparator == Comparator::IsNull => {
            let there = Clause {
                comparator: Comparator::IsNotNull,
                ..clause.clone()
            };
            Ok(within.and_not(&scan(tx, &there)?))
        }
        Tree::Clause(clause) => Ok(within.and(&scan(tx, clause)?)),
    }
}

/// Whether a clause holds for one run.
fn holds(tx: &Transaction<'_>, clause: &Clause, row: i64) -> Result<bool> {
    if clause.entity != Entity::Dataset {
        let value = value_of(tx, clause.entity, &clause.key, row)?;
        return Ok(clause.holds(found(&value)));
    }
    let mut any = false;
    let sql = format!("{} WHERE i.run_id = ?1", datasets(&clause.key));
    each(tx, &sql, [row], |row| {
        any |= clause.holds(Some(Found::Text(row.get_ref(0)?.as_str()?)));
        Ok(())
    })
    .during(SEARCHING)?;
    Ok(any)
}

/// The values of the datasets of runs, to be narrowed by a condition on `i`.
fn datasets(key: &str) -> &'static str {
    match key {
        "name" => "SELECT d.name, i.run_id FROM run_input i JOIN dataset d ON d.id = i.dataset_id",
        "digest" => {
            "SELECT d.digest, i.run_id FROM run_input i JOIN dataset d ON d.id = i.dataset_id"
        }
        // the grammar knows no other
        _ => {
            "SELECT i.value, i.run_id FROM (
                SELECT value, run_id FROM run_input_tag WHERE key = 'mlflow.data.context') i"
        }
    }
}

/// The runs of all experiments for which a clause holds, by one scan.
fn scan(tx: &Transaction<'_>, clause: &Clause) -> Result<Rows> {
    let (sql, params, decided) = match clause.entity {
        Entity::Metric => {
            let Some(key) = metric::key_id(tx, &clause.key)? else {
                return Ok(Rows::default());
            };
            let table = "SELECT NULL, run_id FROM metric_latest INDEXED BY metric_by_value
                WHERE key_id = ?1";
            match clause.operand {
                Operand::Number(number) if clause.comparator == Comparator::NotEqual => (
                    format!("{table} AND (is_nan = 1 OR value <> ?2)"),
                    vec![Sql::Integer(key), Sql::Real(number)],
                    true,
                ),
                Operand::Number(number) => (
                    format!("{table} AND is_nan = 0 AND value {} ?2", clause.comparator),
                    vec![Sql::Integer(key), Sql::Real(number)],
                    true,
                ),
                _ => (table.to_owned(), vec![Sql::Integer(key)], true),
            }
        }
        Entity::Param | Entity::Tag => {
            let (name, index) = if clause.entity == Entity::Param {
                ("param", "param_by_value")
            } else {
                ("tag", "tag_by_value")
            };
            let key = Sql::Text(clause.key.clone());
            let table =
                format!("SELECT value, run_id FROM {name} INDEXED BY {index} WHERE key = ?1");
            match (&clause.operand, clause.comparator) {
                (Operand::Text(text), Comparator::Equal) => (
                    format!("{table} AND value = ?2"),
                    vec![key, Sql::Text(text.clone())],
                    true,
                ),
                (_, Comparator::IsNotNull) => (table, vec![key], true),
                _ => (table, vec![key], false),
            }
        }
        Entity::Attribute => match (&clause.operand, clause.key.as_str(), clause.comparator) {
            (Operand::Text(text), "run_id", Comparator::Equal) => {
                return by_uid(tx, std::slice::from_ref(text));
            }
            (Operand::List(texts), "run_id", Comparator::In) => return by_uid(tx, texts),
            (_, key, _) => (
                format!("SELECT {}, id FROM run", attribute(key)),
                Vec::new(),
                false,
            ),
        },
        Entity::Dataset => (datasets(&clause.key).to_owned(), Vec::new(), false),
    };
    let mut rows = Rows::default();
    each(tx, &sql, rusqlite::params_from_iter(params), |row| {
        if decided || clause.holds(seen(row.get_ref(0)?)?) {
            rows.insert(row.get(1)?);
        }
        Ok(())
    })
    .during(SEARCHING)?;
    Ok(rows)
}

/// A value as clauses see it, without a copy.
fn seen(value: rusqlite::types::ValueRef<'_>) -> rusqlite::Result<Option<Found<'_>>> {
    use rusqlite::types::ValueRef;
    Ok(match value {
        ValueRef::Integer(micros) => {
            let millis = micros.div_euclid(1_000) as f64;
            Some(Found::Number(millis))
        }
        ValueRef::Real(number) => Some(Found::Number(number)),
        ValueRef::Text(_) => Some(Found::Text(value.as_str()?)),
        ValueRef::Null | ValueRef::Blob(_) => None,
    })
}

fn by_uid(tx: &Transaction<'_>, uids: &[String]) -> Result<Rows> {
    let mut rows = Rows::default();
    for uid in uids {
        each(tx, "SELECT id FROM run WHERE uid = ?1", [uid], |row| {
            rows.insert(row.get(0)?);
            Ok(())
        })
        .during(SEARCHING)?;
    }
    Ok(rows)
}
