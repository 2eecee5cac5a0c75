//! The stored form of an expression: its text, with a version in front.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

use super::{Expr, expr::Node};

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    expression: String,
}

impl Serialize for Expr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut broken = None;
        self.visit(&mut |node| {
            if let Node::Broken(reason) = node {
                broken = Some(*reason);
            }
        });
        if let Some(reason) = broken {
            return Err(S::Error::custom(format!(
                "the expression is broken: {reason}"
            )));
        }
        let stored = Stored {
            version: VERSION,
            expression: self.to_string(),
        };
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        if stored.version != VERSION {
            return Err(D::Error::custom(format!(
                "expression version {} is not known; this library reads version {VERSION}",
                stored.version
            )));
        }
        Self::parse(&stored.expression).map_err(D::Error::custom)
    }
}
