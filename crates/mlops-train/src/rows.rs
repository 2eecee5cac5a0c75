//! The rows of a training set in the form that the engine reads: column after column.

use mlops_core::Target;
use mlops_model::Encoder;

use crate::{
    gbdt::{Column, MISSING},
    prepare::Prepared,
};

/// The columns, labels and weights of some rows.
pub(crate) struct Rows {
    columns: Features,
    pub(crate) labels: Vec<f64>,
    pub(crate) weights: Option<Vec<f64>>,
}

/// The columns of some rows.
pub(crate) struct Features(Vec<Values>);

enum Values {
    Numbers(Vec<f64>),
    Codes(Vec<u32>),
}

impl Features {
    /// All rows of an encoded set whose texts are positions of categories.
    pub(crate) fn new<L>(prepared: &Prepared<L>) -> Self {
        let matrix = &prepared.matrix;
        let columns = prepared.preprocess.encoders().iter().enumerate();
        let columns = columns.map(|(column, encoder)| {
            let values = matrix.values().iter().skip(column).step_by(matrix.width());
            match encoder {
                Encoder::Ordinal { .. } => Values::Codes(values.map(|x| code(*x)).collect()),
                _ => Values::Numbers(values.copied().collect()),
            }
        });
        Self(columns.collect())
    }

    pub(crate) fn columns(&self) -> Vec<Column<'_>> {
        let columns = self.0.iter().map(|values| match values {
            Values::Numbers(numbers) => Column::Numbers(numbers),
            Values::Codes(codes) => Column::Codes(codes),
        });
        columns.collect()
    }
}

impl Rows {
    /// All rows of an encoded set whose texts are positions of categories.
    pub(crate) fn new(prepared: &Prepared<Target>) -> Self {
        Self {
            columns: Features::new(prepared),
            labels: match &prepared.labels {
                Target::Binary(labels) => labels.iter().map(|l| f64::from(u8::from(*l))).collect(),
                Target::Number(values) => values.clone(),
                Target::Classes { codes, .. } => {
                    codes.iter().map(|code| f64::from(*code)).collect()
                }
            },
            weights: prepared.weights.clone(),
        }
    }

    pub(crate) fn columns(&self) -> Vec<Column<'_>> {
        self.columns.columns()
    }

    /// Some of the rows.
    pub(crate) fn pick(&self, rows: &[usize]) -> Self {
        let columns = self.columns.0.iter().map(|values| match values {
            Values::Numbers(x) => Values::Numbers(rows.iter().map(|row| x[*row]).collect()),
            Values::Codes(x) => Values::Codes(rows.iter().map(|row| x[*row]).collect()),
        });
        let numbers = |x: &Vec<f64>| rows.iter().map(|row| x[*row]).collect();
        Self {
            columns: Features(columns.collect()),
            labels: numbers(&self.labels),
            weights: self.weights.as_ref().map(numbers),
        }
    }

    /// Whether any row counts.
    pub(crate) fn counts(&self) -> bool {
        self.weights
            .as_ref()
            .is_none_or(|weights| weights.iter().any(|weight| *weight > 0.0))
    }

    /// Whether two labels of these rows differ, among rows that count.
    pub(crate) fn learnable(&self) -> bool {
        let counts = |row: &usize| {
            self.weights
                .as_ref()
                .is_none_or(|weights| weights[*row] > 0.0)
        };
        let mut labels = (0..self.labels.len())
            .filter(counts)
            .map(|row| self.labels[row]);
        let first = labels.next();
        first.is_some_and(|first| labels.any(|label| label != first))
    }
}

/// A category's position as a code; the position of a missing one is NaN.
fn code(position: f64) -> u32 {
    if position.is_nan() {
        return MISSING;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an encoder has at most 1024 categories"
    )]
    let code = position as u32;
    code
}
