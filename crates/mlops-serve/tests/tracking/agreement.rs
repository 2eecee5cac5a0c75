//! Where the differential (`interop/mlflow/differential`) found this server to differ from MLflow 3.17.2 and was right.

use mlops_registry::Registry;
use mlops_serve::{RunningServer, TrackingServer};
use serde_json::{Value, json};

use crate::support::{Answer, Call};

const API: &str = "/api/2.0/mlflow";
const ARTIFACTS: &str = "/api/2.0/mlflow-artifacts/artifacts";

struct World {
    _dir: tempfile::TempDir,
    server: RunningServer,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/data/mlops.db", dir.path().display());
        let server = TrackingServer::new(Registry::open(url).unwrap()).sources_elsewhere();
        Self {
            _dir: dir,
            server: server.bind("127.0.0.1:0").unwrap(),
        }
    }

    fn call(&self) -> Call {
        Call::to(self.server.addr())
    }

    fn post(&self, route: &str, body: &Value) -> Answer {
        self.call().post(&format!("{API}{route}"), body)
    }

    fn get(&self, route: &str) -> Answer {
        self.call().get(&format!("{API}{route}"))
    }

    fn made(&self, route: &str, body: &Value) -> Value {
        let answer = self.post(route, body);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    fn run(&self) -> String {
        let made = self.made("/runs/create", &json!({"experiment_id": "0"}));
        made["run"]["info"]["run_id"].as_str().unwrap().to_owned()
    }

    /// A model with a version from a bucket.
    fn model(&self, name: &str) {
        self.made("/registered-models/create", &json!({ "name": name }));
        let version = json!({"name": name, "source": "s3://bucket/x", "description": "first"});
        self.made("/model-versions/create", &version);
    }
}

const INVALID: (u16, &str) = (400, "INVALID_PARAMETER_VALUE");
const NOT_FOUND: (u16, &str) = (404, "RESOURCE_DOES_NOT_EXIST");

fn refused(answer: &Answer, (status, code): (u16, &str)) {
    assert_eq!(answer.error(), (status, code.to_owned()), "{answer:?}");
}

#[test]
fn an_experiment_is_deleted_from_what_is_there_and_restored_from_what_is_deleted() {
    let world = World::new();
    let made = world.made("/experiments/create", &json!({"name": "a"}));
    refused(&world.post("/experiments/restore", &made), NOT_FOUND);
    assert_eq!(world.post("/experiments/delete", &made).status, 200);
    refused(&world.post("/experiments/delete", &made), NOT_FOUND);
    assert_eq!(world.post("/experiments/restore", &made).status, 200);
}

#[test]
fn a_tag_does_not_change_when_an_experiment_was_updated() {
    let world = World::new();
    let id = world.made("/experiments/create", &json!({"name": "a"}))["experiment_id"].clone();
    let read = || {
        let path = format!("/experiments/get?experiment_id={}", id.as_str().unwrap());
        world.get(&path).json()["experiment"].clone()
    };
    let before = read();
    assert_eq!(before["workspace"], "default");
    std::thread::sleep(std::time::Duration::from_millis(3));
    let tag = json!({"experiment_id": id, "key": "k", "value": "v"});
    world.made("/experiments/set-experiment-tag", &tag);
    assert_eq!(read()["last_update_time"], before["last_update_time"]);
}

#[test]
fn what_cannot_be_the_id_of_an_experiment_is_invalid_and_what_is_not_there_has_no_runs() {
    let world = World::new();
    for id in ["x", "1.0", "", "é"] {
        let search = json!({"experiment_ids": [id]});
        refused(&world.post("/runs/search", &search), INVALID);
    }
    for id in ["-1", "12345", "99999999999999999999"] {
        let search = json!({"experiment_ids": [id]});
        assert_eq!(world.made("/runs/search", &search), json!({}));
        refused(
            &world.get(&format!("/experiments/get?experiment_id={id}")),
            NOT_FOUND,
        );
    }
}

#[test]
fn names_on_the_wire_may_be_their_numbers() {
    let world = World::new();
    let run = world.run();
    let updated = world.made("/runs/update", &json!({"run_id": run, "status": 4}));
    assert_eq!(updated["run_info"]["status"], "FAILED");
    let search = json!({"experiment_ids": ["0"], "run_view_type": 2});
    assert_eq!(world.made("/runs/search", &search), json!({}));
}

