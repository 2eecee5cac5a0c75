//! A graph while it is made: nodes in order, constants, and names that nobody else has.

use std::collections::BTreeSet;

use crate::onnx::proto::{
    Attribute, DOUBLE, Dimension, Graph, Model, Node, OperatorSet, Shape, Tensor, TensorType, Type,
    ValueInfo, int,
};

const IR_VERSION: i64 = 10;
const OPSET: i64 = 21;
const ML: &str = "ai.onnx.ml";
const ML_OPSET: i64 = 5;

/// The name of a value in the graph.
pub(super) type Value = String;

/// The second axis of an input or output.
#[derive(Debug)]
pub(super) enum Width {
    Fixed(i64),
    /// As many as a call has, by a name for them.
    Free(String),
}

/// Collects nodes; each is written after those that it reads.
#[derive(Debug, Default)]
pub(super) struct GraphBuilder {
    graph: Graph,
    taken: BTreeSet<String>,
}

impl GraphBuilder {
    /// Adds an input of the graph under its own name. Inputs come before all else, so that they have
    /// their names.
    pub(super) fn input(&mut self, name: &str, elem_type: i32, columns: Option<Width>) -> Value {
        self.taken.insert(name.to_owned());
        self.graph.input.push(value_info(name, elem_type, columns));
        name.to_owned()
    }

    /// Adds an output `[rows, 1]`, under its own name or one that begins with it if that is taken.
    pub(super) fn output(&mut self, name: &str, elem_type: i32) -> Value {
        let name = self.fresh(name);
        self.graph
            .output
            .push(value_info(&name, elem_type, Some(Width::Fixed(1))));
        name
    }

    /// Adds a constant.
    pub(super) fn constant(&mut self, mut tensor: Tensor) -> Value {
        let name = self.fresh("constant");
        tensor.name.clone_from(&name);
        self.graph.initializer.push(tensor);
        name
    }

    /// Adds a constant `[1, 1]`.
    pub(super) fn number(&mut self, value: f64) -> Value {
        self.constant(Tensor::doubles(&[1, 1], &[value]))
    }

    /// Adds a node with one result.
    pub(super) fn node<const N: usize>(
        &mut self,
        op: &str,
        inputs: [&Value; N],
        attributes: Vec<Attribute>,
    ) -> Value {
        let inputs: Vec<Value> = inputs.into_iter().cloned().collect();
        self.node_of(op, inputs, attributes)
    }

    /// Adds a node with one result and any number of inputs.
    pub(super) fn node_of(
        &mut self,
        op: &str,
        inputs: Vec<Value>,
        attributes: Vec<Attribute>,
    ) -> Value {
        let output = self.fresh(&op.to_lowercase());
        self.node_into(op, inputs, vec![output.clone()], attributes);
        output
    }

    /// Adds a node whose results have names already.
    pub(super) fn node_into(
        &mut self,
        op: &str,
        input: Vec<Value>,
        output: Vec<Value>,
        attribute: Vec<Attribute>,
    ) {
        let domain = match op {
            "LabelEncoder" | "TreeEnsemble" => ML,
            _ => "",
        };
        self.graph.node.push(Node {
            input,
            output,
            op_type: op.to_owned(),
            attribute,
            domain: domain.to_owned(),
            ..Node::default()
        });
    }

    /// Adds a node with several results.
    pub(super) fn nodes<const N: usize>(
        &mut self,
        op: &str,
        inputs: Vec<Value>,
        attributes: Vec<Attribute>,
    ) -> [Value; N] {
        let outputs = std::array::from_fn(|_| self.fresh(&op.to_lowercase()));
        self.node_into(op, inputs, outputs.to_vec(), attributes);
        outputs
    }

    /// Adds the parts of a value, by their sizes along an axis.
    pub(super) fn split<const N: usize>(
        &mut self,
        x: &Value,
        axis: i64,
        sizes: &[usize; N],
    ) -> [Value; N] {
        let sizes = self.constant(Tensor::ints(&sizes.map(int)));
        let axis = vec![Attribute::int("axis", axis)];
        self.nodes("Split", vec![x.clone(), sizes], axis)
    }

    /// Makes the graph within a node, over doubles `[rows, width]` of these widths; its results are as wide as one
    /// another. Its constants are those of the graph around it.
    pub(super) fn body<const N: usize>(
        &mut self,
        widths: [usize; N],
        width: usize,
        build: impl FnOnce(&mut Self, [&Value; N]) -> [Value; N],
    ) -> Attribute {
        let around = std::mem::take(&mut self.graph.node);
        let inputs = widths.map(|_| self.fresh("given"));
        let outputs = build(self, inputs.each_ref());
        let node = std::mem::replace(&mut self.graph.node, around);
        let matrix = |name: &String, width| {
            let columns = Width::Fixed(int(width));
            value_info(name, DOUBLE, Some(columns))
        };
        let body = Graph {
            node,
            name: "body".to_owned(),
            input: inputs
                .iter()
                .zip(widths)
                .map(|(x, w)| matrix(x, w))
                .collect(),
            output: outputs.iter().map(|x| matrix(x, width)).collect(),
            ..Graph::default()
        };
        Attribute::graph("body", &body)
    }

    /// The model file's message.
    pub(super) fn finish(mut self) -> Model {
        "model".clone_into(&mut self.graph.name);
        let set = |domain: &str, version| OperatorSet {
            domain: Some(domain.to_owned()),
            version: Some(version),
        };
        Model {
            ir_version: Some(IR_VERSION),
            producer_name: "mlops".to_owned(),
            graph: Some(self.graph),
            opset_import: vec![set("", OPSET), set(ML, ML_OPSET)],
        }
    }

    fn fresh(&mut self, name: &str) -> String {
        let mut fresh = name.to_owned();
        let mut number = self.taken.len();
        while !self.taken.insert(fresh.clone()) {
            fresh = format!("{name}_{number}");
            number += 1;
        }
        fresh
    }
}

/// `[rows]`, or `[rows, columns]`.
fn value_info(name: &str, elem_type: i32, columns: Option<Width>) -> ValueInfo {
    let rows = Dimension {
        dim_value: None,
        dim_param: Some("rows".to_owned()),
    };
    let columns = columns.map(|columns| match columns {
        Width::Fixed(count) => Dimension {
            dim_value: Some(count),
            dim_param: None,
        },
        Width::Free(name) => Dimension {
            dim_value: None,
            dim_param: Some(name),
        },
    });
    ValueInfo {
        name: name.to_owned(),
        kind: Some(Type {
            tensor: Some(TensorType {
                elem_type: Some(elem_type),
                shape: Some(Shape {
                    dim: std::iter::once(rows).chain(columns).collect(),
                }),
            }),
        }),
    }
}
