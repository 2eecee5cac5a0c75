//! The scanner: cuts a filter into identifiers, comparators and values, as MLflow's parser does.
//!
//! What stands where decides what a quote means: before a comparator it quotes a key, behind one a
//! value. Nothing is unescaped inside a value; that is how MLflow's clients write them.

use super::clause::Comparator;

/// Reads a text from the left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// A value as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal<'a> {
    /// A number, as text.
    Number(&'a str),
    /// A text with its quotes.
    Quoted(&'a str),
    /// A bare word or one in backticks, which most searches refuse.
    Word(&'a str),
    List(Vec<String>),
}

type Scanned<T> = Result<T, String>;

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn skip_blanks(&mut self) {
        self.take_while(char::is_whitespace);
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// Takes a character if it comes next.
    pub(crate) fn take(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Takes a word in any case, if it comes next and ends there.
    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let before = self.at;
        if self.take_while(is_word).eq_ignore_ascii_case(word) {
            return true;
        }
        self.at = before;
        false
    }

    /// Takes an identifier: `entity.key` or a bare key, either part quoted or not.
    pub(crate) fn identifier(&mut self) -> Scanned<&'a str> {
        let start = self.at;
        loop {
            match self.peek() {
                // a single quote quotes a key, but begins no identifier
                Some(quote @ ('`' | '"')) => self.quoted(quote)?,
                Some('\'') if self.at > start => self.quoted('\'')?,
                Some(c) if is_word(c) && (self.at > start || !c.is_ascii_digit()) => {
                    self.take_while(is_word);
                }
                _ => return Err(format!("an identifier is expected at {}", self.here())),
            }
            if !self.take('.') {
                break;
            }
        }
        Ok(&self.text[start..self.at])
    }

    fn quoted(&mut self, quote: char) -> Scanned<()> {
        self.at += quote.len_utf8();
        match self.rest().find(quote) {
            Some(end) => {
                self.at += end + quote.len_utf8();
                Ok(())
            }
            None => Err(format!("a {quote} is not closed")),
        }
    }

    /// Takes a comparator.
    pub(crate) fn comparator(&mut self) -> Scanned<Comparator> {
        self.skip_blanks();
        let symbols = self.take_while(|c| "<>=!~".contains(c));
        if !symbols.is_empty() {
            return Comparator::NUMERIC
                .into_iter()
                .find(|known| known.as_str() == symbols)
                .ok_or_else(|| format!("`{symbols}` is no comparator"));
        }
        if self.take_word("LIKE") {
            return Ok(Comparator::Like);
        }
        if self.take_word("ILIKE") {
            return Ok(Comparator::Ilike);
        }
        if self.take_word("IN") {
            return Ok(Comparator::In);
        }
        let here = self.here();
        if self.take_word("NOT") {
            self.skip_blanks();
            if self.take_word("IN") {
                return Ok(Comparator::NotIn);
            }
        } else if self.take_word("IS") {
            self.skip_blanks();
            let not = self.take_word("NOT");
            self.skip_blanks();
            if self.take_word("NULL") {
                return Ok(if not {
                    Comparator::IsNotNull
                } else {
                    Comparator::IsNull
                });
            }
        }
        Err(format!("a comparator is expected at {here}"))
    }

    /// Takes a value.
    pub(crate) fn value(&mut self) -> Scanned<Literal<'a>> {
        self.skip_blanks();
        let start = self.at;
        match self.peek() {
            Some(quote @ ('\'' | '"')) => {
                self.at = string_end(self.text, start, quote)
                    .ok_or_else(|| format!("a {quote} is not closed"))?;
                Ok(Literal::Quoted(&self.text[start..self.at]))
            }
            Some('`') => {
                self.quoted('`')?;
                Ok(Literal::Word(&self.text[start..self.at]))
            }
            Some('(') => self.list(),
            Some(c) if c.is_ascii_digit() || c == '-' || c == '.' => {
                self.at += number_length(self.rest());
                let number = &self.text[start..self.at];
                let ends = self.peek().is_none_or(|c| !is_word(c) && c != '.');
                if ends && number.parse::<f64>().is_ok() {
                    return Ok(Literal::Number(number));
                }
                Err(format!("`{}` is no number", head(&self.text[start..])))
            }
            Some(c) if is_word(c) => Ok(Literal::Word(self.take_while(|c| is_word(c) || c == '.'))),
            _ => Err(format!("a value is expected at {}", self.here())),
        }
    }

    fn list(&mut self) -> Scanned<Literal<'a>> {
        let wrong = || "a list holds texts in quotes between commas, at least one".to_owned();
        self.take('(');
        let mut items = Vec::new();
        loop {
            self.skip_blanks();
            if !items.is_empty() && self.take(')') {
                return Ok(Literal::List(items));
            }
            let quote = self
                .peek()
                .filter(|c| "'\"".contains(*c))
                .ok_or_else(wrong)?;
            items.push(self.list_item(quote).ok_or_else(wrong)?);
            self.skip_blanks();
            if !self.take(',') {
                return if self.take(')') {
                    Ok(Literal::List(items))
                } else {
                    Err(wrong())
                };
            }
        }
    }

    /// Lists are Python's: a backslash escapes a quote or itself.
    fn list_item(&mut self, quote: char) -> Option<String> {
        self.take(quote);
        let mut item = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.at += at + quote.len_utf8();
                return Some(item);
            }
            if c != '\\' {
                item.push(c);
                continue;
            }
            match chars.next()?.1 {
                'n' => item.push('\n'),
                't' => item.push('\t'),
                'r' => item.push('\r'),
                escaped @ ('\\' | '\'' | '"') => item.push(escaped),
                other => item.extend(['\\', other]),
            }
        }
        None
    }

    fn here(&self) -> String {
        if self.is_at_end() {
            "the end".into()
        } else {
            format!("`{}`", head(self.rest()))
        }
    }
}

