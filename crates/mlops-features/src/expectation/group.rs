//! One key of 64 bits for the values of several columns, equal exactly where all of them are.

use super::{
    check::Context,
    distinct::keys,
    intern::{Distinct, intern},
    live::Live,
};
use crate::Result;

/// A part of a key: a value a row that is below `1 << bits`, 0 for null.
struct Part {
    values: Vec<u64>,
    bits: u32,
}

/// A key for each row; a null is a value like any other.
///
/// Whole numbers, times and booleans of a small range go into the key as they are; texts, floats and wide
/// numbers by the code of their distinct value. Where 64 bits do not suffice, what there is is coded.
pub(super) fn group(context: &Context<'_>, columns: &[String]) -> Result<Vec<u64>> {
    let rows = context.table.rows();
    let mut all = Part {
        values: vec![0; rows],
        bits: 0,
    };
    for name in columns {
        let part = part(context, name)?;
        if all.bits + part.bits > 64 {
            let values = &all.values;
            let live = 0..u32::try_from(rows).expect("a table has at most 2^32 - 1 rows");
            let same = |_, _| true;
            all = coded(
                &intern(rows, live, |row| values[row], same, |row| values[row]),
                0,
            );
        }
        for (key, value) in all.values.iter_mut().zip(&part.values) {
            *key = if part.bits == 64 {
                *value
            } else {
                *key << part.bits | value
            };
        }
        all.bits += part.bits;
    }
    Ok(all.values)
}

fn part(context: &Context<'_>, name: &str) -> Result<Part> {
    let array = context.column(name)?;
    if let Some(mut values) = keys(array)? {
        let live = Live::new(values.len(), None).with_values(array);
        let (least, most, _) = live.extent(&values, u64::MAX, u64::MIN);
        let width = most.saturating_sub(least);
        if width < u64::from(u32::MAX) {
            for (row, value) in values.iter_mut().enumerate() {
                *value = if live.holds(row) {
                    *value - least + 1
                } else {
                    0
                };
            }
            return Ok(Part {
                values,
                bits: bits(width + 1),
            });
        }
    }
    let distinct = context.distinct(name)?;
    Ok(coded(&distinct, 1))
}

/// Codes as a part, `first` being that of the first value.
fn coded(distinct: &Distinct, first: u64) -> Part {
    let count = distinct.len() as u64;
    let values = distinct.codes.iter().map(|code| {
        let code = u64::from(*code);
        if code == count { 0 } else { code + first }
    });
    Part {
        values: values.collect(),
        bits: bits(count + first),
    }
}

/// The bits that hold the numbers up to `most`.
fn bits(most: u64) -> u32 {
    64 - most.leading_zeros()
}
