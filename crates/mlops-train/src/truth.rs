//! What came true, in the form that the model's output asks for.

use mlops_core::TrainingSet;
use mlops_model::Output;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Labels, row by row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// One of two classes; `true` is positive.
    Binary(Vec<bool>),
    /// A number.
    Number(Vec<f64>),
    /// One of several classes.
    Classes {
        /// The positions of the classes.
        labels: Vec<usize>,
        /// How many classes there are.
        classes: usize,
    },
}

impl Truth {
    /// The labels of a set as a model with this output answers them.
    ///
    /// Where all classes are named by whole numbers, a label is the name of its class; otherwise it is the
    /// class's position.
    ///
    /// # Errors
    /// [`mlops_core::Error::InvalidScore`] naming the row of a label that is no class, or no finite number.
    pub fn of(set: &TrainingSet, output: &Output) -> Result<Self> {
        match output {
            Output::Probability { .. } => Ok(Self::Binary(set.label_classes()?)),
            Output::Number => {
                let values = set.label_values();
                match values.iter().position(|value| !value.is_finite()) {
                    Some(row) => Err(no_label("numeric label", row, values[row])),
                    None => Ok(Self::Number(values)),
                }
            }
            Output::Classes { names } => {
                let numbers: Option<Vec<f64>> = names
                    .iter()
                    .map(|name| name.parse::<i64>().ok().map(|number| number as f64))
                    .collect();
                let numbers =
                    numbers.unwrap_or_else(|| (0u32..).take(names.len()).map(f64::from).collect());
                let labels = set
                    .label_values()
                    .into_iter()
                    .enumerate()
                    .map(|(row, label)| {
                        let class = numbers.iter().position(|number| *number == label);
                        class.ok_or_else(|| no_label("class label", row, label))
                    });
                Ok(Self::Classes {
                    labels: labels.collect::<Result<_>>()?,
                    classes: names.len(),
                })
            }
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Binary(labels) => labels.len(),
            Self::Number(values) => values.len(),
            Self::Classes { labels, .. } => labels.len(),
        }
    }

    /// How many numbers an answer to it has.
    pub fn width(&self) -> usize {
        match self {
            Self::Binary(_) | Self::Number(_) => 1,
            Self::Classes { classes, .. } => *classes,
        }
    }

    /// What the labels are, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Binary(_) => "two classes",
            Self::Number(_) => "numbers",
            Self::Classes { .. } => "several classes",
        }
    }

    /// The labels at the given rows.
    ///
    /// # Panics
    /// If a row is past the end.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        match self {
            Self::Binary(labels) => Self::Binary(rows.iter().map(|row| labels[*row]).collect()),
            Self::Number(values) => Self::Number(rows.iter().map(|row| values[*row]).collect()),
            Self::Classes { labels, classes } => Self::Classes {
                labels: rows.iter().map(|row| labels[*row]).collect(),
                classes: *classes,
            },
        }
    }

    /// Puts the rows of another truth of the same kind behind these.
    pub(crate) fn append(&mut self, other: Self) -> Result<()> {
        match (&mut *self, other) {
            (Self::Binary(all), Self::Binary(more)) => all.extend(more),
            (Self::Number(all), Self::Number(more)) => all.extend(more),
            (
                Self::Classes { labels, classes },
                Self::Classes {
                    labels: more,
                    classes: same,
                },
            ) if *classes == same => labels.extend(more),
            (first, other) => {
                return Err(Error::UnsupportedModel {
                    function: "cross-validation",
                    expected: "the same output from every fold",
                    found: format!(
                        "answers {} of width {} after {} of width {}",
                        other.kind(),
                        other.width(),
                        first.kind(),
                        first.width()
                    ),
                });
            }
        }
        Ok(())
    }
}

fn no_label(metric: &'static str, row: usize, value: f64) -> Error {
    Error::Core(mlops_core::Error::InvalidScore { metric, row, value })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{ArrayRef, Float64Array, Int64Array, TimestampMicrosecondArray},
        datatypes::DataType,
    };
    use mlops_core::{Column, Lineage, Role, Table, TableSchema};

    use super::*;

    fn set(labels: &[i64]) -> TrainingSet {
        let columns = [
            Column::event_time("at"),
            Column::value("x", DataType::Float64),
            Column::new("y", DataType::Int64, Role::Label),
        ];
        let times = TimestampMicrosecondArray::from(vec![0; labels.len()]).with_timezone("UTC");
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(times),
            Arc::new(Float64Array::from(vec![0.0; labels.len()])),
            Arc::new(Int64Array::from(labels.to_vec())),
        ];
        let table = Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap();
        TrainingSet::new(table, Lineage::default()).unwrap()
    }

    fn classes(names: &[&str]) -> Output {
        Output::Classes {
            names: names.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn labels_are_names_where_names_are_numbers_and_positions_elsewhere() {
        let labels = |truth| match truth {
            Truth::Classes { labels, .. } => labels,
            other => panic!("{other:?}"),
        };
        let named = Truth::of(&set(&[3, 1, 2]), &classes(&["1", "2", "3"])).unwrap();
        assert_eq!(labels(named), [2, 0, 1]);
        let placed = Truth::of(&set(&[2, 0, 1]), &classes(&["low", "mid", "high"])).unwrap();
        assert_eq!(labels(placed.take(&[1, 1, 0])), [0, 0, 2]);
        let error = Truth::of(&set(&[2, 7]), &classes(&["low", "mid", "high"])).unwrap_err();
        assert_eq!(error.to_string(), "class label: row 1 is 7");
    }

    #[test]
    fn a_number_is_a_label_of_a_regression_and_not_of_two_classes() {
        let set = set(&[5, 0]);
        assert_eq!(
            Truth::of(&set, &Output::Number).unwrap(),
            Truth::Number(vec![5.0, 0.0])
        );
        let binary = Output::Probability {
            positive: "y".into(),
        };
        assert!(Truth::of(&set, &binary).is_err());
    }

    #[test]
    fn folds_of_other_outputs_are_not_mixed() {
        let mut all = Truth::Binary(vec![true]);
        all.append(Truth::Binary(vec![false])).unwrap();
        assert_eq!((all.rows(), all.width()), (2, 1));
        let error = all.append(Truth::Number(vec![1.0])).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("numbers of width 1 after two classes"),
            "{error}"
        );
    }
}
