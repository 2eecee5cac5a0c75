//! No bytes make an ONNX file's reader panic, and a model that is read answers, is written and is read again.

use mlops_core::Value;
use mlops_model::{InputKind, Model, ModelSpec, OnnxImport, Scratch};

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Ok(spec) = ModelSpec::from_onnx(data, &OnnxImport::new()) else {
        return;
    };
    let inputs = spec.signature().inputs().iter();
    let row: Vec<Value> = inputs
        .map(|input| match input.kind {
            InputKind::Float => Value::Float(0.5),
            InputKind::Int => Value::Int(1),
            InputKind::Floats { .. } => Value::List(vec![Value::Float(0.5)]),
            InputKind::Ints { .. } => Value::List(vec![Value::Int(1)]),
            InputKind::Bool => Value::Bool(true),
            InputKind::Str => Value::from("a"),
        })
        .collect();
    let _ = spec.predict_row(&row, &mut Scratch::new());
    if let Ok(bytes) = spec.to_onnx() {
        let _ = ModelSpec::from_onnx(&bytes, &OnnxImport::new());
    }
}
