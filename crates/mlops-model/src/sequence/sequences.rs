//! Sequences of different lengths in one block.

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{DataType, Float64Type},
};

use crate::{Error, Result, limit};

/// Sequences of steps, each a vector of numbers; NaN is a number that is missing.
///
/// # Shapes
/// A sequence is `[steps, width]`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequences {
    values: Vec<f64>,
    /// The steps before each sequence, and those of all.
    starts: Vec<usize>,
    width: usize,
}

impl Sequences {
    /// No sequences yet, of steps of so many numbers.
    ///
    /// # Errors
    /// [`Error::InvalidModel`] for steps of no numbers, [`Error::TooLarge`] beyond [`limit::INPUTS`].
    pub fn new(width: usize) -> Result<Self> {
        limit::check("the number of a step's features", width, limit::INPUTS)?;
        if width == 0 {
            return Err(Error::model("sequence", "its steps have no features"));
        }
        Ok(Self {
            values: Vec::new(),
            starts: vec![0],
            width,
        })
    }

    /// Appends a sequence.
    ///
    /// # Errors
    /// [`Error::InvalidSequence`] without a step, with part of one, with more than [`limit::SEQUENCE_STEPS`] of them or with
    /// an infinite number.
    pub fn push(&mut self, steps: &[f64]) -> Result<()> {
        check(steps, self.width, limit::SEQUENCE_STEPS, self.len())?;
        self.values.extend_from_slice(steps);
        self.starts.push(self.values.len() / self.width);
        Ok(())
    }

    /// A sequence a row, from columns of lists; the lists of a row have one length, its steps. Numbers of any type are
    /// read, a null in a list is missing.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::InvalidSequence`] for a null list, lists of different lengths, and
    /// what [`Sequences::push`] refuses; [`Error::InvalidModel`] for a column of another type.
    pub fn from_lists(batch: &RecordBatch, features: &[&str]) -> Result<Self> {
        let mut sequences = Self::new(features.len())?;
        let mut columns = Vec::with_capacity(features.len());
        for name in features {
            let column = batch
                .column_by_name(name)
                .ok_or_else(|| Error::MissingColumn {
                    column: (*name).to_owned(),
                    row: None,
                    expected: features.join(", "),
                })?;
            let lists = column.as_list_opt::<i32>().ok_or_else(|| {
                let reason = format!("it holds {}, lists of numbers are read", column.data_type());
                Error::model(format!("column `{name}`"), reason)
            })?;
            let values =
                arrow::compute::cast(lists.values(), &DataType::Float64).map_err(|_| {
                    let reason = format!("its lists hold {}", lists.value_type());
                    Error::model(format!("column `{name}`"), reason)
                })?;
            columns.push((lists, values));
        }
        let mut steps = Vec::new();
        for row in 0..batch.num_rows() {
            let invalid = |reason: String| Error::InvalidSequence {
                sequence: row,
                reason,
            };
            steps.clear();
            let length = columns[0].0.value_length(row);
            for ((lists, _), name) in columns.iter().zip(features) {
                if lists.is_null(row) {
                    return Err(invalid(format!("the list of `{name}` is null")));
                }
                if lists.value_length(row) != length {
                    let reason = format!(
                        "`{name}` has {} steps, `{}` has {length}",
                        lists.value_length(row),
                        features[0]
                    );
                    return Err(invalid(reason));
                }
            }
            for step in 0..usize::try_from(length).unwrap_or(0) {
                steps.extend(columns.iter().map(|(lists, values)| {
                    let values = values.as_primitive::<Float64Type>();
                    let start = usize::try_from(lists.value_offsets()[row]).unwrap_or(0);
                    let at = start + step;
                    if values.is_null(at) {
                        f64::NAN
                    } else {
                        values.value(at)
                    }
                }));
            }
            sequences.push(&steps)?;
        }
        Ok(sequences)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of a step.
    pub fn width(&self) -> usize {
        self.width
    }

    /// One sequence, `[steps, width]`.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn get(&self, sequence: usize) -> &[f64] {
        let steps = self.starts[sequence]..self.starts[sequence + 1];
        &self.values[steps.start * self.width..steps.end * self.width]
    }

    /// All of them in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        (0..self.len()).map(|at| self.get(at))
    }
}

/// Checks the shape and the numbers of one sequence.
pub(super) fn check(steps: &[f64], width: usize, longest: usize, sequence: usize) -> Result<()> {
    let invalid = |reason: String| Err(Error::InvalidSequence { sequence, reason });
    if steps.is_empty() {
        return invalid("it has no step".to_owned());
    }
    if !steps.len().is_multiple_of(width) {
        return invalid(format!("{} numbers make no steps of {width}", steps.len()));
    }
    let count = steps.len() / width;
    if count > longest {
        return invalid(format!("it has {count} steps, at most {longest} are read"));
    }
    match steps.iter().position(|x| x.is_infinite()) {
        Some(at) => invalid(format!(
            "feature {} of step {} is {}",
            at % width,
            at / width,
            steps[at]
        )),
        None => Ok(()),
    }
}
