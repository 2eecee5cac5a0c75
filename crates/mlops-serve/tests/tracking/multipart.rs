//! Files that come in parts, as MLflow's client sends them.

use mlops_registry::{ArtifactOwner, Registry};
use mlops_serve::{AccessToken, RunningServer, ServerPolicy, TrackingLimits, TrackingServer};
use serde_json::{Value, json};

use crate::support::{Answer, Call};

const MPU: &str = "/api/2.0/mlflow-artifacts/mpu";
const ARTIFACTS: &str = "/api/2.0/mlflow-artifacts/artifacts";

struct World {
    server: RunningServer,
    registry: Registry,
    call: Call,
    directory: String,
}

impl World {
    fn new(server: impl Fn(TrackingServer) -> TrackingServer) -> Self {
        let registry = Registry::memory().unwrap();
        let token = AccessToken::from_entropy(&[7; 32]);
        let policy = json!({
            "version": 1,
            "roles": {"all": {"experiments": {"*": "manage"}}},
            "principals": {"ada": {"roles": ["all"], "tokens": [token.hash()]}},
        });
        let policy = ServerPolicy::from_json(policy.to_string().as_bytes()).unwrap();
        let built = TrackingServer::new(registry.clone()).policy(policy);
        let server = server(built).bind("127.0.0.1:0").unwrap();
        let call = Call::to(server.addr()).token(token.secret());
        let new = json!({"experiment_id": "0"});
        let run = call.post("/api/2.0/mlflow/runs/create", &new).json();
        let run = run["run"]["info"]["run_id"].as_str().unwrap();
        let directory = format!("0/{run}/artifacts/model");
        Self {
            server,
            registry,
            call,
            directory,
        }
    }

    fn create(&self, parts: u32) -> Answer {
        let body = json!({"path": "/home/ada/weights.bin", "num_parts": parts});
        self.call
            .post(&format!("{MPU}/create/{}", self.directory), &body)
    }

    /// Sends a part as the client does: to the address and with the headers that it was told.
    fn send(&self, credential: &Value, content: &[u8]) -> Answer {
        let url = credential["url"].as_str().unwrap();
        let path = url.strip_prefix(&format!("http://{}", self.server.addr()));
        let mut call = Call::to(self.server.addr());
        for (name, value) in credential["headers"].as_object().unwrap() {
            call = call.header(name, value.as_str().unwrap());
        }
        call.send("PUT", path.unwrap(), content)
    }

    fn complete(&self, id: &Value, etags: &[String]) -> Answer {
        let parts = (1..)
            .zip(etags)
            .map(|(number, etag)| json!({"part_number": number, "etag": etag, "url": "http://x/"}));
        let body =
            json!({"path": "weights.bin", "upload_id": id, "parts": parts.collect::<Vec<_>>()});
        self.call
            .post(&format!("{MPU}/complete/{}", self.directory), &body)
    }

    fn get(&self) -> Answer {
        self.call
            .get(&format!("{ARTIFACTS}/{}/weights.bin", self.directory))
    }
}

fn etag(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.header("etag").unwrap().to_owned()
}

#[test]
fn a_file_in_parts_becomes_one_artifact_whatever_their_order() {
    let world = World::new(|server| server);
    let created = world.create(3).json();
    let (id, credentials) = (&created["upload_id"], &created["credentials"]);
    assert_eq!(credentials.as_array().unwrap().len(), 3);
    let contents = [vec![1; 700_000], vec![2; 700_000], b"the end".to_vec()];
    let mut etags = vec![String::new(); 3];
    etags[2] = etag(&world.send(&credentials[2], &contents[2]));
    // one that is sent again stands in the place of the earlier one
    etags[0] = etag(&world.send(&credentials[0], b"cut off"));
    let missing = world.complete(id, &etags[..1]);
    assert_eq!(missing.status, 400, "{missing:?}");
    let first = etag(&world.send(&credentials[0], &contents[0]));
    assert_ne!(first, etags[0]);
    etags[1] = etag(&world.send(&credentials[1], &contents[1]));
    let stale = world.complete(id, &etags);
    assert_eq!(stale.status, 400, "{stale:?}");
    etags[0] = first;
    assert_eq!(
        world.get().status,
        404,
        "nothing is there until all of it is"
    );
    let swapped = [etags[1].clone(), etags[0].clone(), etags[2].clone()];
    assert_eq!(world.complete(id, &swapped).status, 400);
    assert_eq!(world.complete(id, &etags).status, 200);
    assert_eq!(world.get().body, contents.concat());
    // the client asks again when the answer was lost
    assert_eq!(world.complete(id, &etags).status, 200);
    let collected = world.registry.tracked_digests().unwrap();
    assert_eq!(
        collected.len(),
        4,
        "parts are needed until the upload is over"
    );
}

