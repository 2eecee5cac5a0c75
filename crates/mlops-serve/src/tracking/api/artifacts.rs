//! Artifacts: up, down, listed, unlinked. Listings by run come the same way.

use std::{collections::BTreeMap, io::Read};

use mlops_registry::{ArtifactEntry, ArtifactOwner, Error, ModelVersion, Tracking, TrackingError};
use serde::Serialize;

use super::subject::{self, owner_of, run_id};
use crate::tracking::{
    access::Right,
    artifact::{ArtifactPlace, Download, Owner, check_below},
    failure::{Code, Failure, Outcome},
    route::{Call, Needs, Reply, Route, Verb, Work},
};

const READ: Needs = Needs::RightOn(Right::Read, subject::artifact);
const EDIT: Needs = Needs::RightOn(Right::Edit, subject::artifact);
const MANAGE: Needs = Needs::RightOn(Right::Manage, subject::artifact);
const OF_RUN: Needs = Needs::RightOn(Right::Read, subject::run);

pub(super) const ROUTES: &[Route] = &[
    Route::v2(Verb::Get, "/artifacts/list", OF_RUN, list_of_run),
    Route::artifacts(Verb::Get, "/artifacts", READ, Work::Answer(list)),
    Route::artifacts(Verb::Get, "/artifacts/{*path}", READ, Work::Download(get)),
    Route::artifacts(Verb::Put, "/artifacts/{*path}", EDIT, Work::Upload(put)),
    Route::artifacts(
        Verb::Delete,
        "/artifacts/{*path}",
        MANAGE,
        Work::Answer(delete),
    ),
    Route::artifacts(
        Verb::Get,
        "/presigned/{*path}",
        READ,
        Work::Answer(not_offered),
    ),
];

#[derive(Debug, Serialize)]
pub(super) struct FileView<'a> {
    path: &'a str,
    is_dir: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_size: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct FilesTold<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) root_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<FileView<'a>>,
}

/// The entries of a directory by their path from the owner's root.
pub(super) fn whole_paths<'a>(entries: &'a [ArtifactEntry], directory: &str) -> Vec<FileView<'a>> {
    views(entries, directory, |path| path)
}

/// What is in a directory; nothing is in a file.
fn views<'a>(
    entries: &'a [ArtifactEntry],
    directory: &str,
    path: fn(&str) -> &str,
) -> Vec<FileView<'a>> {
    entries
        .iter()
        .filter(|entry| entry.path != directory)
        .map(|entry| FileView {
            path: path(&entry.path),
            is_dir: entry.file.is_none(),
            file_size: entry.file.as_ref().map(|(_, size)| *size),
        })
        .collect()
}

/// Reads the place that a path leads to, and refuses one whose owner is of another experiment.
fn place(call: &Call<'_>) -> Outcome<(ArtifactOwner, String)> {
    owned_place(call, call.params.text("path")?)
}

fn owned_place(call: &Call<'_>, path: &str) -> Outcome<(ArtifactOwner, String)> {
    let place = ArtifactPlace::parse(path)?;
    let owner = owner_of(&place)?;
    let tracking = call.registry.tracking();
    let experiment = match &owner {
        ArtifactOwner::Run(id) => tracking.run(id)?.experiment,
        ArtifactOwner::Model(id) => tracking.logged_model(id)?.experiment,
    };
    if experiment.to_string() != place.experiment {
        return Err(no_such(&place.path));
    }
    Ok((owner, place.path))
}

fn no_such(path: &str) -> Failure {
    Failure::not_found(format!("No such artifact: '{path}'"))
}

/// Refuses the root of an owner where a file is meant.
fn file(call: &Call<'_>) -> Outcome<(ArtifactOwner, String)> {
    owned_file(call, call.params.text("path")?)
}

/// The owner of the file that a path leads to, and the path below them.
pub(super) fn owned_file(call: &Call<'_>, path: &str) -> Outcome<(ArtifactOwner, String)> {
    let (owner, path) = owned_place(call, path)?;
    if path.is_empty() {
        return Err(Failure::invalid("Invalid path: it names no file"));
    }
    Ok((owner, path))
}

