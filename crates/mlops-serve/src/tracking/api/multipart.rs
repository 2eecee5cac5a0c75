//! Artifacts that come in parts, as MLflow's client sends large files when it is told to
//! (`MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD`).
//!
//! Whoever begins an upload is told an address for each part and the headers to send there: those are their own, so that
//! a part is let in by the rules by which everything else is. The addresses begin as the server's public URL does; where
//! that is not known for sure, parts are not offered, since a secret could be sent in the clear.

use std::io::Read;

use axum::http::header;
use mlops_core::{Digest, Span, Uuid};
use mlops_registry::{ArtifactOwner, Upload};
use serde_json::{Value, json};

use super::{
    artifacts::owned_file,
    subject::{of_logged_model, of_run},
};
use crate::tracking::{
    access::{Object, Right},
    failure::{Code, Failure, Outcome},
    params::Params,
    route::{Call, Needs, Reply, Route, Verb, Work},
};

const BEGIN: Needs = Needs::RightOn(Right::Edit, target_objects);
const OF_UPLOAD: Needs = Needs::RightOn(Right::Edit, upload_objects);

pub(super) const ROUTES: &[Route] = &[
    Route::artifacts(
        Verb::Post,
        "/mpu/create/{*directory}",
        BEGIN,
        Work::Answer(create),
    ),
    Route::artifacts(
        Verb::Post,
        "/mpu/complete/{*directory}",
        OF_UPLOAD,
        Work::Answer(complete),
    ),
    Route::artifacts(
        Verb::Post,
        "/mpu/abort/{*directory}",
        OF_UPLOAD,
        Work::Answer(abort),
    ),
    Route::artifacts(
        Verb::Put,
        "/mpu/parts/{upload_id}/{part_number}",
        OF_UPLOAD,
        Work::Upload(put_part),
    ),
];

/// How the message begins after which the client sends the file in one piece.
const NOT_OFFERED: &str = "Multipart upload is not supported for the current artifact repository";
/// How long an upload may take, in hours.
const HOURS: u32 = 24;

/// Where the file is to lie: its name in the directory that the path names.
fn target(call: &Call<'_>) -> Outcome<(ArtifactOwner, String)> {
    let directory = call.params.text("directory")?;
    // the client sends the path that the file has on its own machine, of which the name counts
    let local = call.params.text("path")?;
    let name = local.rsplit(['/', '\\']).next().unwrap_or(local);
    owned_file(call, &format!("{directory}/{name}"))
}

fn target_objects(call: &Call<'_>) -> Outcome<Vec<Object>> {
    let (owner, _) = target(call)?;
    of_owner(call, &owner)
}

fn of_owner(call: &Call<'_>, owner: &ArtifactOwner) -> Outcome<Vec<Object>> {
    match owner {
        ArtifactOwner::Run(id) => of_run(call, id),
        ArtifactOwner::Model(id) => of_logged_model(call, id),
    }
}

/// The upload that a request names.
fn upload(call: &Call<'_>) -> Outcome<Upload> {
    let text = call.params.text("upload_id")?;
    let id = Uuid::parse(text).map_err(|_| {
        let shown: String = text.chars().take(64).collect();
        Failure::not_found(format!("Upload with id={shown} not found"))
    })?;
    Ok(call.registry.tracking().upload(id)?)
}

fn upload_objects(call: &Call<'_>) -> Outcome<Vec<Object>> {
    of_owner(call, &upload(call)?.owner)
}

fn not_offered() -> Failure {
    let message = format!("{NOT_OFFERED}: the server does not know its own address for sure");
    Failure::new(Code::NotImplemented, message)
}

fn create(call: &Call<'_>) -> Outcome<Reply> {
    let (owner, path) = target(call)?;
    let base = call.public_url().ok_or_else(not_offered)?;
    let parts = call.params.bounded("num_parts", 1, 10_000)?;
    let parts = u32::try_from(parts).map_err(|_| Failure::missing("num_parts"))?;
    let tracking = call.registry.tracking();
    let upload = tracking.start_upload(&owner, &path, parts, Span::hours(HOURS))?;
    let headers = match call.headers.get(header::AUTHORIZATION) {
        Some(own) => json!({"Authorization": own.to_str().unwrap_or_default()}),
        None => json!({}),
    };
    let credential = |part: u32| {
        json!({
            "url": format!("{base}/api/2.0/mlflow-artifacts/mpu/parts/{}/{part}", upload.id),
            "part_number": part,
            "headers": headers,
        })
    };
    Ok(Reply::json(&json!({
        "upload_id": upload.id.to_string(),
        "credentials": (1..=parts).map(credential).collect::<Vec<Value>>(),
    })))
}

fn put_part(call: &Call<'_>, content: &mut dyn Read) -> Outcome<Reply> {
    let upload = upload(call)?;
    let part = call.params.integer("part_number")?;
    let part = u32::try_from(part)
        .map_err(|_| Failure::value("part_number", &part.into(), "there is no such part"))?;
    let digest = call
        .registry
        .tracking()
        .put_part(upload.id, part, content)?;
    Ok(Reply::nothing().with_etag(&digest))
}

fn read_part(part: &Params) -> Outcome<(u32, Digest)> {
    let number = part.integer("part_number")?;
    let etag = part.text("etag")?;
    let digest = etag.trim_matches('"').parse();
    match (u32::try_from(number), digest) {
        (Ok(number), Ok(digest)) => Ok((number, digest)),
        _ => Err(Failure::value(
            "etag",
            &etag.into(),
            "it is not what a part was answered with",
        )),
    }
}

fn complete(call: &Call<'_>) -> Outcome<Reply> {
    let upload = upload(call)?;
    let parts = call.params.objects("parts")?;
    let parts: Vec<_> = parts.iter().map(read_part).collect::<Outcome<_>>()?;
    let most = call.app.limits.max_artifact_bytes();
    let tracking = call.registry.tracking();
    tracking.complete_upload(upload.id, &parts, most)?;
    Ok(Reply::empty())
}

fn abort(call: &Call<'_>) -> Outcome<Reply> {
    let upload = upload(call)?;
    call.registry.tracking().abort_upload(upload.id)?;
    Ok(Reply::empty())
}
