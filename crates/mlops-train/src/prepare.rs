//! From a training set to numbers: fits the encoders that the model will carry and encodes with them.
//!
//! Features that cannot tell rows apart (constant, or wholly null) get no encoder: the model still
//! reads them, so its signature is that of the set, and they change nothing.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute,
    datatypes::{DataType, Float64Type},
};
use mlops_core::{Target, TrainingSet};
use mlops_model::{
    Encoder, Estimator, InputKind, Matrix, ModelSpec, Output, Preprocess, Signature, limit,
};

use crate::{Error, Result, reads::signature};

/// What a trainer's library can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numerics {
    /// As it is; a missing value is NaN.
    #[cfg_attr(
        not(any(test, feature = "forust")),
        expect(
            dead_code,
            reason = "only forust takes numbers as they are and no categories"
        )
    )]
    Raw,
    /// As it is; a missing value is NaN, and a text is the position of its category.
    Native,
    /// As it is; a missing value becomes the mean.
    Imputed,
    /// Mean 0 and deviation 1, after `ln(1 + x)` where the values are skewed and not negative.
    #[cfg_attr(
        not(any(test, feature = "linfa", feature = "burn")),
        expect(dead_code, reason = "trees do not mind scales")
    )]
    Scaled,
}

/// The skewness from which on a column of non-negative values is put through `ln(1 + x)`.
const SKEWED: f64 = 1.5;

/// A training set, ready to fit on; `L` are the labels in the form the trainer learns from.
#[derive(Debug)]
pub(crate) struct Prepared<L> {
    pub(crate) signature: Signature,
    pub(crate) preprocess: Preprocess,
    /// `[rows, encoded columns]`.
    pub(crate) matrix: Matrix,
    pub(crate) labels: L,
    /// `[rows]`, where the set has weights.
    pub(crate) weights: Option<Vec<f64>>,
}

/// Checks the labels: two classes, both there.
#[cfg(any(all(test, feature = "linfa"), feature = "forust"))]
pub(crate) fn classes(set: &TrainingSet) -> Result<Vec<bool>> {
    let labels = set.label_classes()?;
    both_classes(&labels)?;
    Ok(labels)
}

fn both_classes(labels: &[bool]) -> Result<()> {
    let class = labels[0];
    if labels.iter().all(|label| *label == class) {
        return Err(Error::SingleClass {
            rows: labels.len(),
            class: class.to_string(),
        });
    }
    Ok(())
}

/// Checks the labels: a number or at least two classes, all finite.
pub(crate) fn target(set: &TrainingSet) -> Result<Target> {
    let target = set.target();
    check_target(&target)?;
    Ok(target)
}

/// Checks labels that came from anywhere.
pub(crate) fn check_target(target: &Target) -> Result<()> {
    match target {
        Target::Binary(labels) => {
            both_classes(labels)?;
        }
        Target::Number(values) => {
            if let Some(row) = values.iter().position(|value| !value.is_finite()) {
                return Err(Error::Core(mlops_core::Error::InvalidScore {
                    metric: "numeric label",
                    row,
                    value: values[row],
                }));
            }
        }
        Target::Classes { names, codes } => {
            if let [only] = names.as_slice() {
                return Err(Error::SingleClass {
                    rows: codes.len(),
                    class: only.clone(),
                });
            }
        }
    }
    Ok(())
}

#[cfg(any(all(test, feature = "linfa"), feature = "forust"))]
impl Prepared<Vec<bool>> {
    /// [`Prepared::with`] for a label of two classes.
    pub(crate) fn new(
        set: &TrainingSet,
        numerics: Numerics,
        max_categories: usize,
    ) -> Result<Self> {
        let labels = classes(set)?;
        Self::with(set, labels, numerics, max_categories)
    }
}

impl Prepared<Target> {
    /// [`Prepared::with`] for a label of any kind.
    pub(crate) fn any(
        set: &TrainingSet,
        numerics: Numerics,
        max_categories: usize,
    ) -> Result<Self> {
        let labels = target(set)?;
        Self::with(set, labels, numerics, max_categories)
    }
}

