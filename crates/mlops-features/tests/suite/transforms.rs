//! Expressions: what each function gives, what is refused and in which words.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::Int64Type;
use mlops_core::{EventTime, Value};
use mlops_features::{
    DataType, Error, Result,
    transform::{Expr, Program, UserFunction, call, col, lit, null, when},
};

fn columns() -> Vec<(String, DataType)> {
    [
        ("b", DataType::Boolean),
        ("i", DataType::Int64),
        ("f", DataType::Float64),
        ("s", DataType::Utf8),
        ("t", EventTime::data_type()),
        ("list", DataType::new_list(DataType::Int64, true)),
    ]
    .map(|(name, data_type)| (name.to_owned(), data_type))
    .into()
}

fn row() -> Vec<Value> {
    let time = EventTime::parse("2024-02-29T23:30:15.5Z").unwrap();
    vec![
        true.into(),
        7.into(),
        2.5.into(),
        "Ünder, score".into(),
        time.into(),
        Value::Null,
    ]
}

/// The value of one row, which must be the one of a column of that row.
fn value(text: &str) -> Result<Value> {
    let program = Program::compile(&text.parse()?, &columns(), &[])?;
    let value = program.row(&row())?;
    let column = program.column(&arrays())?;
    assert_eq!(Value::from_array("c", &column, 0)?, value, "{text}");
    Ok(value)
}

fn arrays() -> Vec<ArrayRef> {
    let time = TimestampMicrosecondArray::from(vec![1_709_249_415_500_000]);
    vec![
        Arc::new(BooleanArray::from(vec![true])),
        Arc::new(Int64Array::from(vec![7])),
        Arc::new(Float64Array::from(vec![2.5])),
        Arc::new(StringArray::from(vec!["Ünder, score"])),
        Arc::new(time.with_timezone("UTC")),
        new_null_array(&DataType::new_list(DataType::Int64, true), 1),
    ]
}

