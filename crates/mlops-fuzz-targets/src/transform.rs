//! No text or JSON of an expression panics; what is read survives its print, and a row and a column agree to the bit.
//!
//! The input is read as text and as JSON. What compiles runs over every type, nulls and extremes.

use std::sync::{Arc, LazyLock};

use mlops_core::{
    Value,
    arrow::array::{
        ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    },
};
use mlops_features::{
    DataType,
    transform::{Expr, Program},
};

type Columns = (Vec<(String, DataType)>, Vec<ArrayRef>);

static COLUMNS: LazyLock<Columns> = LazyLock::new(|| {
    let times = vec![Some(0), Some(i64::MIN), Some(1_709_249_415_500_000), None];
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(BooleanArray::from(vec![
            Some(true),
            Some(false),
            None,
            Some(true),
        ])),
        Arc::new(Int64Array::from(vec![
            Some(7),
            Some(i64::MIN),
            Some(i64::MAX),
            None,
        ])),
        Arc::new(Float64Array::from(vec![
            Some(2.5),
            Some(f64::NAN),
            Some(-0.0),
            None,
        ])),
        Arc::new(StringArray::from(vec![
            Some("a,b"),
            Some(""),
            Some("\u{c9}ire"),
            None,
        ])),
        Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
    ];
    let names = ["b", "i", "f", "s", "t"].into_iter();
    let types = arrays.iter().map(|array| array.data_type().clone());
    let columns = names.map(str::to_owned).zip(types).collect();
    (columns, arrays)
});

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        match text.parse::<Expr>() {
            Ok(expr) => exercise(&expr),
            Err(error) => assert!(error.to_string().len() < 1_000),
        }
    }
    if let Ok(expr) = serde_json::from_slice::<Expr>(data) {
        exercise(&expr);
    }
}

fn exercise(expr: &Expr) {
    let json = serde_json::to_string(expr).expect("what was read is written");
    let back: Expr = serde_json::from_str(&json).expect("what is written is read");
    assert_eq!((back.digest(), &back), (expr.digest(), expr));
    let (columns, arrays) = &*COLUMNS;
    let Ok(program) = Program::compile(expr, columns, &[]) else {
        return;
    };
    for row in 0..4 {
        let one: Vec<ArrayRef> = arrays.iter().map(|array| array.slice(row, 1)).collect();
        let values = arrays
            .iter()
            .map(|array| Value::from_array("c", array, row));
        let values: Vec<Value> = values.collect::<Result<_, _>>().expect("plain types");
        match (program.row(&values), program.column(&one)) {
            (Ok(value), Ok(column)) => {
                let other = Value::from_array("c", &column, 0).expect("plain types");
                let same = match (&value, &other) {
                    (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
                    (a, b) => a == b,
                };
                assert!(same, "{expr}: {value:?} and {other:?}");
            }
            (Err(_), Err(_)) => {}
            (a, b) => panic!("{expr}: {a:?} and {b:?}"),
        }
    }
}
