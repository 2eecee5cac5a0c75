//! One line of JSON, RFC 8259, in one pass: what the schema names is found, the rest is checked and left.

use std::ops::Range;

use super::{
    super::rejection::{Fault, RejectionKind},
    paths::{Paths, Target},
    value::Found,
};

/// How deep arrays and objects may lie inside each other, the line's own object included.
const DEPTH: usize = 127;

/// What was found for each column of a schema. It is reused from line to line.
#[derive(Debug, Default)]
pub(super) struct Cells {
    cells: Vec<Cell>,
    /// Texts whose escapes were resolved.
    scratch: String,
}

#[derive(Debug, Clone, Default)]
enum Cell {
    #[default]
    Absent,
    Null,
    Bool(bool),
    Number(Range<usize>),
    Text(Range<usize>),
    Unescaped(Range<usize>),
    Nested(Range<usize>),
    /// Where an object should be that has the column, there is something else.
    Blocked(Range<usize>),
}

impl Cells {
    /// The value of a column in the line that was parsed last.
    pub(super) fn found<'a>(&'a self, column: usize, line: &'a str) -> Found<'a> {
        match &self.cells[column] {
            Cell::Absent => Found::Absent,
            Cell::Null => Found::Null,
            Cell::Bool(value) => Found::Bool(*value),
            Cell::Number(at) => Found::Number(&line[at.clone()]),
            Cell::Text(at) => Found::Text(&line[at.clone()]),
            Cell::Unescaped(at) => Found::Text(&self.scratch[at.clone()]),
            Cell::Nested(at) => Found::Nested(&line[at.clone()]),
            Cell::Blocked(at) => Found::Blocked(&line[at.clone()]),
        }
    }

    /// Parses a line that is not blank. A fault of a column comes with its number.
    pub(super) fn parse(
        &mut self,
        line: &str,
        paths: &Paths,
        columns: usize,
    ) -> Result<(), (Option<usize>, Fault)> {
        self.cells.clear();
        self.cells.resize(columns, Cell::Absent);
        self.scratch.clear();
        let mut parser = Parser {
            text: line,
            at: 0,
            depth: 0,
            paths,
            into: self,
        };
        parser.blanks();
        if parser.peek() != Some(b'{') {
            return Err(parser.flaw("an object is expected"));
        }
        parser.object(Some(0))?;
        parser.blanks();
        match parser.peek() {
            None => Ok(()),
            Some(_) => Err(parser.flaw("the line is expected to end")),
        }
    }
}

fn twice() -> Fault {
    Fault::new(RejectionKind::DuplicateKey, "its key stands there twice")
}

type Parsed<T = ()> = Result<T, (Option<usize>, Fault)>;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    paths: &'a Paths,
    into: &'a mut Cells,
}

/// A text in the line, or in the scratch where it had escapes.
enum Text {
    Plain(Range<usize>),
    Unescaped(Range<usize>),
}

