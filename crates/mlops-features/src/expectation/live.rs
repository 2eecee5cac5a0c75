//! The rows that a rule looks at, as bits, and the loops over them.
//!
//! A rule on a column skips nulls, and rows that its condition leaves out; both are one mask here, so that no
//! rule has to know. The loops go by 64 rows: a word of the mask that is full takes the path without a branch a
//! row, which the compiler vectorises, and single rows are looked at only where one of the 64 is bad.

use arrow::{array::Array, buffer::BooleanBuffer};

/// The rows that are looked at.
#[derive(Debug, Clone)]
pub(super) struct Live {
    rows: usize,
    /// `None` if it is all of them.
    mask: Option<BooleanBuffer>,
    count: usize,
}

impl Live {
    /// The rows of `when`, or all of them.
    pub(super) fn new(rows: usize, when: Option<&BooleanBuffer>) -> Self {
        Self {
            rows,
            mask: when.cloned(),
            count: when.map_or(rows, BooleanBuffer::count_set_bits),
        }
    }

    /// Those of them where the array has a value.
    pub(super) fn with_values(self, array: &dyn Array) -> Self {
        let nulls = array.logical_nulls().filter(|n| n.null_count() > 0);
        let Some(valid) = nulls.map(arrow::buffer::NullBuffer::into_inner) else {
            return self;
        };
        let mask = match &self.mask {
            Some(mask) => mask & &valid,
            None => valid,
        };
        Self::new(self.rows, Some(&mask))
    }

    /// Those of them that are also in `mask`.
    pub(super) fn and(self, mask: &BooleanBuffer) -> Self {
        let both = match &self.mask {
            Some(own) => own & mask,
            None => mask.clone(),
        };
        Self::new(self.rows, Some(&both))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether a row is one of them.
    pub(super) fn holds(&self, row: usize) -> bool {
        self.mask.as_ref().is_none_or(|mask| mask.value(row))
    }

    /// Their positions, in order.
    pub(super) fn rows(&self) -> impl Iterator<Item = u32> + '_ {
        let all = if self.mask.is_none() { self.rows } else { 0 };
        let some = self.mask.iter().flat_map(BooleanBuffer::set_indices_u32);
        (0..).zip(0..all).map(|(row, _)| row).chain(some)
    }

    /// The bits of `bad` removed.
    pub(super) fn without(&self, bad: &[u32]) -> BooleanBuffer {
        let mut keep = vec![false; self.rows];
        for row in self.rows() {
            keep[row as usize] = true;
        }
        for row in bad {
            keep[*row as usize] = false;
        }
        BooleanBuffer::from(keep)
    }

    /// The rows whose value breaks a rule, in order.
    pub(super) fn bad<T: Copy>(&self, values: &[T], holds: impl Fn(T) -> bool) -> Vec<u32> {
        let mut bad = Vec::new();
        self.by_words(values, |start, chunk, word| {
            // no early exit: one comparison after the other is what vectorises
            if word == 0 || chunk.iter().fold(true, |all, value| all & holds(*value)) {
                return;
            }
            let bits = chunk.iter().rev();
            let broken = bits.fold(0_u64, |bits, value| bits << 1 | u64::from(!holds(*value)));
            each_bit(broken & word, |bit| bad.push(start + bit));
        });
        bad
    }

    /// The rows that break a rule which looks them up by position, in order.
    pub(super) fn bad_at(&self, mut holds: impl FnMut(usize) -> bool) -> Vec<u32> {
        let mut bad = Vec::new();
        let mut see = |row: u32| {
            if !holds(row as usize) {
                bad.push(row);
            }
        };
        match &self.mask {
            None => (0..).zip(0..self.rows).for_each(|(row, _)| see(row)),
            Some(mask) => mask.set_indices_u32().for_each(see),
        }
        bad
    }

    /// Calls `see` with each value, in order.
    pub(super) fn each<T: Copy>(&self, values: &[T], mut see: impl FnMut(T)) {
        self.by_words(values, |_, chunk, word| {
            if word == u64::MAX {
                for value in chunk {
                    see(*value);
                }
            } else {
                each_bit(word, |bit| {
                    if let Some(value) = chunk.get(bit as usize) {
                        see(*value);
                    }
                });
            }
        });
    }

