//! Tensors of the Open Inference Protocol in their JSON form, one value a row, or one list a row.
//!
//! The lists of a tensor `[rows, steps]` have one length, so rows of different lengths go in requests of their own.
//! Elements are held to the datatype that the client states: 300 is no UINT8, and an FP32 element is
//! rounded to 32 bits as its binary form would be. FP16 and BF16 have no JSON form.

use mlops_core::Value;
use mlops_model::InputKind;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{Limits, json};
use crate::{Error, Result};

/// An input tensor as it comes.
#[derive(Debug, Deserialize)]
pub(super) struct Tensor {
    pub(super) name: String,
    shape: Vec<i64>,
    datatype: String,
    #[serde(default)]
    data: Option<Json>,
    #[serde(default)]
    parameters: Option<Parameters>,
}

#[derive(Debug, Deserialize)]
struct Parameters {
    binary_data_size: Option<Json>,
}

impl Tensor {
    /// One value a row, for an input of some kind.
    pub(super) fn values(&self, kind: InputKind, limits: &Limits) -> Result<Vec<Value>> {
        let datatype = Datatype::parse(&self.datatype)
            .and_then(|datatype| datatype.feeds(kind).map(|()| datatype))
            .map_err(|reason| self.bad(reason))?;
        if let Some((kind, longest)) = kind.list() {
            return self.lists(datatype, kind, longest, limits);
        }
        let rows = self.rows(limits)?;
        self.elements(rows, 1)?
            .into_iter()
            .enumerate()
            .map(|(at, element)| self.value(datatype, kind, at, element))
            .collect()
    }

    /// One list a row, of numbers of some kind.
    fn lists(
        &self,
        datatype: Datatype,
        kind: InputKind,
        longest: usize,
        limits: &Limits,
    ) -> Result<Vec<Value>> {
        let [rows, steps] = self.shape.as_slice() else {
            return Err(self.bad(format!("shape {:?} is not [n, steps]", self.shape)));
        };
        let (rows, steps) = (self.dimension(*rows)?, self.dimension(*steps)?);
        limits.check_rows(rows)?;
        if !(1..=longest).contains(&steps) {
            let reason = format!("shape {:?} has other than 1 to {longest} steps", self.shape);
            return Err(self.bad(reason));
        }
        let mut values = self
            .elements(rows, steps)?
            .into_iter()
            .enumerate()
            .map(|(at, element)| self.value(datatype, kind, at, element));
        let mut lists = Vec::with_capacity(rows);
        for _ in 0..rows {
            let list: Result<Vec<Value>> = values.by_ref().take(steps).collect();
            lists.push(Value::List(list?));
        }
        Ok(lists)
    }

    fn value(
        &self,
        datatype: Datatype,
        kind: InputKind,
        at: usize,
        element: &Json,
    ) -> Result<Value> {
        let value = datatype.value(element, kind);
        value.map_err(|reason| self.bad(format!("element {at}: {reason}")))
    }

    /// The rows of a shape `[n]` or `[n, 1]`.
    fn rows(&self, limits: &Limits) -> Result<usize> {
        let rows = match self.shape.as_slice() {
            [rows] | [rows, 1] => *rows,
            _ => return Err(self.bad(format!("shape {:?} is not [n] or [n, 1]", self.shape))),
        };
        let rows = self.dimension(rows)?;
        limits.check_rows(rows)?;
        Ok(rows)
    }

    fn dimension(&self, size: i64) -> Result<usize> {
        usize::try_from(size)
            .map_err(|_| self.bad(format!("shape {:?} has a negative dimension", self.shape)))
    }

