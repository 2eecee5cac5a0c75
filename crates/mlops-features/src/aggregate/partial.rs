//! The partial result of one measure.

use std::collections::{BTreeMap, BTreeSet};

use mlops_core::{EventTime, Value};

use super::{
    GroupBy, Item, Measure, Overflow, RealSums, WholeSums, days_since, from_order_key, interpolate,
    order_key,
};
use crate::{
    Error, FieldKind, Function, Result,
    sketch::{HyperLogLog, Kll, hash_text, hash_word},
};

/// A value with the order of its event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stamped {
    pub(crate) time: i64,
    pub(crate) created: i64,
    pub(crate) value: Value,
}

impl Stamped {
    fn stamp(&self) -> (i64, i64) {
        (self.time, self.created)
    }
}

/// What is kept of the events of one tile, by function.
#[derive(Debug, Clone)]
pub(crate) enum Partial {
    Count(u64),
    Reals(u64, Box<RealSums>),
    Wholes(u64, Box<WholeSums>),
    /// The least or largest number as it is ordered, and whether there was NaN.
    Extreme(Option<i64>, bool),
    /// The oldest, or the newest few in order.
    Stamped(Vec<Stamped>),
    Words(BTreeSet<u64>),
    Texts(BTreeSet<String>),
    Distinct(HyperLogLog),
    /// How often each number was there, as they are ordered, and whether there was NaN.
    Ordered(BTreeMap<i64, u64>, bool),
    Quantiles(Kll, bool),
    Groups(BTreeMap<String, (u64, Partial)>),
}

impl Partial {
    pub(crate) fn new(measure: &Measure) -> Self {
        match measure.by {
            Some(_) => Self::Groups(BTreeMap::new()),
            None => Self::single(measure),
        }
    }

    /// The partial result of one category, or of all events if there are none.
    pub(crate) fn single(measure: &Measure) -> Self {
        let kind = measure.field.map(|(_, kind)| kind);
        match measure.function {
            Function::Count | Function::Ratio => Self::Count(0),
            Function::Sum | Function::Mean => Self::sums(kind, false),
            Function::Variance(_) | Function::StdDev(_) => Self::sums(kind, true),
            Function::Min | Function::Max => Self::Extreme(None, false),
            Function::Latest
            | Function::First
            | Function::Last
            | Function::LastK(_)
            | Function::TimeSinceLast => Self::Stamped(Vec::new()),
            Function::DistinctCount if kind == Some(FieldKind::Str) => Self::Texts(BTreeSet::new()),
            Function::DistinctCount => Self::Words(BTreeSet::new()),
            Function::ApproxDistinctCount(precision) => Self::Distinct(
                HyperLogLog::new(precision).expect("the feature's builder checked the precision"),
            ),
            Function::Quantile(_) => Self::Ordered(BTreeMap::new(), false),
            Function::ApproxQuantile(_, size) => {
                let sketch = Kll::new(size).expect("the feature's builder checked the size");
                Self::Quantiles(sketch, false)
            }
        }
    }

    fn sums(kind: Option<FieldKind>, squares: bool) -> Self {
        match kind {
            Some(FieldKind::Float) => Self::Reals(0, Box::new(RealSums::new(squares))),
            _ => Self::Wholes(0, Box::new(WholeSums::new(squares))),
        }
    }

