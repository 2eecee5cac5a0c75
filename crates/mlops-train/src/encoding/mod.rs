//! How a linear trainer turns features into columns, beyond scaling numbers and spreading texts.
//!
//! A mean of the label by category knows the label of the very row that it stands for, so a model fitted
//! on such means trusts them too much. The training rows therefore get means of other rows: the rows are
//! dealt into folds by a seed, and each fold is encoded by what the others know. The model keeps the means
//! of all rows.
//!
//! # Reference
//! Micci-Barreca 2001. With `smoothing` as `smooth` the means are those of scikit-learn's `TargetEncoder`,
//! which encodes training rows out of fold too.

mod means;
mod numbers;

use std::collections::BTreeMap;

use mlops_core::{Seed, Target, TrainingSet};
use mlops_model::{Encoder, InputKind, Preprocess, Signature, TimeUnit};

use self::means::Means;
use crate::{
    Error, Result,
    error::require,
    prepare::{Numerics, Prepared, check_categories, one_hot, weighted_numeric},
    reads::signature,
};

/// How features become columns.
///
/// ```
/// use mlops_core::Seed;
/// use mlops_train::{Encoding, LogisticRegression, TargetEncoding};
///
/// let encoding = Encoding {
///     target: Some(TargetEncoding { smoothing: 10.0, folds: 5, seed: Seed(7) }),
///     products: true,
///     ..Encoding::default()
/// };
/// LogisticRegression::builder().encoding(encoding).build()?;
/// # Ok::<(), mlops_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    /// How many categories of a text get a column of their own, 1 to 1024.
    pub max_categories: usize,
    /// Whether texts become means of the label instead, a column a class where there are several.
    pub target: Option<TargetEncoding>,
    /// Whether numbers are cut at their quantiles into so many buckets, a column each; 2 to 256.
    pub buckets: Option<usize>,
    /// Whether a number is held between two of its quantiles, this share of the rows below one and above the
    /// other; above 0 and below one half.
    pub clip: Option<f64>,
    /// Whole numbers that are instants, by name: the cycles of day, week and year get columns beside their
    /// own.
    pub dates: BTreeMap<String, TimeUnit>,
    /// Whether products of two numbers, squares among them, get columns too.
    pub products: bool,
    /// Whether a feature that is sometimes missing gets a column that says so.
    pub missing: bool,
}

/// How a mean of the label by category is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetEncoding {
    /// How many rows of the overall mean are mixed into that of a category, at least 0.
    pub smoothing: f64,
    /// Into how many folds the training rows are dealt, 2 to 100.
    pub folds: usize,
    /// What deals them.
    pub seed: Seed,
}

impl Default for Encoding {
    fn default() -> Self {
        Self {
            max_categories: 16,
            target: None,
            buckets: None,
            clip: None,
            dates: BTreeMap::new(),
            products: false,
            missing: false,
        }
    }
}

impl Encoding {
    /// Refuses settings out of their range.
    pub(crate) fn check(&self, owner: &'static str) -> Result<()> {
        check_categories(owner, self.max_categories)?;
        if let Some(buckets) = self.buckets {
            let rule = "it must lie in 2..=256";
            require(
                (2..=256).contains(&buckets),
                owner,
                "buckets",
                &buckets,
                rule,
            )?;
        }
        if let Some(clip) = self.clip {
            let rule = "it must lie above 0 and below 0.5";
            require(clip > 0.0 && clip < 0.5, owner, "clip", &clip, rule)?;
        }
        if let Some(target) = self.target {
            let smoothing = target.smoothing;
            let finite = smoothing.is_finite() && smoothing >= 0.0;
            require(
                finite,
                owner,
                "smoothing",
                &smoothing,
                "it must be at least 0",
            )?;
            let rule = "it must lie in 2..=100";
            let folds = (2..=100).contains(&target.folds);
            require(folds, owner, "folds", &target.folds, rule)?;
        }
        Ok(())
    }

    /// Refuses dates that are no whole numbers of the set.
    fn check_dates(&self, signature: &Signature) -> Result<()> {
        for name in self.dates.keys() {
            let at = signature.index_of(name);
            let whole = at.is_some_and(|at| signature.inputs()[at].kind == InputKind::Int);
            let rule = "it must name a feature of whole numbers";
            require(whole, "the encoding", "dates", name, rule)?;
        }
        Ok(())
    }

