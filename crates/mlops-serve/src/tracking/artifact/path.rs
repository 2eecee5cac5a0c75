//! From the path of a request to whose artifact it is.
//!
//! ```text
//! 3/5f…e1/artifacts/plots/roc.png          run 5f…e1 of experiment 3, plots/roc.png
//! 3/models/m-5f…e1/artifacts/model.onnx    logged model m-5f…e1 of experiment 3, model.onnx
//! registered-models/churn/7/artifacts/a    version 7 of the registered model churn, a
//! ```
//!
//! Names of registered models may hold what a path may not: what is no letter, digit, `-`, `_` or `.` stands there as
//! `~` and two hexadecimal digits a byte, and in no other way.
//!
//! The path was percent-decoded once before it came here and is not again: what still holds a `%` is refused,
//! as is every piece that a file system somewhere might take for more than a name. Nothing here is
//! normalised, so that no second reading can differ from the first.

use std::fmt::Write;

use mlops_core::{ModelName, VersionNumber};

use crate::tracking::failure::{Failure, Outcome};

/// Where the paths of versions begin; no experiment is called so, since those are numbers.
const VERSIONS: &str = "registered-models";
/// The longest path, in bytes.
const PATH_BYTES: usize = 2048;
/// The longest piece of a path, in bytes, as most file systems have it.
const PIECE_BYTES: usize = 255;

/// Whose artifact it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Owner {
    Run(String),
    LoggedModel(String),
    /// A version of a registered model, whose content was kept when it was registered.
    Version(ModelName, VersionNumber),
}

/// Where a version's content is, for `mlflow-artifacts:/`.
pub(in super::super) fn path_of_version(model: &ModelName, version: VersionNumber) -> String {
    format!("{VERSIONS}/{}/{version}/artifacts", escape(model.as_str()))
}

fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if plain || (byte == b'.' && at > 0) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "~{byte:02x}");
        }
    }
    escaped
}

