//! Numbers as people read them, the same text on every machine.
//!
//! Thousands are grouped by commas, small numbers keep four significant digits, very small and very
//! large ones use an exponent. Nothing depends on a locale.

/// A number with about four significant digits.
///
/// ```
/// use mlops_report::format::number;
///
/// assert_eq!(number(541_909.0), "541,909");
/// assert_eq!(number(0.712_345), "0.7123");
/// assert_eq!(number(1.23e-7), "1.23e-7");
/// assert_eq!(number(f64::NAN), "NaN");
/// ```
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() || value == 0.0 {
        return special(value);
    }
    if !(1e-4..1e15).contains(&size) {
        return format!("{value:.2e}")
            .replace(".00e", "e")
            .replace("0e", "e");
    }
    if size >= 1e4 || (value.fract() == 0.0 && size >= 1.0) {
        return fixed(value, 0);
    }
    let whole_digits = size.log10().floor().max(-4.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies in 0..=7"
    )]
    let decimals = (3.0 - whole_digits).max(0.0) as usize;
    let text = fixed(value, decimals);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A number with exactly `decimals` digits after the point, for columns that are to line up.
///
/// ```
/// assert_eq!(mlops_report::format::fixed(-1234.5, 2), "-1,234.50");
/// ```
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return special(value);
    }
    let text = format!("{:.*}", decimals.min(17), value.abs());
    let negative = value < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::from(if negative { "-" } else { "" });
    out.push_str(&group(whole));
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A count with grouped thousands.
///
/// ```
/// assert_eq!(mlops_report::format::count(1_067_371), "1,067,371");
/// ```
pub fn count(value: u64) -> String {
    group(&value.to_string())
}

/// A fraction of one as a percentage with one decimal.
///
/// ```
/// assert_eq!(mlops_report::format::percent(0.2468), "24.7 %");
/// ```
pub fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{} %", fixed(share * 100.0, 1))
    } else {
        special(share)
    }
}

/// A length of time in seconds, with the unit that suits it.
///
/// ```
/// use mlops_report::format::seconds;
///
/// assert_eq!(seconds(0.000_012), "12 µs");
/// assert_eq!(seconds(2.5), "2.5 s");
/// assert_eq!(seconds(150.0), "2 min 30 s");
/// ```
pub fn seconds(value: f64) -> String {
    match value {
        v if !v.is_finite() || v < 0.0 => number(v),
        0.0 => "0 s".to_owned(),
        v if v < 1e-3 => format!("{} µs", short(v * 1e6)),
        v if v < 1.0 => format!("{} ms", short(v * 1e3)),
        v if v < 120.0 => format!("{} s", short(v)),
        v => {
            let whole = v.round();
            format!(
                "{} min {} s",
                fixed((whole / 60.0).floor(), 0),
                fixed(whole % 60.0, 0)
            )
        }
    }
}

fn short(value: f64) -> String {
    let text = fixed(value, usize::from(value < 10.0));
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn special(value: f64) -> String {
    match value {
        v if v.is_nan() => "NaN",
        f64::INFINITY => "∞",
        f64::NEG_INFINITY => "-∞",
        _ => "0",
    }
    .to_owned()
}

fn group(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_keep_their_size() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-3.0, "-3"),
            (0.5, "0.5"),
            (1.0 / 3.0, "0.3333"),
            (0.000_123_46, "0.0001235"),
            (12.345_67, "12.35"),
            (999.96, "1,000"),
            (1234.56, "1,235"),
            (-98_765.4, "-98,765"),
            (2e15, "2e15"),
            (1.5e20, "1.5e20"),
            (-4.56e-9, "-4.56e-9"),
            (f64::INFINITY, "∞"),
            (f64::NEG_INFINITY, "-∞"),
        ];
        for (value, expected) in cases {
            assert_eq!(number(value), expected, "{value}");
        }
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(percent(f64::NAN), "NaN");
        assert_eq!(seconds(119.6), "120 s");
        assert_eq!(seconds(-1.0), "-1");
    }
}
