//! Random spines and views: the join must be what the rule says, read word by word, for every row.

use mlops_features::{Boundary, Cutoff, PointInTimeJoin, Span, SpineFile, ViewFile};
use proptest::prelude::*;

use super::support::{batch, column_of_ints, column_of_texts, ints, read, texts, times, write};

#[derive(Debug, Clone)]
struct SpineRow {
    key: (Option<i64>, Option<String>),
    time: i64,
}

#[derive(Debug, Clone)]
struct ViewRow {
    key: (Option<i64>, Option<String>),
    time: Option<i64>,
    created: Option<i64>,
    value: Option<i64>,
}

#[derive(Debug, Clone)]
struct Case {
    spine: Vec<SpineRow>,
    view: Vec<ViewRow>,
    keys: usize,
    ttl: Option<i64>,
    boundary: Boundary,
    cutoff: Cutoff,
    created: bool,
    group: usize,
    threads: usize,
}

fn key() -> impl Strategy<Value = (Option<i64>, Option<String>)> {
    let part =
        prop_oneof![8 => (0..3_i64).prop_map(Some), 1 => Just(None), 1 => Just(Some(i64::MIN))];
    let word = prop_oneof![
        8 => prop_oneof![Just("1"), Just("2"), Just("12"), Just("")].prop_map(|w| Some(w.to_owned())),
        1 => Just(None),
    ];
    (part, word)
}

fn case() -> impl Strategy<Value = Case> {
    let spine = (key(), 0..30_i64).prop_map(|(key, time)| SpineRow { key, time });
    let view = (
        key(),
        prop::option::weighted(0.9, 0..30_i64),
        prop::option::weighted(0.8, 0..35_i64),
        prop::option::weighted(0.8, 0..1000_i64),
    )
        .prop_map(|(key, time, created, value)| ViewRow {
            key,
            time,
            created,
            value,
        });
    (
        prop::collection::vec(spine, 0..40),
        prop::collection::vec(view, 0..120),
        0..=2_usize,
        prop::option::of(1..12_i64),
        prop_oneof![Just(Boundary::Inclusive), Just(Boundary::Exclusive)],
        prop_oneof![Just(Cutoff::EventTime), Just(Cutoff::CreatedTime)],
        any::<bool>(),
        1..40_usize,
        1..4_usize,
    )
        .prop_map(
            |(spine, view, keys, ttl, boundary, cutoff, created, group, threads)| Case {
                spine,
                view,
                keys,
                ttl,
                boundary,
                cutoff,
                created,
                group,
                threads,
            },
        )
}

/// What the rule of the contract gives for one row of the spine: the row of the view, or whether all that
/// is visible has expired.
fn visible(case: &Case, asks: &SpineRow) -> Result<usize, bool> {
    let equal =
        |a: &(Option<i64>, Option<String>), b: &(Option<i64>, Option<String>)| match case.keys {
            0 => true,
            1 => a.0.is_some() && a.0 == b.0,
            _ => a.0.is_some() && a.1.is_some() && a == b,
        };
    let sees = |time: i64| match case.boundary {
        Boundary::Inclusive => time <= asks.time,
        Boundary::Exclusive => time < asks.time,
    };
    let hidden = case.created && case.cutoff == Cutoff::CreatedTime;
    let candidates = case.view.iter().enumerate().filter(|(_, row)| {
        equal(&row.key, &asks.key)
            && row.time.is_some_and(sees)
            && (!hidden || row.created.is_some_and(sees))
    });
    let rank = |row: &ViewRow| (row.time, if case.created { row.created } else { None });
    let newest = candidates.max_by_key(|(at, row)| (rank(row), *at));
    match newest {
        None => Err(false),
        Some((_, row))
            if case
                .ttl
                .is_some_and(|ttl| row.time.unwrap() < asks.time - ttl) =>
        {
            Err(true)
        }
        Some((at, _)) => Ok(at),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_join_is_the_rule_for_every_row(case in case()) {
        let dir = tempfile::tempdir().unwrap();
        let spine = batch(vec![
            ("id", ints(case.spine.iter().map(|row| row.key.0))),
            ("word", texts(case.spine.iter().map(|row| row.key.1.clone()))),
            ("event_timestamp", times(case.spine.iter().map(|row| Some(row.time)))),
            ("row", ints((0..).take(case.spine.len()).map(Some))),
        ]);
        let view = batch(vec![
            ("value", ints(case.view.iter().map(|row| row.value))),
            ("word", texts(case.view.iter().map(|row| row.key.1.clone()))),
            ("made", times(case.view.iter().map(|row| row.created))),
            ("id", ints(case.view.iter().map(|row| row.key.0))),
            ("at", times(case.view.iter().map(|row| row.time))),
            ("name", texts((0..case.view.len()).map(|at| Some(at.to_string())))),
        ]);
        let path = |name: &str| dir.path().join(name);
        write(&path("spine.parquet"), &spine, 7);
        write(&path("view.parquet"), &view, case.group);

        let define = |name: &str| {
            let mut view = ViewFile::open(name, path("view.parquet")).unwrap()
                .keys(["id", "word"].into_iter().take(case.keys))
                .time("at").columns(["value", "name"])
                .boundary(case.boundary).cutoff(case.cutoff);
            if let Some(ttl) = case.ttl {
                view = view.ttl(Span::from_micros(ttl).unwrap());
            }
            if case.created { view.created("made") } else { view }
        };
        let join = PointInTimeJoin::new(SpineFile::open(path("spine.parquet")).unwrap())
            .view(define("v")).view(define("w")).threads(case.threads);
        let summary = join.write(path("out.parquet")).unwrap();
        let out = read(&path("out.parquet"));

        let expect: Vec<Result<usize, bool>> =
            case.spine.iter().map(|row| visible(&case, row)).collect();
        let values: Vec<Option<i64>> =
            expect.iter().map(|found| found.ok().and_then(|at| case.view[at].value)).collect();
        let names: Vec<Option<String>> =
            expect.iter().map(|found| found.ok().map(|at| at.to_string())).collect();
        prop_assert_eq!(column_of_ints(&out, "v__value"), values.clone());
        prop_assert_eq!(column_of_texts(&out, "v__name"), names);
        prop_assert_eq!(column_of_ints(&out, "w__value"), values);
        for at in 0..4 {
            prop_assert_eq!(out.column(at).as_ref(), spine.column(at).as_ref());
        }
        let count = |wanted: Result<(), bool>| {
            expect.iter().filter(|found| found.map(|_| ()) == wanted).count() as u64
        };
        let found = &summary.views[0];
        prop_assert_eq!(found.matched, count(Ok(())));
        prop_assert_eq!(found.null, count(Err(false)));
        prop_assert_eq!(found.expired, count(Err(true)));

        // the same in memory, and on one thread
        let (batches, again) = join.threads(1).collect().unwrap();
        prop_assert_eq!(&again, &summary);
        let first = batches.first().map(|batch| column_of_ints(batch, "v__value"));
        prop_assert_eq!(first.unwrap_or_default(), column_of_ints(&out, "v__value"));
    }
}