impl Prepared<()> {
    /// [`Prepared::with`] without looking at the label.
    pub(crate) fn unlabelled(
        set: &TrainingSet,
        numerics: Numerics,
        max_categories: usize,
    ) -> Result<Self> {
        Self::with(set, (), numerics, max_categories)
    }
}

impl<L> Prepared<L> {
    /// Fits encoders and encodes all rows; texts become a column for each of the most frequent
    /// `max_categories`, the rest share the row of zeros with null.
    ///
    /// # Errors
    /// [`Error::SingleClass`], [`Error::UnsupportedColumn`], [`Error::NoUsableFeature`], and the model's
    /// own for a number that is not finite.
    fn with(
        set: &TrainingSet,
        labels: L,
        numerics: Numerics,
        max_categories: usize,
    ) -> Result<Self> {
        Self::with_encoders(set, labels, numerics, max_categories, |encoder| encoder)
    }

    /// [`Prepared::with`], where each encoder that was fitted may be exchanged for another of its input.
    pub(crate) fn with_encoders(
        set: &TrainingSet,
        labels: L,
        numerics: Numerics,
        max_categories: usize,
        exchange: impl Fn(Encoder) -> Encoder,
    ) -> Result<Self> {
        let signature = signature(set)?;
        let batch = set.features();
        signature.check_batch(&batch)?;
        let mut encoders = Vec::new();
        let weights = set.weights();
        for (input, array) in batch.columns().iter().enumerate() {
            encoders.extend(match signature.inputs()[input].kind {
                InputKind::Str => text(input, array, numerics, max_categories),
                InputKind::Float | InputKind::Int | InputKind::Bool => {
                    weighted_numeric(input, array, weights.as_deref(), numerics)
                }
                // the signature of a set has single values
                InputKind::Floats { .. } | InputKind::Ints { .. } => None,
            });
        }
        if encoders.is_empty() {
            return Err(Error::NoUsableFeature {
                features: batch.num_columns(),
            });
        }
        let encoders = encoders.into_iter().map(exchange).collect();
        let preprocess = Preprocess::new(&signature, encoders)?;
        let matrix = preprocess.encode(&batch)?;
        Ok(Self {
            signature,
            preprocess,
            matrix,
            labels,
            weights,
        })
    }
}

/// The estimator as a model of the features of another signature, with its own output.
pub(crate) fn model_of(
    signature: &Signature,
    preprocess: &Preprocess,
    output: Output,
    estimator: Estimator,
) -> Result<ModelSpec> {
    let signature = Signature::new(signature.inputs().to_vec(), output)?;
    let preprocess = Preprocess::new(&signature, preprocess.encoders().to_vec())?;
    Ok(ModelSpec::new(signature, preprocess, estimator)?)
}

/// Refuses a limit of categories that cannot be meant.
pub(crate) fn check_categories(owner: &'static str, max_categories: usize) -> Result<()> {
    let rule = "it must lie in 1..=1024";
    let inside = (1..=1024).contains(&max_categories);
    crate::error::require(inside, owner, "max_categories", &max_categories, rule)
}

/// The numbers that are there, and how much each counts.
pub(crate) fn numbers(array: &ArrayRef, weights: Option<&[f64]>) -> (Vec<f64>, Vec<f64>) {
    let cast = compute::cast(array, &DataType::Float64).expect("numbers and booleans are numbers");
    let values = cast.as_primitive::<Float64Type>();
    (0..values.len())
        .filter(|row| values.is_valid(*row) && !values.value(*row).is_nan())
        .map(|row| {
            (
                values.value(row),
                weights.map_or(1.0, |weights| weights[row]),
            )
        })
        .unzip()
}

