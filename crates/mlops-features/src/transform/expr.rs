//! The expression itself: a small tree without types, as it is written, built or stored.
//!
//! Every tree is bounded while it is built: one that would be too deep or too large becomes a broken one,
//! and the error shows when it is compiled. So no walk over a tree can exhaust the stack.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use mlops_core::{Digest, EventTime};

use super::{lex, parse, print};
use crate::{Error, Feature, Result};

/// The deepest that calls and operators can nest.
pub(crate) const MAX_DEPTH: usize = 100;
/// The most nodes of one expression.
pub(crate) const MAX_NODES: usize = 4_096;
/// The most bytes of an expression's text.
pub(crate) const MAX_LENGTH: usize = 64 << 10;

/// A pure function of one row's columns: of features, request data, keys and the instant of the question.
///
/// It is built from [`col`] and [`lit`] with operators and methods, or read from text; both give the same
/// tree, and what is printed reads back as the same expression. Types are checked when a
/// [`FeatureService`](crate::FeatureService) is built or a [`Program`](super::Program) is compiled.
///
/// ```
/// use mlops_features::transform::{Expr, col};
///
/// let built = (col("amount_sum_30d") / col("amount_count_30d")).fill_null(0.0);
/// let read: Expr = "coalesce(amount_sum_30d / amount_count_30d, 0.0)".parse()?;
/// assert_eq!(built, read);
/// assert_eq!(built.digest(), read.digest());
/// let error = "amount_sum_30d / )".parse::<Expr>().unwrap_err();
/// assert_eq!(error.to_string(), "the expression breaks at character 18: a value is expected, not `)`");
/// # Ok::<(), mlops_features::Error>(())
/// ```
///
/// Its JSON form is `{"version":1,"expression":"…"}` with that text, so that there is one reader to trust.
#[derive(Clone)]
#[must_use = "an expression does nothing until it is compiled"]
pub struct Expr {
    node: Arc<Node>,
    depth: u16,
    nodes: u16,
    bytes: u32,
}

