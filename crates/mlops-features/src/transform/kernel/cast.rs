//! Explicit conversions; each is exact or says that it cannot be.

use std::fmt::Write;

use mlops_core::EventTime;

use super::text::Written;
use crate::transform::{
    fault::Fault,
    kind::{Instant, canonical},
};

/// 2^63, the first real number past the whole ones.
const END: f64 = 9_223_372_036_854_775_808.0;

/// The nearest real number; past 2^53 not every whole number has one of its own.
pub(crate) fn int_to_float(value: i64) -> f64 {
    value as f64
}

/// A real number that is whole.
pub(crate) fn float_to_int(value: f64) -> Result<Option<i64>, Fault> {
    if value.trunc() == value && (-END..END).contains(&value) {
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
        return Ok(Some(value as i64));
    }
    Err(Fault::cast(format_args!("{value:?}"), "Int64"))
}

pub(crate) fn bool_to_int(value: bool) -> i64 {
    i64::from(value)
}

pub(crate) fn bool_to_float(value: bool) -> f64 {
    f64::from(value)
}

pub(crate) fn int_to_bool(value: i64) -> Result<Option<bool>, Fault> {
    match value {
        0 => Ok(Some(false)),
        1 => Ok(Some(true)),
        _ => Err(Fault::cast(value, "Boolean")),
    }
}

pub(crate) fn text_to_int(text: &str) -> Result<Option<i64>, Fault> {
    text.parse()
        .map(Some)
        .map_err(|_| Fault::cast(text, "Int64"))
}

pub(crate) fn text_to_float(text: &str) -> Result<Option<f64>, Fault> {
    text.parse()
        .map(Some)
        .map_err(|_| Fault::cast(text, "Float64"))
}

pub(crate) fn text_to_bool(text: &str) -> Result<Option<bool>, Fault> {
    text.parse()
        .map(Some)
        .map_err(|_| Fault::cast(text, "Boolean"))
}

pub(crate) fn text_to_time(text: &str) -> Result<Option<Instant>, Fault> {
    EventTime::parse(text)
        .map(|time| Some(Instant(time.micros())))
        .map_err(|_| Fault::cast(text, "Timestamp"))
}

pub(crate) fn int_to_text(value: i64, out: &mut String) -> Written {
    written(write!(out, "{value}"))
}

/// The shortest digits that read back as the same number.
pub(crate) fn float_to_text(value: f64, out: &mut String) -> Written {
    written(write!(out, "{:?}", canonical(value)))
}

pub(crate) fn bool_to_text(value: bool, out: &mut String) -> Written {
    written(write!(out, "{value}"))
}

pub(crate) fn time_to_text(Instant(value): Instant, out: &mut String) -> Written {
    written(write!(out, "{}", EventTime::from_micros(value)))
}

fn written(result: std::fmt::Result) -> Written {
    // a string takes any text, so this never happens
    result.map(Some).map_err(|_| Fault::TextTooLong)
}
