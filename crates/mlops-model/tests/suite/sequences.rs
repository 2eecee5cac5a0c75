//! Models of sequences: torch's answers, shapes that are refused, lists of Arrow.

use std::sync::Arc;

use mlops_core::arrow::array::{
    ArrayRef, Float64Array, Float64Builder, Int64Builder, ListBuilder, RecordBatch,
};
use mlops_model::{
    Block, Dense, Error, Link, Lstm, Norm, Output, Result, Scale, SequenceNetwork, SequenceSpec,
    Sequences, Transformer, limit,
};

#[test]
fn answers_agree_with_torch_and_many_with_one() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../golden/torch/sequences.json")).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let spec: SequenceSpec = serde_json::from_value(case["spec"].clone()).unwrap();
        let again = serde_json::to_string(&spec).unwrap();
        let again: SequenceSpec = serde_json::from_str(&again).unwrap();
        let mut all = Sequences::new(3).unwrap();
        let mut ones = Vec::new();
        for answer in case["answers"].as_array().unwrap() {
            let (steps, expected): (Vec<Vec<f64>>, Vec<f64>) =
                serde_json::from_value(answer.clone()).unwrap();
            let steps = steps.concat();
            let ours = spec.predict(&steps).unwrap();
            for (ours, theirs) in ours.iter().zip(&expected) {
                assert!((ours - theirs).abs() < 1e-12, "{ours} is not {theirs}");
            }
            assert_eq!(ours.len(), expected.len());
            assert_eq!(ours, again.predict(&steps).unwrap());
            all.push(&steps).unwrap();
            ones.extend(ours);
        }
        assert_eq!(spec.predict_all(&all).unwrap().values(), ones);
    }
}

fn dense(rows: usize, cols: usize) -> Dense {
    Dense {
        rows,
        cols,
        weights: vec![0.5; rows * cols],
        bias: vec![0.0; rows],
    }
}

fn norm(size: usize) -> Norm {
    Norm {
        gain: vec![1.0; size],
        bias: vec![0.0; size],
    }
}

fn lstm() -> Lstm {
    Lstm {
        layers: vec![dense(8, 4)],
        head: dense(1, 2),
    }
}

fn transformer() -> Transformer {
    Transformer {
        embed: dense(4, 2),
        positions: vec![0.0; 12],
        heads: 2,
        blocks: vec![Block {
            attention_norm: norm(4),
            attention: dense(12, 4),
            mix: dense(4, 4),
            dense_norm: norm(4),
            widen: dense(5, 4),
            narrow: dense(4, 5),
        }],
        norm: norm(4),
        head: dense(1, 4),
    }
}

fn build(network: SequenceNetwork) -> Result<SequenceSpec> {
    let scale = Scale {
        center: 1.0,
        scale: 2.0,
    };
    let names = ["a", "b"].map(String::from).to_vec();
    SequenceSpec::new(
        names,
        3,
        vec![scale; 2],
        Output::Number,
        Link::Identity,
        network,
    )
}

/// What breaks a network.
type Spoil<T> = fn(&mut T);

