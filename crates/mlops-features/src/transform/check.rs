//! Types: an expression and the columns it may read become a typed tree, or an error that names both types.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::DataType;

use super::{
    catalogue::{self, closest},
    expr::{Expr, Node},
    kind::{Cell, Kind},
    op::{Op, Order},
    special,
    typed::{Typed, What},
    user::UserFunction,
};
use crate::service::quoted;

/// The column under which the instant of the question is known.
pub(crate) const AT: &str = "@at";

/// Why an expression makes no sense, in words.
pub(crate) type Reason = String;

/// What an expression may name.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) inputs: &'a [(String, DataType)],
    pub(crate) functions: &'a BTreeMap<String, Arc<UserFunction>>,
}

/// An argument with its text, for errors.
pub(crate) struct Arg<'a> {
    pub(crate) expr: &'a Expr,
    pub(crate) typed: Typed,
}

impl Arg<'_> {
    pub(crate) fn describe(&self) -> String {
        format!("`{}` is {}", short(self.expr), self.typed.type_name())
    }
}

/// The text of an expression, cut to what an error has room for.
pub(crate) fn short(expr: &Expr) -> String {
    let text = expr.to_string();
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

impl Scope<'_> {
    /// The typed tree of an expression.
    pub(crate) fn check(&self, expr: &Expr) -> Result<Typed, Reason> {
        let typed = match expr.node() {
            Node::Null => Typed {
                kind: None,
                what: What::Constant(Cell::Null),
            },
            Node::Bool(value) => Typed::constant(Cell::Bool(*value)),
            Node::Int(value) => Typed::constant(Cell::Int(*value)),
            Node::Float(value) => Typed::constant(Cell::Float(*value)),
            Node::Text(text) => Typed::constant(Cell::Text(text.clone().into())),
            Node::Column(name) => self.column(name)?,
            Node::Broken(reason) => return Err((*reason).to_owned()),
            Node::Case(branches, otherwise) => self.case(branches, otherwise.as_ref())?,
            Node::Call(name, args) => self.call(name, self.args(args)?)?,
        };
        Ok(typed.folded())
    }

    fn args<'e>(&self, exprs: &'e [Expr]) -> Result<Vec<Arg<'e>>, Reason> {
        let mut args = Vec::with_capacity(exprs.len());
        for expr in exprs {
            // a plain loop: trees are deep, and every adapter would be one more frame
            let typed = self.check(expr)?;
            args.push(Arg { expr, typed });
        }
        Ok(args)
    }

    fn column(&self, name: &str) -> Result<Typed, Reason> {
        let found = self.inputs.iter().position(|(known, _)| known == name);
        let Some(at) = found.filter(|_| name != AT) else {
            let names = self.inputs.iter().map(|(known, _)| known.as_str());
            let names: Vec<&str> = names.filter(|known| *known != AT).collect();
            return Err(match closest(name, names.iter().copied()) {
                Some(close) => format!("there is no `{name}`; is `{close}` meant?"),
                None => format!("there is no `{name}`; there is {}", quoted(names)),
            });
        };
        let data_type = &self.inputs[at].1;
        match Kind::of_input(data_type) {
            Some(kind) => Ok(Typed::new(kind, What::Input(at))),
            None => Err(format!(
                "`{name}` is {data_type}, which expressions do not read"
            )),
        }
    }

    fn case(&self, branches: &[(Expr, Expr)], otherwise: Option<&Expr>) -> Result<Typed, Reason> {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        for (when, then) in branches {
            let typed = self.check(when)?;
            let arg = Arg { expr: when, typed };
            conditions.push(expect("if", arg, Kind::Bool)?);
            let typed = self.check(then)?;
            values.push(Arg { expr: then, typed });
        }
        if let Some(expr) = otherwise {
            let typed = self.check(expr)?;
            values.push(Arg { expr, typed });
        }
        let (kind, mut values) = common("a case", values)?;
        let last = otherwise.and_then(|_| values.pop()).map(Box::new);
        let branches = conditions.into_iter().zip(values).collect();
        Ok(Typed {
            kind,
            what: What::Case(branches, last),
        })
    }

    fn call(&self, name: &str, mut args: Vec<Arg<'_>>) -> Result<Typed, Reason> {
        if let Some(order) = Order::of(name) {
            arity(name, &args, 2..=2)?;
            let (kind, args) = common(name, args)?;
            let kind = kind.unwrap_or(Kind::Bool);
            let args = args.into_iter().map(|arg| arg.adapted(kind)).collect();
            let op = Op::Compare(order, kind);
            return Ok(Typed::new(Kind::Bool, What::Apply(op, args)));
        }
        if catalogue::overloads(name).next().is_some() {
            return overloaded(name, args);
        }
        if let Some(function) = self.functions.get(name) {
            return user(function, args);
        }
        match name {
            "and" | "or" => {
                arity(name, &args, 2..=2)?;
                let right = expect(name, args.remove(1), Kind::Bool)?.into();
                let left = expect(name, args.remove(0), Kind::Bool)?.into();
                let what = if name == "and" {
                    What::And(left, right)
                } else {
                    What::Or(left, right)
                };
                Ok(Typed::new(Kind::Bool, what))
            }
            "at" => {
                arity(name, &args, 0..=0)?;
                let found = self.inputs.iter().position(|(known, _)| known == AT);
                let at = found.ok_or("`at()` is known in a feature service only")?;
                Ok(Typed::new(Kind::Time, What::Input(at)))
            }
            _ => match special::call(name, args)? {
                Some(typed) => Ok(typed),
                None => Err(self.unknown(name)),
            },
        }
    }

    fn unknown(&self, name: &str) -> Reason {
        let own = self.functions.keys().map(String::as_str);
        let shown: String = name.chars().take(64).collect();
        let mut known: Vec<&str> = catalogue::names().collect();
        known.extend(own);
        match closest(name, known) {
            Some(close) => format!("there is no function `{shown}`; is `{close}` meant?"),
            None => format!("there is no function `{shown}`"),
        }
    }
}

