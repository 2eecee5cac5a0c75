//! Webhooks as their receivers see them, and as those see them who would like to make the server call elsewhere.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use mlops_registry::{NewWebhook, Registry, SecretKeys, WebhookEvent};
use mlops_serve::{RunningServer, TrackingServer, WebhookOptions};
use serde_json::{Value, json};

use crate::support::{Answer, Call};

const API: &str = "/api/2.0/mlflow";

/// A receiver that answers with the statuses given, then with 200, and hands on what it got.
struct Hook {
    url: String,
    got: Receiver<(String, Value)>,
}

impl Hook {
    fn answering(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let mut answers: Vec<String> = answers.iter().rev().map(|&one| one.to_owned()).collect();
        let (sender, got) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read_request(&mut stream);
                let answer = answers.pop().unwrap_or_else(|| "200 OK".into());
                let _ = write!(
                    stream,
                    "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                if sender.send(request).is_err() {
                    return;
                }
            }
        });
        Self { url, got }
    }

    fn next(&self) -> (String, Value) {
        self.got
            .recv_timeout(Duration::from_secs(20))
            .expect("nothing was delivered")
    }

    fn nothing_for(&self, time: Duration) {
        assert!(
            self.got.recv_timeout(time).is_err(),
            "something was delivered"
        );
    }
}

/// The head in lower case, and the body.
fn read_request(stream: &mut impl Read) -> (String, Value) {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let length = stream.read(&mut piece).unwrap();
        bytes.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_lowercase();
        let stated = header(&head, "content-length").map_or(0, |n| n.parse().unwrap());
        if body.len() >= stated || length == 0 {
            return (head, serde_json::from_str(body).unwrap());
        }
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let start = format!("{name}: ");
    let line = head.lines().find_map(|line| line.strip_prefix(&start));
    line.map(str::to_owned)
}

/// A registry in memory that can keep secrets.
fn registry() -> Registry {
    let builder = Registry::builder("memory://");
    builder
        .secret_keys(SecretKeys::new([7; 32]))
        .open()
        .unwrap()
}

fn serve(registry: Registry, options: WebhookOptions) -> RunningServer {
    TrackingServer::new(registry)
        .webhooks(options)
        .bind("127.0.0.1:0")
        .unwrap()
}

fn post(server: &RunningServer, path: &str, body: &Value) -> Answer {
    Call::to(server.addr()).post(&format!("{API}{path}"), body)
}

fn webhook(url: &str) -> Value {
    json!({
        "name": "ci",
        "url": url,
        "secret": "a secret",
        "events": [
            {"entity": "REGISTERED_MODEL", "action": "CREATED"},
            {"entity": "MODEL_VERSION_ALIAS", "action": "CREATED"},
        ],
    })
}

fn subscribe(server: &RunningServer, url: &str) -> String {
    let made = post(server, "/webhooks", &webhook(url));
    assert_eq!(made.status, 200, "{made:?}");
    let text = String::from_utf8_lossy(&made.body);
    assert!(!text.contains("a secret"), "a secret is not shown: {text}");
    made.json()["webhook"]["webhook_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn create_model(server: &RunningServer, name: &str) {
    let made = post(server, "/registered-models/create", &json!({"name": name}));
    assert_eq!(made.status, 200, "{made:?}");
}

#[test]
fn a_change_is_told_to_those_who_asked_and_signed() {
    let hook = Hook::answering(&[]);
    let options = WebhookOptions::default().loopback_http();
    let server = serve(registry(), options);
    let id = subscribe(&server, &hook.url);
    create_model(&server, "churn");
    let (head, body) = hook.next();
    assert!(head.starts_with("post /hook http/1.1"), "{head}");
    assert_eq!(body["entity"], "registered_model");
    assert_eq!(body["action"], "created");
    assert_eq!(body["data"]["name"], "churn");
    assert!(
        header(&head, "x-mlflow-signature")
            .unwrap()
            .starts_with("v1,")
    );
    assert!(header(&head, "x-mlflow-delivery-id").is_some());
    let time: i64 = header(&head, "x-mlflow-timestamp")
        .unwrap()
        .parse()
        .unwrap();
    assert!(time > 1_700_000_000);

    let tested = post(&server, &format!("/webhooks/{id}/test"), &json!({}));
    assert_eq!(
        tested.json(),
        json!({"result": {"success": true, "response_status": 200}})
    );
    assert_eq!(hook.next().1["data"]["name"], "example_model");

    let path = format!("{API}/webhooks/{id}");
    let off = Call::to(server.addr()).json("PATCH", &path, &json!({"status": "DISABLED"}));
    assert_eq!(off.json()["webhook"]["status"], "DISABLED");
    create_model(&server, "quiet");
    hook.nothing_for(Duration::from_millis(1500));
    assert_eq!(
        Call::to(server.addr()).send("DELETE", &path, b"").status,
        200
    );
    assert_eq!(Call::to(server.addr()).get(&path).status, 404);
}

#[test]
fn what_did_not_arrive_is_sent_again_under_the_same_identity() {
    let hook = Hook::answering(&["503 Busy"]);
    let options = WebhookOptions::default().loopback_http();
    let server = serve(registry(), options);
    subscribe(&server, &hook.url);
    create_model(&server, "churn");
    let (first, again) = (hook.next(), hook.next());
    let id = |head: &str| header(head, "x-mlflow-delivery-id").unwrap();
    assert_eq!(id(&first.0), id(&again.0));
    assert_eq!(first.1, again.1);
    hook.nothing_for(Duration::from_millis(2500));
}

#[test]
fn what_was_queued_is_sent_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/mlops.db", dir.path().display());
    let options = WebhookOptions::default().loopback_http();
    let hook = Hook::answering(&[]);
    let registry = Registry::open(&url).unwrap();
    let event = WebhookEvent::RegisteredModelCreated;
    let new = NewWebhook {
        name: "ci".into(),
        description: String::new(),
        url: hook.url.clone(),
        events: [event].into(),
        secret: None,
        active: true,
    };
    registry.create_webhook(&new).unwrap();
    // by another program, one model queued and one not
    registry.model("churn").unwrap();
    assert_eq!(registry.queue_events(None).unwrap(), 1);
    registry.model("fraud").unwrap();
    drop(registry);
    let server = serve(Registry::open(&url).unwrap(), options);
    let mut names = [hook.next(), hook.next()].map(|(_, body)| body["data"]["name"].clone());
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["churn", "fraud"]);
    drop(server);
}

