//! Checked names: of views, features, models, aliases.
//!
//! The rule for most: it begins with a letter or an underscore, goes on with letters, digits, `_`,
//! `-` or `.`, and has at most 128 characters, all ASCII. Such a name is safe in a URL, a column, a
//! metric label and a message, and two names never look alike.
//!
//! Models and aliases are named by people who come from other registries, so their rules are wider. A model's
//! name may hold blanks and any letters; it is kept in Unicode's form NFC, and what could mean something to a
//! URL, a path, a label or a terminal is refused. An alias has letters and digits of any script, `_`, `-` and `.`.
//! Two such names may look alike: [`ModelName::folded`] says which.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::{Error, Result};

const MAX_LENGTH: usize = 128;

fn check(kind: &'static str, name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_LENGTH {
        "it is longer than 128 characters"
    } else if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        "it must begin with a letter or an underscore"
    } else if !name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    {
        "only letters, digits, `_`, `-` and `.` are allowed"
    } else {
        return Ok(());
    };
    Err(invalid(kind, name, reason))
}

/// The longest name of a model, in bytes of UTF-8.
const MODEL_BYTES: usize = 256;
/// The longest alias, in characters.
const ALIAS_LENGTH: usize = 255;

fn ascii(kind: &'static str, name: String) -> Result<String> {
    check(kind, &name).map(|()| name)
}

fn composed(name: String) -> String {
    if is_nfc(&name) {
        name
    } else {
        name.nfc().collect()
    }
}

/// Whether a character shows nothing, or turns the direction of the text around it.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn wide(kind: &'static str, name: String) -> Result<String> {
    // looked at before the name is composed, so that no text is worked on for long
    let long = name.len() > 4 * MODEL_BYTES;
    let name = if long { name } else { composed(name) };
    let reason = if name.is_empty() {
        "it is empty"
    } else if long || name.len() > MODEL_BYTES {
        "it is longer than 256 bytes"
    } else if name.trim() != name {
        "it begins or ends with a blank"
    } else if name == "." || name == ".." {
        "it means a directory"
    } else if name.contains(['/', ':', '%', '@', '\\', '"', '\'', '`']) {
        "slashes, colons, percent signs, at signs and quotes are not allowed"
    } else if name.chars().any(char::is_control) {
        "it holds a control character"
    } else if name.chars().any(is_hidden) {
        "it holds a character that cannot be seen"
    } else {
        return Ok(name);
    };
    Err(invalid(kind, &name, reason))
}

fn word(kind: &'static str, name: String) -> Result<String> {
    let long = name.len() > 16 * ALIAS_LENGTH;
    let name = if long { name } else { composed(name) };
    let reason = if name.is_empty() {
        "it is empty"
    } else if long || name.chars().count() > ALIAS_LENGTH {
        "it is longer than 255 characters"
    } else if name.starts_with('.') {
        "it begins with a dot"
    } else if !name
        .chars()
        .all(|c| c.is_alphanumeric() || "_-.".contains(c))
    {
        "only letters, digits, `_`, `-` and `.` are allowed"
    } else {
        return Ok(name);
    };
    Err(invalid(kind, &name, reason))
}

fn invalid(kind: &'static str, name: &str, reason: &'static str) -> Error {
    Error::InvalidName {
        kind,
        name: name.chars().take(MAX_LENGTH).collect(),
        reason,
    }
}

impl ModelName {
    /// The name without what people overlook: case, width and ligatures. Two models whose names fold to one
    /// text would be taken for each other.
    ///
    /// ```
    /// use mlops_core::ModelName;
    ///
    /// assert_eq!(ModelName::new("Großer Plan")?.folded(), ModelName::new("GROSSER plan")?.folded());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn folded(&self) -> String {
        if self.0.is_ascii() {
            return self.0.to_ascii_lowercase();
        }
        let plain: String = self.0.nfkc().collect();
        caseless::default_case_fold_str(&plain).nfkc().collect()
    }
}

