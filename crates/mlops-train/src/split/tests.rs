//! The contract of [`Splitter`] for all of them, slow oracles, and what is refused.

use std::collections::BTreeSet;

use mlops_core::{EventTime, Seed, Span};
use proptest::prelude::*;

use super::*;
use crate::conformance::planted;

fn splitters() -> Vec<Box<dyn Splitter>> {
    vec![
        Box::new(KFold::new(5)),
        Box::new(KFold::new(3).shuffled(Seed(1)).repeats(4)),
        Box::new(StratifiedKFold::new(5)),
        Box::new(StratifiedKFold::new(3).shuffled(Seed(1)).repeats(2)),
        Box::new(GroupKFold::by_key(5)),
        Box::new(GroupKFold::by_column(3, "orders").shuffled(Seed(1))),
        Box::new(TimeSeries::expanding(5).gap(Span::days(3))),
        Box::new(TimeSeries::sliding(4, Span::days(20)).gap_rows(2)),
        Box::new(PurgedKFold::new(4, Span::days(5)).embargo(Span::days(2))),
    ]
}

#[test]
fn every_splitter_keeps_its_contract() {
    for splitter in splitters() {
        conformance::check(splitter.as_ref());
    }
}

#[test]
fn each_row_is_judged_by_once_a_repeat() {
    let set = planted(101, 2);
    for (splitter, repeats) in splitters().iter().zip([1, 4, 1, 2, 1, 1]) {
        let mut seen = vec![0; 101];
        for fold in splitter.folds(&set).unwrap() {
            fold.test.iter().for_each(|row| seen[*row as usize] += 1);
        }
        assert_eq!(seen, vec![repeats; 101], "{}", splitter.name());
    }
}

#[test]
fn repeats_are_drawn_anew_and_seeds_differ() {
    let tests = |seed: u64| -> Vec<Vec<u32>> {
        let folds = KFold::new(2)
            .shuffled(Seed(seed))
            .repeats(2)
            .split(40)
            .unwrap();
        folds.map(|fold| fold.test).collect()
    };
    assert_ne!(tests(1)[0], tests(1)[2]);
    assert_ne!(tests(1)[0], tests(2)[0]);
}

#[test]
fn groups_stay_whole() {
    let set = planted(300, 3);
    let orders = set.table().column("orders").unwrap().clone();
    for fold in GroupKFold::by_column(4, "orders").folds(&set).unwrap() {
        let groups = |rows: &[u32]| -> BTreeSet<String> {
            let value = |row: &u32| mlops_core::Value::from_array("orders", &orders, *row as usize);
            rows.iter()
                .map(|row| format!("{:?}", value(row).unwrap()))
                .collect()
        };
        assert!(groups(&fold.train).is_disjoint(&groups(&fold.test)));
    }
}

#[test]
fn folds_that_cannot_be_are_named() {
    let text = |error: Error| {
        assert_eq!(error.kind(), mlops_core::ErrorKind::Invalid);
        error.to_string()
    };
    let error = text(KFold::new(5).split(4).unwrap_err());
    assert_eq!(error, "k-fold cannot make 5 folds: there are 4 rows");
    let error = text(
        StratifiedKFold::new(3)
            .split(&[0.0, 0.0, 0.0, 1.0])
            .unwrap_err(),
    );
    assert_eq!(
        error,
        "stratified k-fold cannot make 3 folds: class `1` has 1 rows"
    );
    let error = text(GroupKFold::by_key(3).split(&[1, 1, 2, 2]).unwrap_err());
    assert_eq!(
        error,
        "group k-fold cannot make 3 folds: there are 2 groups"
    );
    let same = [EventTime::from_seconds(0); 10];
    let error = text(TimeSeries::expanding(2).split(&same).unwrap_err());
    assert!(error.contains("fold 0 has no rows to fit on"), "{error}");
    let error = text(PurgedKFold::new(2, Span::ZERO).split(&same).unwrap_err());
    assert!(error.contains("fold 0 has no rows to fit on"), "{error}");
    for error in [
        KFold::new(1).split(4).unwrap_err(),
        KFold::new(2).repeats(2).split(4).unwrap_err(),
        KFold::new(2)
            .shuffled(Seed(1))
            .repeats(0)
            .split(4)
            .unwrap_err(),
        TimeSeries::expanding(0).split(&same).unwrap_err(),
        TimeSeries::expanding(1)
            .test_rows(0)
            .split(&same)
            .unwrap_err(),
    ] {
        assert!(matches!(error, Error::InvalidParameter { .. }), "{error}");
    }
    let error = TimeSeries::expanding(2).test_rows(usize::MAX).split(&same);
    assert!(matches!(error, Err(Error::Unsplittable { .. })));
    let set = planted(200, 1);
    let error = GroupKFold::by_column(2, "country").folds(&set).unwrap_err();
    assert!(error.to_string().contains("`country` is null"), "{error}");
}

