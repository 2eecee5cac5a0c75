//! Versions keep the content that they had when they were registered, and logged models know their versions.

use std::collections::BTreeMap;

use mlops_core::{EventTime, Lineage};
use mlops_model::{
    Estimator, Linear, Link, ModelPackage, ModelSpec, Output, Preprocess, Signature,
};
use mlops_registry::Registry;
use mlops_serve::{RunningServer, TrackingServer};
use serde_json::{Value, json};

use crate::support::{Answer, Call};

const API: &str = "/api/2.0/mlflow";
const ARTIFACTS: &str = "/api/2.0/mlflow-artifacts/artifacts";

struct World {
    server: RunningServer,
    run: String,
    logged_model: String,
}

impl World {
    fn new(server: TrackingServer) -> Self {
        let mut world = Self {
            server: server.bind("127.0.0.1:0").unwrap(),
            run: String::new(),
            logged_model: String::new(),
        };
        let run = world.post("/runs/create", &json!({"experiment_id": "0"}));
        world.run = text(&run.json()["run"]["info"]["run_id"]);
        let new = json!({"experiment_id": "0", "name": "m", "source_run_id": world.run});
        let model = world.post("/logged-models", &new);
        world.logged_model = text(&model.json()["model"]["info"]["model_id"]);
        let made = world.post(
            "/registered-models/create",
            &json!({"name": "linear model"}),
        );
        assert_eq!(made.status, 200, "{made:?}");
        world
    }

    fn call(&self) -> Call {
        Call::to(self.server.addr())
    }

    fn post(&self, route: &str, body: &Value) -> Answer {
        self.call().post(&format!("{API}{route}"), body)
    }

    fn put(&self, path: &str, content: &[u8]) -> Answer {
        self.call()
            .send("PUT", &format!("{ARTIFACTS}/{path}"), content)
    }

    fn of_run(&self, path: &str) -> String {
        format!("0/{}/artifacts/{path}", self.run)
    }

    fn of_model(&self, path: &str) -> String {
        format!("0/models/{}/artifacts/{path}", self.logged_model)
    }

    fn register(&self, body: &Value) -> Answer {
        let mut body = body.clone();
        body["name"] = "linear model".into();
        self.post("/model-versions/create", &body)
    }

    /// Where a client downloads a version from, as a path of the proxy.
    fn download_path(&self, version: u32) -> String {
        let uri =
            format!("{API}/model-versions/get-download-uri?name=linear+model&version={version}");
        let answer = self.call().get(&uri);
        assert_eq!(answer.status, 200, "{answer:?}");
        let uri = text(&answer.json()["artifact_uri"]);
        uri.strip_prefix("mlflow-artifacts:/").unwrap().to_owned()
    }

    fn get(&self, path: &str) -> Answer {
        self.call().get(&format!("{ARTIFACTS}/{path}"))
    }

    fn list(&self, path: &str) -> BTreeMap<String, Option<u64>> {
        let answer = self.call().get(&format!("{ARTIFACTS}?path={path}"));
        let files = answer.json()["files"].clone();
        let files = files.as_array().cloned().unwrap_or_default();
        let entry = |file: &Value| (text(&file["path"]), file["file_size"].as_u64());
        files.iter().map(entry).collect()
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value}"))
        .to_owned()
}

fn server() -> TrackingServer {
    TrackingServer::new(Registry::memory().unwrap())
}

#[test]
fn a_version_stays_what_it_was_whatever_happens_to_its_run() {
    let world = World::new(server());
    world.put(&world.of_run("model/MLmodel"), b"first");
    world.put(&world.of_run("model/data/weights.bin"), b"123");
    world.put(&world.of_run("model-2/other"), b"other");
    let source = format!("runs:/{}/model", world.run);
    let made = world.register(&json!({"source": source, "run_id": world.run}));
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!(made.json()["model_version"]["source"], source.as_str());
    let path = world.download_path(1);
    let root = BTreeMap::from([("MLmodel".into(), Some(5)), ("data".into(), None)]);
    assert_eq!(world.list(&path), root);

    world.put(&world.of_run("model/MLmodel"), b"poisoned");
    world.put(&world.of_run("model/extra.pkl"), b"poison");
    let gone = format!("{ARTIFACTS}/{}", world.of_run("model/data"));
    assert_eq!(world.call().send("DELETE", &gone, b"").status, 200);
    assert_eq!(world.list(&path), root);
    assert_eq!(world.get(&format!("{path}/MLmodel")).body, b"first");
    assert_eq!(world.get(&format!("{path}/data/weights.bin")).body, b"123");
    assert_eq!(world.list(&format!("{path}/data")).len(), 1);
    assert_eq!(
        world.list(&format!("{path}/MLmodel")).len(),
        0,
        "a file has no files"
    );
    assert_eq!(world.get(&format!("{path}/extra.pkl")).status, 404);
    assert_eq!(world.get(&format!("{path}/data")).status, 404);

    // a second version has what lies there now, and a copy of the first has what the first has
    assert_eq!(world.register(&json!({"source": source})).status, 200);
    let copy = world.register(&json!({"source": "models:/linear model/1"}));
    assert_eq!(copy.status, 200, "{copy:?}");
    let second = world.download_path(2);
    assert_eq!(world.get(&format!("{second}/MLmodel")).body, b"poisoned");
    let third = world.download_path(3);
    assert_eq!(world.get(&format!("{third}/MLmodel")).body, b"first");
    let by_uri = json!({"source": format!("mlflow-artifacts:/{third}")});
    assert_eq!(world.register(&by_uri).status, 200);
    let fourth = world.download_path(4);
    assert_eq!(world.get(&format!("{fourth}/MLmodel")).body, b"first");

    // and the first outlives its run and its copies, until it is deleted itself
    world.post("/runs/delete", &json!({"run_id": world.run}));
    assert_eq!(world.get(&format!("{path}/MLmodel")).body, b"first");
    let version = json!({"name": "linear model", "version": "1"});
    let deleted = world
        .call()
        .json("DELETE", &format!("{API}/model-versions/delete"), &version);
    assert_eq!(deleted.status, 200);
    assert_eq!(world.get(&format!("{path}/MLmodel")).status, 404);
}

