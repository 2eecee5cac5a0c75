//! Two histograms beside each other: how values were distributed, and how they are now.
//!
//! Both sides are shown as shares of their own total, so a month of data can be held against a
//! year. Bins are drawn equally wide whatever they cover, as drift statistics count them.

use super::{
    Chart, Key,
    axis::{Axis, FONT, Plot, Scale},
    chart,
    svg::{Anchor, Svg},
};
use crate::{
    escape::{fit, put, text_width},
    format,
};

/// More slots than this are merged or folded.
const MOST_SLOTS: usize = 40;

#[derive(Debug, Clone, PartialEq)]
enum Slots {
    Edges(Vec<f64>),
    Categories(Vec<String>),
}

/// The distribution of a reference beside the current one, over bins or categories.
#[derive(Debug, Clone)]
pub struct HistogramPair {
    title: String,
    note: Option<String>,
    slots: Slots,
    reference: (String, Vec<f64>),
    current: (String, Vec<f64>),
}

chart!(HistogramPair);

impl HistogramPair {
    fn new(title: impl Into<String>, slots: Slots) -> Self {
        Self {
            title: title.into(),
            note: None,
            slots,
            reference: ("reference".to_owned(), Vec::new()),
            current: ("current".to_owned(), Vec::new()),
        }
    }

    /// Bins of numbers; `edges` has one entry more than there are bins, and may begin and end with
    /// infinities.
    pub fn bins(title: impl Into<String>, edges: impl IntoIterator<Item = f64>) -> Self {
        Self::new(title, Slots::Edges(edges.into_iter().collect()))
    }

    /// Categories by name.
    pub fn categories<T: Into<String>>(
        title: impl Into<String>,
        names: impl IntoIterator<Item = T>,
    ) -> Self {
        Self::new(
            title,
            Slots::Categories(names.into_iter().map(Into::into).collect()),
        )
    }

    /// States the counts of the reference, one a slot; missing ones are 0.
    #[must_use]
    pub fn reference(
        mut self,
        name: impl Into<String>,
        counts: impl IntoIterator<Item = f64>,
    ) -> Self {
        self.reference = (name.into(), counts.into_iter().collect());
        self
    }

    /// States the current counts, one a slot; missing ones are 0.
    #[must_use]
    pub fn current(
        mut self,
        name: impl Into<String>,
        counts: impl IntoIterator<Item = f64>,
    ) -> Self {
        self.current = (name.into(), counts.into_iter().collect());
        self
    }

    /// The slots that are drawn: their name and the share on both sides.
    fn bars(&self) -> Vec<Bar> {
        let named = match &self.slots {
            Slots::Edges(edges) => edges.len().saturating_sub(1),
            Slots::Categories(names) => names.len(),
        };
        let slots = named.max(self.reference.1.len()).max(self.current.1.len());
        let reference = shares(&self.reference.1, slots);
        let current = shares(&self.current.1, slots);
        let name = |from: usize, to: usize| match &self.slots {
            Slots::Edges(edges) => {
                let edge = |i: usize| edges.get(i).map_or("…".to_owned(), |e| format::number(*e));
                format!("{} to {}", edge(from), edge(to))
            }
            Slots::Categories(names) if to == from + 1 => names
                .get(from)
                .cloned()
                .unwrap_or_else(|| format!("category {}", from + 1)),
            Slots::Categories(_) => format!("{} others", to - from),
        };
        let group = match self.slots {
            Slots::Edges(_) => slots.div_ceil(MOST_SLOTS).max(1),
            Slots::Categories(_) => 1,
        };
        let mut bars = Vec::new();
        let mut from = 0;
        while from < slots {
            let last = group == 1 && slots > MOST_SLOTS && bars.len() == MOST_SLOTS - 1;
            let to = if last {
                slots
            } else {
                (from + group).min(slots)
            };
            bars.push(Bar {
                name: name(from, to),
                from,
                to,
                reference: reference[from..to].iter().sum(),
                current: current[from..to].iter().sum(),
            });
            from = to;
        }
        bars
    }

    /// Labels below the plot and the room that they need.
    fn labels(&self, bars: &[Bar], slot: f64) -> Labels {
        if let Slots::Edges(edges) = &self.slots {
            let text = |i: usize| edges.get(i).map_or(String::new(), |e| format::number(*e));
            let ends = bars.iter().map(|b| b.from).chain(bars.last().map(|b| b.to));
            return Labels::Edges(ends.map(text).collect());
        }
        let widest = bars
            .iter()
            .map(|b| text_width(&b.name, FONT))
            .fold(0.0, f64::max);
        if widest <= slot - 4.0 {
            Labels::Flat
        } else {
            Labels::Turned(widest.min(110.0))
        }
    }
}

#[derive(Debug)]
struct Bar {
    name: String,
    from: usize,
    to: usize,
    reference: f64,
    current: f64,
}

enum Labels {
    Edges(Vec<String>),
    Flat,
    Turned(f64),
}

const TURN: f64 = 38.0;

impl Labels {
    fn height(&self) -> f64 {
        match self {
            Self::Edges(_) | Self::Flat => 24.0,
            Self::Turned(width) => 20.0 + width * TURN.to_radians().sin(),
        }
    }

