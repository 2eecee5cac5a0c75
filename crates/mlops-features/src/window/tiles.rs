//! KLL sketches of a window's tiles.
//!
//! The sketch of a window is defined as that of its tiles merged in the order of time, each made of its
//! events in order; the last tile ends with the window. This is a function of the events that are in the
//! window and of nothing else. Tiles of a key are sketched once, and the merge of all but the last is kept
//! for as long as the window begins at the same tile.

use std::ops::Range;

use super::Lane;
use crate::{
    Boundary,
    feature::{Window, tile_of},
    sketch::Kll,
};

#[derive(Debug)]
pub(super) struct Tiles {
    pub(super) size: u16,
    parts: Vec<(Range<usize>, Option<Kll>)>,
    /// The tiles of the window before its last, merged: from which, up to which.
    merged: (Range<usize>, Kll),
    /// The events of the last tile so far.
    head: (Range<usize>, Kll),
    /// The tile of the last question's first and last event.
    first: usize,
    last: usize,
    pub(super) whole: Option<Kll>,
}

impl Tiles {
    pub(super) fn new(size: u16) -> Self {
        let empty = Kll::new(size).expect("the feature's builder checked the size");
        Self {
            size,
            parts: Vec::new(),
            merged: (0..0, empty.clone()),
            head: (0..0, empty),
            first: 0,
            last: 0,
            whole: None,
        }
    }

    fn empty(&self) -> Kll {
        Kll::new(self.size).expect("the feature's builder checked the size")
    }

    /// Finds the tiles of a lane.
    pub(super) fn start(&mut self, lane: &Lane, window: Window, boundary: Boundary) {
        let hop = window
            .accuracy
            .hop()
            .expect("the feature's builder asked for a hop");
        self.parts.clear();
        let mut begin = 0;
        for at in 0..lane.len() {
            let tile = tile_of(boundary, lane.times[at], hop);
            if at + 1 == lane.len() || tile_of(boundary, lane.times[at + 1], hop) != tile {
                self.parts.push((begin..at + 1, None));
                begin = at + 1;
            }
        }
        self.merged = (0..0, self.empty());
        self.head = (0..0, self.empty());
        (self.first, self.last, self.whole) = (0, 0, None);
    }

    /// The sketch of the events of a range, which begins with a tile.
    pub(super) fn sketch(&mut self, lane: &Lane, range: Range<usize>) {
        if range.is_empty() {
            self.whole = None;
            return;
        }
        while self.parts[self.first].0.end <= range.start {
            self.first += 1;
        }
        self.last = self.last.max(self.first);
        while self.parts[self.last].0.end < range.end {
            self.last += 1;
        }
        if self.merged.0.start != self.first || self.merged.0.end > self.last {
            self.merged = (self.first..self.first, self.empty());
        }
        while self.merged.0.end < self.last {
            let tile = self.merged.0.end;
            self.make(lane, tile);
            let made = self.parts[tile].1.as_ref().expect("just made");
            self.merged
                .1
                .merge(made)
                .expect("sketches of one feature have one size");
            self.merged.0.end += 1;
        }
        let begin = self.parts[self.last].0.start.max(range.start);
        if self.head.0.start != begin || self.head.0.end > range.end {
            self.head = (begin..begin, self.empty());
        }
        while self.head.0.end < range.end {
            self.head.1.add(lane.number(self.head.0.end));
            self.head.0.end += 1;
        }
        let mut whole = self.merged.1.clone();
        whole
            .merge(&self.head.1)
            .expect("sketches of one feature have one size");
        self.whole = Some(whole);
    }

    fn make(&mut self, lane: &Lane, tile: usize) {
        if self.parts[tile].1.is_none() {
            let mut sketch = self.empty();
            self.parts[tile]
                .0
                .clone()
                .for_each(|at| sketch.add(lane.number(at)));
            self.parts[tile].1 = Some(sketch);
        }
    }
}
