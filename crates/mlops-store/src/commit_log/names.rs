//! What the objects of a log are called.

/// Entries in a segment: what is sealed, and deleted, together. Part of the format.
pub(super) const SEGMENT: u64 = 256;

pub(super) const ENTRIES: &str = "log";
pub(super) const CHECKPOINTS: &str = "checkpoints";
pub(super) const SEALS: &str = "seals";
pub(super) const PROBE: &str = "probe";

/// The name of a number: greater numbers come first.
pub(super) fn name(number: u64) -> String {
    format!("{:020}", u64::MAX - number)
}

/// The number of a name, if it is one.
pub(super) fn number(name: &str) -> Option<u64> {
    if name.len() != 20 || !name.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    name.parse().ok().map(|inverted: u64| u64::MAX - inverted)
}

pub(super) fn entry(number: u64) -> String {
    format!("{ENTRIES}/{}", name(number))
}

pub(super) fn checkpoint(number: u64) -> String {
    format!("{CHECKPOINTS}/{}", name(number))
}

pub(super) fn seal(segment: u64) -> String {
    format!("{SEALS}/{}", name(segment))
}

/// The segment of an entry; entries count from 1.
pub(super) fn segment(number: u64) -> u64 {
    number.saturating_sub(1) / SEGMENT
}

/// The first entry of a segment.
pub(super) fn first_of(segment: u64) -> u64 {
    segment * SEGMENT + 1
}

/// The last entry of a segment.
pub(super) fn last_of(segment: u64) -> u64 {
    (segment + 1) * SEGMENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greater_numbers_come_first_and_names_read_back() {
        for n in [0, 1, 255, 256, 257, 1_000_000, u64::MAX - 1] {
            assert_eq!(number(&name(n)), Some(n));
            assert!(name(n) > name(n + 1));
        }
        assert_eq!(name(1), "18446744073709551614");
        for foreign in ["", "1", "18446744073709551616", "1844674407370955161x"] {
            assert_eq!(number(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_segment_begins_after_the_one_before_it() {
        for s in [0, 1, 2, 77] {
            assert_eq!(segment(first_of(s)), s);
            assert_eq!(segment(last_of(s)), s);
            assert_eq!(last_of(s) + 1, first_of(s + 1));
        }
    }
}
