//! Clauses of a filter: what is compared, how, and with what.

use std::fmt;

use super::pattern;

/// What a clause or an ordering looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entity {
    Attribute,
    Metric,
    Param,
    Tag,
    Dataset,
}

impl Entity {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Attribute => "attribute",
            Self::Metric => "metric",
            Self::Param => "param",
            Self::Tag => "tag",
            Self::Dataset => "dataset",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Like,
    Ilike,
    In,
    NotIn,
    IsNull,
    IsNotNull,
}

impl Comparator {
    pub(crate) const NUMERIC: [Self; 6] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessEqual,
        Self::Greater,
        Self::GreaterEqual,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Like => "LIKE",
            Self::Ilike => "ILIKE",
            Self::In => "IN",
            Self::NotIn => "NOT IN",
            Self::IsNull => "IS NULL",
            Self::IsNotNull => "IS NOT NULL",
        }
    }

    pub(crate) fn is_numeric(self) -> bool {
        Self::NUMERIC.contains(&self)
    }

    /// How a comparison of two numbers comes out; a NaN is unequal to everything and nothing else.
    pub(crate) fn compares(self, found: f64, given: f64) -> bool {
        match self {
            Self::Equal => found == given,
            Self::NotEqual => found != given,
            Self::Less => found < given,
            Self::LessEqual => found <= given,
            Self::Greater => found > given,
            Self::GreaterEqual => found >= given,
            _ => false,
        }
    }
}

impl fmt::Display for Comparator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a clause compares with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Nothing,
    Number(f64),
    Text(String),
    List(Vec<String>),
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clause {
    pub(crate) entity: Entity,
    pub(crate) key: String,
    pub(crate) comparator: Comparator,
    pub(crate) operand: Operand,
}

/// What is there to be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Found<'a> {
    Number(f64),
    Text(&'a str),
}

impl Clause {
    /// Whether what was found satisfies the clause. What is missing satisfies `IS NULL` alone.
    pub(crate) fn holds(&self, found: Option<Found<'_>>) -> bool {
        let Some(found) = found else {
            return self.comparator == Comparator::IsNull;
        };
        match (self.comparator, &self.operand, found) {
            (Comparator::IsNotNull, _, _) => true,
            (comparator, Operand::Number(given), Found::Number(found)) => {
                comparator.compares(found, *given)
            }
            // our extension: a param that is a number compares as one
            (comparator, Operand::Number(given), Found::Text(found)) => {
                number_in(found).is_some_and(|found| comparator.compares(found, *given))
            }
            (Comparator::Equal, Operand::Text(given), Found::Text(found)) => found == given,
            (Comparator::NotEqual, Operand::Text(given), Found::Text(found)) => found != given,
            (Comparator::Like, Operand::Text(given), Found::Text(found)) => {
                pattern::matches(given, found, false)
            }
            (Comparator::Ilike, Operand::Text(given), Found::Text(found)) => {
                pattern::matches(given, found, true)
            }
            (Comparator::In, Operand::List(given), Found::Text(found)) => {
                given.iter().any(|given| given == found)
            }
            (Comparator::NotIn, Operand::List(given), Found::Text(found)) => {
                !given.iter().any(|given| given == found)
            }
            _ => false,
        }
    }
}

/// The number that a param's text is, if it is one.
pub(crate) fn number_in(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// Clauses joined. MLflow's filters are one [`All`](Self::All) of clauses; the rest is ours.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
    Clause(Clause),
}

impl Tree {
    /// The tree without conditions.
    pub(crate) fn everything() -> Self {
        Self::All(Vec::new())
    }

    pub(crate) fn is_everything(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }

    /// Whether the tree holds, where `holds` answers for a clause.
    pub(crate) fn holds<E>(
        &self,
        holds: &mut impl FnMut(&Clause) -> Result<bool, E>,
    ) -> Result<bool, E> {
        Ok(match self {
            Self::Clause(clause) => holds(clause)?,
            Self::Not(inner) => !inner.holds(holds)?,
            Self::All(parts) => {
                for part in parts {
                    if !part.holds(holds)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Any(parts) => {
                for part in parts {
                    if part.holds(holds)? {
                        return Ok(true);
                    }
                }
                false
            }
        })
    }
}
