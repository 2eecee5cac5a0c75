//! What the server says of itself.

use serde::Serialize;

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

fn health(_: &Call<'_>) -> Outcome<Reply> {
    Ok(Reply::text("OK"))
}

fn version(_: &Call<'_>) -> Outcome<Reply> {
    Ok(Reply::text(PROTOCOL))
}

fn server_info(_: &Call<'_>) -> Outcome<Reply> {
    #[derive(Serialize)]
    struct ServerInfo {
        store_type: &'static str,
        workspaces_enabled: bool,
        multipart_uploads_enabled: bool,
        multipart_downloads_enabled: bool,
        trace_archival_enabled: bool,
    }
    Ok(Reply::json(&ServerInfo {
        store_type: "SqlStore",
        workspaces_enabled: false,
        multipart_uploads_enabled: false,
        multipart_downloads_enabled: false,
        trace_archival_enabled: false,
    }))
}
