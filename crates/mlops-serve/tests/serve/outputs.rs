//! Models that answer several numbers: classes and regressions of several values, by every way out.

use mlops_core::{AliasName, EventTime, Lineage, ModelName, PredictionRecord, Value};
use mlops_model::{
    Encoder, Estimator, Input, InputKind, Linear, Link, ModelPackage, ModelSpec, Output,
    Preprocess, Signature,
};
use mlops_registry::Registry;
use mlops_serve::{Answer, Endpoint, Error, PredictionLog, RunningServer, Server};
use serde_json::json;

use crate::support::{Client, serve};

const NAMES: [&str; 3] = ["red", "green, or so", "blue"];

/// A model of `x` whose scores are `[x, 1, -x]`.
fn package(output: Output) -> ModelPackage {
    let link = match output {
        Output::Classes { .. } => Link::Softmax,
        _ => Link::Identity,
    };
    let signature = Signature::new([Input::new("x", InputKind::Float)], output).unwrap();
    let preprocess = Preprocess::new(&signature, vec![Encoder::plain(0)]).unwrap();
    let linear = Linear {
        weights: vec![1.0, 0.0, -1.0],
        bias: vec![0.0, 1.0, 0.0],
        link,
    };
    let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(linear)).unwrap();
    ModelPackage::builder(spec).build().unwrap()
}

fn classes() -> Output {
    Output::Classes {
        names: NAMES.map(String::from).to_vec(),
    }
}

fn numbers() -> Output {
    Output::Numbers {
        names: NAMES.map(String::from).to_vec(),
    }
}

fn shares(x: f64) -> Vec<f64> {
    let scores = [x, 1.0, -x].map(f64::exp);
    let sum: f64 = scores.iter().sum();
    scores.iter().map(|score| score / sum).collect()
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-15,
            "{found} is not {expected}"
        );
    }
}

fn model() -> ModelName {
    ModelName::new("colour").unwrap()
}

/// Registers a version and moves `colour@live` to it.
fn release(registry: &Registry, output: Output) {
    let colour = registry.model("colour").unwrap();
    let version = colour.register(&package(output), None, &Lineage::default(), "");
    let live = AliasName::new("live").unwrap();
    colour.set_alias(&live, version.unwrap().version).unwrap();
}

fn endpoint(output: Output) -> (Registry, Endpoint, PredictionLog) {
    let registry = Registry::memory().unwrap();
    release(&registry, output);
    let log = PredictionLog::memory().unwrap();
    let endpoint = Endpoint::open(&registry, "colour@live").unwrap();
    (registry, endpoint.with_log(log.clone()), log)
}

fn server(output: Output) -> (RunningServer, Client, PredictionLog) {
    let (_, endpoint, log) = endpoint(output);
    let server = serve(Server::new().endpoint(endpoint));
    let client = Client::to(&server);
    (server, client, log)
}

fn logged(log: &PredictionLog) -> Vec<PredictionRecord> {
    let window = log.window(&model(), None, EventTime::MIN, EventTime::MAX);
    window
        .unwrap()
        .into_iter()
        .map(|(record, _)| record)
        .collect()
}

