//! Axes: a range, nice ticks in it, and the place of a value between two pixels.
//!
//! Ticks stand at 1, 2 or 5 times a power of ten, at whole seconds to years on a time axis. A time
//! tick has two lines: the fine label, and below it the day, month or year where that changes.

use mlops_core::EventTime;

use super::{
    calendar::{DAY, Date, SECOND, clock, describe},
    svg::{Anchor, Svg},
};
use crate::{escape::text_width, format};

/// The size of the letters in a drawing, as in the style sheet.
pub(crate) const FONT: f64 = 12.0;
/// Beyond this a value is drawn at the border of what can be drawn.
const LARGEST: f64 = 1e200;

/// A position on a horizontal axis: a number, or an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum X {
    /// A number.
    Number(f64),
    /// An instant.
    Time(EventTime),
}

impl X {
    pub(crate) fn value(self) -> f64 {
        match self {
            Self::Number(value) => value,
            Self::Time(time) => time.micros() as f64,
        }
    }

    pub(crate) fn is_time(self) -> bool {
        matches!(self, Self::Time(_))
    }
}

impl From<f64> for X {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}
impl From<EventTime> for X {
    fn from(time: EventTime) -> Self {
        Self::Time(time)
    }
}

/// How the numbers of an axis are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Number,
    Percent,
    Time,
}

impl Scale {
    /// A value of this scale in words, for tips and descriptions.
    pub(crate) fn describe(self, value: f64) -> String {
        match self {
            Self::Number => format::number(value),
            Self::Percent => format::percent(value),
            Self::Time => describe(whole(value)),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub(crate) at: f64,
    pub(crate) label: String,
    pub(crate) context: Option<String>,
}

/// A range with ticks.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    pub(crate) lo: f64,
    pub(crate) hi: f64,
    pub(crate) ticks: Vec<Tick>,
}

/// The smallest and largest finite number, or `None` if there is none.
pub(crate) fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .into_iter()
        .filter(|v| v.is_finite())
        .fold(None, |range, v| {
            let (lo, hi) = range.unwrap_or((v, v));
            Some((lo.min(v), hi.max(v)))
        })
}

impl Axis {
    /// An axis that covers `range` and begins and ends at a tick, with about `target` ticks.
    pub(crate) fn rounded(range: Option<(f64, f64)>, target: f64, scale: Scale) -> Self {
        let (lo, hi) = widen(range);
        let step = nice_step((hi - lo) / target.max(1.0));
        Self::with_step(
            (lo / step).floor() * step,
            (hi / step).ceil() * step,
            step,
            scale,
        )
    }

    /// An axis that covers exactly `range`.
    pub(crate) fn exact(range: Option<(f64, f64)>, target: f64, scale: Scale) -> Self {
        let (lo, hi) = if scale == Scale::Time {
            widen_time(range)
        } else {
            widen(range)
        };
        if scale == Scale::Time {
            let ticks = time_ticks(lo, hi, target.max(1.0));
            return Self { lo, hi, ticks };
        }
        Self::with_step(lo, hi, nice_step((hi - lo) / target.max(1.0)), scale)
    }

    fn with_step(lo: f64, hi: f64, step: f64, scale: Scale) -> Self {
        // a hair of slack: 0.6 / 0.2 is a little less than 3
        let first = (lo / step - 1e-9).ceil();
        let count = ((hi / step + 1e-9).floor() - first).clamp(0.0, 50.0);
        let mut ticks = Vec::new();
        let mut k = 0.0;
        while k <= count {
            let at = (first + k) * step;
            ticks.push(Tick {
                at,
                label: label(at, step, lo.abs().max(hi.abs()), scale),
                context: None,
            });
            k += 1.0;
        }
        Self { lo, hi, ticks }
    }

    /// Where `value` lies between the pixels `from` and `to`.
    pub(crate) fn place(&self, value: f64, from: f64, to: f64) -> f64 {
        let share = (value.clamp(self.lo, self.hi) - self.lo) / (self.hi - self.lo);
        from + share * (to - from)
    }

    /// The room that the labels of a vertical axis take.
    pub(crate) fn label_width(&self) -> f64 {
        self.ticks
            .iter()
            .map(|t| text_width(&t.label, FONT))
            .fold(0.0, f64::max)
    }

    /// Grid lines and labels to the left of the plot.
    pub(crate) fn draw_left(&self, svg: &mut Svg, plot: Plot) {
        for tick in &self.ticks {
            let y = self.place(tick.at, plot.bottom, plot.top);
            svg.line((plot.left, y), (plot.right, y), "grid");
            svg.text((plot.left - 8.0, y + 4.0), Anchor::End, "", &tick.label);
        }
    }

