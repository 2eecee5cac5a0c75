//! The contract of [`Trainer`], case by case; every trainer of this crate passes it, yours can too.
//!
//! [`check`] is for trainers of two classes, [`check_classes`] for named ones, [`check_numbers`] for numbers,
//! and [`check_weights`] for all of them.
//!
//! ```
//! use mlops_train::{DecisionTree, conformance};
//!
//! conformance::check(&DecisionTree::builder().build()?);
//! # Ok::<(), mlops_train::Error>(())
//! ```

mod classes;
mod numbers;
mod weights;

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    },
    datatypes::DataType,
};
use mlops_core::{
    Column, ErrorKind, EventTime, Lineage, Role, Seed, Span, Table, TableSchema, TrainingSet,
    metric,
};
use mlops_model::{Model, ModelSpec};

pub use classes::{CLASS_CASES, check_classes, planted_classes};
pub use numbers::{NUMBER_CASES, check_numbers, planted_numbers};
pub use weights::check_weights;

use crate::Trainer;

/// A clause of the contract: a sentence, and the function that panics if a trainer breaks it.
pub type Case = (&'static str, fn(&dyn Trainer));

/// All clauses for a label of two classes.
pub const CASES: [Case; 9] = [
    ("the same rows give the same model", same_rows_same_model),
    ("answers are probabilities that rank the rows", answers_rank),
    (
        "label 1 is positive when it is rare and when it is common",
        label_1_is_positive,
    ),
    ("the model survives its JSON text", survives_json),
    (
        "constant and null features change nothing",
        useless_features_change_nothing,
    ),
    (
        "nulls and unseen categories are answered",
        nulls_and_strangers_are_answered,
    ),
    ("a single class is refused", single_class_is_refused),
    (
        "a set without a usable feature is refused",
        no_feature_is_refused,
    ),
    (
        "what cannot be read is refused by name",
        unreadable_is_refused,
    ),
];

/// Runs all cases.
///
/// # Panics
/// If the trainer breaks its contract; the message begins with the case.
pub fn check(trainer: &dyn Trainer) {
    for (_, case) in CASES {
        case(trainer);
    }
}

/// A made-up training set: a row a day, mixed types, nulls, and a label that depends on them in straight
/// and in crooked ways. About a third of the labels is positive.
///
/// # Panics
/// If `rows` is 0.
pub fn planted(rows: usize, seed: u64) -> TrainingSet {
    let planted = Planted::new(rows, seed);
    let labels: ArrayRef = Arc::new(BooleanArray::from(planted.labels));
    labelled(planted.features, labels, None)
}

/// Made-up features, and what depends on them.
struct Planted {
    features: Vec<(&'static str, ArrayRef)>,
    /// The log-odds of the labels.
    scores: Vec<f64>,
    labels: Vec<bool>,
}

impl Planted {
    fn new(rows: usize, seed: u64) -> Self {
        let mut rng = Seed(seed).derive("planted").rng();
        let (mut recency, mut orders, mut spend) = (Vec::new(), Vec::new(), Vec::new());
        let (mut member, mut country) = (Vec::new(), Vec::new());
        let (mut scores, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let (z, s, m) = (rng.normal(), rng.normal(), rng.unit() < 0.5);
            let n = rng.below(12);
            let c = ["UK", "UK", "UK", "DE", "FR", "FR", "AT"][rng.below(7)];
            let crooked = if m { 1.5 * s } else { -1.5 * s } + 1.2 * (n as f64).sin();
            let score = -1.2 + 1.1 * z + crooked + if c == "UK" { 0.5 } else { 0.0 };
            scores.push(score);
            labels.push(rng.unit() < 1.0 / (1.0 + (-score).exp()));
            recency.push(10.0 * (0.8 * z).exp());
            spend.push((rng.unit() > 0.05).then(|| (1.0 + 0.5 * s).exp()));
            orders.push(i64::try_from(n).expect("below 12"));
            member.push(m);
            country.push((rng.unit() > 0.1).then_some(c));
        }
        Self {
            features: vec![
                ("recency", Arc::new(Float64Array::from(recency))),
                ("orders", Arc::new(Int64Array::from(orders))),
                ("spend", Arc::new(Float64Array::from(spend))),
                ("member", Arc::new(BooleanArray::from(member))),
                ("country", Arc::new(StringArray::from(country))),
            ],
            scores,
            labels,
        }
    }
}

/// A set of numeric features.
#[cfg(test)]
pub(crate) fn table(columns: Vec<(&str, Vec<Option<f64>>)>, labels: &[bool]) -> TrainingSet {
    let array = |values: Vec<Option<f64>>| -> ArrayRef { Arc::new(Float64Array::from(values)) };
    set(
        columns.into_iter().map(|(n, v)| (n, array(v))).collect(),
        labels,
    )
}

/// Nullable features with a key, a row a day, and a label of two classes.
pub(crate) fn set(features: Vec<(&str, ArrayRef)>, labels: &[bool]) -> TrainingSet {
    let labels: ArrayRef = Arc::new(BooleanArray::from(labels.to_vec()));
    labelled(features, labels, None)
}

/// Nullable features with a key, a row a day, any label, and weights if they are given.
pub(crate) fn labelled(
    features: Vec<(&str, ArrayRef)>,
    labels: ArrayRef,
    weights: Option<Vec<f64>>,
) -> TrainingSet {
    let count = i64::try_from(labels.len()).expect("a length fits");
    let day = Span::days(1).micros();
    let times = TimestampMicrosecondArray::from_iter_values((0..count).map(|i| i * day));
    let mut columns = vec![
        Column::key("customer_id", DataType::Int64),
        Column::event_time("at"),
    ];
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(0..count)),
        Arc::new(times.with_timezone("UTC")),
    ];
    for (name, array) in features {
        columns.push(Column::value(name, array.data_type().clone()));
        arrays.push(array);
    }
    columns.push(Column::new(
        "churned",
        labels.data_type().clone(),
        Role::Label,
    ));
    arrays.push(labels);
    if let Some(weights) = weights {
        columns.push(Column::new("weight", DataType::Float64, Role::Weight));
        arrays.push(Arc::new(Float64Array::from(weights)));
    }
    let schema = TableSchema::new(columns).expect("names are unique");
    let table = Table::new(schema, arrays).expect("the columns are those of the schema");
    TrainingSet::new(table, Lineage::default()).expect("it has a time, features and a label")
}

