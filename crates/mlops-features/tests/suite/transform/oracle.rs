//! The meaning of expressions, written down once more: a slow walk over one tree and one row.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the numbers of an oracle are small where it casts"
)]

use jiff::{Timestamp, ToSpan, Unit, Zoned, ZonedRound, tz::TimeZone};
use mlops_core::{EventTime, Value};

use super::tree::Tree;

/// The row has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fail;

type Answer = Result<Value, Fail>;

/// The value of a tree for a row; every NaN comes out as the quiet one.
pub(crate) fn eval(tree: &Tree, row: &[Value]) -> Answer {
    Ok(match walk(tree, row)? {
        Value::Float(value) if value.is_nan() => Value::Float(f64::NAN),
        value => value,
    })
}

fn walk(tree: &Tree, row: &[Value]) -> Answer {
    match tree {
        Tree::Column(at) => Ok(row[*at].clone()),
        Tree::Lit(value) => Ok(value.clone()),
        Tree::Case(branches, otherwise) => {
            for (when, then) in branches {
                if walk(when, row)? == Value::Bool(true) {
                    return walk(then, row);
                }
            }
            otherwise
                .as_ref()
                .map_or(Ok(Value::Null), |tree| walk(tree, row))
        }
        Tree::Call("and", args) => match walk(&args[0], row)? {
            Value::Bool(false) => Ok(Value::Bool(false)),
            a => Ok(match (a, walk(&args[1], row)?) {
                (_, Value::Bool(false)) => Value::Bool(false),
                (Value::Bool(true), Value::Bool(true)) => Value::Bool(true),
                _ => Value::Null,
            }),
        },
        Tree::Call("or", args) => match walk(&args[0], row)? {
            Value::Bool(true) => Ok(Value::Bool(true)),
            a => Ok(match (a, walk(&args[1], row)?) {
                (_, Value::Bool(true)) => Value::Bool(true),
                (Value::Bool(false), Value::Bool(false)) => Value::Bool(false),
                _ => Value::Null,
            }),
        },
        Tree::Call("coalesce", args) => {
            for arg in args {
                let value = walk(arg, row)?;
                if !value.is_null() {
                    return Ok(value);
                }
            }
            Ok(Value::Null)
        }
        Tree::Call("ratio", args) => {
            let (a, b) = (walk(&args[0], row)?, walk(&args[1], row)?);
            match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) if b != 0.0 => Ok(Value::Float(a / b)),
                _ => walk(&args[2], row),
            }
        }
        Tree::Call(name, args) => {
            let args: Vec<Value> = args
                .iter()
                .map(|arg| walk(arg, row))
                .collect::<Result<_, _>>()?;
            call(name, &args)
        }
    }
}

fn call(name: &str, args: &[Value]) -> Answer {
    match name {
        "is_null" => return Ok(Value::Bool(args[0].is_null())),
        "nullif" => {
            let equal = !args[0].is_null() && args[0] == args[1];
            return Ok(if equal { Value::Null } else { args[0].clone() });
        }
        "min" | "max" => {
            let present = args.iter().filter(|arg| !arg.is_null()).cloned();
            return Ok(present
                .reduce(|a, b| extreme(name == "min", a, b))
                .unwrap_or_default());
        }
        _ => {}
    }
    if args.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    match args {
        [Value::Int(a), Value::Int(b)]
            if ["+", "-", "*", "div", "%", "hash_bucket"].contains(&name) =>
        {
            ints(name, *a, *b)
        }
        [Value::Float(a), Value::Float(b)] if ["+", "-", "*", "/", "%", "pow"].contains(&name) => {
            Ok(Value::Float(match name {
                "+" => a + b,
                "-" => a - b,
                "*" => a * b,
                "/" => a / b,
                "%" => a % b,
                _ => a.powf(*b),
            }))
        }
        [a, b] if name == "/" => Ok(match b {
            Value::Int(0) => Value::Null,
            b => Value::Float(a.as_f64().unwrap() / b.as_f64().unwrap()),
        }),
        [a, b] if ["=", "!=", "<", "<=", ">", ">="].contains(&name) => {
            Ok(Value::Bool(holds(name, a, b)))
        }
        [value, list @ ..] if name == "in" => Ok(Value::Bool(list.contains(value))),
        [Value::Int(value), edges @ ..] if name == "bucketize" => Ok(Value::Int(
            edges
                .iter()
                .filter(|edge| Value::Int(*value) == **edge || less(edge, &Value::Int(*value)))
                .count() as i64,
        )),
        [Value::Float(value), edges @ ..] if name == "bucketize" => Ok(if value.is_nan() {
            Value::Null
        } else {
            Value::Int(
                edges
                    .iter()
                    .filter(|edge| edge.as_f64().unwrap() <= *value)
                    .count() as i64,
            )
        }),
        [Value::Time(time), rest @ ..] => times(name, *time, rest),
        [Value::Str(text), rest @ ..] => texts(name, text, rest),
        _ => numbers(name, args),
    }
}

