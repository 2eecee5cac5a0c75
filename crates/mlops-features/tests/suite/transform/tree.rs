//! Random, well-typed trees and values.

use mlops_core::{EventTime, Value};
use mlops_features::transform::{Expr, call, case, col, lit, null};
use proptest::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int,
    Float,
    Text,
    Time,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Bool, Self::Int, Self::Float, Self::Text, Self::Time];
}

#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Column(usize),
    Lit(Value),
    Call(&'static str, Vec<Tree>),
    Case(Vec<(Tree, Tree)>, Option<Box<Tree>>),
}

impl Tree {
    pub(crate) fn expr(&self) -> Expr {
        const NAMES: [&str; 10] = ["b0", "b1", "i0", "i1", "f0", "f1", "s 0", "s1", "t0", "t1"];
        match self {
            Self::Column(at) => col(NAMES[*at]),
            Self::Lit(Value::Null) => null(),
            Self::Lit(Value::Bool(value)) => lit(*value),
            Self::Lit(Value::Int(value)) => lit(*value),
            Self::Lit(Value::Float(value)) => lit(*value),
            Self::Lit(Value::Str(value)) => lit(value.as_str()),
            Self::Lit(value) => match value {
                Value::Time(time) => lit(*time),
                other => panic!("{other:?} is no constant"),
            },
            Self::Call(name, args) => call(*name, args.iter().map(Self::expr)),
            Self::Case(branches, otherwise) => {
                let branches = branches.iter().map(|(a, b)| (a.expr(), b.expr()));
                case(branches, otherwise.as_ref().map(|tree| tree.expr()))
            }
        }
    }
}

fn int() -> impl Strategy<Value = i64> {
    let special = [
        0,
        1,
        -1,
        2,
        7,
        i64::MAX,
        i64::MIN,
        i64::MAX - 1,
        1 << 53,
        (1 << 53) + 1,
    ];
    prop_oneof![
        prop::sample::select(special.to_vec()),
        -9..9_i64,
        any::<i64>()
    ]
}

fn float() -> impl Strategy<Value = f64> {
    let special = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        2.5,
        -2.5,
        f64::NAN,
        -f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        9_007_199_254_740_993.0,
        9.3e18,
    ];
    prop_oneof![
        prop::sample::select(special.to_vec()),
        -90.0..90.0,
        any::<f64>()
    ]
}

fn text() -> impl Strategy<Value = String> {
    let special = [
        "",
        " ",
        "a",
        "ab",
        "aab",
        "A,b,,c",
        "É",
        "ß",
        "ΑΣ",
        "İ",
        "日本語",
        "\u{1f600}x",
        "'",
        "\"",
        "12",
        "-3.5",
        "nan",
        "true",
        "e\u{301}",
        "\u{a0}x\t",
    ];
    let special = special.map(str::to_owned).to_vec();
    prop_oneof![4 => prop::sample::select(special), 1 => any::<String>()]
}

fn time() -> impl Strategy<Value = EventTime> {
    let special = [
        EventTime::MIN.micros(),
        EventTime::MAX.micros(),
        0,
        -1,
        1_320_000_000_000_000,
    ];
    let micros = prop_oneof![
        prop::sample::select(special.to_vec()),
        -9_000_000_000_000_000..9_000_000_000_000_000_i64,
        any::<i64>(),
    ];
    micros.prop_map(EventTime::from_micros)
}

fn present(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Int => int().prop_map(Value::from).boxed(),
        Kind::Float => float().prop_map(Value::from).boxed(),
        Kind::Text => text().prop_map(Value::from).boxed(),
        Kind::Time => time().prop_map(Value::from).boxed(),
    }
}

/// A value of a column, perhaps null.
pub(crate) fn value(kind: Kind) -> BoxedStrategy<Value> {
    prop_oneof![4 => present(kind), 1 => Just(Value::Null)].boxed()
}

fn leaf(kind: Kind) -> BoxedStrategy<Tree> {
    let at = kind as usize * 2;
    prop_oneof![
        3 => (at..at + 2).prop_map(Tree::Column),
        1 => present(kind).prop_map(Tree::Lit),
    ]
    .boxed()
}

fn calls(depth: u32, name: &'static str, kinds: &[Kind]) -> BoxedStrategy<Tree> {
    let args: Vec<_> = kinds.iter().map(|kind| tree(*kind, depth)).collect();
    args.prop_map(move |args| Tree::Call(name, args)).boxed()
}

