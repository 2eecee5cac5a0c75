//! The messages of `onnx.proto` that a model file is made of, with the fields that are written or read.
//!
//! Numbers are kept as optional even where they are always there: a reader tells an attribute of 0 from
//! none by whether it was written.
//!
//! # Reference
//! `onnx/onnx.proto` of ONNX 1.16, IR version 10.

use prost::Message;

#[cfg(feature = "onnx-import")]
pub(super) const FLOAT: i32 = 1;
#[cfg(feature = "onnx-import")]
pub(super) const INT32: i32 = 6;
pub(super) const DOUBLE: i32 = 11;
pub(super) const INT64: i32 = 7;
pub(super) const BOOL: i32 = 9;
pub(super) const STRING: i32 = 8;
pub(super) const UINT8: i32 = 2;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Model {
    #[prost(int64, optional, tag = "1")]
    pub(super) ir_version: Option<i64>,
    #[prost(string, tag = "2")]
    pub(super) producer_name: String,
    #[prost(message, optional, tag = "7")]
    pub(super) graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    pub(super) opset_import: Vec<OperatorSet>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OperatorSet {
    #[prost(string, optional, tag = "1")]
    pub(super) domain: Option<String>,
    #[prost(int64, optional, tag = "2")]
    pub(super) version: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<Node>,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    pub(super) input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub(super) output: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Node {
    #[prost(string, repeated, tag = "1")]
    pub(super) input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(super) output: Vec<String>,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) attribute: Vec<Attribute>,
    #[prost(string, tag = "7")]
    pub(super) domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Attribute {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(float, optional, tag = "2")]
    pub(super) f: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    pub(super) i: Option<i64>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub(super) s: Option<Vec<u8>>,
    #[prost(message, optional, tag = "5")]
    pub(super) t: Option<Tensor>,
    /// A graph, as its bytes: whoever reads a model decodes none within another.
    #[prost(bytes = "vec", optional, tag = "6")]
    pub(super) g: Option<Vec<u8>>,
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub(super) floats: Vec<f32>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub(super) ints: Vec<i64>,
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub(super) strings: Vec<Vec<u8>>,
    /// 2 a number, 4 a tensor, 5 a graph, 7 a list of numbers.
    #[prost(int32, optional, tag = "20")]
    pub(super) kind: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Tensor {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub(super) dims: Vec<i64>,
    #[prost(int32, optional, tag = "2")]
    pub(super) data_type: Option<i32>,
    #[prost(float, repeated, tag = "4")]
    pub(super) float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    pub(super) int32_data: Vec<i32>,
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub(super) string_data: Vec<Vec<u8>>,
    #[prost(int64, repeated, tag = "7")]
    pub(super) int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    pub(super) name: String,
    /// Little-endian.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub(super) raw_data: Option<Vec<u8>>,
    #[prost(double, repeated, tag = "10")]
    pub(super) double_data: Vec<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueInfo {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, optional, tag = "2")]
    pub(super) kind: Option<Type>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Type {
    #[prost(message, optional, tag = "1")]
    pub(super) tensor: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorType {
    #[prost(int32, optional, tag = "1")]
    pub(super) elem_type: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "1")]
    pub(super) dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Dimension {
    #[prost(int64, optional, tag = "1")]
    pub(super) dim_value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub(super) dim_param: Option<String>,
}

#[cfg(feature = "onnx-export")]
impl Attribute {
    pub(super) fn int(name: &str, value: i64) -> Self {
        Self {
            name: name.to_owned(),
            i: Some(value),
            kind: Some(2),
            ..Self::default()
        }
    }

    pub(super) fn ints(name: &str, values: Vec<i64>) -> Self {
        Self {
            name: name.to_owned(),
            ints: values,
            kind: Some(7),
            ..Self::default()
        }
    }

    pub(super) fn tensor(name: &str, value: Tensor) -> Self {
        Self {
            name: name.to_owned(),
            t: Some(value),
            kind: Some(4),
            ..Self::default()
        }
    }

    pub(super) fn graph(name: &str, value: &Graph) -> Self {
        Self {
            name: name.to_owned(),
            g: Some(value.encode_to_vec()),
            kind: Some(5),
            ..Self::default()
        }
    }
}

#[cfg(feature = "onnx-export")]
impl Tensor {
    pub(super) fn doubles(dims: &[usize], values: &[f64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        Self::raw(DOUBLE, dims, bytes.collect())
    }

    pub(super) fn ints(values: &[i64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        Self::raw(INT64, &[values.len()], bytes.collect())
    }

    pub(super) fn bytes(values: Vec<u8>) -> Self {
        Self::raw(UINT8, &[values.len()], values)
    }

    pub(super) fn texts(dims: &[usize], values: &[String]) -> Self {
        Self {
            string_data: values
                .iter()
                .map(|text| text.clone().into_bytes())
                .collect(),
            raw_data: None,
            ..Self::raw(STRING, dims, Vec::new())
        }
    }

    fn raw(data_type: i32, dims: &[usize], bytes: Vec<u8>) -> Self {
        Self {
            dims: dims.iter().map(|dim| int(*dim)).collect(),
            data_type: Some(data_type),
            raw_data: Some(bytes),
            ..Self::default()
        }
    }
}

#[cfg(feature = "onnx-export")]
/// A size or position, all of which [`limit`](crate::limit) keeps far below 2^63.
pub(super) fn int(size: usize) -> i64 {
    i64::try_from(size).expect("sizes are limited")
}
