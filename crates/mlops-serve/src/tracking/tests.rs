//! Every route there is, with nobody's secret and with each role's: what is denied, and that nothing is forgotten.

#[path = "../../tests/tracking/support.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use mlops_core::Span;
use mlops_registry::{ArtifactOwner, NewExperiment, NewLoggedModel, NewRun, NewVersion, Registry};
use serde_json::{Value, json};

use super::{
    AccessToken, Right, ServerPolicy, TrackingServer,
    api::TABLE,
    route::{Needs, Route, Verb},
};
use crate::RunningServer;
use support::Call;

/// What each route needs, written down a second time: `None` for what every known caller may do.
const EXPECTED: &[(Verb, &str, Option<Right>)] = {
    use Right::{Edit, Manage, Read};
    use Verb::{Delete, Get, Patch, Post, Put};
    &[
        (Get, "/", None),
        (Get, "/ui/experiments/{experiment_id}", Some(Read)),
        (Get, "/ui/runs/{run_id}", Some(Read)),
        (Get, "/ui/compare", Some(Read)),
        (Get, "/ui/logged-models/{model_id}", Some(Read)),
        (Get, "/ui/models", None),
        (Get, "/ui/models/{name}", Some(Read)),
        (Get, "/ui/models/{name}/compare", Some(Read)),
        (Get, "/ui/models/{name}/versions/{version}", Some(Read)),
        (Get, "/ui/audit", None),
        (Get, "/ui/artifacts/{*path}", Some(Read)),
        (Get, "/server-info", None),
        (Post, "/experiments/create", Some(Edit)),
        (Get, "/experiments/get", Some(Read)),
        (Get, "/experiments/get-by-name", Some(Read)),
        (Post, "/experiments/search", None),
        (Get, "/experiments/search", None),
        (Post, "/experiments/update", Some(Manage)),
        (Post, "/experiments/delete", Some(Manage)),
        (Post, "/experiments/restore", Some(Manage)),
        (Post, "/experiments/set-experiment-tag", Some(Edit)),
        (Post, "/experiments/delete-experiment-tag", Some(Edit)),
        (Post, "/runs/create", Some(Edit)),
        (Get, "/runs/get", Some(Read)),
        (Post, "/runs/update", Some(Edit)),
        (Post, "/runs/delete", Some(Manage)),
        (Post, "/runs/restore", Some(Manage)),
        (Post, "/runs/search", Some(Read)),
        (Post, "/runs/log-metric", Some(Edit)),
        (Post, "/runs/log-parameter", Some(Edit)),
        (Post, "/runs/set-tag", Some(Edit)),
        (Post, "/runs/delete-tag", Some(Edit)),
        (Post, "/runs/log-batch", Some(Edit)),
        (Post, "/runs/log-inputs", Some(Edit)),
        (Post, "/runs/outputs", Some(Edit)),
        (Post, "/runs/log-model", Some(Edit)),
        (Get, "/metrics/get-history", Some(Read)),
        (Get, "/metrics/get-history-bulk-interval", Some(Read)),
        (Get, "/artifacts/list", Some(Read)),
        (Get, "/artifacts", Some(Read)),
        (Get, "/artifacts/{*path}", Some(Read)),
        (Put, "/artifacts/{*path}", Some(Edit)),
        (Delete, "/artifacts/{*path}", Some(Manage)),
        (Post, "/mpu/create/{*directory}", Some(Edit)),
        (Post, "/mpu/complete/{*directory}", Some(Edit)),
        (Post, "/mpu/abort/{*directory}", Some(Edit)),
        (Put, "/mpu/parts/{upload_id}/{part_number}", Some(Edit)),
        (Get, "/presigned/{*path}", Some(Read)),
        (Post, "/logged-models", Some(Edit)),
        (Post, "/logged-models/search", Some(Read)),
        (Get, "/logged-models/{model_id}", Some(Read)),
        (Patch, "/logged-models/{model_id}", Some(Edit)),
        (Delete, "/logged-models/{model_id}", Some(Manage)),
        (Patch, "/logged-models/{model_id}/tags", Some(Edit)),
        (
            Delete,
            "/logged-models/{model_id}/tags/{tag_key}",
            Some(Edit),
        ),
        (Post, "/logged-models/{model_id}/params", Some(Edit)),
        (
            Get,
            "/logged-models/{model_id}/artifacts/directories",
            Some(Read),
        ),
        (Post, "/registered-models/create", Some(Edit)),
        (Get, "/registered-models/get", Some(Read)),
        (Patch, "/registered-models/update", Some(Edit)),
        (Post, "/registered-models/rename", Some(Manage)),
        (Delete, "/registered-models/delete", Some(Manage)),
        (Get, "/registered-models/search", None),
        (Post, "/registered-models/set-tag", Some(Edit)),
        (Delete, "/registered-models/delete-tag", Some(Edit)),
        (Post, "/registered-models/get-latest-versions", Some(Read)),
        (Get, "/registered-models/get-latest-versions", Some(Read)),
        (Get, "/registered-models/alias", Some(Read)),
        (Post, "/registered-models/alias", Some(Manage)),
        (Delete, "/registered-models/alias", Some(Manage)),
        (Post, "/model-versions/create", Some(Edit)),
        (Get, "/model-versions/get", Some(Read)),
        (Patch, "/model-versions/update", Some(Edit)),
        (Delete, "/model-versions/delete", Some(Manage)),
        (Get, "/model-versions/search", None),
        (Post, "/model-versions/transition-stage", Some(Manage)),
        (Get, "/model-versions/get-download-uri", Some(Read)),
        (Post, "/model-versions/set-tag", Some(Edit)),
        (Delete, "/model-versions/delete-tag", Some(Edit)),
        (Post, "/webhooks", Some(Manage)),
        (Get, "/webhooks", Some(Read)),
        (Get, "/webhooks/{webhook_id}", Some(Read)),
        (Patch, "/webhooks/{webhook_id}", Some(Manage)),
        (Delete, "/webhooks/{webhook_id}", Some(Manage)),
        (Post, "/webhooks/{webhook_id}/test", Some(Manage)),
    ]
};