/// Refuses another number of arguments.
pub(crate) fn arity(
    name: &str,
    args: &[Arg<'_>],
    takes: std::ops::RangeInclusive<usize>,
) -> Result<(), Reason> {
    if takes.contains(&args.len()) {
        return Ok(());
    }
    let takes = match (*takes.start(), *takes.end()) {
        (least, most) if least == most => least.to_string(),
        (least, usize::MAX) => format!("at least {least}"),
        (least, most) => format!("{least} to {most}"),
    };
    Err(format!(
        "`{name}` takes {takes} arguments, and has {}",
        args.len()
    ))
}

/// The argument as a kind.
pub(crate) fn expect(name: &str, arg: Arg<'_>, kind: Kind) -> Result<Typed, Reason> {
    if arg.typed.adapts(kind) {
        return Ok(arg.typed.adapted(kind));
    }
    let hint = hint(arg.typed.kind, kind);
    Err(format!(
        "`{name}` takes {}, and {}{hint}",
        kind.name(),
        arg.describe()
    ))
}

fn hint(found: Option<Kind>, wanted: Kind) -> &'static str {
    match (found, wanted) {
        (Some(Kind::Int), Kind::Float) => "; convert it with `float(…)`",
        (Some(Kind::Float), Kind::Int) => "; convert it with `int(round(…))`",
        (Some(_), Kind::Text) => "; convert it with `text(…)`",
        _ => "",
    }
}

/// The one kind of several values; `None` if all are null.
pub(crate) fn common(name: &str, args: Vec<Arg<'_>>) -> Result<(Option<Kind>, Vec<Typed>), Reason> {
    let kinds = |constants: bool| {
        let mut kinds = args
            .iter()
            .filter(move |arg| constants == arg.typed.as_constant().is_some())
            .filter_map(|arg| arg.typed.kind);
        let first = kinds.next();
        // of constants, a real one makes the whole ones real
        if constants && kinds.any(|kind| kind == Kind::Float) && first == Some(Kind::Int) {
            return Some(Kind::Float);
        }
        first
    };
    let Some(kind) = kinds(false).or_else(|| kinds(true)) else {
        return Ok((None, args.into_iter().map(|arg| arg.typed).collect()));
    };
    if let Some(other) = args.iter().find(|arg| !arg.typed.adapts(kind)) {
        let first = args
            .iter()
            .find(|arg| arg.typed.kind == Some(kind))
            .map(|arg| format!("{}, ", arg.describe()))
            .unwrap_or_default();
        let hint = match (other.typed.kind, kind) {
            (Some(Kind::Int), Kind::Float) | (Some(Kind::Float), Kind::Int) => {
                "; convert one with `float(…)`"
            }
            _ => "",
        };
        return Err(format!(
            "`{name}` takes values of one type, and {first}{}{hint}",
            other.describe()
        ));
    }
    let args = args.into_iter().map(|arg| arg.typed.adapted(kind));
    Ok((Some(kind), args.collect()))
}

fn overloaded(name: &str, args: Vec<Arg<'_>>) -> Result<Typed, Reason> {
    let fits = |exact: bool| {
        catalogue::overloads(name).find(|overload| {
            overload.takes.len() == args.len()
                && overload.takes.iter().zip(&args).all(|(kind, arg)| {
                    let same = arg.typed.kind.is_none_or(|found| found == *kind);
                    same || (!exact && arg.typed.adapts(*kind))
                })
        })
    };
    let Some(overload) = fits(true).or_else(|| fits(false)) else {
        return Err(no_overload(name, &args));
    };
    let takes = overload.takes.iter();
    let args = args.into_iter().zip(takes);
    let args = args.map(|(arg, kind)| arg.typed.adapted(*kind)).collect();
    let what = What::Apply(overload.op.clone(), args);
    Ok(Typed::new(overload.gives, what))
}

fn no_overload(name: &str, args: &[Arg<'_>]) -> Reason {
    let signatures: Vec<String> = catalogue::overloads(name)
        .map(|overload| {
            let kinds: Vec<&str> = overload.takes.iter().map(|kind| kind.name()).collect();
            format!("({})", kinds.join(", "))
        })
        .collect();
    let found: Vec<String> = args.iter().map(Arg::describe).collect();
    let found = if found.is_empty() {
        "has no arguments".to_owned()
    } else {
        found.join(" and ")
    };
    let mixed = args.iter().any(|arg| arg.typed.kind == Some(Kind::Int))
        && catalogue::overloads(name).any(|overload| {
            let mut pairs = overload.takes.iter().zip(args);
            overload.takes.len() == args.len()
                && pairs.all(|(kind, arg)| {
                    arg.typed.kind == Some(Kind::Int) && *kind == Kind::Float
                        || arg.typed.adapts(*kind)
                })
        });
    let hint = if mixed {
        "; convert with `float(…)`"
    } else {
        ""
    };
    format!(
        "`{name}` takes {}, and {found}{hint}",
        signatures.join(" or ")
    )
}

fn user(function: &Arc<UserFunction>, args: Vec<Arg<'_>>) -> Result<Typed, Reason> {
    let takes = function.takes();
    arity(function.name(), &args, takes.len()..=takes.len())?;
    let args = args.into_iter().zip(takes);
    let args = args.map(|(arg, kind)| expect(function.name(), arg, *kind));
    let args = args.collect::<Result<Vec<_>, Reason>>()?;
    let what = What::User(Arc::clone(function), args);
    Ok(Typed::new(function.gives(), what))
}
