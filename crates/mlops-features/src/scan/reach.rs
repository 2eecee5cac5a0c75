//! Which rows of a view the rows of a spine can see.

use std::{collections::BTreeSet, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray},
    compute::{cast, max, max_string_view, min, min_string_view},
    datatypes::{DataType, Int64Type},
};
use mlops_core::{EventTime, Span, Table, Value};

use crate::{
    Boundary, Cutoff, Error, FeatureView, Result, RowFilter,
    entity::{KeyColumns, KeyType},
    feature::{Test, Window},
    index::{KeyIndex, Rows, Staged, StagedKeys, ViewIndex},
    join,
    plan::Group,
    window::item,
};

/// What is asked of a view: of which keys, from when to when, and which of its fields.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) view: FeatureView,
    /// The keys of the spine; their ids count in `asked`.
    pub(super) keys: Arc<KeyIndex>,
    asked: Vec<Asked>,
    /// The questions for a newest row however old it is, each by what it takes.
    carried: Vec<Option<Test>>,
    /// What a source may know before it is read: a row that this does not take is seen by none.
    pub(super) near: RowFilter,
    /// The columns that are read.
    needed: BTreeSet<String>,
}

/// The instants at which a key is asked for.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// Events that this instant sees are in no window, and expired.
    tail: i64,
    /// Events that this instant does not see are in the future.
    last: i64,
}

impl Reach {
    /// Looks at the keys and times of a spine for the groups of a view, one for each of its roles.
    pub(super) fn new(view: &FeatureView, groups: &[&Group], spine: &Table) -> Result<Self> {
        let lookback = Lookback::new(view, groups);
        let times = join::spine_times(spine)?;
        let types: Vec<KeyType> = view.entity().key_types().collect();
        let mut keys = Arc::new(KeyIndex::new(view.entity()));
        let mut asked: Vec<(i64, i64)> = Vec::new();
        let mut ranges = vec![None; types.len()];
        for group in groups {
            let columns = join::key_columns(group, spine)?;
            for ((range, kind), column) in ranges.iter_mut().zip(&types).zip(&columns) {
                *range = wider(range.take(), extent(*kind, column)?);
            }
            let names: Vec<&str> = group.join_on.iter().map(String::as_str).collect();
            let columns = KeyColumns::new(&types, &names, &columns)?;
            let ids = KeyIndex::admit(&mut keys, &StagedKeys::of(&columns, spine.rows()));
            let rows = (0..spine.rows()).filter(|row| columns.is_valid(*row));
            for (id, at) in ids.into_iter().zip(rows.map(|row| times[row])) {
                match asked.get_mut(id as usize) {
                    Some((first, last)) => (*first, *last) = (at.min(*first), at.max(*last)),
                    None => asked.push((at, at)), // ids are given in order
                }
            }
        }
        let asked = asked.into_iter();
        let asked: Vec<Asked> = asked
            .map(|(first, last)| Asked {
                tail: lookback.tail(first),
                last,
            })
            .collect();
        Ok(Self {
            near: near(view, &asked, &ranges, !lookback.carried.is_empty()),
            needed: needed(view, groups),
            carried: lookback.carried,
            view: view.clone(),
            keys,
            asked,
        })
    }

    /// Whether a column of the view's events is read.
    pub(super) fn needs(&self, column: &str) -> bool {
        self.needed.contains(column)
    }

    /// Whether there are rows of which only the newest matters.
    pub(super) fn carries(&self) -> bool {
        !self.carried.is_empty()
    }

    /// For each row whether a row of the spine may see it.
    pub(super) fn sees(&self, rows: &Staged) -> Vec<bool> {
        let boundary = self.view.boundary();
        let ids = self.keys.find(rows.keys()).into_iter();
        let seen = ids.zip(rows.times()).map(|(id, time)| {
            let Some(asked) = id.map(|id| self.asked[id as usize]) else {
                return false;
            };
            boundary.sees(*time, asked.last)
                && (self.carries() || !boundary.sees(*time, asked.tail))
        });
        seen.collect()
    }

    /// Of the rows that are older than all windows, leaves those that are the newest for some question.
    pub(super) fn prune(&self, index: &mut ViewIndex) {
        let boundary = self.view.boundary();
        index.retain(|index, id, rows, keep| {
            let tail = self.asked[id as usize].tail;
            let times = rows.times();
            let old = times.partition_point(|time| boundary.sees(*time, tail));
            let newest = self.carried.iter().filter_map(|filter| {
                let takes = |row: &usize| self.takes(index, rows, *row, filter.as_ref());
                (0..old).rev().find(takes)
            });
            let newest: BTreeSet<usize> = newest.collect();
            let start = rows.range.start;
            keep.extend(newest.into_iter().map(|row| start + row));
            keep.extend(start + old..rows.range.end);
        });
    }

    fn takes(&self, index: &ViewIndex, rows: &Rows<'_>, row: usize, filter: Option<&Test>) -> bool {
        let field = |field: usize| {
            let kind = self.view.fields()[field].kind();
            item(index, rows, rows.range.start + row, field, kind)
        };
        filter.is_none_or(|filter| filter.holds(&field))
    }
}

