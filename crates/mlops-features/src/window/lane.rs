//! The events of one stream as plain columns.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "codes and the rows of a key are below 2^32, as the index has them"
)]

use std::ops::Range;

use crate::{
    FieldKind,
    aggregate::{Item, from_order_key, identity, order_key},
    index::{Packed, PackedColumn, Rows, ViewIndex},
    join::Scalar,
    plan::Stream,
    sketch::{hash_text, hash_word},
};

/// Which rows of a key a question may see besides those that its times exclude.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// The created times, if the view hides rows that became known later.
    pub(crate) created: Option<&'a [i64]>,
    /// The last created time that is seen.
    pub(crate) until: i64,
}

impl Known<'_> {
    pub(crate) fn sees(self, row: usize) -> bool {
        self.created.is_none_or(|created| {
            created[row] <= self.until && created[row] != crate::index::NO_CREATED
        })
    }
}

/// The values of a lane: reals, or what is held as a whole number or code.
#[derive(Debug)]
pub(super) enum Values {
    Real(Vec<f64>),
    Whole(Vec<i64>),
}

/// The events that a stream reads, in their order; reused so that nothing is allocated per event.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(super) times: Vec<i64>,
    /// The created times where they are asked for.
    pub(super) created: Vec<i64>,
    pub(super) values: Values,
    pub(super) kind: Option<FieldKind>,
    /// For each event its category, by the order of their texts.
    pub(super) categories: Vec<u32>,
    pub(super) names: Vec<String>,
    /// How many NaN stand before each event; empty if there is none.
    nans: Vec<u32>,
    pub(super) distinct: Ranks,
    pub(super) ordered: Ranks,
    pub(super) hashes: Vec<u64>,
}

/// The values of a lane as dense ranks.
#[derive(Debug, Default)]
pub(super) struct Ranks {
    /// The rank of each event's value; [`NO_RANK`] for NaN among ordered ones.
    pub(super) of: Vec<u32>,
    /// The different keys, rising.
    pub(super) keys: Vec<i64>,
    sorted: Vec<(i64, u32)>,
}

/// What has no place among ordered values.
pub(super) const NO_RANK: u32 = u32::MAX;

impl Ranks {
    fn fill(&mut self, len: usize, key: impl Fn(usize) -> Option<i64>) {
        self.of.clear();
        self.of.resize(len, NO_RANK);
        self.keys.clear();
        self.sorted.clear();
        let keyed = (0..len).filter_map(|at| key(at).map(|key| (key, at as u32)));
        self.sorted.extend(keyed);
        self.sorted.sort_unstable();
        for (key, at) in &self.sorted {
            if self.keys.last() != Some(key) {
                self.keys.push(*key);
            }
            self.of[*at as usize] = (self.keys.len() - 1) as u32;
        }
    }
}

impl Lane {
    pub(crate) fn new(stream: &Stream) -> Self {
        Self::of(stream.field.map(|(_, kind)| kind))
    }

    pub(super) fn of(kind: Option<FieldKind>) -> Self {
        Self {
            times: Vec::new(),
            created: Vec::new(),
            values: match kind {
                Some(FieldKind::Float) => Values::Real(Vec::new()),
                _ => Values::Whole(Vec::new()),
            },
            kind,
            categories: Vec::new(),
            names: Vec::new(),
            nans: Vec::new(),
            distinct: Ranks::default(),
            ordered: Ranks::default(),
            hashes: Vec::new(),
        }
    }

    /// Turns to another stream, in the room that it has.
    pub(super) fn turn_to(&mut self, stream: &Stream) {
        self.kind = stream.field.map(|(_, kind)| kind);
        self.categories.clear();
        self.names.clear();
        self.forget();
    }

