//! The HTTP server: routes, statuses, limits, outcomes, metrics, and how it stops.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use mlops_core::{Digest, EntityKey, EventTime, Value};
use mlops_model::InputKind;
use mlops_serve::{
    Delivery, Endpoint, Error, FeatureLookup, KeyColumn, Limits, LogOptions, PredictionLog, Result,
    Server,
};
use serde_json::{Value as Json, json};

use crate::support::{
    BUYER, Client, REFERENCE, Shop, churn, expected, logistic, no_lineage, serve,
};

#[test]
fn a_key_alone_gets_the_same_answer_by_both_protocols() {
    let shop = Shop::new();
    shop.release(2.0);
    let (_server, client, log) = shop.server();
    assert_eq!(
        client.predict(&json!({"customer_id": BUYER})),
        expected(2.0)
    );
    let infer = json!({"id": "r-1", "inputs": [
        {"name": "customer_id", "shape": [2, 1], "datatype": "INT64", "data": [[BUYER], [1]]}
    ]});
    let (status, reply) = client.post("/v2/models/churn/versions/1/infer", infer.to_string());
    assert_eq!(status, 200, "{reply}");
    assert_eq!(reply["id"], "r-1");
    assert_eq!(reply["model_version"], "1");
    assert_eq!(
        reply["outputs"][0]["data"],
        json!([expected(2.0), logistic(2.0)])
    );
    // every prediction id leads to a record
    let ids = reply["parameters"]["prediction_ids"].as_str().unwrap();
    let window = log
        .window(&churn(), 1, EventTime::MIN, EventTime::MAX)
        .unwrap();
    let logged: Vec<&str> = window[1..]
        .iter()
        .map(|(record, _)| record.id.as_str())
        .collect();
    assert_eq!(ids, logged.join(","));
}

#[test]
fn nan_and_null_are_missing_values_and_infinity_is_refused() {
    let shop = Shop::new();
    shop.release(2.0);
    let (_server, client, _log) = shop.server();
    for missing in ["NaN", "null"] {
        let body = format!(
            r#"{{"instances":[{{"amount_sum_30d":{missing},"orders_30d":2,"country":"NaN"}}]}}"#
        );
        let (status, reply) = client.post("/v1/models/churn:predict", body);
        assert_eq!(
            (status, &reply["predictions"]),
            (200, &json!([logistic(1.0)])),
            "{reply}"
        );
    }
    let body = r#"{"instances":[{"amount_sum_30d":Infinity,"orders_30d":2,"country":null}]}"#;
    let (status, reply) = client.post("/v1/models/churn:predict", body);
    assert_eq!(status, 400);
    assert!(
        reply["error"].as_str().unwrap().contains("amount_sum_30d"),
        "{reply}"
    );
}

