//! The distinct values of a column: a small code for each row, in order of first appearance.
//!
//! Keys are 64 bits. A text of up to 7 bytes is its own key; a longer one has a hash, and equal hashes are
//! compared by text. The table is open addressing with linear probing; since the hash is fixed (results must
//! not depend on chance), data made to collide could slow it down, so probes are counted and past a budget
//! the work is done again with a tree, in O(n log n) whatever the data.

use std::collections::{BTreeMap, BTreeSet};

/// No code.
const NONE: u32 = u32::MAX;
/// Probes beyond the first that are allowed a row, on average.
pub(super) const BUDGET: u64 = 16;

/// The codes of a column.
#[derive(Debug)]
pub(super) struct Distinct {
    /// One a row; rows that were left out have the code `firsts.len()`.
    pub(super) codes: Vec<u32>,
    /// The row in which each code appears first.
    pub(super) firsts: Vec<u32>,
}

/// A fast, fixed mix of 64 bits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the two halves of a product are meant"
)]
pub(super) fn mix(word: u64) -> u64 {
    let product = u128::from(word ^ 0x9E37_79B9_7F4A_7C15) * u128::from(0xD6E8_FEB8_6659_FD93_u64);
    (product as u64) ^ (product >> 64) as u64
}

/// The key of a text, and whether it says all about it.
pub(super) fn text_key(text: &str) -> (u64, bool) {
    let bytes = text.as_bytes();
    let length = bytes.len();
    let four = |at: usize| {
        let part = bytes[at..at + 4].first_chunk::<4>();
        u64::from(u32::from_le_bytes(*part.expect("four bytes were cut out")))
    };
    let eight = |at: usize| {
        let part = bytes[at..at + 8].first_chunk::<8>();
        u64::from_le_bytes(*part.expect("eight bytes were cut out"))
    };
    let content = match length {
        0 => 0,
        1..4 => {
            let byte = |at: usize| u64::from(bytes[at]);
            byte(0) | byte(length / 2) << 8 | byte(length - 1) << 16
        }
        4..8 => four(0) | four(length - 4) << (8 * (length - 4)),
        _ => {
            let mut hash = mix(length as u64);
            let mut at = 0;
            while at + 8 < length {
                hash = mix(hash ^ eight(at));
                at += 8;
            }
            hash = mix(hash ^ eight(length - 8).rotate_left(29));
            return (hash | 0xFF << 56, false);
        }
    };
    (content | (length as u64) << 56, true)
}

/// An open-addressing table from keys to codes.
#[derive(Debug)]
struct Slots {
    entries: Vec<(u64, u32)>,
    shift: u32,
    used: usize,
    steps: u64,
}

impl Slots {
    fn new() -> Self {
        Self::with_bits(10)
    }

    fn with_bits(bits: u32) -> Self {
        Self {
            entries: vec![(0, NONE); 1 << bits],
            shift: 64 - bits,
            used: 0,
            steps: 0,
        }
    }

    /// Where a key belongs if the place is free.
    fn home(&self, key: u64) -> usize {
        usize::try_from(mix(key) >> self.shift).unwrap_or_default()
    }

    /// The code of a key that is there and `same`, or else `new`, which it has from now on.
    fn insert(&mut self, key: u64, new: u32, same: impl Fn(u32) -> bool) -> u32 {
        let last = self.entries.len() - 1;
        let mut at = self.home(key);
        loop {
            let (there, code) = self.entries[at];
            if code == NONE {
                break;
            }
            if there == key && same(code) {
                return code;
            }
            self.steps += 1;
            at = (at + 1) & last;
        }
        self.entries[at] = (key, new);
        self.used += 1;
        if self.used * 2 > self.entries.len() {
            self.grow();
        }
        new
    }

    fn contains(&self, key: u64, same: impl Fn(u32) -> bool) -> bool {
        let last = self.entries.len() - 1;
        let mut at = self.home(key);
        loop {
            match self.entries[at] {
                (_, NONE) => return false,
                (there, code) if there == key && same(code) => return true,
                _ => at = (at + 1) & last,
            }
        }
    }