fn less(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a < b,
        (Value::Float(a), Value::Float(b)) => a < b,
        (Value::Bool(a), Value::Bool(b)) => !a & b,
        (Value::Time(a), Value::Time(b)) => a < b,
        (Value::Str(a), Value::Str(b)) => a < b,
        _ => panic!("{a:?} and {b:?} do not compare"),
    }
}

fn holds(name: &str, a: &Value, b: &Value) -> bool {
    match name {
        "=" => a == b,
        "!=" => a != b,
        "<" => less(a, b),
        ">" => less(b, a),
        "<=" => less(a, b) || a == b,
        ">=" => less(b, a) || a == b,
        _ => panic!("{name} is no comparison"),
    }
}

fn extreme(least: bool, a: Value, b: Value) -> Value {
    let nan = |value: &Value| matches!(value, Value::Float(value) if value.is_nan());
    if nan(&a) || nan(&b) {
        return Value::Float(f64::NAN);
    }
    let better = if least { less(&b, &a) } else { less(&a, &b) };
    if better { b } else { a }
}

fn fits(value: i128) -> Answer {
    i64::try_from(value).map(Value::Int).map_err(|_| Fail)
}

fn ints(name: &str, a: i64, b: i64) -> Answer {
    let (x, y) = (i128::from(a), i128::from(b));
    match name {
        "+" => fits(x + y),
        "-" => fits(x - y),
        "*" => fits(x * y),
        "div" | "%" if b == 0 => Ok(Value::Null),
        "div" => fits(x / y),
        "%" => fits(x % y),
        "hash_bucket" => Ok(bucket(&a.to_le_bytes(), b)),
        _ => panic!("{name} of whole numbers"),
    }
}

fn whole(value: f64) -> Answer {
    let exact = value.fract() == 0.0 && value >= -(2_f64.powi(63)) && value < 2_f64.powi(63);
    if exact {
        Ok(Value::Int(value as i64))
    } else {
        Err(Fail)
    }
}

fn numbers(name: &str, args: &[Value]) -> Answer {
    Ok(match (name, args) {
        ("not", [Value::Bool(a)]) => Value::Bool(!a),
        ("int", [Value::Bool(a)]) => Value::Int((*a).into()),
        ("float", [a @ (Value::Bool(_) | Value::Int(_))]) => Value::Float(a.as_f64().unwrap()),
        ("text", [Value::Bool(a)]) => a.to_string().into(),
        ("text", [Value::Int(a)]) => a.to_string().into(),
        ("text", [Value::Float(a)]) if a.is_nan() => "NaN".into(),
        ("text", [Value::Float(a)]) => format!("{a:?}").into(),
        ("hash_bucket", [Value::Bool(a), Value::Int(b)]) => bucket(&[(*a).into()], *b),
        ("neg", [Value::Int(a)]) => return fits(-i128::from(*a)),
        ("abs", [Value::Int(a)]) => return fits(i128::from(*a).abs()),
        ("sign", [Value::Int(a)]) => Value::Int(i64::from(*a > 0) - i64::from(*a < 0)),
        ("clip", [Value::Int(a), Value::Int(low), Value::Int(high)]) => {
            Value::Int(if a < low { *low } else { *a }.min(*high))
        }
        ("clip", [a, low, high]) => {
            extreme(true, extreme(false, a.clone(), low.clone()), high.clone())
        }
        ("from_unix_seconds", [Value::Int(a)]) => return moved(0, i128::from(*a)),
        ("int", [Value::Float(a)]) => return whole(*a),
        ("try_int", [Value::Float(a)]) => whole(*a).unwrap_or_default(),
        ("is_nan", [Value::Float(a)]) => Value::Bool(a.is_nan()),
        ("round", [Value::Float(a), Value::Int(digits)]) => Value::Float(rounded(*a, *digits)),
        ("haversine", [a, b, c, d]) => {
            let [a, b, c, d] = [a, b, c, d].map(|v| v.as_f64().unwrap());
            if a.abs() > 90.0 || c.abs() > 90.0 {
                return Ok(Value::Null);
            }
            let (p, q) = (a.to_radians(), c.to_radians());
            let (u, v) = (
                ((q - p) * 0.5).sin(),
                ((d.to_radians() - b.to_radians()) * 0.5).sin(),
            );
            let h = u * u + p.cos() * q.cos() * v * v;
            let h = if h > 1.0 { 1.0 } else { h };
            Value::Float(2.0 * 6_371.008_8 * h.sqrt().asin())
        }
        (_, [Value::Float(a)]) => Value::Float(match name {
            "neg" => -a,
            "abs" => a.abs(),
            "sign" if *a == 0.0 || a.is_nan() => *a,
            "sign" => a.signum(),
            "sqrt" => a.sqrt(),
            "ln" => a.ln(),
            "log10" => a.log10(),
            "exp" => a.exp(),
            "floor" => a.floor(),
            "ceil" => a.ceil(),
            "round" => a.round(),
            _ => panic!("{name} of a real number"),
        }),
        _ => panic!("{name} of {args:?}"),
    })
}

