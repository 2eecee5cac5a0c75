//! No request body makes the server panic or answer with a fault of its own.
//!
//! The protocols have no entry but HTTP, so the fuzzer talks to a server on the loopback address over one
//! connection. The first byte picks the path (KServe V1, Open Inference Protocol v2, outcomes), the rest is
//! the body.

use std::{
    num::NonZeroUsize,
    sync::{LazyLock, Mutex},
};

use mlops_core::{AliasName, Lineage};
use mlops_model::{
    Encoder, Estimator, Input, InputKind, Linear, Link, ModelPackage, ModelSpec, Output,
    Preprocess, Signature,
};
use mlops_registry::Registry;
use mlops_serve::{Endpoint, Limits, PredictionLog, RunningServer, Server};

use crate::http::Connection;

const PATHS: [&str; 3] = ["/v1/models/m:predict", "/v2/models/m/infer", "/v1/outcomes"];

struct Bench {
    _server: RunningServer,
    connection: Connection,
}

static BENCH: LazyLock<Mutex<Bench>> = LazyLock::new(|| Mutex::new(bench()));

fn bench() -> Bench {
    let endpoint = Endpoint::open(&registry(), "m@live").expect("a version");
    let endpoint = endpoint.with_log(PredictionLog::memory().expect("a log"));
    let server = Server::new()
        .endpoint(endpoint)
        .limits(Limits::default().rows(8))
        .workers(NonZeroUsize::MIN)
        .bind("127.0.0.1:0")
        .expect("a port");
    Bench {
        connection: Connection::to(server.addr()),
        _server: server,
    }
}

/// A registry with a model that has an input of each kind.
fn registry() -> Registry {
    let inputs = [
        Input::new("f", InputKind::Float).nullable(),
        Input::new("i", InputKind::Int),
        Input::new("b", InputKind::Bool),
        Input::new("s", InputKind::Str).nullable(),
    ];
    let signature = Signature::new(inputs, Output::Number).expect("four inputs");
    let preprocess = Preprocess::new(
        &signature,
        vec![
            Encoder::Numeric {
                input: 0,
                impute: Some(0.0),
                log1p: false,
                center: 0.0,
                scale: 1.0,
            },
            Encoder::plain(1),
            Encoder::plain(2),
            Encoder::OneHot {
                input: 3,
                categories: vec!["x".into()],
            },
        ],
    );
    let linear = Linear {
        weights: vec![1.0; 4],
        bias: vec![0.0],
        link: Link::Identity,
    };
    let preprocess = preprocess.expect("encoders that fit");
    let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(linear)).expect("a model");
    let package = ModelPackage::builder(spec).build().expect("a package");
    let registry = Registry::memory().expect("memory");
    let model = registry.model("m").expect("a model");
    let lineage = Lineage::default();
    model
        .register(&package, None, &lineage, "")
        .expect("a version");
    let live = AliasName::new("live").expect("a name");
    model.set_alias(&live, 1).expect("an alias");
    registry
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let path = PATHS[usize::from(*choice) % PATHS.len()];
    let mut bench = BENCH.lock().expect("one thread");
    let answer = bench.connection.send("POST", path.as_bytes(), body);
    let reply: serde_json::Value =
        serde_json::from_slice(&answer.body).expect("an answer is JSON");
    match answer.status {
        200 => assert!(reply.get("error").is_none()),
        400 | 404 | 413 | 501 => assert!(reply["error"].is_string(), "{reply}"),
        fault => panic!("status {fault}: {reply}"),
    }
}
