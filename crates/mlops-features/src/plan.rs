//! How the features of a service are computed together: grouped by view and key, then by window and by
//! which events and field they read.

use arrow::datatypes::DataType;

use crate::{
    Feature, FeatureView, FieldKind, Function,
    aggregate::{GroupBy, Measure},
    feature::{Test, Window},
};

/// The features of one view under one choice of key columns.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) view: FeatureView,
    /// The spine's columns that the view is joined on.
    pub(crate) join_on: Vec<String>,
    /// Where the parts of the view's key stand in the key of the service.
    pub(crate) parts: Vec<usize>,
    /// The positions of the features in the service; slots below count along it.
    pub(crate) features: Vec<usize>,
    /// How many slots there are: one a feature, and behind those one for each part of a ratio.
    pub(crate) slots: usize,
    /// The slots whose value of nothing is a count of 0 or an empty map, with whether it is a map.
    pub(crate) counts: Vec<(usize, bool)>,
    /// The slots that answer from the newest row.
    pub(crate) newest: Vec<Newest>,
    /// The different choices of events and field.
    pub(crate) streams: Vec<Stream>,
    /// The aggregates that share a pass.
    pub(crate) folds: Vec<Fold>,
    /// The ratios.
    pub(crate) ratios: Vec<Quotient>,
    /// Which fields of the view play a part.
    pub(crate) reads: Vec<bool>,
}

/// A slot that answers from the newest row, or the newest one that a filter takes.
#[derive(Debug)]
pub(crate) struct Newest {
    pub(crate) slot: usize,
    /// The field that is answered; `None` is the time since the row.
    pub(crate) field: Option<usize>,
    pub(crate) filter: Option<Test>,
}

/// Which events are aggregated, and what of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    /// The field, without its nulls; `None` is about events.
    pub(crate) field: Option<(usize, FieldKind)>,
    pub(crate) filter: Option<Test>,
    /// The field of the categories, without its nulls.
    pub(crate) by: Option<usize>,
}

/// All aggregates of one stream over one window.
#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) window: Window,
    pub(crate) stream: usize,
    pub(crate) slots: Vec<Slot>,
}

/// Where one aggregate of a fold goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) at: usize,
    pub(crate) function: Function,
    pub(crate) by: Option<GroupBy>,
}

/// A slot that is one slot over another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quotient {
    pub(crate) slot: usize,
    pub(crate) above: usize,
    pub(crate) below: usize,
}

impl Group {
    /// Groups features in order of first use.
    pub(crate) fn of(features: &[Feature], keys: &[(String, DataType)]) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for (at, feature) in features.iter().enumerate() {
            let known = groups
                .iter()
                .position(|g| g.view == *feature.view() && g.join_on == feature.join_on());
            let group = if let Some(known) = known {
                &mut groups[known]
            } else {
                groups.push(Self::new(feature, keys));
                groups.last_mut().expect("just pushed")
            };
            group.features.push(at);
        }
        for group in &mut groups {
            group.slots = group.features.len();
            for slot in 0..group.features.len() {
                let feature = &features[group.features[slot]];
                group.add(slot, feature);
                for field in feature.reads_at() {
                    group.reads[field] = true;
                }
            }
        }
        groups
    }

    fn new(feature: &Feature, keys: &[(String, DataType)]) -> Self {
        let place = |column: &String| {
            let found = keys.iter().position(|(key, _)| key == column);
            found.expect("the keys are those of the features")
        };
        Self {
            view: feature.view().clone(),
            join_on: feature.join_on().to_vec(),
            parts: feature.join_on().iter().map(place).collect(),
            features: Vec::new(),
            slots: 0,
            counts: Vec::new(),
            newest: Vec::new(),
            streams: Vec::new(),
            folds: Vec::new(),
            ratios: Vec::new(),
            reads: vec![false; feature.view().fields().len()],
        }
    }

    fn add(&mut self, slot: usize, feature: &Feature) {
        match (feature.measures(), feature.timing()) {
            ([measure], None) => self.newest.push(Newest {
                slot,
                field: measure.field.map(|(field, _)| field),
                filter: measure.filter.clone(),
            }),
            ([measure], Some(window)) => self.fold(slot, measure, window),
            (parts, Some(window)) => {
                let above = self.slots;
                self.slots += parts.len();
                for (i, part) in parts.iter().enumerate() {
                    self.fold(above + i, part, window);
                }
                self.ratios.push(Quotient {
                    slot,
                    above,
                    below: above + 1,
                });
            }
            (_, None) => unreachable!("a ratio has a window"),
        }
    }

    fn fold(&mut self, at: usize, measure: &Measure, window: Window) {
        if measure.counts() {
            self.counts.push((at, measure.by.is_some()));
        }
        let stream = Stream {
            field: measure.field,
            filter: measure.filter.clone(),
            by: measure.by.map(|by| by.field),
        };
        let stream = self
            .streams
            .iter()
            .position(|s| *s == stream)
            .unwrap_or_else(|| {
                self.streams.push(stream);
                self.streams.len() - 1
            });
        let slot = Slot {
            at,
            function: measure.function,
            by: measure.by,
        };
        let shared = |fold: &&mut Fold| fold.window == window && fold.stream == stream;
        if let Some(fold) = self.folds.iter_mut().find(shared) {
            fold.slots.push(slot);
        } else {
            self.folds.push(Fold {
                window,
                stream,
                slots: vec![slot],
            });
        }
    }
}