fn several(depth: u32, name: &'static str, kind: Kind) -> BoxedStrategy<Tree> {
    prop::collection::vec(tree(kind, depth), 1..4)
        .prop_map(move |args| Tree::Call(name, args))
        .boxed()
}

/// A value and constants of its kind.
fn listed(depth: u32, name: &'static str, kind: Kind) -> BoxedStrategy<Tree> {
    let list = prop::collection::vec(present(kind), 1..4);
    (tree(kind, depth), list)
        .prop_map(move |(value, list)| {
            let list = list.into_iter().map(Tree::Lit);
            Tree::Call(name, std::iter::once(value).chain(list).collect())
        })
        .boxed()
}

fn edges(depth: u32, kind: Kind) -> BoxedStrategy<Tree> {
    let list = prop::collection::btree_set(-9..9_i64, 1..4);
    (tree(kind, depth), list)
        .prop_map(move |(value, list)| {
            let list = list.into_iter().map(|edge| match kind {
                Kind::Int => Tree::Lit(Value::Int(edge)),
                _ => Tree::Lit(Value::Float(edge as f64 / 2.0)),
            });
            Tree::Call("bucketize", std::iter::once(value).chain(list).collect())
        })
        .boxed()
}

fn zoned(depth: u32, name: &'static str, unit: Option<&'static str>) -> BoxedStrategy<Tree> {
    let zones = ["UTC", "Europe/London", "America/New_York", "Asia/Kathmandu"];
    (
        tree(Kind::Time, depth),
        prop::sample::select(zones.to_vec()),
    )
        .prop_map(move |(time, zone)| {
            let text = |text: &str| Tree::Lit(Value::from(text));
            let mut args = vec![time];
            args.extend(unit.map(text));
            args.push(text(zone));
            Tree::Call(name, args)
        })
        .boxed()
}

fn hashed(depth: u32, kind: Kind) -> BoxedStrategy<Tree> {
    (tree(kind, depth), 1..100_i64)
        .prop_map(|(value, buckets)| {
            Tree::Call("hash_bucket", vec![value, Tree::Lit(Value::Int(buckets))])
        })
        .boxed()
}

fn cases(depth: u32, kind: Kind) -> BoxedStrategy<Tree> {
    let branch = (tree(Kind::Bool, depth), tree(kind, depth));
    let otherwise = prop::option::of(tree(kind, depth));
    (prop::collection::vec(branch, 1..3), otherwise)
        .prop_map(|(branches, otherwise)| Tree::Case(branches, otherwise.map(Box::new)))
        .boxed()
}

