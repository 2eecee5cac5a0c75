//! Several trainers as one: their models averaged, or read by a linear model on top.
//!
//! A stacker must learn from answers to rows that the models did not see, or it would trust the model that
//! knows its own rows by heart. So the rows are dealt into folds by a seed, every trainer is fitted once
//! without each fold, and the stacker is fitted on the answers to the rows left out. The models that are kept
//! are fitted on all rows.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use mlops_core::{Seed, Target, TrainingSet};
use mlops_model::{Encoder, Linear, Matrix, Model, ModelSpec, Output, Preprocess, Signature};

use crate::{
    Error, Fitted, Result, Trainer, error::require, logistic, prepare::target, reads::signature,
    regression,
};

/// Fits each trainer on all rows; the model answers the weighted mean of theirs.
///
/// # Reference
/// scikit-learn's `VotingClassifier(voting="soft")` and `VotingRegressor`.
#[derive(Debug)]
pub struct Averaging {
    trainers: Vec<Box<dyn Trainer>>,
    weights: Vec<f64>,
}

impl Averaging {
    /// Takes trainers with their weights.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if there is no trainer, or a weight that is not above 0.
    pub fn new(trainers: impl IntoIterator<Item = (Box<dyn Trainer>, f64)>) -> Result<Self> {
        const NAME: &str = "averaging";
        let (trainers, weights): (Vec<_>, Vec<f64>) = trainers.into_iter().unzip();
        check_count(NAME, trainers.len())?;
        for weight in &weights {
            let positive = weight.is_finite() && *weight > 0.0;
            require(positive, NAME, "weights", weight, "it must be above 0")?;
        }
        Ok(Self { trainers, weights })
    }
}

impl Trainer for Averaging {
    fn name(&self) -> &'static str {
        "averaging"
    }

    fn params(&self) -> BTreeMap<String, String> {
        let mut params = members(&self.trainers);
        for (at, weight) in self.weights.iter().enumerate() {
            params.insert(format!("{at}.weight"), weight.to_string());
        }
        params
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let (models, history) = fit_all(&self.trainers, set)?;
        Ok(Fitted {
            spec: ModelSpec::average(&models, self.weights.clone())?,
            params: self.params(),
            history,
            importance: Vec::new(),
        })
    }
}

/// Fits each trainer, and on their answers to rows that they did not see a linear or logistic regression.
///
/// # Complexity
/// `folds + 1` fits of each trainer.
///
/// # Reference
/// Wolpert 1992; scikit-learn's `StackingClassifier` and `StackingRegressor`.
#[derive(Debug)]
pub struct Stacking {
    trainers: Vec<Box<dyn Trainer>>,
    folds: usize,
    l2: f64,
    seed: Seed,
}

impl Stacking {
    /// Takes trainers, the number of folds (2 to 100), and the seed that deals the rows into them; the
    /// stacker's penalty `l2` is that of [`LogisticRegression`](crate::LogisticRegression) and
    /// [`LinearRegression`](crate::LinearRegression), on answers as they are.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for what is out of its range.
    pub fn new(
        trainers: impl IntoIterator<Item = Box<dyn Trainer>>,
        folds: usize,
        l2: f64,
        seed: Seed,
    ) -> Result<Self> {
        const NAME: &str = "stacking";
        let trainers: Vec<_> = trainers.into_iter().collect();
        check_count(NAME, trainers.len())?;
        let rule = "it must lie in 2..=100";
        require((2..=100).contains(&folds), NAME, "folds", &folds, rule)?;
        let least = l2.is_finite() && l2 >= 0.0;
        require(least, NAME, "l2", &l2, "it must be at least 0")?;
        Ok(Self {
            trainers,
            folds,
            l2,
            seed,
        })
    }
}

impl Trainer for Stacking {
    fn name(&self) -> &'static str {
        "stacking"
    }

    fn params(&self) -> BTreeMap<String, String> {
        let mut params = members(&self.trainers);
        params.insert("folds".into(), self.folds.to_string());
        params.insert("l2".into(), self.l2.to_string());
        params.insert("seed".into(), self.seed.0.to_string());
        params
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let target = target(set)?;
        // so that an error names the row of the whole set
        signature(set)?.check_batch(&set.features())?;
        let outputs = match &target {
            Target::Binary(_) | Target::Number(_) => 1,
            Target::Classes { names, .. } => names.len(),
        };
        let folds = self.deal(&target)?;
        // `[answers][rows]`
        let mut unseen = vec![vec![0.0; set.rows()]; outputs * self.trainers.len()];
        for fold in 0..self.folds {
            let keep: Vec<bool> = folds.iter().map(|own| *own != fold).collect();
            let left_out: Vec<bool> = keep.iter().map(|kept| !kept).collect();
            let (fit, rest) = (set.filter(&keep)?, set.filter(&left_out)?);
            let rows: Vec<usize> = (0..folds.len()).filter(|row| left_out[*row]).collect();
            for (at, trainer) in self.trainers.iter().enumerate() {
                let answers = trainer.fit(&fit)?.spec.predict(&rest.features())?;
                for (from, row) in rows.iter().enumerate() {
                    for (output, answer) in answers.row(from).iter().enumerate() {
                        unseen[at * outputs + output][*row] = *answer;
                    }
                }
            }
        }
        let stacker = self.stacker(&target, set.weights().as_deref(), unseen)?;
        let (models, mut history) = fit_all(&self.trainers, set)?;
        let signature = models
            .first()
            .map(|model| model.signature().clone())
            .expect("checked by `new`");
        history.insert("stacker_weights".into(), stacker.weights.clone());
        Ok(Fitted {
            spec: ModelSpec::stack(signature, &models, stacker)?,
            params: self.params(),
            history,
            importance: Vec::new(),
        })
    }
}

