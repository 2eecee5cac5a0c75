//! The rules for keys and texts: params, metrics and tags, artifact names, run names, reasons.
//!
//! An artifact name is a key inside a run and never a path on a disk; it is checked as if it were
//! one all the same, because somebody will write it to a disk one day.

use crate::{Error, Result, error::cut, limits};

/// The longest artifact name, in characters.
const ARTIFACT_LIMIT: usize = 1_000;
/// The longest value of a tag of a model or a version.
pub(crate) const REGISTRY_TAG_LIMIT: usize = 100_000;
/// The longest description of a version, and the longest reason.
pub(crate) const PROSE_LIMIT: usize = 100_000;

/// Checks the key of a param, metric or tag.
pub(crate) fn check_key(kind: &'static str, key: &str) -> Result<()> {
    let allowed = |c: char| c.is_alphanumeric() || "_/.- :".contains(c);
    let reason = if key.is_empty() {
        "it is empty"
    } else if key.len() > limits::KEY && key.chars().count() > limits::KEY {
        "it is longer than 250 characters"
    } else if !key.chars().all(allowed) {
        "only letters, digits, `_`, `/`, `.`, `-`, `:` and spaces are allowed"
    } else if key.starts_with("..") {
        "it begins with two dots"
    } else {
        match bad_segment(key) {
            Some(reason) => reason,
            None => return Ok(()),
        }
    };
    Err(invalid(kind, key, reason))
}

/// Checks the name of an artifact: plain segments between slashes.
pub(crate) fn check_artifact(name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.chars().count() > ARTIFACT_LIMIT {
        "it is longer than 1000 characters"
    } else if name.contains(['\\', ':', '%']) || name.chars().any(char::is_control) {
        "backslashes, colons, percent signs and control characters are not allowed"
    } else {
        match bad_segment(name) {
            Some(reason) => reason,
            None => return Ok(()),
        }
    };
    Err(invalid("artifact", name, reason))
}

/// Checks the length of a text.
pub(crate) fn check_length(what: impl Into<String>, text: &str, limit: usize) -> Result<()> {
    // bytes bound characters, so that an ordinary text is not counted
    if text.len() <= limit {
        return Ok(());
    }
    let length = text.chars().count();
    if length <= limit {
        return Ok(());
    }
    Err(Error::TooLong {
        what: what.into(),
        length,
        limit,
    })
}

/// Checks the name of a run: any text of one line.
pub(crate) fn check_run_name(name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(invalid("run", name, "it is empty"));
    }
    if name.chars().any(char::is_control) {
        return Err(invalid("run", name, "it holds a control character"));
    }
    check_length("the name of the run", name, limits::RUN_NAME)
}

/// The size of an artifact as the database has it.
pub(crate) fn size_of(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).expect("no slice is longer than isize::MAX")
}

fn bad_segment(path: &str) -> Option<&'static str> {
    path.split('/').find_map(|segment| match segment {
        "" => Some("a segment between slashes is empty"),
        "." | ".." => Some("`.` and `..` are not allowed as segments"),
        _ => None,
    })
}

fn invalid(kind: &'static str, key: &str, reason: &'static str) -> Error {
    Error::InvalidKey {
        kind,
        key: cut(key),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_words_between_slashes() {
        let long = "k".repeat(limits::KEY);
        for good in [
            "pr_auc",
            "train/loss",
            "précision @ k".replace('@', "at").as_str(),
            "a:b-c.d",
            &long,
        ] {
            assert!(check_key("metric", good).is_ok(), "{good}");
        }
        let long = "k".repeat(limits::KEY + 1);
        for bad in [
            "", "/a", "a/", "a//b", "..", ".", "../a", "a/../b", "a\nb", "a%2Fb", "a\\b", &long,
        ] {
            let error = check_key("metric", bad).unwrap_err();
            assert!(
                matches!(&error, Error::InvalidKey { kind: "metric", .. }),
                "{error}"
            );
        }
    }

    #[test]
    fn artifact_names_never_leave_their_run() {
        for good in ["model.json", "plots/roc.svg", "Größe é.txt"] {
            assert!(check_artifact(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../a",
            "a/../../b",
            "a/./b",
            "a//b",
            "a/",
            "C:/x",
            "a\\b",
            "%2e%2e/a",
            "a\0b",
            "file:x",
            &"a".repeat(1_001),
        ] {
            assert!(check_artifact(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!(check_length("x", &"é".repeat(10), 10).is_ok());
        let error = check_length("param `seed`", &"é".repeat(11), 10).unwrap_err();
        assert_eq!(
            error.to_string(),
            "param `seed` has 11 characters, 10 are allowed"
        );
    }
}
