//! Two columns of a row stand in a relation: pickup before drop-off, list price not below the price.

use std::cmp::Ordering;

use arrow::{array::Array, buffer::BooleanBuffer};
use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, rows},
    comparison::Comparison,
    limit::whole_with_real,
    live::Live,
    values::{Real, Values, Whole, each_whole},
};
use crate::Result;

/// What a null in one of two columns means.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "snake_case")]
pub enum Nulls {
    /// The row is skipped if either is null.
    #[default]
    Skip,
    /// The row is skipped if both are null; one null alone breaks the rule.
    SkipBoth,
    /// A null breaks the rule.
    Break,
}

/// See [`Expectation::compare`](super::Expectation::compare).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pair {
    pub(super) left: String,
    pub(super) is: Comparison,
    pub(super) right: String,
    #[serde(default)]
    pub(super) nulls: Nulls,
}

impl Check for Pair {
    fn columns(&self) -> Vec<&str> {
        vec![&self.left, &self.right]
    }

    fn words(&self) -> String {
        let nulls = match self.nulls {
            Nulls::Skip => "",
            Nulls::SkipBoth => ", both null or neither",
            Nulls::Break => ", neither null",
        };
        let sign = self.is.sign();
        format!("`{}` {sign} `{}`{nulls}", self.left, self.right)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let (left, a) = (
            context.column(&self.left)?,
            Values::of(context.column(&self.left)?)?,
        );
        let (right, b) = (
            context.column(&self.right)?,
            Values::of(context.column(&self.right)?)?,
        );
        let some_left = context.rows().with_values(left);
        let both = some_left.clone().with_values(right);
        let bad = self
            .unlike(&a, &b, &both)
            .ok_or_else(|| context.wrong_type(&self.right, "the kind of the column beside it"))?;
        let some_right = context.rows().with_values(right);
        let one_null: Vec<u32> = match self.nulls {
            Nulls::Skip => return Ok(told(&both, bad)),
            Nulls::SkipBoth => some_left
                .rows()
                .filter(|row| !both.holds(*row as usize))
                .chain(some_right.rows().filter(|row| !both.holds(*row as usize)))
                .collect(),
            Nulls::Break => context
                .rows()
                .rows()
                .filter(|row| !both.holds(*row as usize))
                .collect(),
        };
        let mut seen = vec![false; context.table.rows()];
        for row in both.rows().chain(one_null.iter().copied()) {
            seen[row as usize] = true;
        }
        let mut all = bad;
        all.extend(one_null);
        all.sort_unstable();
        Ok(told(
            &Live::new(left.len(), Some(&BooleanBuffer::from(seen))),
            all,
        ))
    }

    fn effort(&self) -> u32 {
        4
    }
}

fn told(live: &Live, bad: Vec<u32>) -> Outcome {
    let observed = format!("{} rows do not", bad.len());
    rows(live, bad, observed)
}

impl Pair {
    /// The rows with two values that are not in the relation; `None` if such values are never compared.
    fn unlike(&self, a: &Values, b: &Values, live: &Live) -> Option<Vec<u32>> {
        Some(match (a, b) {
            (Values::Whole(Whole::I64(a)), Values::Whole(Whole::I64(b))) => {
                live.bad_at(|row| self.is.holds(Some(a[row].cmp(&b[row]))))
            }
            (Values::Real(Real::F64(a)), Values::Real(Real::F64(b))) => {
                live.bad_at(|row| self.is.holds(a[row].partial_cmp(&b[row])))
            }
            (Values::Whole(a), Values::Whole(b)) => {
                self.rows(live, |row| Some(whole_at(a, row).cmp(&whole_at(b, row))))
            }
            (Values::Real(a), Values::Real(b)) => {
                let (a, b) = (a.wide(), b.wide());
                self.rows(live, |row| a[row].partial_cmp(&b[row]))
            }
            (Values::Whole(a), Values::Real(b)) => {
                let b = b.wide();
                self.rows(live, |row| whole_with_real(whole_at(a, row), b[row]))
            }
            (Values::Real(a), Values::Whole(b)) => {
                let a = a.wide();
                self.rows(live, |row| {
                    whole_with_real(whole_at(b, row), a[row]).map(Ordering::reverse)
                })
            }
            (Values::Text(a), Values::Text(b)) => {
                self.rows(live, |row| Some(a.value(row).cmp(b.value(row))))
            }
            (Values::Time(a), Values::Time(b)) => self.rows(live, |row| Some(a[row].cmp(&b[row]))),
            (Values::Bool(a), Values::Bool(b)) => {
                self.rows(live, |row| Some(a.value(row).cmp(&b.value(row))))
            }
            _ => return None,
        })
    }

    fn rows(&self, live: &Live, order: impl Fn(usize) -> Option<Ordering>) -> Vec<u32> {
        live.bad_at(|row| self.is.holds(order(row)))
    }
}

fn whole_at(whole: &Whole, row: usize) -> i128 {
    each_whole!(whole, values => values[row].into())
}
