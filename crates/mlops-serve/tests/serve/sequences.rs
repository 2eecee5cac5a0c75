//! Models that read lists: by both protocols, by entity key, and in the log.

use std::sync::Arc;

use mlops_core::{
    AliasName, Clock, EventTime, Lineage, ManualClock, ModelName, Span, Table, Value,
    arrow::array::{ArrayRef, Float64Array, Int64Array, TimestampMicrosecondArray},
};
use mlops_features::{DataType, Entity, Feature, FeatureService, FeatureStore, FeatureView};
use mlops_model::{Dense, Link, Lstm, ModelPackage, Output, Scale, SequenceNetwork, SequenceSpec};
use mlops_registry::Registry;
use mlops_serve::{Endpoint, PredictionLog, Server};
use serde_json::json;

use crate::support::{Client, serve, time};

/// One cell that reads two numbers a step, over the last 4 of at most 5 steps.
pub(crate) fn network(features: [&str; 2]) -> SequenceSpec {
    let weights = (0..12).map(|at| f64::from(at % 5) * 0.25 - 0.5);
    let gates = Dense {
        rows: 4,
        cols: 3,
        weights: weights.collect(),
        bias: vec![0.5, 1.0, 0.0, 0.25],
    };
    let head = Dense {
        rows: 1,
        cols: 1,
        weights: vec![3.0],
        bias: vec![-0.5],
    };
    let lstm = Lstm {
        layers: vec![gates],
        head,
    };
    let scale = Scale {
        center: 10.0,
        scale: 4.0,
    };
    SequenceSpec::new(
        features.map(String::from).to_vec(),
        4,
        vec![scale; 2],
        Output::Probability {
            positive: "returns".into(),
        },
        Link::Logit,
        SequenceNetwork::Lstm(lstm),
    )
    .unwrap()
}

/// Registers a model of the network and moves `clicks@live` to it.
pub(crate) fn release(registry: &Registry, spec: &SequenceSpec) {
    let package = ModelPackage::builder(spec.to_model(5).unwrap());
    let clicks = registry.model("clicks").unwrap();
    let version = clicks.register(&package.build().unwrap(), None, &Lineage::default(), "");
    let live = AliasName::new("live").unwrap();
    clicks.set_alias(&live, version.unwrap().version).unwrap();
}

fn served() -> (Endpoint, SequenceSpec, PredictionLog) {
    let registry = Registry::memory().unwrap();
    let spec = network(["spent", "items"]);
    release(&registry, &spec);
    let log = PredictionLog::memory().unwrap();
    let endpoint = Endpoint::open(&registry, "clicks@live").unwrap();
    (endpoint.with_log(log.clone()), spec, log)
}

#[test]
fn lists_come_by_both_protocols_and_are_logged() {
    let (endpoint, spec, log) = served();
    let server = serve(Server::new().endpoint(endpoint));
    let client = Client::to(&server);
    let one = spec.predict(&[1.0, 20.0, 2.0, 30.0]).unwrap()[0];
    let other = spec.predict(&[7.5, f64::NAN]).unwrap()[0];

    // rows of different lengths are no trouble in KServe's first protocol
    let instances = json!({"instances": [
        {"spent": [1.0, 2], "items": [20, 30]}, {"items": [null], "spent": [7.5]}, [[7.5], [null]]
    ]});
    let (status, reply) = client.post("/v1/models/clicks:predict", instances.to_string());
    assert_eq!(
        (status, &reply["predictions"]),
        (200, &json!([one, other, other])),
        "{reply}"
    );
    let columns = json!({"inputs": {"spent": [[1, 2], [7.5]], "items": [[20, 30], [null]]}});
    let (_, reply) = client.post("/v1/models/clicks:predict", columns.to_string());
    assert_eq!(reply["predictions"], json!([one, other]));

    let tensor = |name: &str, data: serde_json::Value| json!({"name": name, "shape": [2, 2], "datatype": "FP64", "data": data});
    for data in [json!([1, 2, 1, 2]), json!([[1, 2], [1, 2]])] {
        let items = tensor("items", json!([[20, 30], [20, 30]]));
        let infer = json!({"inputs": [tensor("spent", data), items]});
        let (status, reply) = client.post("/v2/models/clicks/infer", infer.to_string());
        assert_eq!(status, 200, "{reply}");
        assert_eq!(reply["outputs"][0]["data"], json!([one, one]));
    }
    let (_, metadata) = client.get("/v2/models/clicks");
    assert_eq!(metadata["platform"], "mlops-sequence");
    assert_eq!(
        metadata["inputs"],
        json!([{"name": "spent", "datatype": "FP64", "shape": [-1, -1]},
            {"name": "items", "datatype": "FP64", "shape": [-1, -1]}])
    );

    let name = ModelName::new("clicks").unwrap();
    let window = log.window(&name, None, EventTime::MIN, EventTime::MAX);
    let window = window.unwrap();
    assert_eq!(window.len(), 9);
    let spent = Value::List(vec![Value::Float(1.0), Value::Float(2.0)]);
    assert_eq!(window[0].0.features[0], ("spent".to_owned(), spent));
    assert_eq!(window[0].0.prediction, one);
}

