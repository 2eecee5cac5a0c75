//! One cell of text to one typed value, or the reason why not.
//!
//! Numbers and booleans ignore ASCII blanks around them. Nothing is guessed: a number has no thousands
//! separator, no unit and no decimal comma.

use super::rejection::{Fault, RejectionKind};

/// A whole number; a fraction of nothing but zeros is allowed, as in `17850.0`.
pub(super) fn int(cell: &[u8]) -> Result<i64, Fault> {
    let text = cell.trim_ascii();
    let (negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (whole, fraction) = match unsigned.iter().position(|byte| *byte == b'.') {
        Some(at) => (&unsigned[..at], &unsigned[at + 1..]),
        None => (unsigned, &[][..]),
    };
    if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(not_whole_number(text));
    }
    if fraction.iter().any(|digit| *digit != b'0') {
        return Err(Fault::new(
            RejectionKind::NotWhole,
            "it is not a whole number",
        ));
    }
    // counted downwards, because there is one more negative number than positive ones
    let sum = whole.iter().try_fold(0_i64, |sum, digit| {
        sum.checked_mul(10)?.checked_sub(i64::from(digit - b'0'))
    });
    let value = if negative {
        sum
    } else {
        sum.and_then(i64::checked_neg)
    };
    value.ok_or_else(|| Fault::new(RejectionKind::OutOfRange, "it does not fit 64 bits"))
}

/// Tells a number that is not plainly written from a text that is none.
fn not_whole_number(text: &[u8]) -> Fault {
    let number = std::str::from_utf8(text)
        .ok()
        .and_then(|t| t.parse::<f64>().ok());
    match number {
        Some(value) if !value.is_finite() => not_finite(),
        Some(_) => Fault::new(
            RejectionKind::NotWhole,
            "it is not written as a whole number",
        ),
        None => Fault::new(RejectionKind::NotNumber, "it is not a whole number"),
    }
}

/// A finite number, or NaN where the text says so.
pub(super) fn float(cell: &[u8]) -> Result<f64, Fault> {
    let text = cell.trim_ascii();
    let number = std::str::from_utf8(text)
        .ok()
        .and_then(|t| t.parse::<f64>().ok());
    match number {
        Some(value) if value.is_infinite() => Err(not_finite()),
        Some(value) => Ok(value),
        None => Err(Fault::new(RejectionKind::NotNumber, "it is not a number")),
    }
}

pub(super) fn not_finite() -> Fault {
    Fault::new(
        RejectionKind::NotFinite,
        "it is not finite, or too large for a 64-bit float",
    )
}

/// True or false in one of five spellings.
pub(super) fn boolean(cell: &[u8]) -> Result<bool, Fault> {
    let text = cell.trim_ascii();
    let is = |words: [&[u8]; 5]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is([b"true", b"1", b"yes", b"t", b"y"]) {
        Ok(true)
    } else if is([b"false", b"0", b"no", b"f", b"n"]) {
        Ok(false)
    } else {
        Err(Fault::new(
            RejectionKind::NotBool,
            "it is neither true nor false",
        ))
    }
}

/// UTF-8.
pub(super) fn text(cell: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(cell).map_err(|e| {
        let reason = format!("it is not UTF-8 from byte {} on", e.valid_up_to());
        Fault::new(RejectionKind::NotUtf8, reason)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_numbers() {
        let good = [
            ("17850", 17_850),
            ("17850.0", 17_850),
            (" +1.000 ", 1),
            ("-0", 0),
            ("-9223372036854775808", i64::MIN),
            ("9223372036854775807.", i64::MAX),
        ];
        for (text, value) in good {
            assert_eq!(int(text.as_bytes()), Ok(value), "{text}");
        }
        let bad = [
            ("17850.5", RejectionKind::NotWhole),
            ("1e3", RejectionKind::NotWhole),
            (".5", RejectionKind::NotWhole),
            ("9223372036854775808", RejectionKind::OutOfRange),
            ("nan", RejectionKind::NotFinite),
            ("1,000", RejectionKind::NotNumber),
            ("--1", RejectionKind::NotNumber),
            ("-", RejectionKind::NotNumber),
            ("٣", RejectionKind::NotNumber),
        ];
        for (text, kind) in bad {
            assert_eq!(int(text.as_bytes()).unwrap_err().kind, kind, "{text}");
        }
    }

    #[test]
    fn real_numbers_and_booleans() {
        assert_eq!(float(b" 2.55 "), Ok(2.55));
        assert!(float(b"NaN").unwrap().is_nan());
        for (text, kind) in [
            ("inf", RejectionKind::NotFinite),
            ("1e999", RejectionKind::NotFinite),
            ("2,55", RejectionKind::NotNumber),
            ("£2", RejectionKind::NotNumber),
        ] {
            assert_eq!(float(text.as_bytes()).unwrap_err().kind, kind, "{text}");
        }
        assert_eq!((boolean(b"Yes"), boolean(b" 0 ")), (Ok(true), Ok(false)));
        assert_eq!(boolean(b"2").unwrap_err().kind, RejectionKind::NotBool);
        assert_eq!(
            text(b"caf\xe9").unwrap_err().reason,
            "it is not UTF-8 from byte 3 on"
        );
    }

    proptest! {
        #[test]
        fn a_whole_number_reads_as_the_standard_library_reads_it(text in "[+-]?[0-9]{1,20}") {
            prop_assert_eq!(int(text.as_bytes()).ok(), text.parse::<i64>().ok());
            let with_zeros = format!("{text}.00");
            prop_assert_eq!(int(with_zeros.as_bytes()).ok(), text.parse::<i64>().ok());
        }
    }
}
