//! Text on its way into HTML and SVG: escaped, measured and cut.
//!
//! Every string that a caller hands in passes through [`escape`] once, where it is written. Besides
//! the five markup characters it takes out control characters and the marks that turn the reading
//! direction round, so that a hostile category name can neither leave its cell nor disguise itself.

/// Appends formatted text to a `String`.
macro_rules! put {
    ($to:expr, $($text:tt)*) => {{
        use std::fmt::Write as _;
        $to.write_fmt(format_args!($($text)*)).expect("a string takes all text");
    }};
}
pub(crate) use put;

/// The text as it may stand between tags and inside a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || turns_direction(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Embedding, override and isolate marks of the bidirectional algorithm.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text that may hold `` `code` ``: escaped, with the quoted parts in a fixed-width face.
pub(crate) fn prose(text: &str) -> String {
    let escaped = escape(text);
    let parts: Vec<&str> = escaped.split('`').collect();
    let pairs = (parts.len() - 1) / 2;
    let mut out = String::with_capacity(escaped.len() + pairs * 13);
    for (i, part) in parts.iter().enumerate() {
        let opened = i > 0;
        match (opened, i % 2 == 1, i <= pairs * 2) {
            (true, true, true) => out.push_str("<code>"),
            (true, false, true) => out.push_str("</code>"),
            (true, _, false) => out.push('`'),
            (false, ..) => {}
        }
        out.push_str(part);
    }
    out
}

/// About how wide the text is in a wide sans-serif face, in pixels.
pub(crate) fn text_width(text: &str, font_size: f64) -> f64 {
    let ems: f64 =
        text.chars()
            .map(|c| match c {
                'i' | 'j' | 'l' | 't' | 'f' | 'r' | '.' | ',' | ':' | '|' | '\'' | ' ' | '('
                | ')' => 0.39,
                'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.97,
                c if c.is_ascii_uppercase() => 0.73,
                c if c.is_ascii() => 0.63,
                c if c < '\u{2e80}' => 0.68,
                _ => 1.05,
            })
            .sum();
    ems * font_size
}

/// The text if it fits into `room` pixels, otherwise its beginning and an ellipsis.
pub(crate) fn fit(text: &str, room: f64, font_size: f64) -> String {
    if text_width(text, font_size) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut width = font_size * 0.9;
    for c in text.chars() {
        width += text_width(c.encode_utf8(&mut [0; 4]), font_size);
        if width > room {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_disguises_do_not_get_through() {
        let cases = [
            ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
            ("\"x\" 'y'", "&quot;x&quot; &#39;y&#39;"),
            (
                "nul\0 bell\u{7} esc\u{1b}",
                "nul\u{fffd} bell\u{fffd} esc\u{fffd}",
            ),
            ("gpj\u{202e}exe", "gpj\u{fffd}exe"),
            ("Übergrößenträger 漢字", "Übergrößenträger 漢字"),
        ];
        for (text, expected) in cases {
            assert_eq!(escape(text), expected);
        }
    }

    #[test]
    fn quoted_code_is_set_apart_and_a_lone_quote_stays() {
        let cases = [
            ("plain", "plain"),
            ("psi of `x<y` rose", "psi of <code>x&lt;y</code> rose"),
            ("`a` and `b`", "<code>a</code> and <code>b</code>"),
            ("a ` b", "a ` b"),
            ("`a` b ` c", "<code>a</code> b ` c"),
            ("``", "<code></code>"),
        ];
        for (text, expected) in cases {
            assert_eq!(prose(text), expected);
        }
    }

    #[test]
    fn a_cut_text_fits_and_says_that_it_was_cut() {
        assert_eq!(fit("short", 100.0, 12.0), "short");
        let cut = fit(&"recency ".repeat(40), 80.0, 12.0);
        assert!(
            cut.ends_with('…') && text_width(&cut, 12.0) <= 92.0,
            "{cut}"
        );
        assert_eq!(fit("anything", 0.0, 12.0), "…");
    }
}
