//! Values to dense codes: the hash tables under the keys of a join.
//!
//! Every lookup compares the whole value, so that two keys never share a code whatever their hashes.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// No code: a null, or a value that is not in the table.
pub(super) const NONE: u32 = u32::MAX;

/// Whole numbers to codes; numbers that lie close together are looked up without a hash.
#[derive(Debug)]
pub(super) struct IntTable {
    entries: Vec<Entry>,
    len: u32,
    direct: Option<Direct>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    value: i64,
    code: u32,
}

#[derive(Debug)]
struct Direct {
    first: i64,
    codes: Vec<u32>,
}

const EMPTY: Entry = Entry {
    value: 0,
    code: NONE,
};

/// A range is looked up directly while it holds at most this many places for each value.
const SPARSE: u64 = 8;

impl IntTable {
    pub(super) fn new() -> Self {
        Self {
            entries: vec![EMPTY; 64],
            len: 0,
            direct: None,
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// The code of a value, a new one if it has none. Not after [`seal`](Self::seal).
    pub(super) fn insert(&mut self, value: i64) -> u32 {
        if self.len as usize * 2 >= self.entries.len() {
            self.grow();
        }
        let at = self.place(value);
        if self.entries[at].code == NONE {
            let code = self.len;
            self.entries[at] = Entry { value, code };
            self.len += 1;
        }
        self.entries[at].code
    }

    /// The code of a value, or [`NONE`].
    #[inline]
    pub(super) fn get(&self, value: i64) -> u32 {
        match &self.direct {
            Some(direct) => {
                let at = value.wrapping_sub(direct.first).cast_unsigned();
                usize::try_from(at)
                    .ok()
                    .and_then(|at| direct.codes.get(at))
                    .copied()
                    .unwrap_or(NONE)
            }
            None => self.entries[self.place(value)].code,
        }
    }

    /// Chooses the direct form where the values lie close together.
    pub(super) fn seal(&mut self) {
        let taken = || self.entries.iter().filter(|entry| entry.code != NONE);
        let (Some(first), Some(last)) = (
            taken().map(|entry| entry.value).min(),
            taken().map(|entry| entry.value).max(),
        ) else {
            return;
        };
        let range = last.abs_diff(first);
        if range >= u64::from(self.len).saturating_mul(SPARSE).max(1 << 12) {
            return;
        }
        let Ok(range) = usize::try_from(range) else {
            return;
        };
        let mut codes = vec![NONE; range + 1];
        for entry in taken() {
            let at = usize::try_from(entry.value.abs_diff(first));
            codes[at.expect("within the range")] = entry.code;
        }
        self.entries = Vec::new();
        self.direct = Some(Direct { first, codes });
    }

    fn place(&self, value: i64) -> usize {
        let mask = self.entries.len() - 1;
        let mut at = mix(value) & mask;
        loop {
            let entry = &self.entries[at];
            if entry.code == NONE || entry.value == value {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let bigger = vec![EMPTY; self.entries.len() * 2];
        let old = std::mem::replace(&mut self.entries, bigger);
        for entry in old {
            if entry.code != NONE {
                let at = self.place(entry.value);
                self.entries[at] = entry;
            }
        }
    }
}

/// The folded product: every bit of the value reaches the low bits of the hash.
#[expect(
    clippy::cast_possible_truncation,
    reason = "halves of a product, and a hash"
)]
fn mix(value: i64) -> usize {
    let product = u128::from(value.cast_unsigned() ^ 0x9E37_79B9_7F4A_7C15)
        * u128::from(0xD6E8_FEB8_6659_FD93_u64);
    ((product >> 64) as u64 ^ product as u64) as usize
}

/// Texts and bytes to codes; the bytes lie one behind the other.
#[derive(Debug)]
pub(super) struct BytesTable {
    hasher: DefaultHashBuilder,
    codes: HashTable<u32>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl BytesTable {
    pub(super) fn new() -> Self {
        Self {
            // which seed it has is never seen: the table is only asked whether a value is in it
            hasher: DefaultHashBuilder::default(),
            codes: HashTable::new(),
            bytes: Vec::new(),
            ends: vec![0],
        }
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.ends.len() - 1).expect("`insert` counts them in 32 bits")
    }

    /// The code of a value, a new one if it has none.
    pub(super) fn insert(&mut self, value: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(value);
        let (bytes, ends) = (&mut self.bytes, &mut self.ends);
        if let Some(code) = self
            .codes
            .find(hash, |code| slice(bytes, ends, *code) == value)
        {
            return *code;
        }
        let code = u32::try_from(ends.len() - 1).expect("a spine has at most 2^32 - 2 rows");
        bytes.extend_from_slice(value);
        ends.push(bytes.len());
        let hasher = &self.hasher;
        self.codes.insert_unique(hash, code, |code| {
            hasher.hash_one(slice(bytes, ends, *code))
        });
        code
    }

    /// The code of a value, or [`NONE`].
    pub(super) fn get(&self, value: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(value);
        self.codes
            .find(hash, |code| slice(&self.bytes, &self.ends, *code) == value)
            .copied()
            .unwrap_or(NONE)
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[usize], code: u32) -> &'a [u8] {
    &bytes[ends[code as usize]..ends[code as usize + 1]]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tables_agree_with_an_ordered_map(
            values in prop::collection::vec(prop_oneof![any::<i64>(), -20..20_i64, Just(i64::MIN), Just(i64::MAX)], 0..300),
            asked in prop::collection::vec(prop_oneof![any::<i64>(), -30..30_i64], 0..50),
        ) {
            let mut known = BTreeMap::new();
            let (mut ints, mut texts) = (IntTable::new(), BytesTable::new());
            for value in &values {
                let next = u32::try_from(known.len()).unwrap();
                let code = *known.entry(*value).or_insert(next);
                prop_assert_eq!(ints.insert(*value), code);
                prop_assert_eq!(texts.insert(value.to_string().as_bytes()), code);
            }
            prop_assert_eq!(ints.len() as usize, known.len());
            for sealed in [false, true] {
                if sealed {
                    ints.seal();
                }
                for value in values.iter().chain(&asked) {
                    let code = known.get(value).copied().unwrap_or(NONE);
                    prop_assert_eq!(ints.get(*value), code);
                    prop_assert_eq!(texts.get(value.to_string().as_bytes()), code);
                }
            }
        }
    }
}
