//! The functions of expressions: names, signatures, and the closest name to a misspelt one.

use super::{
    kernel::time::Part,
    kind::Kind::{self, Bool, Float, Int, Text, Time},
    op::Op,
};

/// One signature of a function that gives null for null.
pub(crate) struct Overload {
    pub(crate) name: &'static str,
    pub(crate) takes: &'static [Kind],
    pub(crate) gives: Kind,
    pub(crate) op: Op,
}

const fn of(name: &'static str, takes: &'static [Kind], gives: Kind, op: Op) -> Overload {
    Overload {
        name,
        takes,
        gives,
        op,
    }
}

/// Every signature that needs no more than the types of its arguments.
pub(crate) const OVERLOADS: &[Overload] = &[
    of("+", &[Int, Int], Int, Op::AddInt),
    of("+", &[Float, Float], Float, Op::Add),
    of("-", &[Int, Int], Int, Op::SubtractInt),
    of("-", &[Float, Float], Float, Op::Subtract),
    of("*", &[Int, Int], Int, Op::MultiplyInt),
    of("*", &[Float, Float], Float, Op::Multiply),
    of("/", &[Int, Int], Float, Op::DivideIntByInt),
    of("/", &[Float, Float], Float, Op::Divide),
    of("/", &[Float, Int], Float, Op::DivideByInt),
    of("/", &[Int, Float], Float, Op::DivideInt),
    of("%", &[Int, Int], Int, Op::RemainderInt),
    of("%", &[Float, Float], Float, Op::Remainder),
    of("div", &[Int, Int], Int, Op::Quotient),
    of("neg", &[Int], Int, Op::NegateInt),
    of("neg", &[Float], Float, Op::Negate),
    of("not", &[Bool], Bool, Op::Not),
    of("abs", &[Int], Int, Op::AbsInt),
    of("abs", &[Float], Float, Op::Abs),
    of("sign", &[Int], Int, Op::SignInt),
    of("sign", &[Float], Float, Op::Sign),
    of("sqrt", &[Float], Float, Op::Sqrt),
    of("ln", &[Float], Float, Op::Ln),
    of("log10", &[Float], Float, Op::Log10),
    of("exp", &[Float], Float, Op::Exp),
    of("pow", &[Float, Float], Float, Op::Pow),
    of("floor", &[Float], Float, Op::Floor),
    of("ceil", &[Float], Float, Op::Ceil),
    of("round", &[Float], Float, Op::Round),
    of("round", &[Float, Int], Float, Op::RoundTo),
    of("clip", &[Int, Int, Int], Int, Op::ClipInt),
    of("clip", &[Float, Float, Float], Float, Op::Clip),
    of("is_nan", &[Float], Bool, Op::IsNan),
    of(
        "haversine",
        &[Float, Float, Float, Float],
        Float,
        Op::Haversine,
    ),
    of("float", &[Int], Float, Op::IntToFloat),
    of("float", &[Bool], Float, Op::BoolToFloat),
    of("float", &[Text], Float, Op::TextToFloat),
    of("try_float", &[Text], Float, Op::TryTextToFloat),
    of("int", &[Float], Int, Op::FloatToInt),
    of("int", &[Bool], Int, Op::BoolToInt),
    of("int", &[Text], Int, Op::TextToInt),
    of("try_int", &[Float], Int, Op::TryFloatToInt),
    of("try_int", &[Text], Int, Op::TryTextToInt),
    of("bool", &[Int], Bool, Op::IntToBool),
    of("bool", &[Text], Bool, Op::TextToBool),
    of("time", &[Text], Time, Op::TextToTime),
    of("text", &[Int], Text, Op::IntToText),
    of("text", &[Float], Text, Op::FloatToText),
    of("text", &[Bool], Text, Op::BoolToText),
    of("text", &[Time], Text, Op::TimeToText),
    of("length", &[Text], Int, Op::Length),
    of("lower", &[Text], Text, Op::Lower),
    of("upper", &[Text], Text, Op::Upper),
    of("trim", &[Text], Text, Op::Trim),
    of("substring", &[Text, Int], Text, Op::FromStart),
    of("substring", &[Text, Int, Int], Text, Op::Substring),
    of("contains", &[Text, Text], Bool, Op::Contains),
    of("starts_with", &[Text, Text], Bool, Op::StartsWith),
    of("ends_with", &[Text, Text], Bool, Op::EndsWith),
    of("replace", &[Text, Text, Text], Text, Op::Replace),
    of("split_part", &[Text, Text, Int], Text, Op::SplitPart),
    of("seconds_between", &[Time, Time], Float, Op::SecondsBetween),
    of("days_between", &[Time, Time], Float, Op::DaysBetween),
    of("add_seconds", &[Time, Int], Time, Op::AddSeconds),
    of("add_days", &[Time, Int], Time, Op::AddDays),
    of("unix_seconds", &[Time], Int, Op::UnixSeconds),
    of("from_unix_seconds", &[Int], Time, Op::FromUnixSeconds),
];

/// The names that are checked in their own way.
const OTHERS: &[&str] = &[
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "and",
    "or",
    "in",
    "if",
    "at",
    "is_null",
    "coalesce",
    "fill_null",
    "nullif",
    "min",
    "max",
    "concat",
    "ratio",
    "bucketize",
    "hash_bucket",
    "truncate",
];

/// Functions of an instant and, if it is not UTC, a zone.
pub(crate) const PARTS: [(&str, Part); 10] = [
    ("year", Part::Year),
    ("quarter", Part::Quarter),
    ("month", Part::Month),
    ("week", Part::Week),
    ("day", Part::Day),
    ("day_of_year", Part::DayOfYear),
    ("weekday", Part::Weekday),
    ("hour", Part::Hour),
    ("minute", Part::Minute),
    ("second", Part::Second),
];

/// Every name that an expression can use.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let overloads = OVERLOADS.iter().map(|overload| overload.name);
    let parts = PARTS.iter().map(|(name, _)| *name);
    overloads.chain(OTHERS.iter().copied()).chain(parts)
}

/// The signatures of a name.
pub(crate) fn overloads(name: &str) -> impl Iterator<Item = &'static Overload> {
    OVERLOADS
        .iter()
        .filter(move |overload| overload.name == name)
}

/// The known name that is the closest to a misspelt one, if any is close.
pub(crate) fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = name.chars().count() / 3 + 1;
    let distances = known
        .into_iter()
        .filter(|known| known.len() > 2 && known.len().abs_diff(name.len()) <= 4 * most)
        .map(|known| (distance(name, known), known));
    let best = distances.min_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(b.1)));
    best.filter(|(distance, _)| *distance <= most)
        .map(|(_, known)| known)
}

/// The edits from one text to the other, of the first 128 characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(128).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(128).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_its_neighbour() {
        for (written, meant) in [
            ("coalesc", Some("coalesce")),
            ("heversine", Some("haversine")),
            ("is_nul", Some("is_null")),
            ("lenght", Some("length")),
            ("launch_rocket", None),
        ] {
            assert_eq!(closest(written, names()), meant, "{written}");
        }
    }
}