/// How far questions look back.
struct Lookback {
    boundary: Boundary,
    windows: Vec<Window>,
    /// The age at which a newest row is no answer any more.
    ttl: Option<i64>,
    /// A newest row may be any: which one is known at an instant is not told by its age.
    endless: bool,
    carried: Vec<Option<Test>>,
}

impl Lookback {
    fn new(view: &FeatureView, groups: &[&Group]) -> Self {
        let folds = groups.iter().flat_map(|group| &group.folds);
        let newest = groups.iter().flat_map(|group| &group.newest);
        let mut filters: Vec<Option<Test>> = Vec::new();
        for question in newest {
            if !filters.contains(&question.filter) {
                filters.push(question.filter.clone());
            }
        }
        let any = !filters.is_empty();
        let late = view.cutoff() == Cutoff::CreatedTime && view.created_time().is_some();
        if late || view.ttl().is_some() {
            filters.clear();
        }
        Self {
            boundary: view.boundary(),
            windows: folds.map(|fold| fold.window).collect(),
            ttl: view.ttl().filter(|_| any).map(Span::micros),
            endless: any && late && view.ttl().is_none(),
            carried: filters,
        }
    }

    /// The tail of a key that is asked for first at an instant.
    fn tail(&self, first: i64) -> i64 {
        if self.endless {
            return i64::MIN;
        }
        let windows = self.windows.iter().map(|window| window.edges(first).0);
        // a row of just that age answers still
        let live = self.ttl.map(|ttl| match self.boundary {
            Boundary::Inclusive => first.saturating_sub(ttl).saturating_sub(1),
            Boundary::Exclusive => first.saturating_sub(ttl),
        });
        windows.chain(live).fold(first, i64::min)
    }
}

/// The columns that features of these groups read.
fn needed(view: &FeatureView, groups: &[&Group]) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for group in groups {
        for question in &group.newest {
            fields.extend(question.field);
            if let Some(filter) = &question.filter {
                filter.fields(&mut fields);
            }
        }
        for stream in &group.streams {
            fields.extend(stream.field.map(|(field, _)| field));
            fields.extend(stream.by);
            if let Some(filter) = &stream.filter {
                filter.fields(&mut fields);
            }
        }
    }
    let fields = fields.into_iter().map(|at| view.fields()[at].name());
    let keys = view.entity().keys().iter().map(|(name, _)| name.as_str());
    let names = fields.chain(keys).chain([view.event_time()]);
    names
        .chain(view.created_time())
        .map(str::to_owned)
        .collect()
}

type Extent = Option<(Value, Value)>;

/// The least and the greatest value of a key column, if it has an order that sources know as well.
fn extent(kind: KeyType, column: &ArrayRef) -> Result<Extent> {
    let read = |to: &DataType| cast(column, to).map_err(Error::arrow("read a key of the spine"));
    Ok(match kind {
        KeyType::Int => {
            let whole = read(&DataType::Int64)?;
            let whole = whole.as_primitive::<Int64Type>();
            min(whole)
                .zip(max(whole))
                .map(|(a, b)| (a.into(), b.into()))
        }
        KeyType::Str => {
            let texts = read(&DataType::Utf8View)?;
            let texts = texts.as_string_view();
            let both = min_string_view(texts).zip(max_string_view(texts));
            both.map(|(a, b)| (a.into(), b.into()))
        }
        _ => None,
    })
}

fn wider(one: Extent, other: Extent) -> Extent {
    let (Some((a, b)), Some((c, d))) = (one.clone(), other.clone()) else {
        return one.or(other);
    };
    let less = |a: &Value, b: &Value| match (a, b) {
        (Value::Int(a), Value::Int(b)) => a < b,
        (Value::Str(a), Value::Str(b)) => a < b,
        _ => false,
    };
    let least = if less(&c, &a) { c } else { a };
    let most = if less(&b, &d) { d } else { b };
    Some((least, most))
}

fn near(view: &FeatureView, asked: &[Asked], ranges: &[Extent], carries: bool) -> RowFilter {
    let mut near = RowFilter::new();
    let time = view.event_time();
    let last = asked.iter().map(|asked| asked.last).max();
    if let Some(end) = last.and_then(|last| last.checked_add(1)) {
        near = near.below(time, EventTime::from_micros(end));
    }
    let tail = asked.iter().map(|asked| asked.tail).min();
    if let Some(tail) = tail.filter(|tail| !carries && *tail > i64::MIN) {
        near = near.at_least(time, EventTime::from_micros(tail));
    }
    for ((name, _), range) in view.entity().keys().iter().zip(ranges) {
        let Some((least, most)) = range.clone() else {
            continue;
        };
        near = near.at_least(name, least);
        near = match most {
            Value::Int(most) => match most.checked_add(1) {
                Some(end) => near.below(name, end),
                None => near,
            },
            // the next text in the order of bytes
            Value::Str(most) => near.below(name, format!("{most}\0")),
            _ => near,
        };
    }
    near
}
