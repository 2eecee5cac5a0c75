//! The parts of an instant in ONNX: the same whole numbers, step by step, as `preprocess::date` has them.

use std::f64::consts::TAU;

use crate::{
    DatePart, TimeUnit,
    onnx::{
        encode::double,
        graph::{GraphBuilder, Value},
        numbers::put_back,
        proto::{Attribute, INT64, Tensor},
    },
};

/// Adds the parts of the instants in a column; `open` is whether its numbers are real and may be missing.
///
/// # Shapes
/// `[rows, columns of the parts]`.
pub(super) fn parts(
    graph: &mut GraphBuilder,
    x: &Value,
    open: bool,
    unit: TimeUnit,
    impute: Option<i64>,
    parts: &[DatePart],
) -> Value {
    let value = if open {
        whole(graph, x, impute.unwrap_or(0))
    } else {
        x.clone()
    };
    let instant = Instant::new(graph, &value, unit, parts);
    let mut columns = Vec::new();
    for part in parts {
        instant.add(graph, *part, &mut columns);
    }
    let columns = if columns.len() == 1 {
        columns.remove(0)
    } else {
        graph.node_of("Concat", columns, vec![Attribute::int("axis", 1)])
    };
    if open && impute.is_none() {
        put_back(graph, x, &columns)
    } else {
        columns
    }
}

/// Real numbers as whole ones, a missing one as another.
fn whole(graph: &mut GraphBuilder, x: &Value, missing: i64) -> Value {
    let is_missing = graph.node("IsNaN", [x], vec![]);
    #[expect(
        clippy::cast_precision_loss,
        reason = "what is imputed lies within 2^53"
    )]
    let other = graph.number(missing as f64);
    let x = graph.node("Where", [&is_missing, &other, x], vec![]);
    graph.node("Cast", [&x], vec![Attribute::int("to", i64::from(INT64))])
}

/// An instant taken apart: columns of whole numbers, and the share of the day.
struct Instant {
    weekday: Value,
    passed: Value,
    civil: Option<Civil>,
}

struct Civil {
    year: Value,
    month: Value,
    day: Value,
    year_day: Value,
    year_days: Value,
}

impl Instant {
    fn new(graph: &mut GraphBuilder, value: &Value, unit: TimeUnit, parts: &[DatePart]) -> Self {
        let a_day = match unit {
            TimeUnit::Days => 1,
            TimeUnit::Seconds => 86_400,
            TimeUnit::Millis => 86_400_000,
            TimeUnit::Micros => 86_400_000_000,
        };
        let mut ints = Ints(graph);
        let rest = ints.with("Mod", value, a_day);
        let start = ints.op("Sub", value, &rest);
        let days = ints.with("Div", &start, a_day);
        let weekday = ints.with("Add", &days, 3);
        let weekday = ints.with("Mod", &weekday, 7);
        let asks = |part: &DatePart| {
            !matches!(
                part,
                DatePart::Weekday | DatePart::Hour | DatePart::DayCycle | DatePart::WeekCycle
            )
        };
        let civil = parts.iter().any(asks).then(|| Civil::new(&mut ints, &days));
        let rest = double(graph, &rest);
        #[expect(clippy::cast_precision_loss, reason = "it is one of four numbers")]
        let a_day = graph.number(a_day as f64);
        Self {
            weekday,
            passed: graph.node("Div", [&rest, &a_day], vec![]),
            civil,
        }
    }

    /// Adds the columns of a part.
    fn add(&self, graph: &mut GraphBuilder, part: DatePart, columns: &mut Vec<Value>) {
        let civil = || {
            self.civil
                .as_ref()
                .expect("a part that asks for the date made it")
        };
        let from_one = |graph: &mut GraphBuilder, x: &Value| {
            let x = Ints(graph).with("Add", x, 1);
            double(graph, &x)
        };
        let share = match part {
            DatePart::Year => return columns.push(double(graph, &civil().year)),
            DatePart::Month => return columns.push(double(graph, &civil().month)),
            DatePart::Day => return columns.push(double(graph, &civil().day)),
            DatePart::Weekday => return columns.push(from_one(graph, &self.weekday)),
            DatePart::YearDay => return columns.push(from_one(graph, &civil().year_day)),
            DatePart::Hour => {
                let hours = graph.number(24.0);
                let hours = graph.node("Mul", [&self.passed, &hours], vec![]);
                return columns.push(graph.node("Floor", [&hours], vec![]));
            }
            DatePart::DayCycle => self.passed.clone(),
            DatePart::WeekCycle => {
                let week = graph.number(7.0);
                self.share(graph, &self.weekday, &week)
            }
            DatePart::YearCycle => {
                let year = double(graph, &civil().year_days);
                self.share(graph, &civil().year_day, &year)
            }
        };
        let turn = graph.number(TAU);
        let angle = graph.node("Mul", [&turn, &share], vec![]);
        columns.extend(["Sin", "Cos"].map(|wave| graph.node(wave, [&angle], vec![])));
    }

