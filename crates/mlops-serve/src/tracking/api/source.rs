//! Where a version of a model comes from: a text that must lead to something that is ours, or to a bucket that only
//! clients open.
//!
//! ```text
//! runs:/RUN/path                            an artifact of a run
//! models:/m-ID                              a logged model
//! models:/NAME/VERSION                      another version, of which this one is a copy
//! mlflow-artifacts:/3/RUN/artifacts/path    the same as the first two, as the proxy names them
//! s3://bucket/path                          elsewhere
//! ```
//!
//! What lies here is kept as it is when a version is registered, under the version: whoever changes the run or the
//! logged model afterwards does not change the version, and it is the version that clients download.

use mlops_core::{Digest, ModelName, VersionNumber};
use mlops_registry::{ArtifactOwner, Content, LoggedModelId, ModelVersion, RunId};

use super::{
    experiments::check_location,
    subject::{of_logged_model, of_run, owner_of},
};
use crate::tracking::{
    access::{Object, Right},
    artifact::{ArtifactPlace, Owner, check_below, path_of_version},
    failure::{Failure, Outcome},
    route::Call,
};

/// How many copies of copies are followed.
const COPIES: usize = 8;

/// What a source leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Run { run: RunId, path: String },
    LoggedModel { id: LoggedModelId, path: String },
    Version(ModelName, VersionNumber),
    Elsewhere,
}

impl Source {
    /// Reads a source; what leads nowhere is refused.
    pub(super) fn parse(source: &str) -> Outcome<Self> {
        let shown: String = source.chars().take(200).collect();
        let invalid = || Failure::invalid(format!("Invalid model version source: '{shown}'."));
        let found = if let Some(rest) = source.strip_prefix("runs:/") {
            let (run, path) = rest.split_once('/').ok_or_else(invalid)?;
            if path.is_empty() {
                return Err(invalid());
            }
            Self::Run {
                run: run.parse().map_err(|_| invalid())?,
                path: path.to_owned(),
            }
        } else if let Some(rest) = source.strip_prefix("models:/") {
            match rest.split_once('/') {
                None => Self::LoggedModel {
                    id: rest.parse().map_err(|_| invalid())?,
                    path: String::new(),
                },
                Some((name, version)) => Self::Version(
                    ModelName::new(name).map_err(|_| invalid())?,
                    version.parse().map_err(|_| invalid())?,
                ),
            }
        } else if let Some(rest) = source.strip_prefix("mlflow-artifacts:/") {
            let place = ArtifactPlace::parse(rest).map_err(|_| invalid())?;
            let path = place.path.clone();
            if let Owner::Version(name, version) = place.owner {
                return match path.as_str() {
                    "" => Ok(Self::Version(name, version)),
                    _ => Err(invalid()),
                };
            }
            match owner_of(&place).map_err(|_| invalid())? {
                ArtifactOwner::Run(run) => Self::Run { run, path },
                ArtifactOwner::Model(id) => Self::LoggedModel { id, path },
            }
        } else {
            check_location(source).map_err(|_| invalid())?;
            Self::Elsewhere
        };
        if let Self::Run { path, .. } | Self::LoggedModel { path, .. } = &found {
            check_below(path).map_err(|_| invalid())?;
        }
        Ok(found)
    }

    /// Refuses a source that is not there, or that the caller may not read.
    pub(super) fn check(&self, call: &Call<'_>) -> Outcome<()> {
        let objects = match self {
            Self::Run { run, .. } => of_run(call, run)?,
            Self::LoggedModel { id, .. } => of_logged_model(call, id)?,
            Self::Version(name, version) => {
                call.registry.existing_model(name)?.version(*version)?;
                vec![Object::Model(name.to_string())]
            }
            Self::Elsewhere => Vec::new(),
        };
        objects
            .iter()
            .try_for_each(|object| call.require(Right::Read, object))
    }
}

/// Where the artifacts of runs and logged models lie that are kept here.
const HERE: &str = "mlflow-artifacts:/";

impl Source {
    /// The manifest of what lies at the source now; `None` where it does not lie here.
    pub(super) fn pin(&self, call: &Call<'_>) -> Outcome<Option<Digest>> {
        let tracking = call.registry.tracking();
        let (owner, uri, path) = match self {
            Self::Run { run, path } => {
                let uri = tracking.run(run)?.artifact_uri;
                (ArtifactOwner::Run(run.clone()), uri, path)
            }
            Self::LoggedModel { id, path } => {
                let uri = tracking.logged_model(id)?.artifact_uri;
                (ArtifactOwner::Model(id.clone()), uri, path)
            }
            Self::Version(name, number) => {
                let version = call.registry.existing_model(name)?.version(*number)?;
                if version.content == Content::Tree {
                    return Ok(Some(version.digest));
                }
                let tree = call.registry.version_tree(&version)?;
                let keep = |tree| call.registry.keep_tree(&tree);
                return Ok(tree.map(keep).transpose()?);
            }
            Self::Elsewhere => return Ok(None),
        };
        if !uri.starts_with(HERE) {
            return Ok(None);
        }
        Ok(Some(tracking.pin_artifacts(&owner, path)?))
    }