/// Roles by name, with the right that each has on what the requests below are about.
const ROLES: [(&str, Option<Right>); 5] = [
    ("nothing", None),
    ("stranger", None),
    ("reader", Some(Right::Read)),
    ("editor", Some(Right::Edit)),
    ("manager", Some(Right::Manage)),
];

fn token(role: &str) -> AccessToken {
    let mut entropy = [0; 32];
    entropy[..role.len()].copy_from_slice(role.as_bytes());
    AccessToken::from_entropy(&entropy)
}

fn policy() -> ServerPolicy {
    let on = |pattern: &str, right: &str| {
        json!({"experiments": {pattern: right}, "models": {pattern: right},
               "server": (pattern == "ours*").then_some(right)})
    };
    let principal = |role: &str| {
        let tokens = vec![token(role).hash()];
        match role {
            "nothing" => json!({ "tokens": tokens }),
            role => json!({"roles": [role], "tokens": tokens}),
        }
    };
    let policy = json!({
        "version": 1,
        "roles": {
            "stranger": on("theirs*", "manage"),
            "reader": on("ours*", "read"),
            "editor": on("ours*", "edit"),
            "manager": on("ours*", "manage"),
        },
        "principals": ROLES.map(|(role, _)| (role, principal(role)))
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>(),
    });
    ServerPolicy::from_json(policy.to_string().as_bytes()).unwrap()
}

/// A server of its own with one thing of each sort, and a request that names them all.
struct World {
    server: RunningServer,
    fields: Value,
    path: String,
}

impl World {
    fn new() -> Self {
        let registry = Registry::memory().unwrap();
        let tracking = registry.tracking();
        let experiment = NewExperiment::new("ours".parse().unwrap());
        let experiment = tracking.create_experiment(experiment).unwrap().id;
        let run = tracking.create_run(NewRun::new(experiment)).unwrap().id;
        let model = NewLoggedModel::new(experiment);
        let model = tracking.create_logged_model(model).unwrap().id;
        let ours = "ours".parse().unwrap();
        registry
            .create_model(&ours, "", &std::collections::BTreeMap::new())
            .unwrap()
            .register_version(NewVersion::source(format!("models:/{model}")))
            .unwrap();
        let server = TrackingServer::new(registry)
            .policy(policy())
            .bind("127.0.0.1:0")
            .unwrap();
        let path = format!("{experiment}/{run}/artifacts/a.txt");
        let owner = ArtifactOwner::Run(run.clone());
        let upload = tracking
            .start_upload(&owner, "b.txt", 1, Span::hours(1))
            .unwrap();
        let fields = json!({
            "experiment_id": experiment.to_string(),
            "experiment_ids": [experiment.to_string()],
            "experiment_name": "ours",
            "name": "ours",
            "new_name": "ours too",
            "run_id": run.as_str(),
            "run_ids": [run.as_str()],
            "model_id": model.as_str(),
            "tag_key": "k",
            "key": "k",
            "value": "1",
            "timestamp": 1,
            "metric_key": "k",
            "path": path,
            "version": "1",
            "alias": "a",
            "upload_id": upload.id.to_string(),
            "source": format!("models:/{model}"),
            "stage": "Staging",
        });
        Self {
            server,
            fields,
            path,
        }
    }

