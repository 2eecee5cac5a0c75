//! Line charts: values over numbers or over time, with bands, limits and marked moments.
//!
//! A value that is not a number interrupts its line. A series of many points is thinned to the
//! first, lowest, highest and last point of each pixel column, which looks the same.

use super::{
    Chart, Key, X,
    axis::{Axis, FONT, Plot, Scale, extent},
    chart, series_class,
    svg::{Anchor, Svg},
};
use crate::{
    escape::{fit, put, text_width},
    format,
};

/// Up to this many points of a line, and twice as many of all, are marked with a dot that tells its value.
const DOTS: usize = 60;

/// A named line, perhaps with a band around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    name: String,
    points: Vec<(f64, f64)>,
    band: Vec<(f64, f64, f64)>,
    over_time: bool,
    colour: Option<usize>,
}

impl Series {
    /// A line through points; they are put in order along the axis.
    pub fn new<T: Into<X>>(
        name: impl Into<String>,
        points: impl IntoIterator<Item = (T, f64)>,
    ) -> Self {
        let mut series = Self {
            name: name.into(),
            points: Vec::new(),
            band: Vec::new(),
            over_time: false,
            colour: None,
        };
        for (x, y) in points {
            let x = x.into();
            series.over_time |= x.is_time();
            series.points.push((x.value(), y));
        }
        series.points.retain(|p| p.0.is_finite());
        series.points.sort_by(|a, b| a.0.total_cmp(&b.0));
        series
    }

    /// Takes the colour of the series of that place, counted from 0, so that one thing keeps its colour on several
    /// charts. Without it a series has the colour of its own place.
    #[must_use]
    pub fn colour_of(mut self, place: usize) -> Self {
        self.colour = Some(place);
        self
    }

    fn class(&self, place: usize) -> String {
        series_class(self.colour.unwrap_or(place))
    }

    /// Adds a band: position, lower bound, upper bound.
    #[must_use]
    pub fn band<T: Into<X>>(mut self, band: impl IntoIterator<Item = (T, f64, f64)>) -> Self {
        self.band = band
            .into_iter()
            .map(|(x, lo, hi)| (x.into().value(), lo, hi))
            .filter(|(x, lo, hi)| x.is_finite() && lo.is_finite() && hi.is_finite())
            .collect();
        self.band.sort_by(|a, b| a.0.total_cmp(&b.0));
        self
    }
}

/// One or several lines over a common axis.
#[derive(Debug, Clone)]
pub struct LineChart {
    title: String,
    note: Option<String>,
    x_label: Option<String>,
    y_label: Option<String>,
    series: Vec<Series>,
    limits: Vec<(String, f64)>,
    markers: Vec<(String, f64)>,
    from_zero: bool,
    y_scale: Scale,
}

chart!(LineChart);

