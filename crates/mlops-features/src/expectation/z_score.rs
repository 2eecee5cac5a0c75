//! A number lies within some standard deviations of its column's mean.

use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, rows},
    limit::Interval,
    moments::Moments,
};
use crate::Result;

/// See [`Expectation::z_score_within`](super::Expectation::z_score_within).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ZScore {
    pub(super) column: String,
    pub(super) limit: f64,
}

impl Check for ZScore {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        format!(
            "`{}` lies within {} standard deviations of its mean",
            self.column, self.limit
        )
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        if self.limit.is_nan() || self.limit <= 0.0 {
            return Err(context.invalid(format!("the limit is {}, not above 0", self.limit)));
        }
        let (values, live) = context.values(&self.column)?;
        let moments = Moments::of(&values, &live)
            .ok_or_else(|| context.wrong_type(&self.column, "a number"))?;
        let deviation = moments.deviation();
        let observed = format!("mean {}, standard deviation {deviation}", moments.mean);
        // where all values are equal, or there is one, none is far from the mean
        if moments.min >= moments.max {
            return Ok(rows(&live, Vec::new(), observed));
        }
        let reach = self.limit * deviation;
        if !reach.is_finite() {
            return Err(context.invalid(format!("it has {observed}")));
        }
        let range = moments.mean - reach..=moments.mean + reach;
        let bad = Interval::new::<f64>(&range).outside(&values, &live);
        Ok(rows(&live, bad.unwrap_or_default(), observed))
    }

    fn effort(&self) -> u32 {
        4
    }
}