    /// Sends a request on a route; the status.
    fn ask(&self, route: &Route, prefix: &str, call: &Call) -> u16 {
        let text = |name: &str| self.fields[name].as_str().unwrap().to_owned();
        let mut fields = self.fields.clone();
        if route.path == "/artifacts/list" {
            fields.as_object_mut().unwrap().remove("path");
        }
        let path = route
            .path
            .replace("{*path}", &self.path)
            .replace("{*directory}", self.path.trim_end_matches("/a.txt"))
            .replace("{upload_id}", &text("upload_id"))
            .replace("{part_number}", "1")
            .replace("{model_id}", &text("model_id"))
            .replace("{experiment_id}", &text("experiment_id"))
            .replace("{run_id}", &text("run_id"))
            .replace("{name}", &text("name"))
            .replace("{version}", &text("version"))
            .replace("{webhook_id}", "7c9f1d1e-0000-4000-8000-000000000001")
            .replace("{tag_key}", "k");
        let mut target = format!("{prefix}{path}");
        let verb = match route.verb {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Put => return call.send("PUT", &target, b"x").status,
            Verb::Patch => "PATCH",
            Verb::Delete => "DELETE",
        };
        if verb != "GET" {
            return call.json(verb, &target, &fields).status;
        }
        let pairs = fields.as_object().unwrap().iter().map(|(name, value)| {
            let value = value.get(0).unwrap_or(value);
            let value = value.as_str().map_or(value.to_string(), str::to_owned);
            format!("{name}={}", value.replace(' ', "+"))
        });
        target.push('?');
        target.push_str(&pairs.collect::<Vec<_>>().join("&"));
        call.get(&target).status
    }

    fn call(&self) -> Call {
        Call::to(self.server.addr())
    }
}

fn all() -> impl Iterator<Item = (&'static Route, &'static str)> {
    let routes = TABLE.iter().copied().flatten();
    routes.flat_map(|route| {
        let prefixes = route.family.prefixes().iter();
        prefixes.map(move |prefix| (route, *prefix))
    })
}

#[test]
fn no_route_answers_a_stranger_but_health_and_version() {
    // 2026-0545, 2026-2652, 2023-6014: families of routes that no guard knew of
    let world = World::new();
    let mut open = Vec::new();
    for (route, prefix) in all() {
        let status = world.ask(route, prefix, &world.call());
        if matches!(route.needs, Needs::Nobody) {
            assert_eq!(status, 200, "{}", route.path);
            open.push(route.path);
        } else {
            assert_eq!(status, 401, "{:?} {prefix}{}", route.verb, route.path);
        }
        let wrong = world.call().token("mlops_wrong");
        let status = world.ask(route, prefix, &wrong);
        assert!(
            status == 401 || matches!(route.needs, Needs::Nobody),
            "{:?} {prefix}{}",
            route.verb,
            route.path
        );
    }
    assert_eq!(open, ["/health", "/version"]);
    for path in [
        "/",
        "/graphql",
        "/api/2.0/mlflow/users/create",
        "/get-artifact",
        "/metrics",
    ] {
        assert_eq!(world.call().get(path).status, 401, "{path}");
    }
}

#[test]
fn each_role_may_do_what_it_may_and_nothing_else() {
    // 2024-4263 (who may edit deletes), 2025-15381, 2026-2651 (objects that nobody asked about)
    let mut seen = 0;
    for (route, prefix) in all() {
        if matches!(route.needs, Needs::Nobody) {
            continue;
        }
        let expected = EXPECTED
            .iter()
            .find(|(verb, path, _)| *verb == route.verb && *path == route.path);
        let (_, _, needed) = expected
            .unwrap_or_else(|| panic!("{:?} {} is not in the list", route.verb, route.path));
        seen += 1;
        let mut world = World::new();
        for (role, held) in ROLES {
            let status = world.ask(route, prefix, &world.call().token(token(role).secret()));
            let allowed = needed.is_none_or(|needed| held.is_some_and(|held| held >= needed));
            let told = format!(
                "{role} on {:?} {prefix}{}: {status}",
                route.verb, route.path
            );
            assert_ne!(status, 401, "{told}");
            assert_eq!(status != 403, allowed, "{told}");
            assert!(status < 500 || status == 501, "{told}");
            if allowed && needed == &Some(Right::Manage) {
                // it may be gone now
                world = World::new();
            }
        }
    }
    let listed = EXPECTED.len() - 6 * usize::from(cfg!(not(feature = "webhooks")));
    // pages have one address each
    let is_page = |path: &str| path == "/" || path.starts_with("/ui/");
    let pages = EXPECTED.iter().filter(|(_, path, _)| is_page(path)).count();
    assert!(
        seen >= listed * 2 - pages,
        "{seen} requests for {listed} routes"
    );
}

