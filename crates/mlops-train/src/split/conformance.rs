//! The contract of [`Splitter`], case by case; every splitter of this crate passes it, yours can too.
//!
//! ```
//! use mlops_train::{KFold, splitting};
//!
//! splitting::check(&KFold::new(4));
//! # Ok::<(), mlops_train::Error>(())
//! ```

use std::collections::BTreeSet;

use mlops_core::TrainingSet;

use super::{Fold, Splitter};
use crate::conformance::planted;

/// A clause of the contract: a sentence, and the function that panics if a splitter breaks it.
pub type Case = (&'static str, fn(&dyn Splitter));

/// All clauses. The sets have 120 and 301 rows, a row a day, each with a key of its own.
pub const CASES: [Case; 5] = [
    ("rows ascend and none is named twice", rows_ascend),
    (
        "no row is on both sides, and neither side is empty",
        sides_are_apart,
    ),
    ("the same set gives the same folds", same_set_same_folds),
    ("the number of folds is known beforehand", folds_are_counted),
    (
        "the rows of a fold can be taken from the set",
        rows_can_be_taken,
    ),
];

/// Runs all cases.
///
/// # Panics
/// If the splitter breaks its contract; the message begins with the case.
pub fn check(splitter: &dyn Splitter) {
    for (_, case) in CASES {
        case(splitter);
    }
}

fn each(splitter: &dyn Splitter, case: &str, look: impl Fn(&TrainingSet, &Fold)) {
    for set in [planted(120, 1), planted(301, 2)] {
        match splitter.folds(&set) {
            Ok(folds) => folds.for_each(|fold| look(&set, &fold)),
            Err(error) => panic!("{case}: {} refused a good set: {error}", splitter.name()),
        }
    }
}

fn rows_ascend(splitter: &dyn Splitter) {
    let case = CASES[0].0;
    each(splitter, case, |set, fold| {
        for side in [&fold.train, &fold.test] {
            assert!(side.is_sorted_by(|a, b| a < b), "{case}");
            let inside = side.iter().all(|row| (*row as usize) < set.rows());
            assert!(inside, "{case}");
        }
    });
}

fn sides_are_apart(splitter: &dyn Splitter) {
    let case = CASES[1].0;
    each(splitter, case, |_, fold| {
        assert!(!fold.train.is_empty() && !fold.test.is_empty(), "{case}");
        let test: BTreeSet<u32> = fold.test.iter().copied().collect();
        assert!(fold.train.iter().all(|row| !test.contains(row)), "{case}");
    });
}

fn same_set_same_folds(splitter: &dyn Splitter) {
    let case = CASES[2].0;
    let set = planted(120, 1);
    let run = || splitter.folds(&set).map(Iterator::collect::<Vec<Fold>>);
    match (run(), run()) {
        (Ok(first), Ok(again)) => assert_eq!(first, again, "{case}"),
        (first, _) => panic!("{case}: {first:?}"),
    }
}

fn folds_are_counted(splitter: &dyn Splitter) {
    let case = CASES[3].0;
    match splitter.folds(&planted(120, 1)) {
        Ok(mut folds) => {
            let mut left = folds.len();
            assert!(left > 0, "{case}: there is no fold");
            while folds.next().is_some() {
                left -= 1;
                assert_eq!(folds.len(), left, "{case}");
            }
        }
        Err(error) => panic!("{case}: {error}"),
    }
}

fn rows_can_be_taken(splitter: &dyn Splitter) {
    let case = CASES[4].0;
    each(splitter, case, |set, fold| match fold.sets(set) {
        Ok((train, test)) => {
            assert_eq!(train.rows(), fold.train.len(), "{case}");
            let times = set.event_times();
            let expected = fold.test.iter().map(|row| times[*row as usize]);
            assert_eq!(test.event_times(), expected.collect::<Vec<_>>(), "{case}");
        }
        Err(error) => panic!("{case}: {error}"),
    });
}