#[test]
#[expect(clippy::too_many_lines, reason = "one line a case")]
fn functions_give_what_their_documentation_says() {
    let time = |text: &str| Value::Time(EventTime::parse(text).unwrap());
    let cases: Vec<(&str, Value)> = vec![
        ("1 + 2 * 3 - 4", 3.into()),
        ("-(i + 1) * 2", Value::from(-16)),
        ("7 / 2", 3.5.into()),
        ("i / 0", Value::Null),
        ("f / 0.0", f64::INFINITY.into()),
        ("f / 0", Value::Null),
        ("f / nullif(i, 7)", Value::Null),
        ("div(-7, 2)", Value::from(-3)),
        ("-7 % 2", Value::from(-1)),
        ("i % 0", Value::Null),
        ("f * 2", 5.0.into()),
        ("abs(-3)", 3.into()),
        ("sign(-2.5)", Value::from(-1.0)),
        ("sqrt(f - 0.25)", 1.5.into()),
        ("round(2.5)", 3.0.into()),
        ("round(-2.5)", Value::from(-3.0)),
        ("round(1234.5678, 2)", 1234.57.into()),
        ("round(1234.5678, -2)", 1200.0.into()),
        ("is_nan(round(-nan, -400))", true.into()),
        ("round(-inf, -400)", f64::NEG_INFINITY.into()),
        ("floor(-0.5)", Value::from(-1.0)),
        ("ceil(0.5)", 1.0.into()),
        ("pow(2, 10)", 1024.0.into()),
        ("clip(i, 0, 5)", 5.into()),
        ("min(3, null, i, 2)", 2.into()),
        ("max(f, 3)", 3.0.into()),
        ("is_nan(0.0 / 0.0)", true.into()),
        ("ratio(f, 0, -1)", Value::from(-1.0)),
        ("ratio(i, 2, -1)", 3.5.into()),
        ("b and null", Value::Null),
        ("not b and null", false.into()),
        ("b or null", true.into()),
        ("null is null", true.into()),
        ("i is not null", true.into()),
        ("i in (1, 7)", true.into()),
        ("i not in (1, 2)", true.into()),
        ("f in (2, 2.5)", true.into()),
        ("s in ('a', 'b')", false.into()),
        ("i between 7 and 9", true.into()),
        ("i not between 7 and 9", false.into()),
        ("if(i > 5, 'many', 'few')", "many".into()),
        ("if(null, 1, 2)", 2.into()),
        ("case when i < 5 then 1 when i < 8 then 2 end", 2.into()),
        ("case when i < 5 then 1 end", Value::Null),
        ("coalesce(null, i)", 7.into()),
        ("nullif(i, 7)", Value::Null),
        ("nullif(f, 2.5)", Value::Null),
        ("nullif(b, true)", Value::Null),
        ("nullif(s, concat(s, ''))", Value::Null),
        ("nullif(s, 'x')", "Ünder, score".into()),
        ("nullif(t, t)", Value::Null),
        ("lower(s)", "ünder, score".into()),
        ("upper('straße')", "STRASSE".into()),
        ("trim('  x ')", "x".into()),
        ("length(s)", 12.into()),
        ("concat(s, '!', '?')", "Ünder, score!?".into()),
        ("substring(s, 1, 2)", "Ün".into()),
        ("substring(s, -1, 3)", "Ü".into()),
        ("substring(s, 8)", "score".into()),
        ("substring('abc', -9223372036854775808)", "abc".into()),
        ("contains(s, 'sco')", true.into()),
        ("starts_with(s, 'Ü')", true.into()),
        ("ends_with(s, 'x')", false.into()),
        ("replace('aaa', 'aa', 'b')", "ba".into()),
        ("split_part(s, ', ', 2)", "score".into()),
        ("split_part(s, ', ', -1)", "score".into()),
        ("split_part(s, ', ', 3)", Value::Null),
        ("year(t)", 2024.into()),
        ("hour(t)", 23.into()),
        ("hour(t, 'Asia/Kathmandu')", 5.into()),
        ("day(t, 'Asia/Kathmandu')", 1.into()),
        ("weekday(t)", 4.into()),
        ("day_of_year(t)", 60.into()),
        ("truncate(t, 'hour')", time("2024-02-29T23:00:00Z")),
        (
            "truncate(t, 'month', 'Asia/Kathmandu')",
            time("2024-02-29T18:15:00Z"),
        ),
        ("truncate(t, 'week')", time("2024-02-26T00:00:00Z")),
        (
            "days_between(time('2024-02-28T23:30:15.5Z'), t)",
            1.0.into(),
        ),
        ("seconds_between(t, add_days(t, 1))", 86_400.0.into()),
        ("unix_seconds(t)", 1_709_249_415.into()),
        ("from_unix_seconds(0)", time("1970-01-01T00:00:00Z")),
        ("int('12')", 12.into()),
        ("cast(2.0 as int)", 2.into()),
        ("try_int('x')", Value::Null),
        ("text(f)", "2.5".into()),
        ("text(t)", "2024-02-29T23:30:15.5Z".into()),
        ("bool(1)", true.into()),
        ("float(b)", 1.0.into()),
        ("bucketize(i, 1, 5, 10)", 2.into()),
        ("bucketize(nan, 1.0, 5.0)", Value::Null),
        ("int(b) + length('x')", 2.into()),
    ];
    for (text, expect) in cases {
        assert_eq!(value(text).unwrap(), expect, "{text}");
        let expr: Expr = text.parse().unwrap();
        let again: Expr = expr.to_string().parse().unwrap();
        assert_eq!(again.to_string(), expr.to_string(), "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_named_with_both_types_and_the_closest_name() {
    let cases = [
        (
            "i + f",
            "`+` takes (Int64, Int64) or (Float64, Float64), and `i` is Int64 and `f` is Float64; convert with `float(…)`",
        ),
        (
            "sqrt(i)",
            "`sqrt` takes (Float64), and `i` is Int64; convert with `float(…)`",
        ),
        (
            "i > f",
            "`>` takes values of one type, and `i` is Int64, `f` is Float64; convert one with `float(…)`",
        ),
        ("if(i, 1, 2)", "`if` takes Boolean, and `i` is Int64"),
        ("lower(i)", "`lower` takes (Utf8), and `i` is Int64"),
        ("if(b, 1, 'x')", "`1` is Int64, `'x'` is Utf8"),
        (
            "lenght(s)",
            "there is no function `lenght`; is `length` meant?",
        ),
        (
            "regexp_match(s, 'x')",
            "there is no function `regexp_match`",
        ),
        (
            "amount",
            "there is no `amount`; there is `b`, `i`, `f`, `s`, `t`, `list`",
        ),
        ("lisst", "there is no `lisst`; is `list` meant?"),
        (
            "list",
            "`list` is List(Int64), which expressions do not read",
        ),
        ("null", "it is always null and has no type"),
        ("at()", "`at()` is known in a feature service only"),
        ("hour(t, 'Mars')", "`hour` knows no time zone `Mars`"),
        (
            "hour(t, s)",
            "`hour` takes its zone as a constant text, and `s` is Utf8",
        ),
        (
            "truncate(t, 'fortnight')",
            "`truncate` knows no unit `fortnight`; it knows `year`",
        ),
        ("i in (1, i)", "`in` takes constants, and `i` is Int64"),
        ("i in (1, null)", "`in` takes no null among its constants"),
        ("bucketize(i, 3, 2)", "the edges of `bucketize` must grow"),
        ("hash_bucket(i, 0)", "from 1 to 4294967295"),
        ("hash_bucket(f, 9)", "`f` is Float64"),
        ("nullif(i)", "`nullif` takes 2 arguments, and has 1"),
        ("min(s)", "`min` takes numbers or times, and these are Utf8"),
    ];
    for (text, expect) in cases {
        let error = value(text).unwrap_err();
        assert!(matches!(error, Error::InvalidTransform { .. }), "{text}");
        assert!(error.to_string().contains(expect), "{text}: {error}");
    }
}

#[test]
fn a_text_that_is_no_expression_says_where_it_breaks() {
    let cases = [
        ("", 1, "a value is expected, not the end"),
        ("1 +", 4, "a value is expected, not the end"),
        ("(1", 3, "`)` is expected, not the end"),
        ("é 'x'", 1, "`é` has no meaning here"),
        ("'é' # 1", 5, "`#` has no meaning here"),
        ("a b", 3, "an operator or the end is expected, not `b`"),
        ("1 < 2 < 3", 7, "comparisons do not chain"),
        ("'open", 1, "a `'` is never closed"),
        ("\"\"", 1, "a value is expected, not column \"\""),
        ("1e", 1, "breaks off at its exponent"),
        ("1x", 1, "a number runs into a name"),
        ("9223372036854775808", 1, "does not fit 64 bits"),
        ("1e999", 1, "does not fit 64 bits"),
        ("case end", 6, "`when` is expected"),
        (
            "cast(1 as date)",
            11,
            "`int`, `float`, `text`, `bool` or `time` is expected",
        ),
        ("if(1, 2)", 9, "`if` takes a condition and two values"),
        ("a is 1", 6, "`null` is expected"),
        ("a not 1", 7, "`in` or `between` is expected"),
        ("f(1,", 5, "a value is expected, not the end"),
    ];
    for (text, place, expect) in cases {
        match text.parse::<Expr>() {
            Err(Error::ExpressionSyntax { position, reason }) => {
                assert!(reason.contains(expect), "{text}: {reason}");
                assert_eq!(position, place, "{text}: {reason}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn hostile_expressions_are_refused_and_no_stack_overflows() {
    let run = || {
        let deep = ["(", "-", "not ", "abs(", "case when ", "1+(", "a in (1,"];
        for piece in deep {
            for times in [200, 3_000] {
                let text = format!("{}1", piece.repeat(times));
                let error = text.parse::<Expr>().unwrap_err().to_string();
                assert!(error.len() < 300, "{error}");
            }
        }
        let long = format!("'{}'", "x".repeat(1 << 20));
        let error = long.parse::<Expr>().unwrap_err().to_string();
        assert!(
            error.contains("1048578 bytes, and 65536 are allowed"),
            "{error}"
        );
        let wide = format!("1{}", "+1".repeat(300));
        assert!(
            wide.parse::<Expr>()
                .unwrap_err()
                .to_string()
                .contains("100 deep")
        );

        // the builder has the same bounds, also for a tree that shares its branches
        let mut doubled = col("i");
        for _ in 0..200 {
            doubled = doubled.clone() + doubled;
        }
        let mut chain = col("i");
        for _ in 0..100_000 {
            chain = chain + 1;
        }
        for (expr, reason) in [
            (doubled, "4096 parts"),
            (chain, "100 deep"),
            (lit("x".repeat(1 << 20)), "65536 bytes"),
            (call("no name", []), "plain word"),
            (call("and", [lit(true)]), "plain word"),
            (col(""), "no name"),
        ] {
            let error = Program::compile(&expr, &columns(), &[])
                .unwrap_err()
                .to_string();
            assert!(error.contains(reason), "{error}");
            assert!(serde_json::to_string(&expr).is_err());
        }

        // as deep as allowed: compiled, printed, read and run
        let mut deep = col("i");
        for _ in 0..49 {
            deep = when(deep.clone().greater_than(0), lit(1) - deep, null());
        }
        if let Ok(program) = Program::compile(&deep, &columns(), &[]) {
            program.row(&row()).unwrap();
        }
        let mut right = col("i");
        for _ in 0..99 {
            right = lit(1) - right;
        }
        let back: Expr = right.to_string().parse().unwrap();
        assert_eq!(back, right);
        let program = Program::compile(&right, &columns(), &[]).unwrap();
        assert_eq!(program.row(&row()).unwrap(), Value::Int(-6));
    };
    // half of what a thread has by default, without optimisation
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run);
    thread.unwrap().join().unwrap();
}

#[test]
fn a_text_cannot_grow_without_bound() {
    let mut expr = call("concat", [col("s"), lit("x".repeat(1_000))]);
    for _ in 0..10 {
        expr = expr.replace("x", "x".repeat(100));
    }
    let program = Program::compile(&expr, &columns(), &[]).unwrap();
    let error = program.row(&row()).unwrap_err().to_string();
    assert!(error.contains("longer than 1048576 bytes"), "{error}");
}

#[test]
fn a_row_that_breaks_is_named_and_a_branch_not_taken_breaks_nothing() {
    let columns = [
        ("i".to_owned(), DataType::Int64),
        ("s".to_owned(), DataType::Utf8),
    ];
    let ints: ArrayRef = Arc::new(Int64Array::from(vec![1, i64::MAX, 2]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["4", "5", "x"]));
    let run = |text: &str| {
        let program = Program::compile(&text.parse().unwrap(), &columns, &[]).unwrap();
        program.column(&[Arc::clone(&ints), Arc::clone(&texts)])
    };
    let broken = [
        (
            "i + 1",
            "`i + 1` has no value in row 1: a sum overflows 64 bits",
        ),
        (
            "int(s)",
            "`int(s)` has no value in row 2: `x` cannot become Int64",
        ),
        ("i * 2 > 0 and int(s) > 0", "in row 1: a product overflows"),
        (
            "from_unix_seconds(i)",
            "in row 1: a time leaves the years from -009999 to 9999",
        ),
    ];
    for (text, expect) in broken {
        let error = run(text).unwrap_err().to_string();
        assert!(error.contains(expect), "{text}: {error}");
    }
    let sound = [
        ("if(i < 5, i + 1, 0)", [2, 0, 3]),
        ("case when s = 'x' then 0 else int(s) end", [4, 5, 0]),
        ("coalesce(i, int(s))", [1, i64::MAX, 2]),
        ("int(s != 'x' and int(s) > 4)", [0, 1, 0]),
        ("int(s = 'x' or int(s) > 4)", [0, 1, 1]),
    ];
    for (text, expect) in sound {
        let column = run(text).unwrap();
        assert_eq!(
            column.as_primitive::<Int64Type>().values(),
            &expect,
            "{text}"
        );
    }
}

#[test]
fn columns_of_other_widths_are_read_as_what_they_mean() {
    let columns = [("i".to_owned(), DataType::Int32)];
    let program = Program::compile(&(col("i") + 1), &columns, &[]).unwrap();
    let ints: ArrayRef = Arc::new(Int32Array::from(vec![Some(i32::MAX), None]));
    let sums = program.column(&[ints]).unwrap();
    let sums = sums.as_primitive::<Int64Type>();
    assert_eq!((sums.value(0), sums.is_null(1)), (1 << 31, true));
    let other: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let error = program.column(&[other]).unwrap_err().to_string();
    assert!(
        error.contains("is 1 of Int64, it must be 1 rows of Int32"),
        "{error}"
    );
    assert!(program.row(&["x".into()]).is_err());
    assert!(program.row(&[]).is_err());
}

#[test]
fn a_function_of_ones_own_is_typed_versioned_and_contained() {
    let make = |version: u32| {
        let takes = [DataType::Int64];
        UserFunction::new(
            "risk",
            version,
            takes,
            DataType::Float64,
            |args| match args {
                [Value::Int(0)] => panic!("nought"),
                [Value::Int(1)] => Err("one is not allowed"),
                [Value::Int(2)] => Ok(Value::from("two")),
                [Value::Int(value)] => Ok(Value::from(*value as f64 / 2.0)),
                _ => Ok(Value::from(-1.0)),
            },
        )
        .unwrap()
    };
    let columns = [("i".to_owned(), DataType::Int64)];
    let expr = call("risk", [col("i")]);
    let program = Program::compile(&expr, &columns, &[make(1)]).unwrap();
    assert_eq!(program.row(&[3.into()]).unwrap(), Value::Float(1.5));
    assert_eq!(program.row(&[Value::Null]).unwrap(), Value::Float(-1.0));
    for (value, expect) in [
        (0, "has no value in row 1: function `risk` panicked: nought"),
        (1, "function `risk` says: one is not allowed"),
        (
            2,
            "function `risk` gave Utf8, and its signature says Float64",
        ),
    ] {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![3, value]));
        let error = program.column(&[column]).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
        assert!(program.row(&[value.into()]).is_err());
    }
    let wrong = Program::compile(&call("risk", [lit("x")]), &columns, &[make(1)]);
    assert!(
        wrong
            .unwrap_err()
            .to_string()
            .contains("`risk` takes Int64, and `'x'` is Utf8")
    );
    let twice = Program::compile(&expr, &columns, &[make(1), make(2)]);
    assert!(matches!(twice, Err(Error::InvalidFunction { .. })));
    for name in ["sqrt", "Risk", "and", "a b", ""] {
        let body = |_: &[Value]| Ok::<_, String>(Value::Null);
        let function = UserFunction::new(name, 1, [], DataType::Int64, body);
        assert!(
            matches!(function, Err(Error::InvalidFunction { .. })),
            "{name}"
        );
    }
}

#[test]
fn the_stored_form_has_a_version_and_survives() {
    let expr = col("a-b").fill_null(-0.0) / f64::NAN;
    let json = serde_json::to_string(&expr).unwrap();
    assert_eq!(
        json,
        r#"{"version":1,"expression":"coalesce(\"a-b\", -0.0) / nan"}"#
    );
    let back: Expr = serde_json::from_str(&json).unwrap();
    assert_eq!((back.digest(), &back), (expr.digest(), &expr));
    for (bad, expect) in [
        (
            r#"{"version":2,"expression":"1"}"#,
            "expression version 2 is not known",
        ),
        (
            r#"{"version":1,"expression":"1 +"}"#,
            "breaks at character 4",
        ),
        (r#"{"version":1,"expression":"1","x":0}"#, "unknown field"),
        (r#"{"expression":"1"}"#, "missing field"),
    ] {
        let error = serde_json::from_str::<Expr>(bad).unwrap_err().to_string();
        assert!(error.contains(expect), "{bad}: {error}");
    }
}

#[test]
fn hashes_distances_and_calendars_agree_with_other_libraries() {
    let golden = include_str!("../golden/transforms/values.json");
    let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
    let list = |name: &str| golden[name].as_array().unwrap().clone();
    for case in list("text_buckets") {
        let expr = lit(case[0].as_str().unwrap()).hash_bucket(1_000);
        assert_eq!(run(&expr), Value::Int(case[1].as_i64().unwrap()), "{case}");
    }
    for case in list("int_buckets") {
        let expr = lit(case[0].as_i64().unwrap()).hash_bucket(1_000);
        assert_eq!(run(&expr), Value::Int(case[1].as_i64().unwrap()), "{case}");
    }
    for case in list("haversine_km") {
        let numbers = |at: usize| case[at].as_f64().unwrap();
        let got = run(&call("haversine", (0..4).map(|at| lit(numbers(at)))));
        let (got, expect) = (got.as_f64().unwrap(), numbers(4));
        assert!((got - expect).abs() <= 1e-9 * expect, "{case}: {got}");
    }
    let names = [
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "weekday",
        "week",
        "day_of_year",
    ];
    for case in list("time_parts") {
        let time = lit(EventTime::from_seconds(case[0].as_i64().unwrap()));
        for (name, expect) in names.iter().zip(case[2].as_array().unwrap()) {
            let got = run(&time.clone().part(name, case[1].as_str().unwrap()));
            assert_eq!(
                got,
                Value::Int(expect.as_i64().unwrap()),
                "{name} of {case}"
            );
        }
    }
}

fn run(expr: &Expr) -> Value {
    Program::compile(expr, &[], &[]).unwrap().row(&[]).unwrap()
}