fn unescape(escaped: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'~' {
            let (digits, after) = after.split_at_checked(2)?;
            let digits = str::from_utf8(digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    let name = String::from_utf8(bytes).ok()?;
    (escape(&name) == escaped).then_some(name)
}

/// Where an artifact is, as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct ArtifactPlace {
    /// The experiment that the path claims; the owner's own counts.
    pub(in super::super) experiment: String,
    pub(in super::super) owner: Owner,
    /// The path below the owner; empty for all that they have.
    pub(in super::super) path: String,
}

impl ArtifactPlace {
    /// Reads a path that was decoded once.
    pub(in super::super) fn parse(path: &str) -> Outcome<Self> {
        if let Some(rest) = path
            .strip_prefix(VERSIONS)
            .and_then(|rest| rest.strip_prefix('/'))
        {
            return Self::of_version(rest);
        }
        let pieces = check(path)?;
        let (experiment, owner, rest) = match pieces.as_slice() {
            [experiment, "models", id, "artifacts", rest @ ..] => {
                (experiment, Owner::LoggedModel((*id).to_owned()), rest)
            }
            [experiment, id, "artifacts", rest @ ..] => {
                (experiment, Owner::Run((*id).to_owned()), rest)
            }
            _ => {
                return Err(Failure::not_found(
                    "There are no artifacts at this path: it names no run and no logged model",
                ));
            }
        };
        Ok(Self {
            experiment: (*experiment).to_owned(),
            owner,
            path: rest.join("/"),
        })
    }

    fn of_version(path: &str) -> Outcome<Self> {
        let nothing = || Failure::not_found("There is no version of a model at this path");
        let (model, rest) = path.split_once('/').ok_or_else(nothing)?;
        let model = unescape(model).ok_or_else(nothing)?;
        let pieces = check(rest)?;
        let [version, "artifacts", rest @ ..] = pieces.as_slice() else {
            return Err(nothing());
        };
        let number: VersionNumber = version.parse().map_err(|_| nothing())?;
        if number.to_string() != *version {
            return Err(nothing());
        }
        let model = ModelName::new(model).map_err(|_| nothing())?;
        Ok(Self {
            experiment: VERSIONS.to_owned(),
            owner: Owner::Version(model, number),
            path: rest.join("/"),
        })
    }
}

/// Checks a path below an owner; an empty one is all that they have.
pub(in super::super) fn check_below(path: &str) -> Outcome<()> {
    if path.is_empty() {
        return Ok(());
    }
    check(path).map(drop)
}

fn check(path: &str) -> Outcome<Vec<&str>> {
    let invalid = |reason: &str| Failure::invalid(format!("Invalid path: {reason}"));
    if path.len() > PATH_BYTES {
        return Err(invalid("it is longer than 2048 bytes"));
    }
    let pieces: Vec<&str> = path.split('/').collect();
    for piece in &pieces {
        let reason = match *piece {
            "" => "it holds an empty piece",
            "." | ".." => "it holds `.` or `..`",
            piece if piece.len() > PIECE_BYTES => "a piece is longer than 255 bytes",
            piece if piece.contains(['\\', ':', '%']) => "it holds a backslash, a colon or `%`",
            piece if piece.chars().any(char::is_control) => "it holds a control character",
            _ => continue,
        };
        return Err(invalid(reason));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_run_or_a_logged_model() {
        let place = |experiment: &str, owner, path: &str| ArtifactPlace {
            experiment: experiment.into(),
            owner,
            path: path.into(),
        };
        let cases = [
            (
                "3/5fe1/artifacts/plots/roc.png",
                place("3", Owner::Run("5fe1".into()), "plots/roc.png"),
            ),
            (
                "3/5fe1/artifacts",
                place("3", Owner::Run("5fe1".into()), ""),
            ),
            (
                "3/models/m-5fe1/artifacts/a b",
                place("3", Owner::LoggedModel("m-5fe1".into()), "a b"),
            ),
            (
                "3/5fe1/artifacts/artifacts",
                place("3", Owner::Run("5fe1".into()), "artifacts"),
            ),
        ];
        for (path, expect) in cases {
            assert_eq!(ArtifactPlace::parse(path), Ok(expect), "{path}");
        }
        for path in ["3", "3/5fe1", "3/5fe1/plots/a", "x"] {
            assert_eq!(
                ArtifactPlace::parse(path).unwrap_err().code.status(),
                404,
                "{path}"
            );
        }
    }

    #[test]
    fn a_path_of_a_version_is_one_text_for_each_and_read_back() {
        let long = "ä".repeat(120);
        for name in [
            "churn",
            "linear model",
            "a.b",
            ".x",
            "~7e",
            "models",
            "Ünï",
            &long,
        ] {
            let name = ModelName::new(name).unwrap();
            let path = path_of_version(&name, 7);
            let place = ArtifactPlace::parse(&format!("{path}/a/b")).unwrap();
            assert_eq!(place.owner, Owner::Version(name, 7), "{path}");
            assert_eq!(place.path, "a/b");
            assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
        }
        assert_eq!(
            path_of_version(&ModelName::new("linear model").unwrap(), 12),
            "registered-models/linear~20model/12/artifacts"
        );
        for path in [
            "churn",
            "churn/1",
            "churn/1/files/a",
            "churn/x/artifacts",
            "churn/01/artifacts",
            "churn/-1/artifacts",
            "~63hurn/1/artifacts",
            "a~2Fb/1/artifacts",
            "a~2fb/1/artifacts",
            "~zz/1/artifacts",
            "~2/1/artifacts",
            "a b/1/artifacts",
            "churn/1/artifacts/../../2",
            "churn/1/artifacts//a",
            "../1/artifacts",
            "~2e~2e/1/artifacts",
        ] {
            let status = ArtifactPlace::parse(&format!("registered-models/{path}"));
            let status = status.unwrap_err().code.status();
            assert!(status == 404 || status == 400, "{path}");
        }
    }

    #[test]
    fn what_a_file_system_might_take_for_more_than_a_name_is_refused() {
        let long = "a".repeat(256);
        for piece in [
            "", ".", "..", "a\\b", "C:", "c:x", "%2e%2e", "a%00", "a\0b", "a\nb", "..%2f", &long,
        ] {
            for path in [
                format!("3/5fe1/artifacts/{piece}"),
                format!("3/5fe1/artifacts/{piece}/a"),
                format!("3/{piece}/artifacts/a"),
                format!("{piece}/5fe1/artifacts/a"),
            ] {
                let found = ArtifactPlace::parse(&path);
                assert_eq!(found.unwrap_err().code.status(), 400, "{path:?}");
            }
        }
        for path in [
            "/etc/passwd",
            "//proc/self/root",
            "file://./etc",
            "\\\\host\\share",
        ] {
            assert_eq!(
                ArtifactPlace::parse(path).unwrap_err().code.status(),
                400,
                "{path}"
            );
            assert!(check_below(path).is_err(), "{path}");
        }
        assert!(check_below("").is_ok());
    }
}
