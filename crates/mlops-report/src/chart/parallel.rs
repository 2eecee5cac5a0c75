//! Parallel coordinates: an upright axis for each quantity, a line for each thing that crosses them all.

use super::{
    Chart, Key,
    axis::{Axis, FONT, Scale, extent},
    chart, series_class,
    svg::{Anchor, Svg},
};
use crate::{
    escape::{fit, put, text_width},
    format,
};

/// More axes than this do not fit side by side.
const AXES: usize = 12;
/// More lines than this are not drawn.
const LINES: usize = 500;

/// The values of one axis.
#[derive(Debug, Clone, PartialEq)]
enum Values {
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<String>>),
}

/// One line for each thing, over one axis for each quantity. Quantities are numbers or names.
///
/// ```
/// use mlops_report::{Page, ParallelChart, Section};
///
/// let chart = ParallelChart::new("Runs", ["a", "b"])
///     .numbers("depth", [Some(3.0), Some(6.0)])
///     .texts("booster", [Some("gbtree"), Some("dart")])
///     .numbers("auc", [Some(0.81), Some(0.84)]);
/// let html = Page::new("Runs").section("Runs", Section::new().add(chart)).render();
/// assert!(html.contains("booster"));
/// ```
#[derive(Debug, Clone)]
pub struct ParallelChart {
    title: String,
    note: Option<String>,
    lines: Vec<String>,
    axes: Vec<(String, Values)>,
}

chart!(ParallelChart);

/// Where a value stands on its axis, from 0 to 1, and the labels of the axis.
struct Ruler {
    places: Vec<Option<f64>>,
    labels: Vec<(f64, String)>,
}

impl ParallelChart {
    /// A chart without axes, for things of these names.
    pub fn new<N: Into<String>>(
        title: impl Into<String>,
        lines: impl IntoIterator<Item = N>,
    ) -> Self {
        Self {
            title: title.into(),
            note: None,
            lines: lines.into_iter().map(Into::into).collect(),
            axes: Vec::new(),
        }
    }

    /// Adds an axis of numbers, one for each line; what is no finite number breaks its line. Axes beyond the
    /// twelfth are left out.
    #[must_use]
    pub fn numbers(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = Option<f64>>,
    ) -> Self {
        let finite = values.into_iter().map(|v| v.filter(|v| v.is_finite()));
        self.axes
            .push((name.into(), Values::Numbers(finite.collect())));
        self
    }

    /// Adds an axis of names, one for each line, in their order.
    #[must_use]
    pub fn texts<T: Into<String>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = Option<T>>,
    ) -> Self {
        let texts = values.into_iter().map(|value| value.map(Into::into));
        self.axes
            .push((name.into(), Values::Texts(texts.collect())));
        self
    }

    fn axes(&self) -> &[(String, Values)] {
        &self.axes[..self.axes.len().min(AXES)]
    }
}

impl Values {
    fn ruler(&self) -> Ruler {
        match self {
            Self::Numbers(values) => {
                let axis =
                    Axis::exact(extent(values.iter().copied().flatten()), 4.0, Scale::Number);
                let place = |value: f64| axis.place(value, 0.0, 1.0);
                Ruler {
                    places: values.iter().map(|value| value.map(place)).collect(),
                    labels: axis
                        .ticks
                        .iter()
                        .map(|tick| (place(tick.at), tick.label.clone()))
                        .collect(),
                }
            }
            Self::Texts(values) => {
                let mut names: Vec<&String> = values.iter().flatten().collect();
                names.sort_unstable();
                names.dedup();
                let place = |at: usize| {
                    if names.len() < 2 {
                        0.5
                    } else {
                        at as f64 / (names.len() - 1) as f64
                    }
                };
                let place_of = |value: &String| names.binary_search(&value).ok().map(place);
                Ruler {
                    places: values
                        .iter()
                        .map(|value| value.as_ref().and_then(place_of))
                        .collect(),
                    // more names than these would stand on each other
                    labels: if names.len() > 14 {
                        Vec::new()
                    } else {
                        let labels = names.iter().enumerate();
                        labels
                            .map(|(at, name)| (place(at), (*name).clone()))
                            .collect()
                    },
                }
            }
        }
    }
}

