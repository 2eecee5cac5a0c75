//! What the endpoint and the server count, and its Prometheus text.
//!
//! Label sets are bounded: models are those served, routes and statuses come from fixed lists, and
//! versions grow by one with each promotion. Endpoints count for themselves, so they can be embedded
//! without a server; the server reads them when it is scraped.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use mlops_core::VersionNumber;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};

use crate::Endpoint;

/// Upper bounds in seconds, from a fast lookup to a slow batch.
const SECONDS: [f64; 16] = [
    5e-6, 25e-6, 1e-4, 25e-5, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 25e-3, 5e-2, 0.1, 0.25, 0.5, 1.0, 5.0,
];

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

/// What one endpoint counts.
#[derive(Debug)]
pub(crate) struct EndpointMetrics {
    answers: Mutex<BTreeMap<VersionNumber, Counter>>,
    lookup_seconds: Histogram,
    null_features: Counter,
    pub(crate) swaps: Counter,
    pub(crate) refresh_failures: Counter,
}

impl Default for EndpointMetrics {
    fn default() -> Self {
        Self {
            answers: Mutex::default(),
            lookup_seconds: seconds(),
            null_features: Counter::default(),
            swaps: Counter::default(),
            refresh_failures: Counter::default(),
        }
    }
}

impl EndpointMetrics {
    /// The counter of a version's answers, which the version keeps.
    pub(crate) fn answers_of(&self, version: VersionNumber) -> Counter {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.entry(version).or_default().clone()
    }

    pub(crate) fn answers(&self) -> BTreeMap<VersionNumber, u64> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers
            .iter()
            .map(|(version, counter)| (*version, counter.get()))
            .collect()
    }

    pub(crate) fn looked_up(&self, took: Duration, nulls: usize) {
        self.lookup_seconds.observe(took.as_secs_f64());
        self.null_features.inc_by(nulls as u64);
    }
}

/// One finished request, as it is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) route: &'static str,
    pub(crate) status: u16,
    /// Empty where no model answered.
    pub(crate) model: String,
    pub(crate) version: Option<VersionNumber>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
}

/// What a server counts, and the page that shows it.
#[derive(Debug)]
pub(crate) struct ServerMetrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    latency: Family<RouteLabels, Histogram, fn() -> Histogram>,
}

impl ServerMetrics {
    pub(crate) fn new(endpoints: Vec<Endpoint>) -> Self {
        let mut registry = Registry::with_prefix("mlops");
        let requests = Family::default();
        let latency = Family::new_with_constructor(seconds as fn() -> Histogram);
        registry.register(
            "http_requests",
            "Requests by route, status, model and version",
            requests.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "Time from the request's head to its answer",
            Unit::Seconds,
            latency.clone(),
        );
        registry.register_collector(Box::new(Endpoints(endpoints)));
        Self {
            registry,
            requests,
            latency,
        }
    }

    pub(crate) fn finished(&self, labels: &RequestLabels, took: Duration) {
        self.requests.get_or_create(labels).inc();
        let route = RouteLabels {
            route: labels.route,
        };
        self.latency
            .get_or_create(&route)
            .observe(took.as_secs_f64());
    }

    /// The page in the OpenMetrics text format.
    pub(crate) fn page(&self) -> String {
        let mut page = String::new();
        text::encode(&mut page, &self.registry).expect("writing to memory");
        page
    }
}

/// Reads the endpoints' own numbers when the page is asked for.
#[derive(Debug)]
struct Endpoints(Vec<Endpoint>);

type ModelLabel<'a> = [(&'static str, &'a str); 1];

impl Collector for Endpoints {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let mut answers = encoder.encode_descriptor(
            "predictions",
            "Answers by model and version",
            None,
            MetricType::Counter,
        )?;
        for endpoint in &self.0 {
            for (version, count) in endpoint.answers() {
                let version = version.to_string();
                let labels = [
                    ("model", endpoint.model().as_str()),
                    ("version", version.as_str()),
                ];
                ConstCounter::new(count).encode(answers.encode_family(&labels)?)?;
            }
        }
        self.counters(&mut encoder, "swaps", "Versions swapped in", |endpoint| {
            Some(endpoint.metrics().swaps.get())
        })?;
        self.counters(
            &mut encoder,
            "refresh_failures",
            "Refreshes that kept the old version",
            |e| Some(e.metrics().refresh_failures.get()),
        )?;
        self.counters(
            &mut encoder,
            "null_features",
            "Looked-up features without a value",
            |e| Some(e.metrics().null_features.get()),
        )?;
        self.counters(
            &mut encoder,
            "log_written",
            "Predictions committed to the log",
            |e| e.log().map(|log| log.stats().written),
        )?;
        self.counters(
            &mut encoder,
            "log_dropped",
            "Predictions dropped by a full log queue",
            |e| e.log().map(|log| log.stats().dropped),
        )?;
        self.counters(
            &mut encoder,
            "log_failed",
            "Predictions lost by a failed commit",
            |e| e.log().map(|log| log.stats().failed),
        )?;
        let mut version = encoder.encode_descriptor(
            "model_version",
            "The version that answers now",
            None,
            MetricType::Gauge,
        )?;
        for endpoint in &self.0 {
            let labels: ModelLabel<'_> = [("model", endpoint.model().as_str())];
            let gauge = ConstGauge::new(i64::from(endpoint.version()));
            gauge.encode(version.encode_family(&labels)?)?;
        }
        let mut lookups = encoder.encode_descriptor(
            "feature_lookup_duration",
            "Time of one feature lookup by entity key",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for endpoint in &self.0 {
            let labels: ModelLabel<'_> = [("model", endpoint.model().as_str())];
            let histogram = &endpoint.metrics().lookup_seconds;
            histogram.encode(lookups.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

impl Endpoints {
    fn counters(
        &self,
        encoder: &mut DescriptorEncoder,
        name: &str,
        help: &str,
        count: impl Fn(&Endpoint) -> Option<u64>,
    ) -> fmt::Result {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for endpoint in &self.0 {
            if let Some(count) = count(endpoint) {
                let labels: ModelLabel<'_> = [("model", endpoint.model().as_str())];
                ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