    /// The smallest and the largest value, beginning with `(high, low)`, which stay if there is none, and whether every
    /// value is in order with itself. NaN is not, and is neither smallest nor largest.
    pub(super) fn extent<T: Copy + PartialOrd>(
        &self,
        values: &[T],
        high: T,
        low: T,
    ) -> (T, T, bool) {
        // eight of each, so that one comparison does not wait for the one before
        let (mut lows, mut highs, mut odd) = ([high; 8], [low; 8], [false; 8]);
        let less = |a: T, b: T| if a < b { a } else { b };
        let more = |a: T, b: T| if a > b { a } else { b };
        self.by_words(values, |_, chunk, word| {
            if word == u64::MAX && chunk.len() == 64 {
                for eight in chunk.chunks_exact(8) {
                    for (lane, value) in eight.iter().enumerate() {
                        lows[lane] = less(*value, lows[lane]);
                        highs[lane] = more(*value, highs[lane]);
                        odd[lane] |= unordered(*value);
                    }
                }
                return;
            }
            each_bit(word, |bit| {
                if let Some(value) = chunk.get(bit as usize) {
                    lows[0] = less(*value, lows[0]);
                    highs[0] = more(*value, highs[0]);
                    odd[0] |= unordered(*value);
                }
            });
        });
        let least = lows.into_iter().fold(high, |a, b| less(b, a));
        let most = highs.into_iter().fold(low, |a, b| more(b, a));
        (least, most, !odd.contains(&true))
    }

    /// Chunks of 64 values with the position of the first and the bits of the rows that are looked at.
    fn by_words<T>(&self, values: &[T], mut see: impl FnMut(u32, &[T], u64)) {
        let starts = (0_u32..).step_by(64);
        let chunks = values.chunks(64).zip(starts);
        match &self.mask {
            None => chunks.for_each(|(chunk, start)| see(start, chunk, u64::MAX)),
            Some(mask) => {
                let bits = mask.bit_chunks();
                for ((chunk, start), word) in chunks.zip(bits.iter_padded()) {
                    see(start, chunk, word);
                }
            }
        }
    }
}

/// Whether a value is NaN.
fn unordered<T: Copy + PartialOrd>(value: T) -> bool {
    value.partial_cmp(&value).is_none()
}

fn each_bit(mut word: u64, mut see: impl FnMut(u32)) {
    while word != 0 {
        see(word.trailing_zeros());
        word &= word - 1;
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_loops_see_what_a_plain_loop_sees(
            values in prop::collection::vec(prop::option::of(-5_i64..5), 0..300),
            picked in prop::collection::vec(any::<bool>(), 300),
            masked in any::<bool>(),
            offset in 0_usize..70,
        ) {
            let array = Int64Array::from(values.clone());
            let offset = offset.min(array.len());
            let array = array.slice(offset, array.len() - offset);
            let when = masked.then(|| BooleanBuffer::from(&picked[..array.len()]));
            let live = Live::new(array.len(), when.as_ref()).with_values(&array);
            let seen: Vec<(u32, i64)> = (0_u32..)
                .zip(array.iter())
                .filter(|(row, _)| !masked || picked[*row as usize])
                .filter_map(|(row, value)| Some((row, value?)))
                .collect();
            let rows: Vec<u32> = seen.iter().map(|(row, _)| *row).collect();
            prop_assert_eq!(live.count(), seen.len());
            prop_assert_eq!(live.rows().collect::<Vec<_>>(), rows.clone());
            let bad: Vec<u32> = seen.iter().filter(|(_, v)| *v < 0).map(|(r, _)| *r).collect();
            prop_assert_eq!(live.bad(array.values(), |v| v >= 0), bad.clone());
            prop_assert_eq!(live.bad_at(|row| array.value(row) >= 0), bad.clone());
            let mut all = Vec::new();
            live.each(array.values(), |v| all.push(v));
            prop_assert_eq!(all, seen.iter().map(|(_, v)| *v).collect::<Vec<_>>());
            let extent = live.extent(array.values(), i64::MAX, i64::MIN);
            let least = seen.iter().map(|(_, v)| *v).min().unwrap_or(i64::MAX);
            let most = seen.iter().map(|(_, v)| *v).max().unwrap_or(i64::MIN);
            prop_assert_eq!(extent, (least, most, true));
            let kept = live.without(&bad);
            let kept: Vec<u32> = kept.set_indices_u32().collect();
            let good: Vec<u32> = rows.into_iter().filter(|r| !bad.contains(r)).collect();
            prop_assert_eq!(kept, good);
        }
    }
}