    /// Adds the fields of an event that the measure takes.
    pub(crate) fn add<'a>(
        &mut self,
        measure: &Measure,
        item: &impl Fn(usize) -> Item<'a>,
        (time, created): (i64, i64),
    ) {
        let value = measure.field.map_or(Item::Null, |(field, _)| item(field));
        if let (Self::Groups(groups), Some(by)) = (&mut *self, measure.by) {
            if let Some(category) = item(by.field).category() {
                let group = groups.entry(category);
                let group = group.or_insert_with(|| (0, Self::single(measure)));
                group.0 = group.0.saturating_add(1);
                group.1.put(measure, value, (time, created));
            }
        } else {
            self.put(measure, value, (time, created));
        }
    }

    fn put(&mut self, measure: &Measure, item: Item<'_>, (time, created): (i64, i64)) {
        match self {
            Self::Count(count) => *count = count.saturating_add(1),
            Self::Reals(count, sums) => {
                if let Item::Float(value) = item {
                    *count = count.saturating_add(1);
                    sums.add(value);
                }
            }
            Self::Wholes(count, sums) => {
                if let Item::Int(value) = item {
                    *count = count.saturating_add(1);
                    sums.add(value);
                }
            }
            Self::Extreme(best, nan) => match item {
                Item::Float(value) if value.is_nan() => *nan = true,
                Item::Float(value) => widen(measure, best, order_key(value)),
                Item::Int(value) | Item::Time(value) => widen(measure, best, value),
                _ => {}
            },
            Self::Stamped(kept) => {
                let value = item.to_value();
                let stamped = Stamped {
                    time,
                    created,
                    value,
                };
                keep(measure, kept, stamped);
            }
            Self::Words(words) => words.extend(item.bits()),
            Self::Texts(texts) => {
                if let Item::Str(text) = item
                    && !texts.contains(text)
                {
                    texts.insert(text.to_owned());
                }
            }
            Self::Distinct(sketch) => match item {
                Item::Str(text) => sketch.add_hash(hash_text(text)),
                other => {
                    if let Some(word) = other.bits() {
                        sketch.add_hash(hash_word(word));
                    }
                }
            },
            Self::Ordered(counts, nan) => match item {
                Item::Float(value) if value.is_nan() => *nan = true,
                Item::Float(value) => count(counts, order_key(value), 1),
                Item::Int(value) => count(counts, value, 1),
                _ => {}
            },
            Self::Quantiles(sketch, nan) => match item {
                Item::Float(value) if value.is_nan() => *nan = true,
                Item::Float(value) => sketch.add(value),
                Item::Int(value) => sketch.add(value as f64),
                _ => {}
            },
            Self::Groups(_) => {}
        }
    }

    /// Adds what came later.
    pub(crate) fn merge(&mut self, measure: &Measure, later: &Self) -> Result<()> {
        match (self, later) {
            (Self::Count(count), Self::Count(more)) => *count = count.saturating_add(*more),
            (Self::Reals(count, sums), Self::Reals(more, others)) => {
                *count = count.saturating_add(*more);
                sums.merge(others);
            }
            (Self::Wholes(count, sums), Self::Wholes(more, others)) => {
                *count = count.saturating_add(*more);
                sums.merge(others);
            }
            (Self::Extreme(best, nan), Self::Extreme(other, more)) => {
                *nan |= more;
                if let Some(other) = other {
                    widen(measure, best, *other);
                }
            }
            (Self::Stamped(kept), Self::Stamped(more)) => {
                for stamped in more {
                    keep(measure, kept, stamped.clone());
                }
            }
            (Self::Words(words), Self::Words(more)) => words.extend(more),
            (Self::Texts(texts), Self::Texts(more)) => texts.extend(more.iter().cloned()),
            (Self::Distinct(sketch), Self::Distinct(more)) => sketch.merge(more)?,
            (Self::Ordered(counts, nan), Self::Ordered(more, other)) => {
                *nan |= other;
                for (key, more) in more {
                    count(counts, *key, *more);
                }
            }
            (Self::Quantiles(sketch, nan), Self::Quantiles(more, other)) => {
                *nan |= other;
                sketch.merge(more)?;
            }
            (Self::Groups(groups), Self::Groups(more)) => {
                for (category, (events, partial)) in more {
                    if let Some((known, mine)) = groups.get_mut(category) {
                        *known = known.saturating_add(*events);
                        mine.merge(measure, partial)?;
                    } else {
                        groups.insert(category.clone(), (*events, partial.clone()));
                    }
                }
            }
            _ => {
                return Err(Error::UnlikeStates {
                    what: "partial aggregate",
                    reason: "the features differ",
                });
            }
        }
        Ok(())
    }

    /// What it says at an instant; `expired` says which newest event is too old.
    pub(crate) fn finish(
        &self,
        measure: &Measure,
        at: i64,
        expired: &impl Fn(i64) -> bool,
    ) -> Result<Value, Overflow> {
        let whole = |count: u64| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
        let number = |key: i64| match measure.field {
            Some((_, FieldKind::Float)) => Value::Float(from_order_key(key)),
            Some((_, FieldKind::Time)) => Value::Time(EventTime::from_micros(key)),
            _ => Value::Int(key),
        };
        Ok(match self {
            Self::Count(count) => whole(*count),
            Self::Reals(count, sums) => sums.answer(measure.function, *count).to_value(),
            Self::Wholes(count, sums) => sums.answer(measure.function, *count)?.to_value(),
            Self::Extreme(_, true) | Self::Ordered(_, true) | Self::Quantiles(_, true) => {
                Value::Float(f64::NAN)
            }
            Self::Extreme(best, false) => best.map_or(Value::Null, number),
            Self::Stamped(kept) => match (measure.function, kept.last()) {
                (_, None) => Value::Null,
                (Function::LastK(_), Some(_)) => {
                    Value::List(kept.iter().map(|stamped| stamped.value.clone()).collect())
                }
                (Function::Latest | Function::TimeSinceLast, Some(newest))
                    if expired(newest.time) =>
                {
                    Value::Null
                }
                (Function::TimeSinceLast, Some(newest)) => {
                    Value::Float(days_since(at, newest.time))
                }
                (_, Some(only)) => only.value.clone(),
            },
            Self::Words(words) => whole(words.len() as u64),
            Self::Texts(texts) => whole(texts.len() as u64),
            Self::Distinct(sketch) => whole(sketch.estimate()),
            Self::Ordered(counts, false) => ordered(measure, counts),
            Self::Quantiles(sketch, false) => {
                let Function::ApproxQuantile(rank, _) = measure.function else {
                    return Ok(Value::Null);
                };
                sketch.quantile(rank.get()).into()
            }
            Self::Groups(groups) => {
                let sizes = groups
                    .iter()
                    .map(|(name, (events, _))| (name.as_str(), *events));
                let chosen = measure.by.map_or_else(Vec::new, |by| by.choose(sizes));
                let mut map = BTreeMap::new();
                for name in chosen {
                    let value = groups[name].1.finish(measure, at, expired)?;
                    map.insert(name.to_owned(), value);
                }
                Value::Map(map)
            }
        })
    }
}

