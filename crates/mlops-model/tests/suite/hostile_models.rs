//! Models that contradict themselves are refused, from code and from JSON alike.

use mlops_model::{
    Activation, Combine, Dense, Embedding, Encoder, Error, Estimator, Input, InputKind, Linear,
    Link, Mlp, Model, ModelSpec, Node, Output, Preprocess, Result, Rule, Scratch, Signature, Tree,
    TreeEnsemble, limit,
};

fn build(nullable: bool, output: Output, estimator: Estimator) -> Result<ModelSpec> {
    let mut inputs = [
        Input::new("a", InputKind::Float),
        Input::new("b", InputKind::Float),
    ];
    inputs[0].nullable = nullable;
    let signature = Signature::new(inputs, output)?;
    let encoders = vec![Encoder::plain(0), Encoder::plain(1)];
    let preprocess = Preprocess::new(&signature, encoders)?;
    ModelSpec::new(signature, preprocess, estimator)
}

fn refused(estimator: Estimator, part_of_message: &str) {
    let error = build(false, Output::Number, estimator).unwrap_err();
    assert!(error.to_string().contains(part_of_message), "{error}");
}

fn split(feature: u32, threshold: f64, left: u32, right: u32) -> Node {
    Node::Split {
        feature,
        threshold,
        rule: Rule::Lt,
        missing_left: true,
        left,
        right,
    }
}

fn leaf(value: f64) -> Node {
    Node::Leaf { value }
}

fn trees(trees: Vec<Vec<Node>>) -> TreeEnsemble {
    TreeEnsemble {
        trees: trees.into_iter().map(|nodes| Tree { nodes }).collect(),
        base: vec![0.0],
        combine: Combine::Sum,
        link: Link::Identity,
    }
}

#[test]
fn what_is_not_a_tree_is_refused() {
    for (nodes, message) in [
        (vec![], "tree 1 is not valid: it has no nodes"),
        (vec![split(0, 1.0, 1, 2), leaf(0.0)], "leads to node 2 of 2"),
        (
            vec![split(0, 1.0, 1, u32::MAX), leaf(0.0)],
            "leads to node 4294967295",
        ),
        (
            vec![split(0, 1.0, 0, 1), leaf(0.0)],
            "node 0 is reached twice",
        ),
        (
            vec![split(0, 1.0, 1, 1), leaf(0.0)],
            "node 1 is reached twice",
        ),
        (
            vec![split(0, 1.0, 1, 2), split(0, 1.0, 0, 2), leaf(0.0)],
            "node 0 is reached twice",
        ),
        (vec![leaf(0.0), leaf(1.0)], "node 1 is never reached"),
        (
            vec![leaf(0.0), split(0, 1.0, 2, 1), leaf(1.0)],
            "node 1 is never reached",
        ),
        (
            vec![split(2, 1.0, 1, 2), leaf(0.0), leaf(0.0)],
            "reads encoded column 2, there are 2",
        ),
        (
            vec![split(u32::MAX, 1.0, 1, 2), leaf(0.0), leaf(0.0)],
            "reads encoded column 4294967295",
        ),
        (
            vec![split(0, f64::NAN, 1, 2), leaf(0.0), leaf(0.0)],
            "the threshold of node 0 is NaN",
        ),
        (
            vec![split(0, f64::INFINITY, 1, 2), leaf(0.0), leaf(0.0)],
            "the threshold of node 0 is inf",
        ),
        (
            vec![split(0, 1.0, 1, 2), leaf(0.0), leaf(f64::NAN)],
            "the value of leaf 2 is NaN",
        ),
    ] {
        refused(
            Estimator::Trees(trees(vec![vec![leaf(0.5)], nodes])),
            message,
        );
    }
    let based = TreeEnsemble {
        base: vec![f64::NAN],
        ..trees(vec![])
    };
    refused(Estimator::Trees(based), "the base is NaN");
    let mean = TreeEnsemble {
        combine: Combine::Mean,
        ..trees(vec![])
    };
    refused(Estimator::Trees(mean), "the mean of no trees");
}

/// A chain: every left child is the next split.
fn chain(depth: usize) -> Vec<Node> {
    let at = |i: usize| u32::try_from(i).unwrap();
    let mut nodes: Vec<Node> = (0..depth)
        .map(|i| split(0, 1.0, at(2 * i + 2), at(2 * i + 1)))
        .collect();
    nodes = nodes
        .into_iter()
        .flat_map(|node| [node, leaf(0.0)])
        .collect();
    nodes.push(leaf(9.0));
    nodes
}

