//! Candidates of every output: ranked, published, signed, promoted, served and watched.

#![cfg(all(feature = "train", feature = "serve"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use mlops::{
    core::{EventTime, ModelName, Seed, TrainingSet},
    drift::Window,
    model::{Model, Output},
    recipes::{Candidate, html, is_refusal, leaderboard, monitor, promote_if_better, publish},
    registry::{Gate, Registry},
    serve::{Endpoint, PredictionLog},
    train::{
        Assessment, Boosting, EvaluationOptions, RandomForest, Trainer,
        conformance::{planted_classes, planted_numbers},
        split_latest,
    },
};

fn quick() -> EvaluationOptions {
    EvaluationOptions {
        bootstrap: 50,
        ..EvaluationOptions::default()
    }
}

fn boosting() -> Boosting {
    Boosting::builder().trees(40).seed(Seed(3)).build().unwrap()
}

/// Fits, ranks, publishes and promotes; the best candidate, and the registry.
fn released(set: &TrainingSet, gate: &Gate, name: &str) -> (Vec<Candidate>, Registry) {
    let (train, test) = split_latest(set, 0.3).unwrap();
    let weak = Boosting::builder()
        .trees(2)
        .learning_rate(0.01)
        .build()
        .unwrap();
    let (strong, registry) = (boosting(), Registry::memory().unwrap());
    let trainers: [&dyn Trainer; 2] = [&weak, &strong];
    let candidates = leaderboard(&trainers, &train, &test, &quick()).unwrap();
    let model = ModelName::new(name).unwrap();
    let offer = |candidate: &Candidate| {
        let created = EventTime::from_seconds(9);
        let version = publish(&registry, name, name, candidate, &train, &test, created).unwrap();
        promote_if_better(
            &registry,
            &model,
            version.version,
            gate,
            &train,
            &test,
            &quick(),
        )
    };
    offer(&candidates[0]).unwrap();
    // what knows nothing is registered and refused
    let refused = offer(&candidates[2]).unwrap_err();
    assert!(is_refusal(&refused), "{refused}");
    (candidates, registry)
}