pub(crate) fn weighted_numeric(
    input: usize,
    array: &ArrayRef,
    weights: Option<&[f64]>,
    numerics: Numerics,
) -> Option<Encoder> {
    let (present, weights) = numbers(array, weights);
    let first = present.first()?;
    let constant = present.iter().all(|value| value == first);
    if matches!(numerics, Numerics::Raw | Numerics::Native) {
        // whether a value is there can tell rows apart too
        let some_missing = present.len() < array.len();
        return (!constant || some_missing).then(|| Encoder::plain(input));
    }
    if constant {
        return None;
    }
    let (mean, deviation, skewness) = moments(&present, &weights);
    if numerics == Numerics::Imputed {
        return Some(Encoder::Numeric {
            input,
            impute: Some(mean),
            log1p: false,
            center: 0.0,
            scale: 1.0,
        });
    }
    let log1p = skewness > SKEWED && present.iter().all(|value| *value >= 0.0);
    let (center, scale) = if log1p {
        let logs: Vec<f64> = present.iter().map(|value| value.ln_1p()).collect();
        let (mean, deviation, _) = moments(&logs, &weights);
        (mean, deviation)
    } else {
        (mean, deviation)
    };
    Some(Encoder::Numeric {
        input,
        impute: Some(if log1p { center.exp_m1() } else { center }),
        log1p,
        center,
        // values that differ in their last bits only
        scale: if scale > 0.0 { scale } else { 1.0 },
    })
}

/// Mean, standard deviation and skewness of values that are there.
pub(crate) fn moments(values: &[f64], weights: &[f64]) -> (f64, f64, f64) {
    // dividing first keeps sums of huge values finite
    let share = 1.0 / weights.iter().sum::<f64>();
    let weighted = || values.iter().zip(weights);
    let mean: f64 = weighted()
        .map(|(value, weight)| value * (weight * share))
        .sum();
    let largest = values
        .iter()
        .map(|value| (value - mean).abs())
        .fold(0.0, f64::max);
    if largest == 0.0 || !largest.is_finite() {
        return (mean, largest, 0.0);
    }
    let power = |n: i32| -> f64 {
        weighted()
            .map(|(value, weight)| ((value - mean) / largest).powi(n) * (weight * share))
            .sum()
    };
    let deviation = power(2).sqrt();
    (mean, deviation * largest, power(3) / deviation.powi(3))
}

#[cfg(feature = "linfa")]
pub(crate) fn one_hot(input: usize, array: &ArrayRef, max_categories: usize) -> Option<Encoder> {
    text(input, array, Numerics::Imputed, max_categories)
}

fn text(
    input: usize,
    array: &ArrayRef,
    numerics: Numerics,
    max_categories: usize,
) -> Option<Encoder> {
    let categories = frequent(array, max_categories)?;
    Some(if numerics == Numerics::Native {
        Encoder::Ordinal { input, categories }
    } else {
        Encoder::OneHot { input, categories }
    })
}

/// The most frequent categories by name, if they tell rows apart.
fn frequent(array: &ArrayRef, max_categories: usize) -> Option<Vec<String>> {
    let cast = compute::cast(array, &DataType::LargeUtf8).expect("texts are texts");
    let texts = cast.as_string::<i64>();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for text in texts.iter().flatten() {
        *counts.entry(text).or_default() += 1;
    }
    let constant = counts.len() == 1 && texts.null_count() == 0;
    let categories = most_frequent(counts, max_categories);
    (!categories.is_empty() && !constant).then_some(categories)
}

/// Whether a model may hold a text as a category: one that is too long counts as missing.
pub(crate) fn is_category(text: &str) -> bool {
    text.len() <= limit::NAME_BYTES
}

