//! Fingerprints: the digest of everything that a step's result depends on, and what changed in it.
//!
//! The parts are kept beside the digest, so that a rerun can be explained: not "the key differs",
//! but "parameter `trees`: 200 → 300".

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use mlops_core::{Digest, DigestBuilder};
use serde::{Deserialize, Serialize};

use crate::step::{StepBuilder, value_text};

/// What a fingerprint is made of. The pipeline's name belongs to it, because a code id is unique
/// within its pipeline only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts {
    pub(crate) pipeline: String,
    pub(crate) step: String,
    pub(crate) code: String,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) inputs: BTreeMap<String, Digest>,
    pub(crate) outputs: BTreeSet<String>,
}

impl Parts {
    pub(crate) fn new(
        pipeline: &str,
        step: &StepBuilder,
        inputs: BTreeMap<String, Digest>,
    ) -> Self {
        Self {
            pipeline: pipeline.to_owned(),
            step: step.name.clone(),
            code: step.code.clone(),
            params: step
                .params
                .iter()
                .map(|(n, v)| (n.clone(), value_text(v)))
                .collect(),
            inputs,
            outputs: step.outputs.iter().cloned().collect(),
        }
    }

    pub(crate) fn fingerprint(&self) -> Digest {
        let mut digest = DigestBuilder::new();
        digest
            .part("format", b"mlops-pipeline 1")
            .part("pipeline", self.pipeline.as_bytes())
            .part("step", self.step.as_bytes())
            .part("code", self.code.as_bytes());
        for (name, value) in &self.params {
            digest
                .part("parameter", name.as_bytes())
                .part("value", value.as_bytes());
        }
        for (name, input) in &self.inputs {
            digest
                .part("input", name.as_bytes())
                .part("digest", input.as_bytes());
        }
        for name in &self.outputs {
            digest.part("output", name.as_bytes());
        }
        digest.finish()
    }

    /// What is different now from `earlier`, in a fixed order.
    pub(crate) fn changes_since(&self, earlier: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.code != earlier.code {
            changes.push(Change::Code {
                from: earlier.code.clone(),
                to: self.code.clone(),
            });
        }
        for (name, from, to) in differences(&earlier.params, &self.params) {
            changes.push(Change::Parameter { name, from, to });
        }
        for (name, from, to) in differences(&earlier.inputs, &self.inputs) {
            changes.push(Change::Input { name, from, to });
        }
        if self.outputs != earlier.outputs {
            changes.push(Change::Outputs);
        }
        changes
    }
}

/// One reason why a step's fingerprint is another one than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "part")]
#[non_exhaustive]
pub enum Change {
    /// The code id.
    Code {
        /// As it was.
        from: String,
        /// As it is.
        to: String,
    },
    /// A parameter, `None` where it is not there.
    Parameter {
        /// Its name.
        name: String,
        /// As it was.
        from: Option<String>,
        /// As it is.
        to: Option<String>,
    },
    /// The content of an input, `None` where it is not there.
    Input {
        /// Its name.
        name: String,
        /// As it was.
        from: Option<Digest>,
        /// As it is.
        to: Option<Digest>,
    },
    /// Which outputs the step declares.
    Outputs,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { from, to } => write!(f, "code `{from}` → `{to}`"),
            Self::Parameter { name, from, to } => {
                let text = |value: &Option<String>| value.as_deref().unwrap_or("none").to_owned();
                write!(f, "parameter `{name}`: {} → {}", text(from), text(to))
            }
            Self::Input { name, from, to } => {
                let text = |value: &Option<Digest>| value.map_or("none".to_owned(), |d| d.short());
                write!(f, "input `{name}`: {} → {}", text(from), text(to))
            }
            Self::Outputs => f.write_str("the declared outputs"),
        }
    }
}

fn differences<T: PartialEq + Clone>(
    from: &BTreeMap<String, T>,
    to: &BTreeMap<String, T>,
) -> Vec<(String, Option<T>, Option<T>)> {
    let names: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    names
        .into_iter()
        .filter(|name| from.get(*name) != to.get(*name))
        .map(|name| (name.clone(), from.get(name).cloned(), to.get(name).cloned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Parts {
        Parts {
            pipeline: "churn".into(),
            step: "train".into(),
            code: "1".into(),
            params: BTreeMap::from([("trees".into(), "200".into())]),
            inputs: BTreeMap::from([("set".into(), Digest::of(b"a"))]),
            outputs: BTreeSet::from(["model".into()]),
        }
    }

    #[test]
    fn every_part_changes_the_fingerprint_and_is_named() {
        type Edit = fn(&mut Parts);
        let cases: [(Edit, &str); 7] = [
            (|p| p.code = "2".into(), "code `1` → `2`"),
            (
                |p| p.params.extend([("trees".into(), "300".into())]),
                "parameter `trees`: 200 → 300",
            ),
            (|p| p.params.clear(), "parameter `trees`: 200 → none"),
            (
                |p| p.params.extend([("seed".into(), "7".into())]),
                "parameter `seed`: none → 7",
            ),
            (
                |p| p.inputs = BTreeMap::from([("set".into(), Digest::of(b"b"))]),
                "input `set`: 17762fddd969 → 10e5cf3d3c8a",
            ),
            (|p| p.outputs.extend(["log".into()]), "the declared outputs"),
            (|p| p.outputs.clear(), "the declared outputs"),
        ];
        for (edit, text) in cases {
            let (before, mut after) = (parts(), parts());
            edit(&mut after);
            assert_ne!(before.fingerprint(), after.fingerprint(), "{text}");
            let changes: Vec<String> = after
                .changes_since(&before)
                .iter()
                .map(Change::to_string)
                .collect();
            assert_eq!(changes, [text]);
        }
        assert!(parts().changes_since(&parts()).is_empty());
    }

    #[test]
    fn names_are_part_of_the_fingerprint() {
        for edit in [
            |p: &mut Parts| p.step = "fit".into(),
            |p: &mut Parts| p.pipeline = "x".into(),
        ] {
            let mut other = parts();
            edit(&mut other);
            assert_ne!(parts().fingerprint(), other.fingerprint());
        }
    }
}
