//! Expressions as text; what is printed parses back to the same tree.

use std::fmt::{Formatter, Result, Write};

use super::{
    expr::{Expr, Node},
    lex,
};

/// How tightly an operator binds.
pub(crate) mod level {
    pub(crate) const OR: u8 = 1;
    pub(crate) const AND: u8 = 2;
    pub(crate) const NOT: u8 = 3;
    pub(crate) const COMPARE: u8 = 4;
    pub(crate) const SUM: u8 = 5;
    pub(crate) const PRODUCT: u8 = 6;
    pub(crate) const SIGN: u8 = 7;
    pub(crate) const ATOM: u8 = 8;
}

/// The level of a binary operator, or none if the name is not one.
pub(crate) fn binary_level(name: &str) -> Option<u8> {
    Some(match name {
        "or" => level::OR,
        "and" => level::AND,
        "=" | "!=" | "<" | "<=" | ">" | ">=" => level::COMPARE,
        "+" | "-" => level::SUM,
        "*" | "/" | "%" => level::PRODUCT,
        _ => return None,
    })
}

fn level_of(node: &Node) -> u8 {
    match node {
        Node::Call(name, args) => match (&**name, args.len()) {
            ("neg", 1) => level::SIGN,
            ("not", 1) => level::NOT,
            ("in", 2..) => level::COMPARE,
            (name, 2) => binary_level(name).unwrap_or(level::ATOM),
            _ => level::ATOM,
        },
        _ => level::ATOM,
    }
}

pub(crate) fn expression(f: &mut Formatter<'_>, expr: &Expr) -> Result {
    match expr.node() {
        Node::Null => f.write_str("null"),
        Node::Bool(value) => write!(f, "{value}"),
        Node::Int(value) => write!(f, "{value}"),
        Node::Float(value) if value.is_nan() => f.write_str("nan"),
        Node::Float(value) => write!(f, "{value:?}"),
        Node::Text(text) => quote(f, text, '\''),
        Node::Column(name) if lex::is_plain(name) => f.write_str(name),
        Node::Column(name) => quote(f, name, '"'),
        Node::Broken(reason) => write!(f, "<{reason}>"),
        Node::Case(branches, otherwise) => cases(f, branches, otherwise.as_ref()),
        Node::Call(name, args) => match (level_of(expr.node()), args.as_slice()) {
            (level::SIGN, [arg]) => {
                // a sign before digits would belong to the number
                let number = matches!(arg.node(), Node::Int(_) | Node::Float(_));
                let least = if number { u8::MAX } else { level::SIGN };
                f.write_char('-')?;
                inner(f, arg, least)
            }
            (level::NOT, [arg]) => {
                f.write_str("not ")?;
                inner(f, arg, level::NOT)
            }
            (level::COMPARE, [value, list @ ..]) if name == "in" => {
                inner(f, value, level::SUM)?;
                f.write_str(" in ")?;
                arguments(f, list)
            }
            (at, [left, right]) if at != level::ATOM => {
                // equal levels group to the left; comparisons do not chain
                let left_at = at + u8::from(at == level::COMPARE);
                inner(f, left, left_at)?;
                write!(f, " {name} ")?;
                inner(f, right, at + 1)
            }
            (_, args) => {
                f.write_str(name)?;
                arguments(f, args)
            }
        },
    }
}

fn inner(f: &mut Formatter<'_>, expr: &Expr, least: u8) -> Result {
    if level_of(expr.node()) >= least {
        return expression(f, expr);
    }
    f.write_char('(')?;
    expression(f, expr)?;
    f.write_char(')')
}

fn arguments(f: &mut Formatter<'_>, args: &[Expr]) -> Result {
    f.write_char('(')?;
    for (i, arg) in args.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        expression(f, arg)?;
    }
    f.write_char(')')
}

fn cases(f: &mut Formatter<'_>, branches: &[(Expr, Expr)], otherwise: Option<&Expr>) -> Result {
    if let ([(condition, then)], Some(otherwise)) = (branches, otherwise) {
        f.write_str("if(")?;
        expression(f, condition)?;
        f.write_str(", ")?;
        expression(f, then)?;
        f.write_str(", ")?;
        expression(f, otherwise)?;
        return f.write_char(')');
    }
    f.write_str("case")?;
    for (condition, then) in branches {
        f.write_str(" when ")?;
        expression(f, condition)?;
        f.write_str(" then ")?;
        expression(f, then)?;
    }
    if let Some(otherwise) = otherwise {
        f.write_str(" else ")?;
        expression(f, otherwise)?;
    }
    f.write_str(" end")
}

fn quote(f: &mut Formatter<'_>, text: &str, mark: char) -> Result {
    f.write_char(mark)?;
    for c in text.chars() {
        if c == mark {
            f.write_char(mark)?;
        }
        f.write_char(c)?;
    }
    f.write_char(mark)
}
