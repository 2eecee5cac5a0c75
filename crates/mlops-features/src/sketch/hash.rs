//! The hash under the sketches: 64 bits, the same for ever, not for secrets.
//!
//! Words are folded in by a 128-bit product whose halves are combined (as in wyhash), then finished as
//! MurmurHash3 finishes 64 bits. A text is its UTF-8 in words of 8 bytes, little endian, the last one
//! filled with zeros, and its length. Stored sketches depend on it: it never changes within a version.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the two halves of a product"
)]

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const FOLD: u64 = 0xd6e8_feb8_6659_fd93;

fn fold(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word) * u128::from(FOLD);
    (product as u64) ^ ((product >> 64) as u64) ^ word.rotate_left(29)
}

fn finish(mut state: u64) -> u64 {
    state ^= state >> 33;
    state = state.wrapping_mul(0xff51_afd7_ed55_8ccd);
    state ^= state >> 33;
    state = state.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    state ^ (state >> 33)
}

/// The hash of a whole number, of a real's canonical bits or of a truth value.
pub(crate) fn hash_word(word: u64) -> u64 {
    finish(fold(SEED, word))
}

/// The hash of a text.
pub(crate) fn hash_text(text: &str) -> u64 {
    let mut state = SEED;
    for chunk in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = fold(state, u64::from_le_bytes(word));
    }
    finish(fold(state, text.len() as u64 ^ FOLD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_frozen() {
        let words = [0, 1, u64::MAX].map(hash_word);
        let texts = ["", "a", "12345678", "123456789"].map(hash_text);
        assert_eq!(words, FROZEN_WORDS);
        assert_eq!(texts, FROZEN_TEXTS);
    }

    const FROZEN_WORDS: [u64; 3] = [
        0xfadc_70aa_ed5a_e68f,
        0x2b17_6dde_e633_6bbd,
        0x8a29_2fdb_a69f_003b,
    ];
    const FROZEN_TEXTS: [u64; 4] = [
        0xa9f4_719a_ad49_a43b,
        0x864a_0737_a8ed_4ecc,
        0x8643_f947_a1f5_2af0,
        0x58e9_6f44_1ac2_8284,
    ];

    #[test]
    fn each_bit_of_the_input_flips_half_of_the_output() {
        for bit in 0..64 {
            let flips: u32 = (0..256_u64)
                .map(|i| i.wrapping_mul(0x1234_5678_9abc_def1))
                .map(|word| (hash_word(word) ^ hash_word(word ^ (1 << bit))).count_ones())
                .sum();
            assert!((28 * 256..36 * 256).contains(&flips), "bit {bit}: {flips}");
        }
    }
}