    /// Refuses a place elsewhere that is not where the run or the logged model keeps its artifacts, unless the server
    /// was told to take such ones.
    pub(super) fn check_place(
        &self,
        call: &Call<'_>,
        text: &str,
        run: Option<&RunId>,
        logged_model: Option<&LoggedModelId>,
    ) -> Outcome<()> {
        if *self != Self::Elsewhere || call.app.sources_elsewhere {
            return Ok(());
        }
        let tracking = call.registry.tracking();
        let mut roots = Vec::new();
        if let Some(run) = run {
            roots.push(tracking.run(run)?.artifact_uri);
        }
        if let Some(id) = logged_model {
            roots.push(tracking.logged_model(id)?.artifact_uri);
        }
        let is_below = |root: &String| {
            let rest = text.strip_prefix(root.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if roots.iter().any(is_below) {
            return Ok(());
        }
        let shown: String = text.chars().take(200).collect();
        Err(Failure::invalid(format!(
            "Invalid model version source: '{shown}'. It must lie among the artifacts of a run or of a logged model \
             that this server knows, which run_id or model_id names."
        )))
    }
}

/// Where a client downloads a version from: from the version itself where its content is kept here.
pub(super) fn download_uri(call: &Call<'_>, version: &ModelVersion) -> Outcome<String> {
    if version.content != Content::Source {
        let path = path_of_version(&version.model, version.version);
        return Ok(format!("{HERE}{path}"));
    }
    let mut version = version.clone();
    for _ in 0..COPIES {
        let Some(source) = version.source.clone() else {
            return Err(Failure::not_found(format!(
                "Model Version (name={}, version={}) was registered without a source",
                version.model, version.version
            )));
        };
        let below = |root: &str, path: &str| match path {
            "" => root.to_owned(),
            path => format!("{root}/{path}"),
        };
        let tracking = call.registry.tracking();
        // what was stored by other means than this server may be of another form
        match Source::parse(&source) {
            Ok(Source::Run { run, path }) => {
                return Ok(below(&tracking.run(&run)?.artifact_uri, &path));
            }
            Ok(Source::LoggedModel { id, path }) => {
                return Ok(below(&tracking.logged_model(&id)?.artifact_uri, &path));
            }
            Ok(Source::Version(name, number)) => {
                version = call.registry.existing_model(&name)?.version(number)?;
            }
            Ok(Source::Elsewhere) | Err(_) => return Ok(source),
        }
    }
    Err(Failure::invalid("The version is a copy of too many copies"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_leads_to_something_of_ours_or_to_a_bucket() {
        let run = "5".repeat(32);
        let model = format!("m-{run}");
        let of_run = |path: &str| Source::Run {
            run: run.parse().unwrap(),
            path: path.into(),
        };
        let of_model = |path: &str| Source::LoggedModel {
            id: model.parse().unwrap(),
            path: path.into(),
        };
        let cases = [
            (format!("runs:/{run}/model"), of_run("model")),
            (format!("models:/{model}"), of_model("")),
            (
                format!("mlflow-artifacts:/3/{run}/artifacts/a/b"),
                of_run("a/b"),
            ),
            (
                format!("mlflow-artifacts:/3/models/{model}/artifacts"),
                of_model(""),
            ),
            (
                "models:/churn/7".into(),
                Source::Version("churn".parse().unwrap(), 7),
            ),
            ("s3://bucket/model".into(), Source::Elsewhere),
        ];
        for (source, expect) in cases {
            assert_eq!(Source::parse(&source), Ok(expect), "{source}");
        }
    }

    #[test]
    fn a_source_that_leads_elsewhere_is_refused() {
        let run = "5".repeat(32);
        for source in [
            String::new(),
            "/etc/passwd".into(),
            "file:///etc/passwd".into(),
            "file://./etc".into(),
            "http://169.254.169.254/latest".into(),
            "https://example.com/model".into(),
            "dbfs:/model".into(),
            "mlflow-artifacts:/../../etc".into(),
            "mlflow-artifacts:/etc/passwd".into(),
            format!("mlflow-artifacts://host/3/{run}/artifacts/a"),
            format!("mlflow-artifacts:/3/{run}/artifacts/../../x"),
            format!("mlflow-artifacts:/3/{run}/artifacts/%2e%2e/x"),
            format!("runs:/{run}/../x"),
            format!("runs:/{run}"),
            format!("runs:/{run}/"),
            format!("runs://host/{run}/x"),
            "runs:/x/y".into(),
            "models:/".into(),
            "models:/m-1".into(),
            "models:/churn/latest".into(),
            "models://host/churn/1".into(),
            "s3://bucket/../x".into(),
            "s3://bucket/x?versionId=1".into(),
            "model".into(),
        ] {
            assert!(Source::parse(&source).is_err(), "{source}");
        }
    }
}
