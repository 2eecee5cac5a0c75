//! Each expectation on rows against a slow, obvious oracle that looks at one row after the other.
//!
//! Tables are random and small, with every kind and width of column, nulls, extremes, NaN and both zeros, and
//! with enough rows now and then for a word of 64 bits to be full.

#![expect(
    clippy::from_iter_instead_of_collect,
    reason = "the type of a column is the news"
)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "what does not fit is sorted out before"
)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{cmp::Ordering, num::NonZeroUsize, sync::Arc};

use mlops_core::{
    Column, EventTime, Table, TableSchema, Value,
    arrow::{
        array::{
            ArrayRef, BooleanArray, Date32Array, Float32Array, Float64Array, Int8Array, Int64Array,
            LargeStringArray, StringArray, StringViewArray, TimestampMicrosecondArray,
            TimestampSecondArray, UInt64Array,
        },
        compute::cast,
    },
};
use mlops_features::{
    Comparison, Condition, Contract, DataType, Direction, Expectation, Nulls, Validation,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

const COLUMNS: [&str; 13] = [
    "small", "whole", "unsigned", "single", "real", "flag", "text", "large", "view", "word", "at",
    "second", "day",
];
const NUMBERS: [&str; 5] = ["small", "whole", "unsigned", "single", "real"];
const TEXTS: [&str; 4] = ["text", "large", "view", "word"];
const TIMES: [&str; 3] = ["at", "second", "day"];
const WORDS: [&str; 8] = [
    "",
    "a",
    "ab",
    "é",
    "UK",
    "abcdefgh",
    "abcdefghi",
    "UK and Éire",
];
const PATTERNS: [&str; 4] = ["^a", "é", "^.{2}$", "K|h"];
const DAY: i64 = 86_400_000_000;

/// One value as the oracle sees it.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Whole(i128),
    Real(f64),
    Flag(bool),
    Text(String),
    Time(i64),
}

type Row = Vec<Option<Cell>>;

fn whole() -> impl Strategy<Value = i64> {
    prop_oneof![8 => -3..4_i64, 1 => select(vec![i64::MIN, i64::MAX, (1 << 53) + 1])]
}

fn real() -> impl Strategy<Value = f64> {
    let odd = vec![
        -0.0,
        f64::NAN,
        f64::INFINITY,
        1e300,
        9_007_199_254_740_992.0,
    ];
    prop_oneof![8 => (-6..7_i32).prop_map(|i| f64::from(i) / 2.0), 2 => select(odd)]
}

fn cell(column: usize) -> BoxedStrategy<Option<Cell>> {
    let value = match column {
        0 => (-3..4_i128).prop_map(Cell::Whole).boxed(),
        1 => whole().prop_map(|v| Cell::Whole(v.into())).boxed(),
        2 => prop_oneof![8 => 0..4_u64, 1 => Just(u64::MAX)]
            .prop_map(|v| Cell::Whole(v.into()))
            .boxed(),
        // what a short float holds exactly
        3 => (-6..7_i32)
            .prop_map(|i| Cell::Real(f64::from(i) / 2.0))
            .boxed(),
        4 => real().prop_map(Cell::Real).boxed(),
        5 => any::<bool>().prop_map(Cell::Flag).boxed(),
        6..10 => select(WORDS.to_vec())
            .prop_map(|t| Cell::Text(t.to_owned()))
            .boxed(),
        10 => (-5..6_i64).prop_map(|v| Cell::Time(v * DAY / 2)).boxed(),
        11 | 12 => (-3..4_i64).prop_map(|v| Cell::Time(v * DAY)).boxed(),
        _ => unreachable!(),
    };
    option::weighted(0.85, value).boxed()
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = || (0..COLUMNS.len()).map(cell).collect::<Vec<_>>();
    prop_oneof![4 => vec(row(), 0..24), 1 => vec(row(), 60..140)]
}

fn at(column: &str) -> usize {
    COLUMNS.iter().position(|name| *name == column).unwrap()
}

