//! Charts as inline SVG: drawn once for a wide and once for a narrow page.
//!
//! A vector that shrinks to a phone shrinks its letters too. So every chart is laid out twice, and
//! the style sheet shows the one that suits the page; letters keep their size and ticks their room.
//! Legends are HTML above the drawing, where they can wrap. Each SVG has a title, and a description
//! that states in words what the drawing shows.

mod axis;
mod bar;
mod calendar;
mod curve;
mod histogram;
mod line;
mod parallel;
mod scatter;
mod sparkline;
mod svg;
mod timeline;

use std::fmt::Debug;

pub use axis::X;
pub use bar::BarChart;
pub use curve::CurveChart;
pub use histogram::HistogramPair;
pub use line::{LineChart, Series};
pub use parallel::ParallelChart;
pub use scatter::ScatterChart;
pub use sparkline::Sparkline;
pub use timeline::Timeline;

use crate::{
    block::Ids,
    escape::{escape, put},
};
use svg::Svg;

/// How wide a drawing is laid out, in pixels: alone, beside another one, and on a phone.
const FULL: f64 = 960.0;
const HALF: f64 = 480.0;
const NARROW: f64 = 380.0;

/// Where a chart stands on a wide page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Full,
    Half,
}

/// What every chart can say about itself.
pub(crate) trait Chart: Debug + Send + Sync {
    /// The heading.
    fn title(&self) -> &str;
    /// A line below the heading.
    fn note(&self) -> Option<&str>;
    /// What the drawing shows, in words.
    fn description(&self) -> String;
    /// Which colour means what; empty if there is nothing to tell apart.
    fn legend(&self) -> Vec<Key>;
    /// The drawing, laid out for `width` pixels or fewer.
    fn draw(&self, width: f64) -> Svg;
}

/// One entry of a legend.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) style: &'static str,
}

impl Key {
    pub(crate) fn stroke(name: &str, class: String) -> Self {
        Self {
            name: name.to_owned(),
            class,
            style: "stroke",
        }
    }

    pub(crate) fn fill(name: &str, class: String) -> Self {
        Self {
            name: name.to_owned(),
            class,
            style: "fill",
        }
    }
}

/// The class that gives the colour of the `index`-th series; the second eight of a chart are dashed.
pub(crate) fn series_class(index: usize) -> String {
    let dash = if index % 16 < 8 { "" } else { " dash" };
    format!("s{}{dash}", index % 8 + 1)
}

pub(crate) fn figure(html: &mut String, chart: &dyn Chart, ids: &mut Ids, place: Place) {
    let id = ids.next();
    put!(html, "<figure>\n<figcaption>{}", escape(chart.title()));
    if let Some(note) = chart.note() {
        put!(html, "<span class=\"note\">{}</span>", escape(note));
    }
    html.push_str("</figcaption>\n");
    let legend = chart.legend();
    if !legend.is_empty() {
        html.push_str("<ul class=\"legend\">");
        for key in legend {
            put!(
                html,
                "<li><span class=\"swatch {} {}\"></span>{}</li>",
                key.style,
                key.class,
                escape(&key.name)
            );
        }
        html.push_str("</ul>\n");
    }
    let description = chart.description();
    let wide = if place == Place::Full { FULL } else { HALF };
    for (name, width) in [("wide", wide), ("narrow", NARROW)] {
        let head = format!("chart-{id}-{name}");
        chart
            .draw(width)
            .render(html, name, &head, chart.title(), &description);
    }
    html.push_str("</figure>\n");
}

/// Implements the setters and the conversion that all charts share.
macro_rules! chart {
    ($type:ident) => {
        impl $type {
            /// Adds a line below the heading.
            #[must_use]
            pub fn note(mut self, note: impl Into<String>) -> Self {
                self.note = Some(note.into());
                self
            }
        }

        impl From<$type> for $crate::Block {
            fn from(chart: $type) -> Self {
                Self::chart(chart)
            }
        }
    };
}
pub(crate) use chart;
