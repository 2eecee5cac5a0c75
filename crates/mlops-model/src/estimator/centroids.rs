//! The nearest of some points: clusters, and how far a row lies from what is known.

use serde::{Deserialize, Serialize};

use crate::{Error, Result, limit};

/// Points with labels; a row is answered by the one that is nearest, of equals the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Centroids {
    /// `[points, encoded columns]`, row-major.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub points: Vec<f64>,
    /// `[points]`: the cluster that a point belongs to, from 0.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub labels: Vec<u32>,
    /// How far the nearest point may lie; the label of a row beyond is -1.
    pub radius: Option<f64>,
    /// What is answered.
    pub answer: Nearest,
}

/// What [`Centroids`] answer about the nearest point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nearest {
    /// Its label, or -1.
    Label,
    /// Its Euclidean distance.
    Distance,
}

impl Centroids {
    pub(crate) fn check(&self, width: usize) -> Result<()> {
        let invalid = |reason: String| Err(Error::model("centroids", reason));
        limit::check("the number of weights", self.points.len(), limit::WEIGHTS)?;
        limit::check("the number of points", self.labels.len(), limit::WEIGHTS)?;
        if self.labels.is_empty() {
            return invalid("there is no point".into());
        }
        if Some(self.points.len()) != self.labels.len().checked_mul(width) {
            return invalid(format!(
                "{} numbers do not fill {} points of {width} columns",
                self.points.len(),
                self.labels.len()
            ));
        }
        if let Some(number) = self.points.iter().find(|number| !number.is_finite()) {
            return invalid(format!("a point has {number}"));
        }
        match self.radius {
            Some(radius) if !radius.is_finite() || radius < 0.0 => {
                invalid(format!("the radius is {radius}"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn score(&self, row: &[f64], answer: &mut [f64]) {
        let (mut nearest, mut least) = (0, f64::INFINITY);
        for at in 0..self.labels.len() {
            let point = &self.points[at * row.len()..(at + 1) * row.len()];
            let pairs = point.iter().zip(row);
            let distance = pairs.fold(0.0, |sum, (p, x)| sum + (p - x) * (p - x));
            if distance < least {
                (nearest, least) = (at, distance);
            }
        }
        let distance = least.sqrt();
        answer[0] = match self.answer {
            Nearest::Distance => distance,
            Nearest::Label if self.radius.is_some_and(|radius| distance > radius) => -1.0,
            Nearest::Label => f64::from(self.labels[nearest]),
        };
    }
}
