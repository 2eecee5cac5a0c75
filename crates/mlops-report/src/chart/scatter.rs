//! Scatter plots: one dot for each thing that has both values.

use super::{
    Chart, Key,
    axis::{Axis, FONT, Plot, Scale, extent},
    chart, series_class,
    svg::{Anchor, Svg},
};
use crate::{
    escape::{fit, put},
    format,
};

/// More dots than this are not drawn.
const DOTS: usize = 2_000;

/// Dots at two values each, with a name that shows when the pointer rests on one.
#[derive(Debug, Clone)]
pub struct ScatterChart {
    title: String,
    note: Option<String>,
    x_label: String,
    y_label: String,
    dots: Vec<(String, f64, f64)>,
}

chart!(ScatterChart);

impl ScatterChart {
    /// A plot without dots.
    pub fn new(
        title: impl Into<String>,
        x_label: impl Into<String>,
        y_label: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            note: None,
            x_label: x_label.into(),
            y_label: y_label.into(),
            dots: Vec::new(),
        }
    }

    /// Adds dots; those that lack a finite value are left out, as are those beyond 2,000. Dots get the colours of
    /// series in the order in which they come.
    #[must_use]
    pub fn dots<N: Into<String>>(mut self, dots: impl IntoIterator<Item = (N, f64, f64)>) -> Self {
        self.dots
            .extend(dots.into_iter().map(|(name, x, y)| (name.into(), x, y)));
        self
    }

    fn finite(&self) -> impl Iterator<Item = (usize, &(String, f64, f64))> {
        let dots = self.dots.iter().enumerate().take(DOTS);
        dots.filter(|(_, (_, x, y))| x.is_finite() && y.is_finite())
    }
}

impl Chart for ScatterChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn description(&self) -> String {
        let mut text = format!(
            "{} over {}: {} dots.",
            self.y_label,
            self.x_label,
            format::count(self.finite().count() as u64)
        );
        for (_, (name, x, y)) in self.finite().take(8) {
            put!(
                text,
                " {name}: {}, {}.",
                format::number(*x),
                format::number(*y)
            );
        }
        text
    }

    fn legend(&self) -> Vec<Key> {
        if self.dots.len() > 8 {
            return Vec::new();
        }
        let keys = self.dots.iter().enumerate();
        keys.map(|(i, (name, ..))| Key::fill(name, series_class(i)))
            .collect()
    }

    fn draw(&self, width: f64) -> Svg {
        let height = if width > 700.0 { 330.0 } else { 290.0 };
        let xs = padded(extent(self.finite().map(|(_, dot)| dot.1)));
        let ys = padded(extent(self.finite().map(|(_, dot)| dot.2)));
        let y = Axis::rounded(ys, height / 60.0, Scale::Number);
        let left = y.label_width() + 12.0;
        let right = width - 22.0;
        let x = Axis::rounded(xs, (right - left) / 90.0, Scale::Number);
        let plot = Plot {
            left,
            top: 30.0,
            right,
            bottom: height - x.label_height() - 18.0,
        };
        let mut svg = Svg::new(width, height);
        let label = fit(&self.y_label, width, FONT);
        svg.text((0.0, 13.0), Anchor::Start, "", &label);
        y.draw_left(&mut svg, plot);
        x.draw_bottom(&mut svg, plot);
        let label = fit(&self.x_label, right - left, FONT);
        svg.text((plot.right, height - 4.0), Anchor::End, "", &label);
        let many = self.dots.len() > 8;
        for (i, (name, dot_x, dot_y)) in self.finite() {
            let at = (
                x.place(*dot_x, plot.left, plot.right),
                y.place(*dot_y, plot.bottom, plot.top),
            );
            let tip = format!(
                "{name}: {} {}, {} {}",
                self.x_label,
                format::number(*dot_x),
                self.y_label,
                format::number(*dot_y)
            );
            let class = series_class(if many { 0 } else { i });
            svg.dot(at, 4.5, &format!("dot {class}"), &tip);
        }
        svg
    }
}

/// A little more than the range, so that no dot lies on the border.
fn padded(range: Option<(f64, f64)>) -> Option<(f64, f64)> {
    range.map(|(lo, hi)| {
        let room = (hi / 25.0 - lo / 25.0).max(0.0);
        (lo - room, hi + room)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_without_both_values_is_left_out() {
        let chart = ScatterChart::new("t", "depth", "auc").dots([
            ("a", 1.0, 0.7),
            ("b", f64::NAN, 0.8),
            ("c", 3.0, f64::INFINITY),
            ("d", 2.0, 0.9),
        ]);
        let mut html = String::new();
        chart.draw(480.0).render(&mut html, "wide", "c", "t", "d");
        assert_eq!(html.matches("<circle").count(), 2);
        assert!(html.contains("d: depth 2, auc 0.9"));
        assert!(!html.contains("NaN") && !html.contains("inf"));
    }
}
