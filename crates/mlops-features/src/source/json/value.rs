//! One JSON value into a typed column, or the reason why not.

use super::super::{
    Parse,
    columns::{ColumnBuilder, NullTokens, Stop},
    rejection::{Fault, RejectionKind},
    schema::Reading,
};

/// What stands at the place of a column in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Found<'a> {
    /// The key is not there.
    #[default]
    Absent,
    Null,
    Bool(bool),
    /// A number as it is written.
    Number(&'a str),
    /// A text without quotes and escapes.
    Text(&'a str),
    /// An array or an object as it is written.
    Nested(&'a str),
    /// No object, where the object should be that has the key.
    Blocked(&'a str),
}

impl Found<'_> {
    /// The value for the list of rejected rows.
    pub(super) fn shown(self) -> String {
        match self {
            Self::Absent | Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Number(text) | Self::Text(text) | Self::Nested(text) | Self::Blocked(text) => {
                text.chars().take(100).collect()
            }
        }
    }
}

/// Adds a value to its column. Texts are read as a CSV file's are.
pub(super) fn push(
    column: &mut ColumnBuilder<'_>,
    found: Found<'_>,
    null_tokens: &NullTokens,
) -> Result<(), Stop> {
    let reading = &column.spec().reading;
    match (found, reading) {
        (Found::Absent | Found::Null, _) => return Ok(column.push_missing()?),
        (Found::Text(text), _) => return column.push(text.as_bytes(), null_tokens),
        (Found::Number(_), Reading::Plain(Parse::Int | Parse::Float | Parse::Bool))
        | (Found::Bool(_), Reading::Plain(Parse::Bool)) => {}
        // identifiers are often numbers; a fraction has no one form as a text
        (Found::Number(text), Reading::Plain(Parse::Str | Parse::Trimmed)) if is_whole(text) => {}
        (Found::Number(_), Reading::Time(format)) if format.reads_numbers() => {}
        (Found::Number(_), Reading::Time(_)) => {
            let reason = "a number, and no unit is stated";
            return Err(Fault::new(RejectionKind::NotTime, reason).into());
        }
        (found, _) => return Err(wrong_type(found, reading).into()),
    }
    let text = match found {
        Found::Number(text) => text,
        Found::Bool(true) => "true",
        _ => "false",
    };
    // what stands without quotes is a value, whatever it spells
    column.push(text.as_bytes(), &NullTokens::default())
}

fn is_whole(number: &str) -> bool {
    number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-')
}

fn wrong_type(found: Found<'_>, reading: &Reading) -> Fault {
    let found = match found {
        Found::Bool(_) => "a boolean",
        Found::Number(_) => "a number with a fraction or an exponent",
        Found::Nested(text) if text.starts_with('[') => "an array",
        Found::Blocked(_) => {
            let reason = "an object is expected there, which would have the key";
            return Fault::new(RejectionKind::WrongType, reason);
        }
        _ => "an object",
    };
    let reason = format!("it is {found}, which cannot become {}", reading.wanted());
    Fault::new(RejectionKind::WrongType, reason)
}
