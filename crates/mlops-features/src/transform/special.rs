//! The calls whose meaning depends on more than types: lists, edges, zones, and those that see null.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{
    catalogue::PARTS,
    check::{Arg, Reason, arity, common, expect},
    kernel::time::Unit,
    kind::{Cell, Kind},
    op::{Op, Order},
    typed::{Typed, What},
};
use crate::service::quoted;

const ANY: usize = usize::MAX;

/// The typed call; `None` if there is no function of that name.
pub(crate) fn call(name: &str, mut args: Vec<Arg<'_>>) -> Result<Option<Typed>, Reason> {
    Ok(Some(match name {
        "is_null" => {
            arity(name, &args, 1..=1)?;
            let arg = args.remove(0).typed;
            Typed::new(Kind::Bool, What::IsNull(arg.into()))
        }
        "coalesce" => {
            arity(name, &args, 1..=ANY)?;
            let (kind, args) = common(name, args)?;
            let what = What::Coalesce(args);
            Typed { kind, what }
        }
        "nullif" => {
            arity(name, &args, 2..=2)?;
            let (kind, mut args) = common(name, args)?;
            let op = Op::Compare(Order::Equal, kind.unwrap_or(Kind::Bool));
            let (b, a) = (args.remove(1), args.remove(0));
            let what = What::NullIf(op, a.into(), b.into());
            Typed { kind, what }
        }
        "min" | "max" => least_or_most(name, args)?,
        "concat" => {
            arity(name, &args, 1..=ANY)?;
            let args = args.into_iter().map(|arg| expect(name, arg, Kind::Text));
            let args = args.collect::<Result<Vec<_>, Reason>>()?;
            Typed::new(Kind::Text, What::Chain(Op::Concat, args))
        }
        "ratio" => ratio(args)?,
        "in" => one_of(args)?,
        "bucketize" => bucketize(args)?,
        "hash_bucket" => hash_bucket(args)?,
        "truncate" => {
            arity(name, &args, 2..=3)?;
            let zone = zone(name, args.get(2))?;
            let word = constant_text(name, "its unit", &args[1])?;
            let unit = Unit::ALL.iter().find(|(known, _)| *known == word);
            let (_, unit) = unit.ok_or_else(|| {
                let units = Unit::ALL.iter().map(|(known, _)| *known);
                format!(
                    "`truncate` knows no unit `{word}`; it knows {}",
                    quoted(units)
                )
            })?;
            let time = expect(name, args.remove(0), Kind::Time)?;
            let what = What::Apply(Op::Truncate(*unit, zone), vec![time]);
            Typed::new(Kind::Time, what)
        }
        _ => {
            let Some((_, part)) = PARTS.iter().find(|(known, _)| *known == name) else {
                return Ok(None);
            };
            arity(name, &args, 1..=2)?;
            let zone = zone(name, args.get(1))?;
            let time = expect(name, args.remove(0), Kind::Time)?;
            let what = What::Apply(Op::Part(*part, zone), vec![time]);
            Typed::new(Kind::Int, what)
        }
    }))
}

fn least_or_most(name: &str, args: Vec<Arg<'_>>) -> Result<Typed, Reason> {
    arity(name, &args, 1..=ANY)?;
    let (kind, args) = common(name, args)?;
    let Some(kind) = kind else {
        return Ok(Typed {
            kind,
            what: What::Coalesce(args),
        });
    };
    if !matches!(kind, Kind::Int | Kind::Float | Kind::Time) {
        return Err(format!(
            "`{name}` takes numbers or times, and these are {}",
            kind.name()
        ));
    }
    let op = if name == "min" {
        Op::Min(kind)
    } else {
        Op::Max(kind)
    };
    Ok(Typed::new(kind, What::Reduce(op, args)))
}

/// `coalesce(a / nullif(b, 0), default)`.
fn ratio(mut args: Vec<Arg<'_>>) -> Result<Typed, Reason> {
    arity("ratio", &args, 3..=3)?;
    let default = expect("ratio", args.remove(2), Kind::Float)?;
    let numbers = args.into_iter().map(|arg| match arg.typed.kind {
        Some(Kind::Int) => Ok(arg.typed),
        _ => expect("ratio", arg, Kind::Float),
    });
    let mut numbers = numbers.collect::<Result<Vec<_>, Reason>>()?;
    let (by, value) = (numbers.remove(1), numbers.remove(0));
    let of_value = value.kind == Some(Kind::Int);
    let op = match (of_value, by.kind == Some(Kind::Int)) {
        (true, true) => Op::DivideIntByInt,
        (false, true) => Op::DivideByInt,
        (true, false) => Op::DivideInt,
        (false, false) => Op::Divide,
    };
    let kind = by.kind.unwrap_or(Kind::Float);
    let zero = Typed::constant(Cell::Int(0)).adapted(kind);
    let equal = Op::Compare(Order::Equal, kind);
    let by = Typed::new(kind, What::NullIf(equal, by.into(), zero.into()));
    let quotient = Typed::new(Kind::Float, What::Apply(op, vec![value, by]));
    Ok(Typed::new(
        Kind::Float,
        What::Coalesce(vec![quotient, default]),
    ))
}

