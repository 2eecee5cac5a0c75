//! The stored shape of a column: the share of its values in each bin, or of each category.

use mlops_core::{Table, Value};
use serde::{Deserialize, Serialize};

use super::{
    distinct::{counts, distinct},
    distinct_set::member,
    intern::Distinct,
    live::Live,
    quantile::numbers,
    set::plain,
    values::Values,
};
use crate::{Error, Result};

/// The most bins or categories.
const LIMIT: usize = 10_000;

/// What share of a column's values is expected where; plain data, to be kept with a contract.
///
/// ```
/// use mlops_features::{Contract, Csv, Distance, Expectation, Parse, Shares, SourceSchema};
///
/// let schema = SourceSchema::builder().value("country", "Country", Parse::Str).build()?;
/// let read = |text: &str| Ok::<_, mlops_features::Error>(Csv::from_bytes("t", text.as_bytes()).read(&schema)?.table);
/// let known = Shares::of(&read("Country\nUK\nUK\nFR\nUK\n")?, "country", 10)?;
/// let expectation = Expectation::distribution("country", known, Distance::psi(), 0.2);
/// let contract = Contract::named("visits").expect(expectation);
/// assert!(contract.validate(&read("Country\nFR\nUK\nUK\nUK\n")?)?.passed());
/// assert!(!contract.validate(&read("Country\nFR\nFR\nFR\nDE\n")?)?.passed());
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Shares {
    /// Numbers by intervals.
    Bins {
        /// The edges, rising: one more than there are weights. A bin has its lower edge, the last one both.
        edges: Vec<f64>,
        /// The share of values in each bin.
        weights: Vec<f64>,
        /// The share below the first edge.
        #[serde(default)]
        below: f64,
        /// The share above the last edge.
        #[serde(default)]
        above: f64,
    },
    /// Values of any kind, one by one.
    Categories {
        /// The values.
        values: Vec<Value>,
        /// The share of each.
        weights: Vec<f64>,
    },
}

/// Expected and observed shares, cell by cell.
#[derive(Debug)]
pub(super) struct Cells {
    pub(super) expected: Vec<f64>,
    pub(super) observed: Vec<f64>,
    /// The first and the last cell are what lies outside the bins.
    pub(super) has_tails: bool,
    /// The observed share of each category that was not expected.
    pub(super) unseen: Vec<f64>,
}

impl Shares {
    /// The shares of a column: numbers by up to `bins` bins of equal content, all else by value, and so whole numbers of
    /// no more than `bins` distinct values.
    ///
    /// # Errors
    /// [`Error::Core`] if there is no such column, [`Error::InvalidParameter`] if `bins` is 0 or more than 10,000 or
    /// a column that is not numeric has more than 10,000 distinct values.
    ///
    /// # Complexity
    /// O(rows log rows).
    pub fn of(table: &Table, column: &str, bins: usize) -> Result<Self> {
        let refused = |parameter, value: usize, rule| Error::InvalidParameter {
            parameter,
            value: value.to_string(),
            rule,
        };
        if bins == 0 || bins > LIMIT {
            return Err(refused("bins", bins, "it lies in 1..=10000"));
        }
        let array = table.column(column)?;
        let live = Live::new(table.rows(), None).with_values(array);
        let values = Values::of(array)?;
        let distinct = distinct(array)?;
        let by_value = distinct.len() <= bins && !matches!(values, Values::Real(_));
        if let Some(mut numbers) = numbers(&values, &live).filter(|_| !by_value) {
            numbers.retain(|v| v.is_finite());
            numbers.sort_unstable_by(f64::total_cmp);
            return Ok(Self::of_numbers(&numbers, bins));
        }
        if distinct.len() > LIMIT {
            let rule = "at most 10,000 categories are told apart";
            return Err(refused("categories", distinct.len(), rule));
        }
        let counts = counts(&distinct, &live);
        let firsts = distinct.firsts.iter();
        let values = firsts.map(|row| Ok(plain(Value::from_array(column, array, *row as usize)?)));
        Ok(Self::Categories {
            values: values.collect::<Result<_>>()?,
            weights: counts
                .iter()
                .map(|n| *n as f64 / live.count() as f64)
                .collect(),
        })
    }

