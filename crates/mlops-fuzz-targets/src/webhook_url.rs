//! No address of a webhook makes the server panic, and none is taken that leads inside.
//!
//! The input is the address as text. Nothing is sent: webhooks are made, and no model changes.

use std::{
    net::IpAddr,
    num::NonZeroUsize,
    sync::{LazyLock, Mutex},
};

use mlops_registry::Registry;
use mlops_serve::{RunningServer, TrackingServer, WebhookOptions};
use serde_json::{Value, json};

use crate::http::Connection;

struct Bench {
    _server: RunningServer,
    connection: Connection,
}

static BENCH: LazyLock<Mutex<Bench>> = LazyLock::new(|| {
    let server = TrackingServer::new(Registry::memory().expect("a registry in memory"))
        .webhooks(WebhookOptions::default())
        .workers(NonZeroUsize::MIN)
        .bind("127.0.0.1:0")
        .expect("a port");
    Mutex::new(Bench {
        connection: Connection::to(server.addr()),
        _server: server,
    })
});

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Ok(url) = std::str::from_utf8(data) else { return };
    let mut bench = BENCH.lock().expect("one thread");
    let body = json!({
        "name": "hook", "url": url, "status": "DISABLED",
        "events": [{"entity": "REGISTERED_MODEL", "action": "CREATED"}],
    });
    let body = body.to_string();
    let path = b"/api/2.0/mlflow/webhooks";
    let answer = bench.connection.send("POST", path, body.as_bytes());
    let reply: Value = serde_json::from_slice(&answer.body).expect("an answer is JSON");
    if answer.status != 200 {
        assert_eq!(answer.status, 400, "{reply}");
        return;
    }
    let id = reply["webhook"]["webhook_id"].as_str().expect("an identity");
    let made = [path.as_slice(), b"/", id.as_bytes()].concat();
    assert_eq!(bench.connection.send("DELETE", &made, b"{}").status, 200);
    // what stands between the scheme and the path, as plainly as it can be read; a URL has no line breaks
    let plain: String = url.chars().filter(|c| !"\t\r\n".contains(*c)).collect();
    let plain = plain.trim_matches(|c: char| c <= ' ').to_ascii_lowercase();
    let rest = plain.strip_prefix("https:").expect("it is https");
    let rest = rest.trim_start_matches(['/', '\\']);
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if let Ok(ip) = host.parse::<IpAddr>() {
        let inside = match ip {
            IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_loopback(),
        };
        assert!(!inside, "{url}");
    }
}
