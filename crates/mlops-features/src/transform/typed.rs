//! The expression with types: every name resolved, every type agreed on.

use std::sync::Arc;

use super::{
    kind::{Cell, Kind},
    op::Op,
    user::UserFunction,
};

/// One node of the typed tree.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    /// What it holds; `None` for a null that no place has given a type yet.
    pub(crate) kind: Option<Kind>,
    pub(crate) what: What,
}

/// What a node does.
#[derive(Debug, Clone)]
pub(crate) enum What {
    Constant(Cell<'static>),
    Input(usize),
    /// Null if an argument is.
    Apply(Op, Vec<Typed>),
    IsNull(Box<Typed>),
    And(Box<Typed>, Box<Typed>),
    Or(Box<Typed>, Box<Typed>),
    /// The first argument that is not null; later ones are not computed.
    Coalesce(Vec<Typed>),
    Case(Vec<(Typed, Typed)>, Option<Box<Typed>>),
    /// Null where the comparison holds, else the first.
    NullIf(Op, Box<Typed>, Box<Typed>),
    /// An operation of two from left to right, which passes over nulls.
    Reduce(Op, Vec<Typed>),
    /// The same, null if an argument is.
    Chain(Op, Vec<Typed>),
    User(Arc<UserFunction>, Vec<Typed>),
}

impl Typed {
    pub(crate) fn new(kind: Kind, what: What) -> Self {
        Self {
            kind: Some(kind),
            what,
        }
    }

    pub(crate) fn constant(cell: Cell<'static>) -> Self {
        Self {
            kind: cell.kind(),
            what: What::Constant(cell),
        }
    }

    pub(crate) fn as_constant(&self) -> Option<&Cell<'static>> {
        match &self.what {
            What::Constant(cell) => Some(cell),
            _ => None,
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        self.kind.map_or("Null", Kind::name)
    }

    /// The same value where a kind is asked for: a null takes it, and a whole constant becomes a real one.
    pub(crate) fn adapted(mut self, to: Kind) -> Self {
        if let What::Constant(cell) = &mut self.what {
            match cell {
                Cell::Null => self.kind = Some(to),
                Cell::Int(value) if to == Kind::Float && value.unsigned_abs() <= 1 << 53 => {
                    *cell = Cell::Float(*value as f64);
                    self.kind = Some(to);
                }
                _ => {}
            }
        }
        self
    }

    /// Whether [`adapted`](Self::adapted) gives that kind.
    pub(crate) fn adapts(&self, to: Kind) -> bool {
        match (&self.what, self.kind) {
            (_, Some(kind)) if kind == to => true,
            (_, None) => true,
            (What::Constant(Cell::Int(value)), _) => {
                to == Kind::Float && value.unsigned_abs() <= 1 << 53
            }
            _ => false,
        }
    }

    /// The arguments, in the order in which they are computed.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match &self.what {
            What::Constant(_) | What::Input(_) => Vec::new(),
            What::Apply(_, args)
            | What::Coalesce(args)
            | What::Reduce(_, args)
            | What::Chain(_, args)
            | What::User(_, args) => args.iter().collect(),
            What::IsNull(arg) => vec![arg],
            What::And(a, b) | What::Or(a, b) | What::NullIf(_, a, b) => vec![a, b],
            What::Case(branches, otherwise) => {
                let pairs = branches.iter().flat_map(|(when, then)| [when, then]);
                pairs.chain(otherwise.as_deref()).collect()
            }
        }
    }
}
