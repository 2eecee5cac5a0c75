//! What a model reads and what it answers, checked where values come in.
//!
//! A [`Signature`] names the inputs in order, with their kind and whether they may be null. Values
//! come as a map (a request), as a row in the signature's order, or as an Arrow batch whose columns
//! are found by name; all three are held to the same rules:
//!
//! - every input is given and nothing else is;
//! - a whole number is welcome where a real one is read, as long as it is exact (up to 2^53);
//!   no other kind stands in for another;
//! - null is allowed where the input is nullable; NaN counts as null, infinity is refused;
//! - a list is neither null nor empty nor longer than its input says, and its numbers are held to the rules above.

use std::collections::BTreeMap;

use arrow::{array::RecordBatch, datatypes::Schema};
use mlops_core::Value;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Input, InputKind, Result,
    cell::Cells,
    input::{check_cell, check_value},
    limit,
};

/// What a model answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Output {
    /// The probability of the positive class, in 0..=1.
    Probability {
        /// What it is the probability of, for instance `churned`.
        positive: String,
    },
    /// A number.
    Number,
    /// Two or more numbers.
    Numbers {
        /// The numbers' names, in the order of the answer.
        #[serde(deserialize_with = "limit::list::<{ limit::OUTPUTS }, _, _>")]
        names: Vec<String>,
    },
    /// The probabilities of two or more classes; they sum to 1.
    Classes {
        /// The classes' names, in the order of the answer.
        #[serde(deserialize_with = "limit::list::<{ limit::OUTPUTS }, _, _>")]
        names: Vec<String>,
    },
}

impl Output {
    /// The number of numbers in an answer.
    pub fn width(&self) -> usize {
        match self {
            Self::Probability { .. } | Self::Number => 1,
            Self::Numbers { names } | Self::Classes { names } => names.len(),
        }
    }
}

/// The inputs of a model in order, and its output. Names are unique.
///
/// ```
/// use mlops_model::{Input, InputKind, Output, Signature};
/// use mlops_core::Value;
///
/// let signature = Signature::new(
///     [Input::new("amount_sum_30d", InputKind::Float).nullable(), Input::new("country", InputKind::Str)],
///     Output::Probability { positive: "churned".into() },
/// )?;
/// let row = signature.row([("country", Value::from("UK")), ("amount_sum_30d", Value::from(12))])?;
/// assert_eq!(row, [Value::Int(12), Value::Str("UK".into())]);
///
/// let error = signature.row([("country", Value::Null), ("amount_sum_30d", Value::Null)]).unwrap_err();
/// assert_eq!(error.to_string(), "column `country` is null, and the input is not nullable");
/// # Ok::<(), mlops_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Wire")]
pub struct Signature {
    inputs: Vec<Input>,
    output: Output,
    /// Positions of the inputs, sorted by name.
    #[serde(skip)]
    by_name: Vec<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(deserialize_with = "limit::list::<{ limit::INPUTS }, _, _>")]
    inputs: Vec<Input>,
    output: Output,
}

impl TryFrom<Wire> for Signature {
    type Error = Error;
    fn try_from(wire: Wire) -> Result<Self> {
        Self::new(wire.inputs, wire.output)
    }
}

impl Signature {
    /// Checks names and takes inputs and output.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`] if a name is empty, too long, has control characters or is taken
    /// twice, if there are fewer than two classes, or if lists may have no number; [`Error::TooLarge`] if there
    /// are too many inputs or classes or lists may be too long.
    pub fn new(inputs: impl IntoIterator<Item = Input>, output: Output) -> Result<Self> {
        let inputs: Vec<Input> = inputs.into_iter().collect();
        limit::check("the number of inputs", inputs.len(), limit::INPUTS)?;
        for input in &inputs {
            check_name("input", &input.name)?;
            if let Some((_, longest)) = input.kind.list() {
                limit::check("the length of a list", longest, limit::SEQUENCE_STEPS)?;
                if longest == 0 {
                    return Err(Error::InvalidSignature {
                        reason: format!("the lists of input `{}` may have no number", input.name),
                    });
                }
            }
        }
        match &output {
            Output::Probability { positive } => check_name("positive class", positive)?,
            Output::Number => {}
            Output::Numbers { names } => check_outputs(["number", "numbers"], names)?,
            Output::Classes { names } => check_outputs(["class", "classes"], names)?,
        }
        let mut by_name: Vec<usize> = (0..inputs.len()).collect();
        by_name.sort_unstable_by_key(|at| &inputs[*at].name);
        let twice = by_name
            .windows(2)
            .find(|w| inputs[w[0]].name == inputs[w[1]].name);
        if let Some(twice) = twice {
            return Err(Error::InvalidSignature {
                reason: format!("input `{}` is named twice", inputs[twice[0]].name),
            });
        }
        Ok(Self {
            inputs,
            output,
            by_name,
        })
    }

    /// The signature that reads all columns of an Arrow schema, nullable where they are.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`] for a column of a type that no model reads, and those of
    /// [`Signature::new`].
    pub fn from_schema(schema: &Schema, output: Output) -> Result<Self> {
        let inputs = schema.fields().iter().map(|field| {
            let kind = InputKind::of(field.data_type()).ok_or_else(|| Error::InvalidSignature {
                reason: format!(
                    "column `{}` holds {}, which no model reads",
                    field.name(),
                    field.data_type()
                ),
            })?;
            Ok(Input {
                name: field.name().clone(),
                kind,
                nullable: field.is_nullable(),
            })
        });
        Self::new(inputs.collect::<Result<Vec<_>>>()?, output)
    }

