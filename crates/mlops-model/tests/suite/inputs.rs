//! The border: what a signature lets in, and how it names what it does not.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{
    ErrorKind, EventTime, Value,
    arrow::{
        array::{
            ArrayRef, BooleanArray, Float32Array, Float64Array, Int8Array, Int32Array, Int64Array,
            LargeStringArray, NullArray, RecordBatch, StringArray, UInt32Array,
        },
        datatypes::{DataType, Field, Schema},
    },
};
use mlops_model::{Encoder, Error, Input, InputKind, Output, Preprocess, Signature};

fn signature() -> Signature {
    Signature::new(
        [
            Input::new("amount", InputKind::Float),
            Input::new("orders", InputKind::Int),
            Input::new("member", InputKind::Bool).nullable(),
            Input::new("country", InputKind::Str).nullable(),
        ],
        Output::Number,
    )
    .unwrap()
}

fn good() -> BTreeMap<String, Value> {
    let values = [
        ("amount", Value::Float(1.5)),
        ("orders", Value::Int(3)),
        ("member", Value::Bool(true)),
        ("country", "UK".into()),
    ];
    values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn refusal(name: &str, value: Value) -> String {
    let mut values = good();
    values.insert(name.to_owned(), value);
    let error = signature().row_from_map(&values).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.column(), Some(name));
    error.to_string()
}

#[test]
fn a_request_is_put_into_order() {
    let row = signature().row_from_map(&good()).unwrap();
    assert_eq!(
        row,
        [
            Value::Float(1.5),
            Value::Int(3),
            Value::Bool(true),
            "UK".into()
        ]
    );
}

#[test]
fn a_value_that_does_not_fit_is_refused_by_name() {
    let all = "`amount`, `orders`, `member`, `country`";
    for (name, value, message) in [
        (
            "amount",
            "1.5".into(),
            "column `amount` holds a text, the model reads a real number",
        ),
        (
            "amount",
            Value::Bool(true),
            "column `amount` holds a boolean, the model reads a real number",
        ),
        (
            "amount",
            Value::Null,
            "column `amount` is null, and the input is not nullable",
        ),
        (
            "amount",
            Value::Float(f64::NAN),
            "column `amount` is null, and the input is not nullable",
        ),
        (
            "amount",
            Value::Float(f64::INFINITY),
            "column `amount` is inf, which is not a finite number",
        ),
        (
            "amount",
            Value::Int((1 << 53) + 1),
            "column `amount` is 9007199254740993; beyond 2^53 it would be rounded",
        ),
        (
            "amount",
            EventTime::from_seconds(0).into(),
            "column `amount` holds a time, the model reads a real number",
        ),
        (
            "orders",
            Value::Float(3.0),
            "column `orders` holds a real number, the model reads a whole number",
        ),
        (
            "orders",
            Value::Int(i64::MIN),
            "column `orders` is -9223372036854775808; beyond 2^53 it would be rounded",
        ),
        (
            "member",
            Value::Int(1),
            "column `member` holds a whole number, the model reads a boolean",
        ),
        (
            "country",
            Value::Bool(false),
            "column `country` holds a boolean, the model reads a text",
        ),
        (
            "surprise",
            Value::Null,
            &format!("column `surprise` is not an input; the model reads {all}"),
        ),
    ] {
        assert_eq!(refusal(name, value), message);
    }
    let mut values = good();
    values.remove("orders");
    let error = signature().row_from_map(&values).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("column `orders` is missing; the model reads {all}")
    );
    let error = signature().check_row(&[Value::Null]).unwrap_err().in_row(4);
    assert_eq!(
        error.to_string(),
        "the row in row 4 has 1 values, the model reads 4"
    );
    let twice = [("amount", Value::Int(1)), ("amount", Value::Int(2))];
    assert!(matches!(
        signature().row(twice),
        Err(Error::DuplicateColumn { .. })
    ));
}

#[test]
fn whole_numbers_are_real_numbers_up_to_two_to_the_53rd() {
    for value in [0, 1 << 53, -(1 << 53)] {
        let mut values = good();
        values.insert("amount".into(), Value::Int(value));
        assert!(signature().row_from_map(&values).is_ok(), "{value}");
    }
}

fn columns(names: &[&str], arrays: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_from_iter(names.iter().copied().zip(arrays)).unwrap()
}

const NAMES: [&str; 4] = ["amount", "orders", "member", "country"];