impl LineChart {
    /// A chart without series.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            note: None,
            x_label: None,
            y_label: None,
            series: Vec::new(),
            limits: Vec::new(),
            markers: Vec::new(),
            from_zero: false,
            y_scale: Scale::Number,
        }
    }

    /// Names the horizontal axis.
    #[must_use]
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x_label = Some(label.into());
        self
    }

    /// Names the vertical axis.
    #[must_use]
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.y_label = Some(label.into());
        self
    }

    /// Adds a line. The axis is one of time if any series has instants.
    #[must_use]
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Adds a dashed horizontal line, for instance an alarm limit.
    #[must_use]
    pub fn limit(mut self, name: impl Into<String>, value: f64) -> Self {
        self.limits.push((name.into(), value));
        self
    }

    /// Adds a dashed vertical line, for instance the moment of a promotion.
    #[must_use]
    pub fn marker(mut self, name: impl Into<String>, x: impl Into<X>) -> Self {
        self.markers.push((name.into(), x.into().value()));
        self
    }

    /// Begins the vertical axis at 0, so that heights can be compared.
    #[must_use]
    pub fn from_zero(mut self) -> Self {
        self.from_zero = true;
        self
    }

    /// Writes the vertical axis in percent; values are fractions of one.
    #[must_use]
    pub fn percent(mut self) -> Self {
        self.y_scale = Scale::Percent;
        self
    }

    fn x_scale(&self) -> Scale {
        if self.series.iter().any(|s| s.over_time) {
            Scale::Time
        } else {
            Scale::Number
        }
    }

    fn x_range(&self) -> Option<(f64, f64)> {
        let points = self
            .series
            .iter()
            .flat_map(|s| s.points.iter().map(|p| p.0));
        let bands = self.series.iter().flat_map(|s| s.band.iter().map(|b| b.0));
        extent(points.chain(bands).chain(self.markers.iter().map(|m| m.1)))
    }

    fn y_range(&self) -> Option<(f64, f64)> {
        let points = self
            .series
            .iter()
            .flat_map(|s| s.points.iter().map(|p| p.1));
        let bands = self
            .series
            .iter()
            .flat_map(|s| s.band.iter().flat_map(|b| [b.1, b.2]));
        let zero = self.from_zero.then_some(0.0);
        extent(
            points
                .chain(bands)
                .chain(self.limits.iter().map(|l| l.1))
                .chain(zero),
        )
    }

    fn draw_series(&self, svg: &mut Svg, index: usize, x: &Axis, y: &Axis, plot: Plot) {
        let series = &self.series[index];
        let class = series.class(index);
        let at = |px: f64, py: f64| {
            (
                x.place(px, plot.left, plot.right),
                y.place(py, plot.bottom, plot.top),
            )
        };
        let lower = series.band.iter().rev().map(|(px, lo, _)| at(*px, *lo));
        let band: Vec<_> = series
            .band
            .iter()
            .map(|(px, _, hi)| at(*px, *hi))
            .chain(lower)
            .collect();
        svg.path(&thin(&band), &format!("band {class}"), true);
        let all: usize = self.series.iter().map(|s| s.points.len()).sum();
        for run in series.points.split(|p| !p.1.is_finite()) {
            let line: Vec<_> = run.iter().map(|p| at(p.0, p.1)).collect();
            svg.path(&thin(&line), &format!("curve {class}"), false);
            if (series.points.len() <= DOTS && all <= 2 * DOTS) || run.len() == 1 {
                for (point, place) in run.iter().zip(&line) {
                    let x = self.x_scale().describe(point.0);
                    let tip = format!("{}, {x}: {}", series.name, self.y_scale.describe(point.1));
                    svg.dot(*place, 3.5, &format!("dot {class}"), &tip);
                }
            }
        }
    }

    fn draw_limits(&self, svg: &mut Svg, y: &Axis, plot: Plot) {
        for (name, value) in self.limits.iter().filter(|l| l.1.is_finite()) {
            let at = y.place(*value, plot.bottom, plot.top);
            svg.line((plot.left, at), (plot.right, at), "rule");
            let label = format!("{name} {}", self.y_scale.describe(*value));
            let label = fit(&label, plot.right - plot.left, FONT);
            svg.text((plot.right, at - 5.0), Anchor::End, "halo strong", &label);
        }
    }
}

impl Chart for LineChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn description(&self) -> String {
        let scale = self.x_scale();
        let mut text = match self.x_range() {
            Some((lo, hi)) => {
                format!(
                    "Line chart from {} to {}.",
                    scale.describe(lo),
                    scale.describe(hi)
                )
            }
            None => "Line chart without points.".to_owned(),
        };
        for series in &self.series {
            let mut finite = series.points.iter().map(|p| p.1).filter(|y| y.is_finite());
            let (Some((lo, hi)), Some(last)) = (extent(finite.clone()), finite.next_back()) else {
                put!(text, " {}: no values.", series.name);
                continue;
            };
            let say = |value| self.y_scale.describe(value);
            put!(
                text,
                " {}: {} points between {} and {}, the last {}.",
                series.name,
                format::count(series.points.len() as u64),
                say(lo),
                say(hi),
                say(last)
            );
        }
        for (name, value) in &self.limits {
            put!(text, " {name} at {}.", self.y_scale.describe(*value));
        }
        for (name, value) in &self.markers {
            put!(text, " {name} at {}.", scale.describe(*value));
        }
        text
    }

    fn legend(&self) -> Vec<Key> {
        let keys = self.series.iter().enumerate();
        keys.map(|(i, s)| Key::stroke(&s.name, s.class(i)))
            .collect()
    }

    fn draw(&self, width: f64) -> Svg {
        let height = if width > 700.0 { 330.0 } else { 270.0 };
        let y = Axis::rounded(self.y_range(), height / 60.0, self.y_scale);
        let left = y.label_width() + 12.0;
        let right = width - 22.0;
        let x = Axis::exact(self.x_range(), (right - left) / 78.0, self.x_scale());
        let markers = MarkerRows::new(&self.markers, &x, left, right);
        let label_row = if self.y_label.is_some() { 20.0 } else { 0.0 };
        let plot = Plot {
            left,
            top: 10.0 + label_row + markers.height(),
            right,
            bottom: height - x.label_height() - if self.x_label.is_some() { 18.0 } else { 0.0 },
        };
        let mut svg = Svg::new(width, height);
        if let Some(label) = &self.y_label {
            svg.text((0.0, 13.0), Anchor::Start, "", &fit(label, width, FONT));
        }
        y.draw_left(&mut svg, plot);
        x.draw_bottom(&mut svg, plot);
        if let Some(label) = &self.x_label {
            svg.text(
                (plot.right, height - 4.0),
                Anchor::End,
                "",
                &fit(label, right - left, FONT),
            );
        }
        markers.draw(&mut svg, plot, 12.0 + label_row);
        for index in 0..self.series.len() {
            self.draw_series(&mut svg, index, &x, &y, plot);
        }
        self.draw_limits(&mut svg, &y, plot);
        svg
    }
}

