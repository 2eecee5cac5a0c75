//! How the answer moves with one input while the others stay: partial dependence, and its single rows.

use arrow::array::RecordBatch;
use mlops_core::Value;
use mlops_model::Model;
use serde::{Deserialize, Serialize};

use super::{
    Grid,
    grid::{find, with_value},
};
use crate::{Result, error::require};

/// The mean answer at each value of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dependence {
    /// The input.
    pub input: String,
    /// The values that it was set to.
    pub grid: Vec<Value>,
    /// How many numbers an answer has.
    pub outputs: usize,
    /// `[values, outputs]`: the mean over the rows.
    pub mean: Vec<f64>,
}

/// Every row's answer at each value of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndividualCurves {
    /// The input.
    pub input: String,
    /// The values that it was set to.
    pub grid: Vec<Value>,
    /// How many numbers an answer has.
    pub outputs: usize,
    /// `[rows, values, outputs]`.
    pub answers: Vec<f64>,
}

/// The most numbers that [`individual_curves`] keeps: 400 MB.
const MOST: usize = 50_000_000;

/// Sets an input to each value of the grid in all rows, and takes the mean answer.
///
/// Inputs that hang together are torn apart by this: the answer is asked for rows that may not exist.
///
/// # Errors
/// [`mlops_core::Error::UnknownColumn`] for an input that the model or the batch does not have,
/// [`mlops_core::Error::EmptyTable`] if there are no rows or no values to take a grid from,
/// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a grid of no or too many points, and the
/// model's own.
///
/// # Complexity
/// One prediction of all rows a value.
///
/// # Reference
/// Friedman 2001. Agrees with `sklearn.inspection.partial_dependence` (`method="brute"`), its grid
/// included, to 1e-12.
#[doc(alias = "PDP")]
pub fn partial_dependence(
    model: &dyn Model,
    batch: &RecordBatch,
    input: &str,
    grid: &Grid,
) -> Result<Dependence> {
    let outputs = model.signature().output().width();
    let mut mean = Vec::new();
    let grid = sweep(model, batch, input, grid, |answers| {
        for output in 0..outputs {
            let sum: f64 = answers.iter().skip(output).step_by(outputs).sum();
            mean.push(sum / batch.num_rows() as f64);
        }
    })?;
    Ok(Dependence {
        input: input.to_owned(),
        grid,
        outputs,
        mean,
    })
}

/// Sets an input to each value of the grid in all rows, and keeps every answer.
///
/// # Errors
/// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for more than fifty million numbers, and those
/// of [`partial_dependence`].
///
/// # Reference
/// Goldstein et al. 2015. Agrees with `sklearn.inspection.partial_dependence` (`kind="individual"`) to
/// 1e-12.
#[doc(alias = "ICE")]
pub fn individual_curves(
    model: &dyn Model,
    batch: &RecordBatch,
    input: &str,
    grid: &Grid,
) -> Result<IndividualCurves> {
    let outputs = model.signature().output().width();
    let rows = batch.num_rows();
    let points = grid.values(model, batch, input)?.len();
    require(
        rows.saturating_mul(points).saturating_mul(outputs) <= MOST,
        "individual curves",
        "rows",
        &rows,
        "rows times values times outputs must be at most 50000000; draw fewer rows",
    )?;
    let mut answers = vec![0.0; rows * points * outputs];
    let mut at = 0;
    let grid = sweep(model, batch, input, grid, |found| {
        for (row, answer) in found.chunks_exact(outputs).enumerate() {
            let start = (row * points + at) * outputs;
            answers[start..start + outputs].copy_from_slice(answer);
        }
        at += 1;
    })?;
    Ok(IndividualCurves {
        input: input.to_owned(),
        grid,
        outputs,
        answers,
    })
}

/// Hands over the answers of all rows for each value.
fn sweep(
    model: &dyn Model,
    batch: &RecordBatch,
    input: &str,
    grid: &Grid,
    mut take: impl FnMut(&[f64]),
) -> Result<Vec<Value>> {
    if batch.num_rows() == 0 {
        return Err(crate::Error::Core(mlops_core::Error::EmptyTable {
            table: "partial dependence".into(),
        }));
    }
    let (kind, _) = find(model, batch, input)?;
    let values = grid.values(model, batch, input)?;
    for value in &values {
        let changed = with_value(batch, kind, input, value)?;
        take(model.predict(&changed)?.values());
    }
    Ok(values)
}

#[cfg(all(test, feature = "linfa"))]
mod tests {
    use super::*;
    use crate::{DecisionTree, Error, Trainer, conformance::planted};

    #[test]
    fn the_mean_of_the_curves_is_the_dependence() {
        let set = planted(300, 1);
        let model = DecisionTree::builder()
            .build()
            .unwrap()
            .fit(&set)
            .unwrap()
            .spec;
        let batch = set.features();
        for (input, points) in [
            ("recency", 20),
            ("orders", 12),
            ("spend", 20),
            ("member", 2),
            ("country", 4),
        ] {
            let grid = Grid::Points(20);
            let found = partial_dependence(&model, &batch, input, &grid).unwrap();
            assert_eq!(
                (found.grid.len(), found.mean.len()),
                (points, points),
                "{input}"
            );
            let curves = individual_curves(&model, &batch, input, &grid).unwrap();
            assert_eq!((&curves.grid, curves.outputs), (&found.grid, 1));
            for (at, mean) in found.mean.iter().enumerate() {
                let column: f64 = curves.answers.iter().skip(at).step_by(points).sum();
                assert!((column / 300.0 - mean).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn given_values_are_taken_as_they_are() {
        let set = planted(100, 1);
        let model = crate::baseline(&set).unwrap();
        let values = vec![Value::Null, Value::Str("Atlantis".into())];
        let grid = Grid::Values(values.clone());
        let found = partial_dependence(&model, &set.features(), "country", &grid).unwrap();
        assert_eq!((found.grid, found.mean[0]), (values, found.mean[1]));
        let wrong = Grid::Values(vec![Value::Float(1.0)]);
        assert!(partial_dependence(&model, &set.features(), "country", &wrong).is_err());
    }

    #[test]
    fn what_cannot_be_asked_is_named() {
        let set = planted(100, 1);
        let model = crate::baseline(&set).unwrap();
        let batch = set.features();
        let ask = |batch: &RecordBatch, input: &str, points| {
            partial_dependence(&model, batch, input, &Grid::Points(points)).unwrap_err()
        };
        let error = ask(&batch, "nobody", 5).to_string();
        assert!(
            error.contains("`nobody`") && error.contains("`recency`"),
            "{error}"
        );
        assert!(matches!(
            ask(&batch, "recency", 1),
            Error::InvalidParameter { .. }
        ));
        assert!(matches!(
            ask(&batch.slice(0, 0), "recency", 5),
            Error::Core(_)
        ));
    }
}
