//! From a checked model to the bytes of an ONNX file.

use prost::Message;

use crate::{
    Encoder, Error, Input, InputKind, Model, ModelSpec, Output, Result,
    onnx::{
        columns::Columns,
        graph::{GraphBuilder, Width},
        proto::{Attribute, BOOL, DOUBLE, INT64, STRING, Tensor},
        score,
    },
};

impl ModelSpec {
    /// The model as an ONNX file, whose answers are these but for rounding.
    ///
    /// - Inputs have the signature's names and order. Real numbers are `double`, texts `string`, whole
    ///   numbers `int64` and booleans `bool`; the last two are `double` where null is allowed, since only
    ///   that has a NaN to say so. A missing text is any text that is no category.
    /// - Lists of real or whole numbers are `double` too, a row each, with NaN for null; they have as many numbers as
    ///   a call gives them. Those of one network have one length, under one name of a dimension, and so have all rows
    ///   of a call: rows of other lengths are asked about in calls of their own.
    /// - Outputs are `probability`, `prediction`, or one for each class under its name; `_` and a number
    ///   follow where an input has that name.
    ///
    /// # Shapes
    /// `[rows]` for each of several inputs, `[rows, 1]` for a single one, as MLflow feeds the columns of a
    /// frame; `[rows, steps]` for lists; `[rows, 1]` for every output.
    ///
    /// # Errors
    /// [`Error::NotInOnnx`] if the model has no input, and so no rows; if it has categories that are whole
    /// numbers beyond 2^53; if it asks whether a text is missing, since no text of ONNX is.
    ///
    /// # Reference
    /// ONNX Runtime 1.32 on the CPU, for every family and encoder: within 1e-12 of the largest answer over random
    /// models and rows, with thresholds met exactly, missing values and categories that were not seen. All is in
    /// double precision; where the runtime's own operator has single precision only (`Erf`, `Gelu`,
    /// `LSTM`, `SVMRegressor`), other operators stand in for it.
    pub fn to_onnx(&self) -> Result<Vec<u8>> {
        let inputs = self.signature().inputs();
        if inputs.is_empty() {
            return Err(Error::NotInOnnx {
                part: "signature".into(),
                reason: "it has no input, so a graph cannot know the number of rows",
            });
        }
        let mut graph = GraphBuilder::default();
        let names = inputs.iter().enumerate().map(|(at, input)| {
            let columns = match input.kind.list() {
                Some(_) => Some(Width::Free(steps(self, at))),
                None => (inputs.len() == 1).then_some(Width::Fixed(1)),
            };
            graph.input(&input.name, elem_type(input), columns)
        });
        let names = names.collect::<Vec<_>>();
        // outputs too have their names before values in between take them
        let outputs: Vec<_> = match self.signature().output() {
            Output::Probability { .. } => vec![graph.output("probability", DOUBLE)],
            Output::Number => vec![graph.output("prediction", DOUBLE)],
            Output::Numbers { names } | Output::Classes { names } => names
                .iter()
                .map(|name| graph.output(name, DOUBLE))
                .collect(),
        };
        let columns = Columns::of(&mut graph, self, &names)?;
        let answer = score::answer(&mut graph, self.estimator(), &columns);
        if outputs.len() == 1 {
            graph.node_into("Identity", vec![answer], outputs, vec![]);
        } else {
            let sizes = graph.constant(Tensor::ints(&vec![1; outputs.len()]));
            let axis = vec![Attribute::int("axis", 1)];
            graph.node_into("Split", vec![answer, sizes], outputs, axis);
        }
        Ok(graph.finish().encode_to_vec())
    }
}

/// The name of the number of steps of a list: one for all that a network reads together.
fn steps(spec: &ModelSpec, input: usize) -> String {
    let mut encoders = spec.preprocess().encoders().iter();
    let first = encoders.find_map(|encoder| match encoder {
        Encoder::Sequence { inputs, .. } if inputs.contains(&input) => inputs.first(),
        _ => None,
    });
    let inputs = spec.signature().inputs();
    format!("{}:steps", inputs[*first.unwrap_or(&input)].name)
}

fn elem_type(input: &Input) -> i32 {
    match input.kind {
        InputKind::Float | InputKind::Floats { .. } | InputKind::Ints { .. } => DOUBLE,
        InputKind::Int | InputKind::Bool if input.nullable => DOUBLE,
        InputKind::Int => INT64,
        InputKind::Bool => BOOL,
        InputKind::Str => STRING,
    }
}