fn fit(trainer: &dyn Trainer, set: &TrainingSet, case: &str) -> ModelSpec {
    match trainer.fit(set) {
        Ok(fitted) => fitted.spec,
        Err(error) => panic!("{case}: {} refused a good set: {error}", trainer.name()),
    }
}

fn answers(model: &ModelSpec, set: &TrainingSet, case: &str) -> Vec<f64> {
    match model.predict_values(&set.features()) {
        Ok(answers) => answers,
        Err(error) => panic!("{case}: the model refused its own rows: {error}"),
    }
}

fn refusal(trainer: &dyn Trainer, set: &TrainingSet, case: &str) -> String {
    match trainer.fit(set) {
        Ok(_) => panic!("{case}: {} took a bad set", trainer.name()),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{case}: {error}");
            error.to_string()
        }
    }
}

fn json(model: &ModelSpec) -> String {
    serde_json::to_string(model).expect("a model is plain data")
}

fn same_rows_same_model(trainer: &dyn Trainer) {
    let case = CASES[0].0;
    let set = planted(300, 1);
    let (first, again) = (fit(trainer, &set, case), fit(trainer, &set, case));
    assert_eq!(json(&first), json(&again), "{case}");
}

fn answers_rank(trainer: &dyn Trainer) {
    let case = CASES[1].0;
    let set = planted(600, 2);
    let scores = answers(&fit(trainer, &set, case), &set, case);
    assert!(
        scores.iter().all(|score| (0.0..=1.0).contains(score)),
        "{case}"
    );
    let labels = set.label_classes().expect("booleans");
    let auc = metric::roc_auc(&labels, &scores).expect("two classes");
    // a straight line reaches 0.69 here
    assert!(auc > 0.65, "{case}: the area is {auc}");
}

fn label_1_is_positive(trainer: &dyn Trainer) {
    let case = CASES[2].0;
    for share in [10, 50, 90] {
        let labels: Vec<bool> = (0..600).map(|i| (i * 7) % 100 >= 100 - share).collect();
        // positives lie higher, with an overlap
        let x = labels.iter().enumerate().map(|(i, label)| {
            let noise = ((i * 37) % 101) as f64 / 101.0;
            noise + if *label { 0.7 } else { 0.0 }
        });
        let set = set(
            vec![("x", Arc::new(Float64Array::from_iter_values(x)))],
            &labels,
        );
        let scores = answers(&fit(trainer, &set, case), &set, case);
        let auc = metric::roc_auc(&labels, &scores).expect("two classes");
        assert!(auc > 0.85, "{case}: with {share} in 100 the area is {auc}");
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        let off = (mean - f64::from(share) / 100.0).abs();
        assert!(
            off < 0.12,
            "{case}: with {share} in 100 the mean answer is {mean}"
        );
    }
}

