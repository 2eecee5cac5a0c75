//! A row of a request on its way to the model: what was given, in the signature's order.

use mlops_core::{EntityKey, KeyPart, Value};

use super::Session;
use crate::{Error, Result};

/// The values that a request gave for one row, as inputs of the model and as parts of the key.
#[derive(Debug, Clone)]
pub(crate) struct PartialRow {
    pub(super) inputs: Vec<Option<Value>>,
    pub(super) key: Vec<Option<Value>>,
}

impl PartialRow {
    pub(super) fn is_full(&self) -> bool {
        self.inputs.iter().all(Option::is_some)
    }
}

impl Session<'_> {
    /// A row to which nothing was given yet.
    pub(crate) fn empty_row(&self) -> PartialRow {
        PartialRow {
            inputs: vec![None; self.signature().inputs().len()],
            key: vec![None; self.key_columns().len()],
        }
    }

    /// Gives a row the value of an input or key column, or both if one name stands for both.
    pub(crate) fn give(&self, row: &mut PartialRow, name: &str, value: Value) -> Result<()> {
        let input = self.serving().column(name);
        let key = self
            .key_columns()
            .iter()
            .position(|column| column.name == name);
        let taken = match (input, key) {
            (None, None) => return Err(self.unknown(name)),
            (Some(at), None) => row.inputs[at].replace(value),
            (None, Some(at)) => row.key[at].replace(value),
            (Some(input), Some(at)) => {
                row.key[at] = Some(value.clone());
                row.inputs[input].replace(value)
            }
        };
        match taken {
            None => Ok(()),
            Some(_) => Err(bad(name, "it is given twice")),
        }
    }

    /// The error for a name that is neither an input nor a key column.
    pub(crate) fn unknown(&self, name: &str) -> Error {
        Error::UnknownInput {
            input: name.chars().take(128).collect(),
            accepted: self.accepted(),
        }
    }

    /// The error for a row that lacks inputs or parts of the key.
    pub(super) fn missing(&self, row: &PartialRow) -> Error {
        let inputs = self.signature().inputs().iter().map(|input| &input.name);
        let given_key = row.key.iter().any(Option::is_some);
        let names = |names: Vec<String>| names.join(", ");
        let missing: Vec<String> = if given_key && row.key.iter().any(Option::is_none) {
            let columns = self.key_columns().iter().zip(&row.key);
            columns
                .filter(|(_, v)| v.is_none())
                .map(|(c, _)| format!("`{}`", c.name))
                .collect()
        } else {
            inputs
                .zip(&row.inputs)
                .filter(|(_, v)| v.is_none())
                .map(|(n, _)| format!("`{n}`"))
                .collect()
        };
        Error::MissingInputs {
            missing: names(missing),
            accepted: self.accepted(),
        }
    }

    /// The entity key of a row, or `None` if the row names no entity.
    pub(super) fn key_of(&self, row: &PartialRow) -> Result<Option<EntityKey>> {
        if !self.has_lookup() {
            return Ok(None);
        }
        let given = row.key.iter().flatten().count();
        if given == 0 && !row.key.is_empty() {
            return Ok(None);
        }
        if given < row.key.len() {
            return Err(self.missing(row));
        }
        let parts = self.key_columns().iter().zip(row.key.iter().flatten());
        let parts = parts.map(|(column, value)| {
            key_part(value)
                .ok_or_else(|| bad(&column.name, "a key is a whole number, a text or a boolean"))
        });
        Ok(Some(EntityKey::new(parts.collect::<Result<Vec<_>>>()?)))
    }

    fn accepted(&self) -> String {
        let inputs = self.signature().inputs();
        let names: Vec<String> = inputs
            .iter()
            .map(|input| format!("`{}`", input.name))
            .collect();
        let mut text = names.join(", ");
        if self.has_lookup() && !self.key_columns().is_empty() {
            let key: Vec<String> = self
                .key_columns()
                .iter()
                .map(|column| format!("`{}`", column.name))
                .collect();
            text.push_str(", or the key ");
            text.push_str(&key.join(", "));
        }
        text
    }
}

/// A key column may be read as a real number if an input has the same name.
fn key_part(value: &Value) -> Option<KeyPart> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a whole number within 2^53"
        )]
        Value::Float(number) if number.fract() == 0.0 && number.abs() <= EXACT => {
            Some(KeyPart::Int(*number as i64))
        }
        value => KeyPart::from_value(value.clone()),
    }
}

pub(super) fn bad(input: &str, reason: impl Into<String>) -> Error {
    Error::BadInput {
        input: input.to_owned(),
        reason: reason.into(),
    }
}