    fn draw(&self, svg: &mut Svg, bars: &[Bar], plot: Plot, slot: f64) {
        let y = plot.bottom + 17.0;
        match self {
            Self::Edges(texts) => {
                let widest = texts
                    .iter()
                    .map(|t| text_width(t, FONT))
                    .fold(0.0, f64::max);
                let mut free = f64::NEG_INFINITY;
                for (i, text) in texts.iter().enumerate() {
                    let x = plot.left + i as f64 * slot;
                    svg.line((x, plot.bottom), (x, plot.bottom + 4.0), "axis");
                    if x - widest / 2.0 >= free {
                        svg.text((x, y), Anchor::Middle, "", text);
                        free = x + widest / 2.0 + 8.0;
                    }
                }
            }
            Self::Flat => {
                for (i, bar) in bars.iter().enumerate() {
                    let x = plot.left + (i as f64 + 0.5) * slot;
                    svg.text((x, y), Anchor::Middle, "", &bar.name);
                }
            }
            Self::Turned(width) => {
                let every = (15.0 / slot).ceil().max(1.0);
                for (i, bar) in bars
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| *i as f64 % every == 0.0)
                {
                    let at = (
                        plot.left + (i as f64 + 0.5) * slot + 4.0,
                        plot.bottom + 14.0,
                    );
                    let room = width.min((at.0 - 4.0) / TURN.to_radians().cos());
                    svg.turned_text(at, Anchor::End, "", &fit(&bar.name, room, FONT), -TURN);
                }
            }
        }
    }
}

fn shares(counts: &[f64], slots: usize) -> Vec<f64> {
    let mut shares: Vec<f64> = counts
        .iter()
        .map(|c| if c.is_finite() { c.max(0.0) } else { 0.0 })
        .collect();
    shares.resize(slots, 0.0);
    let total: f64 = shares.iter().sum();
    if total > 0.0 && total.is_finite() {
        for share in &mut shares {
            *share /= total;
        }
    } else {
        shares.fill(0.0);
    }
    shares
}

impl Chart for HistogramPair {
    fn title(&self) -> &str {
        &self.title
    }

    fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn description(&self) -> String {
        let (reference, current) = (&self.reference.0, &self.current.0);
        let mut bars = self.bars();
        let mut text = format!(
            "Histogram of {} slots: shares of {reference} beside {current}.",
            bars.len()
        );
        let moved = |b: &Bar| (b.current - b.reference).abs();
        bars.sort_by(|a, b| moved(b).total_cmp(&moved(a)));
        for bar in bars.iter().take(3).filter(|b| moved(b) > 0.0) {
            put!(
                text,
                " {}: {} then, {} now.",
                bar.name,
                format::percent(bar.reference),
                format::percent(bar.current)
            );
        }
        text
    }

    fn legend(&self) -> Vec<Key> {
        vec![
            Key::fill(&self.reference.0, "s5".to_owned()),
            Key::fill(&self.current.0, "s1".to_owned()),
        ]
    }

    fn draw(&self, width: f64) -> Svg {
        let bars = self.bars();
        let highest = bars
            .iter()
            .flat_map(|b| [b.reference, b.current])
            .fold(0.0, f64::max);
        let y = Axis::rounded(Some((0.0, highest)), 5.0, Scale::Percent);
        let left = y.label_width() + 12.0;
        let right = width - 18.0;
        let slot = (right - left) / bars.len().max(1) as f64;
        let labels = self.labels(&bars, slot);
        let top = 10.0;
        let bottom = top + if width > 700.0 { 230.0 } else { 180.0 };
        let plot = Plot {
            left,
            top,
            right,
            bottom,
        };
        let mut svg = Svg::new(width, bottom + labels.height());
        y.draw_left(&mut svg, plot);
        let bar_width = (slot * 0.4).min(34.0);
        for (i, bar) in bars.iter().enumerate() {
            let middle = left + (i as f64 + 0.5) * slot;
            let tip = format!(
                "{}: {} {}, {} {}",
                bar.name,
                self.reference.0,
                format::percent(bar.reference),
                self.current.0,
                format::percent(bar.current)
            );
            for (x, share, class) in [
                (middle - bar_width, bar.reference, "fill s5"),
                (middle, bar.current, "fill s1"),
            ] {
                let at = y.place(share, bottom, top);
                svg.rect((x, at), (bar_width - 0.5, bottom - at), class, &tip);
            }
        }
        svg.line((left, bottom), (right, bottom), "axis");
        labels.draw(&mut svg, &bars, plot, slot);
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_shares_of_their_own_total() {
        let pair = HistogramPair::categories("t", ["a", "b"])
            .reference("then", [1.0, 3.0])
            .current("now", [100.0, f64::NAN]);
        let bars = pair.bars();
        assert_eq!((bars[0].reference, bars[0].current), (0.25, 1.0));
        assert_eq!((bars[1].reference, bars[1].current), (0.75, 0.0));
        assert!(pair.description().contains("a: 25.0 % then, 100.0 % now."));
    }

    #[test]
    fn many_slots_are_merged_and_nothing_is_lost() {
        let bins = HistogramPair::bins("t", (0..=100).map(f64::from)).reference("r", [1.0; 100]);
        let categories = HistogramPair::categories("t", (0..100).map(|i| format!("c{i}")))
            .reference("r", [1.0; 100]);
        for pair in [bins, categories] {
            let bars = pair.bars();
            assert!(bars.len() <= MOST_SLOTS);
            let total: f64 = bars.iter().map(|b| b.reference).sum();
            assert!((total - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn counts_without_a_slot_still_show() {
        let pair = HistogramPair::bins("t", [])
            .reference("r", [1.0])
            .current("c", [1.0, 1.0]);
        assert_eq!(pair.bars().len(), 2);
        assert!(HistogramPair::bins("t", []).bars().is_empty());
    }
}
