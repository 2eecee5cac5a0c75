//! What happened when: events as dots and periods as bars on a common time axis, in named lanes.

use std::collections::BTreeMap;

use mlops_core::EventTime;

use super::{
    Chart, Key,
    axis::{Axis, FONT, Plot, Scale, extent},
    calendar::describe,
    chart,
    svg::{Anchor, Svg},
};
use crate::{
    Tone,
    escape::{fit, put, text_width},
};

const ROW: f64 = 24.0;

#[derive(Debug, Clone, PartialEq)]
struct Item {
    lane: usize,
    from: f64,
    to: f64,
    label: String,
    tone: Tone,
}

/// Events and periods on a time axis.
#[derive(Debug, Clone)]
pub struct Timeline {
    title: String,
    note: Option<String>,
    lanes: Vec<String>,
    items: Vec<Item>,
}

chart!(Timeline);

impl Timeline {
    /// A timeline without events. Lanes appear in the order in which they are first named.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            note: None,
            lanes: Vec::new(),
            items: Vec::new(),
        }
    }

    /// Adds an event to a lane.
    #[must_use]
    pub fn event(self, lane: &str, at: EventTime, label: impl Into<String>, tone: Tone) -> Self {
        self.period(lane, at, at, label, tone)
    }

    /// Adds a period to a lane; the bounds may come in either order.
    #[must_use]
    pub fn period(
        mut self,
        lane: &str,
        from: EventTime,
        to: EventTime,
        label: impl Into<String>,
        tone: Tone,
    ) -> Self {
        let index = self
            .lanes
            .iter()
            .position(|l| l == lane)
            .unwrap_or_else(|| {
                self.lanes.push(lane.to_owned());
                self.lanes.len() - 1
            });
        self.items.push(Item {
            lane: index,
            from: from.min(to).micros() as f64,
            to: from.max(to).micros() as f64,
            label: label.into(),
            tone,
        });
        self
    }

    fn ordered(&self) -> Vec<&Item> {
        let mut items: Vec<_> = self.items.iter().collect();
        items.sort_by(|a, b| a.lane.cmp(&b.lane).then(a.from.total_cmp(&b.from)));
        items
    }

    /// The row of each item, so that labels in one lane do not run into each other.
    fn rows<'a>(&'a self, axis: &Axis, plot: Plot) -> (Vec<Placed<'a>>, Vec<usize>) {
        let mut ends: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        let mut placed = Vec::new();
        for item in self.ordered() {
            let from = axis.place(item.from, plot.left, plot.right);
            let to = axis.place(item.to, plot.left, plot.right);
            let label = fit(&item.label, (plot.right - plot.left) * 0.7, FONT);
            let width = text_width(&label, FONT);
            let inside = to - from >= width + 18.0;
            let before =
                !inside && to + 10.0 + width > plot.right + 12.0 && from - 10.0 - width > plot.left;
            let (text_at, start, end) = if inside {
                (from + 10.0, from, to - 6.0)
            } else if before {
                (from - 9.0, from - 10.0 - width, to + 6.0)
            } else {
                (to + 9.0, from - 6.0, to + 10.0 + width)
            };
            let rows = ends.entry(item.lane).or_default();
            let row = rows
                .iter()
                .position(|end| *end + 6.0 <= start)
                .unwrap_or_else(|| {
                    rows.push(f64::NEG_INFINITY);
                    rows.len() - 1
                });
            rows[row] = end;
            placed.push(Placed {
                item,
                label,
                from,
                to,
                text_at,
                before,
                row,
            });
        }
        let counts = (0..self.lanes.len()).map(|l| ends.get(&l).map_or(1, Vec::len));
        (placed, counts.collect())
    }
}

struct Placed<'a> {
    item: &'a Item,
    label: String,
    from: f64,
    to: f64,
    text_at: f64,
    before: bool,
    row: usize,
}

impl Chart for Timeline {
    fn title(&self) -> &str {
        &self.title
    }

    fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn description(&self) -> String {
        let mut text = format!("Timeline of {} entries.", self.items.len());
        for item in self.ordered() {
            let (lane, from) = (&self.lanes[item.lane], Scale::Time.describe(item.from));
            put!(text, " {lane}, {from}");
            if item.to > item.from {
                put!(text, " to {}", Scale::Time.describe(item.to));
            }
            put!(text, ": {}.", item.label);
        }
        text
    }

    fn legend(&self) -> Vec<Key> {
        Vec::new()
    }

    fn draw(&self, width: f64) -> Svg {
        let names = self
            .lanes
            .iter()
            .map(|l| text_width(l, FONT))
            .fold(0.0, f64::max);
        let left = (names + 14.0).min(width * 0.3);
        let mut plot = Plot {
            left,
            top: 4.0,
            right: width - 24.0,
            bottom: 0.0,
        };
        let range = extent(self.items.iter().flat_map(|i| [i.from, i.to]));
        let axis = Axis::exact(range, (plot.right - left) / 85.0, Scale::Time);
        let (placed, rows) = self.rows(&axis, plot);
        let mut tops = Vec::new();
        let mut y = plot.top;
        for count in &rows {
            tops.push(y);
            y += *count as f64 * ROW + 8.0;
        }
        plot.bottom = y.max(plot.top + ROW);
        let mut svg = Svg::new(width, plot.bottom + axis.label_height());
        for tick in &axis.ticks {
            let x = axis.place(tick.at, plot.left, plot.right);
            svg.line((x, plot.top), (x, plot.bottom), "grid");
        }
        for (lane, top) in self.lanes.iter().zip(&tops) {
            if *top > plot.top {
                svg.line((0.0, *top), (plot.right, *top), "grid");
            }
            svg.text(
                (0.0, top + 20.0),
                Anchor::Start,
                "strong",
                &fit(lane, left - 10.0, FONT),
            );
        }
        for entry in &placed {
            let item = entry.item;
            let y = tops[item.lane] + entry.row as f64 * ROW + 16.0;
            let class = format!("tone-{}", item.tone.class());
            let when = describe_range(item);
            let tip = format!("{}, {when}", item.label);
            if item.to > item.from {
                let size = ((entry.to - entry.from - 1.0).max(3.0), 18.0);
                svg.rect((entry.from, y - 9.0), size, &format!("span {class}"), &tip);
            }
            if item.to == item.from {
                svg.dot((entry.from, y), 5.0, &format!("dot {class}"), &tip);
            } else {
                svg.line(
                    (entry.from, y - 9.0),
                    (entry.from, y + 9.0),
                    &format!("curve {class}"),
                );
            }
            let anchor = if entry.before {
                Anchor::End
            } else {
                Anchor::Start
            };
            svg.text(
                (entry.text_at, y + 4.0),
                anchor,
                if item.to == item.from {
                    "halo strong"
                } else {
                    "strong"
                },
                &entry.label,
            );
        }
        axis.draw_bottom(&mut svg, plot);
        svg
    }
}

fn describe_range(item: &Item) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "made from whole microseconds"
    )]
    let (from, to) = (item.from as i64, item.to as i64);
    if from == to {
        describe(from)
    } else {
        format!("{} to {}", describe(from), describe(to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crowded_events_stand_in_rows_of_their_lane() {
        let at = |day: i64| EventTime::from_seconds(day * 86_400);
        let mut timeline = Timeline::new("t");
        for day in 0..3 {
            timeline = timeline.event("versions", at(day), "a rather long label", Tone::Good);
        }
        let timeline = timeline.event("signals", at(400), "end", Tone::Bad);
        let plot = Plot {
            left: 80.0,
            top: 0.0,
            right: 900.0,
            bottom: 0.0,
        };
        let axis = Axis::exact(Some((0.0, at(400).micros() as f64)), 6.0, Scale::Time);
        let (placed, rows) = timeline.rows(&axis, plot);
        assert_eq!(rows, [3, 1]);
        assert!(
            placed.last().unwrap().before,
            "the last label stands before its dot"
        );
        assert!(timeline.description().contains("signals, 5 Feb 1971: end."));
    }
}
