//! The fields of an answer, each taken by its type.

use serde_json::{Map, Value};

use crate::{Result, import::ImportError};

/// An object that a server answered.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    what: &'a str,
    fields: Option<&'a Map<String, Value>>,
}

impl<'a> Answer<'a> {
    /// An answer about something, which must be an object.
    pub(super) fn new(what: &'a str, value: &'a Value) -> Result<Self> {
        match value {
            Value::Object(fields) => Ok(Self {
                what,
                fields: Some(fields),
            }),
            other => Err(wrong(what, "answer", other, "an object")),
        }
    }

    fn field(&self, field: &str) -> &'a Value {
        self.fields
            .and_then(|fields| fields.get(field))
            .unwrap_or(&Value::Null)
    }

    /// An object; without fields if it is absent.
    pub(super) fn object(&self, field: &'static str) -> Result<Self> {
        let fields = match self.field(field) {
            Value::Null => None,
            Value::Object(fields) => Some(fields),
            other => return Err(wrong(self.what, field, other, "an object")),
        };
        Ok(Self {
            what: self.what,
            fields,
        })
    }

    /// A list of objects; empty if it is absent.
    pub(super) fn list(&self, field: &'static str) -> Result<Vec<Self>> {
        match self.field(field) {
            Value::Null => Ok(Vec::new()),
            Value::Array(values) => values
                .iter()
                .map(|value| match value {
                    Value::Object(fields) => Ok(Self {
                        what: self.what,
                        fields: Some(fields),
                    }),
                    other => Err(wrong(self.what, field, other, "a list of objects")),
                })
                .collect(),
            other => Err(wrong(self.what, field, other, "a list")),
        }
    }

    pub(super) fn maybe_text(&self, field: &'static str) -> Result<Option<&'a str>> {
        match self.field(field) {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            other => Err(wrong(self.what, field, other, "a text")),
        }
    }

    /// A text that is not empty.
    pub(super) fn filled(&self, field: &'static str) -> Result<Option<&'a str>> {
        Ok(self.maybe_text(field)?.filter(|text| !text.is_empty()))
    }

    pub(super) fn text(&self, field: &'static str) -> Result<&'a str> {
        match self.maybe_text(field)? {
            Some(text) => Ok(text),
            None => Err(wrong(self.what, field, &Value::Null, "a text")),
        }
    }

    /// A whole number, which protocol buffers may write as a text.
    pub(super) fn maybe_int(&self, field: &'static str) -> Result<Option<i64>> {
        let value = self.field(field);
        let number = match value {
            Value::Null => return Ok(None),
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(wrong(self.what, field, value, "a whole number")),
        }
    }

    pub(super) fn int(&self, field: &'static str) -> Result<i64> {
        match self.maybe_int(field)? {
            Some(number) => Ok(number),
            None => Err(wrong(self.what, field, &Value::Null, "a whole number")),
        }
    }

    pub(super) fn flag(&self, field: &'static str) -> Result<bool> {
        match self.field(field) {
            Value::Null => Ok(false),
            Value::Bool(flag) => Ok(*flag),
            other => Err(wrong(self.what, field, other, "true or false")),
        }
    }

    /// A number; what JSON cannot write comes as a text.
    pub(super) fn number(&self, field: &'static str) -> Result<f64> {
        let value = self.field(field);
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                _ => None,
            },
            // a field of protocol buffers that has its default is left out
            Value::Null => Some(0.0),
            _ => None,
        };
        number.ok_or_else(|| wrong(self.what, field, value, "a number"))
    }

    /// Lists of keys and values; a value that is missing is empty.
    pub(super) fn pairs(&self, field: &'static str) -> Result<Vec<(&'a str, &'a str)>> {
        self.list(field)?
            .iter()
            .map(|pair| {
                Ok((
                    pair.text("key")?,
                    pair.maybe_text("value")?.unwrap_or_default(),
                ))
            })
            .collect()
    }
}

fn wrong(what: &str, field: &'static str, found: &Value, expected: &'static str) -> crate::Error {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    ImportError::Answer {
        what: what.to_owned(),
        field,
        found,
        expected,
    }
    .into()
}
