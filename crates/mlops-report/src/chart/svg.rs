//! Writes SVG elements; coordinates are rounded to a tenth of a pixel, texts are escaped.

use crate::escape::{escape, put};

/// A drawing in the making.
#[derive(Debug, Clone)]
pub(crate) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// Which part of a text stands at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A coordinate as text; what is no number becomes 0, so that no drawing is ever broken.
pub(crate) fn px(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    if !rounded.is_finite() || rounded == 0.0 {
        return "0".to_owned();
    }
    format!("{rounded}")
}

impl Svg {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    /// The elements without the frame.
    pub(crate) fn body(&self) -> &str {
        &self.body
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        put!(
            self.body,
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"{class}\"/>\n",
            px(from.0),
            px(from.1),
            px(to.0),
            px(to.1)
        );
    }

    /// A rectangle with rounded corners, and a text that shows when the pointer rests on it.
    pub(crate) fn rect(&mut self, at: (f64, f64), size: (f64, f64), class: &str, tip: &str) {
        let (width, height) = (size.0.max(0.0), size.1.max(0.0));
        let radius = 1.5_f64.min(width / 2.0).min(height / 2.0);
        put!(
            self.body,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\" class=\"{class}\"><title>{}</title></rect>\n",
            px(at.0),
            px(at.1),
            px(width),
            px(height),
            px(radius),
            escape(tip)
        );
    }

    pub(crate) fn dot(&mut self, at: (f64, f64), radius: f64, class: &str, tip: &str) {
        put!(
            self.body,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" class=\"{class}\"><title>{}</title></circle>\n",
            px(at.0),
            px(at.1),
            px(radius),
            escape(tip)
        );
    }

    /// A line through the points, closed if it bounds an area. Nothing for fewer than two points.
    pub(crate) fn path(&mut self, points: &[(f64, f64)], class: &str, closed: bool) {
        if points.len() < 2 {
            return;
        }
        let mut data = String::with_capacity(points.len() * 12);
        for (i, (x, y)) in points.iter().enumerate() {
            data.push(if i == 0 { 'M' } else { 'L' });
            data.push_str(&px(*x));
            data.push(' ');
            data.push_str(&px(*y));
        }
        if closed {
            data.push('Z');
        }
        put!(self.body, "<path d=\"{data}\" class=\"{class}\"/>\n");
    }

    pub(crate) fn text(&mut self, at: (f64, f64), anchor: Anchor, class: &str, text: &str) {
        self.turned_text(at, anchor, class, text, 0.0);
    }

    /// A text turned by some degrees round its position.
    pub(crate) fn turned_text(
        &mut self,
        at: (f64, f64),
        anchor: Anchor,
        class: &str,
        text: &str,
        degrees: f64,
    ) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let class = if class.is_empty() {
            String::new()
        } else {
            format!(" class=\"{class}\"")
        };
        let (x, y) = (px(at.0), px(at.1));
        let turn = if degrees == 0.0 {
            String::new()
        } else {
            format!(" transform=\"rotate({} {x} {y})\"", px(degrees))
        };
        put!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\"{anchor}{class}{turn}>{}</text>\n",
            escape(text)
        );
    }

    pub(crate) fn render(
        &self,
        html: &mut String,
        class: &str,
        id: &str,
        title: &str,
        description: &str,
    ) {
        put!(
            html,
            "<svg class=\"{class}\" viewBox=\"0 0 {} {}\" width=\"{}\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-desc\">\n<title id=\"{id}-title\">{}</title>\n\
             <desc id=\"{id}-desc\">{}</desc>\n{}</svg>\n",
            px(self.width),
            px(self.height),
            px(self.width * 1.3),
            escape(title),
            escape(description),
            self.body
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_always_numbers() {
        for (value, expected) in [
            (1.25, "1.3"),
            (-0.01, "0"),
            (100.0, "100"),
            (f64::NAN, "0"),
            (f64::INFINITY, "0"),
            (-2.5431, "-2.5"),
        ] {
            assert_eq!(px(value), expected);
        }
    }
}
