//! The table has certain columns: one, a set, a list in order, a number of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, list, whole},
    row_count::count,
};
use crate::Result;

/// See [`Expectation::column_exists`](super::Expectation::column_exists).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnExists {
    pub(super) column: String,
    /// The position that it must have, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<usize>,
}

/// See [`Expectation::columns_are`](super::Expectation::columns_are).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Columns {
    pub(super) columns: Vec<String>,
    pub(super) relation: Relation,
}

/// How the columns of the table stand to those named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Relation {
    /// The same, in any order.
    Same,
    /// The same, in the same order.
    Ordered,
    /// All of them, and perhaps more.
    Include,
}

/// See [`Expectation::column_count_between`](super::Expectation::column_count_between).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnCount {
    pub(super) min: usize,
    pub(super) max: usize,
}

impl Check for ColumnExists {
    fn columns(&self) -> Vec<&str> {
        Vec::new()
    }

    fn words(&self) -> String {
        let at = self.at.map(|at| format!(" at position {at}"));
        format!(
            "there is a column `{}`{}",
            self.column,
            at.unwrap_or_default()
        )
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let names = names(context);
        let found = names.iter().position(|name| *name == self.column);
        let observed = match found {
            Some(at) => format!("it is at position {at}"),
            None => format!("the table has {}", list(&names, ", ")),
        };
        let passed = found.is_some() && self.at.is_none_or(|at| found == Some(at));
        Ok(whole(passed, observed, found.map(count)))
    }

    fn reads_rows(&self) -> bool {
        false
    }
}

impl Check for Columns {
    fn columns(&self) -> Vec<&str> {
        Vec::new()
    }

    fn words(&self) -> String {
        let named = list(&self.columns, ", ");
        match self.relation {
            Relation::Same => format!("the columns are {named} in any order"),
            Relation::Ordered => format!("the columns are {named} in this order"),
            Relation::Include => format!("there are columns {named}"),
        }
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let names = names(context);
        let there: BTreeSet<&String> = names.iter().collect();
        let named: BTreeSet<&String> = self.columns.iter().collect();
        let mut faults = Vec::new();
        let missing: Vec<String> = named.difference(&there).map(ToString::to_string).collect();
        if !missing.is_empty() {
            faults.push(format!("{} missing", list(&missing, ", ")));
        }
        let more: Vec<String> = there.difference(&named).map(ToString::to_string).collect();
        if !more.is_empty() && self.relation != Relation::Include {
            faults.push(format!("{} not expected", list(&more, ", ")));
        }
        if faults.is_empty() && self.relation == Relation::Ordered && names != self.columns {
            faults.push(format!("the order is {}", list(&names, ", ")));
        }
        let passed = faults.is_empty();
        if passed {
            faults.push(format!("{} columns", names.len()));
        }
        Ok(whole(passed, faults.join("; "), Some(count(names.len()))))
    }

    fn reads_rows(&self) -> bool {
        false
    }
}

impl Check for ColumnCount {
    fn columns(&self) -> Vec<&str> {
        Vec::new()
    }

    fn words(&self) -> String {
        format!("the table has {} to {} columns", self.min, self.max)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        if self.min > self.max {
            return Err(context.invalid("the range is empty"));
        }
        let columns = names(context).len();
        let passed = self.min <= columns && columns <= self.max;
        Ok(whole(
            passed,
            format!("{columns} columns"),
            Some(count(columns)),
        ))
    }

    fn reads_rows(&self) -> bool {
        false
    }
}

fn names(context: &Context<'_>) -> Vec<String> {
    let columns = context.table.schema().columns();
    columns.iter().map(|c| c.name().to_owned()).collect()
}
