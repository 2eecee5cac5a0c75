//! Encoders that bend, cut and multiply: what they make of a row, what they are called, what is refused.

use mlops_core::Value;
use mlops_model::{
    BucketForm, DatePart, Encoder, Factor, Input, InputKind, Output, Preprocess, Result, Signature,
    Step, TimeUnit,
};

fn signature() -> Signature {
    Signature::new(
        [
            Input::new("amount", InputKind::Float).nullable(),
            Input::new("orders", InputKind::Int),
            Input::new("country", InputKind::Str).nullable(),
            Input::new("seen", InputKind::Int).nullable(),
        ],
        Output::Number,
    )
    .unwrap()
}

fn build(encoder: Encoder) -> Result<Preprocess> {
    Preprocess::new(&signature(), vec![encoder])
}

fn encode(encoder: Encoder, row: &[Value; 4]) -> Vec<f64> {
    let mut encoded = Vec::new();
    let preprocess = build(encoder).unwrap();
    preprocess.encode_row(row, &mut encoded).unwrap();
    encoded
}

fn factor(input: usize) -> Factor {
    Factor {
        input,
        impute: None,
        center: 1.0,
        scale: 2.0,
    }
}

fn target(values: Vec<f64>, prior: Vec<f64>) -> Encoder {
    Encoder::Target {
        input: 2,
        categories: vec!["DE".into(), "UK".into()],
        values,
        prior,
    }
}

fn buckets(edges: Vec<f64>, form: BucketForm) -> Encoder {
    Encoder::Buckets {
        input: 0,
        edges,
        form,
    }
}

fn steps(input: usize, impute: Option<f64>, steps: Vec<Step>) -> Encoder {
    Encoder::Transform {
        input,
        impute,
        steps,
    }
}

fn dates(input: usize, parts: Vec<DatePart>) -> Encoder {
    Encoder::DateParts {
        input,
        unit: TimeUnit::Days,
        impute: None,
        parts,
    }
}

#[test]
fn a_row_is_encoded_as_described() {
    let row = |amount: Value| [amount, Value::Int(5), "UK".into(), Value::Int(366)];
    for (encoder, amount, expected) in [
        (
            buckets(vec![0.0, 1.0], BucketForm::Ordinal),
            1.0.into(),
            vec![2.0],
        ),
        (
            buckets(vec![0.0, 1.0], BucketForm::OneHot),
            0.5.into(),
            vec![0.0, 1.0, 0.0],
        ),
        (
            buckets(vec![0.0, 1.0], BucketForm::OneHot),
            Value::Null,
            vec![0.0; 3],
        ),
        (target(vec![0.1, 0.2], vec![0.5]), Value::Null, vec![0.2]),
        (
            steps(0, Some(9.0), vec![Step::Sqrt, Step::Log { floor: 3.0 }]),
            Value::Null,
            vec![3.0f64.ln()],
        ),
        (
            Encoder::Product {
                factors: vec![factor(1), factor(1), factor(0)],
            },
            7.0.into(),
            vec![12.0],
        ),
        (Encoder::Missing { input: 0 }, Value::Null, vec![1.0]),
        (Encoder::Missing { input: 0 }, f64::NAN.into(), vec![1.0]),
        (Encoder::Missing { input: 0 }, 0.0.into(), vec![0.0]),
        (
            dates(3, vec![DatePart::Year, DatePart::Month, DatePart::Day]),
            Value::Null,
            vec![1971.0, 1.0, 2.0],
        ),
    ] {
        assert_eq!(
            encode(encoder.clone(), &row(amount)),
            expected,
            "{encoder:?}"
        );
        let text = serde_json::to_string(&encoder).unwrap();
        assert_eq!(serde_json::from_str::<Encoder>(&text).unwrap(), encoder);
    }
}

#[test]
fn an_unknown_category_gets_the_prior() {
    for country in [Value::Null, "Atlantis".into()] {
        let row = [Value::Null, Value::Int(1), country, Value::Null];
        let encoder = target(vec![0.1, 0.9, 0.2, 0.8], vec![0.3, 0.7]);
        assert_eq!(encode(encoder, &row), [0.3, 0.7]);
    }
}

#[test]
fn a_product_that_overflows_is_the_largest_number() {
    let row = [Value::Float(1e300), Value::Int(1), Value::Null, Value::Null];
    let factors = vec![factor(0), factor(0)];
    assert_eq!(encode(Encoder::Product { factors }, &row), [f64::MAX]);
}

#[test]
fn every_column_has_a_name() {
    let encoders = vec![
        buckets(vec![0.0, 1.5], BucketForm::OneHot),
        buckets(vec![0.0], BucketForm::Ordinal),
        target(vec![0.1, 0.2], vec![0.5]),
        target(vec![0.0; 4], vec![0.5, 0.5]),
        Encoder::Product {
            factors: vec![factor(0), factor(1)],
        },
        Encoder::Missing { input: 2 },
        dates(3, vec![DatePart::Hour, DatePart::WeekCycle]),
        steps(1, None, vec![Step::Log1p]),
    ];
    let preprocess = Preprocess::new(&signature(), encoders).unwrap();
    let names = preprocess.output_names();
    assert_eq!(names.len(), preprocess.width());
    assert_eq!(
        names,
        [
            "amount<0",
            "amount>=0",
            "amount>=1.5",
            "amount",
            "country:target",
            "country:target[0]",
            "country:target[1]",
            "amount*orders",
            "country:missing",
            "seen:hour",
            "seen:week_sin",
            "seen:week_cos",
            "orders",
        ]
    );
}

#[test]
fn an_encoder_that_cannot_be_is_refused_by_name() {
    let clip = |lower, upper| steps(0, None, vec![Step::Clip { lower, upper }]);
    for (encoder, message) in [
        (buckets(vec![1.0, 1.0], BucketForm::Ordinal), "do not rise"),
        (
            buckets(vec![f64::NAN], BucketForm::Ordinal),
            "`edges` of input `amount` is NaN",
        ),
        (target(vec![0.1], vec![0.5]), "do not fit 2 categories"),
        (target(vec![], vec![]), "do not fit 2 categories"),
        (target(vec![0.1, f64::INFINITY], vec![0.5]), "is inf"),
        (clip(1.0, 0.0), "which is empty"),
        (clip(f64::NEG_INFINITY, 0.0), "`lower` of input `amount`"),
        (
            steps(0, None, vec![Step::Log { floor: 0.0 }]),
            "`floor` of input `amount` is 0",
        ),
        (
            steps(
                1,
                None,
                vec![Step::Scale {
                    center: 0.0,
                    scale: 0.0,
                }],
            ),
            "`scale` of input `orders` is 0",
        ),
        (steps(0, Some(f64::NAN), vec![]), "`impute` of input"),
        (steps(2, None, vec![]), "`country` is a text"),
        (steps(0, None, vec![Step::Sqrt; 65]), "at most 64"),
        (
            Encoder::Product {
                factors: vec![factor(0)],
            },
            "2 to 64 factors",
        ),
        (Encoder::Product { factors: vec![] }, "the signature has 4"),
        (
            Encoder::Product {
                factors: vec![factor(0), factor(9)],
            },
            "reads input 9",
        ),
        (
            Encoder::Product {
                factors: vec![factor(0), factor(2)],
            },
            "`country` is a text",
        ),
        (dates(0, vec![]), "an instant is a whole number"),
        (Encoder::Missing { input: 4 }, "reads input 4"),
    ] {
        let error = build(encoder).unwrap_err().to_string();
        assert!(error.contains(message), "{error} has no {message}");
    }
}
