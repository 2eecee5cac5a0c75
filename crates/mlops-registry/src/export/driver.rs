//! The export itself: experiments by name, then runs, parents first.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    ExportError, ExportReport, MlflowRefusal, MlflowRequest, MlflowServer, MlflowVerb,
    experiments::There, runs,
};
use crate::{ExperimentId, LoggedModelId, Registry, Result, RunId};

/// The tag that holds our identity.
pub(super) const ID_TAG: &str = "mlops.id";
const ROOT: &str = "/api/2.0/mlflow";

/// What the parts of an export share.
#[derive(Debug)]
pub(super) struct Export<'a> {
    pub(super) registry: &'a Registry,
    server: &'a dyn MlflowServer,
    pub(super) experiments: BTreeMap<ExperimentId, There>,
    /// Logged models: the identity there, and how many of their points were not sent yet.
    pub(super) models: BTreeMap<LoggedModelId, (String, usize)>,
    pub(super) report: ExportReport,
}

impl Registry {
    /// Logs runs again on a server of MLflow: experiment by name, params, tags, every point of every metric,
    /// datasets, the logged models that the runs made, artifacts where the server takes them, status and times to
    /// the millisecond. What is deleted here is deleted there. What the server has already is not sent twice.
    ///
    /// # Errors
    /// [`ExportError`] if the server refuses, or answers nothing that can be understood; [`Error::UnknownRun`](crate::Error::UnknownRun); [`Error::NotKept`](crate::Error::NotKept) if an artifact is gone;
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    ///
    /// # Complexity
    /// A request for a thousand points, a hundred params, a hundred tags and each file; one page of a history is in
    /// memory at a time.
    ///
    /// # Reference
    /// The client of MLflow 3.17.2: it reads there what [`Tracking`](crate::Tracking) reads here, but for identities
    /// and the tag `mlops.id`.
    pub fn export_runs(
        &self,
        runs: impl IntoIterator<Item = RunId>,
        server: &dyn MlflowServer,
    ) -> Result<ExportReport> {
        let mut export = Export::new(self, server);
        export.runs(runs)?;
        Ok(export.report)
    }
}

impl<'a> Export<'a> {
    pub(super) fn new(registry: &'a Registry, server: &'a dyn MlflowServer) -> Self {
        Self {
            registry,
            server,
            experiments: BTreeMap::new(),
            models: BTreeMap::new(),
            report: ExportReport::default(),
        }
    }

    /// Sends runs, parents first.
    pub(super) fn runs(&mut self, runs: impl IntoIterator<Item = RunId>) -> Result<()> {
        let export = self;
        let asked: Vec<RunId> = runs.into_iter().collect();
        let known: BTreeSet<&str> = asked.iter().map(RunId::as_str).collect();
        for run in &asked {
            // a parent that is exported too goes first, since its children name it
            let mut line = vec![export.registry.tracking().run(run)?];
            while let Some(parent) = line.last().and_then(|run| run.parent.clone())
                && known.contains(parent.as_str())
                && line.iter().all(|run| run.id.as_str() != parent)
            {
                line.push(export.registry.tracking().run(&parent.parse()?)?);
            }
            for run in line.into_iter().rev() {
                if !export.report.runs.contains_key(&run.id) {
                    runs::send(export, &run)?;
                }
            }
        }
        let left = export
            .models
            .iter()
            .filter(|(_, (_, waiting))| *waiting > 0);
        for (model, (_, waiting)) in left {
            let text = format!(
                "{waiting} points are left out: the runs that measured them are not exported or do not name it"
            );
            let what = format!("logged model `{model}`");
            export.report.notes.push((what, text));
        }
        Ok(())
    }

    /// Sends a request; the path is the one after MLflow's root.
    pub(super) fn call(
        &self,
        verb: MlflowVerb,
        path: &str,
        what: &str,
        body: Value,
    ) -> Result<Value> {
        let answer = self.ask(verb, path, body);
        Ok(answer.map_err(|source| ExportError::Refused {
            what: what.to_owned(),
            source,
        })?)
    }

    pub(super) fn post(&self, path: &str, what: &str, body: Value) -> Result<Value> {
        self.call(MlflowVerb::Post, path, what, body)
    }

    pub(super) fn ask(
        &self,
        verb: MlflowVerb,
        path: &str,
        body: Value,
    ) -> Result<Value, MlflowRefusal> {
        let path = format!("{ROOT}{path}");
        self.server.call(&MlflowRequest { verb, path, body })
    }

    /// Sends a file to where the server keeps the artifacts of an owner. Says whether it could.
    pub(super) fn upload(
        &self,
        root: &str,
        artifact: &str,
        what: &str,
        content: &mut dyn std::io::Read,
    ) -> Result<bool> {
        let Some(root) = proxied(root) else {
            return Ok(false);
        };
        let path = format!(
            "/api/2.0/mlflow-artifacts/artifacts/{}/{}",
            requoted(root),
            escaped(artifact)
        );
        let sent = self.server.upload(&path, content);
        sent.map_err(|source| ExportError::Refused {
            what: format!("artifact `{artifact}` of {what}"),
            source,
        })?;
        Ok(true)
    }
}

/// A field that must be a text.
pub(super) fn text(answer: &Value, field: &'static str, what: &str) -> Result<String> {
    match answer[field].as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(ExportError::Answer {
            what: what.to_owned(),
            field,
        }
        .into()),
    }
}

/// Keys and values as MLflow lists them.
pub(super) fn pairs(map: &BTreeMap<String, String>) -> Vec<Value> {
    map.iter()
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect()
}

/// A number as MLflow writes it in JSON.
pub(super) fn number(value: f64) -> Value {
    if value.is_finite() {
        json!(value)
    } else if value.is_nan() {
        json!("NaN")
    } else {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    }
}

/// The path behind the proxy of a server that a location names.
pub(crate) fn proxied(location: &str) -> Option<&str> {
    let rest = location.strip_prefix("mlflow-artifacts:")?;
    Some(match rest.strip_prefix("//") {
        // a host, and the path after it
        Some(hosted) => hosted.split_once('/').map_or("", |(_, path)| path),
        None => rest.trim_start_matches('/'),
    })
}

/// A path as it stands in a URL.
pub(crate) fn escaped(path: &str) -> String {
    path.bytes().map(piece).collect()
}

/// A path that is one of a URL already, whatever the server wrote there.
fn requoted(path: &str) -> String {
    let bytes = path.as_bytes();
    let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let piece = |(at, byte): (usize, &u8)| match byte {
        b'%' if hex(at + 1) && hex(at + 2) => "%".to_owned(),
        byte => piece(*byte),
    };
    bytes.iter().enumerate().map(piece).collect()
}

fn piece(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_calls_a_path_of_a_url_is_made_one() {
        for (root, expected) in [
            ("1/r/artifacts", "1/r/artifacts"),
            ("1/a%20b", "1/a%20b"),
            ("1/a b\r\n", "1/a%20b%0D%0A"),
            ("1/é?x#y%2", "1/%C3%A9%3Fx%23y%252"),
        ] {
            assert_eq!(requoted(root), expected);
        }
        assert_eq!(escaped("a%20b"), "a%2520b");
    }
}