    /// By sorted, finite numbers.
    fn of_numbers(sorted: &[f64], bins: usize) -> Self {
        let last = sorted.len().saturating_sub(1);
        let mut edges: Vec<f64> = (0..=bins)
            .filter_map(|i| sorted.get(last * i / bins).copied())
            .map(|edge| edge + 0.0)
            .collect();
        edges.dedup();
        if edges.len() == 1 {
            edges.push(edges[0].next_up());
        }
        let mut counts = vec![0_u64; edges.len().saturating_sub(1)];
        for value in sorted {
            if let Some(count) = bin(&edges, *value).and_then(|at| counts.get_mut(at)) {
                *count += 1;
            }
        }
        let total = sorted.len() as f64;
        Self::Bins {
            edges,
            weights: counts.iter().map(|n| *n as f64 / total).collect(),
            below: 0.0,
            above: 0.0,
        }
    }

    /// Why the shares make no sense; nothing if it does.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let (cells, weights, tails) = match self {
            Self::Bins {
                edges,
                weights,
                below,
                above,
            } => {
                // NaN is not below anything
                if !edges.windows(2).all(|pair| pair[0] < pair[1]) {
                    return Some("the edges do not rise");
                }
                (edges.len().saturating_sub(1), weights, vec![*below, *above])
            }
            Self::Categories { values, weights } => (values.len(), weights, Vec::new()),
        };
        if cells == 0 || cells > LIMIT {
            return Some("there are 1 to 10,000 cells");
        }
        if cells != weights.len() {
            return Some("there are not as many weights as cells");
        }
        let all = || weights.iter().chain(&tails);
        if !all().all(|w| (0.0..=1.0).contains(w)) {
            return Some("a weight is no share in 0..=1");
        }
        let total: f64 = all().sum();
        ((total - 1.0).abs() > 1e-3).then_some("the weights do not add up to 1")
    }

    /// The shares of a column beside those expected; `None` if it is of another kind.
    pub(super) fn cells(
        &self,
        values: &Values,
        live: &Live,
        distinct: impl FnOnce() -> Result<std::sync::Arc<Distinct>>,
        value: impl Fn(usize) -> Value,
    ) -> Result<Option<Cells>> {
        let total = live.count() as f64;
        match self {
            Self::Bins {
                edges,
                weights,
                below,
                above,
            } => {
                let Some(numbers) = numbers(values, live) else {
                    return Ok(None);
                };
                let mut counts = vec![0_u64; weights.len() + 2];
                for number in numbers {
                    let at = match bin(edges, number) {
                        Some(at) => at + 1,
                        None if number < edges[0] => 0,
                        // NaN is beyond every edge
                        None => weights.len() + 1,
                    };
                    counts[at] += 1;
                }
                let inner = weights.iter().copied();
                Ok(Some(Cells {
                    expected: [*below].into_iter().chain(inner).chain([*above]).collect(),
                    observed: counts.iter().map(|n| *n as f64 / total).collect(),
                    has_tails: true,
                    unseen: Vec::new(),
                }))
            }
            Self::Categories {
                values: listed,
                weights,
            } => {
                let distinct = distinct()?;
                let known: std::collections::BTreeMap<String, usize> = listed
                    .iter()
                    .enumerate()
                    .map(|(at, value)| (member(values, value), at))
                    .collect();
                let (mut observed, mut unseen) = (vec![0.0; weights.len()], Vec::new());
                for (row, count) in distinct.firsts.iter().zip(counts(&distinct, live)) {
                    let share = count as f64 / total;
                    match known.get(&member(values, &value(*row as usize))) {
                        Some(at) => observed[*at] += share,
                        None if count > 0 => unseen.push(share),
                        None => {}
                    }
                }
                Ok(Some(Cells {
                    expected: weights.clone(),
                    observed,
                    has_tails: false,
                    unseen,
                }))
            }
        }
    }
}

/// The bin of a number, as numpy's histogram has it.
fn bin(edges: &[f64], value: f64) -> Option<usize> {
    let (first, last) = (edges.first()?, edges.last()?);
    if !(*first <= value && value <= *last) {
        return None;
    }
    let after = edges.partition_point(|edge| *edge <= value);
    Some(after.min(edges.len() - 1) - 1)
}