    /// The elements, from a flat list or from lists nested as the shape says.
    fn elements(&self, rows: usize, width: usize) -> Result<Vec<&Json>> {
        let binary = self
            .parameters
            .as_ref()
            .is_some_and(|p| p.binary_data_size.is_some());
        let list = match &self.data {
            None if binary => {
                return Err(Error::Unsupported {
                    what: "binary tensor data",
                });
            }
            None => return Err(self.bad("`data` is missing")),
            Some(Json::Array(list)) => list,
            Some(_) => return Err(self.bad("`data` is not a list")),
        };
        let nested = self.shape.len() == 2 && list.first().is_some_and(Json::is_array);
        // rows and steps are within their limits
        let needed = if nested { rows } else { rows * width };
        if list.len() != needed {
            let shape = &self.shape;
            return Err(self.bad(format!(
                "shape {shape:?} needs {needed} elements, `data` has {}",
                list.len()
            )));
        }
        let mut elements = Vec::with_capacity(list.len());
        for item in list {
            match item {
                Json::Array(inner) if nested && inner.len() == width => elements.extend(inner),
                Json::Array(_) => {
                    let reason = format!("`data` is not nested as shape {:?}", self.shape);
                    return Err(self.bad(reason));
                }
                _ if nested => return Err(self.bad("`data` mixes lists and elements")),
                item => elements.push(item),
            }
        }
        Ok(elements)
    }

    fn bad(&self, reason: impl Into<String>) -> Error {
        Error::BadInput {
            input: self.name.chars().take(128).collect(),
            reason: reason.into(),
        }
    }
}

/// The datatypes that have a JSON form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Datatype {
    Bool,
    /// A whole number between two bounds.
    Int(&'static str, i64, i64),
    Fp32,
    Fp64,
    Bytes,
}

impl Datatype {
    fn parse(name: &str) -> Result<Self, String> {
        Ok(match name {
            "BOOL" => Self::Bool,
            "INT8" => Self::Int("INT8", i8::MIN.into(), i8::MAX.into()),
            "INT16" => Self::Int("INT16", i16::MIN.into(), i16::MAX.into()),
            "INT32" => Self::Int("INT32", i32::MIN.into(), i32::MAX.into()),
            "INT64" => Self::Int("INT64", i64::MIN, i64::MAX),
            "UINT8" => Self::Int("UINT8", 0, u8::MAX.into()),
            "UINT16" => Self::Int("UINT16", 0, u16::MAX.into()),
            "UINT32" => Self::Int("UINT32", 0, u32::MAX.into()),
            "UINT64" => Self::Int("UINT64", 0, i64::MAX),
            "FP32" => Self::Fp32,
            "FP64" => Self::Fp64,
            "BYTES" => Self::Bytes,
            "FP16" | "BF16" => return Err(format!("{name} has no JSON form")),
            _ => {
                let name: String = name.chars().take(32).collect();
                return Err(format!("`{name}` is not a datatype"));
            }
        })
    }

    /// Checks that an input of some kind takes elements of this datatype.
    fn feeds(self, kind: InputKind) -> Result<(), String> {
        let kind = kind.list().map_or(kind, |(kind, _)| kind);
        let fits = match self {
            Self::Bool => kind == InputKind::Bool,
            Self::Int(..) => matches!(kind, InputKind::Int | InputKind::Float),
            Self::Fp32 | Self::Fp64 => kind == InputKind::Float,
            Self::Bytes => kind == InputKind::Str,
        };
        if fits {
            Ok(())
        } else {
            Err(format!(
                "the datatype does not fit, {} is expected",
                datatype_of(kind)
            ))
        }
    }

    fn value(self, element: &Json, kind: InputKind) -> Result<Value, String> {
        if element.is_null() {
            return Ok(Value::Null);
        }
        match self {
            Self::Bool => Ok(Value::Bool(json::boolean(element)?)),
            Self::Int(name, low, high) => {
                let value = json::integer(element)?;
                if !(low..=high).contains(&value) {
                    return Err(format!("{value} does not fit in {name}"));
                }
                Ok(if kind == InputKind::Float {
                    json::real(value)
                } else {
                    Value::Int(value)
                })
            }
            Self::Fp64 => Ok(Value::Float(
                json::number(element).ok_or("a number is expected")?,
            )),
            Self::Fp32 => {
                let value = json::number(element).ok_or("a number is expected")?;
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "rounded as the datatype asks"
                )]
                let single = value as f32;
                if single.is_infinite() && value.is_finite() {
                    return Err(format!("{value} does not fit in FP32"));
                }
                Ok(Value::Float(single.into()))
            }
            Self::Bytes => Ok(Value::Str(json::text(element)?.to_owned())),
        }
    }
}

