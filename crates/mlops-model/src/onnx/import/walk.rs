//! The walk over a graph: what each value stands for, from the inputs on.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use crate::{
    Error, InputKind, Result, limit,
    onnx::{
        import::{
            OnnxImport, arithmetic, classic,
            column::{Column, Source},
            encoders, kernels, network,
            operator::{Operator, Outcome, Rejected},
            picks,
            sequence::{self, Flow},
            shapes, sums,
            tensor::Constant,
            term::Term,
            trees,
            wire::malformed,
        },
        proto::{BOOL, DOUBLE, FLOAT, Graph, INT32, INT64, STRING, Tensor, ValueInfo},
    },
};

/// An input of the model to be.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) kind: InputKind,
    /// Whether the graph's type can say that a value is missing.
    pub(super) optional: bool,
}

/// The walk: terms by name, and the inputs.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    graph: &'a Graph,
    constants: BTreeMap<&'a str, &'a Tensor>,
    terms: BTreeMap<&'a str, Outcome<Term>>,
    pub(super) inputs: Vec<Planned>,
    /// The most steps, where sequences are read.
    pub(super) steps: usize,
    work: usize,
}

impl<'a> Walk<'a> {
    /// Takes the inputs.
    pub(super) fn new(graph: &'a Graph, options: &OnnxImport) -> Result<Self> {
        let constants: BTreeMap<&str, &Tensor> = graph
            .initializer
            .iter()
            .map(|tensor| (tensor.name.as_str(), tensor))
            .collect();
        let mut walk = Self {
            graph,
            constants,
            terms: BTreeMap::new(),
            inputs: Vec::new(),
            steps: 0,
            work: 0,
        };
        // files of old IR versions list constants among the inputs
        let given: Vec<&ValueInfo> = graph
            .input
            .iter()
            .filter(|input| !walk.constants.contains_key(input.name.as_str()))
            .collect();
        for input in &given {
            let names = options.inputs.as_deref();
            walk.input(input, given.len() == 1, names)?;
        }
        if let Some(names) = &options.inputs {
            if names.len() != walk.inputs.len() {
                return Err(Error::InvalidSignature {
                    reason: format!(
                        "the file reads {} columns, {} names are given",
                        walk.inputs.len(),
                        names.len()
                    ),
                });
            }
            for (planned, name) in walk.inputs.iter_mut().zip(names) {
                planned.name.clone_from(name);
            }
        }
        Ok(walk)
    }

    fn input(&mut self, info: &'a ValueInfo, alone: bool, names: Option<&[String]>) -> Result<()> {
        let invalid = |reason: String| malformed(format!("input `{}` {reason}", info.name));
        let tensor = info.kind.as_ref().and_then(|kind| kind.tensor.as_ref());
        let tensor = tensor.ok_or_else(|| invalid("is no tensor".into()))?;
        let element = tensor.elem_type.unwrap_or_default();
        let (kind, optional) = match element {
            FLOAT | DOUBLE => (InputKind::Float, true),
            INT64 | INT32 => (InputKind::Int, false),
            BOOL => (InputKind::Bool, false),
            STRING => (InputKind::Str, true),
            other => return Err(invalid(format!("holds values of type {other}"))),
        };
        let dims = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
        let width = match dims {
            [_] => 1,
            [_, columns] => match (columns.dim_value, names) {
                (Some(width), _) if width > 0 => usize::try_from(width).unwrap_or(usize::MAX),
                (_, Some(names)) if alone => names.len(),
                _ => {
                    return Err(invalid(
                        "does not say how many columns it has; name them".into(),
                    ));
                }
            },
            [_, steps, numbers] if alone && kind == InputKind::Float => {
                return self.sequences(info, steps.dim_value, numbers.dim_value, names);
            }
            dims => {
                let rejected = Rejected {
                    node: info.name.chars().take(128).collect(),
                    operator: "input".into(),
                    reason: format!(
                        "it has {} dimensions, or is a sequence beside others",
                        dims.len()
                    ),
                };
                return Err(rejected.into());
            }
        };
        let total = self.inputs.len().saturating_add(width);
        limit::check("the number of inputs", total, limit::INPUTS)?;
        let mut columns = Vec::with_capacity(width);
        for at in 0..width {
            let name = match (width, alone) {
                (1, _) => info.name.clone(),
                (_, true) => format!("f{at}"),
                (_, false) => format!("{}_{at}", info.name),
            };
            let input = self.inputs.len();
            self.inputs.push(Planned {
                name,
                kind,
                optional,
            });
            columns.push(if kind == InputKind::Str {
                Column::new(Source::Text { input })
            } else {
                Column::number(input, element == FLOAT)
            });
        }
        self.terms.insert(&info.name, Ok(Term::columns(columns)));
        Ok(())
    }