    /// The base line, tick marks and labels below the plot.
    pub(crate) fn draw_bottom(&self, svg: &mut Svg, plot: Plot) {
        svg.line((plot.left, plot.bottom), (plot.right, plot.bottom), "axis");
        for tick in &self.ticks {
            let x = self.place(tick.at, plot.left, plot.right);
            svg.line((x, plot.bottom), (x, plot.bottom + 4.0), "axis");
            svg.text((x, plot.bottom + 17.0), Anchor::Middle, "", &tick.label);
            if let Some(context) = &tick.context {
                svg.text((x, plot.bottom + 32.0), Anchor::Middle, "strong", context);
            }
        }
    }

    /// The room below the plot for the labels.
    pub(crate) fn label_height(&self) -> f64 {
        if self.ticks.iter().any(|t| t.context.is_some()) {
            38.0
        } else {
            23.0
        }
    }
}

/// The area between the axes, in pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plot {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

fn widen(range: Option<(f64, f64)>) -> (f64, f64) {
    let (lo, hi) = range.unwrap_or((0.0, 1.0));
    let (lo, hi) = (lo.clamp(-LARGEST, LARGEST), hi.clamp(-LARGEST, LARGEST));
    let least = lo.abs().max(hi.abs()).max(1e-200) * 1e-9;
    if hi - lo > least {
        (lo, hi)
    } else if lo == 0.0 {
        (0.0, 1.0)
    } else {
        let half = lo.abs() * 0.1;
        (lo - half, hi + half)
    }
}

fn widen_time(range: Option<(f64, f64)>) -> (f64, f64) {
    let (lo, hi) = range.unwrap_or((0.0, DAY as f64));
    let missing = (SECOND as f64 - (hi - lo)).max(0.0) / 2.0;
    (lo - missing, hi + missing)
}

fn nice_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let mantissa = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|m| m * power >= rough * (1.0 - 1e-9));
    mantissa.unwrap_or(10.0) * power
}

fn label(value: f64, step: f64, largest: f64, scale: Scale) -> String {
    let (value, step, largest) = match scale {
        Scale::Percent => (value * 100.0, step * 100.0, largest * 100.0),
        Scale::Number | Scale::Time => (value, step, largest),
    };
    let (divisor, suffix) = if (1e6..1e12).contains(&largest) {
        (1e6, "M")
    } else {
        (1.0, "")
    };
    let value = if value.abs() < step * 1e-6 {
        0.0
    } else {
        value
    };
    let digits = -((step / divisor).log10() + 1e-9).floor();
    let text = if largest >= 1e12 || digits > 6.0 {
        format::number(value)
    } else {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "in 0..=6"
        )]
        let decimals = digits.max(0.0) as usize;
        let text = format::fixed(value / divisor, decimals);
        if value == 0.0 {
            "0".to_owned()
        } else {
            text + suffix
        }
    };
    if scale == Scale::Percent {
        text + " %"
    } else {
        text
    }
}

