//! What came true, in the form that the model's output asks for.

use std::collections::BTreeMap;

use mlops_core::{Target, TrainingSet};
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
    /// A label of several classes is the name of its class; numbers and booleans in their plain form.
    ///
    /// # Errors
    /// [`Error::UnknownClass`] naming the row of a label that is none of the classes,
    /// [`mlops_core::Error::InvalidScore`] or [`mlops_core::Error::TypeMismatch`] for a label that is neither
    /// 0 nor 1, or no finite number; [`mlops_model::Error::SeveralOutputs`] for an output of several numbers.
    pub fn of(set: &TrainingSet, output: &Output) -> Result<Self> {
        match output {
            Output::Probability { .. } => Ok(Self::Binary(set.label_classes()?)),
            Output::Number => {
                let values = set.label_values()?;
                match values.iter().position(|value| !value.is_finite()) {
                    Some(row) => Err(Error::Core(mlops_core::Error::InvalidScore {
                        metric: "numeric label",
                        row,
                        value: values[row],
                    })),
                    None => Ok(Self::Number(values)),
                }
            }
            // a training set has one label
            Output::Numbers { names } => {
                let outputs = names.len();
                Err(mlops_model::Error::SeveralOutputs { outputs }.into())
            }
            Output::Classes { names } => {
                // the classes of the set, and the rows' positions among them
                let (ours, codes): (Vec<String>, Vec<usize>) = match set.target() {
                    Target::Classes { names, codes } => {
                        (names, codes.into_iter().map(|code| code as usize).collect())
                    }
                    Target::Binary(labels) => {
                        // these may be numbers or booleans; the model knows which
                        let plain = ["0", "1"].map(String::from).to_vec();
                        let words = ["false", "true"].map(String::from).to_vec();
                        let said = words.iter().any(|word| names.contains(word));
                        let codes = labels.into_iter().map(usize::from).collect();
                        (if said { words } else { plain }, codes)
                    }
                    Target::Number(values) => {
                        let texts = values.iter().map(ToString::to_string).collect();
                        (texts, (0..values.len()).collect())
                    }
                };
                let places: BTreeMap<&str, usize> = (0..)
                    .zip(names)
                    .map(|(at, name)| (name.as_str(), at))
                    .collect();
                let places: Vec<Option<usize>> = ours
                    .iter()
                    .map(|name| places.get(name.as_str()).copied())
                    .collect();
                let labels = codes.iter().enumerate().map(|(row, code)| {
                    places[*code].ok_or_else(|| Error::UnknownClass {
                        row,
                        class: ours[*code].clone(),
                    })
                });
                let labels = labels.collect::<Result<_>>()?;
                Ok(Self::Classes {
                    labels,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray},
        datatypes::DataType,
    };
    use mlops_core::{Column, Lineage, Role, Table, TableSchema};

    use super::*;

    fn set(labels: ArrayRef) -> TrainingSet {
        let columns = [
            Column::event_time("at"),
            Column::value("x", DataType::Float64),
            Column::new("y", labels.data_type().clone(), Role::Label),
        ];
        let rows = labels.len();
        let times = TimestampMicrosecondArray::from(vec![0; rows]).with_timezone("UTC");
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(times),
            Arc::new(Float64Array::from(vec![0.0; rows])),
            labels,
        ];
        let table = Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap();
        TrainingSet::new(table, Lineage::default()).unwrap()
    }

    fn classes(names: &[&str]) -> Output {
        Output::Classes {
            names: names.iter().map(ToString::to_string).collect(),
        }
    }

    fn texts(labels: &[&str]) -> TrainingSet {
        set(Arc::new(StringArray::from(labels.to_vec())))
    }

    fn whole(labels: &[i64]) -> TrainingSet {
        set(Arc::new(Int64Array::from(labels.to_vec())))
    }

    #[test]
    fn labels_are_names_of_classes() {
        let labels = |truth| match truth {
            Truth::Classes { labels, .. } => labels,
            other => panic!("{other:?}"),
        };
        let levels = classes(&["low", "mid", "high"]);
        let named = Truth::of(&texts(&["high", "low"]), &levels).unwrap();
        assert_eq!(labels(named.take(&[1, 1, 0])), [0, 0, 2]);
        let numbers = Truth::of(&whole(&[3, 1]), &classes(&["1", "2", "3"])).unwrap();
        assert_eq!(labels(numbers), [2, 0]);
        let numbers = Truth::of(&whole(&[0, 1]), &classes(&["0", "1", "2"])).unwrap();
        assert_eq!(labels(numbers), [0, 1]);
        let error = Truth::of(&texts(&["low", "huge"]), &levels).unwrap_err();
        assert_eq!(
            error.to_string(),
            "label `huge` in row 1 is none of the model's classes"
        );
    }

    #[test]
    fn a_number_is_a_label_of_a_regression_and_not_of_two_classes() {
        let found = Truth::of(&whole(&[5, 0]), &Output::Number).unwrap();
        assert_eq!(found, Truth::Number(vec![5.0, 0.0]));
        let binary = Output::Probability {
            positive: "y".into(),
        };
        assert!(Truth::of(&whole(&[5, 0]), &binary).is_err());
        assert!(Truth::of(&texts(&["a", "b"]), &Output::Number).is_err());
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