#[test]
fn the_content_of_a_version_is_for_those_who_may_read_the_model() {
    let world = World::new();
    let path = "registered-models/ours/1/artifacts";
    for (role, held) in ROLES {
        let call = world.call().token(token(role).secret());
        let artifacts = "/api/2.0/mlflow-artifacts/artifacts";
        let listed = call.get(&format!("{artifacts}?path={path}")).status;
        let read = call.get(&format!("{artifacts}/{path}/a")).status;
        let written = call
            .send("PUT", &format!("{artifacts}/{path}/a"), b"x")
            .status;
        let expected = match held {
            None => (403, 403, 403),
            Some(Right::Read) => (200, 404, 403),
            Some(_) => (200, 404, 400),
        };
        assert_eq!((listed, read, written), expected, "{role}");
    }
}

#[test]
fn a_search_shows_what_the_caller_may_read() {
    let world = World::new();
    let found = |role: &str, route: &str, list: &str| {
        let call = world.call().token(token(role).secret());
        let answer = call.get(&format!("/api/2.0/mlflow{route}?max_results=10"));
        assert_eq!(answer.status, 200);
        answer.json()[list].as_array().map_or(0, Vec::len)
    };
    for (role, held) in ROLES {
        let seen = usize::from(held.is_some());
        for (route, list) in [
            ("/experiments/search", "experiments"),
            ("/registered-models/search", "registered_models"),
            ("/model-versions/search", "model_versions"),
        ] {
            assert_eq!(found(role, route, list), seen, "{role} on {route}");
        }
    }
    let other = |role: &str, ids: &[&str]| {
        let call = world.call().token(token(role).secret());
        let body = json!({ "experiment_ids": ids });
        call.post("/api/2.0/mlflow/runs/search", &body).status
    };
    let ours = world.fields["experiment_id"].as_str().unwrap();
    assert_eq!(other("reader", &[ours]), 200);
    assert_eq!(
        other("reader", &[ours, "0"]),
        403,
        "one that may not be read is enough"
    );
    assert_eq!(
        other("stranger", &[]),
        200,
        "nothing is searched, and nothing found"
    );
}

#[test]
fn a_version_cannot_be_made_of_what_its_maker_may_not_read() {
    let world = World::new();
    let call = world.call().token(token("stranger").secret());
    let model = json!({"name": "theirs"});
    let made = call.post("/api/2.0/mlflow/registered-models/create", &model);
    assert_eq!(made.status, 200);
    for source in [
        world.fields["source"].as_str().unwrap().to_owned(),
        format!("runs:/{}/model", world.fields["run_id"].as_str().unwrap()),
        format!("mlflow-artifacts:/{}", world.path),
        "models:/ours/1".into(),
    ] {
        let body = json!({"name": "theirs", "source": source});
        let answer = call.post("/api/2.0/mlflow/model-versions/create", &body);
        assert_eq!(answer.status, 403, "{source}");
    }
}

#[test]
fn a_metric_cannot_be_written_to_a_logged_model_of_another() {
    let world = World::new();
    let call = world.call().token(token("stranger").secret());
    let experiment = json!({"name": "theirs"});
    let made = call.post("/api/2.0/mlflow/experiments/create", &experiment);
    let id = made.json()["experiment_id"].clone();
    let made = call.post(
        "/api/2.0/mlflow/runs/create",
        &json!({ "experiment_id": id }),
    );
    let run = made.json()["run"]["info"]["run_id"].clone();
    let metric = json!({"key": "k", "value": 1, "timestamp": 1,
                        "model_id": world.fields["model_id"]});
    let batch = json!({"run_id": run, "metrics": [metric]});
    let answer = call.post("/api/2.0/mlflow/runs/log-batch", &batch);
    assert_eq!(answer.status, 403);
}