#[test]
fn keys_do_not_begin_with_two_dots_and_times_end_with_the_year_9999() {
    let world = World::new();
    let run = world.run();
    for (key, time) in [("..a", 1), ("...", 1), ("a", 253_402_300_800_000_i64)] {
        let metric = json!({"run_id": run, "key": key, "value": 1, "timestamp": time});
        refused(&world.post("/runs/log-metric", &metric), INVALID);
    }
    let half = json!({"run_id": run, "key": "a", "value": 1, "timestamp": 1, "dataset_name": "d"});
    refused(&world.post("/runs/log-metric", &half), INVALID);
    let steps =
        format!("/metrics/get-history-bulk-interval?run_ids={run}&metric_key=a&start_step=0");
    refused(&world.get(&steps), INVALID);
}

#[test]
fn a_version_keeps_what_an_update_does_not_name_and_a_copy_its_origin() {
    let world = World::new();
    world.model("m");
    let update = json!({"name": "m", "version": "1"});
    let path = format!("{API}/model-versions/update");
    let answer = world.call().json("PATCH", &path, &update);
    assert_eq!(answer.json()["model_version"]["description"], "first");

    let run = world.run();
    let source = format!("runs:/{run}/model");
    world.made(
        "/model-versions/create",
        &json!({"name": "m", "source": source}),
    );
    let copy = json!({"name": "m", "source": "models:/m/2"});
    let copied = world.made("/model-versions/create", &copy);
    assert_eq!(copied["model_version"]["run_id"], run.as_str());
    let other = json!({"name": "m", "source": "models:/m/2", "run_id": world.run()});
    refused(&world.post("/model-versions/create", &other), INVALID);
    refused(
        &world.get("/model-versions/get?name=m&version=-1"),
        NOT_FOUND,
    );
}

#[test]
fn a_version_without_a_run_has_an_empty_one_in_searches() {
    let world = World::new();
    world.model("m");
    let found = world.get("/model-versions/search?filter=run_id+%3D+''");
    assert_eq!(found.json()["model_versions"].as_array().unwrap().len(), 1);
}

#[test]
fn the_alias_latest_is_always_there_and_no_alias_has_a_point() {
    let world = World::new();
    world.model("m");
    let latest = world.get("/registered-models/alias?name=m&alias=Latest");
    assert_eq!(latest.json()["model_version"]["version"], "1");
    let alias = json!({"name": "m", "alias": "a.b", "version": "1"});
    refused(&world.post("/registered-models/alias", &alias), INVALID);
}

#[test]
fn orderings_are_those_of_each_search() {
    let world = World::new();
    let twice = json!({"order_by": ["name", "name DESC"]});
    assert_eq!(world.post("/experiments/search", &twice).status, 200);
    let by = |place: &str| world.get(&format!("{place}/search?order_by=attribute.name"));
    refused(&by("/registered-models"), INVALID);
    assert_eq!(by("/model-versions").status, 200);
    let search = json!({"experiment_ids": ["0"], "order_by": [{"field_name": "attributes.name"}]});
    refused(&world.post("/logged-models/search", &search), INVALID);
    refused(&world.post("/logged-models/search", &json!({})), INVALID);
}

#[test]
fn tags_of_logged_models_may_be_long_and_only_their_status_makes_them_newer() {
    let world = World::new();
    let tags = json!([{"key": "k", "value": "x".repeat(20_000)}]);
    let made = world.made(
        "/logged-models",
        &json!({"experiment_id": "0", "tags": tags}),
    );
    let info = &made["model"]["info"];
    assert_eq!(info["tags"], tags);
    assert_eq!(info["source_run_id"], "");
    std::thread::sleep(std::time::Duration::from_millis(3));
    let path = format!("/logged-models/{}", info["model_id"].as_str().unwrap());
    let tagged = world.call().json(
        "PATCH",
        &format!("{API}{path}/tags"),
        &json!({ "tags": tags }),
    );
    assert_eq!(tagged.status, 200);
    let updated =
        |answer: &Answer| answer.json()["model"]["info"]["last_updated_timestamp_ms"].clone();
    assert_eq!(
        updated(&world.get(&path)),
        info["last_updated_timestamp_ms"]
    );
    let status = json!({"status": "LOGGED_MODEL_READY"});
    let ready = world.call().json("PATCH", &format!("{API}{path}"), &status);
    assert_ne!(updated(&ready), info["last_updated_timestamp_ms"]);
}

#[test]
fn a_directory_is_deleted_with_what_is_in_it_and_what_is_gone_is_gone() {
    let world = World::new();
    let run = world.run();
    let place = |path: &str| format!("{ARTIFACTS}/0/{run}/artifacts/{path}");
    for path in ["d/a", "d/e/b", "db"] {
        assert_eq!(world.call().send("PUT", &place(path), b"x").status, 200);
    }
    for _ in 0..2 {
        assert_eq!(world.call().send("DELETE", &place("d"), b"").status, 200);
    }
    let listed = world.get(&format!("/artifacts/list?run_id={run}")).json();
    assert_eq!(listed["files"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["files"][0]["path"], "db");
}
