//! Worked cases: the decisive ones of the field, the traps that others fell into, and bad input.

use std::{fmt::Write, fs, path::Path, sync::Arc};

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int32Array, LargeStringArray, TimestampNanosecondArray,
    TimestampSecondArray,
};
use mlops_core::ErrorKind;
use mlops_features::{
    Boundary, Cutoff, Error, JoinSummary, PointInTimeJoin, SpineFile, ViewFile, days, hours,
};

use super::support::{
    HOUR, batch, column_of_ints, column_of_reals, column_of_texts, ints, read, times, write,
};

/// Joins CSV texts and returns the output as it was written.
fn join(spine: &str, view: &str, set: impl Fn(ViewFile) -> ViewFile) -> (String, JoinSummary) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("spine.csv"), spine).unwrap();
    fs::write(path("view.csv"), view).unwrap();
    let view = set(ViewFile::open("v", path("view.csv")).unwrap());
    let join = PointInTimeJoin::new(SpineFile::open(path("spine.csv")).unwrap()).view(view);
    let summary = join.write(path("out.csv")).unwrap();
    (fs::read_to_string(path("out.csv")).unwrap(), summary)
}

/// The small decisive cases of the contract: hours of January 2024, a TTL of 20 hours.
#[test]
fn decisive_cases_by_the_hour() {
    let at = |hour: i64| format!("2024-01-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24);
    let check = |events: &[(i64, i64)], asks: i64, expect: &str| {
        let mut view = "key,event_timestamp,created,value\n".to_owned();
        for (number, (event, created)) in events.iter().enumerate() {
            let (event, created) = (at(*event), at(*created));
            writeln!(view, "1,{event},{created},v{}", number + 1).unwrap();
        }
        let spine = format!("key,event_timestamp\n1,{}\n", at(asks));
        let set = |view: ViewFile| view.keys(["key"]).created("created").ttl(hours(20));
        let (out, _) = join(&spine, &view, set);
        let row = out.lines().nth(1).unwrap().to_owned();
        assert_eq!(
            row,
            format!("1,{},{expect}", at(asks)),
            "{events:?} at {asks}"
        );
    };
    check(&[(10, 10)], 10, "v1"); // exact
    check(&[(0, 0)], 20, "v1"); // the edge of the TTL
    check(&[(0, 0)], 21, ""); // expired
    check(&[(50, 50)], 1, ""); // future
    check(&[(5, 6), (5, 7)], 6, "v2"); // the newer created wins, though it is from the future
    check(&[(5, 7), (5, 6)], 6, "v1");
    check(&[(5, 9), (4, 10)], 6, "v1"); // event time first
    check(&[(5, 6), (5, 6)], 6, "v2"); // a full tie goes to the later row
}

#[test]
fn as_known_at_hides_rows_that_were_created_later() {
    let view = "key,event_timestamp,made,value\n\
        1,2024-01-01,2024-01-01,a\n1,2024-01-02,2024-01-09,b\n1,2024-01-03,,c\n";
    let spine = "key,event_timestamp\n1,2024-01-04\n1,2024-01-09\n1,2024-01-10\n";
    let set = |view: ViewFile| {
        let view = view.keys(["key"]).created("made");
        view.cutoff(Cutoff::CreatedTime)
    };
    let (out, _) = join(spine, view, set);
    let values: Vec<&str> = out
        .lines()
        .skip(1)
        .map(|l| l.rsplit(',').next().unwrap())
        .collect();
    assert_eq!(values, ["a", "b", "b"]);
    let exclusive = |view: ViewFile| set(view).boundary(Boundary::Exclusive);
    let (out, _) = join(spine, view, exclusive);
    let values: Vec<&str> = out
        .lines()
        .skip(1)
        .map(|l| l.rsplit(',').next().unwrap())
        .collect();
    assert_eq!(values, ["a", "a", "b"]);
}

#[test]
fn composite_keys_are_never_glued_and_texts_pass_as_they_stand() {
    let spine = "a,b,event_timestamp,label\n1,23,2024-01-02 00:00,0.50\n12,3,2024-01-02 00:00,1e3\n,3,2024-01-02 00:00,x\n";
    let view = "b,a,event_timestamp,value\n23,1,2024-01-01,007\n3,12,2024-01-01,\"one, two\"\n";
    let (out, summary) = join(spine, view, |view| view.keys(["a", "b"]));
    assert_eq!(
        out,
        "a,b,event_timestamp,label,v__value\n\
         1,23,2024-01-02 00:00,0.50,007\n\
         12,3,2024-01-02 00:00,1e3,\"one, two\"\n\
         ,3,2024-01-02 00:00,x,\n"
    );
    let view = &summary.views[0];
    assert_eq!((view.matched, view.null, view.expired), (2, 1, 0));
}

#[test]
fn duplicates_and_order_of_the_spine_are_kept() {
    let spine = "id,event_timestamp,label\n7,2024-01-05,0\n3,2024-01-01,1\n7,2024-01-05,1\n9,2024-01-01,1\n";
    let view = "id,event_timestamp,n\n7,2024-01-04,70\n3,2023-12-31,30\n";
    let (out, _) = join(spine, view, |view| view);
    assert_eq!(
        out,
        "id,event_timestamp,label,v__n\n7,2024-01-05,0,70\n3,2024-01-01,1,30\n7,2024-01-05,1,70\n9,2024-01-01,1,\n"
    );
}

#[test]
fn a_key_column_that_nulls_made_real_still_finds_its_rows() {
    let spine = "id,event_timestamp\n7.0,2024-01-05\n,2024-01-05\n";
    let view = "id,event_timestamp,n\n7,2024-01-04,70\nseven,2024-01-04,0\n";
    let (out, _) = join(spine, view, |view| view.keys(["id"]));
    assert_eq!(
        out,
        "id,event_timestamp,v__n\n7.0,2024-01-05,70\n,2024-01-05,\n"
    );
}

#[test]
fn types_of_both_files_are_met_without_a_change_of_the_output() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let seconds: ArrayRef = Arc::new(TimestampSecondArray::from(vec![36_000, 36_000, 36_001]));
    let ids: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(1)]));
    let words: ArrayRef = Arc::new(LargeStringArray::from(vec!["x", "x", "y"]));
    let spine = batch(vec![
        ("id", ids),
        ("word", words),
        ("event_timestamp", seconds),
    ]);
    // a nanosecond after the second row asks, so that only the third may see it
    let nanos: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![36_000_000_000_001]));
    let days: ArrayRef = Arc::new(Date32Array::from(vec![19_000]));
    let view = batch(vec![
        ("id", ints([Some(1)])),
        ("event_timestamp", nanos),
        ("day", days),
        ("n", ints([Some(5)])),
    ]);
    write(&path("spine.parquet"), &spine, 2);
    write(&path("view.parquet"), &view, 1);
    let view = ViewFile::open("v", path("view.parquet"))
        .unwrap()
        .keys(["id"]);
    let join = PointInTimeJoin::new(SpineFile::open(path("spine.parquet")).unwrap()).view(view);
    join.write(path("out.parquet")).unwrap();
    let out = read(&path("out.parquet"));
    assert_eq!(column_of_ints(&out, "v__n"), [None, None, Some(5)]);
    assert_eq!(
        out.column(3).data_type(),
        &arrow::datatypes::DataType::Date32
    );
    for at in 0..3 {
        assert_eq!(out.column(at).as_ref(), spine.column(at).as_ref());
    }
}

