//! Means of the label by category: over all rows for the model, over other folds for each training row.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute,
    datatypes::DataType,
};
use mlops_core::Target;
use mlops_model::{Encoder, limit};

use super::TargetEncoding;
use crate::prepare::{is_category, moments};

/// A model has room for so many of a few texts.
const MOST_CATEGORIES: usize = limit::WIDTH / 16;

/// What is averaged by category.
#[derive(Debug)]
pub(super) struct Means {
    /// `[columns][rows]`.
    labels: Vec<Vec<f64>>,
    weights: Vec<f64>,
    /// `[rows]`.
    pub(super) folds: Vec<usize>,
    settings: TargetEncoding,
}

/// The weight of some rows, and the weighted sum of their labels.
type Sum = (f64, f64);

impl Means {
    pub(super) fn new(target: &Target, weights: Option<&[f64]>, settings: TargetEncoding) -> Self {
        let labels = match target {
            Target::Binary(labels) => {
                vec![
                    labels
                        .iter()
                        .map(|label| f64::from(u8::from(*label)))
                        .collect(),
                ]
            }
            Target::Number(values) => vec![values.clone()],
            Target::Classes { names, codes } => (0..names.len())
                .map(|class| {
                    let is = |code: &u32| f64::from(u8::from(*code as usize == class));
                    codes.iter().map(is).collect()
                })
                .collect(),
        };
        let rows = target.rows();
        let mut folds: Vec<usize> = (0..rows).map(|row| row % settings.folds).collect();
        let seed = settings.seed.derive("target encoding");
        seed.rng().shuffle(&mut folds);
        Self {
            labels,
            weights: weights.map_or_else(|| vec![1.0; rows], <[f64]>::to_vec),
            folds,
            settings,
        }
    }

    /// The encoder by all rows, and what each row gets by the rows of other folds, `[rows, columns]`.
    pub(super) fn fit(
        &self,
        input: usize,
        array: &ArrayRef,
        scaled: bool,
    ) -> Option<(Encoder, Vec<f64>)> {
        let cast = compute::cast(array, &DataType::LargeUtf8).expect("texts are texts");
        let texts = cast.as_string::<i64>();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for text in texts.iter().flatten() {
            if is_category(text) {
                *counts.entry(text).or_default() += 1;
            }
        }
        if counts.is_empty() || (counts.len() == 1 && texts.null_count() == 0) {
            return None;
        }
        let mut ranked: Vec<(&str, usize)> = counts.into_iter().collect();
        // stable, so equally frequent categories stay in the order of their names
        ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        // the rest gets the prior
        ranked.truncate(MOST_CATEGORIES);
        let mut kept: Vec<&str> = ranked.into_iter().map(|(text, _)| text).collect();
        kept.sort_unstable();
        let codes = kept.iter().enumerate().map(|(code, text)| (*text, code));
        let codes: BTreeMap<&str, usize> = codes.collect();
        let of_row: Vec<Option<usize>> = texts
            .iter()
            .map(|text| text.and_then(|text| codes.get(text).copied()))
            .collect();
        let columns = self.labels.len();
        let mut values = vec![0.0; kept.len() * columns];
        let mut prior = vec![0.0; columns];
        let mut own = vec![0.0; of_row.len() * columns];
        for (column, labels) in self.labels.iter().enumerate() {
            let column_of = self.column(labels, &of_row, kept.len());
            prior[column] = column_of.prior;
            for (code, value) in column_of.values.iter().enumerate() {
                values[code * columns + column] = *value;
            }
            for (row, value) in column_of.own.iter().enumerate() {
                own[row * columns + column] = *value;
            }
            if scaled {
                let (center, scale, _) = moments(&column_of.own, &self.weights);
                let scale = if scale > 0.0 { scale } else { 1.0 };
                let all = [&mut values, &mut prior, &mut own];
                for list in all {
                    let own = list.iter_mut().skip(column).step_by(columns);
                    own.for_each(|x| *x = (*x - center) / scale);
                }
            }
        }
        let encoder = Encoder::Target {
            input,
            categories: kept.into_iter().map(str::to_owned).collect(),
            values,
            prior,
        };
        Some((encoder, own))
    }

    fn column(&self, labels: &[f64], of_row: &[Option<usize>], categories: usize) -> Column {
        let folds = self.settings.folds;
        // by fold, then over all folds
        let mut totals: Vec<Sum> = vec![(0.0, 0.0); folds];
        let mut sums: Vec<Sum> = vec![(0.0, 0.0); folds * categories];
        for (row, label) in labels.iter().enumerate() {
            let (weight, fold) = (self.weights[row], self.folds[row]);
            let add = |sum: &mut Sum| {
                sum.0 += weight;
                sum.1 += weight * label;
            };
            add(&mut totals[fold]);
            if let Some(code) = of_row[row] {
                add(&mut sums[fold * categories + code]);
            }
        }
        // summed anew without the fold, as a difference would keep a trace of it
        let total = |without: Option<usize>| {
            add_up(
                (0..folds)
                    .filter(|fold| Some(*fold) != without)
                    .map(|fold| totals[fold]),
            )
        };
        let of_category = |code: usize, without: Option<usize>| {
            let others = (0..folds).filter(|fold| Some(*fold) != without);
            add_up(others.map(|fold| sums[fold * categories + code]))
        };
        let everything = total(None);
        let prior = everything.1 / everything.0;
        let prior_without: Vec<f64> = (0..folds)
            .map(|fold| match total(Some(fold)) {
                (weight, sum) if weight > 0.0 => sum / weight,
                _ => prior,
            })
            .collect();
        let smooth = |(weight, sum): Sum, prior: f64| {
            let mass = weight + self.settings.smoothing;
            if mass > 0.0 {
                (sum + self.settings.smoothing * prior) / mass
            } else {
                prior
            }
        };
        let without: Vec<f64> = (0..folds * categories)
            .map(|at| {
                let (fold, code) = (at / categories, at % categories);
                smooth(of_category(code, Some(fold)), prior_without[fold])
            })
            .collect();
        let own = of_row
            .iter()
            .zip(&self.folds)
            .map(|(code, fold)| match code {
                Some(code) => without[fold * categories + code],
                None => prior_without[*fold],
            });
        Column {
            prior,
            values: (0..categories)
                .map(|code| smooth(of_category(code, None), prior))
                .collect(),
            own: own.collect(),
        }
    }
}

fn add_up(sums: impl Iterator<Item = Sum>) -> Sum {
    sums.fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1))
}

/// One column of means.
#[derive(Debug)]
struct Column {
    prior: f64,
    /// `[categories]`.
    values: Vec<f64>,
    /// `[rows]`, out of fold.
    own: Vec<f64>,
}
