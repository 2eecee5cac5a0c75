//! The values that bad rows have most often.

use std::cmp::Reverse;

use arrow::{
    array::{Array, ArrayRef, UInt32Array},
    compute::take,
    util::display::array_value_to_string,
};
use mlops_core::Value;

use super::{
    distinct::{counts, distinct},
    live::Live,
};
use crate::{Error, Result};

/// How many bad values are counted; of more, the first so many speak for all.
const COUNTED: usize = 1 << 20;

/// The number of distinct values in some rows of a column, and those that are most frequent with their counts.
///
/// Among equal counts the value that appears first comes first. Nulls do not count.
pub(crate) fn frequent(
    array: &ArrayRef,
    rows: &[u32],
    named: usize,
) -> Result<(usize, Vec<(String, u64)>)> {
    if rows.is_empty() {
        return Ok((0, Vec::new()));
    }
    let rows = UInt32Array::from(rows[..rows.len().min(COUNTED)].to_vec());
    let some = take(array, &rows, None).map_err(Error::arrow("take the rows that break a rule"))?;
    let distinct = distinct(&some)?;
    let live = Live::new(some.len(), None).with_values(&some);
    let counts = counts(&distinct, &live);
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|code| Reverse(counts[*code]));
    let most = order.into_iter().take(named);
    let most = most.map(|code| (shown(&some, distinct.firsts[code] as usize), counts[code]));
    Ok((distinct.len(), most.collect()))
}

/// A value of a column in words.
pub(super) fn shown(array: &ArrayRef, row: usize) -> String {
    match Value::from_array("", array, row) {
        Ok(value) => text(&value),
        Err(_) => array_value_to_string(array, row).unwrap_or_default(),
    }
}

/// A value in words.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Float(f) => f.to_string(),
        Value::Str(s) => format!("{s:?}"),
        Value::Time(t) => t.to_string(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}