    /// Takes an input of sequences, `[sequences, steps, numbers]`.
    fn sequences(
        &mut self,
        info: &'a ValueInfo,
        steps: Option<i64>,
        numbers: Option<i64>,
        names: Option<&[String]>,
    ) -> Result<()> {
        let width = match (numbers, names) {
            (Some(width), _) if width > 0 => usize::try_from(width).unwrap_or(usize::MAX),
            (_, Some(names)) if !names.is_empty() => names.len(),
            _ => {
                let reason = "does not say how many numbers a step has; name them";
                return Err(malformed(format!("input `{}` {reason}", info.name)));
            }
        };
        limit::check("the number of inputs", width, limit::INPUTS)?;
        let most = limit::SEQUENCE_STEPS.min((limit::WIDTH - 1) / width);
        self.steps = match steps {
            Some(steps) if steps > 0 => usize::try_from(steps).unwrap_or(usize::MAX),
            _ => most,
        };
        limit::check("the number of steps", self.steps, most)?;
        for at in 0..width {
            self.inputs.push(Planned {
                name: format!("f{at}"),
                kind: InputKind::Float,
                optional: true,
            });
        }
        let flow = Term::Flow(Flow::input(width));
        self.terms.insert(&info.name, Ok(flow));
        Ok(())
    }