fn table(rows: &[Row]) -> Table {
    let texts = |at: usize| {
        rows.iter().map(move |row| match &row[at] {
            Some(Cell::Text(text)) => Some(text.as_str()),
            _ => None,
        })
    };
    let whole = |at: usize| {
        rows.iter().map(move |row| match row[at] {
            Some(Cell::Whole(v)) => Some(v),
            _ => None,
        })
    };
    let real = |at: usize| {
        rows.iter().map(move |row| match row[at] {
            Some(Cell::Real(v)) => Some(v),
            _ => None,
        })
    };
    let time = |at: usize, unit: i64| {
        rows.iter().map(move |row| match row[at] {
            Some(Cell::Time(v)) => Some(v / unit),
            _ => None,
        })
    };
    let flags = rows.iter().map(|row| match row[5] {
        Some(Cell::Flag(v)) => Some(v),
        _ => None,
    });
    let words: ArrayRef = Arc::new(StringArray::from_iter(texts(9)));
    let coded = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    let short = |v: Option<i128>| v.map(|v| i8::try_from(v).unwrap());
    let seconds = TimestampSecondArray::from_iter(time(11, 1_000_000)).with_timezone("UTC");
    let days = time(12, DAY).map(|v| v.map(|v| i32::try_from(v).unwrap()));
    let single = real(3).map(|v| v.map(|v| v as f32));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int8Array::from_iter(whole(0).map(short))),
        Arc::new(Int64Array::from_iter(
            whole(1).map(|v| v.map(|v| i64::try_from(v).unwrap())),
        )),
        Arc::new(UInt64Array::from_iter(
            whole(2).map(|v| v.map(|v| u64::try_from(v).unwrap())),
        )),
        Arc::new(Float32Array::from_iter(single)),
        Arc::new(Float64Array::from_iter(real(4))),
        Arc::new(BooleanArray::from_iter(flags)),
        Arc::new(StringArray::from_iter(texts(6))),
        Arc::new(LargeStringArray::from_iter(texts(7))),
        Arc::new(StringViewArray::from_iter(texts(8))),
        cast(&words, &coded).unwrap(),
        Arc::new(TimestampMicrosecondArray::from_iter(time(10, 1)).with_timezone("UTC")),
        Arc::new(seconds),
        Arc::new(Date32Array::from_iter(days)),
    ];
    let schema = COLUMNS
        .iter()
        .zip(&columns)
        .map(|(name, array)| Column::value(*name, array.data_type().clone()));
    Table::new(TableSchema::new(schema).unwrap(), columns).unwrap()
}