#[test]
fn what_is_not_of_the_upload_is_refused() {
    let limits = TrackingLimits::default().artifact_bytes(1000);
    let world = World::new(|server| server.limits(limits));
    let created = world.create(2).json();
    let (id, credentials) = (&created["upload_id"], &created["credentials"]);
    let mut strange = credentials[0].clone();
    let url = strange["url"].as_str().unwrap().to_owned();
    for part in ["0", "3", "-1", "x", "99999999999"] {
        strange["url"] = format!("{}/{part}", url.rsplit_once('/').unwrap().0).into();
        let answer = world.send(&strange, b"x");
        assert_eq!(answer.status, 400, "{part}: {answer:?}");
    }
    strange["url"] = url
        .replace(id.as_str().unwrap(), "7c9f1d1e-0000-4000-8000-000000000001")
        .into();
    assert_eq!(world.send(&strange, b"x").status, 404);
    strange["url"] = url.into();
    strange["headers"] = json!({});
    assert_eq!(
        world.send(&strange, b"x").status,
        401,
        "an address is no secret"
    );
    assert_eq!(world.send(&credentials[0], &[0; 1001]).status, 413);
    let etags = [0, 1].map(|at| etag(&world.send(&credentials[at], &[7; 600])));
    let large = world.complete(id, &etags);
    assert_eq!(
        large.status, 400,
        "the parts are larger together than one may be: {large:?}"
    );
    for parts in [0, 10_001] {
        assert_eq!(world.create(parts).status, 400, "{parts}");
    }
    for local in ["..", "/", "a%2fb", ""] {
        let body = json!({"path": local, "num_parts": 1});
        let answer = world
            .call
            .post(&format!("{MPU}/create/{}", world.directory), &body);
        assert_eq!(answer.status, 400, "{local}");
    }
    let abort = format!("{MPU}/abort/{}", world.directory);
    let body = json!({"path": "weights.bin", "upload_id": id});
    assert_eq!(world.call.post(&abort, &body).status, 200);
    assert_eq!(world.send(&credentials[0], b"x").status, 404);
    assert_eq!(world.complete(id, &etags).status, 404);
    let run = world.directory.split('/').nth(1).unwrap().parse().unwrap();
    let entries = world
        .registry
        .tracking()
        .artifacts(&ArtifactOwner::Run(run), None);
    assert!(entries.unwrap().is_empty());
}

#[test]
fn parts_are_offered_where_the_address_is_known_for_sure_alone() {
    // over plain HTTP to another name, a proxy may speak TLS or nobody may: a secret could go in the clear
    let world = World::new(|server| server.host("mlflow.example.com"));
    let through = world.call.clone().header("host", "mlflow.example.com");
    let body = json!({"path": "weights.bin", "num_parts": 1});
    let path = format!("{MPU}/create/{}", world.directory);
    let refused = through.post(&path, &body);
    assert_eq!(refused.error(), (501, "NOT_IMPLEMENTED".into()));
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    // what MLflow's client goes by when it sends the file in one piece instead
    let begins = "Multipart upload is not supported for the current artifact repository";
    assert!(message.starts_with(begins), "{message}");

    let known = World::new(|server| server.public_url("https://mlflow.example.com/tracking/"));
    let url = known.create(1).json()["credentials"][0]["url"].clone();
    let url = url.as_str().unwrap();
    assert!(
        url.starts_with("https://mlflow.example.com/tracking/api/2.0/mlflow-artifacts/mpu/parts/")
    );
}
