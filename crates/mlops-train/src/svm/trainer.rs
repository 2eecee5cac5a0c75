//! The support vector machine as a [`Trainer`].

use std::collections::BTreeMap;

use mlops_core::{Target, TrainingSet};
use mlops_model::{Calibrated, Estimator, Kernel, Link, ModelSpec, Svm};

use super::machine::{Machine, Settings};
use crate::{
    Encoding, Error, Fitted, Result, Trainer,
    error::require,
    prepare::{Numerics, Prepared, moments, target},
    record::params,
};

const NAME: &str = "support_vectors";
/// Every pair of rows has a number in memory.
const MOST_ROWS: usize = 10_000;

/// Fits machines whose scores are weighted likenesses to some of the training rows.
///
/// Learns two classes, several (one machine a class against the others) and numbers. Needs memory for the
/// square of the rows, so it refuses more than 10 000; it does not know of weights.
///
/// # Complexity
/// Between the square and the cube of the rows.
///
/// # Reference
/// `linfa-svm` 0.8 (SMO, Platt 1999). With like settings its scores agree with scikit-learn's `SVC` and `SVR`
/// to 1e-4; probabilities are made on held-out rows, as in `CalibratedClassifierCV(ensemble=False)`.
#[derive(Debug, Clone, PartialEq)]
pub struct SupportVectors {
    kernel: Shape,
    cost: f64,
    tube: f64,
    encoding: Encoding,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Linear,
    Rbf { gamma: Option<f64> },
    Polynomial { constant: f64, degree: u8 },
}

/// Settings of [`SupportVectors`].
#[derive(Debug, Clone)]
pub struct SupportVectorsBuilder(SupportVectors);

impl SupportVectors {
    /// Starts from the defaults: a radial kernel whose `gamma` is 1 by the number of columns, cost 1, a tube
    /// of 0.1, 16 categories a text.
    pub fn builder() -> SupportVectorsBuilder {
        SupportVectorsBuilder(Self {
            kernel: Shape::Rbf { gamma: None },
            cost: 1.0,
            tube: 0.1,
            encoding: Encoding::default(),
        })
    }
}

impl SupportVectorsBuilder {
    /// Likeness is `x · y`.
    #[must_use]
    pub fn linear(mut self) -> Self {
        self.0.kernel = Shape::Linear;
        self
    }

    /// Likeness is `exp(-gamma · |x - y|²)`.
    #[must_use]
    pub fn radial(mut self, gamma: f64) -> Self {
        self.0.kernel = Shape::Rbf { gamma: Some(gamma) };
        self
    }

    /// Likeness is `(x · y + constant)^degree`.
    #[must_use]
    pub fn polynomial(mut self, constant: f64, degree: u8) -> Self {
        self.0.kernel = Shape::Polynomial { constant, degree };
        self
    }

    /// What a row on the wrong side costs.
    #[must_use]
    pub fn cost(mut self, cost: f64) -> Self {
        self.0.cost = cost;
        self
    }

    /// How far a number may be off for nothing, in deviations of the label.
    #[must_use]
    pub fn tube(mut self, tube: f64) -> Self {
        self.0.tube = tube;
        self
    }

    /// How features become columns.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.0.encoding = encoding;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for the first one out of its range.
    pub fn build(self) -> Result<SupportVectors> {
        let trainer = self.0;
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let above = "it must be above 0";
        match trainer.kernel {
            Shape::Rbf { gamma: Some(gamma) } => {
                require(positive(gamma), NAME, "gamma", &gamma, above)?;
            }
            Shape::Polynomial { constant, degree } => {
                let least = constant.is_finite() && constant >= 0.0;
                require(least, NAME, "constant", &constant, "it must be at least 0")?;
                let rule = "it must lie in 1..=16";
                require((1..=16).contains(&degree), NAME, "degree", &degree, rule)?;
            }
            Shape::Linear | Shape::Rbf { gamma: None } => {}
        }
        require(positive(trainer.cost), NAME, "cost", &trainer.cost, above)?;
        let tube = trainer.tube.is_finite() && trainer.tube >= 0.0;
        require(tube, NAME, "tube", &trainer.tube, "it must be at least 0")?;
        trainer.encoding.check(NAME)?;
        Ok(trainer)
    }
}

