//! From the path of a request to whose artifact it is.
//!
//! ```text
//! 3/5f…e1/artifacts/plots/roc.png          run 5f…e1 of experiment 3, plots/roc.png
//! 3/models/m-5f…e1/artifacts/model.onnx    logged model m-5f…e1 of experiment 3, model.onnx
//! ```
//!
//! The path was percent-decoded once before it came here and is not again: what still holds a `%` is refused,
//! as is every piece that a file system somewhere might take for more than a name. Nothing here is
//! normalised, so that no second reading can differ from the first.

use crate::tracking::failure::{Failure, Outcome};

/// The longest path, in bytes.
const PATH_BYTES: usize = 2048;
/// The longest piece of a path, in bytes, as most file systems have it.
const PIECE_BYTES: usize = 255;

/// Whose artifact it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Owner {
    Run(String),
    LoggedModel(String),
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