    /// How much has passed of so many days.
    fn share(&self, graph: &mut GraphBuilder, day: &Value, days: &Value) -> Value {
        let day = double(graph, day);
        let sum = graph.node("Add", [&day, &self.passed], vec![]);
        graph.node("Div", [&sum, days], vec![])
    }
}

impl Civil {
    /// The date of a day, counted from 1970; years begin in March while it is found.
    fn new(ints: &mut Ints<'_>, days: &Value) -> Self {
        let shifted = ints.with("Add", days, 719_468);
        let of_era = ints.with("Mod", &shifted, 146_097);
        let eras = ints.op("Sub", &shifted, &of_era);
        let era = ints.with("Div", &eras, 146_097);
        // none of these is below 0, so a division rounds down
        let mut sum = of_era.clone();
        for (op, days) in [("Sub", 1_460), ("Add", 36_524), ("Sub", 146_096)] {
            let leaps = ints.with("Div", &of_era, days);
            sum = ints.op(op, &sum, &leaps);
        }
        let year_of_era = ints.with("Div", &sum, 365);
        let mut before = ints.with("Mul", &year_of_era, 365);
        for (op, years) in [("Add", 4), ("Sub", 100)] {
            let leaps = ints.with("Div", &year_of_era, years);
            before = ints.op(op, &before, &leaps);
        }
        let of_year = ints.op("Sub", &of_era, &before);
        let month = ints.with("Mul", &of_year, 5);
        let month = ints.with("Add", &month, 2);
        let shifted_month = ints.with("Div", &month, 153);
        let before = ints.with("Mul", &shifted_month, 153);
        let before = ints.with("Add", &before, 2);
        let before = ints.with("Div", &before, 5);
        let day = ints.op("Sub", &of_year, &before);
        let day = ints.with("Add", &day, 1);
        let of_spring = ints.with("Less", &shifted_month, 10);
        let later = ints.with("Add", &shifted_month, 3);
        let earlier = ints.with("Sub", &shifted_month, 9);
        let month = ints.choose(&of_spring, &later, &earlier);
        let years = ints.with("Mul", &era, 400);
        let year = ints.op("Add", &year_of_era, &years);
        let next = ints.with("Add", &year, 1);
        let year = ints.choose(&of_spring, &year, &next);
        let leap = ints.leap(&year);
        let late = ints.with("Add", &of_year, 59);
        let late = ints.op("Add", &late, &leap);
        let early = ints.with("Sub", &of_year, 306);
        Self {
            year_day: ints.choose(&of_spring, &late, &early),
            year_days: ints.with("Add", &leap, 365),
            year,
            month,
            day,
        }
    }
}

/// Arithmetic of whole numbers.
struct Ints<'g>(&'g mut GraphBuilder);

impl Ints<'_> {
    fn op(&mut self, op: &str, a: &Value, b: &Value) -> Value {
        self.0.node(op, [a, b], vec![])
    }

    fn with(&mut self, op: &str, a: &Value, b: i64) -> Value {
        let b = self.0.constant(Tensor::ints(&[b]));
        self.op(op, a, &b)
    }

    fn choose(&mut self, which: &Value, yes: &Value, no: &Value) -> Value {
        self.0.node("Where", [which, yes, no], vec![])
    }

    /// 1 for a leap year.
    fn leap(&mut self, year: &Value) -> Value {
        let [fourth, hundredth, fourth_hundredth] = [4, 100, 400].map(|years| {
            let rest = self.with("Mod", year, years);
            self.with("Equal", &rest, 0)
        });
        let common = self.0.node("Not", [&hundredth], vec![]);
        let leap = self.op("Or", &common, &fourth_hundredth);
        let leap = self.op("And", &fourth, &leap);
        let to = vec![Attribute::int("to", i64::from(INT64))];
        self.0.node("Cast", [&leap], to)
    }
}