#[test]
fn depth_and_counts_are_bounded() {
    let model = |nodes| build(true, Output::Number, Estimator::Trees(trees(nodes)));
    let deepest = model(vec![chain(limit::TREE_DEPTH)]).unwrap();
    let row = [mlops_core::Value::Null, 0.0.into()];
    assert_eq!(
        deepest.predict_value(&row, &mut Scratch::new()).unwrap(),
        9.0
    );
    refused(
        Estimator::Trees(trees(vec![chain(limit::TREE_DEPTH + 1)])),
        "deeper than 256",
    );
    let too_many = trees(vec![vec![leaf(0.0)]; limit::TREES + 1]);
    refused(
        Estimator::Trees(too_many),
        "the number of trees is 100001, at most 100000",
    );
    let heavy = trees(vec![vec![leaf(0.0); limit::NODES / 2]; 3]);
    refused(
        Estimator::Trees(heavy),
        "the number of nodes is 1500000, at most 1000000",
    );
}

#[test]
fn weights_and_shapes_are_checked() {
    let linear = |weights: Vec<f64>, bias| {
        Estimator::Linear(Linear {
            weights,
            bias: vec![bias],
            link: Link::Identity,
        })
    };
    refused(linear(vec![1.0], 0.0), "1 weights meet 2 encoded columns");
    refused(linear(vec![1.0, f64::NAN], 0.0), "weight 1 is NaN");
    refused(linear(vec![1.0, 1.0], f64::INFINITY), "the bias is inf");

    let dense = |rows, cols, weights: Vec<f64>, bias: Vec<f64>| Dense {
        rows,
        cols,
        weights,
        bias,
    };
    let mlp = |layers| {
        Estimator::Mlp(Mlp {
            embeddings: Vec::new(),
            layers,
            activation: Activation::Relu,
            link: Link::Identity,
        })
    };
    refused(mlp(vec![]), "it has no layer");
    refused(
        mlp(vec![dense(2, 2, vec![0.0; 4], vec![0.0; 2])]),
        "the estimator answers 2 numbers, the signature 1",
    );
    let last = || dense(1, 2, vec![0.0; 2], vec![0.0]);
    refused(
        mlp(vec![dense(2, 3, vec![0.0; 6], vec![0.0; 2]), last()]),
        "layer 0 is not valid: it reads 3",
    );
    refused(
        mlp(vec![last(), last()]),
        "layer 1 is not valid: it reads 2 numbers, 1 come in",
    );
    refused(
        mlp(vec![dense(1, 2, vec![0.0; 3], vec![0.0])]),
        "3 weights do not fill 1 by 2",
    );
    refused(
        mlp(vec![dense(1, 2, vec![0.0; 2], vec![])]),
        "0 biases meet 1 outputs",
    );
    refused(
        mlp(vec![dense(1, 2, vec![0.0, f64::NAN], vec![0.0])]),
        "a weight is NaN",
    );
    refused(
        mlp(vec![
            dense(0, 2, vec![], vec![]),
            dense(1, 0, vec![], vec![0.0]),
        ]),
        "no outputs",
    );
    let huge = dense(usize::MAX, 2, vec![0.0; 2], vec![0.0]);
    refused(
        mlp(vec![huge, dense(1, usize::MAX, vec![0.0; 2], vec![0.0])]),
        "do not fill",
    );
}

#[test]
fn embeddings_are_checked_and_their_rows_are_bounded() {
    let table = |column, rows, cols, weights: Vec<f64>| Embedding {
        column,
        rows,
        cols,
        weights,
    };
    let mlp = |embeddings, cols| {
        Estimator::Mlp(Mlp {
            embeddings,
            layers: vec![Dense {
                rows: 1,
                cols,
                weights: vec![1.0; cols],
                bias: vec![0.0],
            }],
            activation: Activation::Relu,
            link: Link::Identity,
        })
    };
    let good = || table(1, 2, 1, vec![10.0, 20.0]);
    for (tables, message) in [
        (
            vec![table(2, 2, 1, vec![0.0; 2])],
            "encoded column 2, there are 2",
        ),
        (vec![table(1, 0, 1, vec![])], "0 by 1 is no table"),
        (vec![table(1, 1, 0, vec![])], "1 by 0 is no table"),
        (
            vec![table(1, 2, 2, vec![0.0; 2])],
            "2 weights do not fill 2 by 2",
        ),
        (vec![table(1, usize::MAX, 2, vec![0.0; 2])], "do not fill"),
        (vec![table(1, 1, 1, vec![f64::NAN])], "a weight is NaN"),
        (
            vec![good(), good()],
            "embedding 1 is not valid: its column does not ascend",
        ),
        (vec![good(), table(0, 1, 1, vec![0.0])], "does not ascend"),
    ] {
        refused(mlp(tables, 2), message);
    }
    refused(mlp(vec![good()], 3), "it reads 3 numbers, 2 come in");
    let heavy = table(0, limit::WEIGHTS, 1, vec![0.0; limit::WEIGHTS]);
    refused(mlp(vec![heavy], 2), "the number of weights is");

    let model = build(false, Output::Number, mlp(vec![good()], 2)).unwrap();
    for (number, expected) in [
        (0.0, 10.0),
        (0.9, 10.0),
        (1.0, 20.0),
        (-1.0, 20.0),
        (1e300, 20.0),
        (f64::MIN, 20.0),
    ] {
        let row = [0.0.into(), number.into()];
        let answer = model.predict_value(&row, &mut Scratch::new()).unwrap();
        assert_eq!(answer, expected, "{number}");
    }
}

