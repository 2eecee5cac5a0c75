//! Building profiles, their JSON for ever, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod support;

use std::sync::Arc;

use mlops_core::{
    ErrorKind, Probability,
    arrow::{
        array::{
            ArrayRef, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array,
            RecordBatch, StringArray, TimestampMicrosecondArray,
        },
        datatypes::{DataType, Field, Schema},
    },
};
use mlops_drift::{ColumnKind, Distribution, Error, ReferenceProfile};
use support::{batch, numbers, texts};

const FIXTURE: &str = include_str!("fixtures/profile-v1.json");

fn churn() -> RecordBatch {
    let rows = 400;
    let amounts: ArrayRef = Arc::new(
        (0..rows)
            .map(|at| {
                if at % 10 == 0 {
                    None
                } else {
                    Some(f64::from(at % 40))
                }
            })
            .collect::<Float64Array>(),
    );
    let countries = ["UK", "UK", "FR", "DE"].map(Some);
    let country: Vec<Option<&str>> = (0..rows)
        .map(|at| match at {
            0 => Some("Malta"),
            1..20 => None,
            at => countries[usize::try_from(at).unwrap() % 4],
        })
        .collect();
    let returned: ArrayRef = Arc::new(
        (0..rows)
            .map(|at| Some(at % 5 == 0))
            .collect::<BooleanArray>(),
    );
    let constant = numbers(vec![7.0; 400]);
    batch(vec![
        ("amount", amounts),
        ("country", texts(&country)),
        ("returned", returned),
        ("constant", constant),
    ])
}

fn profile() -> ReferenceProfile {
    let predictions: Vec<f64> = (0..400).map(|at| f64::from(at) / 400.0).collect();
    ReferenceProfile::builder()
        .bins(4)
        .label_rate(Probability::new(0.25).unwrap())
        .build(&churn(), Some(&predictions))
        .unwrap()
}

#[test]
fn schema_one_is_read_and_written_for_ever() {
    let read = ReferenceProfile::from_json(FIXTURE.as_bytes()).unwrap();
    assert_eq!((read.rows(), read.columns().len()), (400, 4));
    assert_eq!(read.prediction().unwrap().name(), "prediction");
    assert_eq!(
        String::from_utf8(read.to_json()).unwrap(),
        FIXTURE.trim_end()
    );
    let by_serde: ReferenceProfile = serde_json::from_str(FIXTURE).unwrap();
    assert_eq!(by_serde, read);
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    assert_eq!(profile().to_json(), FIXTURE.trim_end().as_bytes());
    assert_eq!(profile().digest(), profile().digest());
}

#[test]
fn a_profile_holds_counts_and_no_rare_text() {
    let profile = profile();
    assert_eq!(
        (profile.rows(), profile.label_rate().unwrap().get()),
        (400, 0.25)
    );
    let column = |name| profile.column(name).unwrap();
    let Distribution::Numeric(amount) = column("amount").distribution() else {
        panic!()
    };
    assert_eq!(column("amount").missing(), 40);
    assert_eq!(
        (amount.min(), amount.max(), amount.counts().len()),
        (1.0, 39.0, 4)
    );
    assert_eq!(amount.counts().iter().sum::<u64>(), 360);
    let Distribution::Categorical(country) = column("country").distribution() else {
        panic!()
    };
    assert_eq!(country.categories(), ["UK", "DE", "FR"]);
    assert_eq!((country.other(), column("country").missing()), (1, 19));
    assert!(!FIXTURE.contains("Malta"));
    assert_eq!(column("returned").kind(), ColumnKind::Categorical);
    let Distribution::Numeric(constant) = column("constant").distribution() else {
        panic!()
    };
    assert_eq!(constant.counts(), [0, 400, 0]);
    assert_eq!((constant.mean(), constant.std()), (7.0, 0.0));
    assert_eq!(profile.prediction().unwrap().rows(), 400);
}

#[test]
fn every_width_of_number_and_text_has_a_profile() {
    let whole: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    let long: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let single: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0, 3.0]));
    let profile = ReferenceProfile::builder()
        .categorical("long")
        .build(
            &batch(vec![("whole", whole), ("long", long), ("single", single)]),
            None,
        )
        .unwrap();
    let kinds: Vec<ColumnKind> = profile
        .columns()
        .iter()
        .map(mlops_drift::ColumnProfile::kind)
        .collect();
    assert_eq!(
        kinds,
        [
            ColumnKind::Numeric,
            ColumnKind::Categorical,
            ColumnKind::Numeric
        ]
    );
}

#[test]
fn columns_without_values_or_without_finite_ones_are_profiled() {
    let nulls: ArrayRef = Arc::new(Float64Array::from(vec![None, None]));
    let infinite = numbers([f64::INFINITY, f64::NEG_INFINITY]);
    let huge = numbers([f64::MAX, f64::MIN]);
    let profile = ReferenceProfile::build(
        &batch(vec![("n", nulls), ("i", infinite), ("h", huge)]),
        None,
    )
    .unwrap();
    assert_eq!(profile.column("n").unwrap().missing(), 2);
    assert_eq!(
        ReferenceProfile::from_json(&profile.to_json()).unwrap(),
        profile
    );
}

#[test]
fn predictions_may_rest_on_held_out_rows() {
    let x = batch(vec![("x", numbers([1.0, 2.0, 3.0]))]);
    let profile = ReferenceProfile::build(&x, Some(&[0.5, 0.25])).unwrap();
    assert_eq!(profile.rows(), 3);
    assert_eq!(profile.prediction().unwrap().rows(), 2);
    assert_eq!(
        ReferenceProfile::from_json(&profile.to_json()).unwrap(),
        profile
    );
}