impl Trainer for SupportVectors {
    fn name(&self) -> &str {
        NAME
    }

    fn params(&self) -> BTreeMap<String, String> {
        let kernel = match self.kernel {
            Shape::Linear => "linear".to_owned(),
            Shape::Rbf { gamma: None } => "radial(1/columns)".to_owned(),
            Shape::Rbf { gamma: Some(gamma) } => format!("radial({gamma})"),
            Shape::Polynomial { constant, degree } => format!("polynomial({constant},{degree})"),
        };
        let mut params = params([
            ("kernel", kernel),
            ("cost", self.cost.to_string()),
            ("tube", self.tube.to_string()),
        ]);
        params.extend(self.encoding.params());
        params
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let target = target(set)?;
        if set.weights().is_some() {
            return Err(Error::UnsupportedWeights { trainer: NAME });
        }
        if set.rows() > MOST_ROWS {
            return Err(Error::WrongRowCount {
                trainer: NAME,
                rows: set.rows(),
                needed: format!("{MOST_ROWS} at most"),
            });
        }
        let prepared = Prepared::encoded(set, (), &target, Numerics::Scaled, &self.encoding)?;
        let matrix = &prepared.matrix;
        let settings = Settings {
            kernel: match self.kernel {
                Shape::Linear => Kernel::Linear,
                Shape::Rbf { gamma } => Kernel::Rbf {
                    gamma: gamma.unwrap_or(1.0 / matrix.width() as f64),
                },
                Shape::Polynomial { constant, degree } => Kernel::Polynomial {
                    gamma: 1.0,
                    constant,
                    degree,
                },
            },
            cost: self.cost,
            tube: self.tube,
        };
        let mut machines = Vec::new();
        let mut curves = Vec::new();
        if let Target::Number(values) = &target {
            let (mean, deviation, _) = moments(values, &vec![1.0; values.len()]);
            let scale = if deviation > 0.0 { deviation } else { 1.0 };
            let labels = values.iter().map(|value| (value - mean) / scale).collect();
            let mut machine = settings.regress(matrix, labels)?;
            for coefficient in &mut machine.coefficients {
                *coefficient *= scale;
            }
            machine.bias = machine.bias * scale + mean;
            machines.push(machine);
        } else {
            let rows: Vec<usize> = (0..matrix.rows()).collect();
            for labels in one_against_others(&target) {
                let machine = settings.classify(matrix, &rows, &labels)?;
                curves.push(settings.curve(matrix, &labels, &machine)?);
                machines.push(machine);
            }
        }
        let svm = together(settings.kernel, matrix, &machines);
        let vectors = svm.coefficients.len() / svm.bias.len();
        let estimator = if curves.is_empty() {
            Estimator::Svm(svm)
        } else {
            Estimator::Calibrated(Calibrated {
                estimator: Box::new(Estimator::Svm(svm)),
                curves,
            })
        };
        let mut params = self.params();
        params.insert("vectors".into(), vectors.to_string());
        Ok(Fitted {
            spec: ModelSpec::new(prepared.signature, prepared.preprocess, estimator)?,
            params,
            history: BTreeMap::new(),
            importance: Vec::new(),
        })
    }
}

/// The labels of each machine: the positive class, or every class.
fn one_against_others(target: &Target) -> Vec<Vec<bool>> {
    match target {
        Target::Binary(labels) => vec![labels.clone()],
        Target::Classes { names, codes } => (0..names.len())
            .map(|class| codes.iter().map(|code| *code as usize == class).collect())
            .collect(),
        Target::Number(_) => Vec::new(),
    }
}

/// All machines over the rows that any of them needs.
fn together(kernel: Kernel, matrix: &mlops_model::Matrix, machines: &[Machine]) -> Svm {
    let needed: Vec<usize> = (0..matrix.rows())
        .filter(|row| machines.iter().any(|m| m.coefficients[*row] != 0.0))
        .collect();
    let vectors = needed.iter().flat_map(|row| matrix.row(*row));
    let coefficients = machines
        .iter()
        .flat_map(|machine| needed.iter().map(|row| machine.coefficients[*row]));
    Svm {
        kernel,
        vectors: vectors.copied().collect(),
        coefficients: coefficients.collect(),
        bias: machines.iter().map(|machine| machine.bias).collect(),
        link: Link::Identity,
    }
}
