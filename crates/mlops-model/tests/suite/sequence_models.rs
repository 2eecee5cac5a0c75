//! Networks over sequences as models of columns of lists: the border, the package, and the same bits.

use std::sync::Arc;

use mlops_core::{
    Value,
    arrow::{
        array::{
            Array, ArrayRef, AsArray, FixedSizeListArray, Float32Builder, Float64Array,
            Float64Builder, Int64Builder, LargeListArray, ListArray, ListBuilder, NullArray,
            RecordBatch, StringBuilder,
        },
        buffer::OffsetBuffer,
        datatypes::{DataType, Field},
    },
};
use mlops_model::{
    Curve, Encoder, Error, Estimator, Input, InputKind, Linear, Link, Model, ModelPackage,
    ModelSpec, Output, Preprocess, Scale, Scratch, SequenceSpec, Sequences, Signature,
};
use proptest::prelude::*;

/// An LSTM for two classes and a transformer for three, of the features `a`, `b` and `c` over 6 steps.
pub(crate) fn golden() -> Vec<SequenceSpec> {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../golden/torch/sequences.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap().iter();
    cases
        .map(|case| serde_json::from_value(case["spec"].clone()).unwrap())
        .collect()
}

/// `[steps, 3]`, some of them missing.
fn steps(rows: usize, count: usize) -> Vec<f64> {
    let number = |at: usize| match (rows + at) % 7 {
        3 => f64::NAN,
        n => n as f64 * 0.75 - 1.5 + at as f64 * 0.125,
    };
    (0..count * 3).map(number).collect()
}

fn row(steps: &[f64]) -> Vec<Value> {
    let list = |feature: usize| {
        let numbers = steps.iter().skip(feature).step_by(3);
        numbers.map(|x| Value::Float(*x)).collect()
    };
    (0..3).map(|feature| Value::List(list(feature))).collect()
}

fn lists(rows: &[Vec<f64>], feature: usize) -> ListArray {
    let mut builder = ListBuilder::new(Float64Builder::new());
    for steps in rows {
        for x in steps.iter().skip(feature).step_by(3) {
            builder.values().append_option((!x.is_nan()).then_some(*x));
        }
        builder.append(true);
    }
    builder.finish()
}

