//! No request makes the tracking server panic, answer with a fault of its own, or with what is no JSON.
//!
//! The input is requests, split at the byte 255, which no text has. The first byte of one picks the route; up to
//! the first NUL stands what fills the path, and after it the query or the body. `{run}`, `{model}` and
//! `{experiment}` stand for what is there. A world that was changed is made anew, so that inputs do not depend on
//! each other.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use mlops_registry::{
    ArtifactOwner, Batch, ExperimentId, Metric, MetricPoint, NewLoggedModel, NewRun, NewVersion,
    Registry,
};
use mlops_serve::{RunningServer, TrackingLimits, TrackingServer};

use crate::http::Connection;

const API: &str = "/api/2.0/mlflow";

/// Every route; `*` is what the input fills in.
const ROUTES: &[(&str, &str)] = &[
    ("GET", "/experiments/get"),
    ("GET", "/experiments/get-by-name"),
    ("GET", "/experiments/search"),
    ("GET", "/runs/get"),
    ("GET", "/metrics/get-history"),
    ("GET", "/metrics/get-history-bulk-interval"),
    ("GET", "/artifacts/list"),
    ("GET", "/registered-models/get"),
    ("GET", "/registered-models/search"),
    ("GET", "/registered-models/get-latest-versions"),
    ("GET", "/registered-models/alias"),
    ("GET", "/model-versions/get"),
    ("GET", "/model-versions/search"),
    ("GET", "/model-versions/get-download-uri"),
    ("GET", "/logged-models/*"),
    ("GET", "/logged-models/*/artifacts/directories"),
    ("GET", "-artifacts/artifacts"),
    ("GET", "-artifacts/artifacts/*"),
    ("GET", "-artifacts/presigned/*"),
    ("GET", "/*"),
    ("POST", "/experiments/create"),
    ("POST", "/experiments/search"),
    ("POST", "/experiments/update"),
    ("POST", "/experiments/delete"),
    ("POST", "/experiments/restore"),
    ("POST", "/experiments/set-experiment-tag"),
    ("POST", "/experiments/delete-experiment-tag"),
    ("POST", "/runs/create"),
    ("POST", "/runs/update"),
    ("POST", "/runs/delete"),
    ("POST", "/runs/restore"),
    ("POST", "/runs/search"),
    ("POST", "/runs/log-metric"),
    ("POST", "/runs/log-parameter"),
    ("POST", "/runs/set-tag"),
    ("POST", "/runs/delete-tag"),
    ("POST", "/runs/log-batch"),
    ("POST", "/runs/log-inputs"),
    ("POST", "/runs/outputs"),
    ("POST", "/runs/log-model"),
    ("POST", "/logged-models"),
    ("POST", "/logged-models/search"),
    ("POST", "/logged-models/*/params"),
    ("POST", "/registered-models/create"),
    ("POST", "/registered-models/rename"),
    ("POST", "/registered-models/set-tag"),
    ("POST", "/registered-models/alias"),
    ("POST", "/registered-models/get-latest-versions"),
    ("POST", "/model-versions/create"),
    ("POST", "/model-versions/transition-stage"),
    ("POST", "/model-versions/set-tag"),
    ("POST", "-artifacts/mpu/create/*"),
    ("POST", "-artifacts/mpu/complete/*"),
    ("POST", "-artifacts/mpu/abort/*"),
    ("PUT", "-artifacts/artifacts/*"),
    ("PATCH", "/logged-models/*"),
    ("PATCH", "/logged-models/*/tags"),
    ("PATCH", "/registered-models/update"),
    ("PATCH", "/model-versions/update"),
    ("DELETE", "/logged-models/*"),
    ("DELETE", "/logged-models/*/tags/k"),
    ("DELETE", "/registered-models/delete"),
    ("DELETE", "/registered-models/delete-tag"),
    ("DELETE", "/registered-models/alias"),
    ("DELETE", "/model-versions/delete"),
    ("DELETE", "/model-versions/delete-tag"),
    ("DELETE", "-artifacts/artifacts/*"),
];

/// A server with one thing of each sort.
struct World {
    // closed before the server, which would wait for it
    connection: Connection,
    _server: RunningServer,
    names: BTreeMap<&'static str, String>,
}

static WORLD: Mutex<Option<World>> = Mutex::new(None);