#[test]
fn a_missing_value_may_only_reach_trees_and_embeddings() {
    let linear = Linear {
        weights: vec![1.0, 1.0],
        bias: vec![0.0],
        link: Link::Identity,
    };
    let error = build(true, Output::Number, Estimator::Linear(linear.clone())).unwrap_err();
    assert!(
        error.to_string().contains("encoder of input `a`"),
        "{error}"
    );
    assert!(build(false, Output::Number, Estimator::Linear(linear)).is_ok());
    assert!(
        build(
            true,
            Output::Number,
            Estimator::Trees(trees(vec![vec![leaf(0.0)]]))
        )
        .is_ok()
    );
}

#[test]
fn a_probability_must_be_one_whatever_the_row() {
    let yes = || Output::Probability {
        positive: "yes".into(),
    };
    let linear = |weights: Vec<f64>, bias, link| {
        Estimator::Linear(Linear {
            weights,
            bias: vec![bias],
            link,
        })
    };
    let ensemble = |leaves: &[f64], combine, base| {
        let nodes = leaves.iter().map(|value| vec![leaf(*value)]).collect();
        Estimator::Trees(TreeEnsemble {
            combine,
            base: vec![base],
            ..trees(nodes)
        })
    };
    for (estimator, is_one) in [
        (linear(vec![1.0, 0.0], 0.5, Link::Identity), false),
        (linear(vec![1.0, 0.0], 0.5, Link::Logit), true),
        (linear(vec![0.0, 0.0], 0.5, Link::Identity), true),
        (linear(vec![0.0, 0.0], 1.5, Link::Identity), false),
        (ensemble(&[0.0, 1.0, 0.3], Combine::Mean, 0.0), true),
        (ensemble(&[0.0, 1.0, 0.3], Combine::Mean, 0.1), false),
        (ensemble(&[0.0, 1.1], Combine::Mean, 0.0), false),
        (ensemble(&[0.5], Combine::Sum, 0.0), true),
        (ensemble(&[0.5, 0.1], Combine::Sum, 0.0), false),
    ] {
        assert_eq!(
            build(false, yes(), estimator.clone()).is_ok(),
            is_one,
            "{estimator:?}"
        );
    }
}

#[test]
fn an_overflow_is_an_error_and_not_an_answer() {
    let linear = Linear {
        weights: vec![1e300, -1e300],
        bias: vec![0.0],
        link: Link::Identity,
    };
    let model = build(false, Output::Number, Estimator::Linear(linear)).unwrap();
    let row = vec![1e300.into(), 1e300.into()];
    let error = model.predict_value(&row, &mut Scratch::new()).unwrap_err();
    assert!(
        matches!(error, Error::PredictionNotFinite { row: None, .. }),
        "{error}"
    );
    let rows = [vec![0.0.into(), 0.0.into()], row];
    let error = model
        .predict_values(&crate::support::batch(&model, &rows))
        .unwrap_err();
    assert!(
        matches!(error, Error::PredictionNotFinite { row: Some(1), .. }),
        "{error}"
    );
}

#[test]
fn preprocessing_belongs_to_its_signature() {
    let one = Signature::new([Input::new("a", InputKind::Float)], Output::Number).unwrap();
    let other = Signature::new([Input::new("b", InputKind::Float)], Output::Number).unwrap();
    let preprocess = Preprocess::new(&one, vec![Encoder::plain(0)]).unwrap();
    let linear = Linear {
        weights: vec![1.0],
        bias: vec![0.0],
        link: Link::Identity,
    };
    let error = ModelSpec::new(other, preprocess, Estimator::Linear(linear)).unwrap_err();
    assert!(error.to_string().contains("another signature"), "{error}");
}

fn json(encoders: &str, estimator: &str) -> String {
    let inputs = r#"[{"name":"a","kind":"float","nullable":false}]"#;
    format!(
        r#"{{"signature":{{"inputs":{inputs},"output":"number"}},"encoders":{encoders},"estimator":{estimator}}}"#
    )
}

