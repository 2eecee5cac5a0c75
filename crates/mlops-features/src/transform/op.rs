//! The operations that give null for null: which kernel each one is.
//!
//! This is the only place that ties an operation to its kernel, for one row and for a column alike.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{
    kernel::{
        cast, hash, number, text,
        time::{self, Part, Unit},
    },
    kind::{Instant, Kind},
    lane::{Driver, Lane, Text},
};

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    Different,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Order {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "=" => Self::Equal,
            "!=" => Self::Different,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::Greater,
            ">=" => Self::AtLeast,
            _ => return None,
        })
    }
}

/// An operation on arguments of fixed kinds.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    AddInt,
    SubtractInt,
    MultiplyInt,
    Quotient,
    RemainderInt,
    NegateInt,
    AbsInt,
    SignInt,
    Add,
    Subtract,
    Multiply,
    Divide,
    DivideByInt,
    DivideIntByInt,
    DivideInt,
    Remainder,
    Negate,
    Abs,
    Sign,
    Sqrt,
    Ln,
    Log10,
    Exp,
    Pow,
    Floor,
    Ceil,
    Round,
    RoundTo,
    Clip,
    ClipInt,
    IsNan,
    Haversine,
    Not,
    Compare(Order, Kind),
    Min(Kind),
    Max(Kind),
    IntToFloat,
    BoolToFloat,
    TextToFloat,
    TryTextToFloat,
    FloatToInt,
    BoolToInt,
    TextToInt,
    TryFloatToInt,
    TryTextToInt,
    IntToBool,
    TextToBool,
    TextToTime,
    IntToText,
    FloatToText,
    BoolToText,
    TimeToText,
    Length,
    Lower,
    Upper,
    Trim,
    Concat,
    FromStart,
    Substring,
    Contains,
    StartsWith,
    EndsWith,
    Replace,
    SplitPart,
    SecondsBetween,
    DaysBetween,
    AddSeconds,
    AddDays,
    UnixSeconds,
    FromUnixSeconds,
    Part(Part, TimeZone),
    Truncate(Unit, TimeZone),
    OneOfInts(Arc<[i64]>),
    OneOfFloats(Arc<[f64]>),
    OneOfTexts(Arc<[String]>),
    OneOfTimes(Arc<[i64]>),
    BucketInt(Arc<[i64]>),
    Bucket(Arc<[f64]>),
    HashText(u32),
    HashInt(u32),
    HashBool(u32),
    HashTime(u32),
}

