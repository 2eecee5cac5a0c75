//! The events of one view, laid out for point-in-time reads.
//!
//! Keys become dense ids (by typed equality, never by glued text). The rows of a key stand together,
//! sorted by event time, then created time, then arrival; fields are packed columns. Bulk loads build
//! one shared block with an offset per key; a pushed row goes into a block of its own key, which then
//! stands in place of the key's range in the shared block. So a reader always sees one contiguous,
//! sorted slice per key and never merges.
//!
//! All parts are behind `Arc`s: a clone is a consistent snapshot that a long join reads while pushes go
//! on; a push copies what a snapshot still holds, at most one key's rows each.

mod block;
mod dictionary;
mod keys;
mod staged;

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use hashbrown::HashMap;
use mlops_core::{Digest, DigestBuilder, EntityKey};

pub(crate) use block::{Block, Packed, PackedColumn};
pub(crate) use dictionary::Dictionary;
pub(crate) use keys::KeyIndex;
pub(crate) use staged::{Staged, StagedKeys};

use crate::{FeatureView, FieldKind};

/// The created time of a row that has none: it sorts before every real one.
pub(crate) const NO_CREATED: i64 = i64::MIN;

/// A table of at least a quarter of the rows that are there is merged as a whole.
const REBUILD_SHARE: usize = 4;

/// The sorted rows of one key.
#[derive(Debug, Clone)]
pub(crate) struct Rows<'a> {
    pub(crate) block: &'a Block,
    pub(crate) range: Range<usize>,
}

impl<'a> Rows<'a> {
    pub(crate) fn times(&self) -> &'a [i64] {
        &self.block.times[self.range.clone()]
    }

    pub(crate) fn created(&self) -> Option<&'a [i64]> {
        let created = self.block.created.as_ref()?;
        Some(&created[self.range.clone()])
    }
}

/// The state of one view; a clone is a snapshot.
#[derive(Debug, Clone)]
pub(crate) struct ViewIndex {
    view: FeatureView,
    keys: Arc<KeyIndex>,
    base: Arc<Block>,
    /// Where each key's rows begin in `base`; one more than there are keys in it.
    offsets: Arc<Vec<usize>>,
    hot: Arc<HashMap<u32, Arc<Block>>>,
    dictionaries: Vec<Arc<Dictionary>>,
    rows: usize,
    digest: Arc<OnceLock<Digest>>,
}

impl ViewIndex {
    /// The ids of keys that are all in the index.
    pub(crate) fn ids_of(&self, keys: &StagedKeys) -> Vec<u32> {
        KeyIndex::admit(&mut Arc::clone(&self.keys), keys)
    }

    pub(crate) fn new(view: FeatureView) -> Self {
        let keys = Arc::new(KeyIndex::new(view.entity()));
        Self::with_keys(view, keys)
    }

    /// One in which some keys have their ids already, and no rows.
    pub(crate) fn with_keys(view: FeatureView, keys: Arc<KeyIndex>) -> Self {
        let base = Block::empty(&view);
        let dictionaries = view.fields().iter().map(|_| Arc::default()).collect();
        Self {
            keys,
            base: Arc::new(base),
            offsets: Arc::new(vec![0]),
            hot: Arc::default(),
            dictionaries,
            rows: 0,
            digest: Arc::default(),
            view,
        }
    }

    pub(crate) fn view(&self) -> &FeatureView {
        &self.view
    }

    /// Takes over what people read from an equal definition, personal data flags included.
    pub(crate) fn describe(&mut self, view: FeatureView) {
        debug_assert_eq!(view, self.view, "the content is the same");
        self.view = view;
    }

    pub(crate) fn keys(&self) -> &KeyIndex {
        &self.keys
    }

    pub(crate) fn dictionary(&self, field: usize) -> &Dictionary {
        &self.dictionaries[field]
    }

    /// The texts of a field, to be replaced as a whole in an index that holds no rows.
    pub(crate) fn dictionary_mut(&mut self, field: usize) -> &mut Dictionary {
        Arc::make_mut(&mut self.dictionaries[field])
    }

    pub(crate) fn dictionaries(&self) -> &[Arc<Dictionary>] {
        &self.dictionaries
    }

    pub(crate) fn row_count(&self) -> usize {
        self.rows
    }

