//! Leaderboards on rows and over folds.

use mlops_core::{Seed, metric::Interval};
use mlops_model::Model;

use super::{leaderboard::holm, *};
use crate::{
    DecisionTree, KFold, LogisticRegression, Measure, Trainer, baseline, conformance::planted,
    cross_validate, split_latest,
};

#[test]
fn models_are_ranked_and_held_against_the_best() {
    let (train, test) = split_latest(&planted(1500, 1), 0.4).unwrap();
    let guess = baseline(&train).unwrap();
    let tree = DecisionTree::builder()
        .build()
        .unwrap()
        .fit(&train)
        .unwrap()
        .spec;
    let line = LogisticRegression::builder()
        .build()
        .unwrap()
        .fit(&train)
        .unwrap()
        .spec;
    let candidates: [(&str, &dyn Model); 3] = [("guess", &guess), ("line", &line), ("tree", &tree)];
    let options = LeaderboardOptions {
        bootstrap: 100,
        ..LeaderboardOptions::default()
    };
    for (measure, test_name) in [
        (Measure::RocAuc, PairedTest::DeLong),
        (Measure::Accuracy, PairedTest::McNemar),
        (Measure::LogLoss, PairedTest::PairedBootstrap),
    ] {
        let found = Leaderboard::on_rows(&candidates, &test, measure, &options).unwrap();
        let names: Vec<&str> = found
            .entries
            .iter()
            .map(|entry| entry.name.as_str())
            .collect();
        assert_eq!(names[2], "guess", "{found}");
        assert_eq!(found.entries[0].behind, None);
        for entry in &found.entries[1..] {
            let behind = entry.behind.unwrap();
            assert_eq!(behind.test, test_name);
            let gain = found
                .goal
                .gain(found.entries[0].value.value, entry.value.value);
            assert!((behind.difference.value.abs() - gain).abs() < 1e-12);
            assert!(entry.adjusted_p.unwrap() >= behind.p_value);
        }
        let level = found.level_with_best(0.05);
        // the shares of right calls lie too near each other for 600 rows
        let told = measure != Measure::Accuracy;
        assert_eq!(level.contains(&"guess"), !told, "{found}");
        assert!(level.contains(&names[0]));
        let text = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Leaderboard>(&text).unwrap(), found);
        assert_eq!(found.to_string().lines().count(), 4);
    }
    assert!(Leaderboard::on_rows(&[], &test, Measure::RocAuc, &options).is_err());
    let twice: [(&str, &dyn Model); 2] = [("a", &guess), ("a", &line)];
    let error = Leaderboard::on_rows(&twice, &test, Measure::RocAuc, &options).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`candidates` of leaderboard is a"),
        "{error}"
    );
}

#[test]
fn folds_must_be_the_same() {
    let set = planted(400, 1);
    let tree = DecisionTree::builder().build().unwrap();
    let line = LogisticRegression::builder().build().unwrap();
    let run = |trainer: &dyn Trainer, seed| {
        let splitter = KFold::new(4).shuffled(Seed(seed));
        cross_validate(trainer, &set, &splitter, &[&Measure::LogLoss]).unwrap()
    };
    let (a, b) = (run(&tree, 1), run(&line, 1));
    let found = Leaderboard::over_folds(&[&a, &b], &Measure::LogLoss, 0.95).unwrap();
    assert_eq!(
        found.entries[1].behind.unwrap().test,
        PairedTest::CorrectedT
    );
    assert_eq!(
        found.entries[0].value.value,
        a.mean("log_loss").unwrap().min(b.mean("log_loss").unwrap())
    );
    let other = run(&line, 2);
    let error = Leaderboard::over_folds(&[&a, &other], &Measure::LogLoss, 0.95).unwrap_err();
    assert!(
        error.to_string().contains("they leave out other rows"),
        "{error}"
    );
    let error = Leaderboard::over_folds(&[&a, &b], &Measure::Brier, 0.95).unwrap_err();
    assert!(
        error.to_string().contains("`brier` was not asked for"),
        "{error}"
    );
}

#[test]
fn holm_adjusts_step_by_step() {
    let interval = Interval {
        value: 0.0,
        lower: 0.0,
        upper: 0.0,
        level: 0.95,
    };
    let mut entries: Vec<Entry> = [None, Some(0.03), Some(0.01), Some(0.5)]
        .into_iter()
        .map(|p| Entry {
            name: String::new(),
            value: interval,
            behind: p.map(|p_value| Comparison {
                test: PairedTest::DeLong,
                difference: interval,
                p_value,
            }),
            adjusted_p: None,
        })
        .collect();
    holm(&mut entries);
    let adjusted: Vec<Option<f64>> = entries.iter().map(|entry| entry.adjusted_p).collect();
    assert_eq!(adjusted, [None, Some(0.06), Some(0.03), Some(0.5)]);
}