/// An expectation with the same thing said for the oracle.
#[derive(Debug, Clone)]
enum Spec {
    NotNull(usize),
    Null(usize),
    Between(usize, f64, f64),
    WholeBetween(usize, i64, i64),
    Words(usize, Vec<&'static str>, bool),
    Wholes(usize, Vec<i64>, bool),
    Reals(usize, Vec<f64>, bool),
    Pattern(usize, &'static str, bool),
    Part(usize, u8, &'static str),
    Length(usize, usize, usize),
    Unique(Vec<usize>),
    Order(usize, bool, bool, Vec<usize>),
    Times(usize, i64, i64),
    Pair(usize, Comparison, usize, Nulls),
    Sum(Vec<usize>, f64),
    References(usize),
}

fn listed() -> impl Strategy<Value = f64> {
    real().prop_map(|v| if v.is_finite() { v } else { 0.5 })
}

fn one_of(columns: &'static [&'static str]) -> impl Strategy<Value = usize> {
    select(columns).prop_map(at)
}

fn comparison() -> impl Strategy<Value = Comparison> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    select(vec![
        Equal,
        NotEqual,
        Less,
        LessOrEqual,
        Greater,
        GreaterOrEqual,
    ])
}

fn spec() -> impl Strategy<Value = Spec> {
    let any_column = || 0..COLUMNS.len();
    let finite = || (-6..7_i32).prop_map(|i| f64::from(i) / 2.0);
    let pair = prop_oneof![
        (one_of(&NUMBERS), one_of(&NUMBERS)),
        (one_of(&TEXTS), one_of(&TEXTS)),
        (one_of(&TIMES), one_of(&TIMES)),
    ];
    let nulls = select(vec![Nulls::Skip, Nulls::SkipBoth, Nulls::Break]);
    let ordered = select(vec![
        "small", "whole", "unsigned", "single", "real", "at", "second", "day",
    ]);
    let more = |n| vec(-4..5_i64, 1..n);
    prop_oneof![
        any_column().prop_map(Spec::NotNull),
        any_column().prop_map(Spec::Null),
        (one_of(&NUMBERS), finite(), 0..4_u32).prop_map(|(c, low, d)| Spec::Between(
            c,
            low,
            low + f64::from(d)
        )),
        (one_of(&NUMBERS), whole(), 0..4_i64).prop_map(|(c, low, d)| Spec::WholeBetween(
            c,
            low,
            low.saturating_add(d)
        )),
        (
            one_of(&TEXTS),
            vec(select(WORDS.to_vec()), 1..12),
            any::<bool>()
        )
            .prop_map(|(c, set, allowed)| Spec::Words(c, set, allowed)),
        (0..3_usize, prop_oneof![more(4), more(20)], any::<bool>())
            .prop_map(|(c, set, allowed)| Spec::Wholes(c, set, allowed)),
        (
            3..5_usize,
            prop_oneof![vec(listed(), 1..4), vec(listed(), 9..20)],
            any::<bool>()
        )
            .prop_map(|(c, set, allowed)| Spec::Reals(c, set, allowed)),
        (one_of(&TEXTS), select(PATTERNS.to_vec()), any::<bool>())
            .prop_map(|(c, pattern, allowed)| Spec::Pattern(c, pattern, allowed)),
        (one_of(&TEXTS), 0..3_u8, select(vec!["", "a", "h", "K"]))
            .prop_map(|(c, place, part)| Spec::Part(c, place, part)),
        (one_of(&TEXTS), 0..4_usize, 0..7_usize).prop_map(|(c, min, more)| Spec::Length(
            c,
            min,
            min + more
        )),
        vec(any_column(), 1..5).prop_map(Spec::Unique),
        (
            ordered,
            any::<bool>(),
            any::<bool>(),
            vec(any_column(), 0..3)
        )
            .prop_map(|(c, strict, falling, per)| Spec::Order(at(c), strict, falling, per)),
        (one_of(&TIMES), -5..5_i64, 0..5_i64).prop_map(|(c, from, d)| Spec::Times(
            c,
            from * DAY / 2,
            (from + d) * DAY / 2
        )),
        (pair, comparison(), nulls).prop_map(|((l, r), is, nulls)| Spec::Pair(l, is, r, nulls)),
        (vec(select(vec![0_usize, 3]), 1..4), finite()).prop_map(|(c, total)| Spec::Sum(c, total)),
        any_column().prop_map(Spec::References),
    ]
}

fn names(columns: &[usize]) -> Vec<&'static str> {
    columns.iter().map(|c| COLUMNS[*c]).collect()
}