    /// The rows of a key.
    pub(crate) fn rows(&self, id: u32) -> Rows<'_> {
        match self.hot.get(&id) {
            Some(block) => Rows {
                block,
                range: 0..block.len(),
            },
            None => Rows {
                block: &self.base,
                range: self.base_range(id),
            },
        }
    }

    fn base_range(&self, id: u32) -> Range<usize> {
        let id = id as usize;
        match (self.offsets.get(id), self.offsets.get(id + 1)) {
            (Some(start), Some(end)) => *start..*end,
            _ => 0..0,
        }
    }

    /// Whether so many rows are merged as a whole rather than one by one.
    pub(crate) fn prefers_rebuild(&self, rows: usize) -> bool {
        rows.saturating_mul(REBUILD_SHARE) >= self.rows
    }

    /// Adds rows one by one, each after all rows of its key that are not later.
    ///
    /// # Complexity
    /// Per row a binary search and a move of the key's later rows; none of those when rows come in order.
    pub(crate) fn push(&mut self, staged: &Staged) {
        let ids = self.admit(staged);
        let codes = self.encode(staged);
        let hot = Arc::make_mut(&mut self.hot);
        for (row, id) in ids.into_iter().enumerate() {
            let block = hot.entry(id).or_insert_with(|| {
                let known = self
                    .offsets
                    .get(id as usize)
                    .zip(self.offsets.get(id as usize + 1));
                let range = known.map_or(0..0, |(start, end)| *start..*end);
                Arc::new(self.base.copy(range))
            });
            Arc::make_mut(block).insert(&codes, row);
        }
        self.rows += codes.len();
        self.digest = Arc::default();
    }

    /// Merges many rows into one new shared block; the result is that of [`push`](Self::push), one after the other.
    pub(crate) fn rebuild(&mut self, staged: &[Staged]) {
        let (owners, all) = match staged {
            [one] if self.rows == 0 => (self.admit(one), self.encode(one)),
            _ => self.appended(staged),
        };

        let created = |row: usize| all.created.as_ref().map_or(NO_CREATED, |c| c[row]);
        let mut offsets = vec![0; self.keys.len() as usize + 1];
        for id in &owners {
            offsets[*id as usize + 1] += 1;
        }
        for id in 1..offsets.len() {
            offsets[id] += offsets[id - 1];
        }
        // by key first, then inside each key: rows of a key are few and often in order already
        let mut next = offsets.clone();
        let mut order = vec![0; owners.len()];
        for (row, id) in owners.iter().enumerate() {
            let slot = &mut next[*id as usize];
            order[*slot] = row;
            *slot += 1;
        }
        for key in offsets.windows(2) {
            order[key[0]..key[1]].sort_by_key(|row| (all.times[*row], created(*row)));
        }
        let sorted = order.is_sorted(); // then every row stands in its place already
        self.rows = owners.len();
        self.base = Arc::new(if sorted { all } else { all.take(&order) });
        self.offsets = Arc::new(offsets);
        self.hot = Arc::default();
        self.digest = Arc::default();
    }

    /// The rows of all keys, and behind them those that are new, with the key of each.
    fn appended(&mut self, staged: &[Staged]) -> (Vec<u32>, Block) {
        let mut all = Block::empty(&self.view);
        let mut owners: Vec<u32> = Vec::with_capacity(self.rows);
        for id in 0..self.keys.len() {
            let rows = self.rows(id);
            owners.extend(std::iter::repeat_n(id, rows.range.len()));
            all.extend(rows.block, rows.range);
        }
        for staged in staged {
            owners.extend(self.admit(staged));
            let codes = self.encode(staged);
            all.extend(&codes, 0..codes.len());
        }
        (owners, all)
    }

    /// Keeps some rows of an index that was [rebuilt](Self::rebuild), and the texts that are left: `keep` adds the places
    /// of a key's rows that stay, in their order.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Self, u32, &Rows<'_>, &mut Vec<usize>)) {
        debug_assert!(self.hot.is_empty(), "all rows are in the shared block");
        let mut order = Vec::new();
        let mut offsets = vec![0];
        for id in 0..self.keys.len() {
            keep(self, id, &self.rows(id), &mut order);
            offsets.push(order.len());
        }
        let mut base = self.base.take(&order);
        for (column, words) in base.columns.iter_mut().zip(&mut self.dictionaries) {
            let valid = column.valid.as_deref();
            if let Packed::Code(codes) = &mut column.data {
                *words = Arc::new(words.only(codes, valid));
            }
        }
        self.rows = order.len();
        self.base = Arc::new(base);
        self.offsets = Arc::new(offsets);
        self.digest = Arc::default();
    }

    fn admit(&mut self, staged: &Staged) -> Vec<u32> {
        KeyIndex::admit(&mut self.keys, staged.keys())
    }

    fn encode(&mut self, staged: &Staged) -> Block {
        staged.encode(&mut self.dictionaries)
    }

    /// The digest of the content: of all keys in order with their rows in order, however they came.
    pub(crate) fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| {
            let mut builder = DigestBuilder::new();
            builder.part("view", self.view.digest().as_bytes());
            let mut buffer = Vec::new();
            for (key, id) in self.keys.sorted() {
                let rows = self.rows(id);
                if rows.range.is_empty() {
                    continue; // a key that was only asked for
                }
                builder.part("key", key_text(&key).as_bytes());
                rows.write_times(&mut buffer);
                builder.part("times", &buffer);
                for (i, field) in self.view.fields().iter().enumerate() {
                    rows.write_field(i, field.kind(), &self.dictionaries[i], &mut buffer);
                    builder.part(field.name(), &buffer);
                }
            }
            builder.finish()
        })
    }
}

impl Rows<'_> {
    fn write_times(&self, out: &mut Vec<u8>) {
        out.clear();
        for time in self
            .times()
            .iter()
            .chain(self.created().unwrap_or_default())
        {
            out.extend_from_slice(&time.to_le_bytes());
        }
    }

    fn write_field(&self, field: usize, kind: FieldKind, words: &Dictionary, out: &mut Vec<u8>) {
        out.clear();
        let column = &self.block.columns[field];
        for row in self.range.clone() {
            let live = column.is_valid(row);
            out.push(u8::from(live));
            if !live {
                continue;
            }
            match &column.data {
                Packed::Bool(values) => out.push(u8::from(values[row])),
                Packed::Int(values) => out.extend_from_slice(&values[row].to_le_bytes()),
                Packed::Float(values) => out.extend_from_slice(&values[row].to_le_bytes()),
                Packed::Code(values) => {
                    debug_assert_eq!(kind, FieldKind::Str, "only texts are encoded");
                    let word = words.word(values[row]);
                    out.extend_from_slice(&(word.len() as u64).to_le_bytes());
                    out.extend_from_slice(word.as_bytes());
                }
            }
        }
    }
}

fn key_text(key: &EntityKey) -> String {
    // texts are quoted and escaped, so that no two keys share a text
    key.to_string()
}
