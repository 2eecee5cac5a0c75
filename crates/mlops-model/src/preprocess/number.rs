//! Numbers: steps, factors and buckets.

use serde::{Deserialize, Serialize};

use super::{BucketForm, Encoder};
use crate::{Input, InputKind, cell::Cell, limit};

/// One step of [`Encoder::Transform`](crate::Encoder::Transform). Each takes a number to a number; a missing
/// one stays missing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Step {
    /// The nearest number in `lower..=upper`.
    Clip {
        /// The least number.
        lower: f64,
        /// The largest number, not below the least.
        upper: f64,
    },
    /// `ln(max(x, floor))`.
    Log {
        /// The least number that is taken the logarithm of, above 0.
        floor: f64,
    },
    /// `sign(x) * ln(1 + |x|)`.
    Log1p,
    /// `sign(x) * sqrt(|x|)`.
    Sqrt,
    /// `(x - center) / scale`.
    Scale {
        /// What is subtracted.
        center: f64,
        /// What is divided by, above 0.
        scale: f64,
    },
}

/// One factor of [`Encoder::Product`](crate::Encoder::Product): `(x - center) / scale`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factor {
    /// The position of the input in the signature; of any kind but text.
    pub input: usize,
    /// What stands in for a missing value; without it the product is missing.
    pub impute: Option<f64>,
    /// What is subtracted.
    pub center: f64,
    /// What is divided by, above 0.
    pub scale: f64,
}

impl limit::Weigh for Step {
    fn weigh(&self) -> usize {
        1
    }
}

impl limit::Weigh for Factor {
    fn weigh(&self) -> usize {
        1
    }
}

impl Step {
    pub(crate) fn apply(self, x: f64) -> f64 {
        match self {
            // `max` and `min` would turn a missing number into a bound
            _ if x.is_nan() => x,
            Self::Clip { lower, upper } => x.clamp(lower, upper),
            Self::Log { floor } => x.max(floor).ln(),
            Self::Log1p => log1p(x),
            Self::Sqrt => x.signum() * x.abs().sqrt(),
            Self::Scale { center, scale } => bounded((x - center) / scale),
        }
    }

    fn check(self, name: &str) -> Result<(), String> {
        match self {
            Self::Clip { lower, upper } => {
                finite(name, "lower", lower)?;
                finite(name, "upper", upper)?;
                if lower > upper {
                    return Err(format!(
                        "input `{name}` is clipped to {lower}..={upper}, which is empty"
                    ));
                }
            }
            Self::Log { floor } => {
                finite(name, "floor", floor)?;
                if floor <= 0.0 {
                    return Err(format!(
                        "`floor` of input `{name}` is {floor}; it must be above 0"
                    ));
                }
            }
            Self::Log1p | Self::Sqrt => {}
            Self::Scale { center, scale } => scaling(name, None, center, scale)?,
        }
        Ok(())
    }
}

impl Factor {
    pub(super) fn value(&self, cell: Cell<'_>) -> f64 {
        bounded((number(cell, self.impute) - self.center) / self.scale)
    }
}

/// The nearest finite number; infinity has a meaning of its own in a tree.
pub(super) fn bounded(x: f64) -> f64 {
    x.clamp(f64::MIN, f64::MAX)
}

/// `sign(x) * ln(1 + |x|)`.
#[inline]
pub(super) fn log1p(x: f64) -> f64 {
    x.signum() * x.abs().ln_1p()
}

/// The number in a cell, or what stands in for it.
#[inline]
pub(super) fn number(cell: Cell<'_>, impute: Option<f64>) -> f64 {
    let x = cell.number();
    if x.is_nan() {
        impute.unwrap_or(f64::NAN)
    } else {
        x
    }
}

