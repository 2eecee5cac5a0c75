//! Real numbers in JSON that may be NaN or infinite: finite ones are numbers, the others the texts
//! `"NaN"`, `"Infinity"` and `"-Infinity"`, as tracking clients write them.
//!
//! Plain serde_json would write `null` for all three, and the evidence of a promotion would no
//! longer say why it was refused.

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Number {
    Finite(f64),
    Word(String),
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        if value.is_finite() {
            Self::Finite(value)
        } else if value.is_nan() {
            Self::Word("NaN".into())
        } else if value > 0.0 {
            Self::Word("Infinity".into())
        } else {
            Self::Word("-Infinity".into())
        }
    }
}

impl Number {
    fn value<E: serde::de::Error>(self) -> Result<f64, E> {
        match self {
            Self::Finite(value) => Ok(value),
            Self::Word(word) => match word.as_str() {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                other => Err(E::custom(format_args!("`{other}` is not a number"))),
            },
        }
    }
}

/// For a plain number.
pub(crate) mod plain {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Number;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands over a reference"
    )]
    pub(crate) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        Number::from(*value).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Number::deserialize(from)?.value()
    }
}

/// For a number that may be missing.
pub(crate) mod optional {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Number;

    #[expect(clippy::ref_option, reason = "serde hands over a reference")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
        value.map(Number::from).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
        Option::<Number>::deserialize(from)?
            .map(Number::value)
            .transpose()
    }
}

/// For numbers by name.
pub(crate) mod map {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::Number;

    pub(crate) fn serialize<S: Serializer>(
        values: &BTreeMap<String, f64>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_map(
            values
                .iter()
                .map(|(key, value)| (key, Number::from(*value))),
        )
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<String, f64>, D::Error> {
        BTreeMap::<String, Number>::deserialize(from)?
            .into_iter()
            .map(|(key, value)| Ok((key, value.value()?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Numbers(#[serde(with = "map")] BTreeMap<String, f64>);

    #[test]
    fn what_json_lacks_is_a_word() {
        let numbers = Numbers(BTreeMap::from([
            ("a".into(), 0.1),
            ("b".into(), f64::NAN),
            ("c".into(), f64::INFINITY),
            ("d".into(), f64::NEG_INFINITY),
        ]));
        let json = serde_json::to_string(&numbers).unwrap();
        assert_eq!(
            json,
            r#"{"a":0.1,"b":"NaN","c":"Infinity","d":"-Infinity"}"#
        );
        let back: Numbers = serde_json::from_str(&json).unwrap();
        assert!(back.0["b"].is_nan());
        assert_eq!(
            (back.0["a"], back.0["c"], back.0["d"]),
            (0.1, f64::INFINITY, f64::NEG_INFINITY)
        );
        assert!(serde_json::from_str::<Numbers>(r#"{"a":"one"}"#).is_err());
    }
}
