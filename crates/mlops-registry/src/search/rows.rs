//! Sets of row numbers, one bit a row.

/// A set of row numbers of one table, which count up from 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rows {
    words: Vec<u64>,
    count: usize,
}

impl Rows {
    pub(crate) fn insert(&mut self, row: i64) {
        let Ok(row) = usize::try_from(row) else {
            return;
        };
        let (word, bit) = (row / 64, 1_u64 << (row % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.count += usize::from(self.words[word] & bit == 0);
        self.words[word] |= bit;
    }

    pub(crate) fn contains(&self, row: i64) -> bool {
        let Ok(row) = usize::try_from(row) else {
            return false;
        };
        let word = self.words.get(row / 64).copied().unwrap_or_default();
        word & (1 << (row % 64)) != 0
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Keeps what is in both.
    pub(crate) fn and(self, other: &Self) -> Self {
        self.combine(other, |one, other| one & other)
    }

    /// Keeps what is not in the other.
    pub(crate) fn and_not(self, other: &Self) -> Self {
        self.combine(other, |one, other| one & !other)
    }

    /// Takes in what is in the other.
    pub(crate) fn or(mut self, other: &Self) -> Self {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.combine(other, |one, other| one | other)
    }

    fn combine(mut self, other: &Self, operation: impl Fn(u64, u64) -> u64) -> Self {
        let others = other.words.iter().copied().chain(std::iter::repeat(0));
        let mut count = 0;
        for (word, other) in self.words.iter_mut().zip(others) {
            *word = operation(*word, other);
            count += word.count_ones() as usize;
        }
        self.count = count;
        self
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        (0_i64..).zip(&self.words).flat_map(|(word, bits)| {
            let mut bits = *bits;
            std::iter::from_fn(move || {
                if bits == 0 {
                    return None;
                }
                let bit = i64::from(bits.trailing_zeros());
                bits &= bits - 1;
                Some(word * 64 + bit)
            })
        })
    }
}

impl FromIterator<i64> for Rows {
    fn from_iter<I: IntoIterator<Item = i64>>(rows: I) -> Self {
        let mut set = Self::default();
        for row in rows {
            set.insert(row);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_of_rows_is_a_set(
            a in prop::collection::btree_set(1i64..300, 0..40),
            b in prop::collection::btree_set(1i64..200, 0..40),
        ) {
            let rows = |set: &BTreeSet<i64>| set.iter().copied().collect::<Rows>();
            let back = |rows: Rows| {
                assert_eq!(rows.iter().count(), rows.len());
                rows.iter().collect::<BTreeSet<_>>()
            };
            prop_assert_eq!(back(rows(&a).and(&rows(&b))), &a & &b);
            prop_assert_eq!(back(rows(&a).or(&rows(&b))), &a | &b);
            prop_assert_eq!(back(rows(&a).and_not(&rows(&b))), &a - &b);
            prop_assert!(a.iter().all(|row| rows(&a).contains(*row)));
        }
    }
}