    /// Takes the events of a range of a key's rows that are known and that the stream reads.
    pub(crate) fn gather(
        &mut self,
        stream: &Stream,
        index: &ViewIndex,
        rows: &Rows<'_>,
        range: Range<usize>,
        known: Known<'_>,
    ) {
        let (start, block) = (rows.range.start, rows.block);
        let kinds = index.view().fields();
        let field = stream.field.map(|(field, _)| &block.columns[field]);
        let by = stream.by.map(|by| &block.columns[by]);
        let takes = |row: &usize| {
            known.sees(*row)
                && field.is_none_or(|column| column.is_valid(start + *row))
                && by.is_none_or(|column| column.is_valid(start + *row))
                && stream.filter.as_ref().is_none_or(|filter| {
                    let item =
                        |field: usize| item(index, rows, start + *row, field, kinds[field].kind());
                    filter.holds(&item)
                })
        };
        let times = rows.times();
        self.times.clear();
        self.created.clear();
        let all = known.created.is_none()
            && stream.filter.is_none()
            && field.is_none_or(|column| column.valid.is_none())
            && by.is_none_or(|column| column.valid.is_none());
        if all {
            self.times.extend_from_slice(&times[range.clone()]);
            let whole = start + range.start..start + range.end;
            match (&mut self.values, field.map(|column| &column.data)) {
                (Values::Real(to), Some(Packed::Float(from))) => copy(to, &from[whole]),
                (Values::Whole(to), Some(Packed::Int(from))) => copy(to, &from[whole]),
                (Values::Whole(to), data) => fill(to, data, whole),
                (Values::Real(to), _) => to.clear(),
            }
        } else {
            let rows = || range.clone().filter(takes);
            self.times.extend(rows().map(|row| times[row]));
            if let Some(created) = known.created {
                self.created.extend(rows().map(|row| created[row]));
            }
            let rows = rows().map(|row| start + row);
            match (&mut self.values, field.map(|column| &column.data)) {
                (Values::Real(to), Some(Packed::Float(from))) => {
                    to.clear();
                    to.extend(rows.map(|row| from[row]));
                }
                (Values::Whole(to), data) => fill(to, data, rows),
                (Values::Real(to), _) => to.clear(),
            }
        }
        self.count_nans();
        if let Some(by) = stream.by {
            let rows = range.filter(takes).map(|row| start + row);
            self.categorise(
                index,
                rows,
                code_of(&block.columns[by], kinds[by].kind()),
                by,
            );
        }
    }

    fn count_nans(&mut self) {
        self.nans.clear();
        if let Values::Real(values) = &self.values
            && values.iter().any(|value| value.is_nan())
        {
            let mut seen = 0;
            self.nans.push(0);
            self.nans.extend(values.iter().map(|value| {
                seen += u32::from(value.is_nan());
                seen
            }));
        }
    }

    /// Gives each event the place of its category among all, in the order of their texts.
    fn categorise(
        &mut self,
        index: &ViewIndex,
        rows: impl Iterator<Item = usize>,
        code: impl Fn(usize) -> (i64, FieldKind),
        by: usize,
    ) {
        let mut kind = FieldKind::Str;
        let codes: Vec<i64> = rows
            .map(|row| {
                let (code, found) = code(row);
                kind = found;
                code
            })
            .collect();
        let mut different = codes.clone();
        different.sort_unstable();
        different.dedup();
        let text = |code: i64| match kind {
            FieldKind::Bool => (code != 0).to_string(),
            FieldKind::Str => index.dictionary(by).word(code as u32).to_owned(),
            _ => code.to_string(),
        };
        let mut named: Vec<(String, usize)> = different
            .iter()
            .enumerate()
            .map(|(at, code)| (text(*code), at))
            .collect();
        named.sort_unstable();
        let mut places = vec![0_u32; named.len()];
        for (place, (_, at)) in named.iter().enumerate() {
            places[*at] = place as u32;
        }
        let place = |code: &i64| {
            let at = different
                .binary_search(code)
                .expect("the list was made of these codes");
            places[at]
        };
        self.categories.clear();
        self.categories.extend(codes.iter().map(place));
        self.names.clear();
        self.names.extend(named.into_iter().map(|(name, _)| name));
    }

