//! Sends a leaf's rows left and right, each side in the order it was in.

use rayon::prelude::*;

/// Below this many rows one thread does it.
const SHARED: usize = 1 << 16;

/// Puts the rows that go left first and returns how many there are.
pub(crate) fn partition(
    rows: &mut [u32],
    scratch: &mut Vec<u32>,
    bytes: &[u8],
    left: &[bool; 256],
    threads: usize,
) -> usize {
    if scratch.len() < rows.len() {
        scratch.resize(rows.len(), 0);
    }
    let scratch = &mut scratch[..rows.len()];
    if threads == 1 || rows.len() < SHARED {
        let count = divide(rows, scratch, bytes, left);
        let right = rows.len() - count;
        rows[count..].copy_from_slice(&scratch[..right]);
        return count;
    }
    let size = rows.len().div_ceil(threads);
    let counts: Vec<usize> = rows
        .par_chunks_mut(size)
        .zip(scratch.par_chunks_mut(size))
        .map(|(rows, scratch)| divide(rows, scratch, bytes, left))
        .collect();
    let mut end = 0;
    for (chunk, count) in counts.iter().enumerate() {
        rows.copy_within(chunk * size..chunk * size + count, end);
        end += count;
    }
    let all = end;
    for (chunk, count) in counts.iter().enumerate() {
        let right = size.min(rows.len() - chunk * size) - count;
        rows[end..end + right].copy_from_slice(&scratch[chunk * size..chunk * size + right]);
        end += right;
    }
    all
}

/// Leaves the rows that go left at the front of `rows` and the others at the front of `scratch`.
fn divide(rows: &mut [u32], scratch: &mut [u32], bytes: &[u8], left: &[bool; 256]) -> usize {
    let (mut lefts, mut rights) = (0, 0);
    for at in 0..rows.len() {
        let row = rows[at];
        let goes_left = left[usize::from(bytes[row as usize])];
        // both are written and one counts, so that nothing is guessed about the way
        rows[lefts] = row;
        scratch[rights] = row;
        lefts += usize::from(goes_left);
        rights += usize::from(!goes_left);
    }
    lefts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_keep_their_order_for_any_number_of_threads() {
        let bytes: Vec<u8> = (0..100_003u32)
            .map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0])
            .collect();
        let mut left = [false; 256];
        left[..90].fill(true);
        let run = |threads: usize| {
            let mut rows: Vec<u32> = (0..100_003).collect();
            let count = partition(&mut rows, &mut Vec::new(), &bytes, &left, threads);
            (rows, count)
        };
        let (rows, count) = run(1);
        assert!(rows[..count].is_sorted() && rows[count..].is_sorted());
        assert!(rows[..count].iter().all(|row| bytes[*row as usize] < 90));
        assert!(rows[count..].iter().all(|row| bytes[*row as usize] >= 90));
        for threads in [2, 3, 8] {
            assert_eq!(run(threads), (rows.clone(), count));
        }
    }
}