fn floats(json: &serde_json::Value) -> Vec<f64> {
    json.as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

#[test]
fn a_row_of_classes_is_answered_with_all_probabilities_and_the_top_class() {
    let (_registry, endpoint, log) = endpoint(classes());
    let answer = |x: f64| endpoint.predict_row([("x", x.into())]).unwrap();
    for (x, name, position) in [
        (3.0, NAMES[0], 0.0),
        (0.5, NAMES[1], 1.0),
        (-3.0, NAMES[2], 2.0),
    ] {
        let Answer {
            prediction, class, ..
        } = answer(x);
        assert_eq!((prediction, class.as_deref()), (position, Some(name)));
        close(answer(x).values(), &shares(x));
    }
    // of equals the first
    assert_eq!(answer(1.0).prediction, 0.0);
    let records = logged(&log);
    assert_eq!(records.len(), 7);
    close(&records[0].outputs, &shares(3.0));
    assert_eq!(records[4].prediction, 2.0);
}

#[test]
fn classes_are_a_tensor_of_two_dimensions_in_the_open_inference_protocol() {
    let (_server, client, log) = server(classes());
    let infer = json!({"inputs": [
        {"name": "x", "shape": [3], "datatype": "FP64", "data": [3.0, 0.5, -3.0]}
    ], "outputs": [{"name": "probabilities"}]});
    let (status, reply) = client.post("/v2/models/colour/infer", infer.to_string());
    assert_eq!(status, 200, "{reply}");
    let output = &reply["outputs"][0];
    assert_eq!(output["name"], "probabilities");
    assert_eq!(
        (&output["datatype"], &output["shape"]),
        (&json!("FP64"), &json!([3, 3]))
    );
    let names = json!(NAMES).to_string();
    assert_eq!(output["parameters"], json!({ "names": names }));
    let expected: Vec<f64> = [3.0, 0.5, -3.0].into_iter().flat_map(shares).collect();
    close(&floats(&output["data"]), &expected);
    let ids: Vec<String> = logged(&log).into_iter().map(|record| record.id).collect();
    assert_eq!(reply["parameters"]["prediction_ids"], ids.join(","));

    let (status, metadata) = client.get("/v2/models/colour");
    assert_eq!(status, 200);
    let output = json!([{"name": "probabilities", "datatype": "FP64", "shape": [-1, 3],
        "parameters": { "names": names }}]);
    assert_eq!(metadata["outputs"], output);
    assert_eq!(metadata["properties"], json!({ "output_names": names }));

    let none = json!({"inputs": [{"name": "x", "shape": [0], "datatype": "FP64", "data": []}]});
    let (_, reply) = client.post("/v2/models/colour/infer", none.to_string());
    assert_eq!(reply["outputs"][0]["shape"], json!([0, 3]));
    let other = json!({"inputs": [], "outputs": [{"name": "prediction"}]});
    let (status, reply) = client.post("/v2/models/colour/infer", other.to_string());
    assert_eq!(status, 400);
    assert!(reply["error"].as_str().unwrap().contains("`probabilities`"));
}

#[test]
fn classes_are_a_list_a_row_in_kserves_first_protocol() {
    let (_server, client, _log) = server(classes());
    let body = json!({"instances": [{"x": 3.0}, [-3.0]]}).to_string();
    let (status, reply) = client.post("/v1/models/colour:predict", body);
    assert_eq!(status, 200, "{reply}");
    assert_eq!(reply["output_names"], json!(NAMES));
    for (row, x) in [3.0, -3.0].into_iter().enumerate() {
        close(&floats(&reply["predictions"][row]), &shares(x));
    }
    let (_, metrics) = client.get_text("/metrics");
    assert!(metrics.contains(r#"version="1"} 2"#), "{metrics}");
}

#[test]
fn several_numbers_are_served_as_classes_are() {
    let (_server, client, log) = server(numbers());
    let body = json!({"inputs": {"x": [2.0, 5.0]}}).to_string();
    let (_, reply) = client.post("/v1/models/colour:predict", body);
    assert_eq!(
        reply["predictions"],
        json!([[2.0, 1.0, -2.0], [5.0, 1.0, -5.0]])
    );
    let infer =
        json!({"inputs": [{"name": "x", "shape": [1, 1], "datatype": "INT32", "data": [7]}]});
    let (_, reply) = client.post("/v2/models/colour/infer", infer.to_string());
    assert_eq!(reply["outputs"][0]["name"], "predictions");
    assert_eq!(reply["outputs"][0]["data"], json!([7.0, 1.0, -7.0]));
    let record = &logged(&log)[1];
    assert_eq!(
        (record.prediction, &record.outputs),
        (5.0, &vec![5.0, 1.0, -5.0])
    );
}

#[test]
fn an_endpoint_follows_its_alias_from_one_number_to_several() {
    let (registry, endpoint, _log) = endpoint(classes());
    let one = Signature::new([Input::new("x", InputKind::Float)], Output::Number).unwrap();
    let preprocess = Preprocess::new(&one, vec![Encoder::plain(0)]).unwrap();
    let linear = Linear {
        weights: vec![2.0],
        bias: vec![0.0],
        link: Link::Identity,
    };
    let spec = ModelSpec::new(one, preprocess, Estimator::Linear(linear)).unwrap();
    let colour = registry.model("colour").unwrap();
    let package = ModelPackage::builder(spec).build().unwrap();
    let version = colour.register(&package, None, &Lineage::default(), "");
    let live = AliasName::new("live").unwrap();
    colour.set_alias(&live, version.unwrap().version).unwrap();
    endpoint.refresh().unwrap();
    let answer = endpoint.predict_row([("x", 4.0.into())]).unwrap();
    assert_eq!((answer.values(), answer.outputs.len()), (&[8.0][..], 0));
    assert_eq!(answer.class, None);
    release(&registry, numbers());
    endpoint.refresh().unwrap();
    let answer = endpoint.predict_row([("x", 4.0.into())]).unwrap();
    assert_eq!(answer.values(), [4.0, 1.0, -4.0]);
}

#[test]
fn a_log_of_the_first_layout_is_brought_up_and_keeps_its_records() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    // as the first layout was written
    old.execute_batch(
        r#"CREATE TABLE feature_names (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE);
        CREATE TABLE predictions (
            id TEXT NOT NULL UNIQUE, time INTEGER NOT NULL, model TEXT NOT NULL, version INTEGER NOT NULL,
            entity TEXT, names INTEGER NOT NULL REFERENCES feature_names (id), features TEXT NOT NULL,
            prediction REAL);
        CREATE INDEX predictions_by_time ON predictions (model, time);
        CREATE TABLE outcomes (
            prediction_id TEXT PRIMARY KEY, time INTEGER NOT NULL, outcome REAL NOT NULL) WITHOUT ROWID;
        INSERT INTO feature_names VALUES (1, '["x"]');
        INSERT INTO predictions VALUES ('old', 5, 'colour', 1, NULL, 1, '[1.5]', 0.75);
        INSERT INTO outcomes VALUES ('old', 6, 1.0);
        PRAGMA application_id = 1835822960;
        PRAGMA user_version = 1;"#,
    )
    .unwrap();
    drop(old);
    let new = PredictionRecord {
        id: "new".into(),
        time: EventTime::from_micros(9),
        model: model(),
        version: 2,
        key: None,
        features: vec![("x".into(), Value::Float(2.0))],
        prediction: 1.0,
        outputs: vec![0.25, 0.75, f64::NAN, 1.0],
    };
    for _ in 0..2 {
        let log = PredictionLog::open(&path).unwrap();
        log.record(new.clone()).unwrap();
        let window = log.window(&model(), None, EventTime::MIN, EventTime::MAX);
        let window = window.unwrap();
        let (old, outcome) = &window[0];
        assert_eq!((old.id.as_str(), old.prediction), ("old", 0.75));
        assert_eq!(outcome.as_ref().map(|outcome| outcome.outcome), Some(1.0));
        assert!(old.outputs.is_empty());
        let bits = |outputs: &[f64]| outputs.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&window[1].0.outputs), bits(&new.outputs));
    }
    let later = rusqlite::Connection::open(&path).unwrap();
    later.pragma_update(None, "user_version", 99).unwrap();
    drop(later);
    let error = PredictionLog::open(&path).unwrap_err();
    assert!(matches!(error, Error::ForeignLog { .. }), "{error}");
}

/// `interop/serve/run` sets `MLOPS_PYTHON` to a Python that has the clients.
#[test]
fn clients_of_other_projects_read_every_answer() {
    let registry = Registry::memory().unwrap();
    release(&registry, classes());
    let values = registry.model("values").unwrap();
    let package = package(numbers());
    let version = values.register(&package, None, &Lineage::default(), "");
    let live = AliasName::new("live").unwrap();
    values.set_alias(&live, version.unwrap().version).unwrap();
    let endpoint = |reference| Endpoint::open(&registry, reference).unwrap();
    let spec = crate::sequences::network(["spent", "items"]);
    crate::sequences::release(&registry, &spec);
    let server = Server::new()
        .endpoint(endpoint("colour@live"))
        .endpoint(endpoint("values@live"))
        .endpoint(endpoint("clicks@live"));
    let server = serve(server);
    let Some(python) = std::env::var_os("MLOPS_PYTHON") else {
        return;
    };
    let check = concat!(env!("CARGO_MANIFEST_DIR"), "/../../interop/serve/check.py");
    let status = std::process::Command::new(python)
        .args([check, &server.addr().to_string()])
        .status();
    assert!(status.unwrap().success());
}