/// The most frequent categories that are not too long, by name; of equally frequent ones the first by name.
pub(crate) fn most_frequent<S: AsRef<str> + Ord>(
    counts: BTreeMap<S, usize>,
    max_categories: usize,
) -> Vec<String> {
    let mut ranked: Vec<(S, usize)> = counts
        .into_iter()
        .filter(|(text, _)| is_category(text.as_ref()))
        .collect();
    // stable, so equally frequent categories stay in the order of their names
    ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    ranked.truncate(max_categories);
    let mut categories: Vec<String> = ranked
        .into_iter()
        .map(|(text, _)| text.as_ref().to_owned())
        .collect();
    categories.sort_unstable();
    categories
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BooleanArray, Float64Array, Int64Array, StringArray};

    use super::*;

    fn numeric(input: usize, array: &ArrayRef, numerics: Numerics) -> Option<Encoder> {
        weighted_numeric(input, array, None, numerics)
    }

    fn floats(values: &[Option<f64>]) -> ArrayRef {
        Arc::new(Float64Array::from(values.to_vec()))
    }

    #[test]
    fn what_cannot_tell_rows_apart_is_left_out() {
        let constant = floats(&[Some(2.0), Some(2.0)]);
        let null = floats(&[None, None]);
        let nan = floats(&[Some(f64::NAN), None]);
        for numerics in [Numerics::Raw, Numerics::Imputed, Numerics::Scaled] {
            for array in [&constant, &null, &nan] {
                assert_eq!(numeric(0, array, numerics), None);
            }
        }
        let sometimes = floats(&[Some(2.0), None]);
        assert_eq!(
            numeric(0, &sometimes, Numerics::Raw),
            Some(Encoder::plain(0))
        );
        assert_eq!(numeric(0, &sometimes, Numerics::Scaled), None);
    }

    #[test]
    fn scaled_columns_have_mean_0_and_an_imputed_value_lies_there() {
        let booleans: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, false, true]));
        let whole: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(3), None]));
        for array in [booleans, whole] {
            let Some(Encoder::Numeric {
                impute,
                log1p,
                center,
                scale,
                ..
            }) = numeric(0, &array, Numerics::Scaled)
            else {
                panic!("a numeric encoder");
            };
            assert_eq!((impute, log1p), (Some(center), false));
            let (present, _) = numbers(&array, None);
            let squares: f64 = present.iter().map(|x| ((x - center) / scale).powi(2)).sum();
            assert!((squares / present.len() as f64 - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn skewed_amounts_are_put_through_a_logarithm() {
        let mut amounts = vec![Some(1.0); 50];
        amounts.push(Some(1e6));
        let log = |array: &ArrayRef| match numeric(0, array, Numerics::Scaled) {
            Some(Encoder::Numeric {
                log1p,
                impute,
                center,
                ..
            }) => {
                assert!(!log1p || (impute.unwrap().ln_1p() - center).abs() < 1e-12);
                log1p
            }
            other => panic!("{other:?}"),
        };
        assert!(log(&floats(&amounts)));
        amounts[0] = Some(-1.0);
        assert!(!log(&floats(&amounts)));
    }

    #[test]
    fn huge_values_stay_finite() {
        let huge = floats(&[Some(f64::MAX), Some(f64::MAX / 2.0), Some(0.0)]);
        let Some(Encoder::Numeric { center, scale, .. }) = numeric(0, &huge, Numerics::Scaled)
        else {
            panic!("a numeric encoder");
        };
        assert!(center.is_finite() && scale.is_finite());
    }

    #[test]
    fn the_rarest_categories_share_the_row_of_zeros() {
        let countries = [
            Some("UK"),
            Some("UK"),
            Some("FR"),
            Some("DE"),
            Some("DE"),
            Some("AT"),
            None,
        ];
        let array: ArrayRef = Arc::new(StringArray::from(countries.to_vec()));
        let categories = |max| match text(0, &array, Numerics::Raw, max) {
            Some(Encoder::OneHot { categories, .. }) => categories,
            other => panic!("{other:?}"),
        };
        assert_eq!(categories(2), ["DE", "UK"]);
        assert_eq!(categories(3), ["AT", "DE", "UK"]);
        assert_eq!(categories(9), ["AT", "DE", "FR", "UK"]);
        let same: ArrayRef = Arc::new(StringArray::from(vec!["UK", "UK"]));
        assert_eq!(frequent(&same, 4), None);
        let none: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>, None]));
        assert_eq!(frequent(&none, 4), None);
    }
}
