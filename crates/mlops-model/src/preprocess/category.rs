//! Categories: texts, whole numbers and booleans looked up in a list.

use super::Encoder;
use crate::{Input, InputKind, cell::Cell, limit, signature::shorten};

/// The categories of one encoder, sorted for look-up; empty for an encoder without.
#[derive(Debug, Clone)]
pub(super) enum Lookup {
    None,
    Text(Vec<(Box<str>, usize)>),
    Int(Vec<(i64, usize)>),
    Bool([Option<usize>; 2]),
}

impl Lookup {
    /// Checks the categories against the kind of their input and sorts them.
    pub(super) fn new(input: &Input, encoder: &Encoder) -> Result<Self, String> {
        let name = &input.name;
        let categories = match encoder {
            Encoder::OneHot { categories, .. } | Encoder::Ordinal { categories, .. } => categories,
            Encoder::Target {
                categories,
                values,
                prior,
                ..
            } => {
                check_values(name, categories.len(), values, prior)?;
                categories
            }
            _ => return Ok(Self::None),
        };
        if let Some(long) = categories.iter().find(|c| c.len() > limit::NAME_BYTES) {
            return Err(format!("category `{}…` is too long", shorten(long)));
        }
        let columns = categories.iter().enumerate();
        match input.kind {
            InputKind::Str => {
                let sorted = columns
                    .map(|(i, c)| (Box::<str>::from(c.as_str()), i))
                    .collect();
                sorted_once(name, sorted).map(Self::Text)
            }
            InputKind::Int => {
                let sorted = columns.map(|(i, c)| Ok((parse(name, c)?, i)));
                sorted_once(name, sorted.collect::<Result<_, String>>()?).map(Self::Int)
            }
            InputKind::Bool => {
                let sorted = columns.map(|(i, c)| Ok((parse::<bool>(name, c)?, i)));
                let mut slots = [None; 2];
                for (value, i) in sorted_once(name, sorted.collect::<Result<_, String>>()?)? {
                    slots[usize::from(value)] = Some(i);
                }
                Ok(Self::Bool(slots))
            }
            kind @ (InputKind::Float | InputKind::Floats { .. } | InputKind::Ints { .. }) => {
                Err(format!("input `{name}` is {kind} and has no categories"))
            }
        }
    }

    /// The position of the cell's category, if it is listed.
    #[inline]
    pub(super) fn find(&self, cell: Cell<'_>) -> Option<usize> {
        match (self, cell) {
            (Self::Text(sorted), Cell::Text(text)) => sorted
                .binary_search_by(|(category, _)| category.as_ref().cmp(text))
                .ok()
                .map(|found| sorted[found].1),
            (Self::Int(sorted), Cell::Int(value)) => sorted
                .binary_search_by_key(&value, |(category, _)| *category)
                .ok()
                .map(|found| sorted[found].1),
            (Self::Bool(columns), Cell::Bool(value)) => columns[usize::from(value)],
            _ => None,
        }
    }
}

fn check_values(
    name: &str,
    categories: usize,
    values: &[f64],
    prior: &[f64],
) -> Result<(), String> {
    if prior.is_empty() || Some(values.len()) != categories.checked_mul(prior.len()) {
        return Err(format!(
            "{} values and a prior of {} columns do not fit {categories} categories of input `{name}`",
            values.len(),
            prior.len()
        ));
    }
    match values.iter().chain(prior).find(|value| !value.is_finite()) {
        Some(value) => Err(format!("a value of input `{name}` is {value}")),
        None => Ok(()),
    }
}

fn sorted_once<T: Ord>(name: &str, mut items: Vec<(T, usize)>) -> Result<Vec<(T, usize)>, String> {
    items.sort_unstable();
    match items.windows(2).find(|w| w[0].0 == w[1].0) {
        Some(twice) => Err(format!(
            "categories {} and {} of input `{name}` are the same",
            twice[0].1, twice[1].1
        )),
        None => Ok(items),
    }
}

fn parse<T: std::str::FromStr + ToString>(name: &str, category: &str) -> Result<T, String> {
    let value: Option<T> = category.parse().ok();
    value
        .filter(|value| value.to_string() == category)
        .ok_or_else(|| {
            format!(
                "category `{}` cannot occur in input `{name}`",
                shorten(category)
            )
        })
}
