//! The first so many of many runs in an order, without sorting all of them by everything.
//!
//! The first key is read for all; what is beyond the wanted number by it alone falls away; the next key
//! is read for those that tie, and so on. The last key is unique, so that every page begins where the
//! last one ended.

use std::cmp::Ordering;

use rusqlite::Transaction;

use super::{
    column::{value_of, values_of},
    order::{OrderKey, compare},
    token::Value,
};
use crate::{Result, TrackingError};

/// The first `wanted` of the rows in the order of the keys, behind a place if there is one.
pub(super) fn first(
    tx: &Transaction<'_>,
    rows: &[i64],
    keys: &[OrderKey],
    after: Option<&[Value]>,
    wanted: usize,
) -> Result<Vec<i64>> {
    let Some((key, rest)) = keys.split_first() else {
        // nothing is left that tells them apart, and the place itself is not behind itself
        return Ok(if after.is_some() {
            Vec::new()
        } else {
            rows.to_vec()
        });
    };
    let place = match after {
        None => None,
        Some(values) => Some(values.split_first().ok_or(WRONG_PLACE)?),
    };
    if rows.is_empty() || wanted == 0 || (rows.len() == 1 && place.is_none()) {
        return Ok(rows.iter().copied().take(wanted).collect());
    }
    let mut values = values_of(tx, key.entity, &key.key, rows)?;
    let by_value =
        |(one, _): &(Value, i64), (other, _): &(Value, i64)| compare(one, other, key.ascending);
    if let Some((place, _)) = place {
        values.retain(|(value, _)| compare(value, place, key.ascending) != Ordering::Less);
    }
    if values.len() > wanted {
        // those that tie with the last wanted one stay, and so do those that tie with the place
        let tied = |values: &[(Value, i64)]| {
            place.map_or(0, |(place, _)| {
                values
                    .iter()
                    .filter(|(value, _)| compare(value, place, key.ascending) == Ordering::Equal)
                    .count()
            })
        };
        let reach = wanted + tied(&values);
        if values.len() > reach {
            let (_, last, _) = values.select_nth_unstable_by(reach - 1, by_value);
            let last = last.0.clone();
            values.retain(|(value, _)| compare(value, &last, key.ascending) != Ordering::Greater);
        }
    }
    values.sort_by(by_value);
    let mut chosen = Vec::new();
    for tie in values.chunk_by(|one, other| by_value(one, other) == Ordering::Equal) {
        let missing = wanted - chosen.len();
        if missing == 0 {
            break;
        }
        let after = match place {
            Some((place, rest)) if compare(&tie[0].0, place, key.ascending) == Ordering::Equal => {
                Some(rest)
            }
            _ => None,
        };
        let rows: Vec<i64> = tie.iter().map(|(_, row)| *row).collect();
        chosen.extend(first(tx, &rows, rest, after, missing)?);
    }
    Ok(chosen)
}

/// The place of a row in the order of the keys.
pub(super) fn place(tx: &Transaction<'_>, row: i64, keys: &[OrderKey]) -> Result<Vec<Value>> {
    keys.iter()
        .map(|key| value_of(tx, key.entity, &key.key, row))
        .collect()
}

const WRONG_PLACE: TrackingError = TrackingError::InvalidPageToken {
    reason: "it names no place in this order",
};