/// The version whose content a path leads to, and the path in it; `None` if it leads to a run or a logged model.
fn in_version(call: &Call<'_>) -> Outcome<Option<(ModelVersion, String)>> {
    let place = ArtifactPlace::parse(call.params.text("path")?)?;
    let Owner::Version(model, number) = &place.owner else {
        return Ok(None);
    };
    let version = call.registry.existing_model(model)?.version(*number)?;
    Ok(Some((version, place.path)))
}

/// What is in a directory of a version, by name; nothing is in a file.
fn list_version(call: &Call<'_>, version: &ModelVersion, directory: &str) -> Outcome<Reply> {
    let tree = call.registry.version_tree(version)?.unwrap_or_default();
    let prefix = match directory {
        "" => String::new(),
        directory => format!("{directory}/"),
    };
    let mut found: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    for file in tree.files() {
        let Some(below) = file.path.as_str().strip_prefix(&prefix) else {
            continue;
        };
        match below.split_once('/') {
            Some((name, _)) => found.insert(name, None),
            None => found.insert(below, Some(file.size)),
        };
    }
    let files = found.into_iter().map(|(path, size)| FileView {
        path,
        is_dir: size.is_none(),
        file_size: size,
    });
    Ok(Reply::json(&FilesTold {
        root_uri: None,
        files: files.collect(),
    }))
}

fn list(call: &Call<'_>) -> Outcome<Reply> {
    if let Some((version, path)) = in_version(call)? {
        return list_version(call, &version, &path);
    }
    let (owner, path) = place(call)?;
    let entries = call.registry.tracking().artifacts(&owner, Some(&path))?;
    Ok(Reply::json(&FilesTold {
        root_uri: None,
        // this listing gives names alone, and its client puts the path before them
        files: views(&entries, &path, |path| {
            path.rsplit('/').next().unwrap_or(path)
        }),
    }))
}

fn list_of_run(call: &Call<'_>) -> Outcome<Reply> {
    let id = run_id(call.params)?;
    let path = call.params.opt_text("path")?.unwrap_or_default();
    check_below(path)?;
    let tracking = call.registry.tracking();
    let run = tracking.run(&id)?;
    let entries = tracking.artifacts(&ArtifactOwner::Run(id), Some(path))?;
    Ok(Reply::json(&FilesTold {
        root_uri: Some(&run.artifact_uri),
        files: whole_paths(&entries, path),
    }))
}

pub(in crate::tracking) fn get(call: &Call<'_>) -> Outcome<Download> {
    if let Some((version, path)) = in_version(call)? {
        let content = call.registry.open_version_file(&version, &path)?;
        let content = content.ok_or_else(|| no_such(&path))?;
        return Ok(Download::new(&path, content.size(), Box::new(content)));
    }
    let (owner, path) = file(call)?;
    let tracking = call.registry.tracking();
    let content = tracking.open_artifact(&owner, &path)?;
    Ok(Download::new(&path, content.size(), Box::new(content)))
}

fn put(call: &Call<'_>, content: &mut dyn Read) -> Outcome<Reply> {
    let (owner, path) = file(call)?;
    call.registry
        .tracking()
        .put_artifact(&owner, &path, content)?;
    Ok(Reply::nothing())
}

fn delete(call: &Call<'_>) -> Outcome<Reply> {
    let (owner, path) = file(call)?;
    unlink(&call.registry.tracking(), &owner, &path)?;
    Ok(Reply::empty())
}

/// Unlinks a file, or a directory with all that is in it; what is not there is gone already.
fn unlink(tracking: &Tracking, owner: &ArtifactOwner, path: &str) -> Outcome<()> {
    for entry in tracking.artifacts(owner, Some(path))? {
        if entry.path != path {
            unlink(tracking, owner, &entry.path)?;
        }
    }
    match tracking.delete_artifact(owner, path) {
        Ok(())
        | Err(
            Error::UnknownArtifact { .. } | Error::Tracking(TrackingError::UnknownArtifact { .. }),
        ) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn not_offered(_: &Call<'_>) -> Outcome<Reply> {
    Err(Failure::new(
        Code::NotImplemented,
        "This server takes and sends artifacts in one piece; see server-info",
    ))
}
