//! The parts of an instant: calendar fields, and cycles on which midnight lies next to midnight.
//!
//! # Reference
//! Days to civil dates: Howard Hinnant, "chrono-compatible low-level date algorithms".

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use crate::{Input, InputKind, cell::Cell, limit};

/// What a whole number that stands for an instant counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Days.
    Days,
    /// Seconds.
    Seconds,
    /// Thousandths of a second.
    Millis,
    /// Millionths of a second.
    Micros,
}

/// A part of an instant. A cycle makes two columns, the sine and the cosine of how much of it has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DatePart {
    /// The year, for instance 2026.
    Year,
    /// The month, 1 to 12.
    Month,
    /// The day of the month, 1 to 31.
    Day,
    /// The day of the week, 1 (Monday) to 7.
    Weekday,
    /// The day of the year, 1 to 366.
    YearDay,
    /// The hour, 0 to 23.
    Hour,
    /// How much of the day has passed.
    DayCycle,
    /// How much of the week has passed, from Monday on.
    WeekCycle,
    /// How much of the year has passed.
    YearCycle,
}

impl limit::Weigh for DatePart {
    fn weigh(&self) -> usize {
        1
    }
}

impl DatePart {
    pub(crate) fn width(self) -> usize {
        self.names().len()
    }

    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Year => &["year"],
            Self::Month => &["month"],
            Self::Day => &["day"],
            Self::Weekday => &["weekday"],
            Self::YearDay => &["year_day"],
            Self::Hour => &["hour"],
            Self::DayCycle => &["day_sin", "day_cos"],
            Self::WeekCycle => &["week_sin", "week_cos"],
            Self::YearCycle => &["year_sin", "year_cos"],
        }
    }
}

/// An instant taken apart.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Parts {
    year: i64,
    month: i64,
    day: i64,
    /// From 0, Monday.
    weekday: i64,
    /// From 0.
    year_day: i64,
    year_days: i64,
    /// The share of the day that has passed.
    passed: f64,
}

impl Parts {
    fn new(value: i64, unit: TimeUnit) -> Self {
        let a_day = match unit {
            TimeUnit::Days => 1,
            TimeUnit::Seconds => 86_400,
            TimeUnit::Millis => 86_400_000,
            TimeUnit::Micros => 86_400_000_000,
        };
        let days = value.div_euclid(a_day);
        let passed = value.rem_euclid(a_day) as f64 / a_day as f64;
        // years begin in March, so that the leap day is their last
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + 400 * era + i64::from(month <= 2);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let year_day = if month > 2 {
            of_year + 59 + i64::from(leap)
        } else {
            of_year - 306
        };
        Self {
            year,
            month,
            day,
            // 1970-01-01 was a Thursday
            weekday: (days + 3).rem_euclid(7),
            year_day,
            year_days: 365 + i64::from(leap),
            passed,
        }
    }

    fn push(&self, part: DatePart, encoded: &mut Vec<f64>) {
        let cycle = |encoded: &mut Vec<f64>, share: f64| {
            encoded.extend([(TAU * share).sin(), (TAU * share).cos()]);
        };
        match part {
            DatePart::Year => encoded.push(self.year as f64),
            DatePart::Month => encoded.push(self.month as f64),
            DatePart::Day => encoded.push(self.day as f64),
            DatePart::Weekday => encoded.push((self.weekday + 1) as f64),
            DatePart::YearDay => encoded.push((self.year_day + 1) as f64),
            DatePart::Hour => encoded.push((self.passed * 24.0).floor()),
            DatePart::DayCycle => cycle(encoded, self.passed),
            DatePart::WeekCycle => cycle(encoded, (self.weekday as f64 + self.passed) / 7.0),
            DatePart::YearCycle => {
                let share = (self.year_day as f64 + self.passed) / self.year_days as f64;
                cycle(encoded, share);
            }
        }
    }
}

/// The columns of an instant's parts behind what is encoded already.
pub(super) fn parts(
    cell: Cell<'_>,
    unit: TimeUnit,
    impute: Option<i64>,
    parts: &[DatePart],
    encoded: &mut Vec<f64>,
) {
    let value = match cell {
        Cell::Int(value) => Some(value),
        _ => impute,
    };
    if let Some(value) = value {
        let instant = Parts::new(value, unit);
        for part in parts {
            instant.push(*part, encoded);
        }
    } else {
        let width: usize = parts.iter().map(|part| part.width()).sum();
        encoded.resize(encoded.len() + width, f64::NAN);
    }
}

pub(super) fn check(input: &Input, impute: Option<i64>, parts: &[DatePart]) -> Result<(), String> {
    let name = &input.name;
    if input.kind != InputKind::Int {
        return Err(format!(
            "input `{name}` is {}; an instant is a whole number",
            input.kind
        ));
    }
    if impute.is_some_and(|value| value.unsigned_abs() > 1 << 53) {
        return Err(format!("`impute` of input `{name}` lies beyond 2^53"));
    }
    limit::check("the number of parts", parts.len(), limit::STEPS).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use mlops_core::{Date, EventTime};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_instant_is_taken_apart() {
        let time = EventTime::parse("2024-12-31T18:00:00Z").unwrap();
        let parts = Parts::new(time.micros(), TimeUnit::Micros);
        assert_eq!((parts.year, parts.month, parts.day), (2024, 12, 31));
        // a Tuesday, the last day of a leap year
        assert_eq!(
            (parts.weekday, parts.year_day, parts.year_days),
            (1, 365, 366)
        );
        let mut encoded = Vec::new();
        parts.push(DatePart::Hour, &mut encoded);
        parts.push(DatePart::DayCycle, &mut encoded);
        assert_eq!((encoded[0], encoded[1]), (18.0, -1.0));
        assert!(encoded[2].abs() < 1e-15);
        assert_eq!(Parts::new(-1, TimeUnit::Seconds).year, 1969);
    }

    #[test]
    fn every_hour_is_its_own() {
        for second in 0..86_400 {
            let mut encoded = Vec::new();
            Parts::new(second, TimeUnit::Seconds).push(DatePart::Hour, &mut encoded);
            assert_eq!(encoded, [(second / 3600) as f64], "{second}");
        }
    }

    proptest! {
        #[test]
        fn dates_are_those_of_the_calendar(days in -3_000_000i32..2_900_000) {
            let parts = Parts::new(i64::from(days), TimeUnit::Days);
            let first = Parts::new(i64::from(days) - parts.year_day, TimeUnit::Days);
            prop_assert_eq!((first.year, first.month, first.day), (parts.year, 1, 1));
            if let Some(date) = Date::from_days(days)
                && parts.year >= 0
            {
                let text = format!("{:04}-{:02}-{:02}", parts.year, parts.month, parts.day);
                prop_assert_eq!(date.to_string(), text);
            }
        }
    }
}
