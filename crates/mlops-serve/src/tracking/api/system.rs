//! What the server says of itself.

use serde_json::json;

use crate::tracking::{
    failure::Outcome,
    route::{Call, Family, Needs, Reply, Route, Verb, Work},
};

/// The release of the peer whose protocol this is; its client compares it with its own.
const PROTOCOL: &str = "3.17.2";

pub(super) const ROUTES: &[Route] = &[
    Route {
        verb: Verb::Get,
        family: Family::Root,
        path: "/health",
        needs: Needs::Nobody,
        work: Work::Answer(health),
    },
    Route {
        verb: Verb::Get,
        family: Family::Root,
        path: "/version",
        needs: Needs::Nobody,
        work: Work::Answer(version),
    },
    Route {
        verb: Verb::Get,
        family: Family::V3,
        path: "/server-info",
        needs: Needs::Somebody,
        work: Work::Answer(server_info),
    },
];

#[expect(clippy::unnecessary_wraps, reason = "one of many works")]
fn health(_: &Call<'_>) -> Outcome<Reply> {
    Ok(Reply::text("OK"))
}

#[expect(clippy::unnecessary_wraps, reason = "one of many works")]
fn version(_: &Call<'_>) -> Outcome<Reply> {
    Ok(Reply::text(PROTOCOL))
}

#[expect(clippy::unnecessary_wraps, reason = "one of many works")]
fn server_info(_: &Call<'_>) -> Outcome<Reply> {
    Ok(Reply::json(&json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "multipart_uploads_enabled": false,
        "multipart_downloads_enabled": false,
        "trace_archival_enabled": false,
    })))
}