/// The datatype in which the metadata states an input of some kind.
pub(super) fn datatype_of(kind: InputKind) -> &'static str {
    match kind {
        InputKind::Float | InputKind::Floats { .. } => "FP64",
        InputKind::Int | InputKind::Ints { .. } => "INT64",
        InputKind::Bool => "BOOL",
        InputKind::Str => "BYTES",
    }
}

/// The shape in which the metadata states an input of some kind.
pub(super) fn shape_of(kind: InputKind) -> &'static [i64] {
    match kind.list() {
        None => &[-1],
        Some(_) => &[-1, -1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(
        kind: InputKind,
        shape: &str,
        datatype: &str,
        data: &str,
    ) -> Result<Vec<Value>, String> {
        let text =
            format!(r#"{{"name":"x","shape":{shape},"datatype":"{datatype}","data":{data}}}"#);
        let tensor: Tensor = json::parse(text.as_bytes(), 100).unwrap();
        tensor
            .values(kind, &Limits::default().rows(5))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn elements_become_values_of_the_inputs_kind() {
        use InputKind::{Bool, Float, Int, Str};
        let cases = [
            (
                Float,
                "[2]",
                "FP64",
                "[0.5, null]",
                vec![Value::Float(0.5), Value::Null],
            ),
            (
                Float,
                "[1]",
                "FP32",
                "[0.1]",
                vec![Value::Float(0.1_f32.into())],
            ),
            (Float, "[1]", "INT32", "[-7]", vec![Value::Float(-7.0)]),
            (
                Int,
                "[2,1]",
                "INT64",
                "[[9007199254740993],[2.0]]",
                vec![Value::Int(9_007_199_254_740_993), Value::Int(2)],
            ),
            (
                Int,
                "[2, 1]",
                "UINT8",
                "[0, 255]",
                vec![Value::Int(0), Value::Int(255)],
            ),
            (
                Bool,
                "[3]",
                "BOOL",
                "[true, 0, 1]",
                vec![Value::Bool(true), Value::Bool(false), Value::Bool(true)],
            ),
            (
                Str,
                "[2]",
                "BYTES",
                r#"["Zürich", "\u0000"]"#,
                vec!["Zürich".into(), "\0".into()],
            ),
            (Float, "[0]", "FP64", "[]", vec![]),
        ];
        for (kind, shape, datatype, data, expected) in cases {
            assert_eq!(
                values(kind, shape, datatype, data),
                Ok(expected),
                "{datatype} {data}"
            );
        }
        let nan = values(Float, "[1]", "FP64", "[NaN]").unwrap();
        assert!(matches!(nan[0], Value::Float(v) if v.is_nan()));
    }

    #[test]
    fn lists_are_the_rows_of_a_tensor_of_two_dimensions() {
        let (floats, ints) = (
            InputKind::Floats { longest: 3 },
            InputKind::Ints { longest: 3 },
        );
        let list = |values: &[Value]| Value::List(values.to_vec());
        let (half, one) = (Value::Float(0.5), Value::Float(1.0));
        let expected = vec![
            list(&[half.clone(), Value::Null]),
            list(&[one.clone(), half]),
        ];
        for data in ["[0.5, null, 1, 0.5]", "[[0.5, null], [1, 0.5]]"] {
            let found = values(floats, "[2, 2]", "FP64", data);
            assert_eq!(found, Ok(expected.clone()), "{data}");
        }
        let whole = list(&[Value::Int(7), Value::Int(-1)]);
        assert_eq!(values(ints, "[1, 2]", "INT8", "[7, -1]"), Ok(vec![whole]));
        assert_eq!(
            values(floats, "[1, 1]", "INT32", "[[1]]"),
            Ok(vec![list(&[one])])
        );
        assert_eq!(values(floats, "[0, 2]", "FP64", "[]"), Ok(vec![]));
        for (kind, shape, datatype, data, expected) in [
            (
                floats,
                "[2]",
                "FP64",
                "[1, 2]",
                "shape [2] is not [n, steps]",
            ),
            (
                floats,
                "[1, 0]",
                "FP64",
                "[]",
                "has other than 1 to 3 steps",
            ),
            (
                floats,
                "[1, 4]",
                "FP64",
                "[1, 2, 3, 4]",
                "has other than 1 to 3 steps",
            ),
            (floats, "[1, -1]", "FP64", "[1]", "has a negative dimension"),
            (floats, "[6, 1]", "FP64", "[1]", "is limited to 5"),
            (
                floats,
                "[2, 2]",
                "FP64",
                "[1, 2, 3]",
                "needs 4 elements, `data` has 3",
            ),
            (
                floats,
                "[2, 2]",
                "FP64",
                "[[1, 2]]",
                "needs 2 elements, `data` has 1",
            ),
            (
                floats,
                "[2, 2]",
                "FP64",
                "[[1, 2], [3]]",
                "is not nested as shape [2, 2]",
            ),
            (
                floats,
                "[2, 2]",
                "FP64",
                "[[1, 2], 3]",
                "mixes lists and elements",
            ),
            (
                floats,
                "[1, 2]",
                "BYTES",
                "[\"a\", \"b\"]",
                "FP64 is expected",
            ),
            (ints, "[1, 2]", "FP64", "[1, 2]", "INT64 is expected"),
            (
                ints,
                "[1, 2]",
                "INT64",
                "[1, 1.5]",
                "element 1: a whole number",
            ),
            (
                floats,
                "[1, 2]",
                "FP64",
                "[1, true]",
                "element 1: a number is expected",
            ),
        ] {
            let error = values(kind, shape, datatype, data).unwrap_err();
            assert!(error.contains(expected), "{shape} {data}: {error}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        use InputKind::{Bool, Float, Int, Str};
        let cases = [
            (
                Int,
                "[1]",
                "UINT8",
                "[300]",
                "element 0: 300 does not fit in UINT8",
            ),
            (
                Int,
                "[2]",
                "INT8",
                "[0, -129]",
                "element 1: -129 does not fit in INT8",
            ),
            (
                Int,
                "[1]",
                "UINT64",
                "[18446744073709551615]",
                "does not fit in 64 signed bits",
            ),
            (Int, "[1]", "INT64", "[1.5]", "a whole number is expected"),
            (Int, "[1]", "INT64", "[NaN]", "a whole number is expected"),
            (Float, "[1]", "FP32", "[1e39]", "does not fit in FP32"),
            (Float, "[1]", "FP64", "[\"1\"]", "a number is expected"),
            (Float, "[1]", "FP16", "[1]", "FP16 has no JSON form"),
            (Float, "[1]", "FLOAT", "[1]", "`FLOAT` is not a datatype"),
            (
                Float,
                "[1]",
                "BYTES",
                "[\"1\"]",
                "the datatype does not fit, FP64 is expected",
            ),
            (
                Int,
                "[1]",
                "FP64",
                "[1]",
                "the datatype does not fit, INT64 is expected",
            ),
            (
                Bool,
                "[1]",
                "BOOL",
                "[\"true\"]",
                "true, false, 0 or 1 is expected",
            ),
            (Str, "[1]", "BYTES", "[NaN]", "a text is expected"),
            (Str, "[1]", "BYTES", "[1]", "a text is expected"),
            (
                Float,
                "[2]",
                "FP64",
                "[1]",
                "shape [2] needs 2 elements, `data` has 1",
            ),
            (Float, "[-1]", "FP64", "[1]", "has a negative dimension"),
            (Float, "[]", "FP64", "1", "shape [] is not [n] or [n, 1]"),
            (Float, "[1,2]", "FP64", "[1,2]", "is not [n] or [n, 1]"),
            (
                Float,
                "[9223372036854775807, 1]",
                "FP64",
                "[1]",
                "is limited to 5",
            ),
            (
                Float,
                "[2]",
                "FP64",
                "[[1],[2]]",
                "is not nested as shape [2]",
            ),
            (
                Float,
                "[2,1]",
                "FP64",
                "[[1,2],[]]",
                "is not nested as shape [2, 1]",
            ),
            (
                Float,
                "[2,1]",
                "FP64",
                "[[1],2]",
                "mixes lists and elements",
            ),
            (Float, "[1]", "FP64", "{}", "`data` is not a list"),
            (Float, "[1]", "FP64", "null", "`data` is missing"),
        ];
        for (kind, shape, datatype, data, expected) in cases {
            let error = values(kind, shape, datatype, data).unwrap_err();
            assert!(
                error.contains(expected),
                "{datatype} {shape} {data}: {error}"
            );
        }
    }
}
