//! How the features of a service are computed together: grouped by view and key, then by window and field.

use arrow::datatypes::DataType;
use mlops_core::Span;

use crate::{Feature, FeatureView, FieldKind, Function};

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
    /// The slots that answer from the newest row, with the field; `None` is the time since it.
    pub(crate) newest: Vec<(usize, Option<usize>)>,
    /// The different windows.
    pub(crate) windows: Vec<Span>,
    /// The aggregates that share a pass.
    pub(crate) folds: Vec<Fold>,
}

/// All aggregates of one field over one window; `None` counts the events.
#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) window: usize,
    pub(crate) field: Option<(usize, FieldKind)>,
    pub(crate) slots: Vec<(usize, Function)>,
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
            group.add(at, feature);
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
            newest: Vec::new(),
            windows: Vec::new(),
            folds: Vec::new(),
        }
    }

    fn add(&mut self, at: usize, feature: &Feature) {
        let slot = self.features.len();
        self.features.push(at);
        let Some(span) = feature.window() else {
            self.newest.push((slot, feature.field_at()));
            return;
        };
        let window = self
            .windows
            .iter()
            .position(|w| *w == span)
            .unwrap_or_else(|| {
                self.windows.push(span);
                self.windows.len() - 1
            });
        let fields = self.view.fields();
        let field = feature.field_at().map(|i| (i, fields[i].kind()));
        let shared = |fold: &&mut Fold| fold.window == window && fold.field == field;
        if let Some(fold) = self.folds.iter_mut().find(shared) {
            fold.slots.push((slot, feature.function()));
        } else {
            self.folds.push(Fold {
                window,
                field,
                slots: vec![(slot, feature.function())],
            });
        }
    }
}