impl Stacking {
    /// The fold of each row; the rows of a class are dealt evenly, so that none is missing without a fold.
    fn deal(&self, target: &Target) -> Result<Vec<usize>> {
        let codes: Vec<u32> = match target {
            Target::Binary(labels) => labels.iter().map(|label| u32::from(*label)).collect(),
            Target::Classes { codes, .. } => codes.clone(),
            Target::Number(values) => vec![0; values.len()],
        };
        let mut order: Vec<usize> = (0..codes.len()).collect();
        self.seed.derive("stacking").rng().shuffle(&mut order);
        // stable, so rows of a class stay shuffled
        order.sort_by_key(|row| codes[*row]);
        let mut folds = vec![0; codes.len()];
        for (position, row) in order.iter().enumerate() {
            folds[*row] = position % self.folds;
        }
        let classes = codes.iter().max().map_or(0, |last| *last as usize + 1);
        let mut counts = vec![0usize; classes];
        for code in &codes {
            counts[*code as usize] += 1;
        }
        let fewest = counts.into_iter().min().unwrap_or(0);
        if fewest < 2 || codes.len() < 2 * self.folds {
            return Err(Error::WrongRowCount {
                trainer: "stacking",
                rows: fewest.min(codes.len()),
                needed: format!("2 of each class and {} in all", 2 * self.folds),
            });
        }
        Ok(folds)
    }

    /// The linear model over the answers as they are.
    fn stacker(
        &self,
        target: &Target,
        weights: Option<&[f64]>,
        unseen: Vec<Vec<f64>>,
    ) -> Result<Linear> {
        let matrix = matrix(unseen)?;
        match target {
            Target::Number(values) => regression::line(&matrix, values, weights, self.l2),
            Target::Binary(labels) => {
                let codes: Vec<usize> = labels.iter().map(|label| usize::from(*label)).collect();
                logistic::line(&matrix, &codes, 1, weights, self.l2)
            }
            Target::Classes { names, codes } => {
                let codes: Vec<usize> = codes.iter().map(|code| *code as usize).collect();
                logistic::line(&matrix, &codes, names.len(), weights, self.l2)
            }
        }
    }
}

/// Columns side by side.
fn matrix(columns: Vec<Vec<f64>>) -> Result<Matrix> {
    let named = columns.into_iter().enumerate().map(|(at, values)| {
        let array: ArrayRef = Arc::new(Float64Array::from(values));
        (at.to_string(), array)
    });
    let batch = RecordBatch::try_from_iter(named).expect("all columns have a number a row");
    let signature = Signature::from_schema(&batch.schema(), Output::Number)?;
    let encoders = (0..batch.num_columns()).map(Encoder::plain).collect();
    Ok(Preprocess::new(&signature, encoders)?.encode(&batch)?)
}

fn check_count(owner: &'static str, count: usize) -> Result<()> {
    let rule = "there must be 1 to 1024 of them";
    require((1..=1024).contains(&count), owner, "trainers", &count, rule)
}

fn members(trainers: &[Box<dyn Trainer>]) -> BTreeMap<String, String> {
    let mut params = BTreeMap::new();
    for (at, trainer) in trainers.iter().enumerate() {
        params.insert(format!("{at}.trainer"), trainer.name().to_owned());
        for (name, value) in trainer.params() {
            params.insert(format!("{at}.{name}"), value);
        }
    }
    params
}

/// Series by name.
type History = BTreeMap<String, Vec<f64>>;

/// All models on all rows, and their histories.
fn fit_all(trainers: &[Box<dyn Trainer>], set: &TrainingSet) -> Result<(Vec<ModelSpec>, History)> {
    let mut models = Vec::with_capacity(trainers.len());
    let mut history = BTreeMap::new();
    for (at, trainer) in trainers.iter().enumerate() {
        let fitted = trainer.fit(set)?;
        models.push(fitted.spec);
        for (name, series) in fitted.history {
            history.insert(format!("{at}.{name}"), series);
        }
    }
    Ok((models, history))
}
