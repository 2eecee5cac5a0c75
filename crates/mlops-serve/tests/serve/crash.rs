//! A server in a process of its own that is killed or told to stop.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use mlops_core::EventTime;
use mlops_registry::Registry;
use mlops_serve::{Delivery, Endpoint, LogOptions, PredictionLog, Server};
use serde_json::json;

use crate::support::{Client, REFERENCE, Shop, churn, serve};

/// The child: serves the shop in the directory that it reads from its input.
#[test]
#[ignore = "the child process of the tests below"]
fn child() {
    let mut directory = String::new();
    std::io::stdin().read_line(&mut directory).unwrap();
    let directory = directory.trim();
    let registry = Registry::open(format!("sqlite://{directory}/mlops.db")).unwrap();
    let options = LogOptions::default().delivery(Delivery::Durable);
    let log = PredictionLog::open_with(format!("{directory}/log.db"), options).unwrap();
    let endpoint = Endpoint::open(&registry, REFERENCE).unwrap().with_log(log);
    let server = serve(Server::new().endpoint(endpoint).stop_on_signals());
    // past the test harness, which would keep it
    writeln!(std::io::stdout(), "\nlistening on {}", server.addr()).unwrap();
    server.join();
    writeln!(std::io::stdout(), "\ndrained").unwrap();
}

/// Starts the child and waits for its address.
#[expect(clippy::zombie_processes, reason = "the caller waits for the child")]
fn start(shop: &Shop) -> (Child, BufReader<std::process::ChildStdout>, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "crash::child", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", shop.directory.path().display()).unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    loop {
        let mut line = String::new();
        assert!(
            output.read_line(&mut line).unwrap() > 0,
            "the child ended early"
        );
        if let Some(address) = line.trim().strip_prefix("listening on ") {
            return (child, output, address.to_owned());
        }
    }
}

fn predict(client: &Client, count: usize) -> Vec<String> {
    let body = json!({"instances": [[0, 0, null]]}).to_string();
    let ids = (0..count).map(|_| {
        let (status, reply) = client.post("/v1/models/churn:predict", &body);
        assert_eq!(status, 200, "{reply}");
        reply["prediction_ids"][0].as_str().unwrap().to_owned()
    });
    ids.collect()
}

#[test]
fn what_a_killed_server_answered_durably_is_in_its_log() {
    let shop = Shop::new();
    shop.release(2.0);
    let mut answered = Vec::new();
    for _ in 0..2 {
        let (mut child, _output, address) = start(&shop);
        answered.extend(predict(&Client::at(&address), 20));
        child.kill().unwrap();
        child.wait().unwrap();
        // the port is free at once
        let again = Server::new()
            .endpoint(shop.endpoint())
            .bind(&address)
            .unwrap();
        assert_eq!(Client::to(&again).get("/v2/health/ready").0, 200);
    }
    let log = PredictionLog::open(shop.directory.path().join("log.db")).unwrap();
    let window = log
        .window(&churn(), 1, EventTime::MIN, EventTime::MAX)
        .unwrap();
    let mut logged: Vec<String> = window.into_iter().map(|(record, _)| record.id).collect();
    logged.sort();
    answered.sort();
    assert_eq!(logged, answered);
}

#[cfg(unix)]
#[test]
fn a_termination_signal_drains_the_server() {
    let shop = Shop::new();
    shop.release(2.0);
    let (mut child, mut output, address) = start(&shop);
    predict(&Client::at(&address), 1);
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut output, &mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(rest.contains("drained"), "{rest}");
}