fn survives_json(trainer: &dyn Trainer) {
    let case = CASES[3].0;
    let set = planted(300, 3);
    let model = fit(trainer, &set, case);
    let read: ModelSpec = match serde_json::from_str(&json(&model)) {
        Ok(read) => read,
        Err(error) => panic!("{case}: {error}"),
    };
    assert_eq!(
        answers(&model, &set, case),
        answers(&read, &set, case),
        "{case}"
    );
}

fn useless_features_change_nothing(trainer: &dyn Trainer) {
    let case = CASES[4].0;
    let plain = planted(300, 4);
    let features = plain.features();
    let schema = features.schema();
    let mut columns: Vec<(&str, ArrayRef)> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .zip(features.columns().iter().cloned())
        .collect();
    let null: Vec<Option<f64>> = vec![None; 300];
    let void: Vec<Option<&str>> = vec![None; 300];
    columns.insert(0, ("null", Arc::new(Float64Array::from(null))));
    columns.insert(1, ("constant", Arc::new(Int64Array::from(vec![7; 300]))));
    columns.insert(2, ("always", Arc::new(BooleanArray::from(vec![true; 300]))));
    columns.insert(3, ("void", Arc::new(StringArray::from(void))));
    columns.insert(4, ("same", Arc::new(StringArray::from(vec!["a"; 300]))));
    let padded = set(columns, &plain.label_classes().expect("booleans"));
    let (a, b) = (fit(trainer, &plain, case), fit(trainer, &padded, case));
    assert_eq!(
        b.signature().inputs().len(),
        a.signature().inputs().len() + 5,
        "{case}"
    );
    assert_eq!(
        answers(&a, &plain, case),
        answers(&b, &padded, case),
        "{case}"
    );
}

fn nulls_and_strangers_are_answered(trainer: &dyn Trainer) {
    let case = CASES[5].0;
    let model = fit(trainer, &planted(300, 5), case);
    let nulls = set(
        vec![
            (
                "recency",
                Arc::new(Float64Array::from(vec![None, Some(1.0)])),
            ),
            ("orders", Arc::new(Int64Array::from(vec![None, Some(-5)]))),
            (
                "spend",
                Arc::new(Float64Array::from(vec![None, Some(f64::NAN)])),
            ),
            (
                "member",
                Arc::new(BooleanArray::from(vec![None, Some(true)])),
            ),
            (
                "country",
                Arc::new(StringArray::from(vec![None, Some("Atlantis")])),
            ),
        ],
        &[true, false],
    );
    let scores = answers(&model, &nulls, case);
    assert!(
        scores.iter().all(|score| (0.0..=1.0).contains(score)),
        "{case}"
    );
}

fn single_class_is_refused(trainer: &dyn Trainer) {
    let case = CASES[6].0;
    for class in [true, false] {
        let x: ArrayRef = Arc::new(Float64Array::from_iter_values((0..50).map(f64::from)));
        let text = refusal(trainer, &set(vec![("x", x)], &[class; 50]), case);
        assert!(text.contains(&class.to_string()), "{case}: {text}");
    }
}

fn no_feature_is_refused(trainer: &dyn Trainer) {
    let case = CASES[7].0;
    let labels: Vec<bool> = (0..50).map(|i| i % 3 == 0).collect();
    let constant: ArrayRef = Arc::new(Float64Array::from(vec![1.0; 50]));
    let null: ArrayRef = Arc::new(Float64Array::from(vec![None; 50]));
    refusal(
        trainer,
        &set(vec![("constant", constant), ("null", null)], &labels),
        case,
    );
}

fn unreadable_is_refused(trainer: &dyn Trainer) {
    let case = CASES[8].0;
    let labels: Vec<bool> = (0..50).map(|i| i % 3 == 0).collect();
    let time = EventTime::from_seconds(0).micros();
    let times = TimestampMicrosecondArray::from(vec![time; 50]).with_timezone("UTC");
    let text = refusal(
        trainer,
        &set(vec![("seen", Arc::new(times))], &labels),
        case,
    );
    assert!(text.contains("`seen`"), "{case}: {text}");
    let mut values = vec![1.0; 50];
    values[7] = f64::INFINITY;
    let infinite: ArrayRef = Arc::new(Float64Array::from(values));
    let text = refusal(trainer, &set(vec![("amount", infinite)], &labels), case);
    assert!(
        text.contains("`amount`") && text.contains('7'),
        "{case}: {text}"
    );
}