impl Chart for ParallelChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn description(&self) -> String {
        let mut text = format!(
            "{} lines over {} axes.",
            format::count(self.lines.len() as u64),
            self.axes().len()
        );
        for (name, values) in self.axes() {
            match values {
                Values::Numbers(values) => {
                    if let Some((lo, hi)) = extent(values.iter().copied().flatten()) {
                        let (lo, hi) = (format::number(lo), format::number(hi));
                        put!(text, " {name} from {lo} to {hi}.");
                    } else {
                        put!(text, " {name}: no values.");
                    }
                }
                Values::Texts(_) => put!(text, " {name} by name."),
            }
        }
        text
    }

    fn legend(&self) -> Vec<Key> {
        if self.lines.len() > 8 {
            return Vec::new();
        }
        let keys = self.lines.iter().enumerate();
        keys.map(|(i, name)| Key::stroke(name, series_class(i)))
            .collect()
    }

    fn draw(&self, width: f64) -> Svg {
        let height = if width > 700.0 { 340.0 } else { 320.0 };
        let (top, bottom) = (44.0, height - 14.0);
        let mut svg = Svg::new(width, height);
        let axes = self.axes();
        if axes.is_empty() {
            return svg;
        }
        let room = width / axes.len() as f64;
        let at = |axis: usize| room * (axis as f64 + 0.5);
        let rulers: Vec<Ruler> = axes.iter().map(|(_, values)| values.ruler()).collect();
        let y = |place: f64| bottom - place * (bottom - top);
        let many = self.lines.len() > 8;
        for (i, name) in self.lines.iter().enumerate().take(LINES) {
            let class = series_class(if many { 0 } else { i });
            let class = format!("curve {class}{}", if many { " faint" } else { "" });
            let corners: Vec<Option<(f64, f64)>> = rulers
                .iter()
                .enumerate()
                .map(|(axis, ruler)| {
                    let place = ruler.places.get(i).copied().flatten()?;
                    Some((at(axis), y(place)))
                })
                .collect();
            for line in corners.split(Option::is_none) {
                let line: Vec<(f64, f64)> = line.iter().copied().flatten().collect();
                svg.path(&line, &class, false);
                if let [only] = line[..] {
                    svg.dot(only, 3.5, &format!("dot {class}"), name);
                }
            }
        }
        for (axis, ((name, _), ruler)) in axes.iter().zip(&rulers).enumerate() {
            let x = at(axis);
            svg.line((x, top), (x, bottom), "axis");
            // names of neighbours stand on two lines, so that they have twice the room
            let line = if axis % 2 == 0 { 12.0 } else { 28.0 };
            let name = fit(name, room * 1.7, FONT);
            // at the border a long name stands inside
            let half = text_width(&name, FONT) / 2.0;
            let (x_name, anchor) = if x - half < 0.0 {
                (0.0, Anchor::Start)
            } else if x + half > width {
                (width, Anchor::End)
            } else {
                (x, Anchor::Middle)
            };
            svg.text((x_name, line), anchor, "strong", &name);
            for (place, label) in &ruler.labels {
                svg.line((x - 3.0, y(*place)), (x + 3.0, y(*place)), "axis");
                let label = fit(label, room * 0.5 - 8.0, FONT);
                svg.text((x + 7.0, y(*place) + 4.0), Anchor::Start, "halo", &label);
            }
        }
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(chart: &ParallelChart) -> String {
        let mut html = String::new();
        chart.draw(960.0).render(&mut html, "wide", "c", "t", "d");
        html
    }

    #[test]
    fn a_missing_value_breaks_its_line_alone() {
        let chart = ParallelChart::new("t", ["a", "b"])
            .numbers("x", [Some(1.0), Some(2.0)])
            .texts("kind", [Some("u"), None])
            .numbers("y", [Some(f64::NAN), Some(4.0)])
            .numbers("z", [Some(5.0), Some(6.0)]);
        let html = html(&chart);
        assert_eq!(html.matches("<path").count(), 2);
        assert_eq!(html.matches("<circle").count(), 2);
        assert!(!html.contains("NaN"));
    }

    #[test]
    fn too_many_axes_and_none_at_all_make_a_drawing() {
        let mut chart = ParallelChart::new("t", ["a"]);
        assert!(html(&chart).contains("<svg"));
        for _ in 0..20 {
            chart = chart.numbers("x", [Some(1.0)]);
        }
        assert_eq!(html(&chart).matches("class=\"strong\"").count(), AXES);
    }
}
