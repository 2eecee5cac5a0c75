//! Horizontal bars, the longest first: importances, drift by column, counts by reason.

use super::{
    Chart, Key,
    axis::{Axis, FONT, Scale, extent},
    chart,
    svg::{Anchor, Svg},
};
use crate::{
    Tone,
    escape::{fit, put, text_width},
    format,
};

/// How many bars are drawn unless told otherwise.
const DEFAULT_BARS: usize = 20;
const ROW: f64 = 26.0;

/// Named values as horizontal bars.
#[derive(Debug, Clone)]
pub struct BarChart {
    title: String,
    note: Option<String>,
    bars: Vec<(String, f64, Tone)>,
    limit: Option<(String, f64)>,
    most: usize,
    sorted: bool,
    scale: Scale,
}

chart!(BarChart);

impl BarChart {
    /// A chart without bars.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            note: None,
            bars: Vec::new(),
            limit: None,
            most: DEFAULT_BARS,
            sorted: true,
            scale: Scale::Number,
        }
    }

    /// Adds a bar.
    #[must_use]
    pub fn bar(self, name: impl Into<String>, value: f64) -> Self {
        self.toned_bar(name, value, Tone::Neutral)
    }

    /// Adds a bar in the colour of a judgement.
    #[must_use]
    pub fn toned_bar(mut self, name: impl Into<String>, value: f64, tone: Tone) -> Self {
        self.bars.push((name.into(), value, tone));
        self
    }

    /// Adds bars.
    #[must_use]
    pub fn bars<T: Into<String>>(mut self, bars: impl IntoIterator<Item = (T, f64)>) -> Self {
        self.bars.extend(
            bars.into_iter()
                .map(|(name, value)| (name.into(), value, Tone::Neutral)),
        );
        self
    }

    /// Adds a dashed line at a value.
    #[must_use]
    pub fn limit(mut self, name: impl Into<String>, value: f64) -> Self {
        self.limit = Some((name.into(), value)).filter(|l| l.1.is_finite());
        self
    }

    /// States how many bars are drawn, 20 unless this is called.
    #[must_use]
    pub fn show_at_most(mut self, bars: usize) -> Self {
        self.most = bars;
        self
    }

    /// Keeps the order in which the bars were added.
    #[must_use]
    pub fn in_given_order(mut self) -> Self {
        self.sorted = false;
        self
    }

    /// Writes values in percent; they are fractions of one.
    #[must_use]
    pub fn percent(mut self) -> Self {
        self.scale = Scale::Percent;
        self
    }

    fn draw_limit(
        &self,
        svg: &mut Svg,
        place: impl Fn(f64) -> f64,
        (top, bottom): (f64, f64),
        width: f64,
    ) {
        let Some((name, value)) = &self.limit else {
            return;
        };
        let x = place(*value);
        svg.line((x, top - 4.0), (x, bottom), "rule");
        let text = fit(
            &format!("{name} {}", self.scale.describe(*value)),
            width,
            FONT,
        );
        let half = text_width(&text, FONT) / 2.0;
        let at = x.clamp(half.min(width / 2.0), (width - half).max(width / 2.0));
        svg.text((at, 12.0), Anchor::Middle, "", &text);
    }

    fn ordered(&self) -> Vec<&(String, f64, Tone)> {
        let mut bars: Vec<_> = self.bars.iter().collect();
        if self.sorted {
            // what is no number comes last, equal values by name
            bars.sort_by(|a, b| {
                let keys = (a.1.is_nan(), b.1.is_nan());
                keys.0
                    .cmp(&keys.1)
                    .then(b.1.total_cmp(&a.1))
                    .then_with(|| a.0.cmp(&b.0))
            });
        }
        bars.truncate(self.most);
        bars
    }
}

impl Chart for BarChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn description(&self) -> String {
        let mut text = format!("Bar chart of {} values.", self.bars.len());
        for (name, value, _) in self.ordered() {
            put!(text, " {name}: {}.", self.scale.describe(*value));
        }
        if let Some((name, value)) = &self.limit {
            put!(text, " {name} at {}.", self.scale.describe(*value));
        }
        text
    }

    fn legend(&self) -> Vec<Key> {
        Vec::new()
    }

    fn draw(&self, width: f64) -> Svg {
        let bars = self.ordered();
        let names = bars
            .iter()
            .map(|b| text_width(&b.0, FONT))
            .fold(0.0, f64::max);
        let values = bars
            .iter()
            .map(|b| text_width(&self.scale.describe(b.1), FONT))
            .fold(0.0, f64::max);
        // names that would take too much of the width stand above their bars
        let above = names + 10.0 > width * 0.4;
        let row = if above { ROW + 16.0 } else { ROW };
        let left = if above { 0.0 } else { names + 10.0 };
        let right = width - values - 12.0;
        let limit = self.limit.iter().map(|l| l.1);
        let range = extent(bars.iter().map(|b| b.1).chain([0.0]).chain(limit));
        let axis = Axis::exact(range, 5.0, self.scale);
        let top = if self.limit.is_some() { 20.0 } else { 2.0 };
        let bottom = top + bars.len() as f64 * row;
        let hidden = self.bars.len() - bars.len();
        let mut svg = Svg::new(width, bottom + if hidden > 0 { 22.0 } else { 4.0 });
        let zero = axis.place(0.0, left, right);
        for (i, (name, value, tone)) in bars.iter().enumerate() {
            let y = top + (i + 1) as f64 * row - ROW;
            let text = self.scale.describe(*value);
            if above {
                let label = fit(name, width, FONT);
                svg.text((0.0, y), Anchor::Start, "halo strong", &label);
            } else {
                svg.text((left - 8.0, y + 17.0), Anchor::End, "strong", name);
            }
            let end = if value.is_nan() {
                zero
            } else {
                axis.place(*value, left, right)
            };
            let class = format!("fill tone-{}", tone.class());
            let tip = format!("{name}: {text}");
            svg.rect(
                (zero.min(end), y + 4.0),
                ((end - zero).abs(), ROW - 8.0),
                &class,
                &tip,
            );
            let at = (zero.max(end) + 6.0, y + 17.0);
            svg.text(at, Anchor::Start, "halo strong", &text);
        }
        if !above || zero > left {
            svg.line((zero, top), (zero, bottom), "axis");
        }
        self.draw_limit(
            &mut svg,
            |value| axis.place(value, left, right),
            (top, bottom),
            width,
        );
        if hidden > 0 {
            let text = format!("{} more not shown", format::count(hidden as u64));
            svg.text((left, bottom + 16.0), Anchor::Start, "", &text);
        }
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_comes_first_and_no_number_last() {
        let chart =
            BarChart::new("t").bars([("b", 1.0), ("nan", f64::NAN), ("a", 1.0), ("c", 9.0)]);
        let names = |chart: &BarChart| {
            chart
                .ordered()
                .iter()
                .map(|b| b.0.clone())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(names(&chart), "c a b nan");
        assert_eq!(names(&chart.clone().in_given_order()), "b nan a c");
        assert_eq!(names(&chart.show_at_most(2)), "c a");
    }

    #[test]
    fn a_negative_bar_ends_at_zero() {
        let mut html = String::new();
        let chart = BarChart::new("t").bars([("up", 1.0), ("down", -1.0)]);
        chart.draw(480.0).render(&mut html, "wide", "c", "t", "d");
        assert_eq!(html.matches("<rect").count(), 2);
        assert!(!html.contains("width=\"-"));
    }
}
