//! Days, months and years of an instant in UTC, as far as a time axis needs them.

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const DAY: i64 = 86_400 * SECOND;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A day of the proleptic Gregorian calendar; months and days count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
}

impl Date {
    /// The day that holds an instant, given in microseconds since 1970 (Hinnant's algorithm).
    pub(crate) fn of(micros: i64) -> Self {
        let z = micros.div_euclid(DAY) + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        Self {
            year: yoe + era * 400 + i64::from(month <= 2),
            month,
            day: doy - (153 * mp + 2) / 5 + 1,
        }
    }

    /// Midnight at the start of the day, in microseconds since 1970.
    pub(crate) fn start(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let yoe = year.rem_euclid(400);
        let shifted = if self.month > 2 {
            self.month - 3
        } else {
            self.month + 9
        };
        let doy = (153 * shifted + 2) / 5 + self.day - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        (era * 146_097 + doe - 719_468) * DAY
    }

    /// The name of the month in three letters.
    pub(crate) fn month_name(self) -> &'static str {
        usize::try_from(self.month - 1)
            .ok()
            .and_then(|m| MONTHS.get(m))
            .unwrap_or(&"?")
    }
}

/// The instant as `15 Mar 2011` or, if it is not midnight, `15 Mar 2011 14:30`.
pub(crate) fn describe(micros: i64) -> String {
    let day = Date::of(micros);
    let date = format!("{} {} {}", day.day, day.month_name(), day.year);
    match micros.rem_euclid(DAY) {
        0 => date,
        _ => format!("{date} {}", clock(micros)),
    }
}

/// The time of day as `14:30`, with seconds if there are any.
pub(crate) fn clock(micros: i64) -> String {
    let second = micros.rem_euclid(DAY) / SECOND;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    if second == 0 {
        format!("{hour:02}:{minute:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::EventTime;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_instant_is_described_to_the_minute() {
        let micros = |text| EventTime::parse(text).unwrap().micros();
        assert_eq!(describe(micros("2011-07-01T00:00:00Z")), "1 Jul 2011");
        assert_eq!(
            describe(micros("1969-12-31T23:59:58Z")),
            "31 Dec 1969 23:59:58"
        );
        assert_eq!(
            describe(micros("2012-02-29T14:30:00Z")),
            "29 Feb 2012 14:30"
        );
    }

    proptest! {
        #[test]
        fn days_agree_with_core(micros in -60_000_000_000_000_000i64..250_000_000_000_000_000) {
            let day = Date::of(micros);
            let expected = EventTime::from_micros(micros).date();
            prop_assert_eq!(format!("{:04}-{:02}-{:02}", day.year, day.month, day.day), expected);
            prop_assert_eq!(day.start(), micros.div_euclid(DAY) * DAY);
        }
    }
}
