//! The model card of all three outputs, as Markdown, HTML and JSON.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use mlops::{
    core::{
        Column, Digest, Lineage, Role, Seed, Table, TableSchema, TrainingSet,
        arrow::{
            array::{Array, ArrayRef, Float64Array, StringArray, TimestampMicrosecondArray},
            datatypes::DataType,
        },
    },
    recipes::ModelCard,
    train::{
        DecisionTree, EvaluationOptions, Grid, Measure, SegmentOptions, Trainer, TreeShap,
        baseline, conformance::planted, partial_dependence, permutation_importance, segments,
        split_latest,
    },
};

fn quick() -> EvaluationOptions {
    EvaluationOptions {
        bootstrap: 50,
        ..EvaluationOptions::default()
    }
}

fn set(labels: ArrayRef) -> TrainingSet {
    let rows = labels.len();
    let columns = [
        Column::event_time("at"),
        Column::value("x", DataType::Float64),
        Column::new("y", labels.data_type().clone(), Role::Label),
    ];
    let times = TimestampMicrosecondArray::from_iter_values((0i64..).take(rows));
    let x = Float64Array::from_iter_values((0u32..).take(rows).map(f64::from));
    let arrays: Vec<ArrayRef> = vec![Arc::new(times.with_timezone("UTC")), Arc::new(x), labels];
    let table = Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap();
    TrainingSet::new(table, Lineage::default()).unwrap()
}

fn survives_json(card: &ModelCard) {
    let text = serde_json::to_string(card).unwrap();
    assert_eq!(&serde_json::from_str::<ModelCard>(&text).unwrap(), card);
}

#[test]
fn a_card_of_two_classes_shows_curves_segments_reasons_and_origin() {
    let (train, test) = split_latest(&planted(1500, 7), 0.4).unwrap();
    let lineage = Lineage {
        data: [("orders".to_owned(), Digest::of(b"orders"))].into(),
        features: [("spend".to_owned(), Digest::of(b"spend"))].into(),
        code_revision: Some("1b7a84c".to_owned()),
    };
    let train = TrainingSet::new(train.table().clone(), lineage).unwrap();
    let fitted = DecisionTree::builder()
        .build()
        .unwrap()
        .fit(&train)
        .unwrap();
    let spec = &fitted.spec;
    let options = SegmentOptions {
        bootstrap: 50,
        ..SegmentOptions::default()
    };
    let by = |column: &str| {
        segments(
            spec,
            &test,
            column,
            &[&Measure::RocAuc, &Measure::Brier],
            &options,
        )
        .unwrap()
    };
    let shap = TreeShap::new(spec, &train.features()).unwrap();
    let depends =
        |input: &str| partial_dependence(spec, &test.features(), input, &Grid::Points(40)).unwrap();
    let card = ModelCard::new("churn", "decision-tree", spec, &train, &test, &quick())
        .unwrap()
        .purpose("Ranks customers by the chance that they stay away.")
        .limit("Not for customers | with <b>one</b> order.")
        .params(fitted.params.clone())
        .importance(shap.explain(&test.features()).unwrap().importance())
        .permutation(permutation_importance(spec, &test, &Measure::RocAuc, 3, Seed(1)).unwrap())
        .segments(by("country"))
        .segments(by("recency"))
        .dependence(depends("recency"))
        .dependence(depends("country"));
    survives_json(&card);

    let html = card.html();
    std::fs::write(
        concat!(env!("CARGO_TARGET_TMPDIR"), "/model-card.html"),
        &html,
    )
    .unwrap();
    for part in [
        "Precision over recall",
        "ROC",
        "Reliability",
        "By country",
        "(missing)",
        "What roc_auc loses without an input",
        "1b7a84c",
        "orders",
        &train.digest().to_string(),
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("<b>one</b>") && !html.contains("<script"));
    assert_eq!(html, card.html());

    let text = card.markdown();
    for part in [
        "# churn: decision-tree",
        "| PR-AUC |",
        "## By `country`",
        "(small)",
        "## Limits",
        "Code revision `1b7a84c`",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.contains("customers \\| with \\<b>one"), "{text}");
}

#[test]
fn cards_of_numbers_and_of_several_classes_have_their_own_tables() {
    let numbers = set(Arc::new(Float64Array::from_iter_values(
        (0..60).map(f64::from),
    )));
    let model = baseline(&numbers).unwrap();
    let card = ModelCard::new("spend", "mean", &model, &numbers, &numbers, &quick()).unwrap();
    survives_json(&card);
    assert!(
        card.markdown().contains("| RMSE | 17.3181 |"),
        "{}",
        card.markdown()
    );
    assert!(card.html().contains("Label over answer"));

    let names: Vec<&str> = (0..60)
        .map(|row| ["high", "low", "mid|dle"][row % 3])
        .collect();
    let classes = set(Arc::new(StringArray::from(names)));
    let model = baseline(&classes).unwrap();
    let card = ModelCard::new("level", "shares", &model, &classes, &classes, &quick()).unwrap();
    survives_json(&card);
    assert!(
        card.markdown().contains("| mid\\|dle | 20 |"),
        "{}",
        card.markdown()
    );
    assert!(card.html().contains("called mid|dle"));
}