/// The columns of a bucket behind what is encoded already.
pub(super) fn buckets(x: f64, edges: &[f64], form: BucketForm, encoded: &mut Vec<f64>) {
    let bucket = (!x.is_nan()).then(|| edges.partition_point(|edge| *edge <= x));
    match form {
        BucketForm::Ordinal => encoded.push(bucket.map_or(f64::NAN, |bucket| bucket as f64)),
        BucketForm::OneHot => {
            let start = encoded.len();
            encoded.resize(start + edges.len() + 1, 0.0);
            if let Some(bucket) = bucket {
                encoded[start + bucket] = 1.0;
            }
        }
    }
}

/// Checks an encoder of numbers against one of its inputs.
pub(super) fn check(encoder: &Encoder, input: &Input) -> Result<(), String> {
    let name = &input.name;
    let is_sequence = matches!(encoder, Encoder::Sequence { .. });
    match input.kind.list() {
        Some((_, longest)) if is_sequence => return sequence(encoder, name, longest),
        Some(_) => {
            return Err(format!(
                "input `{name}` is a list, which only a sequence reads"
            ));
        }
        None if is_sequence => return Err(format!("input `{name}` is {} and no list", input.kind)),
        None => {}
    }
    if input.kind == InputKind::Str && !matches!(encoder, Encoder::Missing { .. }) {
        return Err(format!("input `{name}` is a text and cannot be a number"));
    }
    match encoder {
        Encoder::Numeric {
            impute,
            center,
            scale,
            ..
        } => scaling(name, *impute, *center, *scale),
        Encoder::Transform { impute, steps, .. } => {
            limit::check("the number of steps", steps.len(), limit::STEPS)
                .map_err(|error| error.to_string())?;
            finite(name, "impute", impute.unwrap_or(0.0))
                .and_then(|()| steps.iter().try_for_each(|step| step.check(name)))
        }
        Encoder::Product { factors } => {
            if !(2..=limit::STEPS).contains(&factors.len()) {
                return Err(format!(
                    "a product has 2 to {} factors, not {}",
                    limit::STEPS,
                    factors.len()
                ));
            }
            factors
                .iter()
                .try_for_each(|f| scaling(name, f.impute, f.center, f.scale))
        }
        Encoder::Buckets { edges, .. } => edges
            .iter()
            .try_for_each(|edge| finite(name, "edges", *edge))
            .and_then(|()| {
                if edges.is_sorted_by(|a, b| a < b) {
                    Ok(())
                } else {
                    Err(format!("`edges` of input `{name}` do not rise"))
                }
            }),
        _ => Ok(()),
    }
}

/// Checks a sequence against one of its inputs and the most numbers of that input's lists.
fn sequence(encoder: &Encoder, name: &str, longest: usize) -> Result<(), String> {
    let Encoder::Sequence {
        inputs,
        steps,
        scales,
    } = encoder
    else {
        return Ok(());
    };
    if scales.len() != inputs.len() {
        let (scales, inputs) = (scales.len(), inputs.len());
        return Err(format!("{scales} scales do not fit {inputs} inputs"));
    }
    if !(1..=longest).contains(steps) {
        return Err(format!(
            "it keeps {steps} steps, the lists of input `{name}` have 1 to {longest}"
        ));
    }
    let scales = scales.iter();
    let mut scales = scales.map(|scale| scaling(name, None, scale.center, scale.scale));
    scales.find(Result::is_err).unwrap_or(Ok(()))
}

fn scaling(name: &str, impute: Option<f64>, center: f64, scale: f64) -> Result<(), String> {
    finite(name, "impute", impute.unwrap_or(0.0))?;
    finite(name, "center", center)?;
    finite(name, "scale", scale)?;
    if scale <= 0.0 {
        return Err(format!(
            "`scale` of input `{name}` is {scale}; it must be above 0"
        ));
    }
    Ok(())
}

fn finite(name: &str, field: &str, value: f64) -> Result<(), String> {
    if value.is_finite() {
        return Ok(());
    }
    Err(format!("`{field}` of input `{name}` is {value}"))
}