/// The constants after the first argument, none of them null, all of its kind.
fn constants(name: &str, args: Vec<Arg<'_>>) -> Result<(Kind, Typed, Vec<Cell<'static>>), Reason> {
    arity(name, &args, 2..=ANY)?;
    for arg in &args[1..] {
        match arg.typed.as_constant() {
            None => return Err(format!("`{name}` takes constants, and {}", arg.describe())),
            Some(Cell::Null) => return Err(format!("`{name}` takes no null among its constants")),
            Some(_) => {}
        }
    }
    let (kind, mut args) = common(name, args)?;
    let kind = kind.expect("there is a constant that is not null");
    let list = args.split_off(1);
    let value = args.remove(0);
    let list = list.iter().filter_map(Typed::as_constant).cloned();
    Ok((kind, value, list.collect()))
}

fn ints(cells: &[Cell<'static>]) -> Vec<i64> {
    let ints = cells.iter().filter_map(|cell| match cell {
        Cell::Int(value) => Some(*value),
        Cell::Bool(value) => Some(i64::from(*value)),
        Cell::Time(value) => Some(value.0),
        _ => None,
    });
    ints.collect()
}

fn floats(cells: &[Cell<'static>]) -> Vec<f64> {
    let floats = cells.iter().filter_map(|cell| match cell {
        Cell::Float(value) => Some(*value),
        _ => None,
    });
    floats.collect()
}

fn one_of(args: Vec<Arg<'_>>) -> Result<Typed, Reason> {
    let (kind, value, list) = constants("in", args)?;
    let sorted = || {
        let mut ints = ints(&list);
        ints.sort_unstable();
        Arc::from(ints)
    };
    let (op, value) = match kind {
        Kind::Int => (Op::OneOfInts(sorted()), value),
        Kind::Time => (Op::OneOfTimes(sorted()), value),
        Kind::Float => (Op::OneOfFloats(floats(&list).into()), value),
        Kind::Bool => {
            let value = Typed::new(Kind::Int, What::Apply(Op::BoolToInt, vec![value]));
            (Op::OneOfInts(sorted()), value)
        }
        Kind::Text => {
            let words = list.into_iter().filter_map(|cell| match cell {
                Cell::Text(word) => Some(word.into_owned()),
                _ => None,
            });
            let mut words: Vec<String> = words.collect();
            words.sort_unstable();
            (Op::OneOfTexts(words.into()), value)
        }
    };
    Ok(Typed::new(Kind::Bool, What::Apply(op, vec![value])))
}

fn bucketize(args: Vec<Arg<'_>>) -> Result<Typed, Reason> {
    let (kind, value, list) = constants("bucketize", args)?;
    let growing = match kind {
        Kind::Int => ints(&list).is_sorted_by(|a, b| a < b),
        Kind::Float => floats(&list).is_sorted_by(|a, b| a < b) && !floats(&list)[0].is_nan(),
        _ => {
            let kind = kind.name();
            return Err(format!("`bucketize` takes numbers, and these are {kind}"));
        }
    };
    if !growing {
        return Err("the edges of `bucketize` must grow from one to the next".to_owned());
    }
    let op = if kind == Kind::Int {
        Op::BucketInt(ints(&list).into())
    } else {
        Op::Bucket(floats(&list).into())
    };
    Ok(Typed::new(Kind::Int, What::Apply(op, vec![value])))
}

fn hash_bucket(mut args: Vec<Arg<'_>>) -> Result<Typed, Reason> {
    arity("hash_bucket", &args, 2..=2)?;
    let buckets = match args[1].typed.as_constant() {
        Some(Cell::Int(value)) => u32::try_from(*value).ok().filter(|value| *value > 0),
        _ => None,
    };
    let buckets = buckets.ok_or(
        "`hash_bucket` takes a constant number of buckets from 1 to 4294967295".to_owned(),
    )?;
    let arg = args.remove(0);
    let op = match arg.typed.kind {
        Some(Kind::Text) => Op::HashText(buckets),
        Some(Kind::Int) => Op::HashInt(buckets),
        Some(Kind::Bool) => Op::HashBool(buckets),
        Some(Kind::Time) => Op::HashTime(buckets),
        Some(Kind::Float) | None => {
            return Err(format!(
                "`hash_bucket` takes Utf8, Int64, Boolean or Timestamp, and {}",
                arg.describe()
            ));
        }
    };
    Ok(Typed::new(Kind::Int, What::Apply(op, vec![arg.typed])))
}

fn constant_text(name: &str, what: &str, arg: &Arg<'_>) -> Result<String, Reason> {
    match arg.typed.as_constant() {
        Some(Cell::Text(text)) => Ok(text.to_string()),
        _ => Err(format!(
            "`{name}` takes {what} as a constant text, and {}",
            arg.describe()
        )),
    }
}

fn zone(name: &str, arg: Option<&Arg<'_>>) -> Result<TimeZone, Reason> {
    let Some(arg) = arg else {
        return Ok(TimeZone::UTC);
    };
    let zone = constant_text(name, "its zone", arg)?;
    TimeZone::get(&zone).map_err(|_| {
        let shown: String = zone.chars().take(64).collect();
        format!("`{name}` knows no time zone `{shown}`")
    })
}