#[test]
fn text_columns_get_their_narrowest_type_in_parquet() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(
        path("s.csv"),
        "id,event_timestamp,zip\n1,2024-01-02T00:00:00+01:00,007\n2,2024-01-02,1\n",
    )
    .unwrap();
    fs::write(
        path("v.csv"),
        "id,event_timestamp,n,x,when\n1,2024-01-01,3,1.5,2024-01-01\n2,2025-01-01,4,2,2024-01-02\n",
    )
    .unwrap();
    let view = ViewFile::open("v", path("v.csv")).unwrap().keys(["id"]);
    let join = PointInTimeJoin::new(SpineFile::open(path("s.csv")).unwrap()).view(view);
    join.write(path("out.parquet")).unwrap();
    let out = read(&path("out.parquet"));
    assert_eq!(column_of_ints(&out, "id"), [Some(1), Some(2)]);
    assert_eq!(column_of_ints(&out, "v__n"), [Some(3), None]);
    assert_eq!(column_of_reals(&out, "v__x"), [Some(1.5), None]);
    assert_eq!(column_of_texts(&out, "zip")[0].as_deref(), Some("007"));
    assert_eq!(
        out.schema().field(5).data_type(),
        &arrow::datatypes::DataType::Date32
    );
}

#[test]
fn typed_columns_are_printed_as_csv_with_instants_in_utc() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let asked = TimestampSecondArray::from(vec![3_600, 7_200]).with_timezone("Europe/London");
    let at = times([Some(1_500_000), None]);
    let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(1), None]));
    let reals: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.1), Some(1e300)]));
    let spine = batch(vec![
        ("id", ints([Some(1), Some(2)])),
        ("event_timestamp", Arc::new(asked) as ArrayRef),
        ("at", at),
        ("day", days),
        ("real", reals),
    ]);
    let view = batch(vec![
        ("id", ints([Some(1)])),
        ("event_timestamp", times([Some(0)])),
        ("when", times([Some(-1)])),
        (
            "flag",
            Arc::new(arrow::array::BooleanArray::from(vec![true])) as ArrayRef,
        ),
    ]);
    write(&path("s.parquet"), &spine, 10);
    write(&path("v.parquet"), &view, 10);
    let view = ViewFile::open("v", path("v.parquet")).unwrap().keys(["id"]);
    let join = PointInTimeJoin::new(SpineFile::open(path("s.parquet")).unwrap()).view(view);
    join.write(path("out.csv")).unwrap();
    assert_eq!(
        fs::read_to_string(path("out.csv")).unwrap(),
        "id,event_timestamp,at,day,real,v__when,v__flag\n\
         1,1970-01-01T01:00:00Z,1970-01-01T00:00:01.500Z,1970-01-02,0.1,1969-12-31T23:59:59.999999Z,true\n\
         2,1970-01-01T02:00:00Z,,,1e300,,\n"
    );
}