    /// Finds out what the named values stand for, and with them all that they depend on.
    pub(super) fn run(&mut self, wanted: &[&'a str]) -> Result<()> {
        let graph = self.graph;
        let makers: BTreeMap<&str, usize> = graph
            .node
            .iter()
            .enumerate()
            .flat_map(|(at, node)| node.output.iter().map(move |name| (name.as_str(), at)))
            .collect();
        let mut needed = BTreeSet::new();
        let mut open: Vec<&str> = wanted.to_vec();
        while let Some(name) = open.pop() {
            if let Some(at) = makers.get(name)
                && needed.insert(*at)
            {
                open.extend(graph.node[*at].input.iter().map(String::as_str));
            }
        }
        // a file's nodes stand in order, each behind those that it reads
        for at in needed {
            let node = &graph.node[at];
            let mut outcome = self.node(Operator(node))?;
            for (at, name) in node.output.iter().enumerate() {
                let term = match &mut outcome {
                    Ok(terms) => match terms.get(at) {
                        Some(term) => Ok(term.clone()),
                        None => Err(Operator(node).reject(format!("its result {at} is not read"))),
                    },
                    Err(rejected) => Err(rejected.clone()),
                };
                self.terms.insert(name, term);
            }
        }
        Ok(())
    }

    /// What a name stands for.
    pub(super) fn term(&mut self, name: &'a str) -> Result<Outcome<Term>> {
        if let Some(term) = self.terms.get(name) {
            return Ok(term.clone());
        }
        let tensor = self.constants.get(name).ok_or_else(|| {
            let name: String = name.chars().take(128).collect();
            malformed(format!("nothing before its use makes the value `{name}`"))
        })?;
        let constant = Constant::read(tensor)
            .map_err(|reason| malformed(format!("a constant is not read: {reason}")))?;
        self.spend(constant.len());
        self.within_limit()?;
        let term = Term::Constant(Rc::new(constant));
        self.terms.insert(name, Ok(term.clone()));
        Ok(Ok(term))
    }

    fn node(&mut self, operator: Operator<'a>) -> Result<Outcome<Vec<Term>>> {
        let mut arguments = Vec::with_capacity(operator.0.input.len());
        for name in &operator.0.input {
            if name.is_empty() {
                arguments.push(Term::Absent);
                continue;
            }
            match self.term(name)? {
                Ok(term) => arguments.push(term),
                Err(rejected) => return Ok(Err(rejected)),
            }
        }
        // a node that is rejected has cost something too
        self.spend(arguments.iter().map(Term::weight).sum());
        self.within_limit()?;
        let outcome = self.evaluate(operator, &arguments);
        let results = outcome.iter().flatten();
        self.spend(results.map(Term::weight).sum());
        self.within_limit()?;
        Ok(outcome)
    }

    fn evaluate(&mut self, operator: Operator<'a>, arguments: &[Term]) -> Outcome<Vec<Term>> {
        let name = operator.0.op_type.as_str();
        if operator.0.domain == "ai.onnx.ml" {
            return match name {
                "Scaler" => encoders::scaler(operator, arguments),
                "Imputer" => encoders::imputer(operator, arguments),
                "OneHotEncoder" => encoders::one_hot(self, operator, arguments),
                "LabelEncoder" => encoders::label(self, operator, arguments),
                "Normalizer" => encoders::normalizer(operator, arguments),
                "LinearClassifier" => classic::classifier(operator, arguments),
                "LinearRegressor" => classic::regressor(operator, arguments),
                "SVMClassifier" => kernels::classifier(operator, arguments),
                "SVMRegressor" => kernels::regressor(operator, arguments),
                "TreeEnsembleClassifier" => trees::classifier(self, operator, arguments),
                "TreeEnsembleRegressor" => trees::regressor(self, operator, arguments),
                "TreeEnsemble" => trees::ensemble(self, operator, arguments),
                "ZipMap" => shapes::zip_map(operator, arguments),
                "ArrayFeatureExtractor" => picks::pick(operator, arguments),
                _ => Err(operator.reject("the operator is not known")),
            };
        }
        if !matches!(operator.0.domain.as_str(), "" | "ai.onnx") {
            return Err(operator.reject("its set of operators is not known"));
        }
        if let Some(outcome) = sequence::node(operator, arguments) {
            return outcome;
        }
        match name {
            "Identity" | "Dropout" => shapes::identity(operator, arguments),
            "Constant" => shapes::constant(operator),
            "Cast" => shapes::cast(self, operator, arguments),
            "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => shapes::reshape(operator, arguments),
            "Concat" => shapes::concat(operator, arguments),
            "Split" => picks::split(operator, arguments),
            "Gather" => picks::gather(operator, arguments),
            "Slice" => picks::slice(operator, arguments),
            "ArgMax" | "ArgMin" => picks::arg_max(operator, arguments),
            "Shape" => shapes::shape(operator, arguments),
            "ConstantOfShape" => shapes::constant_of_shape(operator, arguments),
            "Equal" => encoders::equal(self, operator, arguments),
            "MatMul" => network::mat_mul(operator, arguments),
            "Gemm" => network::gemm(operator, arguments),
            "BatchNormalization" => network::normalized_batch(operator, arguments),
            "Add" | "Sub" | "Mul" | "Div" | "Pow" => arithmetic::binary(operator, arguments),
            "Sum" => sums::sum_of(operator, arguments).map(|term| vec![term]),
            "ReduceSum" | "ReduceMean" | "ReduceLogSumExp" | "ReduceSumSquare" => {
                sums::sum(operator, arguments)
            }
            "Where" => arithmetic::choose(operator, arguments),
            "Clip" => sums::clip(operator, arguments),
            "Not" => shapes::not(operator, arguments),
            "Abs" | "Sign" | "Log" | "Floor" | "IsNaN" | "Erf" | "Reciprocal" => {
                arithmetic::unary(operator, arguments)
            }
            "Relu" | "Tanh" | "Gelu" => network::activation(operator, arguments),
            "Sigmoid" | "Softmax" | "Exp" => network::link(operator, arguments),
            "LayerNormalization" => {
                Err(operator.reject("a network of rows has no normalised layers here"))
            }
            "LSTM" | "GRU" | "RNN" | "Attention" => {
                Err(operator.reject("it reads sequences, and a model reads rows"))
            }
            _ => Err(operator.reject("the operator is not known")),
        }
    }

    /// Counts numbers that were looked at or made.
    pub(super) fn spend(&mut self, numbers: usize) {
        self.work = self.work.saturating_add(numbers);
    }

    fn within_limit(&self) -> Result<()> {
        limit::check("the numbers of the graph", self.work, limit::ONNX_WORK)
    }

    /// Makes whole numbers of an input that the graph compares with whole numbers.
    pub(super) fn whole(&mut self, input: usize) -> bool {
        let kind = &mut self.inputs[input].kind;
        if *kind == InputKind::Float {
            *kind = InputKind::Int;
        }
        *kind == InputKind::Int
    }
}

/// The columns that an operator reads.
pub(super) fn columns(operator: Operator<'_>, argument: Option<&Term>) -> Outcome<Rc<Vec<Column>>> {
    match argument {
        Some(Term::Columns(columns)) => {
            let text = |column: &&Column| matches!(column.source, Source::Text { .. });
            let stage = |column: &&Column| column.stage().is_some();
            if columns.iter().any(|c| text(&c)) {
                Err(operator.reject("it reads texts"))
            } else if columns.iter().any(|c| stage(&c)) {
                Err(operator.reject("it reads a part of a logarithm"))
            } else {
                Ok(Rc::clone(columns))
            }
        }
        Some(Term::Flow(_)) => {
            Err(operator.reject("of what reads sequences, the cells of an LSTM have a form here"))
        }
        _ => Err(operator.reject("it reads what is no matrix of encoded inputs")),
    }
}

/// The constant that an operator reads.
pub(super) fn constant<'t>(
    operator: Operator<'_>,
    argument: Option<&'t Term>,
) -> Outcome<&'t Constant> {
    match argument {
        Some(Term::Constant(constant)) => Ok(constant),
        _ => Err(operator.reject("it reads a value where a constant is expected")),
    }
}
