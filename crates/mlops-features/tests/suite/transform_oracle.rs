//! A column of a transform, row by row and at once, held against a naive walk over the tree.
//!
//! Random trees over random tables with nulls, NaN, infinities, signed zeros, extreme whole numbers and
//! instants, and texts of several scripts. All three must agree to the bit, errors included.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::Arc;

use crate::transform::{
    oracle::{Fail, eval},
    tree::{self, Kind, Tree},
};
use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use mlops_core::{EventTime, Value};
use mlops_features::{
    DataType, Error,
    transform::{Expr, Program},
};
use proptest::{prelude::*, test_runner::TestRunner};

fn columns() -> Vec<(String, DataType)> {
    let time = EventTime::data_type();
    let types = [
        DataType::Boolean,
        DataType::Int64,
        DataType::Float64,
        DataType::Utf8,
        time,
    ];
    let types = types.into_iter().flat_map(|t| [t.clone(), t]);
    let names = ["b0", "b1", "i0", "i1", "f0", "f1", "s 0", "s1", "t0", "t1"];
    names.map(str::to_owned).into_iter().zip(types).collect()
}

fn arrays(rows: &[Vec<Value>]) -> Vec<ArrayRef> {
    let column = |at: usize| -> ArrayRef {
        let values = rows.iter().map(|row| &row[at]);
        match at / 2 {
            0 => Arc::new(
                values
                    .map(|v| match v {
                        Value::Bool(v) => Some(*v),
                        _ => None,
                    })
                    .collect::<BooleanArray>(),
            ),
            1 => Arc::new(
                values
                    .map(|v| match v {
                        Value::Int(v) => Some(*v),
                        _ => None,
                    })
                    .collect::<Int64Array>(),
            ),
            2 => Arc::new(
                values
                    .map(|v| match v {
                        Value::Float(v) => Some(*v),
                        _ => None,
                    })
                    .collect::<Float64Array>(),
            ),
            3 => Arc::new(values.map(Value::as_str).collect::<StringArray>()),
            _ => {
                let times = values.map(|v| match v {
                    Value::Time(v) => Some(v.micros()),
                    _ => None,
                });
                Arc::new(
                    times
                        .collect::<TimestampMicrosecondArray>()
                        .with_timezone("UTC"),
                )
            }
        }
    };
    (0..10).map(column).collect()
}

/// Equal to the bit; every NaN that leaves is the quiet one.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

fn rows() -> impl Strategy<Value = Vec<Vec<Value>>> {
    let row = (0..10_usize).map(|at| tree::value(Kind::ALL[at / 2]));
    let pool = prop::collection::vec(row.collect::<Vec<_>>(), 1..12);
    let length = prop_oneof![4 => 0..20_usize, 1 => 1_022..1_027_usize, 1 => 2_047..2_050_usize];
    (pool, length).prop_map(|(pool, length)| pool.iter().cycle().take(length).cloned().collect())
}

fn tree() -> impl Strategy<Value = Tree> {
    prop::sample::select(Kind::ALL.to_vec()).prop_flat_map(|kind| tree::tree(kind, 4))
}

fn check(tree: &Tree, rows: &[Vec<Value>]) -> Result<(), TestCaseError> {
    let expr = tree.expr();
    let text = expr.to_string();
    let program = match Program::compile(&expr, &columns(), &[]) {
        Ok(program) => program,
        Err(Error::InvalidTransform { reason, .. }) if reason.contains("always null") => {
            return Ok(());
        }
        Err(error) => return Err(TestCaseError::fail(format!("{text}: {error}"))),
    };
    let read: Expr = text
        .parse()
        .map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
    prop_assert_eq!(&read, &expr);
    let json = serde_json::to_string(&expr).unwrap();
    let back: Expr = serde_json::from_str(&json).unwrap();
    prop_assert_eq!(back.digest(), expr.digest());

    let mut good = Vec::new();
    let mut broken: Option<(usize, String)> = None;
    for (at, row) in rows.iter().enumerate() {
        let expect = eval(tree, row);
        match (program.row(row), expect) {
            (Ok(got), Ok(expect)) => {
                prop_assert!(
                    same(&got, &expect),
                    "{text} of {row:?}: {got:?}, not {expect:?}"
                );
                good.push((row.clone(), got));
            }
            (
                Err(Error::TransformFailed {
                    reason, row: None, ..
                }),
                Err(Fail),
            ) => {
                broken.get_or_insert((at, reason));
            }
            (got, expect) => {
                prop_assert!(false, "{text} of {row:?}: {got:?}, not {expect:?}");
            }
        }
    }
    match (program.column(&arrays(rows)), &broken) {
        (Ok(column), None) => prop_assert_eq!(column.len(), rows.len()),
        (Err(Error::TransformFailed { reason, row, .. }), Some((at, expect))) => {
            prop_assert_eq!((row, &reason), (Some(*at), expect), "{}", text);
        }
        (got, expect) => prop_assert!(false, "{text}: {got:?}, not {expect:?}"),
    }
    // the rows that are left, also as a slice whose offset is not a multiple of eight
    let kept: Vec<Vec<Value>> = good.iter().map(|(row, _)| row.clone()).collect();
    let all = arrays(&kept);
    for from in [0, 3.min(kept.len())] {
        let part: Vec<ArrayRef> = all
            .iter()
            .map(|a| a.slice(from, kept.len() - from))
            .collect();
        let column = program.column(&part).unwrap();
        prop_assert_eq!(column.data_type(), &program.data_type());
        for (at, (row, expect)) in good[from..].iter().enumerate() {
            let got = Value::from_array("x", &column, at).unwrap();
            prop_assert!(
                same(&got, expect),
                "{text} of {row:?}: {got:?}, not {expect:?}"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_row_a_column_and_a_naive_walk_agree_to_the_bit(tree in tree(), rows in rows()) {
        check(&tree, &rows)?;
    }
}

#[test]
fn every_function_by_itself_agrees_with_a_naive_walk() {
    for function in tree::alone() {
        let config = ProptestConfig {
            failure_persistence: None,
            cases: ProptestConfig::default().cases / 16,
            ..ProptestConfig::default()
        };
        let mut runner = TestRunner::new(config);
        let result = runner.run(&(function, rows()), |(tree, rows)| check(&tree, &rows));
        result.unwrap_or_else(|error| panic!("{error}"));
    }
}