fn arrays() -> Vec<ArrayRef> {
    vec![
        Arc::new(Float64Array::from(vec![0.5, 2.0])),
        Arc::new(Int64Array::from(vec![1, 2])),
        Arc::new(BooleanArray::from(vec![Some(true), None])),
        Arc::new(StringArray::from(vec![None, Some("UK")])),
    ]
}

#[test]
fn every_width_of_a_column_encodes_alike() {
    let encoders = vec![
        Encoder::plain(0),
        Encoder::plain(1),
        Encoder::plain(2),
        Encoder::OneHot {
            input: 3,
            categories: vec!["UK".into()],
        },
        Encoder::OneHot {
            input: 1,
            categories: vec!["2".into(), "-7".into()],
        },
        Encoder::OneHot {
            input: 2,
            categories: vec!["true".into()],
        },
    ];
    let preprocess = Preprocess::new(&signature(), encoders).unwrap();
    let encode = |arrays| {
        let matrix = preprocess.encode(&columns(&NAMES, arrays)).unwrap();
        assert_eq!((matrix.rows(), matrix.width()), (2, 7));
        let values = matrix.into_values();
        values
            .iter()
            .map(|x| if x.is_nan() { -9.0 } else { *x })
            .collect::<Vec<_>>()
    };
    let expected = encode(arrays());
    assert_eq!(
        expected,
        [
            0.5, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 2.0, -9.0, 1.0, 1.0, 0.0, 0.0
        ]
    );
    let others: Vec<(usize, ArrayRef)> = vec![
        (0, Arc::new(Float32Array::from(vec![0.5, 2.0]))),
        (1, Arc::new(Int32Array::from(vec![1, 2]))),
        (1, Arc::new(Int8Array::from(vec![1, 2]))),
        (1, Arc::new(UInt32Array::from(vec![1, 2]))),
        (3, Arc::new(LargeStringArray::from(vec![None, Some("UK")]))),
    ];
    for (at, array) in others {
        let mut arrays = arrays();
        arrays[at] = array;
        assert_eq!(encode(arrays), expected, "column {at}");
    }
    let mut arrays = arrays();
    arrays[0] = Arc::new(Int64Array::from(vec![4, 2]));
    arrays[2] = Arc::new(NullArray::new(2));
    assert_eq!(encode(arrays)[..3], [4.0, 1.0, -9.0]);
}

#[test]
fn a_batch_that_does_not_fit_is_refused_by_column_and_row() {
    let refusal = |at: usize, array: ArrayRef| {
        let mut arrays = arrays();
        arrays[at] = array;
        signature()
            .check_batch(&columns(&NAMES, arrays))
            .unwrap_err()
            .to_string()
    };
    let floats = |values: Vec<Option<f64>>| Arc::new(Float64Array::from(values)) as ArrayRef;
    assert_eq!(
        refusal(0, floats(vec![Some(1.0), None])),
        "column `amount` in row 1 is null, and the input is not nullable"
    );
    assert_eq!(
        refusal(0, floats(vec![Some(1.0), Some(f64::NAN)])),
        "column `amount` in row 1 is null, and the input is not nullable"
    );
    assert_eq!(
        refusal(0, floats(vec![Some(f64::NEG_INFINITY), None])),
        "column `amount` in row 0 is -inf, which is not a finite number"
    );
    assert_eq!(
        refusal(0, Arc::new(Int64Array::from(vec![0, i64::MAX]))),
        "column `amount` in row 1 is 9223372036854775807; beyond 2^53 it would be rounded"
    );
    assert_eq!(
        refusal(1, floats(vec![Some(1.0), Some(2.0)])),
        "column `orders` holds a column of Float64, the model reads a whole number"
    );
    assert_eq!(
        refusal(3, Arc::new(Int64Array::from(vec![0, 1]))),
        "column `country` holds a column of Int64, the model reads a text"
    );
    let missing = columns(&NAMES[..3], arrays()[..3].to_vec());
    let error = signature().check_batch(&missing).unwrap_err();
    assert!(
        matches!(&error, Error::MissingColumn { column, .. } if column == "country"),
        "{error}"
    );
    let extra = columns(&["amount", "orders", "member", "label"], arrays());
    let error = signature().check_batch(&extra).unwrap_err();
    assert!(
        matches!(&error, Error::UnknownColumn { column, .. } if column == "label"),
        "{error}"
    );
    let fields = ["amount", "amount"].map(|name| Field::new(name, DataType::Float64, true));
    let twice = vec![arrays()[0].clone(), arrays()[0].clone()];
    let twice = RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), twice).unwrap();
    assert!(matches!(
        signature().check_batch(&twice),
        Err(Error::DuplicateColumn { .. })
    ));
}

