//! A line the size of a word, for a table cell or a card.

use super::{
    axis::extent,
    line::thin,
    svg::{Svg, px},
};
use crate::{
    Tone,
    escape::{escape, put},
    format,
};

const WIDTH: f64 = 88.0;
const HEIGHT: f64 = 24.0;

/// The course of some values, without axes; its last value is marked.
#[derive(Debug, Clone, PartialEq)]
pub struct Sparkline {
    label: String,
    values: Vec<f64>,
    tone: Tone,
}

impl Sparkline {
    /// A small line; `label` says to those who cannot see it what the values are.
    pub fn new(label: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        Self {
            label: label.into(),
            values: values.into_iter().collect(),
            tone: Tone::Neutral,
        }
    }

    /// Draws it in the colour of a judgement.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    pub(crate) fn render(&self, html: &mut String) {
        let finite = || self.values.iter().copied().filter(|v| v.is_finite());
        let text = match (extent(finite()), finite().next_back()) {
            (Some((lo, hi)), Some(last)) => format!(
                "{}: {} values between {} and {}, the last {}",
                self.label,
                format::count(self.values.len() as u64),
                format::number(lo),
                format::number(hi),
                format::number(last)
            ),
            _ => format!("{}: no values", self.label),
        };
        let text = escape(&text);
        put!(
            html,
            "<svg class=\"spark\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{text}\"><title>{text}</title>\n",
            px(WIDTH),
            px(HEIGHT)
        );
        html.push_str(self.draw().body());
        html.push_str("</svg>");
    }

    fn draw(&self) -> Svg {
        let mut svg = Svg::new(WIDTH, HEIGHT);
        let Some((lo, hi)) = extent(self.values.iter().copied()) else {
            return svg;
        };
        let last = (self.values.len().max(2) - 1) as f64;
        let place = |(i, value): (usize, &f64)| {
            // halves, because the distance of two huge numbers is infinite
            let height = hi / 2.0 - lo / 2.0;
            let share = if height > 0.0 {
                (value / 2.0 - lo / 2.0) / height
            } else {
                0.5
            };
            (
                4.0 + i as f64 / last * (WIDTH - 8.0),
                4.0 + (1.0 - share) * (HEIGHT - 8.0),
            )
        };
        let class = format!("tone-{}", self.tone.class());
        let points: Vec<_> = self.values.iter().enumerate().collect();
        for run in points.split(|(_, v)| !v.is_finite()) {
            let line: Vec<_> = run.iter().map(|p| place(*p)).collect();
            svg.path(&thin(&line), &format!("curve {class}"), false);
        }
        if let Some(end) = points.iter().rfind(|(_, v)| v.is_finite()) {
            svg.dot(
                place(*end),
                3.0,
                &format!("dot {class}"),
                &format::number(*end.1),
            );
        }
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_course_gives_a_drawing_without_broken_numbers() {
        let courses: [&[f64]; 6] = [
            &[],
            &[1.0],
            &[2.0, 2.0],
            &[f64::NAN, f64::INFINITY],
            &[f64::MIN, f64::MAX],
            &[1.0, f64::NAN, 3.0, 2.0],
        ];
        for values in courses {
            let mut html = String::new();
            Sparkline::new("psi", values.iter().copied()).render(&mut html);
            let drawing = &html[html.find("</title>").unwrap()..];
            assert!(
                !drawing.contains("NaN") && !drawing.contains("inf"),
                "{html}"
            );
            assert!(html.ends_with("</svg>"));
        }
    }
}
