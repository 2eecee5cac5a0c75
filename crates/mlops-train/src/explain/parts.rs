//! The segments that a column's values make.

use std::collections::BTreeMap;

use arrow::{array::ArrayRef, datatypes::DataType};
use mlops_core::Value;

use super::grid::numbers;
use crate::{Error, Result};

/// The segments of a column.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) names: Vec<String>,
    /// Whether they are ranges, which keep their order.
    pub(super) ranges: bool,
    /// `[rows]`: the segment of each.
    pub(super) of: Vec<usize>,
}

/// Texts, booleans and few whole numbers make a segment each; other numbers are cut into ranges.
pub(super) fn parts(name: &str, column: &ArrayRef, most: usize) -> Result<Parts> {
    let text = |value: Value| match value {
        Value::Null => Ok("(missing)".to_owned()),
        Value::Bool(yes) => Ok(yes.to_string()),
        Value::Int(number) => Ok(number.to_string()),
        Value::Str(text) => Ok(text),
        _ => Err(Error::UnsupportedColumn {
            column: name.to_owned(),
            found: column.data_type().clone(),
        }),
    };
    if matches!(column.data_type(), DataType::Float32 | DataType::Float64) {
        return ranges(name, column, most);
    }
    let values: Vec<String> = (0..column.len())
        .map(|row| text(Value::from_array(name, column, row)?))
        .collect::<Result<_>>()?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for value in &values {
        *counts.entry(value).or_default() += 1;
    }
    if counts.len() > most && column.data_type().is_integer() {
        return ranges(name, column, most);
    }
    let mut frequent: Vec<(&str, usize)> = counts.into_iter().collect();
    frequent.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let whole = frequent.len() <= most;
    if !whole {
        frequent.truncate(most - 1);
    }
    let kept: BTreeMap<&str, usize> = frequent
        .iter()
        .enumerate()
        .map(|(at, (name, _))| (*name, at))
        .collect();
    let of = values.iter().map(|value| kept.get(value.as_str()).copied());
    let of = of.map(|part| part.unwrap_or(frequent.len())).collect();
    let mut names: Vec<String> = frequent
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    if !whole {
        names.push("(other)".to_owned());
    }
    Ok(Parts {
        names,
        ranges: false,
        of,
    })
}

/// Ranges of equal numbers of rows; four, or fewer if no more are allowed.
fn ranges(name: &str, column: &ArrayRef, most: usize) -> Result<Parts> {
    let mut sorted = numbers(name, column)?;
    sorted.sort_by(f64::total_cmp);
    let count = most.min(4);
    let mut edges: Vec<f64> = (1..count)
        .map(|part| sorted[part * sorted.len() / count])
        .collect();
    edges.dedup();
    let (lowest, highest) = (sorted[0], sorted[sorted.len() - 1]);
    let starts = std::iter::once(&lowest).chain(&edges);
    let ends = edges.iter().map(|end| format!("..{}", short(*end)));
    let ends = ends.chain([format!("..={}", short(highest))]);
    let mut names: Vec<String> = starts
        .zip(ends)
        .map(|(from, to)| format!("{}{to}", short(*from)))
        .collect();
    let missing = names.len();
    names.push("(missing)".to_owned());
    let of = (0..column.len()).map(|row| {
        let value = Value::from_array(name, column, row)?.as_f64();
        let value = value.filter(|value| value.is_finite());
        Ok(value.map_or(missing, |value| {
            edges.partition_point(|edge| *edge <= value)
        }))
    });
    Ok(Parts {
        names,
        ranges: true,
        of: of.collect::<Result<_>>()?,
    })
}

/// A number with four significant digits, or all of a whole one.
fn short(value: f64) -> String {
    if value.fract() == 0.0 || !(1e-6..1e15).contains(&value.abs()) {
        return value.to_string();
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 9"
    )]
    let decimals = (3.0 - value.abs().log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let check = |value: f64, expected: &str| assert_eq!(short(value), expected);
        check(6.272_684_557, "6.273");
        check(-12_345.6, "-12346");
        check(0.001_234_56, "0.001235");
        check(7.0, "7");
        check(0.0, "0");
    }
}