impl Spec {
    fn expectation(&self) -> Expectation {
        let time = EventTime::from_micros;
        match self.clone() {
            Self::NotNull(c) => Expectation::not_null(COLUMNS[c]),
            Self::Null(c) => Expectation::null(COLUMNS[c]),
            Self::Between(c, low, high) => Expectation::between(COLUMNS[c], low, high),
            Self::WholeBetween(c, low, high) => Expectation::between(COLUMNS[c], low, high),
            Self::Words(c, set, true) => Expectation::in_set(COLUMNS[c], set),
            Self::Words(c, set, false) => Expectation::not_in_set(COLUMNS[c], set),
            Self::Wholes(c, set, true) => Expectation::in_set(COLUMNS[c], set),
            Self::Wholes(c, set, false) => Expectation::not_in_set(COLUMNS[c], set),
            Self::Reals(c, set, true) => Expectation::in_set(COLUMNS[c], set),
            Self::Reals(c, set, false) => Expectation::not_in_set(COLUMNS[c], set),
            Self::Pattern(c, pattern, true) => Expectation::matches(COLUMNS[c], pattern),
            Self::Pattern(c, pattern, false) => Expectation::not_matches(COLUMNS[c], pattern),
            Self::Part(c, 0, part) => Expectation::starts_with(COLUMNS[c], part),
            Self::Part(c, 1, part) => Expectation::ends_with(COLUMNS[c], part),
            Self::Part(c, _, part) => Expectation::contains(COLUMNS[c], part),
            Self::Length(c, min, max) => Expectation::length_between(COLUMNS[c], min, max),
            Self::Unique(columns) => Expectation::unique(names(&columns)),
            Self::Order(c, strict, falling, per) => {
                let direction = match (strict, falling) {
                    (true, false) => Direction::Increasing,
                    (false, false) => Direction::NonDecreasing,
                    (true, true) => Direction::Decreasing,
                    (false, true) => Direction::NonIncreasing,
                };
                match direction {
                    Direction::NonIncreasing if per.is_empty() => {
                        Expectation::non_increasing(COLUMNS[c])
                    }
                    Direction::Decreasing if per.is_empty() => Expectation::decreasing(COLUMNS[c]),
                    _ => Expectation::ordered_for_each(names(&per), COLUMNS[c], direction),
                }
            }
            Self::Times(c, from, until) => {
                Expectation::time_between(COLUMNS[c], time(from), time(until))
            }
            Self::Pair(l, is, r, nulls) => Expectation::compare(COLUMNS[l], is, COLUMNS[r], nulls),
            Self::Sum(columns, total) => Expectation::sums_to(names(&columns), total, 0.0),
            Self::References(c) => Expectation::references(COLUMNS[c], "other", COLUMNS[c]),
        }
    }

    /// Whether row `r` keeps the rule, given the selected rows before it; `None` if it is not checked.
    fn holds(&self, rows: &[&Row], r: usize, other: &[Row]) -> Option<bool> {
        let row = rows[r];
        let text = |c: usize| match row[c].as_ref()? {
            Cell::Text(text) => Some(text.as_str()),
            _ => unreachable!(),
        };
        Some(match self {
            Self::NotNull(c) => row[*c].is_some(),
            Self::Null(c) => row[*c].is_none(),
            Self::Between(c, low, high) => {
                let order = |v: &Cell, x: f64| compare(v, &Cell::Real(x));
                let value = row[*c].as_ref()?;
                order(value, *low).is_some_and(Ordering::is_ge)
                    && order(value, *high).is_some_and(Ordering::is_le)
            }
            Self::WholeBetween(c, low, high) => {
                let order = |v: &Cell, x: i64| compare(v, &Cell::Whole(x.into()));
                let value = row[*c].as_ref()?;
                order(value, *low).is_some_and(Ordering::is_ge)
                    && order(value, *high).is_some_and(Ordering::is_le)
            }
            Self::Words(c, set, allowed) => set.contains(&text(*c)?) == *allowed,
            Self::Wholes(c, set, allowed) => {
                let value = row[*c].as_ref()?;
                set.iter().any(|v| *value == Cell::Whole((*v).into())) == *allowed
            }
            Self::Reals(c, set, allowed) => {
                let value = row[*c].as_ref()?;
                set.iter().any(|v| *value == Cell::Real(*v)) == *allowed
            }
            Self::Pattern(c, pattern, allowed) => {
                regex::Regex::new(pattern).unwrap().is_match(text(*c)?) == *allowed
            }
            Self::Part(c, 0, part) => text(*c)?.starts_with(part),
            Self::Part(c, 1, part) => text(*c)?.ends_with(part),
            Self::Part(c, _, part) => text(*c)?.contains(part),
            Self::Length(c, min, max) => (*min..=*max).contains(&text(*c)?.chars().count()),
            Self::Unique(columns) => {
                if columns.iter().all(|c| row[*c].is_none()) {
                    return None;
                }
                !rows[..r].iter().any(|earlier| agree(earlier, row, columns))
            }
            Self::Order(c, strict, falling, per) => {
                let value = row[*c].as_ref()?;
                let kin = rows[..r].iter().filter(|earlier| agree(earlier, row, per));
                // it has to go beyond every value before it that is no NaN
                let mut kin = kin
                    .filter_map(|earlier| earlier[*c].as_ref())
                    .filter(|v| is_number(v));
                is_number(value)
                    && kin.all(|before| {
                        let order = compare(value, before);
                        let order = if *falling {
                            order.map(Ordering::reverse)
                        } else {
                            order
                        };
                        order.is_some_and(|o| if *strict { o.is_gt() } else { o.is_ge() })
                    })
            }
            Self::Times(c, from, until) => match row[*c].as_ref()? {
                Cell::Time(t) => from <= t && t <= until,
                _ => unreachable!(),
            },
            Self::Pair(l, is, r, nulls) => match (&row[*l], &row[*r], nulls) {
                (Some(a), Some(b), _) => holds(*is, compare(a, b)),
                (None, None, Nulls::SkipBoth) | (_, _, Nulls::Skip) => return None,
                _ => false,
            },
            Self::Sum(columns, total) => {
                let mut sum = 0.0;
                for c in columns {
                    sum += match row[*c].as_ref()? {
                        Cell::Whole(v) => *v as f64,
                        Cell::Real(v) => *v,
                        _ => unreachable!(),
                    };
                }
                sum == *total
            }
            Self::References(c) => {
                let value = row[*c].as_ref()?;
                let known = other.iter().filter_map(|row| row[*c].as_ref());
                known.into_iter().any(|k| same(k, value))
            }
        })
    }
}