const PLAIN: &str = r#"[{"numeric":{"input":0,"impute":null,"log1p":false,"center":0,"scale":1}}]"#;

fn tree_json(nodes: &str) -> String {
    json(
        PLAIN,
        &format!(r#"{{"trees":{{"trees":[{nodes}],"base":0,"combine":"sum","link":"identity"}}}}"#),
    )
}

#[test]
fn json_is_held_to_the_same_checks() {
    let good = tree_json(r#"[[0,"<=",0.5,1,2,"left"],[1],[2]]"#);
    let model: ModelSpec = serde_json::from_str(&good).unwrap();
    assert_eq!(
        model
            .predict_value(&[0.5.into()], &mut Scratch::new())
            .unwrap(),
        1.0
    );
    for nodes in [
        r#"[[0,"<=",0.5,0,1,"left"],[1]]"#,
        r#"[[0,"<=",0.5,1,2,"left"],[1]]"#,
        r#"[[0,"<=",null,1,2,"left"],[1],[2]]"#,
        r#"[[0,"<=",1e999,1,2,"left"],[1],[2]]"#,
        r#"[[0,"<=",NaN,1,2,"left"],[1],[2]]"#,
        r#"[[1,"<=",0.5,1,2,"left"],[1],[2]]"#,
        r#"[[-1,"<=",0.5,1,2,"left"],[1],[2]]"#,
        r#"[[0.5,"<=",0.5,1,2,"left"],[1],[2]]"#,
        r#"[[5e9,"<=",0.5,1,2,"left"],[1],[2]]"#,
        r#"[[0,">",0.5,1,2,"left"],[1],[2]]"#,
        r#"[[0,"<=",0.5,1,2,"up"],[1],[2]]"#,
        r#"[[0,"<=",0.5,1,2],[1],[2]]"#,
        r#"[[0,"<=",0.5,1,2,"left",3],[1],[2]]"#,
        r#"[[0,"<=",0.5,1,-2,"left"],[1],[2]]"#,
        r#"[[0,"<=",0.5,1,2,"left"],[null],[2]]"#,
        "[[]]",
        "[]",
    ] {
        let text = tree_json(nodes);
        assert!(serde_json::from_str::<ModelSpec>(&text).is_err(), "{nodes}");
    }
    let linear = r#"{"linear":{"weights":[1],"bias":0,"link":"identity"}}"#;
    assert!(serde_json::from_str::<ModelSpec>(&json(PLAIN, linear)).is_ok());
    for (encoders, estimator) in [
        ("[]", linear),
        (
            PLAIN,
            r#"{"linear":{"weights":[1],"bias":0,"link":"identity","extra":1}}"#,
        ),
        (
            PLAIN,
            r#"{"linear":{"weights":[1],"bias":0,"link":"softmax"}}"#,
        ),
        (PLAIN, r#"{"pickle":{}}"#),
        (
            r#"[{"numeric":{"input":1,"impute":null,"log1p":false,"center":0,"scale":1}}]"#,
            linear,
        ),
        (
            r#"[{"numeric":{"input":0,"impute":null,"log1p":false,"center":0,"scale":-1}}]"#,
            linear,
        ),
    ] {
        assert!(
            serde_json::from_str::<ModelSpec>(&json(encoders, estimator)).is_err(),
            "{encoders} {estimator}"
        );
    }
}

#[test]
fn a_list_in_json_cannot_outgrow_its_limit() {
    let leaves = "[0],".repeat(limit::NODES) + "[0]";
    let error = serde_json::from_str::<ModelSpec>(&tree_json(&format!("[{leaves}]"))).unwrap_err();
    assert!(error.to_string().contains("longer than 1000000"), "{error}");
    let half = format!("[{}[0]]", "[0],".repeat(limit::NODES / 2));
    let error =
        serde_json::from_str::<ModelSpec>(&tree_json(&format!("{half},{half}"))).unwrap_err();
    assert!(error.to_string().contains("longer than 1000000"), "{error}");
    let weights = "0,".repeat(limit::WEIGHTS) + "0";
    let linear = format!(r#"{{"linear":{{"weights":[{weights}],"bias":0,"link":"identity"}}}}"#);
    let error = serde_json::from_str::<ModelSpec>(&json("[]", &linear)).unwrap_err();
    assert!(error.to_string().contains("longer than 2000000"), "{error}");
}

#[test]
fn deep_json_does_not_overflow_the_stack() {
    for open in [
        "[",
        r#"{"signature":"#,
        r#"{"estimator":{"trees":{"trees":["#,
    ] {
        assert!(serde_json::from_str::<ModelSpec>(&open.repeat(200_000)).is_err());
    }
    assert!(serde_json::from_str::<ModelSpec>(&tree_json(&"[".repeat(200_000))).is_err());
}
