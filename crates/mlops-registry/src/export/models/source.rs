//! What a version was made from, in the words of the server.

use mlops_core::Digest;
use serde_json::json;

use crate::{
    Content, Error, LoggedModelId, ModelVersion, Result, RunId,
    export::{
        MlflowVerb,
        driver::{Export, ID_TAG, text},
        logged_models,
        runs::{self, note},
    },
};

/// The tag that holds a source which the server would not take.
const SOURCE_TAG: &str = "mlops.source";
/// What stands in the place of such a source.
const ELSEWHERE: &str = "mlops:/source";

/// The source of a version there.
#[derive(Debug, Default)]
pub(super) struct From {
    pub(super) source: String,
    pub(super) run: Option<String>,
    pub(super) model: Option<String>,
    pub(super) tag: Option<(String, String)>,
}

/// The source of a version there, with the run and the logged model that it comes from.
pub(super) fn of(export: &mut Export<'_>, version: &ModelVersion, what: &str) -> Result<From> {
    let run = match &version.run {
        Some(run) => {
            let found = runs::find(export, run)?;
            if found.is_none() {
                note(export, what, "its run is not there: it names none");
            }
            found
        }
        None => None,
    };
    let mut from = From {
        run: run.as_ref().map(|(id, _)| id.clone()),
        ..From::default()
    };
    if version.content != Content::Source {
        let id = package(export, version, from.run.as_deref(), what)?;
        from.source = format!("models:/{id}");
        from.model = Some(id);
        return Ok(from);
    }
    let source = version.source.clone().unwrap_or_default();
    let found = match source.split_once(':') {
        Some(("models", id)) => {
            let id = id.trim_start_matches('/').parse::<LoggedModelId>().ok();
            match id.map(|id| logged_models::find(export, &id)).transpose()? {
                Some(Some(id)) => {
                    from.model = Some(id.clone());
                    Some(format!("models:/{id}"))
                }
                _ => None,
            }
        }
        Some(("runs", path)) => in_run(&mut from, export, path.trim_start_matches('/'))?,
        Some(("mlflow-artifacts", _)) => match (&version.run, &run) {
            // where the run keeps its files there
            (Some(ours), Some((_, root))) => source
                .split_once(&format!("/{ours}/artifacts"))
                .map(|(_, rest)| format!("{root}{rest}")),
            _ => None,
        },
        Some((scheme, _)) if scheme != "file" && source.contains("://") => Some(source.clone()),
        _ => None,
    };
    from.source = if let Some(source) = found {
        source
    } else {
        if !source.is_empty() {
            note(
                export,
                what,
                "its source leads nowhere there: it stands in the tag `mlops.source`",
            );
            from.tag = Some((SOURCE_TAG.to_owned(), source));
        }
        ELSEWHERE.to_owned()
    };
    Ok(from)
}

/// A place in a run; the server wants a version of such a place to name the run.
fn in_run(from: &mut From, export: &mut Export<'_>, path: &str) -> Result<Option<String>> {
    let (run, rest) = path.split_once('/').unwrap_or((path, ""));
    let Ok(run) = run.parse::<RunId>() else {
        return Ok(None);
    };
    let Some((there, _)) = runs::find(export, &run)? else {
        return Ok(None);
    };
    let source = format!("runs:/{there}/{rest}");
    from.run = Some(there);
    Ok(Some(source))
}

/// The logged model that holds the files of a version there; it is made if there is none.
fn package(
    export: &mut Export<'_>,
    version: &ModelVersion,
    run: Option<&str>,
    what: &str,
) -> Result<String> {
    let store = export.registry.store();
    let lost = |artifact: &str| {
        let artifact = artifact.to_owned();
        |source| Error::NotKept {
            artifact,
            source: Box::new(source),
        }
    };
    let files: Vec<(String, Digest)> = if version.content == Content::Tree {
        let tree = store.tree(&version.digest);
        let tree = tree.map_err(lost(&version.digest.to_string()))?;
        tree.files()
            .map(|file| (file.path.to_string(), file.digest))
            .collect()
    } else {
        let files = version.files.iter();
        files
            .map(|(path, digest)| (path.clone(), *digest))
            .collect()
    };
    let experiment = export.default_experiment()?;
    let identity = format!("{}/{}", version.model, super::version::identity(version));
    let search = json!({
        "experiment_ids": [experiment],
        "filter": format!("tags.`{ID_TAG}` = '{identity}'"),
        "max_results": 1,
    });
    let found = export.post("/logged-models/search", what, search)?;
    let mut info = found["models"][0]["info"].clone();
    if info.is_null() {
        let mut body = json!({
            "experiment_id": experiment,
            "name": "package",
            "tags": [{ "key": ID_TAG, "value": identity }],
        });
        if let Some(run) = run {
            body["source_run_id"] = json!(run);
        }
        info = export.post("/logged-models", what, body)?["model"]["info"].clone();
        export.report.new_logged_models += 1;
    }
    let id = text(&info, "model_id", what)?;
    if info["status"] == "LOGGED_MODEL_READY" {
        return Ok(id);
    }
    let root = text(&info, "artifact_uri", what)?;
    for (path, digest) in files {
        let content = store.get(&digest).map_err(lost(&path))?;
        if !export.upload(&root, &path, what, &mut &content[..])? {
            note(
                export,
                what,
                "its files are not sent: the server does not take them itself",
            );
            break;
        }
        export.report.artifacts += 1;
    }
    let body = json!({ "model_id": id, "status": "LOGGED_MODEL_READY" });
    export.call(
        MlflowVerb::Patch,
        &format!("/logged-models/{id}"),
        what,
        body,
    )?;
    Ok(id)
}
