//! The values of a column are spread as a stored partition says.

use mlops_core::Value;
use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, whole},
    frequent::shown,
    shares::{Cells, Shares},
};
use crate::Result;

/// How the distance of an observed distribution from the expected one is measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Distance {
    /// The Kullback–Leibler divergence of the observed from the expected shares, in nats.
    ///
    /// # Reference
    /// Great Expectations' `expect_column_kl_divergence_to_be_less_than`: `unseen` is its `tail_weight_holdout`, `empty`
    /// its `internal_weight_holdout`.
    Divergence {
        /// The expected mass of what the partition does not list: values outside the bins, or other categories.
        unseen: f64,
        /// The expected mass of bins whose weight is 0.
        empty: f64,
    },
    /// The population stability index, `Σ (e − o) ln(e / o)`; 0.1 is often called small and 0.25 large.
    Psi {
        /// Shares below it count as it.
        floor: f64,
    },
    /// The greatest difference of the cumulative shares at the edges of the bins: the statistic of Kolmogorov and
    /// Smirnov as far as the partition can tell, which is never more than the true one.
    Ks,
}

impl Distance {
    /// The divergence with 1 % reserved for what is not listed and 1 % for empty bins.
    #[doc(alias = "KL")]
    pub fn divergence() -> Self {
        Self::Divergence {
            unseen: 0.01,
            empty: 0.01,
        }
    }

    /// The stability index with shares of at least 0.0001.
    #[doc(alias = "PSI")]
    pub fn psi() -> Self {
        Self::Psi { floor: 1e-4 }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Divergence { .. } => "divergence",
            Self::Psi { .. } => "stability index",
            Self::Ks => "cumulative difference",
        }
    }

    /// Why the settings make no sense; nothing if they do.
    fn fault(self, shares: &Shares) -> Option<&'static str> {
        let share = |x: f64| (0.0..1.0).contains(&x);
        match self {
            Self::Divergence { unseen, empty } if !(share(unseen) && share(unseen + empty)) => {
                Some("the reserved masses are no shares below 1")
            }
            Self::Divergence { empty, .. } if empty < 0.0 => {
                Some("the reserved masses are no shares below 1")
            }
            Self::Psi { floor } if !(floor > 0.0 && floor < 1.0) => {
                Some("the floor is no share between 0 and 1")
            }
            Self::Ks if matches!(shares, Shares::Categories { .. }) => {
                Some("categories have no order to add them up in")
            }
            _ => None,
        }
    }

    fn of(self, cells: Cells) -> f64 {
        match self {
            Self::Divergence { unseen, empty } => divergence(cells, unseen, empty),
            Self::Psi { floor } => {
                let pairs = cells.pairs().map(|(e, o)| (e.max(floor), o.max(floor)));
                pairs.map(|(e, o)| (e - o) * (e / o).ln()).sum()
            }
            Self::Ks => {
                let (mut e, mut o, mut most) = (0.0, 0.0, 0.0_f64);
                for (expected, observed) in cells.pairs() {
                    e += expected;
                    o += observed;
                    most = most.max(f64::abs(e - o));
                }
                most
            }
        }
    }
}

impl Cells {
    /// Expected and observed shares, those of unexpected categories last.
    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let listed = self.expected.iter().zip(&self.observed);
        let more = self.unseen.iter().map(|o| (0.0, *o));
        listed.map(|(e, o)| (*e, *o)).chain(more)
    }
}

fn divergence(cells: Cells, unseen: f64, empty: f64) -> f64 {
    let Cells {
        mut expected,
        mut observed,
        has_tails,
        unseen: others,
    } = cells;
    if has_tails {
        let last = expected.len() - 1;
        let tails = expected[0] + expected[last];
        let inner = &mut expected[1..last];
        // what the partition has no mass for is given the reserved one, and the rest gives way
        let keep = if tails > 0.0 {
            1.0 - empty
        } else {
            1.0 - unseen - empty
        };
        for weight in inner.iter_mut() {
            *weight *= keep;
        }
        fill(inner, empty);
        if tails == 0.0 {
            expected[0] = unseen / 2.0;
            expected[last] = unseen / 2.0;
        }
    } else {
        for weight in &mut expected {
            *weight *= 1.0 - empty;
        }
        fill(&mut expected, empty);
        if !others.is_empty() {
            for weight in &mut expected {
                *weight *= 1.0 - unseen;
            }
            let each = unseen / others.len() as f64;
            expected.extend(others.iter().map(|_| each));
            observed.extend(&others);
        }
    }
    let (all_expected, all_observed): (f64, f64) = (expected.iter().sum(), observed.iter().sum());
    let pairs = expected.iter().zip(&observed);
    pairs
        .map(|(e, o)| (e / all_expected, o / all_observed))
        // the limit of o ln o is 0
        .map(|(e, o)| if o == 0.0 { 0.0 } else { o * (o / e).ln() })
        .sum()
}

/// Shares a mass among the cells that have none.
fn fill(weights: &mut [f64], mass: f64) {
    let count = weights.iter().filter(|w| **w == 0.0).count();
    for weight in weights.iter_mut().filter(|w| **w == 0.0) {
        *weight = mass / count as f64;
    }
}

/// See [`Expectation::distribution`](super::Expectation::distribution).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Distribution {
    pub(super) column: String,
    pub(super) shares: Shares,
    pub(super) distance: Distance,
    pub(super) limit: f64,
}

impl Check for Distribution {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        format!(
            "the {} of `{}` from its profile is at most {}",
            self.distance.name(),
            self.column,
            self.limit
        )
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let distance = self.distance.fault(&self.shares);
        if let Some(fault) = self.shares.fault().or(distance) {
            return Err(context.invalid(fault));
        }
        if self.limit.is_nan() || self.limit < 0.0 {
            return Err(context.invalid(format!("the limit is {}, not at least 0", self.limit)));
        }
        let array = context.column(&self.column)?;
        let (values, live) = context.values(&self.column)?;
        if live.count() == 0 {
            return Ok(whole(false, "no value", None));
        }
        let value = |row| {
            Value::from_array(&self.column, array, row)
                .unwrap_or_else(|_| Value::Str(shown(array, row)))
        };
        let cells = self
            .shares
            .cells(&values, &live, || context.distinct(&self.column), value)?
            .ok_or_else(|| context.wrong_type(&self.column, "a number"))?;
        let distance = self.distance.of(cells);
        let observed = format!("{distance}");
        Ok(whole(
            distance <= self.limit,
            observed,
            Some(Value::Float(distance)),
        ))
    }

    fn effort(&self) -> u32 {
        20
    }
}
