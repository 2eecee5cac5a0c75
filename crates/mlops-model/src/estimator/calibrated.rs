//! An estimator whose answers are put through a fitted curve, so that they are probabilities to rely on.

use serde::{Deserialize, Serialize};

use crate::{Error, Estimator, Matrix, Result, estimator::Scorer, limit, model::Work};

/// An estimator with a curve an output. Several outputs are scaled to sum to 1 afterwards; where all are 0
/// they become equal.
///
/// # Reference
/// scikit-learn's `CalibratedClassifierCV`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibrated {
    /// What is calibrated.
    pub estimator: Box<Estimator>,
    /// `[outputs]`.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub curves: Vec<Curve>,
}

/// From an estimator's answer to a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Curve {
    /// `1 / (1 + exp(-(slope · x + intercept)))` (Platt).
    Sigmoid {
        /// What the answer is multiplied with.
        slope: f64,
        /// What is added.
        intercept: f64,
    },
    /// Straight lines between knots; before the first and behind the last it is level.
    Isotonic {
        /// Where the knots stand, rising.
        #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
        x: Vec<f64>,
        /// The probabilities at the knots, in 0..=1, never falling.
        #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
        y: Vec<f64>,
    },
}

impl limit::Weigh for Curve {
    fn weigh(&self) -> usize {
        match self {
            Self::Sigmoid { .. } => 1,
            Self::Isotonic { x, .. } => x.len(),
        }
    }
}

impl Curve {
    /// The probability for an answer; NaN stays NaN.
    pub fn apply(&self, answer: f64) -> f64 {
        match self {
            Self::Sigmoid { slope, intercept } => {
                1.0 / (1.0 + (-(slope * answer + intercept)).exp())
            }
            Self::Isotonic { .. } if answer.is_nan() => answer,
            Self::Isotonic { x, y } => {
                let above = x.partition_point(|knot| *knot <= answer);
                if above == 0 {
                    return y[0];
                }
                if above == x.len() {
                    return y[above - 1];
                }
                let (x0, x1, y0, y1) = (x[above - 1], x[above], y[above - 1], y[above]);
                (y0 + (y1 - y0) * ((answer - x0) / (x1 - x0))).clamp(y0, y1)
            }
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Sigmoid { slope, intercept } => {
                match [slope, intercept].into_iter().find(|x| !x.is_finite()) {
                    Some(x) => Err(format!("a number of its sigmoid is {x}")),
                    None => Ok(()),
                }
            }
            Self::Isotonic { x, y } => {
                if x.is_empty() || x.len() != y.len() {
                    let (x, y) = (x.len(), y.len());
                    return Err(format!("{x} knots meet {y} probabilities"));
                }
                if x.iter().any(|x| !x.is_finite()) || !x.is_sorted_by(|a, b| a < b) {
                    return Err("its knots do not rise".into());
                }
                if y.iter().any(|y| !(0.0..=1.0).contains(y)) || !y.is_sorted() {
                    return Err("its probabilities fall, or leave 0..=1".into());
                }
                Ok(())
            }
        }
    }
}

/// A checked [`Calibrated`].
#[derive(Debug, Clone)]
pub(crate) struct Corrected {
    scorer: Box<Scorer>,
    curves: Vec<Curve>,
}

impl Corrected {
    pub(crate) fn new(calibrated: &Calibrated, width: usize, depth: usize) -> Result<Self> {
        let scorer = Scorer::nested(&calibrated.estimator, width, depth + 1)?;
        let curves = &calibrated.curves;
        if curves.len() != scorer.outputs() {
            let (curves, outputs) = (curves.len(), scorer.outputs());
            return Err(Error::model(
                "calibration",
                format!("{curves} curves meet {outputs} outputs"),
            ));
        }
        let knots = curves.iter().map(limit::Weigh::weigh).sum();
        limit::check("the number of knots", knots, limit::WEIGHTS)?;
        for (at, curve) in curves.iter().enumerate() {
            curve
                .check()
                .map_err(|reason| Error::model(format!("calibration curve {at}"), reason))?;
        }
        Ok(Self {
            scorer: Box::new(scorer),
            curves: curves.clone(),
        })
    }

    /// The numbers of an answer.
    pub(crate) fn outputs(&self) -> usize {
        self.curves.len()
    }

    pub(crate) fn score(&self, row: &[f64], work: &mut Work, answer: &mut [f64]) {
        self.scorer.score_one(row, work, answer);
        self.correct(answer);
    }

    pub(crate) fn score_all(&self, matrix: &Matrix, answers: &mut [f64]) {
        answers.copy_from_slice(self.scorer.score(matrix).values());
        for answer in answers.chunks_exact_mut(self.curves.len()) {
            self.correct(answer);
        }
    }

    fn correct(&self, answer: &mut [f64]) {
        for (x, curve) in answer.iter_mut().zip(&self.curves) {
            *x = curve.apply(*x);
        }
        if answer.len() > 1 {
            let sum: f64 = answer.iter().sum();
            let equal = 1.0 / answer.len() as f64;
            for x in answer {
                *x = if sum == 0.0 { equal } else { *x / sum };
            }
        }
    }
}