#[test]
fn what_cannot_be_profiled_is_named() {
    let one = || numbers([1.0, 2.0]);
    let build = |batch: &RecordBatch| ReferenceProfile::build(batch, None).unwrap_err();
    let time: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1, 2]));
    let error = build(&batch(vec![("at", time.clone())]));
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.to_string().starts_with("column `at` holds Timestamp"),
        "{error}"
    );
    let without = ReferenceProfile::builder()
        .exclude("at")
        .build(&batch(vec![("at", time), ("x", one())]), None);
    assert_eq!(without.unwrap().columns().len(), 1);

    let schema = Schema::new(vec![
        Field::new("x", DataType::Float64, false),
        Field::new("x", DataType::Float64, false),
    ]);
    let twice = RecordBatch::try_new(Arc::new(schema), vec![one(), one()]).unwrap();
    assert_eq!(build(&twice).to_string(), "two columns are named `x`");
    assert!(matches!(
        build(&batch(vec![("x", numbers([]))])),
        Error::Empty { .. }
    ));

    let x = batch(vec![("x", one())]);
    let refused = [
        ReferenceProfile::builder().bins(1),
        ReferenceProfile::builder().bins(21),
        ReferenceProfile::builder().categories(0),
        ReferenceProfile::builder().exclude("y"),
        ReferenceProfile::builder().categorical("x"),
    ];
    for builder in refused {
        assert!(builder.build(&x, None).is_err(), "{builder:?}");
    }
    assert!(ReferenceProfile::build(&x, Some(&[])).is_err());
    assert!(ReferenceProfile::build(&batch(vec![("", one())]), None).is_err());
}

#[test]
fn hostile_profiles_are_refused_with_a_reason() {
    let change = |from: &str, to: &str| {
        assert!(FIXTURE.contains(from), "{from}");
        ReferenceProfile::from_json(FIXTURE.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    let cases = [
        (r#""rows":400"#, r#""rows":401"#, "do not sum to 401 rows"),
        (r#""rows":400"#, r#""rows":0"#, "0 rows"),
        (r#""rows":400"#, r#""rows":18446744073709551615"#, "2^53"),
        (r#""rows":400"#, r#""rows":-1"#, "invalid value"),
        (
            r#""label_rate":0.25"#,
            r#""label_rate":1.5"#,
            "not a probability",
        ),
        (
            r#""label_rate":0.25"#,
            r#""label_rate":0.25,"more":1"#,
            "unknown field",
        ),
        (
            r#""name":"amount""#,
            r#""name":"country""#,
            "two columns are named `country`",
        ),
        (r#""name":"amount""#, r#""name":"""#, "has 0 bytes"),
        (
            r#""edges":["#,
            r#""edges":[9e9,"#,
            "one count more than edges",
        ),
        (r#""edges":["#, r#""edges":[1e999,"#, "number out of range"),
        (
            r#""counts":["#,
            r#""counts":[18446744073709551615,"#,
            "one count more than edges",
        ),
        (r#""std":"#, r#""std":-"#, "below zero"),
        (
            r#""other":1"#,
            r#""other":18446744073709551615"#,
            "do not sum",
        ),
        (r#"["UK","DE","FR"]"#, r#"["UK","DE","UK"]"#, "twice"),
        (
            r#"["UK","DE","FR"]"#,
            r#"["UK","DE"]"#,
            "one count a category",
        ),
        (
            r#""kind":"numeric""#,
            r#""kind":"sketch""#,
            "unknown variant",
        ),
        (r#""schema_version":1"#, r#""schema_version":0"#, "schema 0"),
    ];
    for (from, to, reason) in cases {
        let text = change(from, to).to_string();
        assert!(text.contains(reason), "{to}: {text}");
    }
    let later = change(r#""schema_version":1"#, r#""schema_version":2,"new":{}"#);
    assert_eq!(
        (later.kind(), later.to_string().contains("schema 2")),
        (ErrorKind::Unsupported, true)
    );
    let deep = "[".repeat(100_000);
    for bytes in [&b""[..], b"null", b"{}", b"\xff", deep.as_bytes()] {
        assert_eq!(
            ReferenceProfile::from_json(bytes).unwrap_err().kind(),
            ErrorKind::Corrupt
        );
    }
    let large = vec![b' '; (64 << 20) + 1];
    assert!(matches!(
        ReferenceProfile::from_json(&large),
        Err(Error::ProfileTooLarge { .. })
    ));
}

#[test]
fn lists_are_bounded() {
    let list = |n: usize| {
        (0..n)
            .map(|at| at.to_string())
            .collect::<Vec<_>>()
            .join(",")
    };
    let many = format!(
        r#"{{"schema_version":1,"rows":1,"columns":[{{"kind":"numeric","name":"x","missing":1,"edges":[{}],"counts":[{}],"mean":0,"std":0,"min":0,"max":0}}],"prediction":null,"label_rate":null}}"#,
        list(20),
        vec!["0"; 21].join(",")
    );
    let text = ReferenceProfile::from_json(many.as_bytes())
        .unwrap_err()
        .to_string();
    assert!(text.contains("too many edges"), "{text}");
}

#[test]
fn long_texts_are_no_categories() {
    let long = "x".repeat(257);
    let array: ArrayRef = Arc::new(StringArray::from(vec![long.as_str(); 50]));
    let profile = ReferenceProfile::build(&batch(vec![("t", array)]), None).unwrap();
    let Distribution::Categorical(column) = profile.columns()[0].distribution() else {
        panic!()
    };
    assert_eq!((column.categories().len(), column.other()), (0, 50));
}