/// The labels of vertical lines, in as many rows as keep them apart.
struct MarkerRows {
    labels: Vec<(String, f64, usize)>,
    rows: usize,
}

impl MarkerRows {
    fn new(markers: &[(String, f64)], axis: &Axis, left: f64, right: f64) -> Self {
        let mut labels = Vec::new();
        let mut ends: Vec<f64> = Vec::new();
        let mut sorted: Vec<_> = markers.iter().filter(|m| m.1.is_finite()).collect();
        sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
        for (name, value) in sorted {
            let at = axis.place(*value, left, right);
            let name = fit(name, (right - left) * 0.6, FONT);
            let width = text_width(&name, FONT);
            let start = at.min(right - width);
            let row = ends
                .iter()
                .position(|end| *end + 10.0 <= start)
                .unwrap_or_else(|| {
                    ends.push(0.0);
                    ends.len() - 1
                });
            ends[row] = start + width;
            labels.push((name, at, row));
        }
        Self {
            labels,
            rows: ends.len(),
        }
    }

    fn height(&self) -> f64 {
        self.rows as f64 * 15.0
    }

    fn draw(&self, svg: &mut Svg, plot: Plot, first: f64) {
        for (name, at, row) in &self.labels {
            let y = first + *row as f64 * 15.0;
            svg.line((*at, y - 8.0), (*at, plot.bottom), "rule");
            let width = text_width(name, FONT);
            let (x, anchor) = if at + 5.0 + width > plot.right + 14.0 {
                (at - 5.0, Anchor::End)
            } else {
                (at + 5.0, Anchor::Start)
            };
            svg.text((x, y), anchor, "halo strong", name);
        }
    }
}

/// At most four points a pixel column, if there are many.
pub(crate) fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= 2_000 {
        return points.to_vec();
    }
    let mut kept = Vec::new();
    for column in points.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
        let by_height = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let extremes = [
            column.first(),
            column.iter().min_by(by_height),
            column.iter().max_by(by_height),
            column.last(),
        ];
        for point in extremes.into_iter().flatten() {
            if kept.last() != Some(point) {
                kept.push(*point);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(chart: &LineChart) -> String {
        let mut html = String::new();
        chart.draw(960.0).render(&mut html, "wide", "c", "t", "d");
        html
    }

    #[test]
    fn a_gap_interrupts_the_line() {
        let series = Series::new(
            "a",
            [
                (0.0, 1.0),
                (1.0, 2.0),
                (2.0, f64::NAN),
                (3.0, 1.0),
                (4.0, 2.0),
            ],
        );
        let html = html(&LineChart::new("t").series(series));
        assert_eq!(html.matches("class=\"curve s1\"").count(), 2);
        assert_eq!(html.matches("<circle").count(), 4);
        assert!(!html.contains("NaN"));
    }

    #[test]
    fn long_series_are_thinned_and_keep_their_extremes() {
        let points: Vec<_> = (0..100_000)
            .map(|i| {
                (
                    f64::from(i) / 200.0,
                    if i == 54_321 { 99.0 } else { f64::from(i % 7) },
                )
            })
            .collect();
        let kept = thin(&points);
        assert!(kept.len() <= 2_100, "{}", kept.len());
        assert!(kept.contains(&points[54_321]));
        assert_eq!((kept.first(), kept.last()), (points.first(), points.last()));
    }

    #[test]
    fn labels_of_close_markers_stand_in_rows() {
        let axis = Axis::exact(Some((0.0, 10.0)), 5.0, Scale::Number);
        let names: Vec<_> = (0..3)
            .map(|i| ("promoted".to_owned(), f64::from(i) * 0.1))
            .collect();
        assert_eq!(MarkerRows::new(&names, &axis, 0.0, 300.0).rows, 3);
        assert_eq!(MarkerRows::new(&names[..1], &axis, 0.0, 300.0).rows, 1);
    }
}