impl Parser<'_> {
    fn flaw(&self, expected: &str) -> (Option<usize>, Fault) {
        let reason = format!("it is not JSON: {expected} at byte {}", self.at + 1);
        (None, Fault::new(RejectionKind::NotJson, reason))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, expected: &str) -> Parsed {
        if self.peek() != Some(byte) {
            return Err(self.flaw(expected));
        }
        self.at += 1;
        Ok(())
    }

    fn enter(&mut self) -> Parsed {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.flaw("fewer levels are expected"));
        }
        self.blanks();
        Ok(())
    }

    /// An object from its brace on, read by a node of the paths or by none.
    fn object(&mut self, node: Option<usize>) -> Parsed {
        self.enter()?;
        if self.peek() == Some(b'}') {
            self.depth -= 1;
            self.at += 1;
            return Ok(());
        }
        let (paths, text) = (self.paths, self.text.as_bytes());
        let mut entered: Vec<&Target> = Vec::new();
        loop {
            let mark = self.into.scratch.len();
            let key = match self.string()? {
                Text::Plain(at) => &text[at],
                Text::Unescaped(at) => &self.into.scratch.as_bytes()[at],
            };
            let target = node.and_then(|node| paths.target(node, key));
            self.into.scratch.truncate(mark);
            if let Some(target) = target.filter(|target| target.inner.is_some()) {
                if entered.iter().any(|before| std::ptr::eq(*before, target)) {
                    return Err((target.below.first().copied(), twice()));
                }
                entered.push(target);
            }
            self.blanks();
            self.expect(b':', "a colon is expected")?;
            self.blanks();
            self.value(target)?;
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.flaw("a comma or a brace is expected")),
            }
            self.blanks();
        }
        self.depth -= 1;
        self.at += 1;
        Ok(())
    }

    fn array(&mut self) -> Parsed {
        self.enter()?;
        if self.peek() == Some(b']') {
            self.depth -= 1;
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(None)?;
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.flaw("a comma or a bracket is expected")),
            }
            self.blanks();
        }
        self.depth -= 1;
        self.at += 1;
        Ok(())
    }

    /// A value, which is kept where a column ends.
    fn value(&mut self, target: Option<&Target>) -> Parsed {
        let start = self.at;
        let inner = target.and_then(|target| target.inner);
        let cell = match self.peek() {
            Some(b'{') => {
                self.object(inner)?;
                Cell::Nested(start..self.at)
            }
            Some(b'[') => {
                self.array()?;
                Cell::Nested(start..self.at)
            }
            Some(b'"') => {
                let mark = self.into.scratch.len();
                match self.string()? {
                    Text::Plain(at) => Cell::Text(at),
                    Text::Unescaped(at) => {
                        if target.is_none_or(|target| target.columns.is_empty()) {
                            self.into.scratch.truncate(mark);
                        }
                        Cell::Unescaped(at)
                    }
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                Cell::Number(start..self.at)
            }
            Some(b't') => self.word("true", Cell::Bool(true))?,
            Some(b'f') => self.word("false", Cell::Bool(false))?,
            Some(b'n') => self.word("null", Cell::Null)?,
            _ => return Err(self.flaw("a value is expected")),
        };
        match target {
            Some(target) => self.keep(target, &cell, start),
            None => Ok(()),
        }
    }

    /// Puts a value into the columns that end here, and a mark into those that are cut off by it.
    fn keep(&mut self, target: &Target, cell: &Cell, start: usize) -> Parsed {
        for column in &target.columns {
            let place = &mut self.into.cells[*column];
            if !matches!(place, Cell::Absent | Cell::Blocked(_)) {
                return Err((Some(*column), twice()));
            }
            *place = cell.clone();
        }
        if self.text.as_bytes()[start] == b'{' || matches!(cell, Cell::Null) {
            return Ok(());
        }
        for column in &target.below {
            let place = &mut self.into.cells[*column];
            if matches!(place, Cell::Absent) {
                *place = Cell::Blocked(start..self.at);
            }
        }
        Ok(())
    }

    fn word(&mut self, word: &str, cell: Cell) -> Parsed<Cell> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.flaw("a value is expected"));
        }
        self.at += word.len();
        Ok(cell)
    }

    fn digits(&mut self) -> Parsed {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.flaw("a digit is expected"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Parsed {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.flaw("a number without a leading zero is expected"));
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// A text from its quote on.
    fn string(&mut self) -> Parsed<Text> {
        self.expect(b'"', "a text in quotes is expected")?;
        let start = self.at;
        let mark = self.into.scratch.len();
        let mut from = start;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.into.scratch.push_str(&self.text[from..self.at]);
                    self.at += 1;
                    let character = self.escape()?;
                    self.into.scratch.push(character);
                    from = self.at;
                }
                Some(byte) if byte >= b' ' => self.at += 1,
                Some(_) => return Err(self.flaw("an escaped control character is expected")),
                None => return Err(self.flaw("a closing quote is expected")),
            }
        }
        let end = self.at;
        self.at += 1;
        if from == start {
            return Ok(Text::Plain(start..end));
        }
        self.into.scratch.push_str(&self.text[from..end]);
        Ok(Text::Unescaped(mark..self.into.scratch.len()))
    }

    /// What stands after a backslash.
    fn escape(&mut self) -> Parsed<char> {
        let byte = self.peek();
        self.at += 1;
        Ok(match byte {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let high = self.unit()?;
                let code = match high {
                    0xd800..=0xdbff => {
                        self.expect(b'\\', "the other half of a character is expected")?;
                        self.expect(b'u', "the other half of a character is expected")?;
                        let low = self.unit()?;
                        if !(0xdc00..=0xdfff).contains(&low) {
                            return Err(self.flaw("the other half of a character is expected"));
                        }
                        0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                    }
                    code => code,
                };
                let whole = char::from_u32(code);
                whole.ok_or_else(|| self.flaw("a whole character is expected"))?
            }
            _ => {
                self.at -= 1;
                return Err(self.flaw("an escape is expected"));
            }
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Parsed<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.ok_or_else(|| self.flaw("four hexadecimal digits are expected"))?;
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }
}
