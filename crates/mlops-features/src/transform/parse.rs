//! The text form, read by precedence: `or`, `and`, `not`, comparisons, `+ -`, `* / %`, the sign.

use super::{
    expr::{Expr, MAX_DEPTH, MAX_LENGTH, Node, call, case, col, lit, null},
    lex::{Broken, Token, tokens},
    print::{binary_level, level},
};
use crate::Error;

type Result<T, E = Broken> = std::result::Result<T, E>;

/// A right operand in parentheses is two levels of reading and one of the tree.
const MAX_NESTING: usize = 2 * MAX_DEPTH + 1;

struct Parser<'a> {
    tokens: Vec<(usize, Token<'a>)>,
    at: usize,
    depth: usize,
}

/// Reads one expression.
pub(crate) fn expression(text: &str) -> Result<Expr, Error> {
    read(text).map_err(|Broken { place, reason }| Error::ExpressionSyntax {
        position: text[..place].chars().count() + 1,
        reason,
    })
}

fn read(text: &str) -> Result<Expr> {
    if text.len() > MAX_LENGTH {
        return Err(Broken {
            place: 0,
            reason: format!("it has {} bytes, and {MAX_LENGTH} are allowed", text.len()),
        });
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    let expr = parser.level(level::OR)?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &Token<'a> {
        &self.tokens[self.at].1
    }

    fn next(&mut self) -> Token<'a> {
        let token = self.peek().clone();
        // the end is never passed
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn error(&self, reason: impl Into<String>) -> Broken {
        Broken {
            place: self.tokens[self.at].0,
            reason: reason.into(),
        }
    }

    fn unexpected(&self, wanted: &str) -> Broken {
        self.error(format!("{wanted} is expected, not {}", self.peek()))
    }

    fn eats(&mut self, token: &Token<'_>) -> bool {
        let same = self.peek() == token;
        if same {
            self.next();
        }
        same
    }

    fn mark(&mut self, mark: &'static str) -> Result<()> {
        if self.eats(&Token::Mark(mark)) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{mark}`")))
    }

    fn word(&mut self, word: &'static str) -> Result<()> {
        if self.eats(&Token::Reserved(word)) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{word}`")))
    }

    /// The tree so far, or the error of what has grown too large.
    fn grown(&self, expr: Expr) -> Result<Expr> {
        match expr.node() {
            Node::Broken(reason) => Err(self.error(*reason)),
            _ => Ok(expr),
        }
    }

    /// An operand of operators that bind at least so tightly, with all of them.
    fn level(&mut self, least: u8) -> Result<Expr> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(self.error(format!("it nests more than {MAX_DEPTH} deep")));
        }
        let expr = self.operators(least);
        self.depth -= 1;
        expr
    }

    fn operators(&mut self, least: u8) -> Result<Expr> {
        let mut left = match self.peek() {
            Token::Reserved("not") if least <= level::NOT => {
                self.next();
                let inner = self.level(level::NOT)?;
                self.grown(!inner)?
            }
            Token::Mark("-") if least <= level::SIGN => self.sign()?,
            _ => self.atom()?,
        };
        let mut compared = false;
        loop {
            let name = match self.peek() {
                Token::Mark(mark) => *mark,
                Token::Reserved(word @ ("and" | "or")) => *word,
                Token::Reserved("is" | "in" | "between" | "not") => {
                    if least > level::COMPARE {
                        return Ok(left);
                    }
                    if compared {
                        return Err(self.error("comparisons do not chain; use parentheses"));
                    }
                    left = self.test(left)?;
                    compared = true;
                    continue;
                }
                _ => return Ok(left),
            };
            let Some(at) = binary_level(name).filter(|at| *at >= least) else {
                return Ok(left);
            };
            if at == level::COMPARE && compared {
                return Err(self.error("comparisons do not chain; use parentheses"));
            }
            compared = at == level::COMPARE;
            self.next();
            let right = self.level(at + 1)?;
            left = self.grown(call(name, [left, right]))?;
        }
    }

    /// `is [not] null`, `[not] in (…)`, `[not] between … and …`.
    fn test(&mut self, value: Expr) -> Result<Expr> {
        if self.eats(&Token::Reserved("is")) {
            let negated = self.eats(&Token::Reserved("not"));
            self.word("null")?;
            let test = value.is_null();
            return self.grown(if negated { !test } else { test });
        }
        let negated = self.eats(&Token::Reserved("not"));
        let test = if self.eats(&Token::Reserved("in")) {
            self.mark("(")?;
            let list = self.list()?;
            value.in_list(list)
        } else if self.eats(&Token::Reserved("between")) {
            let low = self.level(level::SUM)?;
            self.word("and")?;
            let high = self.level(level::SUM)?;
            value.between(low, high)
        } else {
            return Err(self.unexpected("`in` or `between`"));
        };
        self.grown(if negated { !test } else { test })
    }

    fn sign(&mut self) -> Result<Expr> {
        self.next();
        match *self.peek() {
            Token::Int(value) => {
                self.next();
                Ok(lit(0_i64.wrapping_sub_unsigned(value)))
            }
            Token::Float(value) => {
                self.next();
                Ok(lit(-value))
            }
            Token::Reserved("inf") => {
                self.next();
                Ok(lit(f64::NEG_INFINITY))
            }
            _ => {
                let inner = self.level(level::SIGN)?;
                self.grown(-inner)
            }
        }
    }

    fn atom(&mut self) -> Result<Expr> {
        let token = self.peek().clone();
        if let Token::Int(value) = token {
            let value = i64::try_from(value);
            let value = value.map_err(|_| self.error("a number does not fit 64 bits"))?;
            self.next();
            return Ok(lit(value));
        }
        let expr = match token {
            Token::Float(value) => lit(value),
            Token::Text(text) => lit(text),
            Token::Quoted(name) if !name.is_empty() => col(name),
            Token::Reserved("null") => null(),
            Token::Reserved("true") => lit(true),
            Token::Reserved("false") => lit(false),
            Token::Reserved("nan") => lit(f64::NAN),
            Token::Reserved("inf") => lit(f64::INFINITY),
            Token::Reserved("case") => return self.case(),
            Token::Reserved("cast") => return self.cast(),
            Token::Mark("(") => {
                self.next();
                let inner = self.level(level::OR)?;
                self.mark(")")?;
                return Ok(inner);
            }
            Token::Word(name) => {
                self.next();
                if !self.eats(&Token::Mark("(")) {
                    return self.grown(col(name));
                }
                let args = self.list()?;
                return self.grown(call(name.to_ascii_lowercase(), args));
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.next();
        self.grown(expr)
    }

    /// Expressions up to the closing parenthesis.
    fn list(&mut self) -> Result<Vec<Expr>> {
        let mut list = Vec::new();
        if self.eats(&Token::Mark(")")) {
            return Ok(list);
        }
        loop {
            list.push(self.level(level::OR)?);
            if self.eats(&Token::Mark(")")) {
                return Ok(list);
            }
            if !self.eats(&Token::Mark(",")) {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
    }

    fn case(&mut self) -> Result<Expr> {
        self.word("case")?;
        let mut branches = Vec::new();
        while self.eats(&Token::Reserved("when")) {
            let condition = self.level(level::OR)?;
            self.word("then")?;
            branches.push((condition, self.level(level::OR)?));
        }
        if branches.is_empty() {
            return Err(self.unexpected("`when`"));
        }
        let otherwise = if self.eats(&Token::Reserved("else")) {
            Some(self.level(level::OR)?)
        } else {
            None
        };
        self.word("end")?;
        self.grown(case(branches, otherwise))
    }

    /// `cast(x as int)`, which is `int(x)`.
    fn cast(&mut self) -> Result<Expr> {
        self.word("cast")?;
        self.mark("(")?;
        let value = self.level(level::OR)?;
        self.word("as")?;
        let name = match self.peek() {
            Token::Word(name) => name.to_ascii_lowercase(),
            _ => String::new(),
        };
        if !["int", "float", "text", "bool", "time"].contains(&&*name) {
            return Err(self.unexpected("`int`, `float`, `text`, `bool` or `time`"));
        }
        self.next();
        self.mark(")")?;
        self.grown(call(name, [value]))
    }
}