#[test]
fn row_groups_that_no_row_may_see_are_told_from_missing_keys() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let spine = batch(vec![
        ("id", ints([Some(1), Some(2), Some(3)])),
        (
            "event_timestamp",
            times([Some(100 * HOUR), Some(100 * HOUR), Some(100 * HOUR)]),
        ),
    ]);
    // sorted by time in groups of two: all too old, in range, all in the future
    let view = batch(vec![
        (
            "id",
            ints([Some(1), Some(2), Some(2), Some(9), Some(1), Some(3)]),
        ),
        (
            "event_timestamp",
            times([1, 2, 90, 91, 200, 201].map(|hour| Some(hour * HOUR))),
        ),
        ("n", ints((0..6).map(Some))),
    ]);
    write(&path("s.parquet"), &spine, 10);
    write(&path("v.parquet"), &view, 2);
    let view = ViewFile::open("v", path("v.parquet"))
        .unwrap()
        .ttl(hours(20));
    let join = PointInTimeJoin::new(SpineFile::open(path("s.parquet")).unwrap()).view(view);
    let (batches, summary) = join.collect().unwrap();
    assert_eq!(column_of_ints(&batches[0], "v__n"), [None, Some(2), None]);
    let view = &summary.views[0];
    assert_eq!(
        (view.matched, view.null, view.expired, view.rows),
        (1, 1, 1, 6)
    );
}

#[test]
fn a_view_in_two_roles_and_a_directory_of_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::create_dir(path("places")).unwrap();
    for (file, id) in [("b.parquet", 2), ("a.parquet", 1)] {
        let part = batch(vec![
            ("place", ints([Some(id)])),
            ("event_timestamp", times([Some(0)])),
            ("n", ints([Some(id * 10)])),
        ]);
        write(&path("places").join(file), &part, 1);
    }
    fs::write(
        path("s.csv"),
        "from,to,event_timestamp\n1,2,1970-01-01\n2,1,1969-12-31\n",
    )
    .unwrap();
    let role = |name: &str, key: &str| {
        let view = ViewFile::open(name, path("places")).unwrap();
        view.key_as(key, "place")
    };
    let join = PointInTimeJoin::new(SpineFile::open(path("s.csv")).unwrap())
        .view(role("origin", "from"))
        .view(role("destination", "to"));
    join.write(path("out.csv")).unwrap();
    let out = fs::read_to_string(path("out.csv")).unwrap();
    assert_eq!(
        out,
        "from,to,event_timestamp,origin__n,destination__n\n1,2,1970-01-01,10,20\n2,1,1969-12-31,,\n"
    );
}