fn rounded(a: f64, digits: i64) -> f64 {
    if digits > 308 || a.is_nan() || a.is_infinite() {
        return a;
    }
    if digits < -323 {
        return if a.is_sign_negative() { -0.0 } else { 0.0 };
    }
    let power = 10_f64.powi(digits as i32);
    if (a * power).is_finite() {
        (a * power).round() / power
    } else {
        a
    }
}

fn texts(name: &str, text: &str, rest: &[Value]) -> Answer {
    let chars = |keep: &dyn Fn(i128) -> bool| -> Value {
        let numbered = (1..).zip(text.chars()).filter(|(place, _)| keep(*place));
        numbered.map(|(_, c)| c).collect::<String>().into()
    };
    Ok(match (name, rest) {
        ("length", []) => Value::Int(text.chars().count() as i64),
        ("lower", []) => text.to_lowercase().into(),
        ("upper", []) => text.to_uppercase().into(),
        ("trim", []) => text.trim().into(),
        ("int", []) => Value::Int(text.parse().map_err(|_| Fail)?),
        ("float", []) => Value::Float(text.parse().map_err(|_| Fail)?),
        ("bool", []) if text == "true" || text == "false" => Value::Bool(text == "true"),
        ("time", []) => Value::Time(EventTime::parse(text).map_err(|_| Fail)?),
        ("bool", []) => return Err(Fail),
        ("try_int", []) => text.parse().map(Value::Int).unwrap_or_default(),
        ("try_float", []) => text.parse().map(Value::Float).unwrap_or_default(),
        ("concat", _) => rest
            .iter()
            .fold(text.to_owned(), |all, part| all + part.as_str().unwrap())
            .into(),
        ("substring", [Value::Int(start)]) => chars(&|place| place >= i128::from(*start)),
        ("substring", [Value::Int(start), Value::Int(length)]) => {
            let start = i128::from(*start);
            chars(&|place| place >= start && place < start + i128::from(*length))
        }
        ("contains", [Value::Str(part)]) => Value::Bool(text.contains(&**part)),
        ("starts_with", [Value::Str(part)]) => Value::Bool(text.starts_with(&**part)),
        ("ends_with", [Value::Str(part)]) => Value::Bool(text.ends_with(&**part)),
        ("replace", [Value::Str(from), _]) if from.is_empty() => text.into(),
        ("replace", [Value::Str(from), Value::Str(to)]) => text.replace(&**from, to).into(),
        ("split_part", [Value::Str(separator), Value::Int(part)]) => {
            let parts: Vec<&str> = if separator.is_empty() {
                vec![text]
            } else {
                text.split(&**separator).collect()
            };
            let count = parts.len() as i128;
            let part = i128::from(*part);
            let at = if part < 0 { count + part } else { part - 1 };
            let found = usize::try_from(at).ok().and_then(|at| parts.get(at));
            found.map_or(Value::Null, |part| (*part).into())
        }
        ("hash_bucket", [Value::Int(buckets)]) => bucket(text.as_bytes(), *buckets),
        _ => panic!("{name} of a text and {rest:?}"),
    })
}

fn moved(time: i64, seconds: i128) -> Answer {
    let to = i128::from(time) + seconds * 1_000_000;
    let range = i128::from(EventTime::MIN.micros())..=i128::from(EventTime::MAX.micros());
    if !range.contains(&to) {
        return Err(Fail);
    }
    Ok(Value::Time(EventTime::from_micros(to as i64)))
}