impl GroupBy {
    /// The categories that are answered: those of the most events, ties in the order of texts.
    pub(crate) fn choose<'a>(self, sizes: impl Iterator<Item = (&'a str, u64)>) -> Vec<&'a str> {
        let mut sizes: Vec<(&str, u64)> = sizes.collect();
        sizes.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        sizes.truncate(usize::from(self.limit));
        sizes.into_iter().map(|(name, _)| name).collect()
    }
}

fn count(counts: &mut BTreeMap<i64, u64>, key: i64, more: u64) {
    let count = counts.entry(key).or_insert(0);
    *count = count.saturating_add(more);
}

fn widen(measure: &Measure, best: &mut Option<i64>, key: i64) {
    *best = Some(match *best {
        None => key,
        Some(known) if measure.function == Function::Min => known.min(key),
        Some(known) => known.max(key),
    });
}

/// Keeps the oldest, or the newest few; among equal stamps the later arrival is newer.
fn keep(measure: &Measure, kept: &mut Vec<Stamped>, stamped: Stamped) {
    if measure.function == Function::First {
        match kept.first_mut() {
            None => kept.push(stamped),
            Some(first) if stamped.stamp() < first.stamp() => *first = stamped,
            Some(_) => {}
        }
        return;
    }
    let limit = match measure.function {
        Function::LastK(k) => usize::from(k),
        _ => 1,
    };
    let at = kept.partition_point(|known| known.stamp() <= stamped.stamp());
    kept.insert(at, stamped);
    if kept.len() > limit {
        kept.remove(0);
    }
}

fn ordered(measure: &Measure, counts: &BTreeMap<i64, u64>) -> Value {
    let Function::Quantile(rank) = measure.function else {
        return Value::Null;
    };
    let total = counts
        .values()
        .fold(0_u64, |sum, count| sum.saturating_add(*count));
    if total == 0 {
        return Value::Null;
    }
    let at = |place: u64| {
        let mut seen = 0_u64;
        let found = counts.iter().find(|(_, count)| {
            seen = seen.saturating_add(**count);
            seen > place
        });
        let key = found.map_or(0, |(key, _)| *key);
        match measure.field {
            Some((_, FieldKind::Float)) => from_order_key(key),
            _ => key as f64,
        }
    };
    Value::Float(interpolate(rank.get(), total, at))
}
