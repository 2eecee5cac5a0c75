//! A small shop: a registry with churn models, a store with purchases, and an HTTP client.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, sync::Arc};

use mlops_core::{
    Clock, Digest, EventTime, Lineage, ManualClock, ModelName, Seed, Span, Value, VersionNumber,
};
use mlops_features::{DataType, Entity, Feature, FeatureService, FeatureStore, FeatureView};
use mlops_model::{
    Encoder, Estimator, Input, InputKind, Linear, Link, ModelPackage, ModelSpec, Output,
    Preprocess, Signature,
};
use mlops_registry::{Gate, GateEvidence, Registry};
use mlops_serve::{Endpoint, PredictionLog, RunningServer, Server};
use serde_json::Value as Json;

pub(crate) const DAY: &str = "2011-07-01T00:00:00Z";
/// A customer with two purchases, of 10 and 20, in the 30 days before [`DAY`].
pub(crate) const BUYER: i64 = 17_850;
pub(crate) const REFERENCE: &str = "churn@production";

pub(crate) struct Shop {
    pub(crate) registry: Registry,
    pub(crate) store: FeatureStore,
    pub(crate) service: FeatureService,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) directory: tempfile::TempDir,
}

pub(crate) fn time(text: &str) -> EventTime {
    EventTime::parse(text).unwrap()
}

pub(crate) fn churn() -> ModelName {
    ModelName::new("churn").unwrap()
}

fn purchases() -> FeatureView {
    let customer = Entity::new("customer", [("customer_id", DataType::Int64)]).unwrap();
    FeatureView::builder("purchase")
        .entity(customer)
        .event_time("at")
        .field("amount", DataType::Float64)
        .field("country", DataType::Utf8)
        .build()
        .unwrap()
}

/// `amount_sum_30d`, `orders_30d` and `country`, of which only the count is never null.
pub(crate) fn signature() -> Signature {
    let inputs = [
        Input::new("amount_sum_30d", InputKind::Float).nullable(),
        Input::new("orders_30d", InputKind::Int),
        Input::new("country", InputKind::Str).nullable(),
    ];
    Signature::new(
        inputs,
        Output::Probability {
            positive: "churned".into(),
        },
    )
    .unwrap()
}

/// A model that answers `logit(bias - 0.01 amount - 0.5 orders + 0.25 [country = UK])`.
pub(crate) fn package(bias: f64) -> ModelPackage {
    let signature = signature();
    let encoders = vec![
        Encoder::Numeric {
            input: 0,
            impute: Some(0.0),
            log1p: false,
            center: 0.0,
            scale: 1.0,
        },
        Encoder::plain(1),
        Encoder::OneHot {
            input: 2,
            categories: vec!["UK".into()],
        },
    ];
    let preprocess = Preprocess::new(&signature, encoders).unwrap();
    let linear = Linear {
        weights: vec![-0.01, -0.5, 0.25],
        bias: vec![bias],
        link: Link::Logit,
    };
    let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(linear)).unwrap();
    ModelPackage::builder(spec)
        .created(time(DAY))
        .input_example(vec![Value::Float(1.0), Value::Int(1), Value::Null])
        .build()
        .unwrap()
}

pub(crate) fn logistic(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}

/// What the model with this bias answers for [`BUYER`] as of [`DAY`].
pub(crate) fn expected(bias: f64) -> f64 {
    logistic(bias - 0.3 - 1.0 + 0.25)
}

