//! Percent-encoding, as `file://` URLs and the names of partition directories use it.

use std::borrow::Cow;

/// Decodes `%20` and the like; `None` if a `%` is not followed by two hexadecimal digits, or if the result
/// is not UTF-8. A plus sign stays one.
///
/// # Complexity
/// Linear in the length; nothing is copied if there is nothing to decode.
///
/// ```
/// use mlops_store::percent_decode;
///
/// assert_eq!(percent_decode("United%20Kingdom").as_deref(), Some("United Kingdom"));
/// assert_eq!(percent_decode("caf%C3%A9").as_deref(), Some("café"));
/// assert_eq!(percent_decode("100%"), None);
/// ```
pub fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let [high, low, tail @ ..] = tail else {
            return None;
        };
        bytes.push(digit(*high)? << 4 | digit(*low)?);
        rest = tail;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn digit(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_an_encoding_is_refused() {
        for bad in ["%", "%2", "%zz", "a%+1", "%ff", "%C3%28"] {
            assert_eq!(percent_decode(bad), None, "{bad}");
        }
        assert_eq!(percent_decode("a+b%2B").as_deref(), Some("a+b+"));
        assert_eq!(percent_decode("%e2%82%AC").as_deref(), Some("€"));
    }
}