#[test]
fn a_signature_is_checked_when_it_is_made_and_when_it_is_read() {
    let float = |name: &str| Input::new(name, InputKind::Float);
    for inputs in [
        vec![float("")],
        vec![float("a"), float("b"), float("a")],
        vec![float("a\nb")],
        vec![float(&"x".repeat(513))],
        (0..4_097).map(|i| float(&format!("x{i}"))).collect(),
    ] {
        let json = serde_json::json!({"inputs": inputs, "output": "number"}).to_string();
        assert!(serde_json::from_str::<Signature>(&json).is_err());
        assert!(Signature::new(inputs, Output::Number).is_err());
    }
    let json = serde_json::to_string(&signature()).unwrap();
    assert_eq!(
        serde_json::from_str::<Signature>(&json).unwrap(),
        signature()
    );
}

#[test]
fn the_columns_of_a_schema_become_inputs() {
    let schema = Schema::new(vec![
        Field::new("a", DataType::Float32, true),
        Field::new("b", DataType::UInt8, false),
    ]);
    let signature = Signature::from_schema(&schema, Output::Number).unwrap();
    assert_eq!(
        signature.inputs(),
        [
            Input::new("a", InputKind::Float).nullable(),
            Input::new("b", InputKind::Int)
        ]
    );
    let schema = Schema::new(vec![Field::new("t", EventTime::data_type(), true)]);
    let error = Signature::from_schema(&schema, Output::Number).unwrap_err();
    assert!(error.to_string().contains("column `t`"), "{error}");
}

#[test]
fn encoders_are_checked_against_the_signature() {
    let numeric = |input, impute, center, scale| Encoder::Numeric {
        input,
        impute,
        log1p: false,
        center,
        scale,
    };
    let one_hot = |input, categories: &[&str]| Encoder::OneHot {
        input,
        categories: categories.iter().map(|c| (*c).to_owned()).collect(),
    };
    for (encoder, part_of_message) in [
        (Encoder::plain(4), "input 4"),
        (Encoder::plain(3), "`country` is a text"),
        (
            numeric(0, Some(f64::NAN), 0.0, 1.0),
            "`impute` of input `amount` is NaN",
        ),
        (
            numeric(0, None, f64::INFINITY, 1.0),
            "`center` of input `amount` is inf",
        ),
        (numeric(0, None, 0.0, 0.0), "must be above 0"),
        (
            numeric(0, None, 0.0, f64::NAN),
            "`scale` of input `amount` is NaN",
        ),
        (one_hot(0, &["1.5"]), "has no categories"),
        (one_hot(1, &["07"]), "`07` cannot occur"),
        (one_hot(1, &["x"]), "`x` cannot occur"),
        (one_hot(2, &["True"]), "`True` cannot occur"),
        (one_hot(3, &["UK", "DE", "UK"]), "categories 0 and 2"),
        (one_hot(3, &[&"x".repeat(600)]), "too long"),
    ] {
        let error = Preprocess::new(&signature(), vec![encoder]).unwrap_err();
        assert!(
            error.to_string().starts_with("encoder 0 is not valid"),
            "{error}"
        );
        assert!(error.to_string().contains(part_of_message), "{error}");
    }
}

#[test]
fn an_encoder_imputes_before_it_transforms() {
    let signature = Signature::new(
        [Input::new("x", InputKind::Float).nullable()],
        Output::Number,
    )
    .unwrap();
    let encoder = Encoder::Numeric {
        input: 0,
        impute: Some(1.0),
        log1p: true,
        center: 0.5,
        scale: 2.0,
    };
    let preprocess = Preprocess::new(&signature, vec![encoder]).unwrap();
    let mut encoded = vec![7.0; 9];
    for (value, x) in [
        (Value::Null, 1.0),
        (Value::Float(3.0), 3.0),
        (Value::Float(0.0), 0.0),
    ] {
        preprocess.encode_row(&[value], &mut encoded).unwrap();
        assert_eq!(encoded, [(f64::ln_1p(x) - 0.5) / 2.0]);
    }
    preprocess
        .encode_row(&[Value::Float(-3.0)], &mut encoded)
        .unwrap();
    assert_eq!(encoded, [(-f64::ln_1p(3.0) - 0.5) / 2.0]);
}