#[test]
fn bad_input_is_named_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let good = "id,event_timestamp,n\n1,2024-01-01,5\n";
    let check = |spine: &str, view: &str, set: &dyn Fn(ViewFile) -> ViewFile, words: &[&str]| {
        fs::write(path("spine.csv"), spine).unwrap();
        fs::write(path("view.csv"), view).unwrap();
        let view = set(ViewFile::open("v", path("view.csv")).unwrap());
        let join = PointInTimeJoin::new(SpineFile::open(path("spine.csv")).unwrap()).view(view);
        let error = join.write(path("out.csv")).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "`{error}` does not say `{word}`");
        }
        let left = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(left, 2, "something is left of `{error}`");
    };
    let as_is: &dyn Fn(ViewFile) -> ViewFile = &|view| view;
    check(
        "id,at\n1,2024-01-01\n",
        good,
        as_is,
        &["spine.csv", "event_timestamp", "`at`"],
    );
    check(
        "id,event_timestamp\n1,2024-01-01\n1,soon\n",
        good,
        as_is,
        &["row 2", "soon", "instant"],
    );
    check(
        "id,event_timestamp\n1,\n",
        good,
        as_is,
        &["row 1", "spine.csv", "event_timestamp"],
    );
    check(
        "id,event_timestamp\n1,2024-01-01,7\n",
        good,
        as_is,
        &["row 1", "3 fields"],
    );
    check(
        "x,event_timestamp\n1,2024-01-01\n",
        good,
        as_is,
        &["no key column", "`x`"],
    );
    check(
        good,
        good,
        &|view| view.keys(["id", "zone"]),
        &["zone", "no key column"],
    );
    check(
        good,
        good,
        &|view| view.columns(["m"]),
        &["`m`", "view.csv"],
    );
    check(
        good,
        good,
        &|view| view.columns(["n", "n"]),
        &["v__n", "also"],
    );
    check(
        good,
        "id,event_timestamp,n\n1,x,1\n",
        as_is,
        &["row 1", "view.csv", "\"x\""],
    );
    check(good, good, &|view| view.time("when"), &["`when`"]);
    check(
        "id,id,event_timestamp\n",
        good,
        as_is,
        &["2 columns named `id`"],
    );
    check("", good, as_is, &["spine.csv", "header"]);
}

#[test]
fn keys_of_two_kinds_are_an_error_and_an_output_never_replaces_an_input() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let id: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 1.5]));
    let spine = batch(vec![
        ("id", id),
        ("event_timestamp", times([Some(0), Some(0)])),
    ]);
    let view = batch(vec![
        ("id", super::support::texts([Some("1")])),
        ("event_timestamp", times([Some(0)])),
        ("n", ints([Some(1)])),
    ]);
    write(&path("s.parquet"), &spine, 10);
    write(&path("v.parquet"), &view, 10);
    let open = |out: &Path| {
        let view = ViewFile::open("v", path("v.parquet")).unwrap().ttl(days(1));
        let join = PointInTimeJoin::new(SpineFile::open(path("s.parquet")).unwrap()).view(view);
        join.write(out).unwrap_err()
    };
    let error = open(&path("out.parquet"));
    assert!(
        matches!(&error, Error::SpineKeyType { view, column, .. } if view == "v" && column == "id")
    );
    assert!(matches!(
        open(&path("v.parquet")),
        Error::OutputIsInput { .. }
    ));
    assert!(matches!(
        open(&path("out.xlsx")),
        Error::UnknownFormat { .. }
    ));

    fs::write(path("v.csv"), "id,event_timestamp,n\n1,1970-01-01,1\n").unwrap();
    let view = ViewFile::open("v", path("v.csv")).unwrap();
    let join = PointInTimeJoin::new(SpineFile::open(path("s.parquet")).unwrap()).view(view);
    let error = join.write(path("out.csv")).unwrap_err();
    assert!(error.to_string().contains("row 2"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Invalid);

    let torn = fs::read(path("s.parquet")).unwrap();
    fs::write(path("torn.parquet"), &torn[..torn.len() - 9]).unwrap();
    let join = PointInTimeJoin::new(SpineFile::open(path("torn.parquet")).unwrap());
    assert_eq!(join.collect().unwrap_err().kind(), ErrorKind::Corrupt);
}