/// One node of an expression.
#[derive(Debug)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Column(String),
    Call(Cow<'static, str>, Vec<Expr>),
    Case(Vec<(Expr, Expr)>, Option<Expr>),
    /// What could not be built, with the reason.
    Broken(&'static str),
}

/// A column by name: a feature, a request column, an earlier transform or a key column.
pub fn col(name: impl Into<String>) -> Expr {
    Expr::leaf(Node::Column(name.into()))
}

/// A constant.
pub fn lit(value: impl Into<Expr>) -> Expr {
    value.into()
}

/// The null that takes the type of its place.
pub fn null() -> Expr {
    Expr::leaf(Node::Null)
}

/// The instant of the question: the spine row's event time offline, the time of the read online.
pub fn at() -> Expr {
    call("at", [])
}

/// A call of a function by name, of one's own [`UserFunction`](super::UserFunction) for instance.
///
/// A name is a plain word in lower case; `if` is [`when`] and `fill_null` is `coalesce`.
pub fn call(name: impl Into<Cow<'static, str>>, args: impl IntoIterator<Item = Expr>) -> Expr {
    let name = name.into();
    let args: Vec<Expr> = args.into_iter().collect();
    match (&*name, args.len()) {
        ("if", 3) => {
            let [condition, then, otherwise] =
                <[Expr; 3]>::try_from(args).expect("three were counted");
            case([(condition, then)], Some(otherwise))
        }
        ("if", _) => Expr::broken("`if` takes a condition and two values"),
        ("fill_null", _) => Expr::branch(Node::Call("coalesce".into(), args)),
        ("not", 1) | ("in", 2..) => Expr::branch(Node::Call(name, args)),
        (operator, 2) if print::binary_level(operator).is_some() => {
            Expr::branch(Node::Call(name, args))
        }
        (word, _) if lex::is_plain(word) && !word.bytes().any(|b| b.is_ascii_uppercase()) => {
            Expr::branch(Node::Call(name, args))
        }
        ("in", 1) => Expr::broken("a list of nothing is never met"),
        _ => Expr::broken("a function is called by a plain word in lower case"),
    }
}

/// `then` where the condition is true, `otherwise` where it is false or null; the other is not computed.
pub fn when(condition: Expr, then: impl Into<Expr>, otherwise: impl Into<Expr>) -> Expr {
    case([(condition, then.into())], Some(otherwise.into()))
}

/// The value of the first branch whose condition is true, else `otherwise`, else null.
pub fn case(branches: impl IntoIterator<Item = (Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
    let branches: Vec<_> = branches.into_iter().collect();
    if branches.is_empty() {
        return Expr::broken("a case has no branch");
    }
    Expr::branch(Node::Case(branches, otherwise))
}

impl Expr {
    fn leaf(node: Node) -> Self {
        // an upper bound of what is printed, so that what is printed can be read
        let bytes = match &node {
            Node::Column(name) if name.is_empty() => return Self::broken("a column has no name"),
            Node::Text(text) => quoted(text, '\''),
            Node::Column(name) => quoted(name, '"'),
            Node::Int(value) => value.to_string().len(),
            Node::Float(value) => format!("{value:?}").len(),
            _ => 5,
        };
        Self::bounded(node, 1, 1, bytes)
    }

    fn branch(node: Node) -> Self {
        let (mut depth, mut nodes, mut bytes) = (0, 1_usize, 4_usize);
        // around a child: parentheses and a comma, or a word of a case
        let around = if matches!(node, Node::Case(..)) { 8 } else { 4 };
        let mut broken = None;
        let mut add = |child: &Self| {
            depth = depth.max(usize::from(child.depth));
            nodes += usize::from(child.nodes);
            bytes += child.bytes as usize + around;
            if let Node::Broken(reason) = child.node() {
                broken = broken.or(Some(*reason));
            }
        };
        match &node {
            Node::Call(name, args) => {
                args.iter().for_each(&mut add);
                bytes += name.len();
            }
            Node::Case(branches, otherwise) => {
                for (condition, value) in branches {
                    add(condition);
                    add(value);
                }
                otherwise.iter().for_each(&mut add);
                bytes += 12;
            }
            _ => {}
        }
        match broken {
            Some(reason) => Self::broken(reason),
            None => Self::bounded(node, depth + 1, nodes, bytes),
        }
    }

    fn broken(reason: &'static str) -> Self {
        Self {
            node: Arc::new(Node::Broken(reason)),
            depth: 1,
            nodes: 1,
            bytes: 2,
        }
    }

    fn bounded(node: Node, depth: usize, nodes: usize, bytes: usize) -> Self {
        let broken = if depth > MAX_DEPTH {
            Some("it nests more than 100 deep")
        } else if nodes > MAX_NODES {
            Some("it has more than 4096 parts")
        } else if bytes > MAX_LENGTH {
            Some("it is longer than 65536 bytes")
        } else {
            None
        };
        match broken {
            Some(reason) => Self::broken(reason),
            None => Self {
                node: Arc::new(node),
                depth: u16::try_from(depth).expect("at most MAX_DEPTH"),
                nodes: u16::try_from(nodes).expect("at most MAX_NODES"),
                bytes: u32::try_from(bytes).expect("at most MAX_LENGTH"),
            },
        }
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// Reads the text form; see the [module](crate::transform) for its grammar.
    ///
    /// # Errors
    /// [`Error::ExpressionSyntax`] with the character at which it breaks, and what was expected there.
    pub fn parse(text: &str) -> Result<Self> {
        parse::expression(text)
    }

    /// The identity of the expression as such: of its text. What it reads is part of the identity of a
    /// [`Transform`](super::Transform).
    pub fn digest(&self) -> Digest {
        Digest::of_json(&("expression", 1, self.to_string()))
    }

    /// The columns that it reads, each once, in order of first use.
    pub fn columns(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.visit(&mut |node| {
            if let Node::Column(name) = node
                && !found.contains(&name.as_str())
            {
                found.push(name.as_str());
            }
        });
        found
    }

    /// Every node, parents before children, in order.
    pub(crate) fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Node)) {
        see(&self.node);
        match &*self.node {
            Node::Call(_, args) => args.iter().for_each(|arg| arg.visit(see)),
            Node::Case(branches, otherwise) => {
                for (condition, value) in branches {
                    condition.visit(see);
                    value.visit(see);
                }
                if let Some(value) = otherwise {
                    value.visit(see);
                }
            }
            _ => {}
        }
    }
}

fn quoted(text: &str, mark: char) -> usize {
    text.len() + text.matches(mark).count() + 2
}

impl fmt::Display for Expr {
    /// The text form, with no more parentheses than it needs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::expression(f, self)
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expr({self})")
    }
}

impl PartialEq for Expr {
    /// Whether both are the same text, so that NaN is itself and `0.0` is not `-0.0`.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.node, &other.node) || self.to_string() == other.to_string()
    }
}

impl Eq for Expr {}

impl FromStr for Expr {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl From<bool> for Expr {
    fn from(value: bool) -> Self {
        Self::leaf(Node::Bool(value))
    }
}

impl From<i64> for Expr {
    fn from(value: i64) -> Self {
        Self::leaf(Node::Int(value))
    }
}

impl From<f64> for Expr {
    fn from(value: f64) -> Self {
        Self::leaf(Node::Float(value))
    }
}

impl From<&str> for Expr {
    /// A constant text; an expression is read by [`Expr::parse`].
    fn from(value: &str) -> Self {
        Self::from(value.to_owned())
    }
}

impl From<String> for Expr {
    fn from(value: String) -> Self {
        Self::leaf(Node::Text(value))
    }
}

impl From<EventTime> for Expr {
    fn from(value: EventTime) -> Self {
        call("time", [Self::from(value.to_string())])
    }
}

impl From<&Feature> for Expr {
    /// The feature's column.
    fn from(feature: &Feature) -> Self {
        col(feature.name().as_str())
    }
}
