//! Packed rows: times and fields as plain columns.

use std::ops::Range;

use super::NO_CREATED;
use crate::{FeatureView, FieldKind};

/// Rows as columns; sorted within each key where the index says so.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) times: Vec<i64>,
    pub(crate) created: Option<Vec<i64>>,
    pub(crate) columns: Vec<PackedColumn>,
}

/// One field's values; `valid` is there once a null is.
#[derive(Debug, Clone)]
pub(crate) struct PackedColumn {
    pub(crate) data: Packed,
    pub(crate) valid: Option<Vec<bool>>,
}

/// Values by their kind; instants are whole numbers and texts are codes of a dictionary.
#[derive(Debug, Clone)]
pub(crate) enum Packed {
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Float(Vec<f64>),
    Code(Vec<u32>),
}

/// Runs the same line on the values of every kind.
macro_rules! each {
    ($data:expr, $values:ident => $body:expr) => {
        match $data {
            Packed::Bool($values) => $body,
            Packed::Int($values) => $body,
            Packed::Float($values) => $body,
            Packed::Code($values) => $body,
        }
    };
}

/// Runs the same line on two columns of one kind.
macro_rules! both {
    ($left:expr, $right:expr, $a:ident, $b:ident => $body:expr) => {
        match ($left, $right) {
            (Packed::Bool($a), Packed::Bool($b)) => $body,
            (Packed::Int($a), Packed::Int($b)) => $body,
            (Packed::Float($a), Packed::Float($b)) => $body,
            (Packed::Code($a), Packed::Code($b)) => $body,
            _ => unreachable!("columns of one field have one kind"),
        }
    };
}

impl Packed {
    pub(crate) fn empty(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Bool => Self::Bool(Vec::new()),
            FieldKind::Int | FieldKind::Time => Self::Int(Vec::new()),
            FieldKind::Float => Self::Float(Vec::new()),
            FieldKind::Str => Self::Code(Vec::new()),
        }
    }
}

impl PackedColumn {
    pub(crate) fn is_valid(&self, row: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid[row])
    }

    fn len(&self) -> usize {
        each!(&self.data, values => values.len())
    }

    fn insert(&mut self, at: usize, from: &Self, row: usize) {
        let valid = from.is_valid(row);
        if !valid && self.valid.is_none() {
            self.valid = Some(vec![true; self.len()]);
        }
        if let Some(all) = &mut self.valid {
            all.insert(at, valid);
        }
        both!(&mut self.data, &from.data, to, values => to.insert(at, values[row]));
    }

    fn extend(&mut self, from: &Self, range: Range<usize>) {
        match (&mut self.valid, &from.valid) {
            (None, None) => {}
            (Some(all), None) => all.extend(std::iter::repeat_n(true, range.len())),
            (valid, Some(more)) => {
                let before = each!(&self.data, values => values.len());
                let all = valid.get_or_insert_with(|| vec![true; before]);
                all.extend_from_slice(&more[range.clone()]);
            }
        }
        both!(&mut self.data, &from.data, to, values => to.extend_from_slice(&values[range]));
    }

    fn take(&self, order: &[usize]) -> Self {
        let data = match &self.data {
            Packed::Bool(values) => Packed::Bool(order.iter().map(|row| values[*row]).collect()),
            Packed::Int(values) => Packed::Int(order.iter().map(|row| values[*row]).collect()),
            Packed::Float(values) => Packed::Float(order.iter().map(|row| values[*row]).collect()),
            Packed::Code(values) => Packed::Code(order.iter().map(|row| values[*row]).collect()),
        };
        let valid = self.valid.as_ref();
        let valid = valid.map(|valid| order.iter().map(|row| valid[*row]).collect());
        Self { data, valid }
    }
}

impl Block {
    pub(crate) fn empty(view: &FeatureView) -> Self {
        let column = |kind| PackedColumn {
            data: Packed::empty(kind),
            valid: None,
        };
        Self {
            times: Vec::new(),
            created: view.created_time().map(|_| Vec::new()),
            columns: view
                .fields()
                .iter()
                .map(|field| column(field.kind()))
                .collect(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// The rows of a range alone.
    pub(crate) fn copy(&self, range: Range<usize>) -> Self {
        let empty = |column: &PackedColumn| PackedColumn {
            data: match &column.data {
                Packed::Bool(_) => Packed::Bool(Vec::new()),
                Packed::Int(_) => Packed::Int(Vec::new()),
                Packed::Float(_) => Packed::Float(Vec::new()),
                Packed::Code(_) => Packed::Code(Vec::new()),
            },
            valid: None,
        };
        let mut copy = Self {
            times: Vec::new(),
            created: self.created.as_ref().map(|_| Vec::new()),
            columns: self.columns.iter().map(empty).collect(),
        };
        copy.extend(self, range);
        copy
    }

    /// Appends a range of another block.
    pub(crate) fn extend(&mut self, from: &Self, range: Range<usize>) {
        self.times.extend_from_slice(&from.times[range.clone()]);
        if let (Some(created), Some(more)) = (&mut self.created, &from.created) {
            created.extend_from_slice(&more[range.clone()]);
        }
        for (column, more) in self.columns.iter_mut().zip(&from.columns) {
            column.extend(more, range.clone());
        }
    }

    /// The rows in another order.
    pub(crate) fn take(&self, order: &[usize]) -> Self {
        let pick = |values: &Vec<i64>| order.iter().map(|row| values[*row]).collect();
        Self {
            times: pick(&self.times),
            created: self.created.as_ref().map(pick),
            columns: self
                .columns
                .iter()
                .map(|column| column.take(order))
                .collect(),
        }
    }

    /// Inserts a row of another block behind all rows that are not later: by event time, created time,
    /// arrival.
    pub(crate) fn insert(&mut self, from: &Self, row: usize) {
        let time = from.times[row];
        let created = from.created.as_ref().map_or(NO_CREATED, |c| c[row]);
        let mut at = self.times.partition_point(|t| *t <= time);
        if let Some(known) = &self.created {
            while at > 0 && self.times[at - 1] == time && known[at - 1] > created {
                at -= 1;
            }
        }
        self.times.insert(at, time);
        if let Some(known) = &mut self.created {
            known.insert(at, created);
        }
        for (column, more) in self.columns.iter_mut().zip(&from.columns) {
            column.insert(at, more, row);
        }
    }
}