#[test]
fn nobody_writes_into_a_version() {
    let world = World::new(server());
    world.put(&world.of_model("MLmodel"), b"first");
    let source = format!("models:/{}", world.logged_model);
    assert_eq!(world.register(&json!({"source": source})).status, 200);
    let path = world.download_path(1);
    for (verb, target) in [
        ("PUT", format!("{ARTIFACTS}/{path}/MLmodel")),
        ("PUT", format!("{ARTIFACTS}/{path}/new")),
        ("DELETE", format!("{ARTIFACTS}/{path}/MLmodel")),
        ("DELETE", format!("{ARTIFACTS}/{path}")),
    ] {
        let body: &[u8] = if verb == "PUT" { b"x" } else { b"" };
        let answer = world.call().send(verb, &target, body);
        assert_eq!(
            answer.error(),
            (400, "INVALID_PARAMETER_VALUE".into()),
            "{verb} {target}"
        );
    }
    assert_eq!(world.get(&format!("{path}/MLmodel")).body, b"first");
    for other in [
        "registered-models/linear~20model/2/artifacts",
        "registered-models/other/1/artifacts",
    ] {
        assert_eq!(
            world.get(&format!("{other}/MLmodel")).status,
            404,
            "{other}"
        );
    }
}

#[test]
fn a_source_elsewhere_is_refused_unless_it_is_the_runs_own_or_asked_for() {
    let world = World::new(server());
    for source in ["s3://bucket/model", "gs://bucket/x", "dbfs:/x"] {
        for extra in [json!({}), json!({"run_id": world.run})] {
            let mut body = extra.clone();
            body["source"] = source.into();
            let answer = world.register(&body);
            assert_eq!(answer.status, 400, "{source} {extra}");
        }
    }
    let new = json!({"name": "in a bucket", "artifact_location": "s3://bucket/ours"});
    let made = world.post("/experiments/create", &new).json();
    let run = world
        .post(
            "/runs/create",
            &json!({"experiment_id": made["experiment_id"]}),
        )
        .json();
    let info = &run["run"]["info"];
    let uri = text(&info["artifact_uri"]);
    let id = text(&info["run_id"]);
    let there =
        |source: String, run: &str| world.register(&json!({"source": source, "run_id": run}));
    assert_eq!(there(format!("{uri}/model"), &id).status, 200);
    assert_eq!(there(format!("{uri}/model"), &world.run).status, 400);
    assert_eq!(there(format!("{uri}-others/model"), &id).status, 400);
    assert_eq!(there("s3://bucket/ours".into(), &id).status, 400);

    let open = World::new(server().sources_elsewhere());
    assert_eq!(
        open.register(&json!({"source": "s3://bucket/model"}))
            .status,
        200
    );
    let uri = format!("{API}/model-versions/get-download-uri?name=linear+model&version=1");
    assert_eq!(
        open.call().get(&uri).json()["artifact_uri"],
        "s3://bucket/model"
    );
}

#[test]
fn a_logged_model_tells_the_versions_that_were_made_from_it() {
    let world = World::new(server());
    world.put(&world.of_model("MLmodel"), b"first");
    let get = format!("{API}/logged-models/{}", world.logged_model);
    let info = || world.call().get(&get).json()["model"]["info"].clone();
    assert_eq!(info().get("registrations"), None);
    let source = format!("models:/{}", world.logged_model);
    for _ in 0..2 {
        assert_eq!(world.register(&json!({"source": source})).status, 200);
    }
    let name = "linear model";
    let expect = json!([{"name": name, "version": "1"}, {"name": name, "version": "2"}]);
    assert_eq!(info()["registrations"], expect);
    let found = world.post("/logged-models/search", &json!({"experiment_ids": ["0"]}));
    assert_eq!(found.json()["models"][0]["info"]["registrations"], expect);
    let version = json!({"name": name, "version": "1"});
    world
        .call()
        .json("DELETE", &format!("{API}/model-versions/delete"), &version);
    assert_eq!(
        info()["registrations"],
        json!([{"name": name, "version": "2"}])
    );
}

#[test]
fn a_package_of_ours_is_downloaded_as_its_files() {
    let signature = Signature::new([], Output::Number).unwrap();
    let preprocess = Preprocess::new(&signature, vec![]).unwrap();
    let constant = Linear {
        weights: vec![],
        bias: vec![1.0],
        link: Link::Identity,
    };
    let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(constant)).unwrap();
    let package = ModelPackage::builder(spec)
        .created(EventTime::from_seconds(0))
        .build()
        .unwrap();
    let registry = Registry::memory().unwrap();
    let model = registry.model("linear model").unwrap();
    model
        .register(&package, None, &Lineage::default(), "ours")
        .unwrap();
    let server = TrackingServer::new(registry).bind("127.0.0.1:0").unwrap();
    let world = World {
        server,
        run: String::new(),
        logged_model: String::new(),
    };
    let path = world.download_path(1);
    let files = world.list(&path);
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        package.files().keys().collect::<Vec<_>>()
    );
    for (name, bytes) in package.files() {
        assert_eq!(&world.get(&format!("{path}/{name}")).body, bytes, "{name}");
    }
}
