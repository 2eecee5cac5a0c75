//! What is measured: a function of a field, of which events, by which categories.

use arrow::datatypes::{DataType, Field};
use serde::Serialize;
use std::sync::Arc;

use super::Item;
use crate::{FieldKind, Function, feature::Test};

/// One aggregate of the events of a key, whatever the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Measure {
    pub(crate) function: Function,
    /// The field with its position in the view; `None` is about events as such.
    pub(crate) field: Option<(usize, FieldKind)>,
    /// Which events are looked at.
    pub(crate) filter: Option<Test>,
    /// One value for each category of a field instead of one value.
    pub(crate) by: Option<GroupBy>,
}

/// The categories of a grouped aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct GroupBy {
    pub(crate) field: usize,
    /// How many categories are answered at most: those of the most events, ties by name.
    pub(crate) limit: u16,
}

/// What an aggregate answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    One(FieldKind),
    List(FieldKind),
    Map(FieldKind),
}

impl Shape {
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::One(kind) => kind.data_type(),
            Self::List(kind) => DataType::new_list(kind.data_type(), true),
            Self::Map(kind) => {
                let entry = vec![
                    Field::new("keys", DataType::Utf8, false),
                    Field::new("values", kind.data_type(), true),
                ];
                let entries = Field::new("entries", DataType::Struct(entry.into()), false);
                DataType::Map(Arc::new(entries), true)
            }
        }
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::One(FieldKind::Int | FieldKind::Float))
    }
}

impl Measure {
    /// What it answers; `None` if the function does not fit the field.
    pub(crate) fn shape(&self) -> Option<Shape> {
        let one = self.function.output(self.field.map(|(_, kind)| kind))?;
        match (self.function, self.by) {
            (Function::LastK(_), None) => Some(Shape::List(one)),
            (_, None) => Some(Shape::One(one)),
            (function, Some(_)) if function.is_invertible() => Some(Shape::Map(one)),
            _ => None,
        }
    }

    /// Whether an answer of nothing is a value: 0 for counts, no categories for groups.
    pub(crate) fn counts(&self) -> bool {
        self.by.is_some()
            || matches!(
                self.function,
                Function::Count | Function::DistinctCount | Function::ApproxDistinctCount(_)
            )
    }

    /// Whether an event with these fields is measured.
    pub(crate) fn takes<'a>(&self, item: &impl Fn(usize) -> Item<'a>) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.holds(item))
            && (self.function == Function::Latest
                || self.field.is_none_or(|(field, _)| !item(field).is_null()))
            && self.by.is_none_or(|by| !item(by.field).is_null())
    }
}