    /// Drops what was worked out about the events that it held.
    pub(crate) fn forget(&mut self) {
        for ranks in [&mut self.distinct, &mut self.ordered] {
            ranks.of.clear();
            ranks.keys.clear();
        }
        self.hashes.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether a value of a range is NaN.
    pub(super) fn has_nan(&self, range: &Range<usize>) -> bool {
        !self.nans.is_empty() && self.nans[range.end] > self.nans[range.start]
    }

    pub(super) fn scalar(&self, at: usize) -> Scalar {
        match (&self.values, self.kind) {
            (Values::Real(values), _) => Scalar::Float(values[at]),
            (Values::Whole(values), Some(kind)) => whole(values[at], kind),
            (Values::Whole(_), None) => Scalar::Null,
        }
    }

    /// The value as a number that is ordered as the values are; `None` for NaN.
    pub(super) fn key(&self, at: usize) -> Option<i64> {
        match &self.values {
            Values::Real(values) => (!values[at].is_nan()).then(|| order_key(values[at])),
            Values::Whole(values) => Some(values[at]),
        }
    }

    /// The value of a key.
    pub(super) fn unkey(&self, key: i64) -> Scalar {
        match (&self.values, self.kind) {
            (Values::Real(_), _) => Scalar::Float(from_order_key(key)),
            (Values::Whole(_), Some(kind)) => whole(key, kind),
            (Values::Whole(_), None) => Scalar::Null,
        }
    }

    /// The number of a key as a real.
    pub(super) fn real(&self, key: i64) -> f64 {
        match &self.values {
            Values::Real(_) => from_order_key(key),
            Values::Whole(_) => key as f64,
        }
    }

    /// The value as a real.
    pub(super) fn number(&self, at: usize) -> f64 {
        match &self.values {
            Values::Real(values) => values[at],
            Values::Whole(values) => values[at] as f64,
        }
    }

    /// Bits that are the same for equal values.
    pub(super) fn bits(&self, at: usize) -> u64 {
        match &self.values {
            Values::Real(values) => identity(values[at]),
            Values::Whole(values) => values[at].cast_unsigned(),
        }
    }

    /// Ranks the values by equality.
    pub(super) fn rank_distinct(&mut self) {
        let mut ranks = std::mem::take(&mut self.distinct);
        ranks.fill(self.len(), |at| Some(self.bits(at).cast_signed()));
        self.distinct = ranks;
    }

    /// Ranks the values by order.
    pub(super) fn rank_ordered(&mut self) {
        let mut ranks = std::mem::take(&mut self.ordered);
        ranks.fill(self.len(), |at| self.key(at));
        self.ordered = ranks;
    }

    /// Hashes the values for sketches; a text is hashed as such and not by its code.
    pub(super) fn hash(&mut self, index: &ViewIndex, stream: &Stream) {
        let words = stream.field.filter(|(_, kind)| *kind == FieldKind::Str);
        let words = words.map(|(field, _)| index.dictionary(field));
        let hash = |at: usize| match words {
            Some(words) => hash_text(words.word(self.bits(at) as u32)),
            None => hash_word(self.bits(at)),
        };
        let hashes: Vec<u64> = (0..self.len()).map(hash).collect();
        self.hashes = hashes;
    }
}

fn copy<T: Copy>(to: &mut Vec<T>, from: &[T]) {
    to.clear();
    to.extend_from_slice(from);
}

fn fill(to: &mut Vec<i64>, data: Option<&Packed>, rows: impl Iterator<Item = usize>) {
    to.clear();
    match data {
        Some(Packed::Bool(values)) => to.extend(rows.map(|row| i64::from(values[row]))),
        Some(Packed::Int(values)) => to.extend(rows.map(|row| values[row])),
        Some(Packed::Code(values)) => to.extend(rows.map(|row| i64::from(values[row]))),
        Some(Packed::Float(_)) | None => {}
    }
}

fn code_of(column: &PackedColumn, kind: FieldKind) -> impl Fn(usize) -> (i64, FieldKind) {
    move |row| {
        let code = match &column.data {
            Packed::Bool(values) => i64::from(values[row]),
            Packed::Int(values) => values[row],
            Packed::Code(values) => i64::from(values[row]),
            Packed::Float(_) => 0,
        };
        (code, kind)
    }
}

fn whole(value: i64, kind: FieldKind) -> Scalar {
    match kind {
        FieldKind::Bool => Scalar::Bool(value != 0),
        FieldKind::Time => Scalar::Time(value),
        FieldKind::Str => Scalar::Code(value as u32),
        FieldKind::Int | FieldKind::Float => Scalar::Int(value),
    }
}

/// One field of one row of the index, counted in the block.
pub(crate) fn item<'a>(
    index: &'a ViewIndex,
    rows: &Rows<'a>,
    row: usize,
    field: usize,
    kind: FieldKind,
) -> Item<'a> {
    let column = &rows.block.columns[field];
    if !column.is_valid(row) {
        return Item::Null;
    }
    match &column.data {
        Packed::Bool(values) => Item::Bool(values[row]),
        Packed::Int(values) if kind == FieldKind::Time => Item::Time(values[row]),
        Packed::Int(values) => Item::Int(values[row]),
        Packed::Float(values) => Item::Float(values[row]),
        Packed::Code(values) => Item::Str(index.dictionary(field).word(values[row])),
    }
}
