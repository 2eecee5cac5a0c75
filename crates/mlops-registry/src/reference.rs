//! References to a version: `churn@production` by alias, `churn/3` by number.

use std::{fmt, str::FromStr};

use mlops_core::{AliasName, ModelName, VersionNumber};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, error::cut};

/// Names one version of a model, for now by alias or for ever by number.
///
/// ```
/// use mlops_registry::Reference;
///
/// let reference: Reference = "churn@production".parse()?;
/// assert_eq!(reference.model().as_str(), "churn");
/// assert_eq!("churn/3".parse::<Reference>()?.to_string(), "churn/3");
/// # Ok::<(), mlops_registry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reference {
    /// The version that an alias points at when it is asked for.
    Alias(ModelName, AliasName),
    /// One version for ever.
    Version(ModelName, VersionNumber),
}

impl Reference {
    /// The model.
    pub fn model(&self) -> &ModelName {
        match self {
            Self::Alias(model, _) | Self::Version(model, _) => model,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alias(model, alias) => write!(f, "{model}@{alias}"),
            Self::Version(model, version) => write!(f, "{model}/{version}"),
        }
    }
}

impl FromStr for Reference {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let invalid = |reason: String| Error::InvalidReference {
            text: cut(text),
            reason,
        };
        let named = |error: mlops_core::Error| invalid(error.to_string());
        let Some(at) = text.find(['@', '/']) else {
            return Err(invalid(
                "`model@alias` or `model/version` is expected".into(),
            ));
        };
        let (model, rest) = (&text[..at], &text[at + 1..]);
        let model = ModelName::new(model).map_err(named)?;
        if text[at..].starts_with('@') {
            return Ok(Self::Alias(model, AliasName::new(rest).map_err(named)?));
        }
        let digits = rest.bytes().all(|b| b.is_ascii_digit()) && !rest.starts_with('0');
        match rest.parse() {
            Ok(version) if digits => Ok(Self::Version(model, version)),
            _ => Err(invalid("a version is a whole number from 1 on".into())),
        }
    }
}

impl TryFrom<String> for Reference {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_survives_its_text_and_nothing_else_passes() {
        for good in [
            "churn@production",
            "churn/3",
            "a.b-c_d@x",
            "m/4294967295",
            "chürn/3",
            "two words@x",
            "churn@1",
        ] {
            assert_eq!(good.parse::<Reference>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "churn",
            "churn@",
            "@production",
            "churn/",
            "/3",
            "churn/0",
            "churn/03",
            "churn/+3",
            "churn/-3",
            "churn/3/4",
            "churn@a@b",
            "churn@a/b",
            "churn/4294967296",
            "churn/3 ",
            "chu\"rn/3",
            " churn/3",
            "churn@a:b",
            "models:/churn/3",
        ] {
            let error = bad.parse::<Reference>().unwrap_err();
            assert!(
                matches!(&error, Error::InvalidReference { .. }),
                "{bad}: {error}"
            );
        }
    }
}