    fn grow(&mut self) {
        let bits = 64 - self.shift;
        let mut larger = Self::with_bits(if bits < 18 { bits + 2 } else { bits + 1 });
        let last = larger.entries.len() - 1;
        for slot in self.entries.iter().filter(|(_, code)| *code != NONE) {
            let mut at = larger.home(slot.0);
            while larger.entries[at].1 != NONE {
                larger.steps += 1;
                at = (at + 1) & last;
            }
            larger.entries[at] = *slot;
        }
        larger.used = self.used;
        larger.steps += self.steps;
        *self = larger;
    }
}

/// Codes by key for the given rows of a column with `rows` rows; `same` tells whether two rows of equal keys are equal.
pub(super) fn intern<'a, K: Ord>(
    rows: usize,
    live: impl Iterator<Item = u32> + Clone,
    key: impl Fn(usize) -> u64,
    same: impl Fn(usize, usize) -> bool,
    full: impl Fn(usize) -> K + 'a,
) -> Distinct {
    intern_within(BUDGET, rows, live, key, same, full)
}

fn intern_within<K: Ord>(
    budget: u64,
    rows: usize,
    live: impl Iterator<Item = u32> + Clone,
    key: impl Fn(usize) -> u64,
    same: impl Fn(usize, usize) -> bool,
    full: impl Fn(usize) -> K,
) -> Distinct {
    let mut codes = vec![NONE; rows];
    let mut firsts: Vec<u32> = Vec::new();
    let mut slots = Slots::new();
    let mut allowed = 1_024;
    for row in live.clone() {
        let at = row as usize;
        let new = count(&firsts);
        let code = slots.insert(key(at), new, |code| {
            same(firsts[code as usize] as usize, at)
        });
        if code == new {
            firsts.push(row);
        }
        codes[at] = code;
        allowed += budget;
        if slots.steps > allowed {
            return tree(rows, live, full);
        }
    }
    Distinct { codes, firsts }.closed()
}

/// The same in a tree of the values themselves.
fn tree<K: Ord>(
    rows: usize,
    live: impl Iterator<Item = u32>,
    full: impl Fn(usize) -> K,
) -> Distinct {
    let mut codes = vec![NONE; rows];
    let mut firsts = Vec::new();
    let mut known = BTreeMap::new();
    for row in live {
        let new = count(&firsts);
        let code = *known.entry(full(row as usize)).or_insert(new);
        if code == new {
            firsts.push(row);
        }
        codes[row as usize] = code;
    }
    Distinct { codes, firsts }.closed()
}

fn count(firsts: &[u32]) -> u32 {
    u32::try_from(firsts.len()).expect("there are at most as many values as rows")
}

impl Distinct {
    /// Gives the rows that were left out their code.
    fn closed(mut self) -> Self {
        let left_out = count(&self.firsts);
        for code in &mut self.codes {
            *code = (*code).min(left_out);
        }
        self
    }

    /// The number of distinct values.
    pub(super) fn len(&self) -> usize {
        self.firsts.len()
    }
}

/// A set of 64-bit keys, some of which stand for longer values.
#[derive(Debug)]
pub(super) struct KeySet<'a> {
    slots: Slots,
    texts: Vec<&'a str>,
    /// Taken if the keys were made to collide.
    tree: Option<BTreeSet<(u64, &'a str)>>,
    seen: u64,
}

impl<'a> KeySet<'a> {
    pub(super) fn new() -> Self {
        Self {
            slots: Slots::new(),
            texts: Vec::new(),
            tree: None,
            seen: 0,
        }
    }

    /// Adds a key; false if it was there.
    pub(super) fn insert(&mut self, key: u64) -> bool {
        self.add(key, "")
    }

    /// Adds a text; false if it was there.
    pub(super) fn insert_text(&mut self, text: &'a str) -> bool {
        let (key, whole) = text_key(text);
        self.add(key, if whole { "" } else { text })
    }

    pub(super) fn contains(&self, key: u64) -> bool {
        self.has(key, "")
    }

    pub(super) fn contains_text(&self, text: &str) -> bool {
        let (key, whole) = text_key(text);
        self.has(key, if whole { "" } else { text })
    }