#[test]
fn shapes_and_numbers_are_checked() {
    assert!(build(SequenceNetwork::Lstm(lstm())).is_ok());
    assert!(build(SequenceNetwork::Transformer(transformer())).is_ok());
    let spoilt: [(Spoil<Lstm>, &str); 6] = [
        (|net| net.layers.clear(), "it has no layer"),
        (
            |net| net.layers[0] = dense(6, 3),
            "6 rows are no four gates",
        ),
        (
            |net| net.layers[0] = dense(8, 3),
            "it reads 3 numbers, 4 come in",
        ),
        (|net| net.layers[0].weights[3] = f64::NAN, "a weight is NaN"),
        (|net| net.head = dense(1, 3), "head is not valid"),
        (
            |net| net.head = dense(2, 2),
            "the network answers 2 numbers",
        ),
    ];
    for (spoil, message) in spoilt {
        let mut net = lstm();
        spoil(&mut net);
        let error = build(SequenceNetwork::Lstm(net)).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let spoilt: [(Spoil<Transformer>, &str); 11] = [
        (|net| net.heads = 0, "0 heads do not share 4 numbers"),
        (|net| net.heads = 3, "3 heads do not share 4 numbers"),
        (
            |net| net.positions.truncate(11),
            "11 numbers do not fill 3 by 4",
        ),
        (|net| net.positions[5] = f64::INFINITY, "one is inf"),
        (|net| net.embed = dense(4, 3), "embedding of steps"),
        (
            |net| net.blocks[0].attention = dense(8, 4),
            "are no outputs for vectors of 4",
        ),
        (
            |net| net.blocks[0].narrow = dense(4, 6),
            "block 0 is not valid",
        ),
        (
            |net| net.blocks[0].mix = dense(3, 4),
            "are no outputs for vectors of 4",
        ),
        (
            |net| net.norm = norm(3),
            "the norm does not meet vectors of 4",
        ),
        (
            |net| net.blocks[0].dense_norm.gain[0] = f64::NAN,
            "a number of the norm is NaN",
        ),
        (
            |net| net.blocks = vec![net.blocks[0].clone(); 65],
            "the number of blocks is 65, at most 64",
        ),
    ];
    for (spoil, message) in spoilt {
        let mut net = transformer();
        spoil(&mut net);
        let error = build(SequenceNetwork::Transformer(net))
            .unwrap_err()
            .to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn names_scales_links_and_limits_are_checked() {
    let one = Scale {
        center: 0.0,
        scale: 1.0,
    };
    let spec = |names: &[&str], steps, scales: Vec<Scale>, output, link| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let network = SequenceNetwork::Lstm(lstm());
        SequenceSpec::new(names, steps, scales, output, link, network)
            .unwrap_err()
            .to_string()
    };
    let bad = |center, scale| vec![Scale { center, scale }, one];
    let yes = || Output::Probability {
        positive: "y".into(),
    };
    for (error, message) in [
        (
            spec(&[], 3, vec![], Output::Number, Link::Identity),
            "no features",
        ),
        (
            spec(&["a", "a"], 3, vec![one; 2], Output::Number, Link::Identity),
            "`a` is named twice",
        ),
        (
            spec(&["a", "b"], 0, vec![one; 2], Output::Number, Link::Identity),
            "no step",
        ),
        (
            spec(
                &["a", "b"],
                9999,
                vec![one; 2],
                Output::Number,
                Link::Identity,
            ),
            "at most 1024",
        ),
        (
            spec(&["a", "b"], 3, vec![one], Output::Number, Link::Identity),
            "1 of them meet 2",
        ),
        (
            spec(
                &["a", "b"],
                3,
                bad(0.0, 0.0),
                Output::Number,
                Link::Identity,
            ),
            "scale of `a`",
        ),
        (
            spec(
                &["a", "b"],
                3,
                bad(f64::NAN, 1.0),
                Output::Number,
                Link::Identity,
            ),
            "scale of `a`",
        ),
        (
            spec(&["a", "b"], 3, vec![one; 2], yes(), Link::Identity),
            "need the logit link",
        ),
        (
            spec(&["a", "b"], 3, vec![one; 2], Output::Number, Link::Softmax),
            "need the logit link",
        ),
    ] {
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn sequences_that_cannot_be_read_are_named() {
    let model = build(SequenceNetwork::Lstm(lstm())).unwrap();
    for (steps, message) in [
        (vec![], "it has no step"),
        (vec![1.0; 3], "3 numbers make no steps of 2"),
        (vec![1.0; 8], "it has 4 steps, at most 3 are read"),
        (
            vec![1.0, 2.0, 3.0, f64::INFINITY],
            "feature 1 of step 1 is inf",
        ),
    ] {
        let error = model.predict(&steps).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    // what is missing lies at the center
    let missing = model.predict(&[f64::NAN, 4.0]).unwrap();
    assert_eq!(missing, model.predict(&[1.0, 4.0]).unwrap());
    let mut long = Sequences::new(2).unwrap();
    long.push(&[1.0; 2]).unwrap();
    long.push(&[1.0; 8]).unwrap();
    let error = model.predict_all(&long).unwrap_err();
    assert!(
        matches!(error, Error::InvalidSequence { sequence: 1, .. }),
        "{error}"
    );
    let mut narrow = Sequences::new(1).unwrap();
    narrow.push(&[1.0]).unwrap();
    assert!(model.predict_all(&narrow).is_err());
    assert!(Sequences::new(0).is_err());
    assert!(
        long.push(&vec![0.0; 2 * limit::SEQUENCE_STEPS + 2])
            .is_err()
    );
}

#[test]
fn lists_of_arrow_become_sequences() {
    let amounts = [Some(vec![Some(1.5), None]), Some(vec![Some(2.5)])];
    let counts = [Some(vec![Some(7), Some(8)]), Some(vec![Some(9)])];
    let batch = |amounts: &[Option<Vec<Option<f64>>>], counts: &[Option<Vec<Option<i64>>>]| {
        let mut first = ListBuilder::new(Float64Builder::new());
        for list in amounts {
            first.append_option(list.clone());
        }
        let mut second = ListBuilder::new(Int64Builder::new());
        for list in counts {
            second.append_option(list.clone());
        }
        let columns: [(&str, ArrayRef); 2] = [
            ("amount", Arc::new(first.finish())),
            ("count", Arc::new(second.finish())),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let read = |batch: &RecordBatch| Sequences::from_lists(batch, &["count", "amount"]);
    let good = batch(&amounts, &counts);
    let sequences = read(&good).unwrap();
    assert_eq!((sequences.len(), sequences.width()), (2, 2));
    assert_eq!(sequences.get(0)[..3], [7.0, 1.5, 8.0]);
    assert!(sequences.get(0)[3].is_nan());
    assert_eq!(sequences.get(1), [9.0, 2.5]);
    // a slice reads its own lists
    assert_eq!(read(&good.slice(1, 1)).unwrap().get(0), [9.0, 2.5]);
    for (amounts, counts, message) in [
        (
            vec![None],
            vec![Some(vec![Some(1)])],
            "the list of `amount` is null",
        ),
        (
            vec![Some(vec![Some(1.0)])],
            vec![Some(vec![])],
            "`amount` has 1 steps, `count` has 0",
        ),
        (vec![Some(vec![])], vec![Some(vec![])], "it has no step"),
    ] {
        let error = read(&batch(&amounts, &counts)).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let error = Sequences::from_lists(&good, &["other"]).unwrap_err();
    assert!(matches!(error, Error::MissingColumn { .. }), "{error}");
    let flat: [(&str, ArrayRef); 1] = [("amount", Arc::new(Float64Array::from(vec![1.0])))];
    let flat = RecordBatch::try_from_iter(flat).unwrap();
    assert!(Sequences::from_lists(&flat, &["amount"]).is_err());
}
