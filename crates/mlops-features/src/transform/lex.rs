//! The words of the text form, each with the place where it begins.

/// Words that are no column unless they are quoted.
const RESERVED: [&str; 18] = [
    "and", "or", "not", "in", "is", "between", "null", "true", "false", "nan", "inf", "case",
    "when", "then", "else", "end", "cast", "as",
];

/// One word of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token<'a> {
    /// A name, or a reserved word in lower case.
    Word(&'a str),
    Reserved(&'static str),
    /// A column in double quotes.
    Quoted(String),
    Text(String),
    /// Digits without a point or an exponent; with a sign it may still fit.
    Int(u64),
    Float(f64),
    Mark(&'static str),
    End,
}

impl std::fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = |text: &str| text.chars().take(40).collect::<String>();
        match self {
            Self::Word(word) => write!(f, "`{}`", short(word)),
            Self::Reserved(word) => write!(f, "`{word}`"),
            Self::Quoted(name) => write!(f, "column \"{}\"", short(name)),
            Self::Text(text) => write!(f, "text '{}'", short(text)),
            Self::Int(value) => write!(f, "`{value}`"),
            Self::Float(value) => write!(f, "`{value:?}`"),
            Self::Mark(mark) => write!(f, "`{mark}`"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// Whether a column of this name needs no quotes.
pub(crate) fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && reserved(name).is_none()
}

fn reserved(word: &str) -> Option<&'static str> {
    RESERVED
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(word))
}

/// Where a text breaks, as a byte of it, and why. It is small, for it passes through every level of the parser.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) place: usize,
    pub(crate) reason: String,
}

fn broken<T>(place: usize, reason: impl Into<String>) -> Result<T, Broken> {
    let reason = reason.into();
    Err(Broken { place, reason })
}

/// Cuts the text into words; the last is [`Token::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<(usize, Token<'_>)>, Broken> {
    let mut found = Vec::new();
    let mut place = 0;
    loop {
        let rest = &text[place..];
        let trimmed = rest.trim_start();
        place += rest.len() - trimmed.len();
        let Some(first) = trimmed.chars().next() else {
            found.push((place, Token::End));
            return Ok(found);
        };
        let (token, length) = match first {
            'a'..='z' | 'A'..='Z' | '_' => word(trimmed),
            '0'..='9' => number(place, trimmed)?,
            '\'' | '"' => quoted(place, trimmed, first)?,
            _ => {
                let Some(mark) = mark(trimmed) else {
                    let first = first.escape_debug();
                    return broken(place, format!("`{first}` has no meaning here"));
                };
                mark
            }
        };
        found.push((place, token));
        place += length;
    }
}

fn word(rest: &str) -> (Token<'_>, usize) {
    let length = rest
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
        .count();
    let word = &rest[..length];
    (
        reserved(word).map_or(Token::Word(word), Token::Reserved),
        length,
    )
}

fn number(place: usize, rest: &str) -> Result<(Token<'_>, usize), Broken> {
    let bytes = rest.as_bytes();
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let mut end = digits(0);
    let mut whole = true;
    if bytes.get(end) == Some(&b'.') {
        whole = false;
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let from = end + 1 + sign;
        if digits(from) == from {
            return broken(place, "a number breaks off at its exponent");
        }
        whole = false;
        end = digits(from);
    }
    if bytes
        .get(end)
        .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
    {
        return broken(place, "a number runs into a name");
    }
    let token = if whole {
        let value = rest[..end].parse().ok();
        value.filter(|value| *value <= 1 << 63).map(Token::Int)
    } else {
        let value: Option<f64> = rest[..end].parse().ok();
        value.filter(|value| value.is_finite()).map(Token::Float)
    };
    match token {
        Some(token) => Ok((token, end)),
        None => broken(place, "a number does not fit 64 bits"),
    }
}

fn quoted(place: usize, rest: &str, mark: char) -> Result<(Token<'_>, usize), Broken> {
    let mut value = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != mark {
            value.push(c);
        } else if chars.next_if(|(_, next)| *next == mark).is_some() {
            value.push(mark);
        } else if mark == '\'' {
            return Ok((Token::Text(value), at + 1));
        } else {
            return Ok((Token::Quoted(value), at + 1));
        }
    }
    broken(place, format!("a `{mark}` is never closed"))
}

fn mark(rest: &str) -> Option<(Token<'static>, usize)> {
    const MARKS: [(&str, &str); 16] = [
        ("<=", "<="),
        (">=", ">="),
        ("!=", "!="),
        ("<>", "!="),
        ("==", "="),
        ("=", "="),
        ("<", "<"),
        (">", ">"),
        ("+", "+"),
        ("-", "-"),
        ("*", "*"),
        ("/", "/"),
        ("%", "%"),
        ("(", "("),
        (")", ")"),
        (",", ","),
    ];
    let (written, meant) = MARKS
        .into_iter()
        .find(|(written, _)| rest.starts_with(written))?;
    Some((Token::Mark(meant), written.len()))
}