fn is_number(cell: &Cell) -> bool {
    !matches!(cell, Cell::Real(v) if v.is_nan())
}

fn same(a: &Cell, b: &Cell) -> bool {
    a == b || !is_number(a) && !is_number(b)
}

fn agree(a: &Row, b: &Row, columns: &[usize]) -> bool {
    columns.iter().all(|c| match (&a[*c], &b[*c]) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    })
}

fn compare(a: &Cell, b: &Cell) -> Option<Ordering> {
    // in units of a half every finite value is whole, as far as it is not huge
    let halves = |v: f64| {
        if v.abs() < 1e20 {
            Some((v * 2.0) as i128)
        } else {
            None
        }
    };
    match (a, b) {
        (Cell::Whole(a), Cell::Whole(b)) => Some(a.cmp(b)),
        (Cell::Real(a), Cell::Real(b)) => a.partial_cmp(b),
        (Cell::Whole(a), Cell::Real(b)) => match halves(*b) {
            Some(b) => Some((a * 2).cmp(&b)),
            None => 0.0.partial_cmp(b),
        }
        .filter(|_| !b.is_nan()),
        (Cell::Real(_), Cell::Whole(_)) => compare(b, a).map(Ordering::reverse),
        (Cell::Text(a), Cell::Text(b)) => Some(a.cmp(b)),
        (Cell::Time(a), Cell::Time(b)) => Some(a.cmp(b)),
        _ => unreachable!(),
    }
}

fn holds(is: Comparison, order: Option<Ordering>) -> bool {
    match is {
        Comparison::Equal => order.is_some_and(Ordering::is_eq),
        Comparison::NotEqual => !order.is_some_and(Ordering::is_eq),
        Comparison::Less => order.is_some_and(Ordering::is_lt),
        Comparison::LessOrEqual => order.is_some_and(Ordering::is_le),
        Comparison::Greater => order.is_some_and(Ordering::is_gt),
        Comparison::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
    }
}

/// A condition with the same said for the oracle.
fn condition() -> impl Strategy<Value = Option<(usize, Option<Comparison>, Value)>> {
    let test = prop_oneof![
        (one_of(&NUMBERS), whole().prop_map(Value::Int)),
        (
            one_of(&NUMBERS),
            (-6..7_i32).prop_map(|i| Value::Float(f64::from(i) / 2.0))
        ),
        (one_of(&TEXTS), select(WORDS.to_vec()).prop_map(Value::from)),
        (
            one_of(&TIMES),
            (-3..4_i64).prop_map(|d| EventTime::from_micros(d * DAY).into())
        ),
    ];
    let test = (test, option::weighted(0.8, comparison())).prop_map(|((c, v), is)| (c, is, v));
    option::of(test)
}