#[test]
fn candidates_of_several_classes_are_ranked_published_and_served() {
    let set = planted_classes(900, 5);
    let gate = Gate::no_higher_than_champion("log_loss", 0.0);
    let (candidates, registry) = released(&set, &gate, "level");
    assert_eq!(candidates[2].name, "base-rate");
    let losses: Vec<f64> = candidates
        .iter()
        .map(|candidate| match &candidate.evaluation {
            Assessment::Classes(found) => found.log_loss.value,
            _ => f64::NAN,
        })
        .collect();
    assert!(losses.is_sorted(), "{losses:?}");
    assert!(candidates[0].binary().is_none());

    let champion = registry.resolve("level@production").unwrap();
    let package = registry.load(&champion.model, champion.version).unwrap();
    let card = package.card();
    assert!(
        card.contains("| Macro F1 |") && card.contains("| class | rows |"),
        "{card}"
    );
    let run = registry.run(champion.run.as_ref().unwrap()).unwrap();
    assert!(run.metrics.contains_key("macro_f1"));

    let log = PredictionLog::memory().unwrap();
    let endpoint = Endpoint::open(&registry, "level@production").unwrap();
    let endpoint = endpoint.with_log(log.clone());
    let (_, test) = split_latest(&set, 0.3).unwrap();
    let rows = test.features();
    let expected = candidates[0].spec.signature().inputs().len();
    for row in 0..40 {
        let schema = rows.schema();
        let values = schema.fields().iter().zip(rows.columns());
        let values: Vec<_> = values
            .map(|(field, array)| {
                let value = mlops::core::Value::from_array(field.name(), array, row);
                (field.name().clone(), value.unwrap())
            })
            .collect();
        assert_eq!(values.len(), expected);
        let answer = endpoint.predict_row(values).unwrap();
        assert!((answer.values().iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(answer.class.is_some());
    }
    // the profile counts what the log holds: positions of classes
    let profile = monitor::reference_profile(&registry, &champion.model, champion.version);
    let profile = profile.unwrap().unwrap();
    assert!(profile.prediction().is_some() && profile.label_rate().is_none());
    let mut window = Window::new(&profile);
    let records = log.window(&champion.model, None, EventTime::MIN, EventTime::MAX);
    for (record, _) in records.unwrap() {
        window.push_record(&record).unwrap();
    }
    let section = mlops::report::Page::new("x").section("Candidates", html::models(&candidates));
    assert!(section.render().contains("Macro F1"));
}

#[test]
fn candidates_of_numbers_are_ranked_and_published() {
    let gate = Gate::no_higher_than_champion("rmse", 0.0);
    let (candidates, registry) = released(&planted_numbers(700, 5), &gate, "spend");
    let errors: Vec<f64> = candidates
        .iter()
        .map(|candidate| match &candidate.evaluation {
            Assessment::Numbers(found) => found.rmse.value,
            _ => f64::NAN,
        })
        .collect();
    assert!(
        errors.is_sorted() && errors[0] < 0.7 * errors[2],
        "{errors:?}"
    );
    let champion = registry.resolve("spend@production").unwrap();
    let package = registry.load(&champion.model, champion.version).unwrap();
    assert_eq!(package.signature().output(), &Output::Number);
    assert!(package.card().contains("| RMSE |"), "{}", package.card());
    let page = mlops::report::Page::new("x").section("Candidates", html::models(&candidates));
    assert!(page.render().contains("Mean absolute error"));
    // a candidate survives the cache of a pipeline
    let text = serde_json::to_string(&candidates[0]).unwrap();
    let back: Candidate = serde_json::from_str(&text).unwrap();
    assert_eq!(back.evaluation, candidates[0].evaluation);
}

#[test]
fn a_model_of_lists_is_published_with_a_profile_of_its_predictions() {
    use std::sync::Arc;

    use mlops::core::{
        Column, Lineage, Role, Table, TableSchema,
        arrow::array::{
            Array, ArrayRef, Float64Builder, Int64Array, ListBuilder, TimestampMicrosecondArray,
        },
    };

    let mut lists = ListBuilder::new(Float64Builder::new());
    for row in 0..60 {
        lists.values().append_slice(&vec![0.5; 1 + row % 3]);
        lists.append(true);
    }
    let lists = lists.finish();
    let times = TimestampMicrosecondArray::from_iter_values(0..60).with_timezone("UTC");
    let columns = [
        Column::event_time("at"),
        Column::value("spent", lists.data_type().clone()),
        Column::new(
            "y",
            mlops::core::arrow::datatypes::DataType::Int64,
            Role::Label,
        ),
    ];
    let labels = Int64Array::from_iter_values((0..60).map(|row| row % 2));
    let arrays: Vec<ArrayRef> = vec![Arc::new(times), Arc::new(lists), Arc::new(labels)];
    let table = Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap();
    let set = TrainingSet::new(table, Lineage::default()).unwrap();
    let (train, test) = split_latest(&set, 0.3).unwrap();
    let candidate = Candidate::base_rate(&train, &test, &quick()).unwrap();
    let registry = Registry::memory().unwrap();
    let created = EventTime::from_seconds(9);
    let version = publish(
        &registry, "clicks", "clicks", &candidate, &train, &test, created,
    );
    let version = version.unwrap();
    let profile = monitor::reference_profile(&registry, &version.model, version.version);
    let profile = profile.unwrap().unwrap();
    assert!(profile.prediction().is_some() && profile.label_rate().is_some());
    let endpoint = Endpoint::open(&registry, "clicks/1").unwrap();
    let row = mlops::core::Value::List(vec![0.5.into(), 1.5.into()]);
    assert_eq!(
        endpoint.predict_row([("spent", row)]).unwrap().prediction,
        0.5
    );
}

#[cfg(feature = "sign")]
#[test]
fn a_published_version_is_signed_and_served_under_a_policy() {
    use std::sync::Arc;

    use mlops::{
        core::ManualClock,
        model::{SigningKey, TrustPolicy},
        recipes::sign,
    };

    let set = planted_numbers(300, 5);
    let (train, test) = split_latest(&set, 0.3).unwrap();
    let forest = RandomForest::builder()
        .trees(5)
        .seed(Seed(1))
        .build()
        .unwrap();
    let candidate = Candidate::fit(&forest, &train, &test, &quick()).unwrap();
    let registry = Registry::memory().unwrap();
    let created = EventTime::from_seconds(9);
    let version = publish(
        &registry, "spend", "spend", &candidate, &train, &test, created,
    );
    let version = version.unwrap();
    let key = SigningKey::generate().unwrap();
    let clock = Arc::new(ManualClock::new(created));
    let reference = format!("spend/{}", version.version);
    let open = || {
        let policy = TrustPolicy::single("release", key.public_key()).unwrap();
        Endpoint::open_trusted(&registry, &reference, policy, clock.clone())
    };
    assert!(open().is_err());
    let signed = sign(&registry, &version, "release.sig", &key).unwrap();
    assert_eq!(signed.signatures.len(), 1);
    assert_eq!(open().unwrap().version(), version.version);
    // the same signature again is no news, another under its name is refused
    assert_eq!(
        sign(&registry, &version, "release.sig", &key).unwrap(),
        signed
    );
    let other = SigningKey::generate().unwrap();
    assert!(sign(&registry, &version, "release.sig", &other).is_err());
}