/// Where a text in quotes ends: at the first quote that is neither doubled nor behind a backslash, or
/// at the last one if there is none such.
fn string_end(text: &str, start: usize, quote: char) -> Option<usize> {
    let mut last = None;
    let mut chars = text[start + 1..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = start + 1 + at + c.len_utf8();
        if c == quote {
            last = Some(end);
            if chars.next_if(|(_, next)| *next == quote).is_none() {
                return last;
            }
        } else if c == '\\'
            && let Some((at, _)) = chars.next_if(|(_, next)| *next == quote)
        {
            last = Some(start + 1 + at + quote.len_utf8());
        }
    }
    last
}

/// The length of a number at the head of a text: sign, digits, point, digits, exponent.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut at = digits(usize::from(bytes.first() == Some(&b'-')));
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let end = digits(at + 1 + sign);
        if end > at + 1 + sign {
            at = end;
        }
    }
    at
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || "_$#@".contains(c)
}

fn head(text: &str) -> String {
    text.chars().take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_what_is_between_their_quotes() {
        for (text, expected) in [
            ("'a'", Literal::Quoted("'a'")),
            ("'it''s' AND", Literal::Quoted("'it''s'")),
            (r"'it\'s'", Literal::Quoted(r"'it\'s'")),
            (r"'C:\' AND x", Literal::Quoted(r"'C:\'")),
            (r#""a'b""#, Literal::Quoted(r#""a'b""#)),
            ("-1.5e-3 AND", Literal::Number("-1.5e-3")),
            (".5", Literal::Number(".5")),
            ("1.", Literal::Number("1.")),
            ("`x`", Literal::Word("`x`")),
            (
                r#"('a', "b's",)"#,
                Literal::List(vec!["a".into(), "b's".into()]),
            ),
        ] {
            assert_eq!(Scanner::new(text).value(), Ok(expected), "{text}");
        }
        for bad in [
            "",
            "'a",
            "()",
            "('a'",
            "(1)",
            "('a' 'b')",
            "+1",
            "1_0",
            "0x1",
            "-",
            ".",
        ] {
            assert!(Scanner::new(bad).value().is_err(), "{bad}");
        }
    }
}