#[test]
fn a_webhook_cannot_make_the_server_call_inside() {
    // 2026-2393 (any address), 2026-64849 (redirects and rebinding)
    let server = serve(registry(), WebhookOptions::default());
    for url in [
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:169.254.169.254]/",
        "https://[2002:a9fe:a9fe::1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://2130706433/",
        "https://user:password@hooks.example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
    ] {
        let answer = post(&server, "/webhooks", &webhook(url));
        let expect = (400, "INVALID_PARAMETER_VALUE".to_owned());
        assert_eq!(answer.error(), expect, "{url}");
    }
    // a name that leads inside is found out when it is called, at every call
    let id = subscribe(&server, "https://localhost/");
    let tested = post(&server, &format!("/webhooks/{id}/test"), &json!({}));
    assert_eq!(tested.json()["result"]["success"], false, "{tested:?}");

    let inside = Hook::answering(&[]);
    let redirect = format!("302 Found\r\nlocation: {}", inside.url);
    let hook = Hook::answering(&[&redirect]);
    let options = WebhookOptions::default().loopback_http();
    let server = serve(registry(), options);
    subscribe(&server, &hook.url);
    create_model(&server, "churn");
    hook.next();
    inside.nothing_for(Duration::from_millis(1500));
}

#[test]
fn webhooks_are_off_unless_they_are_asked_for() {
    let server = TrackingServer::new(Registry::memory().unwrap())
        .bind("127.0.0.1:0")
        .unwrap();
    let answer = post(&server, "/webhooks", &webhook("https://hooks.example.com/"));
    assert_eq!(answer.error(), (501, "NOT_IMPLEMENTED".into()));
}

#[test]
fn names_and_events_are_checked() {
    let server = serve(registry(), WebhookOptions::default());
    let with = |field: &str, value: Value| {
        let mut body = webhook("https://hooks.example.com/");
        body[field] = value;
        post(&server, "/webhooks", &body).status
    };
    assert_eq!(with("name", json!("a.b-c_d")), 200);
    for name in ["", "-a", "a-", "a b", "ä", &"a".repeat(64)] {
        assert_eq!(with("name", json!(name)), 400, "{name}");
    }
    assert_eq!(with("events", json!([])), 400);
    let unknown = json!([{"entity": "PROMPT", "action": "CREATED"}]);
    assert_eq!(with("events", unknown), 400);
}

#[test]
fn a_secret_needs_a_key_of_the_operator_and_a_server_with_the_wrong_one_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/mlops.db", dir.path().display());
    let server = serve(Registry::open(&url).unwrap(), WebhookOptions::default());
    let new = webhook("https://hooks.example.com/");
    let refused = post(&server, "/webhooks", &new);
    assert_eq!(refused.error(), (501, "NOT_IMPLEMENTED".into()));
    drop(server);
    let with = |keys| {
        let registry = Registry::builder(&url).secret_keys(keys).open().unwrap();
        TrackingServer::new(registry)
            .webhooks(WebhookOptions::default())
            .bind("127.0.0.1:0")
    };
    let (first, second) = ([1; 32], [2; 32]);
    let server = with(SecretKeys::new(first)).unwrap();
    subscribe(&server, "https://hooks.example.com/");
    drop(server);
    assert!(with(SecretKeys::new(second)).is_err());
    drop(with(SecretKeys::new(second).or_old(first)).unwrap());
    // from then on the old key is not needed
    drop(with(SecretKeys::new(second)).unwrap());
}