    fn add(&mut self, key: u64, text: &'a str) -> bool {
        if let Some(tree) = &mut self.tree {
            return tree.insert((key, text));
        }
        self.seen += 1;
        // code 0 is the empty rest that all whole keys share
        let new = if text.is_empty() {
            0
        } else {
            count_texts(&self.texts)
        };
        let before = self.slots.used;
        let texts = &self.texts;
        self.slots
            .insert(key, new, |code| text_of(texts, code) == text);
        let added = self.slots.used > before;
        if added && !text.is_empty() {
            self.texts.push(text);
        }
        if self.slots.steps > 1_024 + self.seen * BUDGET {
            let slots = self.slots.entries.iter().filter(|(_, code)| *code != NONE);
            let known = slots.map(|(key, code)| (*key, text_of(&self.texts, *code)));
            self.tree = Some(known.collect());
        }
        added
    }

    fn has(&self, key: u64, text: &str) -> bool {
        match &self.tree {
            Some(tree) => tree.contains(&(key, text)),
            None => self
                .slots
                .contains(key, |code| text_of(&self.texts, code) == text),
        }
    }
}

fn count_texts(texts: &[&str]) -> u32 {
    u32::try_from(texts.len() + 1).expect("a set is no larger than a table")
}

fn text_of<'a>(texts: &[&'a str], code: u32) -> &'a str {
    match code {
        0 => "",
        _ => texts[code as usize - 1],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[ab]{0,3}", "[ab]{3,9}", "[aé]{7,20}"]
    }

    proptest! {
        #[test]
        fn codes_are_equal_where_values_are(texts in prop::collection::vec(text(), 0..400)) {
            let live = || (0_u32..).zip(&texts).map(|(row, _)| row).filter(|row| row % 7 != 3);
            let rows: Vec<u32> = live().collect();
            for budget in [BUDGET, 0] {
                // with no budget and one key for all, the tree has to do it
                let key = |row: usize| if budget == 0 { 1 } else { text_key(&texts[row]).0 };
                let distinct = intern_within(budget, texts.len(), rows.iter().copied(), key,
                    |a, b| texts[a] == texts[b], |row| texts[row].as_str());
                let mut known: Vec<&str> = Vec::new();
                for (at, text) in texts.iter().enumerate() {
                    if at % 7 == 3 {
                        continue;
                    }
                    if !known.contains(&text.as_str()) {
                        prop_assert_eq!(distinct.firsts[known.len()] as usize, at);
                        known.push(text);
                    }
                    let code = known.iter().position(|k| *k == text).unwrap();
                    prop_assert_eq!(distinct.codes[at] as usize, code);
                }
                prop_assert_eq!(distinct.len(), known.len());
                prop_assert!(distinct.codes.iter().skip(3).step_by(7).all(|c| *c as usize == known.len()));
            }
        }

        #[test]
        fn a_key_set_is_a_set(texts in prop::collection::vec(text(), 0..300), asked in text()) {
            let (mut set, mut plain) = (KeySet::new(), BTreeSet::new());
            for text in &texts {
                prop_assert_eq!(set.insert_text(text), plain.insert(text.as_str()));
            }
            prop_assert_eq!(set.contains_text(&asked), plain.contains(asked.as_str()));
            prop_assert!(texts.iter().all(|text| set.contains_text(text)));
        }
    }

    #[test]
    fn keys_that_collide_end_in_a_tree() {
        let mut set = KeySet::new();
        // equal in all that a table of 64 bits minus the shift can see is hard to make, so count by hand
        set.slots.steps = u64::MAX / 2;
        assert!(set.insert(7) && set.tree.is_some());
        assert!(!set.insert(7) && set.insert(8));
        assert!(set.contains(7) && set.contains(8) && !set.contains(9));
    }

    #[test]
    fn short_texts_are_their_own_keys() {
        let texts = [
            "", "\0", "\0\0", "a", "aa", "aba", "abc", "abcd", "abcde", "abcdefg", "\0\0\0\0",
        ];
        for (i, a) in texts.iter().enumerate() {
            for b in &texts[..i] {
                assert_ne!(text_key(a), text_key(b), "{a:?} {b:?}");
            }
            assert!(text_key(a).1);
        }
        assert!(!text_key("12345678").1);
    }
}
