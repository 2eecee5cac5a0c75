//! A foreign key: the values of some columns occur in another table.

use arrow::array::{Array, ArrayRef};
use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, list, rows},
    distinct::{content, keys},
    intern::KeySet,
    live::Live,
    values::{Text, Values, cast, each_text},
};
use crate::Result;

/// See [`Expectation::references`](super::Expectation::references).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reference {
    pub(super) columns: Vec<String>,
    pub(super) table: String,
    /// The columns over there, in the same order.
    pub(super) other: Vec<String>,
}

impl Check for Reference {
    fn columns(&self) -> Vec<&str> {
        self.columns.iter().map(String::as_str).collect()
    }

    fn words(&self) -> String {
        let (here, there) = (list(&self.columns, " with "), list(&self.other, " with "));
        format!("{here} occurs in {there} of table `{}`", self.table)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        if self.columns.is_empty() || self.columns.len() != self.other.len() {
            return Err(context.invalid("as many columns must be named here as there"));
        }
        let table = context.other(&self.table)?;
        let mut live = context.rows();
        let (mut here, mut there) = (Vec::new(), Vec::new());
        let mut known = Live::new(table.rows(), None);
        for (name, other) in self.columns.iter().zip(&self.other) {
            let (own, foreign) = (context.column(name)?, context.column_of(table, other)?);
            let foreign = alike(own, foreign)
                .ok_or_else(|| context.wrong_type(name, "the kind of the column it refers to"))?;
            // a null refers to nothing and is referred to by nothing
            live = live.with_values(own);
            known = known.with_values(&foreign);
            here.push(own.clone());
            there.push(foreign);
        }
        let bad = match (&here[..], &there[..]) {
            ([here], [there]) => lost(here, there, &live, &known)?,
            _ => lost_together(&here, &there, &live, &known)?,
        };
        let observed = format!("{} rows refer to nothing", bad.len());
        Ok(rows(&live, bad, observed))
    }

    fn effort(&self) -> u32 {
        40
    }
}

/// The column over there in the type of the one here; what does not fit becomes null and is never found.
fn alike(own: &ArrayRef, foreign: &ArrayRef) -> Option<ArrayRef> {
    if own.data_type() == foreign.data_type() {
        return Some(foreign.clone());
    }
    let both = (Values::of(own).ok()?, Values::of(foreign).ok()?);
    let same = matches!(
        both,
        (Values::Whole(_), Values::Whole(_))
            | (Values::Text(_), Values::Text(_))
            | (Values::Time(_), Values::Time(_))
    );
    same.then(|| cast(foreign, own.data_type()).ok()).flatten()
}

fn lost(here: &ArrayRef, there: &ArrayRef, live: &Live, known: &Live) -> Result<Vec<u32>> {
    if let (Values::Text(here), Values::Text(there)) = (Values::of(here)?, Values::of(there)?) {
        return Ok(lost_texts(&here, &there, live, known));
    }
    let (Some(own), Some(foreign)) = (keys(here)?, keys(there)?) else {
        let (here, there) = (here.clone(), there.clone());
        return lost_together(&[here], &[there], live, known);
    };
    let mut set = KeySet::new();
    known.each(&foreign, |key| {
        set.insert(key);
    });
    Ok(live.bad(&own, |key| set.contains(key)))
}

fn lost_texts(here: &Text, there: &Text, live: &Live, known: &Live) -> Vec<u32> {
    let mut set = KeySet::new();
    for row in known.rows() {
        set.insert_text(there.value(row as usize));
    }
    each_text!(here, texts => live.bad_at(|row| set.contains_text(texts.value(row))))
}

/// By the content of several columns as bytes.
fn lost_together(
    here: &[ArrayRef],
    there: &[ArrayRef],
    live: &Live,
    known: &Live,
) -> Result<Vec<u32>> {
    let all: Vec<ArrayRef> = there
        .iter()
        .zip(here)
        .map(|(there, here)| arrow::compute::concat(&[there, here]))
        .collect::<Result<_, _>>()
        .map_err(crate::Error::arrow("compare two tables"))?;
    let content = content(&all)?;
    let offset = there.first().map_or(0, Array::len);
    let mut set = std::collections::BTreeSet::new();
    for row in known.rows() {
        set.insert(content.row(row as usize));
    }
    Ok(live.bad_at(|row| set.contains(&content.row(offset + row))))
}