    /// The settings as text, for a run's record.
    pub(crate) fn params(&self) -> Vec<(String, String)> {
        let mut params = vec![("max_categories", self.max_categories.to_string())];
        if let Some(target) = self.target {
            params.extend([
                ("target_smoothing", target.smoothing.to_string()),
                ("target_folds", target.folds.to_string()),
                ("target_seed", target.seed.0.to_string()),
            ]);
        }
        params.extend(self.buckets.map(|buckets| ("buckets", buckets.to_string())));
        params.extend(self.clip.map(|share| ("clip", share.to_string())));
        if !self.dates.is_empty() {
            let names: Vec<&str> = self.dates.keys().map(String::as_str).collect();
            params.push(("dates", names.join(",")));
        }
        params.extend(self.products.then(|| ("products", "true".to_owned())));
        params.extend(self.missing.then(|| ("missing", "true".to_owned())));
        let owned = params
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        owned.collect()
    }
}

impl<L> Prepared<L> {
    /// Fits the encoders that `encoding` asks for and encodes all rows; numbers count by the rows' weights.
    ///
    /// # Errors
    /// Those of [`Prepared::new`].
    pub(crate) fn encoded(
        set: &TrainingSet,
        labels: L,
        target: &Target,
        numerics: Numerics,
        encoding: &Encoding,
    ) -> Result<Self> {
        let signature = signature(set)?;
        let batch = set.features();
        signature.check_batch(&batch)?;
        encoding.check_dates(&signature)?;
        let weights = set.weights();
        let mut encoders = Vec::new();
        // the first column of each mean of the label, and what its training rows get
        let mut held_out: Vec<(usize, Vec<f64>)> = Vec::new();
        let mut factors = Vec::new();
        let weights_of = weights.as_deref();
        for (input, array) in batch.columns().iter().enumerate() {
            let scale = || weighted_numeric(input, array, weights_of, numerics);
            encoders.extend(match (signature.inputs()[input].kind, encoding.target) {
                (InputKind::Str, Some(by_label)) => {
                    let means = Means::new(target, weights_of, by_label);
                    let fitted = means.fit(input, array, numerics == Numerics::Scaled);
                    fitted.map(|(encoder, own)| {
                        held_out.push((encoders.iter().map(Encoder::width).sum(), own));
                        encoder
                    })
                }
                (InputKind::Str, None) => one_hot(input, array, encoding.max_categories),
                (InputKind::Bool, _) => scale(),
                // the signature of a set has single values
                (InputKind::Floats { .. } | InputKind::Ints { .. }, _) => None,
                (InputKind::Float | InputKind::Int, _) => {
                    factors.extend(numbers::factor(input, array, weights_of));
                    match (encoding.buckets, encoding.clip) {
                        (Some(buckets), _) => numbers::bucketed(input, array, buckets),
                        (None, Some(share)) => {
                            numbers::clipped(input, array, weights_of, numerics, share)
                        }
                        (None, None) => scale(),
                    }
                }
            });
            if let Some(unit) = encoding.dates.get(&signature.inputs()[input].name) {
                encoders.extend(numbers::cycles(input, array, *unit));
            }
            if encoding.missing && numbers::sometimes_missing(array) {
                encoders.push(Encoder::Missing { input });
            }
        }
        if encoding.products {
            for (at, first) in factors.iter().enumerate() {
                for second in &factors[at..] {
                    let factors = vec![*first, *second];
                    encoders.push(Encoder::Product { factors });
                }
            }
        }
        if encoders.is_empty() {
            return Err(Error::NoUsableFeature {
                features: batch.num_columns(),
            });
        }
        let preprocess = Preprocess::new(&signature, encoders)?;
        let mut matrix = preprocess.encode(&batch)?;
        for (first, own) in held_out {
            let columns = own.len() / matrix.rows();
            let width = matrix.width();
            let rows = matrix.values_mut().chunks_exact_mut(width);
            for (row, own) in rows.zip(own.chunks_exact(columns)) {
                row[first..first + columns].copy_from_slice(own);
            }
        }
        Ok(Self {
            signature,
            preprocess,
            matrix,
            labels,
            weights,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
    use mlops_core::{Rng, metric};
    use mlops_model::{Model, Step};

    use super::{numbers::bucketed, *};
    use crate::{
        LogisticRegression, Trainer,
        conformance::{labelled, planted},
    };

    const BY_LABEL: TargetEncoding = TargetEncoding {
        smoothing: 2.0,
        folds: 4,
        seed: Seed(11),
    };

    fn countries(rng: &mut Rng, rows: usize, different: usize) -> Vec<Option<String>> {
        let country = |at: usize| (at > 0).then(|| format!("c{at}"));
        (0..rows).map(|_| country(rng.below(different))).collect()
    }

    fn texts(values: &[Option<String>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    fn own(labels: &[f64], weights: &[f64], array: &ArrayRef) -> Vec<f64> {
        let target = Target::Number(labels.to_vec());
        let means = Means::new(&target, Some(weights), BY_LABEL);
        means.fit(0, array, false).unwrap().1
    }

    #[test]
    fn a_training_row_never_sees_its_own_label() {
        let mut rng = Seed(5).rng();
        let array = texts(&countries(&mut rng, 60, 6));
        let labels: Vec<f64> = (0..60).map(|_| rng.normal()).collect();
        let weights: Vec<f64> = (0..60).map(|_| rng.unit()).collect();
        let before = own(&labels, &weights, &array);
        for row in 0..60 {
            let mut changed = labels.clone();
            changed[row] = 1e6;
            let after = own(&changed, &weights, &array);
            assert_eq!(before[row].to_bits(), after[row].to_bits(), "row {row}");
            assert_ne!(before, after, "row {row} is seen by others");
        }
    }

    #[test]
    fn means_are_those_of_a_slow_sum() {
        let mut rng = Seed(6).rng();
        let names = countries(&mut rng, 80, 5);
        let labels: Vec<f64> = (0..80).map(|_| rng.normal()).collect();
        let weights: Vec<f64> = (0..80).map(|_| 0.5 + rng.unit()).collect();
        let target = Target::Number(labels.clone());
        let means = Means::new(&target, Some(&weights), BY_LABEL);
        let (encoder, own) = means.fit(0, &texts(&names), false).unwrap();
        let slow = |keep: &dyn Fn(usize) -> bool, name: Option<&String>| {
            let sum = |of: &dyn Fn(usize) -> bool, value: &dyn Fn(usize) -> f64| {
                let rows = (0..80).filter(|row| keep(*row) && of(*row));
                rows.map(|row| weights[row] * value(row)).sum::<f64>()
            };
            let everything = |_: usize| true;
            let prior = sum(&everything, &|row| labels[row]) / sum(&everything, &|_| 1.0);
            let Some(name) = name else { return prior };
            let is = |row: usize| names[row].as_ref() == Some(name);
            let mass = sum(&is, &|_| 1.0);
            (sum(&is, &|row| labels[row]) + 2.0 * prior) / (mass + 2.0)
        };
        let Encoder::Target {
            categories,
            values,
            prior,
            ..
        } = encoder
        else {
            panic!("a mean of the label");
        };
        assert!((prior[0] - slow(&|_| true, None)).abs() < 1e-12);
        for (name, value) in categories.iter().zip(values) {
            assert!((value - slow(&|_| true, Some(name))).abs() < 1e-12);
        }
        for (row, value) in own.into_iter().enumerate() {
            let others = |other: usize| means.folds[other] != means.folds[row];
            assert!((value - slow(&others, names[row].as_ref())).abs() < 1e-12);
        }
    }

    #[test]
    fn a_text_without_meaning_does_not_deceive_the_model() {
        let mut rng = Seed(7).rng();
        let labels: Vec<bool> = (0..400).map(|_| rng.unit() < 0.5).collect();
        let names = countries(&mut rng, 400, 200);
        let array: ArrayRef = Arc::new(BooleanArray::from(labels.clone()));
        let set = labelled(vec![("country", texts(&names))], array, None);
        let fit = |encoding| {
            let trainer = LogisticRegression::builder().encoding(encoding).build();
            trainer.unwrap().fit(&set).unwrap().spec
        };
        let honest = fit(Encoding {
            target: Some(BY_LABEL),
            ..Encoding::default()
        });
        let answers = honest.predict_values(&set.features()).unwrap();
        // had it seen its own labels, nearly all answers would be sure and right
        let loss = metric::log_loss(&labels, &answers).unwrap();
        assert!(loss > 0.6, "{loss}");
    }

    #[test]
    fn a_class_has_a_column_of_its_own() {
        let names = ["a", "b", "c", "a", "b", "c", "a", "b", "c"];
        let label: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![
            "x", "y", "x", "y", "x", "y", "x", "y", "y",
        ]));
        let set = labelled(vec![("t", texts)], label, None);
        let encoding = Encoding {
            target: Some(BY_LABEL),
            ..Encoding::default()
        };
        let target = set.target();
        let prepared = Prepared::encoded(&set, (), &target, Numerics::Scaled, &encoding).unwrap();
        assert_eq!(
            prepared.preprocess.output_names(),
            ["t:target[0]", "t:target[1]", "t:target[2]"]
        );
    }

    #[test]
    fn quantiles_cut_rows_into_equal_parts() {
        let array: ArrayRef = Arc::new(Float64Array::from_iter_values((0..100).map(f64::from)));
        let edges = |array: &ArrayRef, buckets| match bucketed(0, array, buckets) {
            Some(Encoder::Buckets { edges, .. }) => edges,
            other => panic!("{other:?}"),
        };
        assert_eq!(edges(&array, 4), [25.0, 50.0, 75.0]);
        let mut rare = vec![0; 50];
        rare.push(9);
        let array: ArrayRef = Arc::new(Int64Array::from(rare));
        assert_eq!(edges(&array, 4), [9.0]);
        let same: ArrayRef = Arc::new(Int64Array::from(vec![7; 9]));
        assert_eq!(bucketed(0, &same, 4), None);
    }

    #[test]
    fn outliers_are_held_and_missing_ones_stay_the_mean() {
        let mut values: Vec<Option<f64>> = (0..99).map(|i| Some(f64::from(i))).collect();
        values.push(Some(1e9));
        values.push(None);
        let array: ArrayRef = Arc::new(Float64Array::from(values));
        let found = numbers::clipped(0, &array, None, Numerics::Scaled, 0.02);
        let Some(Encoder::Transform { impute, steps, .. }) = found else {
            panic!("a number in steps");
        };
        assert_eq!(
            steps[0],
            Step::Clip {
                lower: 1.0,
                upper: 98.0
            }
        );
        assert!((impute.unwrap() - 49.5).abs() < 0.1);
        let same = [vec![Some(7.0); 99], vec![Some(8.0)]].concat();
        let array: ArrayRef = Arc::new(Float64Array::from(same));
        let found = numbers::clipped(0, &array, None, Numerics::Scaled, 0.02);
        assert!(matches!(found, Some(Encoder::Numeric { .. })));
    }

    #[test]
    fn an_hour_of_the_day_is_learnt_from_an_instant() {
        let mut rng = Seed(8).rng();
        let seconds: Vec<i64> = (0..400)
            .map(|_| 1_700_000_000 + i64::try_from(rng.below(10_000_000)).unwrap())
            .collect();
        let labels: Vec<bool> = seconds.iter().map(|s| s % 86_400 < 43_200).collect();
        let label: ArrayRef = Arc::new(BooleanArray::from(labels.clone()));
        let set = labelled(
            vec![("seen", Arc::new(Int64Array::from(seconds)))],
            label,
            None,
        );
        let dates = |name: &str| Encoding {
            dates: BTreeMap::from([(name.to_owned(), TimeUnit::Seconds)]),
            ..Encoding::default()
        };
        let fit = |encoding| {
            let trainer = LogisticRegression::builder().encoding(encoding).build();
            trainer.unwrap().fit(&set)
        };
        let answers = |encoding| {
            let spec = fit(encoding).unwrap().spec;
            spec.predict_values(&set.features()).unwrap()
        };
        let auc = |answers: &[f64]| metric::roc_auc(&labels, answers).unwrap();
        assert!(auc(&answers(Encoding::default())) < 0.6);
        assert!(auc(&answers(dates("seen"))) > 0.98);
        let error = fit(dates("gone")).unwrap_err().to_string();
        assert!(
            error.contains("`dates`") && error.contains("gone"),
            "{error}"
        );
    }

    #[test]
    fn every_option_adds_its_columns() {
        let set = planted(200, 3);
        let width = |encoding: &Encoding| {
            let target = set.target();
            let prepared = Prepared::encoded(&set, (), &target, Numerics::Scaled, encoding);
            prepared.unwrap().preprocess.output_names()
        };
        let plain = Encoding::default();
        let names = width(&plain);
        assert_eq!(names[..4], ["recency", "orders", "spend", "member"]);
        let products = Encoding {
            products: true,
            ..plain.clone()
        };
        let more = width(&products);
        assert_eq!(more[..names.len()], names);
        assert_eq!(more.len(), names.len() + 6);
        assert_eq!(more[names.len() + 1], "recency*orders");
        let missing = Encoding {
            missing: true,
            ..plain
        };
        let more = width(&missing);
        assert_eq!(more.len(), names.len() + 2);
        assert!(more.contains(&"spend:missing".to_owned()));
        assert_eq!(more.last().unwrap(), "country:missing");
    }
}
