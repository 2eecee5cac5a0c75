//! The `MLmodel` file: what tools that know MLflow's model format look at first.
//!
//! The template is small and fixed; every text in it is quoted. One flavour is our own; where `model.onnx` is
//! there, MLflow's `onnx` and `python_function` follow. Signature, example, time and parameters are in
//! MLflow's own places.

use std::fmt::{self, Write};

use mlops_core::Digest;
use serde::Serialize;

use crate::{
    Input, InputKind, Model, ModelSpec, Output,
    package::{INPUT_EXAMPLE, MODEL, Metadata, ONNX, SCHEMA_VERSION},
};

/// The first version of ONNX that has what is written.
const ONNX_VERSION: &str = "1.16.0";
/// What MLflow installs for an environment of the model's own.
pub(super) const REQUIREMENTS: &str = "mlflow>=3\nonnx>=1.16\nonnxruntime>=1.21\npandas\n";

/// The content of the file.
#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) spec: &'a ModelSpec,
    pub(super) metadata: &'a Metadata,
    /// The digest of `model.json`.
    pub(super) model: Digest,
    pub(super) input_example: bool,
    /// Whether `model.onnx` is there.
    pub(super) onnx: bool,
}

/// A column in MLflow's signature.
#[derive(Serialize)]
struct Column<'a> {
    r#type: &'a str,
    /// What an array holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Items>,
    name: &'a str,
    required: bool,
}

/// An input in MLflow's signature where some are matrices: all of them are tensors then, which Python gives by name.
#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    r#type: &'static str,
    #[serde(rename = "tensor-spec")]
    spec: TensorSpec,
}

#[derive(Serialize)]
struct TensorSpec {
    dtype: &'static str,
    shape: &'static [i64],
}

/// The type of an array's values.
#[derive(Serialize)]
struct Items {
    r#type: &'static str,
}

impl fmt::Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signature = self.spec.signature();
        let inputs: Vec<Column<'_>> = signature
            .inputs()
            .iter()
            .map(|input| Column {
                r#type: match input.kind {
                    // NaN is what stands for null there
                    InputKind::Int | InputKind::Bool if self.onnx && input.nullable => "double",
                    InputKind::Float => "double",
                    InputKind::Int => "long",
                    InputKind::Bool => "boolean",
                    InputKind::Str => "string",
                    InputKind::Floats { .. } | InputKind::Ints { .. } => "array",
                },
                items: match input.kind {
                    InputKind::Floats { .. } => Some(Items { r#type: "double" }),
                    InputKind::Ints { .. } => Some(Items { r#type: "long" }),
                    _ => None,
                },
                name: &input.name,
                // of a list its numbers may be null
                required: !input.nullable || input.kind.list().is_some(),
            })
            .collect();
        let names: &[String] = match signature.output() {
            Output::Probability { .. } => &["probability".to_owned()],
            Output::Number => &["prediction".to_owned()],
            Output::Numbers { names } | Output::Classes { names } => names,
        };
        let outputs: Vec<Column<'_>> = names
            .iter()
            .map(|name| Column {
                r#type: "double",
                items: None,
                name,
                required: true,
            })
            .collect();
        let mut uuid = self.model.to_string();
        uuid.truncate(32);

        writeln!(f, "flavors:\n  mlops_rust:\n    data: {MODEL}")?;
        writeln!(f, "    family: {}", self.spec.family())?;
        writeln!(f, "    schema_version: {SCHEMA_VERSION}")?;
        if self.onnx {
            writeln!(
                f,
                "  onnx:\n    code: null\n    data: {ONNX}\n    onnx_session_options: null"
            )?;
            writeln!(f, "    onnx_version: {ONNX_VERSION}\n    providers:")?;
            writeln!(f, "    - CPUExecutionProvider")?;
            writeln!(f, "  python_function:\n    data: {ONNX}")?;
            writeln!(f, "    loader_module: mlflow.onnx")?;
        }
        writeln!(f, "model_uuid: {}", quoted(&uuid))?;
        if let Some(created) = self.metadata.created {
            let text = created.to_string().replace('T', " ").replace('Z', "");
            writeln!(f, "utc_time_created: {}", quoted(&text))?;
        }
        if self.input_example {
            writeln!(
                f,
                "saved_input_example_info:\n  artifact_path: {INPUT_EXAMPLE}"
            )?;
            writeln!(f, "  pandas_orient: split\n  type: dataframe")?;
        }
        let lists = signature.inputs().iter().any(|i| i.kind.list().is_some());
        let inputs = if self.onnx && lists {
            json(&signature.inputs().iter().map(tensor).collect::<Vec<_>>())
        } else {
            json(&inputs)
        };
        writeln!(f, "signature:\n  inputs: {}", quoted(&inputs))?;
        writeln!(f, "  outputs: {}\n  params: null", quoted(&json(&outputs)))?;
        let Metadata {
            trainer, params, ..
        } = self.metadata;
        let positive = match signature.output() {
            Output::Probability { positive } => Some(positive),
            Output::Number | Output::Numbers { .. } | Output::Classes { .. } => None,
        };
        if trainer.is_none() && params.is_empty() && positive.is_none() {
            return Ok(());
        }
        writeln!(f, "metadata:")?;
        if let Some(positive) = positive {
            writeln!(f, "  positive_class: {}", quoted(positive))?;
        }
        if let Some(trainer) = trainer {
            writeln!(f, "  trainer: {}", quoted(trainer))?;
        }
        if !params.is_empty() {
            writeln!(f, "  params:")?;
            for (name, value) in params {
                writeln!(f, "    {}: {}", quoted(name), quoted(value))?;
            }
        }
        Ok(())
    }
}

/// What the graph reads of an input among several.
fn tensor(input: &Input) -> Named<'_> {
    let (dtype, shape): (_, &[i64]) = match input.kind {
        InputKind::Floats { .. } | InputKind::Ints { .. } => ("float64", &[-1, -1]),
        InputKind::Int | InputKind::Bool if input.nullable => ("float64", &[-1]),
        InputKind::Float => ("float64", &[-1]),
        InputKind::Int => ("int64", &[-1]),
        InputKind::Bool => ("bool", &[-1]),
        InputKind::Str => ("object", &[-1]),
    };
    Named {
        name: &input.name,
        r#type: "tensor",
        spec: TensorSpec { dtype, shape },
    }
}

fn json<T: Serialize>(value: &[T]) -> String {
    serde_json::to_string(value).expect("names and constants serialise")
}

/// A YAML double-quoted scalar on one line; what is not printable ASCII is escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            '\0'..='\u{ff}' => {
                write!(quoted, "\\x{:02x}", u32::from(c)).expect("writing to memory");
            }
            '\u{100}'..='\u{ffff}' => {
                write!(quoted, "\\u{:04x}", u32::from(c)).expect("writing to memory");
            }
            _ => write!(quoted, "\\U{:08x}", u32::from(c)).expect("writing to memory"),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_quotes() {
        for (text, expected) in [
            ("plain: [text] # {}", r#""plain: [text] # {}""#),
            ("a\"b\\", r#""a\"b\\""#),
            ("line\nbreak\t\u{7f}", r#""line\x0abreak\x09\x7f""#),
            ("é\u{2028}😀", r#""\xe9\u2028\U0001f600""#),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