    /// The inputs in order.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// What is answered.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// The position of an input, if there is one of that name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.by_name
            .binary_search_by(|at| self.inputs[*at].name.as_str().cmp(name))
            .ok()
            .map(|found| self.by_name[found])
    }

    /// Puts named values into the signature's order and checks them.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::UnknownColumn`] or [`Error::DuplicateColumn`] if the names
    /// are not the inputs', and those of [`Signature::check_row`].
    pub fn row<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Result<Vec<Value>> {
        let mut row: Vec<Option<Value>> = vec![None; self.inputs.len()];
        for (name, value) in values {
            let Some(at) = self.index_of(name) else {
                return Err(Error::UnknownColumn {
                    column: shorten(name),
                    row: None,
                    expected: self.listed(),
                });
            };
            if row[at].replace(value).is_some() {
                return Err(Error::DuplicateColumn {
                    column: name.to_owned(),
                    row: None,
                });
            }
        }
        let values = row.into_iter().zip(&self.inputs).map(|(value, input)| {
            value.ok_or_else(|| Error::MissingColumn {
                column: input.name.clone(),
                row: None,
                expected: self.listed(),
            })
        });
        let values: Vec<Value> = values.collect::<Result<_>>()?;
        self.check_row(&values)?;
        Ok(values)
    }

    /// [`Signature::row`] of a map.
    ///
    /// # Errors
    /// Those of [`Signature::row`].
    pub fn row_from_map(&self, values: &BTreeMap<String, Value>) -> Result<Vec<Value>> {
        self.row(
            values
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone())),
        )
    }

    /// Checks a row in the signature's order.
    ///
    /// # Errors
    /// [`Error::WrongWidth`] if its length differs; [`Error::WrongType`], [`Error::NullInput`],
    /// [`Error::NotFinite`], [`Error::Inexact`] or [`Error::InvalidList`] for the first value that does not fit.
    pub fn check_row(&self, row: &[Value]) -> Result<()> {
        if row.len() != self.inputs.len() {
            return Err(Error::WrongWidth {
                row: None,
                expected: self.inputs.len(),
                found: row.len(),
            });
        }
        for (input, value) in self.inputs.iter().zip(row) {
            check_value(input, value)?;
        }
        Ok(())
    }

    /// Checks a batch whose columns are found by name, in any order.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::UnknownColumn`], [`Error::DuplicateColumn`] or
    /// [`Error::WrongType`] for the columns, and those of [`Signature::check_row`] with the row.
    pub fn check_batch(&self, batch: &RecordBatch) -> Result<()> {
        self.bind(batch).map(|_| ())
    }

    /// Finds the columns of a batch and checks every value in them.
    pub(crate) fn bind(&self, batch: &RecordBatch) -> Result<Vec<Cells>> {
        let schema = batch.schema();
        let mut found: Vec<Option<usize>> = vec![None; self.inputs.len()];
        for (position, field) in schema.fields().iter().enumerate() {
            let Some(at) = self.index_of(field.name()) else {
                return Err(Error::UnknownColumn {
                    column: shorten(field.name()),
                    row: None,
                    expected: self.listed(),
                });
            };
            if found[at].replace(position).is_some() {
                return Err(Error::DuplicateColumn {
                    column: field.name().clone(),
                    row: None,
                });
            }
        }
        let columns = found
            .into_iter()
            .zip(&self.inputs)
            .map(|(position, input)| {
                let position = position.ok_or_else(|| Error::MissingColumn {
                    column: input.name.clone(),
                    row: None,
                    expected: self.listed(),
                })?;
                let cells = Cells::bind(input, batch.column(position))?;
                // of a plain column no value is refused; of another the first one is named
                if !cells.is_plain() {
                    for row in 0..batch.num_rows() {
                        check_cell(input, cells.get(row)).map_err(|e| e.in_row(row))?;
                    }
                }
                Ok(cells)
            });
        columns.collect()
    }

    fn listed(&self) -> String {
        const SHOWN: usize = 32;
        let names = self
            .inputs
            .iter()
            .take(SHOWN)
            .map(|i| format!("`{}`", i.name));
        let mut text = names.collect::<Vec<_>>().join(", ");
        if text.is_empty() {
            text.push_str("no column");
        }
        if self.inputs.len() > SHOWN {
            let more = self.inputs.len() - SHOWN;
            text = format!("{text} and {more} more");
        }
        text
    }
}

/// Checks the names of several outputs, given what one is called and what several are.
fn check_outputs([one, several]: [&str; 2], names: &[String]) -> Result<()> {
    limit::check(
        format!("the number of {several}"),
        names.len(),
        limit::OUTPUTS,
    )?;
    let invalid = |reason: String| Err(Error::InvalidSignature { reason });
    if names.len() < 2 {
        return invalid(format!("{} {several} cannot be told apart", names.len()));
    }
    for name in names {
        check_name(one, name)?;
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => invalid(format!("{one} `{}` is named twice", twice[0])),
        None => Ok(()),
    }
}

fn check_name(what: &str, name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "is empty"
    } else if name.len() > limit::NAME_BYTES {
        "is longer than 512 bytes"
    } else if name.chars().any(char::is_control) {
        "has control characters"
    } else {
        return Ok(());
    };
    Err(Error::InvalidSignature {
        reason: format!("the name `{}` of the {what} {reason}", shorten(name)),
    })
}

/// A name as a message shows it.
pub(crate) fn shorten(name: &str) -> String {
    name.chars().take(128).collect()
}