fn times(name: &str, time: EventTime, rest: &[Value]) -> Answer {
    let stamp = Timestamp::from_microsecond(time.micros()).unwrap();
    let zoned = |zone: &str| stamp.to_zoned(TimeZone::get(zone).unwrap());
    Ok(match (name, rest) {
        ("text", []) => time.to_string().into(),
        ("unix_seconds", []) => Value::Int(time.micros().div_euclid(1_000_000)),
        ("hash_bucket", [Value::Int(buckets)]) => bucket(&time.micros().to_le_bytes(), *buckets),
        ("seconds_between", [Value::Time(to)]) => {
            Value::Float((to.micros() - time.micros()) as f64 / 1e6)
        }
        ("days_between", [Value::Time(to)]) => {
            Value::Float((to.micros() - time.micros()) as f64 / 86_400e6)
        }
        ("add_seconds", [Value::Int(by)]) => return moved(time.micros(), i128::from(*by)),
        ("add_days", [Value::Int(by)]) => return moved(time.micros(), i128::from(*by) * 86_400),
        ("truncate", [Value::Str(unit), Value::Str(zone)]) => {
            let begin = begin(&zoned(zone), unit).ok_or(Fail)?;
            return moved(0, 0).and(Ok(Value::Time(EventTime::from_micros(
                begin.timestamp().as_microsecond(),
            ))));
        }
        (_, [Value::Str(zone)]) => {
            let at = zoned(zone);
            Value::Int(match name {
                "year" => at.year().into(),
                "quarter" => (i64::from(at.month()) + 2) / 3,
                "month" => at.month().into(),
                "week" => at.date().iso_week_date().week().into(),
                "day" => at.day().into(),
                "day_of_year" => at.day_of_year().into(),
                "weekday" => at.weekday().to_monday_one_offset().into(),
                "hour" => at.hour().into(),
                "minute" => at.minute().into(),
                "second" => at.second().into(),
                _ => panic!("{name} of a time"),
            })
        }
        _ => panic!("{name} of a time and {rest:?}"),
    })
}

fn begin(at: &Zoned, unit: &str) -> Option<Zoned> {
    let round = |unit| {
        let mode = jiff::RoundMode::Trunc;
        // towards zero is towards the past only for a clock reading, which is what is rounded
        at.round(ZonedRound::new().smallest(unit).mode(mode)).ok()
    };
    match unit {
        "second" => round(Unit::Second),
        "minute" => round(Unit::Minute),
        "hour" => round(Unit::Hour),
        "day" => at.start_of_day().ok(),
        "week" => {
            let past = i64::from(at.weekday().to_monday_zero_offset());
            let monday = at.date().checked_sub(past.days()).ok()?;
            monday.to_zoned(at.time_zone().clone()).ok()
        }
        _ => {
            let (year, month) = match unit {
                "month" => (at.year(), at.month()),
                "quarter" => (
                    at.year(),
                    [1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10][at.month() as usize - 1],
                ),
                _ => (at.year(), 1),
            };
            let first = jiff::civil::date(year, month, 1);
            first.to_zoned(at.time_zone().clone()).ok()
        }
    }
}

/// XXH64 as its specification words it.
fn bucket(bytes: &[u8], buckets: i64) -> Value {
    const P: [u64; 5] = [
        11_400_714_785_074_694_791,
        14_029_467_366_897_019_727,
        1_609_587_929_392_839_161,
        9_650_029_242_287_828_579,
        2_870_177_450_012_600_261,
    ];
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let round = |acc: u64, lane: u64| {
        acc.wrapping_add(lane.wrapping_mul(P[1]))
            .rotate_left(31)
            .wrapping_mul(P[0])
    };
    let mut at = 0;
    let mut acc = P[4];
    if bytes.len() >= 32 {
        let mut v = [P[0].wrapping_add(P[1]), P[1], 0, 0_u64.wrapping_sub(P[0])];
        while at + 32 <= bytes.len() {
            for (i, v) in v.iter_mut().enumerate() {
                *v = round(*v, word(at + 8 * i));
            }
            at += 32;
        }
        acc = v[0].rotate_left(1);
        acc = acc.wrapping_add(v[1].rotate_left(7));
        acc = acc.wrapping_add(v[2].rotate_left(12));
        acc = acc.wrapping_add(v[3].rotate_left(18));
        for v in v {
            acc = (acc ^ round(0, v)).wrapping_mul(P[0]).wrapping_add(P[3]);
        }
    }
    acc = acc.wrapping_add(bytes.len() as u64);
    while at + 8 <= bytes.len() {
        acc = (acc ^ round(0, word(at)))
            .rotate_left(27)
            .wrapping_mul(P[0])
            .wrapping_add(P[3]);
        at += 8;
    }
    if at + 4 <= bytes.len() {
        let half = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        acc ^= u64::from(half).wrapping_mul(P[0]);
        acc = acc.rotate_left(23).wrapping_mul(P[1]).wrapping_add(P[2]);
        at += 4;
    }
    for byte in &bytes[at..] {
        acc ^= u64::from(*byte).wrapping_mul(P[4]);
        acc = acc.rotate_left(11).wrapping_mul(P[0]);
    }
    acc = (acc ^ (acc >> 33)).wrapping_mul(P[1]);
    acc = (acc ^ (acc >> 29)).wrapping_mul(P[2]);
    acc ^= acc >> 32;
    Value::Int((acc % buckets as u64) as i64)
}