fn times() -> impl Strategy<Value = Vec<EventTime>> {
    // few instants, so that ties are the rule
    let seconds = prop::collection::vec(0i64..40, 12..60);
    seconds.prop_map(|all| all.into_iter().map(EventTime::from_seconds).collect())
}

proptest! {
    #[test]
    fn walking_forward_equals_the_slow_oracle(times in times(), folds in 1u32..4, gap in 0u32..6, window in 1u32..30) {
        let gap = Span::seconds(gap);
        let window = Span::seconds(window);
        let Ok(found) = TimeSeries::sliding(folds, window).gap(gap).split(&times) else {
            return Ok(());
        };
        let mut order: Vec<usize> = (0..times.len()).collect();
        order.sort_by_key(|row| (times[*row], *row));
        let size = times.len() / (folds as usize + 1);
        for (at, fold) in found.enumerate() {
            let start = times.len() - (folds as usize - at) * size;
            let mut test: Vec<u32> = order[start..start + size].iter().map(|row| u32::try_from(*row).unwrap()).collect();
            test.sort_unstable();
            prop_assert_eq!(&fold.test, &test);
            let first = times[order[start]];
            let may = |row: &usize| times[*row] < first && times[*row] + gap <= first;
            let newest = (0..times.len()).filter(may).map(|row| times[row]).max().unwrap();
            let train: Vec<u32> = (0..times.len())
                .filter(|row| may(row) && times[*row] + window >= newest)
                .map(|row| u32::try_from(row).unwrap())
                .collect();
            prop_assert_eq!(&fold.train, &train);
        }
    }

    #[test]
    fn no_label_that_is_fitted_on_overlaps_the_test(times in times(), folds in 2u32..5, horizon in 0u32..8, embargo in 0u32..8) {
        let (h, e) = (Span::seconds(horizon), Span::seconds(embargo));
        let Ok(found) = PurgedKFold::new(folds, h).embargo(e).split(&times) else {
            return Ok(());
        };
        for fold in found {
            let test: BTreeSet<u32> = fold.test.iter().copied().collect();
            let first = test.iter().map(|row| times[*row as usize]).min().unwrap();
            let last = test.iter().map(|row| times[*row as usize]).max().unwrap();
            let train: Vec<u32> = (0u32..).take(times.len()).filter(|row| {
                let t = times[*row as usize];
                let before = t < first && t + h <= first;
                let behind = t > last && t >= last + h + e;
                !test.contains(row) && (before || behind)
            }).collect();
            prop_assert_eq!(&fold.train, &train);
        }
    }

    #[test]
    fn classes_are_spread_evenly(labels in prop::collection::vec(0u8..3, 12..80), seed in 0u64..50) {
        let labels: Vec<f64> = labels.into_iter().map(f64::from).collect();
        let Ok(found) = StratifiedKFold::new(3).shuffled(Seed(seed)).split(&labels) else {
            return Ok(());
        };
        let folds: Vec<Fold> = found.collect();
        for class in [0.0, 1.0, 2.0] {
            let counts: Vec<usize> = folds
                .iter()
                .map(|fold| fold.test.iter().filter(|row| labels[**row as usize] == class).count())
                .collect();
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
        }
        let sizes: Vec<usize> = folds.iter().map(|fold| fold.test.len()).collect();
        prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
    }
}
