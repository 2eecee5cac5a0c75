//! Deliveries on their way: claimed from the queue, sent, reported on.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mlops_core::{Clock, ModelName, Span, SystemClock};
use mlops_registry::{Delivery, Registry};
use reqwest::{Client, redirect};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{
    WebhookOptions,
    address::{check_url, resolve},
    signature::sign,
};
use crate::error::chain;

/// How many deliveries are under way at once.
const AT_ONCE: usize = 8;
/// How often a delivery is tried.
const ATTEMPTS: u32 = 6;
/// How long one attempt may take.
const TIME: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long the queue is left alone when nobody rings.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the trails of all models are left alone where each of them costs a listing.
const SWEEP: Duration = Duration::from_secs(30);
/// How many models that changed are remembered by name; more are swept up with all others.
const CHANGED: usize = 256;
/// How many seconds others leave a claimed delivery alone: longer than an attempt takes.
const LEASE: i64 = 60;

/// Sends what is queued, for as long as the server runs.
#[derive(Debug)]
pub(in super::super) struct Sender {
    registry: Registry,
    options: WebhookOptions,
    bell: Notify,
    changed: Mutex<Changed>,
}

/// Which models changed since their events were queued, as far as this process knows.
#[derive(Debug, Default)]
struct Changed {
    models: BTreeSet<ModelName>,
    many: bool,
}

impl Sender {
    pub(in super::super) fn new(registry: Registry, options: WebhookOptions) -> Self {
        Self {
            registry,
            options,
            bell: Notify::new(),
            changed: Mutex::default(),
        }
    }

    pub(in super::super) fn options(&self) -> WebhookOptions {
        self.options
    }

    /// Says that a model changed. What is to be told of it stands in the trail; this says only that it is there.
    pub(in super::super) fn ring(&self, model: &ModelName) {
        let mut changed = self.changed();
        if changed.models.len() < CHANGED {
            changed.models.insert(model.clone());
        } else {
            changed.many = true;
        }
        drop(changed);
        self.bell.notify_one();
    }

    fn changed(&self) -> MutexGuard<'_, Changed> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues what the trail tells: of all models, or of those that changed.
    fn queue(&self, all: bool) {
        let changed = mem::take(&mut *self.changed());
        let queued = if all || changed.many {
            self.registry.queue_events(None).map(drop)
        } else {
            let mut models = changed.models.iter();
            models.try_for_each(|model| self.registry.queue_events(Some(model)).map(drop))
        };
        // what was not queued now stays in the trail for the next sweep
        if let Err(error) = queued {
            tracing::warn!(error = %chain(&error), "the events of the trail were not queued");
        }
    }

    /// Works on the trail and the queue for ever.
    pub(in super::super) async fn work(self: Arc<Self>) {
        let sweep = if self.registry.models_are_shared() {
            SWEEP
        } else {
            PAUSE
        };
        let mut swept: Option<Instant> = None;
        loop {
            let all = swept.is_none_or(|swept| swept.elapsed() >= sweep);
            if all {
                swept = Some(Instant::now());
            }
            let sender = Arc::clone(&self);
            let claim = move || {
                sender.queue(all);
                sender.registry.claim_deliveries(AT_ONCE, span(LEASE))
            };
            let claimed = match tokio::task::spawn_blocking(claim).await {
                Ok(Ok(claimed)) => claimed,
                Ok(Err(error)) => {
                    tracing::warn!(error = %chain(&error), "the queue of deliveries does not answer");
                    Vec::new()
                }
                Err(_) => return,
            };
            if claimed.is_empty() {
                let _ = timeout(PAUSE, self.bell.notified()).await;
                continue;
            }
            let mut under_way = JoinSet::new();
            for delivery in claimed {
                under_way.spawn(Arc::clone(&self).deliver(delivery));
            }
            while under_way.join_next().await.is_some() {}
        }
    }

    async fn deliver(self: Arc<Self>, delivery: Delivery) {
        let sent = self.send(&delivery).await;
        let registry = self.registry.clone();
        let report = move || match &sent {
            Ok(status) if !is_worth_a_retry(*status) => registry.finish_delivery(delivery.id),
            Err(Refused::Address(reason)) => {
                tracing::warn!(webhook = %delivery.webhook, reason, "a webhook may not be called");
                registry.finish_delivery(delivery.id)
            }
            _ if delivery.attempt >= ATTEMPTS => {
                tracing::warn!(webhook = %delivery.webhook, delivery = %delivery.id, "given up");
                registry.finish_delivery(delivery.id)
            }
            _ => registry.put_off_delivery(delivery.id, backoff(delivery.attempt)),
        };
        if let Ok(Err(error)) = tokio::task::spawn_blocking(report).await {
            tracing::warn!(error = %chain(&error), "a delivery could not be reported on");
        }
    }

    /// Sends a delivery once; the status of the answer.
    pub(in super::super) async fn send(&self, delivery: &Delivery) -> Result<u16, Refused> {
        let url = check_url(&delivery.url, self.options).map_err(Refused::Address)?;
        let addresses = timeout(CONNECT_TIME, resolve(&url, self.options))
            .await
            .map_err(|_| Refused::NoAnswer)?
            .map_err(Refused::Address)?;
        let host = url.host_str().unwrap_or_default();
        // a client of its own for each, since what a name leads to is pinned in it
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(TIME)
            .connect_timeout(CONNECT_TIME)
            .resolve_to_addrs(host, &addresses)
            .build()
            .map_err(|_| Refused::NoAnswer)?;
        let id = delivery.id.to_string();
        let seconds = SystemClock.now().micros().div_euclid(1_000_000);
        let timestamp = seconds.to_string();
        let mut request = client
            .post(url)
            .header("Content-Type", "application/json")
            .header("X-MLflow-Delivery-Id", &id)
            .header("X-MLflow-Timestamp", &timestamp);
        if let Some(secret) = &delivery.secret {
            let signature = sign(secret, &id, &timestamp, &delivery.payload);
            request = request.header("X-MLflow-Signature", signature);
        }
        // the body of the answer is not read
        let answer = request.body(delivery.payload.clone()).send().await;
        answer
            .map(|answer| answer.status().as_u16())
            .map_err(|_| Refused::NoAnswer)
    }
}

/// Why nothing was sent, or nothing came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Refused {
    /// The address may not be called.
    Address(&'static str),
    /// Nobody answered in time.
    NoAnswer,
}

fn is_worth_a_retry(status: u16) -> bool {
    matches!(status, 429 | 500 | 502 | 503 | 504)
}

/// One second, two, four, and so on up to a minute.
fn backoff(attempt: u32) -> Span {
    let seconds = 1_i64 << attempt.saturating_sub(1).min(6);
    span(seconds.min(60))
}

fn span(seconds: i64) -> Span {
    Span::from_micros(seconds * 1_000_000).expect("it is not negative")
}