fn batch(columns: [(&str, ArrayRef); 3]) -> RecordBatch {
    RecordBatch::try_from_iter(columns.map(|(name, array)| (name, array))).unwrap()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn a_model_of_columns_answers_the_bits_of_its_network() {
    for spec in golden() {
        let model = spec.to_model(6).unwrap();
        let package = ModelPackage::builder(model.clone())
            .input_example(row(&steps(0, 4)))
            .build()
            .unwrap();
        let back = ModelPackage::from_files(package.files().clone()).unwrap();
        assert_eq!(back.digest(), package.digest());
        let loaded = back.load().unwrap();
        assert_eq!(loaded.family(), "sequence");
        assert_eq!(loaded.signature(), model.signature());
        assert_eq!(back.input_example().unwrap().len(), 3);

        let rows: Vec<Vec<f64>> = (0..12).map(|at| steps(at, 1 + at % 6)).collect();
        let mut all = Sequences::new(3).unwrap();
        for steps in &rows {
            all.push(steps).unwrap();
        }
        let expected = spec.predict_all(&all).unwrap();
        // the columns in another order
        let columns = ["c", "a", "b"].map(|name| {
            let feature = "abc".find(name).unwrap();
            (name, Arc::new(lists(&rows, feature)) as ArrayRef)
        });
        let answers = loaded.predict(&batch(columns.clone())).unwrap();
        assert_eq!(bits(answers.values()), bits(expected.values()));
        let sliced = loaded.predict(&batch(columns).slice(5, 3)).unwrap();
        assert_eq!(bits(sliced.row(0)), bits(expected.row(5)));
        let mut scratch = Scratch::new();
        for (at, steps) in rows.iter().enumerate() {
            let answer = loaded.predict_row(&row(steps), &mut scratch).unwrap();
            assert_eq!(bits(answer), bits(expected.row(at)));
        }
    }
}

#[test]
fn the_files_of_a_package_say_that_lists_are_read() {
    let model = golden()[0].to_model(8).unwrap();
    let package = ModelPackage::builder(model).build().unwrap();
    let signature = String::from_utf8(package.files()["signature.json"].clone()).unwrap();
    let floats = r#"{"name":"a","kind":{"floats":{"longest":8}},"nullable":true}"#;
    assert!(signature.contains(floats), "{signature}");
    let mlmodel = String::from_utf8(package.files()["MLmodel"].clone()).unwrap();
    let array = r#"{"type":"array","items":{"type":"double"},"name":"a","required":true}"#;
    assert!(mlmodel.replace('\\', "").contains(array), "{mlmodel}");
    let card = package.card();
    assert!(
        card.contains("sequence, an lstm over at most 6 steps of 3 numbers"),
        "{card}"
    );
    assert!(
        card.contains("| a | a list of 1 to 8 real numbers |"),
        "{card}"
    );
}

#[test]
fn of_longer_lists_the_last_steps_count() {
    for spec in golden() {
        let model = spec.to_model(9).unwrap();
        let long = steps(2, 9);
        let mut scratch = Scratch::new();
        let answer = model.predict_row(&row(&long), &mut scratch).unwrap();
        assert_eq!(bits(answer), bits(&spec.predict(&long[9..]).unwrap()));
        let error = spec.to_model(5).unwrap_err().to_string();
        assert!(
            error.contains("it keeps 6 steps, the lists of input `a` have 1 to 5"),
            "{error}"
        );
        assert!(spec.to_model(1025).is_err());
    }
}

#[test]
fn lists_of_every_width_and_whole_numbers_are_read() {
    let spec = golden().remove(0);
    let model = spec.to_model(6).unwrap();
    let whole = [1.0, 2.0, -3.0, 4.0, 5.0, 6.0];
    let expected = spec.predict(&whole).unwrap();
    let feature = |at: usize| [whole[at], whole[at + 3]];
    let floats = |at: usize| {
        let mut builder = ListBuilder::new(Float32Builder::new());
        for x in feature(at) {
            #[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
            builder.values().append_value(x as f32);
        }
        builder.append(true);
        Arc::new(builder.finish()) as ArrayRef
    };
    let ints = |at: usize| {
        let mut builder = ListBuilder::new(Int64Builder::new());
        builder
            .values()
            .append_slice(&[[1, 4], [2, 5], [-3, 6]][at]);
        builder.append(true);
        Arc::new(builder.finish()) as ArrayRef
    };
    let item = || Arc::new(Field::new_list_field(DataType::Float64, true));
    let values = |at: usize| Arc::new(Float64Array::from(feature(at).to_vec())) as ArrayRef;
    let large = |at: usize| {
        let offsets = OffsetBuffer::from_lengths([2]);
        Arc::new(LargeListArray::new(item(), offsets, values(at), None)) as ArrayRef
    };
    let fixed =
        |at: usize| Arc::new(FixedSizeListArray::new(item(), 2, values(at), None)) as ArrayRef;
    let of = |make: &dyn Fn(usize) -> ArrayRef| {
        let columns = [("a", make(0)), ("b", make(1)), ("c", make(2))];
        model.predict(&batch(columns)).unwrap().into_values()
    };
    for make in [&floats as &dyn Fn(usize) -> ArrayRef, &ints, &large, &fixed] {
        assert_eq!(bits(&of(make)), bits(&expected));
    }
    let row = [[1, 4], [2, 5], [-3, 6]].map(|list| Value::List(list.map(Value::Int).to_vec()));
    let answer = model.predict_value(&row, &mut Scratch::new()).unwrap();
    assert_eq!(answer.to_bits(), expected[0].to_bits());
}

#[test]
fn what_is_no_list_that_is_read_is_refused_by_column_and_row() {
    let whole = Input::new("a", InputKind::Ints { longest: 3 });
    let real = Input::new("b", InputKind::Floats { longest: 3 });
    let signature = Signature::new([whole, real.nullable()], Output::Number).unwrap();
    let list = |values: &[Value]| Value::List(values.to_vec());
    let (one, half) = (Value::Int(1), Value::Float(0.5));
    let good = list(std::slice::from_ref(&half));
    for (value, expected) in [
        (Value::Null, "column `a` is null"),
        (
            one.clone(),
            "holds a whole number, the model reads a list of 1 to 3 whole numbers",
        ),
        (Value::from("x"), "holds a text, the model reads a list"),
        (list(&[]), "the list of column `a`: it is empty"),
        (
            list(&vec![one.clone(); 4]),
            "it has 4 numbers, at most 3 are read",
        ),
        (
            list(&[one.clone(), Value::Null]),
            "number 1 is null, and the input is not nullable",
        ),
        (
            list(std::slice::from_ref(&half)),
            "number 0 is a real number",
        ),
        (list(&[Value::from("x")]), "number 0 is a text"),
        (list(&[Value::Bool(true)]), "number 0 is a boolean"),
        (
            list(&[list(std::slice::from_ref(&one))]),
            "number 0 is no single value",
        ),
        (
            list(&[Value::Int((1 << 53) + 1)]),
            "beyond 2^53 it would be rounded",
        ),
    ] {
        let error = signature.check_row(&[value, good.clone()]).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let bad = list(&[one.clone(), Value::Float(f64::INFINITY)]);
    let error = signature
        .check_row(&[list(std::slice::from_ref(&one)), bad])
        .unwrap_err();
    assert_eq!(error.to_string(), "the list of column `b`: number 1 is inf");
    let gaps = list(&[Value::Null, Value::Float(f64::NAN), one.clone()]);
    signature
        .check_row(&[list(std::slice::from_ref(&one)), gaps])
        .unwrap();

    let columns = |a: ArrayRef| {
        let b: ArrayRef = Arc::new(lists(&vec![vec![0.5; 3]; a.len()], 0));
        RecordBatch::try_from_iter([("a", a), ("b", b)]).unwrap()
    };
    let mut ints = ListBuilder::new(Int64Builder::new());
    for length in [1, 4] {
        ints.values().append_slice(&vec![7; length]);
        ints.append(true);
    }
    ints.append(false);
    let ints = ints.finish();
    let check = |a: ArrayRef| signature.check_batch(&columns(a)).unwrap_err().to_string();
    let error = check(Arc::new(ints.clone()));
    assert!(
        error.starts_with("the list of column `a` in row 1: it has 4 numbers"),
        "{error}"
    );
    let error = check(Arc::new(ints.slice(2, 1)));
    assert!(error.starts_with("column `a` in row 0 is null"), "{error}");
    assert!(check(Arc::new(NullArray::new(2))).starts_with("column `a` in row 0 is null"));
    let mut texts = ListBuilder::new(StringBuilder::new());
    texts.values().append_value("x");
    texts.append(true);
    for wrong in [
        Arc::new(texts.finish()) as ArrayRef,
        Arc::new(lists(&[vec![1.0; 3]], 0)),
    ] {
        assert!(check(wrong).contains("column `a` holds a column of List"));
    }
    assert!(check(Arc::new(Float64Array::from(vec![1.0]))).contains("holds a column of Float64"));
}

#[test]
fn lists_of_one_row_have_one_length() {
    let model = golden()[0].to_model(6).unwrap();
    let mut rows = row(&steps(0, 3));
    let Value::List(list) = &mut rows[1] else {
        unreachable!("`row` makes lists")
    };
    list.pop();
    let error = model.predict_row(&rows, &mut Scratch::new()).unwrap_err();
    let expected = "the list of column `b`: it has 2 numbers, that of `a` has 3";
    assert_eq!(error.to_string(), expected);
    let columns = [[3, 2], [3, 2], [3, 1]].map(|lengths| {
        let rows = lengths.map(|length| steps(0, length));
        Arc::new(lists(&rows, 0)) as ArrayRef
    });
    let [a, b, c] = columns;
    let error = model
        .predict(&batch([("a", a), ("b", b), ("c", c)]))
        .unwrap_err();
    let expected = "the list of column `c` in row 1: it has 1 numbers, that of `a` has 2";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn sequences_stand_in_ensembles_behind_curves_and_beside_other_columns() {
    let lstm = golden().remove(0);
    let model = lstm.to_model(6).unwrap();
    let halves = ModelSpec::average(&[model.clone(), model.clone()], vec![1.0, 1.0]).unwrap();
    let curve = Curve::Sigmoid {
        slope: -2.0,
        intercept: 0.5,
    };
    let calibrated = model.clone().calibrated(vec![curve.clone()]).unwrap();
    let steps = steps(1, 5);
    let mut scratch = Scratch::new();
    let plain = model.predict_value(&row(&steps), &mut scratch).unwrap();
    let blended = halves.predict_value(&row(&steps), &mut scratch).unwrap();
    assert!((plain - blended).abs() < 1e-15);
    let other = calibrated
        .predict_value(&row(&steps), &mut scratch)
        .unwrap();
    assert_ne!(other, plain);
    for spec in [halves, calibrated] {
        let text = serde_json::to_string(&spec).unwrap();
        let back: ModelSpec = serde_json::from_str(&text).unwrap();
        let was = spec.predict_value(&row(&steps), &mut scratch).unwrap();
        assert_eq!(back.predict_value(&row(&steps), &mut scratch).unwrap(), was);
    }
    // a linear model reads the last numbers of a list as columns
    let list = Input::new("spent", InputKind::Floats { longest: 4 });
    let inputs = [Input::new("age", InputKind::Int), list.nullable()];
    let signature = Signature::new(inputs, Output::Number).unwrap();
    let one = Scale {
        center: 0.0,
        scale: 1.0,
    };
    let sequence = Encoder::Sequence {
        inputs: vec![1],
        steps: 2,
        scales: vec![one],
    };
    let preprocess = Preprocess::new(&signature, vec![Encoder::plain(0), sequence]).unwrap();
    let names = ["age", "spent:steps", "spent[0]", "spent[1]"];
    assert_eq!(preprocess.output_names(), names);
    let linear = Linear {
        weights: vec![1.0, 10.0, 100.0, 1000.0],
        bias: vec![0.0],
        link: Link::Identity,
    };
    let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(linear)).unwrap();
    for (numbers, expected) in [(vec![3.0], 317.0), (vec![9.0, 1.0, 2.0], 2127.0)] {
        let list = numbers.into_iter().map(Value::Float).collect();
        let row = [Value::Int(7), Value::List(list)];
        assert_eq!(spec.predict_value(&row, &mut scratch).unwrap(), expected);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of what is refused")]
fn a_network_reads_the_columns_of_its_sequence_and_no_others() {
    let model = golden()[0].to_model(6).unwrap();
    let Estimator::Sequence(sequence) = model.estimator().clone() else {
        unreachable!("the estimator of a sequence")
    };
    let build = |encoders: Vec<Encoder>, inputs: Vec<Input>| {
        let output = model.signature().output().clone();
        let signature = Signature::new(inputs, output)?;
        let preprocess = Preprocess::new(&signature, encoders)?;
        ModelSpec::new(signature, preprocess, Estimator::Sequence(sequence.clone()))
    };
    let lists = || model.signature().inputs().to_vec();
    let own = model.preprocess().encoders()[0].clone();
    assert!(build(vec![own.clone()], lists()).is_ok());
    let with = |change: fn(&mut Vec<usize>, &mut usize, &mut Vec<Scale>)| {
        let mut encoder = own.clone();
        if let Encoder::Sequence {
            inputs,
            steps,
            scales,
        } = &mut encoder
        {
            change(inputs, steps, scales);
        }
        vec![encoder]
    };
    let plain = |count: usize| vec![Encoder::plain(0); count];
    let number = || vec![Input::new("x", InputKind::Float)];
    for (encoders, inputs, expected) in [
        (
            plain(19),
            number(),
            "no encoder makes 6 steps of 3 numbers from column 0 on",
        ),
        (plain(18), number(), "it reads 19 columns, 18 come in"),
        (
            plain(1),
            lists(),
            "input `a` is a list, which only a sequence reads",
        ),
        (
            vec![Encoder::Missing { input: 1 }],
            lists(),
            "input `b` is a list",
        ),
        (
            vec![Encoder::OneHot {
                input: 0,
                categories: vec!["1".into()],
            }],
            lists(),
            "has no categories",
        ),
        (
            vec![own.clone()],
            number(),
            "input `x` is a real number and no list",
        ),
        (
            with(|inputs, _, _| inputs.clear()),
            lists(),
            "it reads input 18446744073709551615",
        ),
        (
            with(|inputs, _, _| inputs[0] = 3),
            lists(),
            "it reads input 3",
        ),
        (with(|_, steps, _| *steps = 7), lists(), "it keeps 7 steps"),
        (with(|_, steps, _| *steps = 0), lists(), "it keeps 0 steps"),
        (
            with(|_, steps, _| *steps = usize::MAX),
            lists(),
            "the number of encoded columns is",
        ),
        (
            with(|_, steps, _| *steps = 5),
            lists(),
            "it reads 19 columns, 16 come in",
        ),
        (
            with(|_, _, scales| scales.truncate(2)),
            lists(),
            "2 scales do not fit 3 inputs",
        ),
        (
            with(|_, _, scales| scales[1].scale = 0.0),
            lists(),
            "it must be above 0",
        ),
        (
            with(|_, _, scales| scales[2].center = f64::NAN),
            lists(),
            "`center` of input",
        ),
    ] {
        let error = build(encoders, inputs).unwrap_err();
        let mut text = error.to_string();
        if let Error::InvalidModel { reason, .. } = &error {
            text = format!("{text}: {reason}");
        }
        assert!(text.contains(expected), "{text} is not {expected}");
    }
    for longest in [0, 1025] {
        let input = Input::new("a", InputKind::Floats { longest });
        assert!(Signature::new([input], Output::Number).is_err());
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let single = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-9i64..9).prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        "[a-c]{0,2}".prop_map(Value::Str),
    ];
    let list = prop::collection::vec(single.clone(), 0..8).prop_map(Value::List);
    prop_oneof![1 => single, 6 => list]
}

proptest! {
    #[test]
    fn any_row_is_answered_or_refused_as_its_batch_is(
        values in prop::collection::vec(prop::collection::vec(-9.0..9.0f64, 0..8), 3),
        gaps in any::<u8>(),
    ) {
        let model = golden()[1].to_model(6).unwrap();
        let mut values = values;
        for (at, list) in values.iter_mut().enumerate() {
            if gaps & (1 << at) != 0 && let Some(first) = list.first_mut() {
                *first = f64::NAN;
            }
        }
        let list = |numbers: &Vec<f64>| Value::List(numbers.iter().copied().map(Value::Float).collect());
        let row: Vec<Value> = values.iter().map(list).collect();
        let columns = [("a", 0), ("b", 1), ("c", 2)].map(|(name, at)| {
            let mut builder = ListBuilder::new(Float64Builder::new());
            builder.values().append_slice(&values[at]);
            builder.append(true);
            (name, Arc::new(builder.finish()) as ArrayRef)
        });
        let mut scratch = Scratch::new();
        let one = model.predict_row(&row, &mut scratch).map(<[f64]>::to_vec);
        let many = model.predict(&batch(columns)).map(mlops_model::Matrix::into_values);
        match (one, many) {
            (Ok(one), Ok(many)) => prop_assert_eq!(bits(&one), bits(&many)),
            (Err(one), Err(many)) => prop_assert_eq!(one.in_row(0).to_string(), many.to_string()),
            (one, many) => prop_assert!(false, "{one:?} is not {many:?}"),
        }
    }

    #[test]
    fn no_changed_text_of_a_model_panics(at in any::<prop::sample::Index>(), byte in 32u8..127, which in 0usize..2) {
        let model = golden()[which].to_model(6).unwrap();
        let mut text = serde_json::to_vec(&model).unwrap();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(changed) = serde_json::from_slice::<ModelSpec>(&text) {
            let _ = changed.predict_row(&row(&steps(1, 3)), &mut Scratch::new());
        }
    }

    #[test]
    fn no_row_of_any_values_panics(values in prop::collection::vec(any_value(), 3)) {
        let model = golden()[0].to_model(6).unwrap();
        if let Ok([answer, ..]) = model.predict_row(&values, &mut Scratch::new()) {
            prop_assert!((0.0..=1.0).contains(answer));
        }
    }
}

#[test]
fn what_a_network_is_trained_on_is_what_its_model_reads() {
    // `Sequences::from_lists` and the model bind the same columns
    let spec = golden().remove(1);
    let rows: Vec<Vec<f64>> = (0..5).map(|at| steps(at, 2 + at % 3)).collect();
    let columns = batch(["a", "b", "c"].map(|name| {
        let feature = "abc".find(name).unwrap();
        (name, Arc::new(lists(&rows, feature)) as ArrayRef)
    }));
    let sequences = Sequences::from_lists(&columns, &["a", "b", "c"]).unwrap();
    let expected = spec.predict_all(&sequences).unwrap();
    let found = spec.to_model(6).unwrap().predict(&columns).unwrap();
    assert_eq!(bits(found.values()), bits(expected.values()));
    assert_eq!(columns.column(0).as_list::<i32>().len(), 5);
}