fn selected(row: &Row, (column, is, value): &(usize, Option<Comparison>, Value)) -> bool {
    let Some(is) = is else {
        return row[*column].is_none();
    };
    let wanted = match value {
        Value::Int(v) => Cell::Whole((*v).into()),
        Value::Float(v) => Cell::Real(*v),
        Value::Str(v) => Cell::Text(v.clone()),
        Value::Time(v) => Cell::Time(v.micros()),
        _ => unreachable!(),
    };
    row[*column]
        .as_ref()
        .is_some_and(|v| holds(*is, compare(v, &wanted)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_rule_on_rows_agrees_with_the_oracle(
        rows in rows(),
        other in vec((0..COLUMNS.len()).map(cell).collect::<Vec<_>>(), 0..12),
        specs in vec((spec(), condition()), 1..12),
    ) {
        let (data, others) = (table(&rows), table(&other));
        let mut contract = Contract::named("random");
        for (spec, when) in &specs {
            let mut expectation = spec.expectation();
            if let Some((column, is, value)) = when {
                expectation = expectation.when(match is {
                    Some(is) => Condition::new(COLUMNS[*column], *is, value.clone()),
                    None => Condition::is_null(COLUMNS[*column]),
                });
            }
            contract = contract.expect(expectation);
        }
        let validation = contract.inspect(&data).table("other", &others).run().unwrap();
        for ((spec, when), result) in specs.iter().zip(&validation.results) {
            let picked: Vec<usize> = (0..rows.len())
                .filter(|r| when.as_ref().is_none_or(|when| selected(&rows[*r], when)))
                .collect();
            let seen: Vec<&Row> = picked.iter().map(|r| &rows[*r]).collect();
            let answers: Vec<Option<bool>> =
                (0..seen.len()).map(|r| spec.holds(&seen, r, &other)).collect();
            let bad: Vec<u32> = picked
                .iter()
                .zip(&answers)
                .filter(|(_, answer)| **answer == Some(false))
                .map(|(r, _)| u32::try_from(*r).unwrap())
                .collect();
            let checked = answers.iter().flatten().count() as u64;
            prop_assert_eq!(&result.bad_rows, &bad, "{:?} {:?}", spec, when);
            prop_assert_eq!(result.checked, checked, "{:?} {:?}", spec, when);
            prop_assert_eq!(result.elements, picked.len() as u64);
            prop_assert_eq!(result.failed, bad.len() as u64);
            prop_assert_eq!(result.missing, result.elements - checked);
            prop_assert_eq!(result.examples.len(), bad.len().min(20));
        }

        // threads change nothing, and JSON neither
        let threads = NonZeroUsize::new(3).unwrap();
        let shared = contract.inspect(&data).table("other", &others).threads(threads).run();
        prop_assert_eq!(&shared.unwrap(), &validation);
        let back = Contract::from_json(contract.to_json().as_bytes()).unwrap();
        prop_assert_eq!((back.digest(), &back), (contract.digest(), &contract));
        let json = serde_json::to_string(&validation).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Validation>(&json).unwrap(), &validation);

        // a split parts the rows in two
        let (good, bad) = validation.quarantine(&data).unwrap();
        prop_assert_eq!(good.rows() + bad.rows(), rows.len());
        prop_assert_eq!(bad.positions(), validation.bad_rows());
        let keep: Vec<bool> = (0_u32..).zip(&rows).map(|(r, _)| !bad.positions().contains(&r)).collect();
        prop_assert_eq!(good.digest(), data.filter(&keep).unwrap().digest());
        let (same, rejected) = validation.split(&data).unwrap();
        prop_assert_eq!(same.digest(), good.digest());
        prop_assert_eq!(rejected.total(), bad.rows() as u64);
    }
}
