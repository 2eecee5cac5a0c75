//! The few bytes of an encrypted Parquet file that no key protects, checked to be the only ones that a writer puts
//! there.
//!
//! ```text
//! PARE ‖ body ‖ 1c 1c 28 08 ‖ file id (8) ‖ 11 00 00 18 ‖ length, name of the footer's key ‖ 00
//!      ‖ length of the encrypted footer (4) ‖ encrypted footer ‖ length of all since the body (4) ‖ PARE
//! ```
//!
//! The file id is authenticated with every module, and another key name names another key. All else is fixed, so
//! that a change of any bit shows.

/// The first and last four bytes.
const MAGIC: &[u8; 4] = b"PARE";
/// Algorithm AES-GCM, then a file id of eight bytes.
const BEFORE_ID: [u8; 4] = [0x1c, 0x1c, 0x28, 0x08];
/// The file's identity is to be supplied, end of the algorithm, then a text.
const AFTER_ID: [u8; 4] = [0x11, 0x00, 0x00, 0x18];
const ID: usize = 8;

/// All that stands before the footer, if the frame is as it must be.
pub(super) fn body(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_suffix(MAGIC)?;
    let (rest, length) = rest.split_last_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (body, footer) = rest.split_at_checked(rest.len().checked_sub(length)?)?;
    let footer = footer.strip_prefix(&BEFORE_ID)?.get(ID..)?;
    let footer = text(footer.strip_prefix(&AFTER_ID)?)?;
    let footer = footer.strip_prefix(&[0])?;
    let (length, footer) = footer.split_first_chunk::<4>()?;
    let fits = usize::try_from(u32::from_le_bytes(*length)).ok()? == footer.len();
    (fits && body.starts_with(MAGIC)).then_some(body)
}

/// What follows a text of at most 255 bytes, whose length is a variable-length number in its shortest form.
fn text(bytes: &[u8]) -> Option<&[u8]> {
    let (low, rest) = bytes.split_first()?;
    let (length, rest) = match (low & 0x80, rest) {
        // 128 and what the lower seven bits say is what all eight say
        (0, rest) | (_, [1, rest @ ..]) => (usize::from(*low), rest),
        _ => return None,
    };
    rest.get(length..)
}