impl Shop {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/mlops.db", directory.path().display());
        let view = purchases();
        let store = FeatureStore::new();
        store.register(view.clone()).unwrap();
        let service = FeatureService::named("churn")
            .unwrap()
            .feature(Feature::sum(&view, "amount").over(Span::days(30)))
            .feature(
                Feature::events(&view)
                    .named("orders_30d")
                    .over(Span::days(30)),
            )
            .feature(Feature::latest(&view, "country").and_then(|f| f.named("country")))
            .build()
            .unwrap();
        let shop = Self {
            registry: Registry::open(url).unwrap(),
            store,
            service,
            clock: Arc::new(ManualClock::new(time(DAY))),
            directory,
        };
        shop.buy(BUYER, "2011-06-10T00:00:00Z", 10.0, "DE");
        shop.buy(BUYER, "2011-06-20T00:00:00Z", 20.0, "UK");
        shop
    }

    pub(crate) fn buy(&self, customer: i64, at: &str, amount: f64, country: &str) {
        use mlops_core::arrow::array::{
            ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
        };
        let at = TimestampMicrosecondArray::from(vec![time(at).micros()]).with_timezone("UTC");
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![customer])),
            Arc::new(at),
            Arc::new(Float64Array::from(vec![amount])),
            Arc::new(StringArray::from(vec![country])),
        ];
        let table = mlops_core::Table::new(purchases().schema(), columns).unwrap();
        self.store.push("purchase", &table).unwrap();
    }

    /// Registers a version without promoting it.
    pub(crate) fn register(&self, package: &ModelPackage) -> VersionNumber {
        let model = self.registry.model("churn").unwrap();
        let lineage = self.store.lineage(&self.service).unwrap();
        model.register(package, None, &lineage, "").unwrap().version
    }

    /// Moves `churn@production` to a version.
    pub(crate) fn promote(&self, version: VersionNumber) {
        let model = self.registry.model("churn").unwrap();
        let champion = model.champion().unwrap().map(|v| v.version);
        let metrics = BTreeMap::from([("pr_auc".to_owned(), 0.5)]);
        let evidence = GateEvidence {
            data: Digest::of(b"rows"),
            rows: 10,
            champion,
            candidate_metrics: metrics.clone(),
            champion_metrics: metrics,
            baseline_metrics: BTreeMap::new(),
        };
        self.registry
            .promote(&churn(), version, &Gate::open(), &evidence)
            .unwrap();
    }

    /// Registers and promotes a model with this bias.
    pub(crate) fn release(&self, bias: f64) -> VersionNumber {
        let version = self.register(&package(bias));
        self.promote(version);
        version
    }

    /// An endpoint with features, the shop's clock and reproducible ids, and no log.
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::open(&self.registry, REFERENCE)
            .unwrap()
            .with_features(self.store.clone(), self.service.clone())
            .unwrap()
            .with_clock(Arc::clone(&self.clock) as Arc<dyn Clock>)
            .with_id_seed(Seed(7))
    }

    pub(crate) fn server(&self) -> (RunningServer, Client, PredictionLog) {
        let log = PredictionLog::memory().unwrap();
        let endpoint = self.endpoint().with_log(log.clone());
        let server = serve(Server::new().endpoint(endpoint));
        let client = Client::to(&server);
        (server, client, log)
    }

    /// Where the artifact of a file of a version lies.
    pub(crate) fn artifact(&self, version: VersionNumber, file: &str) -> PathBuf {
        let version = self
            .registry
            .model("churn")
            .unwrap()
            .version(version)
            .unwrap();
        self.blob(&version.files[file].to_string())
    }

    /// Where an artifact lies.
    pub(crate) fn blob(&self, digest: &str) -> PathBuf {
        let (head, tail) = digest.split_at(2);
        self.directory
            .path()
            .join("artifacts")
            .join("blobs")
            .join(head)
            .join(tail)
    }
}

pub(crate) fn serve(server: Server) -> RunningServer {
    server
        .workers(NonZeroUsize::new(2).unwrap())
        .bind("127.0.0.1:0")
        .unwrap()
}

/// A row of all inputs.
pub(crate) fn row(amount: f64, orders: i64, country: &str) -> [(&'static str, Value); 3] {
    [
        ("amount_sum_30d", amount.into()),
        ("orders_30d", orders.into()),
        ("country", country.into()),
    ]
}

pub(crate) fn no_lineage() -> Lineage {
    Lineage::default()
}

/// A client that keeps its connection and takes every status as an answer.
#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    base: String,
}

impl Client {
    pub(crate) fn to(server: &RunningServer) -> Self {
        Self::at(&server.addr().to_string())
    }

    pub(crate) fn at(address: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build();
        Self {
            agent: config.into(),
            base: format!("http://{address}"),
        }
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Json) {
        let (status, text) = self.get_text(path);
        (
            status,
            serde_json::from_str(&text).unwrap_or(Json::String(text)),
        )
    }

    pub(crate) fn get_text(&self, path: &str) -> (u16, String) {
        let mut response = self
            .agent
            .get(format!("{}{path}", self.base))
            .call()
            .unwrap();
        let status = response.status().as_u16();
        (status, response.body_mut().read_to_string().unwrap())
    }

    pub(crate) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> (u16, Json) {
        self.try_post(path, body.as_ref()).unwrap()
    }

    pub(crate) fn try_post(&self, path: &str, body: &[u8]) -> Result<(u16, Json), ureq::Error> {
        let mut response = self.agent.post(format!("{}{path}", self.base)).send(body)?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string()?;
        Ok((
            status,
            serde_json::from_str(&text).unwrap_or(Json::String(text)),
        ))
    }

    /// Asks KServe V1 for one instance and expects an answer.
    pub(crate) fn predict(&self, instance: &Json) -> f64 {
        let body = serde_json::json!({ "instances": [instance] }).to_string();
        let (status, reply) = self.post("/v1/models/churn:predict", body);
        assert_eq!(status, 200, "{reply}");
        reply["predictions"][0].as_f64().unwrap()
    }
}