fn whole(value: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` clamps, and times are far inside"
    )]
    let micros = value.round() as i64;
    micros
}

/// Steps of a time axis that are a fixed number of microseconds.
const FIXED: [i64; 16] = [
    SECOND,
    5 * SECOND,
    15 * SECOND,
    30 * SECOND,
    60 * SECOND,
    300 * SECOND,
    900 * SECOND,
    1_800 * SECOND,
    3_600 * SECOND,
    3 * 3_600 * SECOND,
    6 * 3_600 * SECOND,
    12 * 3_600 * SECOND,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
];
const MONTH: f64 = 30.44 * DAY as f64;

fn time_ticks(lo: f64, hi: f64, target: f64) -> Vec<Tick> {
    let rough = (hi - lo) / target;
    let (from, to) = (whole(lo.ceil()), whole(hi.floor()));
    let mut at = Vec::new();
    if let Some(step) = FIXED.into_iter().find(|s| *s as f64 >= rough) {
        // weeks begin on Mondays; 1970 began on a Thursday
        let offset = if step >= 7 * DAY { 4 * DAY } else { 0 };
        let mut tick = (from - offset).div_euclid(step) * step + offset;
        while tick <= to {
            at.push(tick);
            tick += step;
        }
        at.retain(|t| *t >= from);
        let labels = if step < DAY { clock_label } else { day_label };
        return labelled(&at, labels);
    }
    let months = [1, 3, 6, 12]
        .into_iter()
        .find(|m| *m as f64 * MONTH >= rough);
    let months = months.unwrap_or_else(|| 12 * whole(nice_step(rough / (12.0 * MONTH)).max(1.0)));
    let first = Date::of(from);
    let mut month = (first.year * 12 + first.month - 1).div_euclid(months) * months;
    loop {
        let day = Date {
            year: month.div_euclid(12),
            month: month.rem_euclid(12) + 1,
            day: 1,
        };
        let tick = day.start();
        if tick > to {
            break;
        }
        if tick >= from {
            at.push(tick);
        }
        month += months;
    }
    labelled(&at, if months < 12 { month_label } else { year_label })
}

fn labelled(at: &[i64], label: fn(i64) -> (String, Option<String>)) -> Vec<Tick> {
    let mut last = None;
    at.iter()
        .map(|micros| {
            let (label, context) = label(*micros);
            let context = context.filter(|c| last.as_ref() != Some(c));
            if context.is_some() {
                last.clone_from(&context);
            }
            Tick {
                at: *micros as f64,
                label,
                context,
            }
        })
        .collect()
}

fn clock_label(micros: i64) -> (String, Option<String>) {
    (clock(micros), Some(describe(micros.div_euclid(DAY) * DAY)))
}
fn day_label(micros: i64) -> (String, Option<String>) {
    let day = Date::of(micros);
    (
        format!("{} {}", day.day, day.month_name()),
        Some(day.year.to_string()),
    )
}
fn month_label(micros: i64) -> (String, Option<String>) {
    let day = Date::of(micros);
    (day.month_name().to_owned(), Some(day.year.to_string()))
}
fn year_label(micros: i64) -> (String, Option<String>) {
    (Date::of(micros).year.to_string(), None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|t| t.label.as_str()).collect()
    }

    #[test]
    fn number_ticks_are_round_and_even() {
        let cases: [(f64, f64, &[&str]); 6] = [
            (0.0, 1.0, &["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
            (0.03, 0.41, &["0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
            (-12.0, 37.0, &["-20", "-10", "0", "10", "20", "30", "40"]),
            (0.0, 54_000.0, &["0", "20,000", "40,000", "60,000"]),
            (0.0, 4.8e6, &["0", "1M", "2M", "3M", "4M", "5M"]),
            (7.0, 7.0, &["6.0", "6.5", "7.0", "7.5", "8.0"]),
        ];
        for (lo, hi, expected) in cases {
            let axis = Axis::rounded(Some((lo, hi)), 5.0, Scale::Number);
            assert_eq!(labels(&axis), expected, "{lo}..{hi}");
        }
        let percent = Axis::rounded(Some((0.0, 0.3)), 3.0, Scale::Percent);
        assert_eq!(labels(&percent), ["0 %", "10 %", "20 %", "30 %"]);
    }

    #[test]
    fn time_ticks_name_the_year_where_it_changes() {
        let micros = |text| EventTime::parse(text).unwrap().micros() as f64;
        let range = (
            micros("2010-11-15T00:00:00Z"),
            micros("2011-04-10T00:00:00Z"),
        );
        let axis = Axis::exact(Some(range), 6.0, Scale::Time);
        let ticks: Vec<_> = axis
            .ticks
            .iter()
            .map(|t| (t.label.as_str(), t.context.as_deref()))
            .collect();
        assert_eq!(
            ticks,
            [
                ("Dec", Some("2010")),
                ("Jan", Some("2011")),
                ("Feb", None),
                ("Mar", None),
                ("Apr", None)
            ]
        );
        let day = (
            micros("2011-03-01T00:00:00Z"),
            micros("2011-03-02T12:00:00Z"),
        );
        let axis = Axis::exact(Some(day), 4.0, Scale::Time);
        assert_eq!(labels(&axis), ["00:00", "12:00", "00:00", "12:00"]);
        let century = (
            micros("1900-06-01T00:00:00Z"),
            micros("2011-03-02T12:00:00Z"),
        );
        let axis = Axis::exact(Some(century), 6.0, Scale::Time);
        assert_eq!(labels(&axis), ["1920", "1940", "1960", "1980", "2000"]);
    }

    proptest! {
        #[test]
        fn every_range_gets_few_ticks_inside_it(a in any::<f64>(), b in any::<f64>(), target in 1.0..20.0) {
            for scale in [Scale::Number, Scale::Percent] {
                let range = extent([a, b]);
                for axis in [Axis::rounded(range, target, scale), Axis::exact(range, target, scale)] {
                    prop_assert!(axis.lo < axis.hi);
                    prop_assert!(axis.ticks.len() <= 51);
                    for value in [a, b, axis.lo, axis.hi] {
                        if value.is_finite() {
                            let place = axis.place(value, 10.0, 90.0);
                            prop_assert!((10.0..=90.0).contains(&place), "{place}");
                        }
                    }
                }
            }
        }

        #[test]
        fn every_time_range_gets_about_as_many_ticks_as_asked(
            from in EventTime::MIN.micros()..EventTime::MAX.micros(),
            span in 0i64..400_000_000_000_000_000,
        ) {
            let to = EventTime::from_micros(from.saturating_add(span)).micros();
            let axis = Axis::exact(Some((from as f64, to as f64)), 6.0, Scale::Time);
            prop_assert!(axis.ticks.len() <= 8, "{}", axis.ticks.len());
            prop_assert!(axis.ticks.iter().all(|t| t.at >= axis.lo && t.at <= axis.hi));
        }
    }
}