macro_rules! name {
    ($(#[doc = $doc:literal] $type:ident = $kind:literal by $rule:ident;)*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Checks and takes the name.
            ///
            /// # Errors
            /// [`Error::InvalidName`] if it breaks the rule of this module.
            pub fn new(name: impl Into<String>) -> Result<Self> {
                $rule($kind, name.into()).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = Error;
            fn from_str(name: &str) -> Result<Self> {
                Self::new(name)
            }
        }

        impl TryFrom<&str> for $type {
            type Error = Error;
            fn try_from(name: &str) -> Result<Self> {
                Self::new(name)
            }
        }

        impl TryFrom<String> for $type {
            type Error = Error;
            fn try_from(name: String) -> Result<Self> {
                Self::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }
    )*};
}

name! {
    /// The name of an entity, for instance `customer`.
    EntityName = "entity" by ascii;
    /// The name of a feature view, for instance `purchase`.
    ViewName = "feature view" by ascii;
    /// The name of a feature inside a view or a training set, for instance `amount_sum_30d`.
    FeatureName = "feature" by ascii;
    /// The name of a feature service: a group of features that a model uses.
    ServiceName = "feature service" by ascii;
    /// The name of a registered model.
    ModelName = "model" by wide;
    /// The name of an alias that points at one version of a model, for instance `production`.
    AliasName = "alias" by word;
    /// The name of a pipeline step.
    StepName = "step" by ascii;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_the_rule() {
        for good in ["a", "_x", "amount_sum_30d", "a.b-c", &"x".repeat(128)] {
            assert!(ViewName::new(good).is_ok(), "{good}");
            assert!(ModelName::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "1a",
            "a b",
            "a/b",
            "a%2F",
            "ä",
            "-a",
            "..",
            &"x".repeat(129),
        ] {
            assert!(ViewName::new(bad).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<ViewName>("\"a b\"").is_err());
    }
    #[test]
    fn a_models_name_is_any_text_that_no_url_path_label_or_terminal_reads_otherwise() {
        for good in [
            "a b",
            "1a",
            "-a",
            "Preis Modell Nord",
            "模型",
            "modèle",
            "a.b, (c) & d?#",
            &"x".repeat(256),
        ] {
            assert_eq!(ModelName::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            " ",
            " a",
            "a ",
            "a\u{a0}",
            ".",
            "..",
            "a/b",
            "a:b",
            "a%2Fb",
            "a@b",
            "a\\b",
            "a\"b",
            "a'b",
            "a`b",
            "a\nb",
            "a\0b",
            "a\u{202e}b",
            "a\u{200b}b",
            "a\u{feff}",
            &"x".repeat(257),
            &"é".repeat(129),
            &"e\u{301}".repeat(100_000),
        ] {
            assert!(ModelName::new(bad).is_err(), "{bad:.40}");
        }
    }

    #[test]
    fn twins_fold_to_one_text_and_one_name_has_one_form() {
        assert_eq!(
            ModelName::new("cafe\u{301}").unwrap(),
            ModelName::new("caf\u{e9}").unwrap()
        );
        let folded = |name: &str| ModelName::new(name).unwrap().folded();
        for (one, two) in [
            ("Churn", "cHURN"),
            ("Straße", "STRASSE"),
            ("ｃｈｕｒｎ", "churn"),
            ("ﬁnal", "FINAL"),
        ] {
            assert_eq!(folded(one), folded(two));
        }
        assert_ne!(folded("churn"), folded("churns"));
    }

    #[test]
    fn an_alias_is_a_word() {
        for good in [
            "production",
            "1",
            "-x",
            "v",
            "größte",
            "a.b",
            &"x".repeat(255),
        ] {
            assert!(AliasName::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".a", "a b", "a/b", "a@b", "a%", "a:b", &"x".repeat(256)] {
            assert!(AliasName::new(bad).is_err(), "{bad}");
        }
    }
}
