//! Versions change under load, and no request is lost or answered by two of them.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread::sleep,
    time::Duration,
};

use mlops_core::{EventTime, Stopwatch};
use mlops_serve::{LogOptions, PredictionLog, Server};
use serde_json::{Value as Json, json};

use crate::support::{BUYER, Client, Shop, churn, expected, serve};

const CLIENTS: usize = 4;
const SWAPS: usize = 12;

/// Stops the clients, also when the test fails before they are told to.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn until(what: &str, met: impl Fn() -> bool) {
    let watch = Stopwatch::start();
    while !met() {
        assert!(watch.elapsed() < Duration::from_secs(30), "{what}");
        sleep(Duration::from_millis(1));
    }
}

/// Asks until it is told to stop, checks every answer and counts them by version.
fn hammer(
    client: &Client,
    path: &str,
    body: &Json,
    answers: &BTreeMap<String, f64>,
    stop: &AtomicBool,
) -> BTreeMap<String, u64> {
    let body = body.to_string();
    let mut seen = BTreeMap::new();
    while !stop.load(Ordering::Relaxed) {
        let (status, reply) = client.post(path, &body);
        assert_eq!(status, 200, "{reply}");
        let version = reply["model_version"].as_str().unwrap();
        let values = match &reply["predictions"] {
            Json::Null => &reply["outputs"][0]["data"],
            predictions => predictions,
        };
        for value in values.as_array().unwrap() {
            assert_eq!(value.as_f64(), Some(answers[version]), "version {version}");
            *seen.entry(version.to_owned()).or_default() += 1;
        }
    }
    seen
}

#[test]
fn every_answer_under_load_is_that_of_the_version_it_names() {
    let shop = Shop::new();
    let biases = [1.0, -1.0, 3.0];
    let versions = biases.map(|bias| shop.release(bias));
    let names = versions.map(|version| version.to_string());
    let answers: BTreeMap<String, f64> = names.into_iter().zip(biases.map(expected)).collect();
    let log = PredictionLog::memory_with(LogOptions::default().capacity(1 << 20)).unwrap();
    let endpoint = shop.endpoint().with_log(log.clone());
    let watcher = endpoint.watch(Duration::from_millis(2)).unwrap();
    let server = serve(Server::new().endpoint(endpoint.clone()));
    let key = json!({ "customer_id": BUYER });
    let v1 = json!({ "instances": [key, key, key] });
    let tensor =
        json!({"name": "customer_id", "shape": [2], "datatype": "INT64", "data": [BUYER, BUYER]});
    let v2 = json!({ "inputs": [tensor] });
    let asks = [
        ("/v1/models/churn:predict", &v1),
        ("/v2/models/churn/infer", &v2),
    ];

    let flag = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let stop = Stop(&flag);
        let clients: Vec<_> = (0..CLIENTS)
            .map(|i| {
                let (client, (path, body)) = (Client::to(&server), asks[i % 2]);
                let (answers, flag) = (&answers, &flag);
                scope.spawn(move || hammer(&client, path, body, answers, flag))
            })
            .collect();
        // the last of them serves; from there they take turns
        for round in 0..SWAPS {
            let next = versions[round % versions.len()];
            shop.promote(next);
            until("the swap came", || endpoint.version() == next);
            sleep(Duration::from_millis(20));
        }
        drop(watcher);
        // a version that is damaged after its promotion never serves
        let damaged = shop.release(9.0);
        std::fs::write(shop.artifact(damaged, "model.json"), "{}").unwrap();
        assert!(endpoint.refresh().is_err());
        sleep(Duration::from_millis(20));
        drop(stop);
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        for client in clients {
            for (version, count) in client.join().unwrap() {
                *seen.entry(version).or_default() += count;
            }
        }
        seen
    });

    assert_eq!(seen.len(), versions.len(), "{seen:?}");
    let counted = endpoint.answers().into_iter();
    assert_eq!(seen, counted.map(|(v, n)| (v.to_string(), n)).collect());
    // the log holds each answer once, under its version
    for version in versions {
        let window = log
            .window(&churn(), version, EventTime::MIN, EventTime::MAX)
            .unwrap();
        assert_eq!(window.len() as u64, seen[&version.to_string()]);
        let answer = answers[&version.to_string()];
        assert!(window.iter().all(|(record, _)| record.prediction == answer));
    }
    let page = Client::to(&server).get_text("/metrics").1;
    assert!(
        page.contains(&format!("mlops_swaps_total{{model=\"churn\"}} {SWAPS}\n")),
        "{page}"
    );
    assert!(!page.contains("status=\"5"), "{page}");
}