impl Op {
    /// Calls the kernel through the driver.
    #[expect(clippy::too_many_lines, reason = "one line an operation, and no logic")]
    pub(crate) fn drive<D: Driver>(&self, driver: D) -> D::Done {
        match self {
            Self::AddInt => driver.binary::<i64, i64, i64, _>(number::add_int),
            Self::SubtractInt => driver.binary::<i64, i64, i64, _>(number::subtract_int),
            Self::MultiplyInt => driver.binary::<i64, i64, i64, _>(number::multiply_int),
            Self::Quotient => driver.binary::<i64, i64, i64, _>(number::quotient),
            Self::RemainderInt => driver.binary::<i64, i64, i64, _>(number::remainder_int),
            Self::NegateInt => driver.unary::<i64, i64, _>(number::negate_int),
            Self::AbsInt => driver.unary::<i64, i64, _>(number::abs_int),
            Self::SignInt => driver.unary::<i64, i64, _>(number::sign_int),
            Self::Add => driver.binary::<f64, f64, f64, _>(number::add),
            Self::Subtract => driver.binary::<f64, f64, f64, _>(number::subtract),
            Self::Multiply => driver.binary::<f64, f64, f64, _>(number::multiply),
            Self::Divide => driver.binary::<f64, f64, f64, _>(number::divide),
            Self::DivideByInt => driver.binary::<f64, i64, f64, _>(number::divide_by_int),
            Self::DivideIntByInt => driver.binary::<i64, i64, f64, _>(number::divide_int_by_int),
            Self::DivideInt => driver.binary::<i64, f64, f64, _>(number::divide_int),
            Self::Remainder => driver.binary::<f64, f64, f64, _>(number::remainder),
            Self::Negate => driver.unary::<f64, f64, _>(number::negate),
            Self::Abs => driver.unary::<f64, f64, _>(f64::abs),
            Self::Sign => driver.unary::<f64, f64, _>(number::sign),
            Self::Sqrt => driver.unary::<f64, f64, _>(f64::sqrt),
            Self::Ln => driver.unary::<f64, f64, _>(f64::ln),
            Self::Log10 => driver.unary::<f64, f64, _>(f64::log10),
            Self::Exp => driver.unary::<f64, f64, _>(f64::exp),
            Self::Pow => driver.binary::<f64, f64, f64, _>(f64::powf),
            Self::Floor => driver.unary::<f64, f64, _>(f64::floor),
            Self::Ceil => driver.unary::<f64, f64, _>(f64::ceil),
            Self::Round => driver.unary::<f64, f64, _>(f64::round),
            Self::RoundTo => driver.binary::<f64, i64, f64, _>(number::round_to),
            Self::Clip => driver.ternary::<f64, f64, _>(number::clip),
            Self::ClipInt => driver.ternary::<i64, i64, _>(number::clip_int),
            Self::IsNan => driver.unary::<f64, bool, _>(f64::is_nan),
            Self::Haversine => driver.places(number::haversine),
            Self::Not => driver.unary::<bool, bool, _>(|value: bool| !value),
            Self::Compare(order, kind) => match kind {
                Kind::Bool => compare::<bool, D>(driver, *order),
                Kind::Int => compare::<i64, D>(driver, *order),
                Kind::Float => compare::<f64, D>(driver, *order),
                Kind::Time => compare::<Instant, D>(driver, *order),
                Kind::Text => compare::<Text, D>(driver, *order),
            },
            Self::Min(Kind::Float) => driver.binary::<f64, f64, f64, _>(number::min),
            Self::Max(Kind::Float) => driver.binary::<f64, f64, f64, _>(number::max),
            Self::Min(Kind::Time) => driver.binary::<Instant, Instant, Instant, _>(Ord::min),
            Self::Max(Kind::Time) => driver.binary::<Instant, Instant, Instant, _>(Ord::max),
            Self::Min(_) => driver.binary::<i64, i64, i64, _>(Ord::min),
            Self::Max(_) => driver.binary::<i64, i64, i64, _>(Ord::max),
            Self::IntToFloat => driver.unary::<i64, f64, _>(cast::int_to_float),
            Self::BoolToFloat => driver.unary::<bool, f64, _>(cast::bool_to_float),
            Self::TextToFloat => driver.unary::<Text, f64, _>(cast::text_to_float),
            Self::TryTextToFloat => driver
                .unary::<Text, f64, _>(|text: &str| cast::text_to_float(text).unwrap_or_default()),
            Self::FloatToInt => driver.unary::<f64, i64, _>(cast::float_to_int),
            Self::BoolToInt => driver.unary::<bool, i64, _>(cast::bool_to_int),
            Self::TextToInt => driver.unary::<Text, i64, _>(cast::text_to_int),
            Self::TryFloatToInt => driver
                .unary::<f64, i64, _>(|value: f64| cast::float_to_int(value).unwrap_or_default()),
            Self::TryTextToInt => driver
                .unary::<Text, i64, _>(|text: &str| cast::text_to_int(text).unwrap_or_default()),
            Self::IntToBool => driver.unary::<i64, bool, _>(cast::int_to_bool),
            Self::TextToBool => driver.unary::<Text, bool, _>(cast::text_to_bool),
            Self::TextToTime => driver.unary::<Text, Instant, _>(cast::text_to_time),
            Self::IntToText => driver.write::<i64>(cast::int_to_text),
            Self::FloatToText => driver.write::<f64>(cast::float_to_text),
            Self::BoolToText => driver.write::<bool>(cast::bool_to_text),
            Self::TimeToText => driver.write::<Instant>(cast::time_to_text),
            Self::Length => driver.unary::<Text, i64, _>(text::length),
            Self::Lower => driver.write::<Text>(text::lower),
            Self::Upper => driver.write::<Text>(text::upper),
            Self::Trim => driver.write::<Text>(text::trim),
            Self::Concat => driver.write2::<Text, Text>(text::concat),
            Self::FromStart => driver.write2::<Text, i64>(text::from_start),
            Self::Substring => driver.write3::<Text, i64, i64>(text::substring),
            Self::Contains => driver.binary::<Text, Text, bool, _>(text::contains),
            Self::StartsWith => driver.binary::<Text, Text, bool, _>(text::starts_with),
            Self::EndsWith => driver.binary::<Text, Text, bool, _>(text::ends_with),
            Self::Replace => driver.write3::<Text, Text, Text>(text::replace),
            Self::SplitPart => driver.write3::<Text, Text, i64>(text::split_part),
            Self::SecondsBetween => {
                driver.binary::<Instant, Instant, f64, _>(time::seconds_between)
            }
            Self::DaysBetween => driver.binary::<Instant, Instant, f64, _>(time::days_between),
            Self::AddSeconds => driver.binary::<Instant, i64, Instant, _>(time::add_seconds),
            Self::AddDays => driver.binary::<Instant, i64, Instant, _>(time::add_days),
            Self::UnixSeconds => driver.unary::<Instant, i64, _>(time::unix_seconds),
            Self::FromUnixSeconds => driver.unary::<i64, Instant, _>(time::from_unix_seconds),
            Self::Part(part, zone) => {
                driver.unary::<Instant, i64, _>(|at: Instant| time::part(zone, *part, at))
            }
            Self::Truncate(unit, zone) => {
                driver.unary::<Instant, Instant, _>(|at: Instant| time::truncate(zone, *unit, at))
            }
            Self::OneOfInts(list) => {
                driver.unary::<i64, bool, _>(|value: i64| list.binary_search(&value).is_ok())
            }
            Self::OneOfFloats(list) => {
                driver.unary::<f64, bool, _>(|value: f64| list.contains(&value))
            }
            Self::OneOfTexts(list) => {
                driver.unary::<Text, bool, _>(|value: &str| text::is_one_of(list, value))
            }
            Self::OneOfTimes(list) => {
                driver.unary::<Instant, bool, _>(|at: Instant| list.binary_search(&at.0).is_ok())
            }
            Self::BucketInt(edges) => {
                driver.unary::<i64, i64, _>(|value: i64| number::bucket_int(edges, value))
            }
            Self::Bucket(edges) => {
                driver.unary::<f64, i64, _>(|value: f64| number::bucket(edges, value))
            }
            Self::HashText(buckets) => {
                driver.unary::<Text, i64, _>(|value: &str| hash::bucket_of_text(*buckets, value))
            }
            Self::HashInt(buckets) => {
                driver.unary::<i64, i64, _>(|value: i64| hash::bucket_of_int(*buckets, value))
            }
            Self::HashBool(buckets) => {
                driver.unary::<bool, i64, _>(|value: bool| hash::bucket_of_bool(*buckets, value))
            }
            Self::HashTime(buckets) => {
                driver.unary::<Instant, i64, _>(|at: Instant| hash::bucket_of_int(*buckets, at.0))
            }
        }
    }
}

fn compare<L: Lane, D: Driver>(driver: D, order: Order) -> D::Done
where
    for<'a> L::Item<'a>: PartialOrd,
{
    match order {
        Order::Equal => driver.binary::<L, L, bool, _>(|a, b| a == b),
        Order::Different => driver.binary::<L, L, bool, _>(|a, b| a != b),
        Order::Less => driver.binary::<L, L, bool, _>(|a, b| a < b),
        Order::AtMost => driver.binary::<L, L, bool, _>(|a, b| a <= b),
        Order::Greater => driver.binary::<L, L, bool, _>(|a, b| a > b),
        Order::AtLeast => driver.binary::<L, L, bool, _>(|a, b| a >= b),
    }
}