fn world() -> World {
    let registry = Registry::memory().expect("a registry in memory");
    let tracking = registry.tracking();
    let run = tracking.create_run(NewRun::new(ExperimentId::DEFAULT));
    let run = run.expect("a run").id;
    let point = MetricPoint {
        step: 1,
        time: mlops_core::EventTime::from_seconds(1),
        value: f64::NAN,
    };
    let mut batch = Batch::of_metrics([Metric::new("m", point)]);
    batch.params = vec![("p".into(), "1".into())];
    batch.tags = vec![("k".into(), "v".into())];
    tracking.log_batch(&run, batch).expect("a batch");
    let owner = ArtifactOwner::Run(run.clone());
    let put = tracking.put_artifact(&owner, "a/b.txt", &b"text"[..]);
    put.expect("an artifact");
    let model = tracking.create_logged_model(NewLoggedModel::new(ExperimentId::DEFAULT));
    let model = model.expect("a logged model").id;
    let registered = registry.model("m").expect("a model");
    let new = NewVersion::source(format!("models:/{model}"));
    registered.register_version(new).expect("a version");
    let names = BTreeMap::from([
        ("{run}", run.to_string()),
        ("{model}", model.to_string()),
        ("{experiment}", ExperimentId::DEFAULT.to_string()),
    ]);
    let server = TrackingServer::new(registry)
        .limits(TrackingLimits::default().body_bytes(1 << 16).artifact_bytes(1 << 16))
        .workers(NonZeroUsize::MIN)
        .grace(std::time::Duration::ZERO)
        .bind("127.0.0.1:0")
        .expect("a port");
    World {
        connection: Connection::to(server.addr()),
        _server: server,
        names,
    }
}

/// The bytes with all that a request line cannot hold as percent escapes.
fn escaped(bytes: &[u8], path: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'%' | b'/' => {
                out.push(*byte);
            }
            b'&' | b'=' | b'+' | b'?' if !path => out.push(*byte),
            byte => out.extend(format!("%{byte:02x}").bytes()),
        }
    }
    out
}

impl World {
    fn filled(&self, bytes: &[u8]) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return bytes.to_vec();
        };
        let mut text = text.to_owned();
        for (name, value) in &self.names {
            text = text.replace(name, value);
        }
        text.into_bytes()
    }

    /// Sends a request; whether it may have changed something.
    fn ask(&mut self, request: &[u8]) -> bool {
        let Some((route, rest)) = request.split_first() else {
            return false;
        };
        let (verb, path) = ROUTES[usize::from(*route) % ROUTES.len()];
        let mut parts = rest.splitn(2, |byte| *byte == 0);
        let (hole, rest) = if path.contains('*') {
            let hole = parts.next().unwrap_or_default();
            (hole, parts.next().unwrap_or_default())
        } else {
            (&b""[..], rest)
        };
        let (hole, rest) = (escaped(&self.filled(hole), true), self.filled(rest));
        let mut target = API.as_bytes().to_vec();
        for (at, part) in path.split('*').enumerate() {
            if at > 0 {
                target.extend(&hole);
            }
            target.extend(part.as_bytes());
        }
        let answer = if verb == "GET" {
            target.push(b'?');
            target.extend(escaped(&rest, false));
            self.connection.send(verb, &target, b"")
        } else {
            self.connection.send(verb, &target, &rest)
        };
        let told = || {
            let (target, body) = (String::from_utf8_lossy(&target), String::from_utf8_lossy(&rest));
            let answer = String::from_utf8_lossy(&answer.body);
            format!("{verb} {target} {body}: {} {answer}", answer.len())
        };
        let status = answer.status;
        assert!(status < 500 || status == 501, "{status} {}", told());
        // an artifact comes as it is, and one that was put is answered by nothing
        let artifact = path == "-artifacts/artifacts/*" && verb != "DELETE";
        if status != 200 || !artifact {
            let json = serde_json::from_slice::<serde_json::Value>(&answer.body);
            let json = json.unwrap_or_else(|_| panic!("{status} no JSON: {}", told()));
            assert_eq!(status >= 400, json["error_code"].is_string(), "{}", told());
        }
        let reads = verb == "GET" || path.ends_with("/search");
        status < 400 && !reads
    }
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let mut held = WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    let world = held.get_or_insert_with(world);
    let mut changed = false;
    for request in data.split(|byte| *byte == 255).take(8) {
        changed |= world.ask(request);
    }
    if changed {
        *held = None;
    }
}
