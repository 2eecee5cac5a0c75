//! Numbers cut, clipped and multiplied, and whole numbers that are instants.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array},
    compute,
    datatypes::{DataType, Float64Type},
};
use mlops_model::{BucketForm, DatePart, Encoder, Factor, Step, TimeUnit};

use crate::prepare::{Numerics, moments, numbers, weighted_numeric};

pub(super) fn sometimes_missing(array: &ArrayRef) -> bool {
    let missing = match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => array.null_count(),
        _ => array.len() - numbers(array, None).0.len(),
    };
    missing > 0 && missing < array.len()
}

pub(super) fn factor(input: usize, array: &ArrayRef, weights: Option<&[f64]>) -> Option<Factor> {
    let (present, weights) = numbers(array, weights);
    let first = present.first()?;
    if present.iter().all(|value| value == first) {
        return None;
    }
    let (center, scale, _) = moments(&present, &weights);
    Some(Factor {
        input,
        impute: Some(center),
        center,
        scale: if scale > 0.0 { scale } else { 1.0 },
    })
}

/// Cuts at quantiles; `None` if there is one value only.
pub(super) fn bucketed(input: usize, array: &ArrayRef, buckets: usize) -> Option<Encoder> {
    let (mut sorted, _) = numbers(array, None);
    sorted.sort_unstable_by(f64::total_cmp);
    let least = *sorted.first()?;
    let mut edges: Vec<f64> = (1..buckets)
        .map(|at| sorted[at * sorted.len() / buckets])
        .filter(|edge| *edge > least)
        .collect();
    edges.dedup();
    if edges.is_empty() {
        // most values are the least one; the first larger one still tells rows apart
        edges.extend(sorted.into_iter().find(|value| *value > least));
    }
    (!edges.is_empty()).then_some(Encoder::Buckets {
        input,
        edges,
        form: BucketForm::OneHot,
    })
}

/// A number held between two of its quantiles, `share` of the rows below one and above the other.
pub(super) fn clipped(
    input: usize,
    array: &ArrayRef,
    weights: Option<&[f64]>,
    numerics: Numerics,
    share: f64,
) -> Option<Encoder> {
    let (mut sorted, _) = numbers(array, None);
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is a length"
    )]
    let at = (share * last as f64).floor() as usize;
    let (lower, upper) = (sorted[at], sorted[last - at]);
    let cast = compute::cast(array, &DataType::Float64).expect("numbers are numbers");
    let held = cast.as_primitive::<Float64Type>().iter();
    // NaN stays NaN, which is a missing number too
    let held: Float64Array = held.map(|x| x.map(|x| x.clamp(lower, upper))).collect();
    let held: ArrayRef = Arc::new(held);
    match weighted_numeric(input, &held, weights, numerics) {
        Some(Encoder::Numeric {
            impute,
            log1p,
            center,
            scale,
            ..
        }) => {
            let mut steps = vec![Step::Clip { lower, upper }];
            steps.extend(log1p.then_some(Step::Log1p));
            steps.push(Step::Scale { center, scale });
            Some(Encoder::Transform {
                input,
                impute,
                steps,
            })
        }
        // all but the outermost rows hold the same number
        _ => weighted_numeric(input, array, weights, numerics),
    }
}

/// The cycles of an instant; a missing one is the mean of the others.
pub(super) fn cycles(input: usize, array: &ArrayRef, unit: TimeUnit) -> Option<Encoder> {
    let (present, weights) = numbers(array, None);
    if present.is_empty() {
        return None;
    }
    let (mean, _, _) = moments(&present, &weights);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the signature holds whole numbers within 2^53"
    )]
    let impute = Some(mean.round() as i64);
    Some(Encoder::DateParts {
        input,
        unit,
        impute,
        parts: vec![DatePart::DayCycle, DatePart::WeekCycle, DatePart::YearCycle],
    })
}