#[test]
fn every_wrong_request_has_its_status_and_names_what_is_wrong() {
    let shop = Shop::new();
    shop.release(2.0);
    let limits = Limits::default().rows(3).body_bytes(4_096);
    let server = serve(Server::new().endpoint(shop.endpoint()).limits(limits));
    let client = Client::to(&server);
    let v1 = "/v1/models/churn:predict";
    let v2 = "/v2/models/churn/infer";
    let tensor = |name: &str, shape: Json, datatype: &str, data: Json| json!({"name": name, "shape": shape, "datatype": datatype, "data": data});
    let inputs = |inputs: Json| json!({ "inputs": inputs }).to_string();
    let key = tensor("customer_id", json!([1]), "INT64", json!([1]));
    let deep = format!(r#"{{"instances":{}{}}}"#, "[".repeat(101), "]".repeat(101));
    let cases: Vec<(&str, String, u16, &str)> = vec![
        (v1, "{".into(), 400, "cannot be read"),
        (v1, String::new(), 400, "cannot be read"),
        (v1, "[]".into(), 400, "cannot be read"),
        (v1, "{}".into(), 400, r#"Expected "instances" to be a list"#),
        (v1, r#"{"instances": 1}"#.into(), 400, r#"Expected "instances" to be a list"#),
        (v1, r#"{"instances": [], "inputs": []}"#.into(), 400, "both"),
        (v1, r#"{"instances": [1]}"#.into(), 400, "row 0: the request cannot be read: an instance"),
        (v1, r#"{"instances": [[1.0, 2]]}"#.into(), 400, "the instance has 2 values, the model takes 3"),
        (v1, r#"{"instances": [{"customer_id": 1}, {"x": 1}]}"#.into(), 400, "row 1: `x` is not an input"),
        (v1, r#"{"instances": [{"customer_id": "1"}]}"#.into(), 400, "row 0: `customer_id`: a whole number"),
        (v1, r#"{"instances": [{"customer_id": 9223372036854775808}]}"#.into(), 400, "64 signed bits"),
        (v1, r#"{"instances": [{"customer_id": null}]}"#.into(), 400, "row 0: `customer_id`: a key is"),
        (v1, r#"{"instances": [{"orders_30d": 9007199254740993, "amount_sum_30d": 1, "country": "UK"}]}"#.into(), 400, "2^53"),
        (v1, r#"{"inputs": {"customer_id": [1, 2], "country": ["UK"]}}"#.into(), 400, "differ in length"),
        (v1, r#"{"instances": [{},{},{},{}]}"#.into(), 413, "rows in a request is limited to 3"),
        (v1, deep, 400, "nested more than 100 deep"),
        (v1, format!(r#"{{"instances": [{}]}}"#, " ".repeat(5_000)), 413, "bytes is limited to 4096"),
        ("/v1/models/other:predict", "{}".into(), 404, "model `other` is not served"),
        ("/v1/models/churn:explain", "{}".into(), 501, "not offered"),
        ("/v1/models/churn:frobnicate", "{}".into(), 404, "nothing at this path"),
        ("/v1/models/churn", "{}".into(), 405, "method"),
        ("/v2/models/churn%2Fx/infer", "{}".into(), 404, "model `churn/x` is not served"),
        ("/v2/models/churn/versions/2/infer", inputs(json!([key])), 404, "version `2` of model `churn`"),
        ("/v2/models/churn/versions/01/infer", inputs(json!([key])), 404, "version `01`"),
        (v2, r#"{"inputs": []}"#.into(), 400, "`inputs` is empty"),
        (v2, r#"{"id": 7, "inputs": []}"#.into(), 400, "cannot be read"),
        (v2, r#"{"inputs": [{"name": "customer_id"}]}"#.into(), 400, "missing field `shape`"),
        (v2, inputs(json!([key, key])), 400, "`customer_id`: it is given twice"),
        (v2, inputs(json!([tensor("age", json!([1]), "FP64", json!([1]))])), 400, "`age` is not an input"),
        (v2, inputs(json!([tensor("country", json!([1]), "BYTES", json!(["UK"]))])), 400, "missing"),
        (v2, inputs(json!([key, tensor("country", json!([2]), "BYTES", json!(["UK", "DE"]))])), 400, "input `country` has 2"),
        (v2, inputs(json!([key, tensor("country", json!([1]), "BYTES", json!(["UK"]))])), 400, "may not be given beside it"),
        (v2, inputs(json!([tensor("customer_id", json!([1]), "FP32", json!([1]))])), 400, "INT64 is expected"),
        (v2, inputs(json!([tensor("customer_id", json!([9]), "INT64", json!([1]))])), 413, "limited to 3"),
        (v2, json!({"inputs": [key], "outputs": [{"name": "label"}]}).to_string(), 400, "no output `label`"),
        (v2, r#"{"inputs":[{"name":"customer_id","shape":[1],"datatype":"INT64","parameters":{"binary_data_size":8}}]}"#.into(), 501, "binary tensor data"),
        ("/v2/models/churn/ready", "{}".into(), 405, "method"),
        ("/v3", "{}".into(), 404, "nothing at this path"),
        ("/v1/outcomes", r#"{"outcomes":[]}"#.into(), 501, "a prediction log is not offered"),
    ];
    for (path, body, expected, text) in cases {
        let (status, reply) = client.post(path, &body);
        let error = reply["error"].as_str().unwrap_or_default();
        assert_eq!(status, expected, "{path} {body}: {reply}");
        assert!(error.contains(text), "{path} {body}: {error}");
    }
    let (status, reply) = client.get("/v2/models/%FF/ready");
    assert_eq!((status, reply["error"].is_string()), (400, true));
    assert_eq!(
        client.predict(&json!({"customer_id": BUYER})),
        expected(2.0)
    );
}

#[test]
fn a_refusal_reaches_a_client_that_is_still_sending() {
    let shop = Shop::new();
    shop.release(2.0);
    let limits = Limits::default().body_bytes(4_096);
    let server = serve(Server::new().endpoint(shop.endpoint()).limits(limits));
    let (address, size) = (server.addr(), 500_000);
    for path in ["/v1/models/churn:predict", "/v3"] {
        for _ in 0..10 {
            let mut stream = TcpStream::connect(address).unwrap();
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {size}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            for _ in 0..10 {
                stream.write_all(&vec![b' '; size / 10]).unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
            // the connection is good for another request
            stream
                .write_all(b"GET /v2/health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
                .unwrap();
            let mut replies = String::new();
            stream.read_to_string(&mut replies).unwrap();
            let refused = if path == "/v3" { "404" } else { "413" };
            assert!(
                replies.starts_with(&format!("HTTP/1.1 {refused} ")),
                "{replies}"
            );
            assert!(replies.contains("HTTP/1.1 200 "), "{replies}");
        }
    }
}

#[test]
fn an_instance_may_be_positional_and_inputs_may_be_columns() {
    let shop = Shop::new();
    shop.release(0.0);
    let (_server, client, _log) = shop.server();
    let bodies = [
        json!({"instances": [[100.0, 1, "UK"], [0, 2.0, null]]}),
        json!({"inputs": {"amount_sum_30d": [100.0, 0], "orders_30d": [1, 2], "country": ["UK", null]}}),
        json!({"inputs": [
            {"amount_sum_30d": 100, "orders_30d": 1, "country": "UK"},
            {"amount_sum_30d": 0.0, "orders_30d": 2, "country": null},
        ]}),
    ];
    for body in bodies {
        // the colon may come percent-encoded
        let (status, reply) = client.post("/v1/models/churn%3Apredict", body.to_string());
        assert_eq!(status, 200, "{reply}");
        assert_eq!(
            reply["predictions"],
            json!([logistic(-1.25), logistic(-1.0)])
        );
    }
    let (status, reply) = client.post("/v1/models/churn:predict", r#"{"instances": []}"#);
    assert_eq!((status, &reply["predictions"]), (200, &json!([])));
}

#[test]
fn outcomes_come_back_by_prediction_id_all_or_none() {
    let shop = Shop::new();
    shop.release(2.0);
    let (_server, client, log) = shop.server();
    let body = json!({"instances": [{"customer_id": BUYER}, {"customer_id": 1}]}).to_string();
    let (_, reply) = client.post("/v1/models/churn:predict", body);
    let ids = &reply["prediction_ids"];
    let bad = json!({"outcomes": [
        {"prediction_id": ids[0], "outcome": 1},
        {"prediction_id": ids[1], "outcome": "yes"},
    ]});
    let (status, refusal) = client.post("/v1/outcomes", bad.to_string());
    assert_eq!(status, 400);
    assert!(
        refusal["error"]
            .as_str()
            .unwrap()
            .starts_with("row 1: `outcome`"),
        "{refusal}"
    );
    let good = json!({"outcomes": [
        {"prediction_id": ids[0], "outcome": 1, "time": "2011-09-29T00:00:00Z"},
        {"prediction_id": ids[1], "outcome": false},
        {"prediction_id": "unknown", "outcome": 0.0},
    ]});
    let expect = [(3, 0), (0, 3)];
    for (stored, unchanged) in expect {
        let (status, receipt) = client.post("/v1/outcomes", good.to_string());
        assert_eq!(status, 200, "{receipt}");
        assert_eq!(receipt["stored"], stored);
        assert_eq!(receipt["unchanged"], unchanged);
        assert_eq!(receipt["unmatched"], 1);
    }
    let window = log
        .window(&churn(), 1, EventTime::MIN, EventTime::MAX)
        .unwrap();
    let outcomes: Vec<(String, f64)> = window
        .into_iter()
        .map(|(_, o)| o.unwrap())
        .map(|o| (o.time.date(), o.outcome))
        .collect();
    assert_eq!(
        outcomes,
        [("2011-09-29".into(), 1.0), ("2011-07-01".into(), 0.0)]
    );
}

#[test]
fn the_metrics_page_counts_what_happened() {
    let shop = Shop::new();
    shop.release(2.0);
    let (_server, client, log) = shop.server();
    client.predict(&json!({"customer_id": BUYER}));
    client.predict(&json!({"customer_id": 1}));
    client.post("/v1/models/churn:predict", "{");
    client.post("/v1/models/nobody:predict", "{}");
    client.get("/nowhere");
    log.flush().unwrap();
    let (status, page) = client.get_text("/metrics");
    assert_eq!(status, 200);
    let lines = [
        r#"mlops_http_requests_total{route="v1_predict",status="200",model="churn",version="1"} 2"#,
        r#"mlops_http_requests_total{route="v1_predict",status="400",model="churn",version=""} 1"#,
        r#"mlops_http_requests_total{route="v1_predict",status="404",model="",version=""} 1"#,
        r#"mlops_http_requests_total{route="other",status="404",model="",version=""} 1"#,
        r#"mlops_http_request_duration_seconds_count{route="v1_predict"} 4"#,
        r#"mlops_predictions_total{model="churn",version="1"} 2"#,
        r#"mlops_model_version{model="churn"} 1"#,
        r#"mlops_swaps_total{model="churn"} 0"#,
        r#"mlops_log_written_total{model="churn"} 2"#,
        r#"mlops_log_dropped_total{model="churn"} 0"#,
        r#"mlops_feature_lookup_duration_seconds_count{model="churn"} 2"#,
        r#"mlops_null_features_total{model="churn"} 2"#,
        "# EOF",
    ];
    for line in lines {
        assert!(page.lines().any(|l| l == line), "{line}\n{page}");
    }
}

#[test]
fn several_models_share_a_server() {
    let shop = Shop::new();
    shop.release(2.0);
    let other = shop.registry.model("other").unwrap();
    other
        .register(&crate::support::package(-2.0), None, &no_lineage(), "")
        .unwrap();
    let second = Endpoint::open(&shop.registry, "other/1").unwrap();
    let logs = [
        PredictionLog::memory().unwrap(),
        PredictionLog::memory().unwrap(),
    ];
    let server = serve(
        Server::new()
            .endpoint(shop.endpoint().with_log(logs[0].clone()))
            .endpoint(second.with_log(logs[1].clone())),
    );
    let client = Client::to(&server);
    assert_eq!(
        client.get("/v1/models").1,
        json!({"models": ["churn", "other"]})
    );
    let row = json!({"instances": [[0, 0, null]]}).to_string();
    let (_, reply) = client.post("/v1/models/other:predict", &row);
    assert_eq!(reply["predictions"], json!([logistic(-2.0)]));
    let (_, reply) = client.post("/v1/models/churn:predict", &row);
    assert_eq!(reply["predictions"], json!([logistic(2.0)]));
    // with two logs an outcome must say which is meant
    let mut outcome =
        json!({"outcomes": [{"prediction_id": reply["prediction_ids"][0], "outcome": 1}]});
    let (status, refusal) = client.post("/v1/outcomes", outcome.to_string());
    assert_eq!(status, 400, "{refusal}");
    outcome["model"] = "churn".into();
    let (status, receipt) = client.post("/v1/outcomes", outcome.to_string());
    assert_eq!((status, &receipt["unmatched"]), (200, &json!(0)));
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let shop = Shop::new();
    shop.release(2.0);
    let server = serve(Server::new().endpoint(shop.endpoint()));
    let address = server.addr().to_string();
    let error = Server::new()
        .endpoint(shop.endpoint())
        .bind(&address)
        .unwrap_err();
    assert_eq!(error.to_string(), format!("address `{address}` is in use"));
    assert!(matches!(error, Error::AddressInUse { .. }));
    let bind = |server: Server, address: &str| server.bind(address).unwrap_err();
    let error = bind(Server::new().endpoint(shop.endpoint()), "no address");
    assert!(matches!(&error, Error::Bind { address, .. } if address == "no address"));
    assert!(matches!(
        bind(Server::new(), "127.0.0.1:0"),
        Error::InvalidSetting { .. }
    ));
    let twice = Server::new()
        .endpoint(shop.endpoint())
        .endpoint(shop.endpoint());
    assert!(matches!(
        bind(twice, "127.0.0.1:0"),
        Error::InvalidSetting { .. }
    ));
    server.shutdown();
    let again = Server::new()
        .endpoint(shop.endpoint())
        .bind(&address)
        .unwrap();
    assert_eq!(Client::to(&again).get("/").1, json!({"status": "alive"}));
}

/// A lookup that tells when it is asked and answers when it is told to.
#[derive(Debug)]
struct Gated {
    key: [KeyColumn; 1],
    features: Vec<String>,
    asked: Mutex<Sender<()>>,
    go: Mutex<Receiver<()>>,
}

impl FeatureLookup for Gated {
    fn key_columns(&self) -> &[KeyColumn] {
        &self.key
    }
    fn features(&self) -> &[String] {
        &self.features
    }
    fn definitions(&self) -> &BTreeMap<String, Digest> {
        const NONE: &BTreeMap<String, Digest> = &BTreeMap::new();
        NONE
    }
    fn lookup(&self, key: &EntityKey, _: EventTime) -> Result<Vec<Value>> {
        assert_ne!(*key, EntityKey::from(13), "the lookup has a bug");
        self.asked.lock().unwrap().send(()).unwrap();
        self.go.lock().unwrap().recv().unwrap();
        Ok(vec![Value::Null, Value::Int(0), Value::Null])
    }
}

fn gated(shop: &Shop) -> (Endpoint, Receiver<()>, Sender<()>) {
    let ((asked, is_asked), (go, gone)) = (channel(), channel());
    let lookup = Gated {
        key: [KeyColumn {
            name: "customer_id".into(),
            kind: InputKind::Int,
        }],
        features: ["amount_sum_30d", "orders_30d", "country"]
            .map(str::to_owned)
            .to_vec(),
        asked: Mutex::new(asked),
        go: Mutex::new(gone),
    };
    let endpoint = Endpoint::open(&shop.registry, REFERENCE).unwrap();
    (
        endpoint.with_lookup(Arc::new(lookup)).unwrap(),
        is_asked,
        go,
    )
}

#[test]
fn a_stopping_server_says_so_and_finishes_what_it_began() {
    let shop = Shop::new();
    shop.release(2.0);
    let (endpoint, is_asked, go) = gated(&shop);
    // a durable log moves the wait off the network threads
    let log =
        PredictionLog::memory_with(LogOptions::default().delivery(Delivery::Durable)).unwrap();
    let server = Server::new().endpoint(endpoint.with_log(log.clone()));
    let server = serve(server.drain_delay(Duration::from_millis(500)));
    let (client, address) = (Client::to(&server), server.addr());
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| client.predict(&json!({"customer_id": 1})));
        is_asked.recv().unwrap();
        server.stop();
        let watch = mlops_core::Stopwatch::start();
        let refusal = loop {
            let (status, reply) = client.get("/v2/health/ready");
            if status != 200 {
                assert_eq!(status, 503);
                break reply;
            }
            assert!(watch.elapsed() < Duration::from_secs(5));
        };
        let expect = json!({"ready": false, "live": true, "error": "the server is draining"});
        assert_eq!(refusal, expect);
        let (status, reply) = client.get("/v1/models/churn");
        assert_eq!((status, &reply["ready"]), (503, &json!(false)));
        // it is alive, and still answers
        assert_eq!(client.get("/v2/health/live").0, 200);
        let (status, _) = client.post("/v1/models/churn:predict", r#"{"instances":[[0,0,null]]}"#);
        assert_eq!(status, 200);
        std::thread::sleep(Duration::from_millis(700));
        assert!(TcpStream::connect(address).is_err(), "the port is closed");
        go.send(()).unwrap();
        assert_eq!(slow.join().unwrap(), logistic(2.0));
    });
    server.join();
    assert_eq!(log.stats().written, 2);
}

#[test]
fn a_request_that_outlives_the_grace_period_is_cut_off() {
    let shop = Shop::new();
    shop.release(2.0);
    let (endpoint, is_asked, go) = gated(&shop);
    let log =
        PredictionLog::memory_with(LogOptions::default().delivery(Delivery::Durable)).unwrap();
    let server = Server::new()
        .endpoint(endpoint.with_log(log))
        .grace(Duration::from_millis(50));
    let server = serve(server);
    let client = Client::to(&server);
    std::thread::scope(|scope| {
        let body = json!({"instances": [{"customer_id": 1}]}).to_string();
        let slow =
            scope.spawn(move || client.try_post("/v1/models/churn:predict", body.as_bytes()));
        is_asked.recv().unwrap();
        let watch = mlops_core::Stopwatch::start();
        server.shutdown();
        assert!(watch.elapsed() < Duration::from_secs(10));
        assert!(slow.join().unwrap().is_err());
        go.send(()).unwrap();
    });
}

#[test]
fn a_bug_in_one_request_is_an_error_of_that_request_alone() {
    let shop = Shop::new();
    shop.release(2.0);
    let (endpoint, _is_asked, _go) = gated(&shop);
    let server = serve(Server::new().endpoint(endpoint));
    let client = Client::to(&server);
    for _ in 0..3 {
        let (status, reply) = client.post(
            "/v1/models/churn:predict",
            r#"{"instances":[{"customer_id":13}]}"#,
        );
        assert_eq!(status, 500);
        assert_eq!(
            reply,
            json!({"error": "the request met a bug in the server"})
        );
        let (status, _) = client.post("/v1/models/churn:predict", r#"{"instances":[[0,0,null]]}"#);
        assert_eq!(status, 200);
    }
}

/// Sends bytes as they are and returns what comes back until the server closes.
fn raw(address: std::net::SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn odd_http_is_answered_in_json_too() {
    let shop = Shop::new();
    shop.release(2.0);
    let (server, _client, _log) = shop.server();
    let head = "POST /v1/models/churn:predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    let pieces = r#"{"instances":[{"customer_id":17850}]}"#
        .chars()
        .fold(String::new(), |body, c| {
            body + "1\r\n" + &c.to_string() + "\r\n"
        });
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{pieces}0\r\n\r\n");
    let gzip = format!("{head}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{{}}");
    let form = format!(
        "{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 16\r\n\r\n{{\"instances\":[]}}"
    );
    let binary = format!(
        "{head}Inference-Header-Content-Length: 2\r\nContent-Length: 10\r\n\r\n{{}}........"
    );
    let delete = "DELETE /v2/models/churn HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let cases = [
        (chunked.as_str(), "200", "predictions"),
        (
            &gzip,
            "415",
            r#"{"error":"content encoding `gzip` is not offered"}"#,
        ),
        (&form, "200", "predictions"),
        (
            &binary,
            "501",
            r#"{"error":"binary tensor data is not offered"}"#,
        ),
        (delete, "405", r#"{"error":"#),
    ];
    for (request, status, text) in cases {
        let reply = raw(server.addr(), request.as_bytes());
        assert!(
            reply.starts_with(&format!("HTTP/1.1 {status}")),
            "{request}\n{reply}"
        );
        assert!(
            reply.contains(text) && reply.contains("application/json"),
            "{reply}"
        );
    }
}