/// One way to make a tree, still without its branches: strategies of all of them would fill any memory.
#[derive(Debug, Clone)]
enum Choice {
    Leaf,
    Cases,
    Guard,
    Several(&'static str),
    Calls(&'static str, Vec<Kind>),
    Listed(Kind),
    Edges(Kind),
    Zoned(&'static str, Option<&'static str>),
    Hashed(Kind),
}

impl Choice {
    fn strategy(self, kind: Kind, depth: u32) -> BoxedStrategy<Tree> {
        match self {
            Self::Leaf => leaf(kind),
            Self::Cases => cases(depth, kind),
            Self::Guard => (tree(Kind::Bool, depth), tree(kind, depth))
                .prop_map(|(when, then)| {
                    Tree::Case(vec![(when, then)], Some(Box::new(Tree::Lit(Value::Null))))
                })
                .boxed(),
            Self::Several(name) => several(depth, name, kind),
            Self::Calls(name, kinds) => calls(depth, name, &kinds),
            Self::Listed(kind) => listed(depth, "in", kind),
            Self::Edges(kind) => edges(depth, kind),
            Self::Zoned(name, unit) => zoned(depth, name, unit),
            Self::Hashed(kind) => hashed(depth, kind),
        }
    }
}

/// A tree of a kind.
pub(crate) fn tree(kind: Kind, depth: u32) -> BoxedStrategy<Tree> {
    let Some(d) = depth.checked_sub(1) else {
        return leaf(kind);
    };
    prop::sample::select(choices(kind))
        .prop_flat_map(move |choice| choice.strategy(kind, d))
        .boxed()
}

/// Every function by itself, on columns and constants.
pub(crate) fn alone() -> Vec<BoxedStrategy<Tree>> {
    let kinds = Kind::ALL.into_iter();
    let all = kinds.flat_map(|kind| choices(kind).into_iter().map(move |c| c.strategy(kind, 0)));
    all.collect()
}

#[expect(clippy::too_many_lines, reason = "one line a function of expressions")]
fn choices(kind: Kind) -> Vec<Choice> {
    use Kind::{Bool, Float, Int, Text, Time};
    let some = |name: &'static str, kinds: &[Kind]| Choice::Calls(name, kinds.to_vec());
    let mut choices = vec![
        Choice::Leaf,
        Choice::Cases,
        Choice::Several("coalesce"),
        some("nullif", &[kind, kind]),
        Choice::Guard,
    ];
    if matches!(kind, Int | Float | Time) {
        choices.extend([Choice::Several("min"), Choice::Several("max")]);
    }
    if matches!(kind, Int | Float) {
        for name in ["+", "-", "*", "%"] {
            choices.push(some(name, &[kind, kind]));
        }
        for name in ["neg", "abs", "sign"] {
            choices.push(some(name, &[kind]));
        }
        choices.push(some("clip", &[kind, kind, kind]));
    }
    choices.extend(match kind {
        Bool => {
            let mut more = vec![
                some("and", &[Bool, Bool]),
                some("or", &[Bool, Bool]),
                some("not", &[Bool]),
                some("is_nan", &[Float]),
                some("contains", &[Text, Text]),
                some("starts_with", &[Text, Text]),
                some("ends_with", &[Text, Text]),
                some("bool", &[Text]),
            ];
            for of in Kind::ALL {
                for name in ["=", "!=", "<", "<=", ">", ">="] {
                    more.push(some(name, &[of, of]));
                }
                more.push(some("is_null", &[of]));
                more.push(Choice::Listed(of));
            }
            more
        }
        Int => {
            let parts = [
                "year",
                "quarter",
                "month",
                "week",
                "day",
                "day_of_year",
                "weekday",
                "hour",
                "minute",
                "second",
            ];
            let mut more: Vec<_> = parts.map(|name| Choice::Zoned(name, None)).into();
            more.extend([
                some("div", &[Int, Int]),
                some("int", &[Bool]),
                some("int", &[Float]),
                some("int", &[Text]),
                some("try_int", &[Text]),
                some("try_int", &[Float]),
                some("length", &[Text]),
                some("unix_seconds", &[Time]),
                Choice::Edges(Int),
                Choice::Edges(Float),
                Choice::Hashed(Bool),
                Choice::Hashed(Int),
                Choice::Hashed(Text),
                Choice::Hashed(Time),
            ]);
            more
        }
        Float => vec![
            some("/", &[Float, Float]),
            some("/", &[Int, Int]),
            some("/", &[Float, Int]),
            some("/", &[Int, Float]),
            some("ratio", &[Float, Int, Float]),
            some("ratio", &[Int, Float, Float]),
            some("sqrt", &[Float]),
            some("ln", &[Float]),
            some("log10", &[Float]),
            some("exp", &[Float]),
            some("pow", &[Float, Float]),
            some("floor", &[Float]),
            some("ceil", &[Float]),
            some("round", &[Float]),
            some("round", &[Float, Int]),
            some("float", &[Int]),
            some("float", &[Bool]),
            some("float", &[Text]),
            some("try_float", &[Text]),
            some("haversine", &[Float, Float, Float, Float]),
            some("seconds_between", &[Time, Time]),
            some("days_between", &[Time, Time]),
        ],
        Text => vec![
            some("lower", &[Text]),
            some("upper", &[Text]),
            some("trim", &[Text]),
            Choice::Several("concat"),
            some("substring", &[Text, Int]),
            some("substring", &[Text, Int, Int]),
            some("replace", &[Text, Text, Text]),
            some("split_part", &[Text, Text, Int]),
            some("text", &[Int]),
            some("text", &[Float]),
            some("text", &[Bool]),
            some("text", &[Time]),
        ],
        Time => {
            let units = [
                "year", "quarter", "month", "week", "day", "hour", "minute", "second",
            ];
            let mut more: Vec<_> = units
                .map(|unit| Choice::Zoned("truncate", Some(unit)))
                .into();
            more.extend([
                some("add_seconds", &[Time, Int]),
                some("add_days", &[Time, Int]),
                some("from_unix_seconds", &[Int]),
                some("time", &[Text]),
            ]);
            more
        }
    });
    choices
}