#[test]
fn a_list_that_is_not_read_is_named_with_its_row() {
    let (endpoint, ..) = served();
    let server = serve(Server::new().endpoint(endpoint));
    let client = Client::to(&server);
    let row = |spent: serde_json::Value, items: serde_json::Value| {
        let good = json!({"spent": [1], "items": [2]});
        json!({"instances": [good, {"spent": spent, "items": items}]}).to_string()
    };
    let v1 = "/v1/models/clicks:predict";
    let v2 = "/v2/models/clicks/infer";
    let tensor = |name: &str, shape: serde_json::Value| {
        let data = json!([1.0, 2.0]);
        json!({"name": name, "shape": shape, "datatype": "FP64", "data": data})
    };
    let infer = |spent, items| {
        json!({"inputs": [tensor("spent", spent), tensor("items", items)]}).to_string()
    };
    for (path, body, expected) in [
        (
            v1,
            row(json!(1), json!([2])),
            "row 1: `spent`: a list of numbers is expected",
        ),
        (
            v1,
            row(json!(["x"]), json!([2])),
            "row 1: `spent`: a number is expected",
        ),
        (
            v1,
            row(json!([[1]]), json!([2])),
            "row 1: `spent`: a number is expected",
        ),
        (
            v1,
            row(json!(null), json!([2])),
            "row 1: column `spent` is null",
        ),
        (
            v1,
            row(json!([]), json!([])),
            "row 1: the list of column `spent`: it is empty",
        ),
        (
            v1,
            row(json!([1, 2, 3, 4, 5, 6]), json!([2])),
            "at most 5 are read",
        ),
        (
            v1,
            row(json!(vec![1; 5000]), json!([2])),
            "at most 5 are read",
        ),
        (v1, row(json!([1, 2]), json!([2])), "of `spent` has 2"),
        (
            v1,
            r#"{"instances": [{"spent": [Infinity], "items": [1]}]}"#.into(),
            "number 0 is inf",
        ),
        (
            v2,
            infer(json!([1, 2]), json!([2, 1])),
            "input `spent` has 1 rows, input `items` has 2",
        ),
        (
            v2,
            infer(json!([2]), json!([2])),
            "`spent`: shape [2] is not [n, steps]",
        ),
        (
            v2,
            infer(json!([1, 2]), json!([1, 1])),
            "needs 1 elements, `data` has 2",
        ),
        (
            v2,
            infer(json!([1, 2, 1]), json!([1, 2])),
            "is not [n, steps]",
        ),
    ] {
        let (status, reply) = client.post(path, &body);
        let error = reply["error"].as_str().unwrap();
        assert!(
            status == 400 && error.contains(expected),
            "{body}: {status} {error}"
        );
    }
}

#[test]
fn the_newest_events_of_an_entity_are_looked_up_and_are_those_of_the_training_set() {
    let entity = Entity::new("customer", [("customer_id", DataType::Int64)]).unwrap();
    let view = FeatureView::builder("purchase")
        .entity(entity)
        .event_time("at")
        .field("amount", DataType::Float64)
        .field("items", DataType::Float64)
        .build()
        .unwrap();
    let store = FeatureStore::new();
    store.register(view.clone()).unwrap();
    let last = |field: &str, name: &str| {
        let feature = Feature::last_k(&view, field, 3).over(Span::days(30));
        feature.and_then(|feature| feature.named(name)).unwrap()
    };
    let service = FeatureService::named("clicks")
        .unwrap()
        .feature(last("amount", "spent"))
        .feature(last("items", "items"))
        .build()
        .unwrap();
    let micros: Vec<i64> = (1..=4)
        .map(|day| time(&format!("2011-06-0{day}T00:00:00Z")).micros())
        .collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![7; 4])),
        Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC")),
        Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 4.0])),
        Arc::new(Float64Array::from(vec![10.0, 20.0, 30.0, 40.0])),
    ];
    store
        .push("purchase", &Table::new(view.schema(), columns).unwrap())
        .unwrap();

    let registry = Registry::memory().unwrap();
    let spec = network(["spent", "items"]);
    release(&registry, &spec);
    let clock = Arc::new(ManualClock::new(time("2011-06-10T00:00:00Z")));
    let endpoint = Endpoint::open(&registry, "clicks@live")
        .unwrap()
        .with_features(store, service)
        .unwrap()
        .with_clock(clock as Arc<dyn Clock>);
    let expected = spec.predict(&[2.0, 20.0, 3.0, 30.0, 4.0, 40.0]).unwrap();
    assert_eq!(endpoint.predict(&7.into()).unwrap().values(), expected);
    // nobody has bought anything as 8
    let error = endpoint.predict(&8.into()).unwrap_err().to_string();
    assert!(error.contains("`spent`"), "{error}");
}
