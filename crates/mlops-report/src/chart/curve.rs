//! Curves in the unit square: ROC, precision and recall, calibration.
//!
//! The dashed line is what a model without knowledge would reach: the diagonal for ROC, the base
//! rate for precision and recall. For calibration it is the perfect model.

use super::{
    Chart, Key,
    axis::{Axis, FONT, Plot, Scale},
    chart,
    line::thin,
    series_class,
    svg::{Anchor, Svg},
};
use crate::{
    escape::{fit, put},
    format,
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Roc,
    PrecisionRecall { base_rate: f64 },
    Calibration,
}

/// One or several curves whose both axes run from 0 to 1.
#[derive(Debug, Clone)]
pub struct CurveChart {
    title: String,
    note: Option<String>,
    kind: Kind,
    curves: Vec<(String, Vec<(f64, f64)>)>,
}

chart!(CurveChart);

impl CurveChart {
    fn new(title: impl Into<String>, kind: Kind) -> Self {
        Self {
            title: title.into(),
            note: None,
            kind,
            curves: Vec::new(),
        }
    }

    /// True positive rate over false positive rate; points are `(fpr, tpr)`.
    #[doc(alias = "ROC")]
    pub fn roc(title: impl Into<String>) -> Self {
        Self::new(title, Kind::Roc)
    }

    /// Precision over recall; points are `(recall, precision)`, drawn in steps because precision
    /// between two thresholds is not a straight line.
    #[doc(alias = "PR curve")]
    pub fn precision_recall(title: impl Into<String>, base_rate: f64) -> Self {
        Self::new(title, Kind::PrecisionRecall { base_rate })
    }

    /// Share that came true over the predicted probability; points are `(predicted, observed)`.
    #[doc(alias = "reliability diagram")]
    pub fn calibration(title: impl Into<String>) -> Self {
        Self::new(title, Kind::Calibration)
    }

    /// Adds a curve. Points with a coordinate that is not a number are left out.
    #[must_use]
    pub fn curve(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let finite = points
            .into_iter()
            .filter(|(x, y)| x.is_finite() && y.is_finite());
        let mut points: Vec<_> = finite.collect();
        if points.first().map(|p| p.0) > points.last().map(|p| p.0) {
            points.reverse();
        }
        self.curves.push((name.into(), points));
        self
    }

    fn axis_names(&self) -> (&'static str, &'static str) {
        match self.kind {
            Kind::Roc => ("False positive rate", "True positive rate"),
            Kind::PrecisionRecall { .. } => ("Recall", "Precision"),
            Kind::Calibration => ("Predicted probability", "Share that came true"),
        }
    }
}

/// The corners of a curve that keeps each point's height from the point before it.
fn steps(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::with_capacity(points.len() * 2);
    for (x, y) in points {
        if let Some((before, _)) = out.last().copied() {
            out.push((before, *y));
        }
        out.push((*x, *y));
    }
    out
}

impl Chart for CurveChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn description(&self) -> String {
        let (x, y) = self.axis_names();
        let mut text = format!("{y} over {}, both from 0 to 1.", x.to_lowercase());
        if let Kind::PrecisionRecall { base_rate } = self.kind {
            put!(text, " The base rate is {}.", format::number(base_rate));
        }
        for (name, points) in &self.curves {
            let count = format::count(points.len() as u64);
            put!(text, " {name}: {count} points");
            if let Some((x, y)) = points.get(points.len() / 2) {
                let (x, y) = (format::number(*x), format::number(*y));
                put!(text, ", passing {x} at height {y}");
            }
            text.push('.');
        }
        text
    }

    fn legend(&self) -> Vec<Key> {
        let keys = self.curves.iter().enumerate();
        let mut keys: Vec<Key> = keys
            .map(|(i, (name, _))| Key::stroke(name, series_class(i)))
            .collect();
        let baseline = match self.kind {
            Kind::Roc => "by chance",
            Kind::PrecisionRecall { .. } => "base rate",
            Kind::Calibration => "perfect",
        };
        keys.push(Key {
            style: "stroke dashed",
            ..Key::stroke(baseline, "s5".to_owned())
        });
        keys
    }

    fn draw(&self, width: f64) -> Svg {
        let width = width.min(560.0);
        let axis = Axis::exact(Some((0.0, 1.0)), 5.0, Scale::Number);
        let left = axis.label_width() + 12.0;
        let side = (width - left - 14.0) * 0.86;
        let plot = Plot {
            left,
            top: 26.0,
            right: width - 14.0,
            bottom: 26.0 + side,
        };
        let height = plot.bottom + 42.0;
        let mut svg = Svg::new(width, height);
        let (x_name, y_name) = self.axis_names();
        svg.text((0.0, 13.0), Anchor::Start, "", y_name);
        axis.draw_left(&mut svg, plot);
        axis.draw_bottom(&mut svg, plot);
        svg.text((plot.right, height - 4.0), Anchor::End, "", x_name);
        let at = |(x, y): (f64, f64)| {
            (
                axis.place(x, plot.left, plot.right),
                axis.place(y, plot.bottom, plot.top),
            )
        };
        match self.kind {
            Kind::Roc | Kind::Calibration => svg.line(at((0.0, 0.0)), at((1.0, 1.0)), "rule"),
            Kind::PrecisionRecall { base_rate } if base_rate.is_finite() => {
                svg.line(at((0.0, base_rate)), at((1.0, base_rate)), "rule");
                let label = fit(
                    &format!("base rate {}", format::number(base_rate)),
                    side,
                    FONT,
                );
                let (x, y) = at((0.0, base_rate));
                svg.text((x + 6.0, y - 5.0), Anchor::Start, "halo", &label);
            }
            Kind::PrecisionRecall { .. } => {}
        }
        for (i, (name, points)) in self.curves.iter().enumerate() {
            let class = series_class(i);
            let corners = match self.kind {
                Kind::PrecisionRecall { .. } => steps(points),
                Kind::Roc | Kind::Calibration => points.clone(),
            };
            let corners: Vec<_> = corners.into_iter().map(at).collect();
            svg.path(&thin(&corners), &format!("curve {class}"), false);
            if self.kind == Kind::Calibration {
                for point in points {
                    let (x, y) = (format::number(point.0), format::number(point.1));
                    let tip = format!("{name}: predicted {x}, came true {y}");
                    svg.dot(at(*point), 4.0, &format!("dot {class}"), &tip);
                }
            }
        }
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_holds_back_to_the_recall_before() {
        let points = [(0.0, 1.0), (0.5, 0.8), (1.0, 0.4)];
        assert_eq!(
            steps(&points),
            [(0.0, 1.0), (0.0, 0.8), (0.5, 0.8), (0.5, 0.4), (1.0, 0.4)]
        );
        assert!(steps(&[]).is_empty());
    }

    #[test]
    fn a_curve_given_from_right_to_left_is_turned_round() {
        let chart = CurveChart::precision_recall("t", 0.3)
            .curve("a", [(1.0, 0.3), (f64::NAN, 0.5), (0.0, 1.0)]);
        assert_eq!(chart.curves[0].1, [(0.0, 1.0), (1.0, 0.3)]);
    }
}
