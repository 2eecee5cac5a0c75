//! What the encoders need to know of all rows, from sums that each partition makes of its own.

use std::collections::BTreeMap;

use arrow::{
    array::{ArrayRef, AsArray},
    compute,
    datatypes::{DataType, Float64Type},
};
use mlops_core::TrainingSet;
use mlops_model::{Encoder, InputKind, Preprocess, Signature};

use crate::{
    Error, Result,
    prepare::{is_category, most_frequent},
};

/// A count, a mean and a sum of squares about it; two can be put together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Moments {
    pub(super) count: f64,
    pub(super) mean: f64,
    squares: f64,
}

impl Moments {
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        values.fold(Self::default(), |sum, value| {
            sum.plus(Self {
                count: 1.0,
                mean: value,
                squares: 0.0,
            })
        })
    }

    /// # Reference
    /// Chan, Golub and LeVeque 1979.
    pub(super) fn plus(self, other: Self) -> Self {
        let count = self.count + other.count;
        if count == 0.0 {
            return self;
        }
        let apart = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + apart * other.count / count,
            squares: self.squares
                + other.squares
                + apart * apart * self.count * other.count / count,
        }
    }

    pub(super) fn deviation(self) -> f64 {
        (self.squares / self.count).sqrt()
    }
}

/// What a partition tells of one feature.
#[derive(Debug, Clone)]
enum Statistic {
    Numbers(Moments),
    Categories(BTreeMap<String, usize>),
}

/// The encoders for all partitions together. The first set's signature is that of all.
///
/// # Errors
/// [`Error::PartitionSchema`] for a partition with other features, [`Error::NoUsableFeature`].
pub(super) fn preprocess(
    sets: &[TrainingSet],
    signature: &Signature,
    max_categories: usize,
) -> Result<Preprocess> {
    let mut all: Vec<Statistic> = Vec::new();
    for (at, set) in sets.iter().enumerate() {
        let batch = set.features();
        signature
            .check_batch(&batch)
            .map_err(|source| Error::PartitionSchema {
                partition: at,
                source: Box::new(source),
            })?;
        for (input, column) in signature.inputs().iter().enumerate() {
            let array = batch.column_by_name(&column.name);
            let array = array.expect("the signature was checked against the batch");
            let found = statistic(column.kind, array);
            match all.get_mut(input) {
                None => all.push(found),
                Some(sum) => add(sum, found),
            }
        }
    }
    let encoders = all.into_iter().enumerate();
    let encoders: Vec<Encoder> = encoders
        .filter_map(|(input, statistic)| encoder(input, statistic, max_categories))
        .collect();
    if encoders.is_empty() {
        return Err(Error::NoUsableFeature {
            features: signature.inputs().len(),
        });
    }
    Ok(Preprocess::new(signature, encoders)?)
}

fn statistic(kind: InputKind, array: &ArrayRef) -> Statistic {
    if kind == InputKind::Str {
        let texts = compute::cast(array, &DataType::LargeUtf8).expect("texts are texts");
        let mut counts = BTreeMap::new();
        for text in texts.as_string::<i64>().iter().flatten() {
            if is_category(text) {
                *counts.entry(text.to_owned()).or_default() += 1;
            }
        }
        return Statistic::Categories(counts);
    }
    let numbers =
        compute::cast(array, &DataType::Float64).expect("numbers and booleans are numbers");
    let numbers = numbers.as_primitive::<Float64Type>();
    let present = numbers.iter().flatten().filter(|value| !value.is_nan());
    Statistic::Numbers(Moments::of(present))
}

fn add(sum: &mut Statistic, found: Statistic) {
    match (sum, found) {
        (Statistic::Numbers(sum), Statistic::Numbers(found)) => *sum = sum.plus(found),
        (Statistic::Categories(sum), Statistic::Categories(found)) => {
            for (name, count) in found {
                *sum.entry(name).or_default() += count;
            }
        }
        _ => unreachable!("the kind is the signature's, for all partitions"),
    }
}

fn encoder(input: usize, statistic: Statistic, max_categories: usize) -> Option<Encoder> {
    match statistic {
        Statistic::Numbers(moments) => {
            let scale = moments.deviation();
            (moments.count > 0.0 && scale > 0.0 && scale.is_finite()).then_some(Encoder::Numeric {
                input,
                impute: Some(moments.mean),
                log1p: false,
                center: moments.mean,
                scale,
            })
        }
        Statistic::Categories(counts) => {
            let categories = most_frequent(counts, max_categories);
            (!categories.is_empty()).then_some(Encoder::OneHot { input, categories })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_parts_are_those_of_the_whole() {
        let values = [3.0, -1.5, 8.0, 8.0, 0.25, 1e3];
        let whole = Moments::of(values.into_iter());
        for cut in 0..=values.len() {
            let (a, b) = values.split_at(cut);
            let parts = Moments::of(a.iter().copied()).plus(Moments::of(b.iter().copied()));
            assert_eq!(parts.count, 6.0);
            assert!((parts.mean - whole.mean).abs() < 1e-9);
            assert!((parts.deviation() - whole.deviation()).abs() < 1e-9);
        }
    }
}
