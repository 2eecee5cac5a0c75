//! A set of 64-bit keys that are each asked for once: has this one been seen?
//!
//! Eight bytes a slot and no growth, which is what a million keys in random order cost least by. As in `intern`, probes
//! are counted, and past a budget a tree takes over.

use std::collections::BTreeSet;

use super::intern::{BUDGET, mix};

/// The keys that were seen.
#[derive(Debug)]
pub(super) struct Seen {
    /// 0 is an empty slot.
    slots: Vec<u64>,
    shift: u32,
    /// Whether the key 0 was seen.
    zero: bool,
    /// How many probes beyond the first are still allowed.
    allowed: u64,
    tree: Option<BTreeSet<u64>>,
}

impl Seen {
    /// Room for so many keys.
    pub(super) fn with_capacity(keys: usize) -> Self {
        // at most half full
        let bits = (keys.max(512) * 2).next_power_of_two().trailing_zeros();
        Self {
            slots: vec![0; 1 << bits],
            shift: 64 - bits,
            zero: false,
            allowed: 1_024 + BUDGET * keys as u64,
            tree: None,
        }
    }

    /// Adds a key; false if it was there.
    pub(super) fn insert(&mut self, key: u64) -> bool {
        if key == 0 {
            return !std::mem::replace(&mut self.zero, true);
        }
        if let Some(tree) = &mut self.tree {
            return tree.insert(key);
        }
        let last = self.slots.len() - 1;
        let mut at = usize::try_from(mix(key) >> self.shift).unwrap_or_default();
        loop {
            let there = self.slots[at & last];
            if there == key {
                return false;
            }
            if there == 0 {
                break;
            }
            at += 1;
            self.allowed = self.allowed.saturating_sub(1);
        }
        self.slots[at & last] = key;
        if self.allowed == 0 {
            let keys = self.slots.iter().copied().filter(|key| *key != 0);
            self.tree = Some(keys.collect());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(keys in prop::collection::vec(0_u64..300, 0..900), allowed in 0_u64..2_000) {
            let (mut seen, mut plain) = (Seen::with_capacity(keys.len()), BTreeSet::new());
            seen.allowed = allowed;
            for key in keys {
                // spread over the table, and close together
                let key = if key % 2 == 0 { key } else { key << 40 };
                prop_assert_eq!(seen.insert(key), plain.insert(key));
            }
        }
    }
}
