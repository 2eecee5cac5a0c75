//! The months after the first model went into service.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use mlops::{
    core::{Digest, ModelName, OutcomeRecord, Rng, Severity},
    drift::{Context, Judgement, Metric, PerformanceLimit, PerformanceQuery},
    pipeline::{Cache, Runner, Trigger},
    prelude::*,
    recipes::{
        Observation,
        labels::{Activity, month_starts},
        monitor, observe,
    },
    serve::RunningServer,
    store::ArtifactStore,
    train::Evaluation,
};

use crate::{
    AnyResult,
    champion::Attempt,
    events::{self, Events, Purchase},
    traffic::ask,
};

/// A customer has churned who buys nothing in this time.
pub const HORIZON: Span = days(90);
/// Only customers who bought something in this time are asked about.
pub const ACTIVE: Span = days(90);
/// The PSI from which a column is said to have drifted.
pub const PSI_LIMIT: f64 = 0.2;
/// Customers asked for over HTTP each month, beside everybody in process.
const OVER_HTTP: usize = 25;
pub const MODEL: &str = "churn";

/// Counts of the serving side.
#[derive(Debug, Default)]
pub struct Served {
    pub predictions: u64,
    pub outcomes: u64,
    pub requests: u64,
    pub failed: u64,
    pub compared: u64,
    pub differing: u64,
}

/// All that there is to report.
pub struct Told {
    pub registry: Registry,
    pub model: ModelName,
    pub store: FeatureStore,
    pub service: FeatureService,
    pub observations: Vec<Observation>,
    pub attempts: Vec<Attempt>,
    pub served: Served,
    pub signals_before: usize,
    pub signals_after: usize,
    pub promotions: Vec<String>,
    pub shift: Option<EventTime>,
}

pub struct Story<'a> {
    events: &'a Events,
    pub activity: Activity,
    /// The first instant of each month with the digest of its lines.
    pub months: Vec<(EventTime, Digest)>,
    deploy: EventTime,
    shift: Option<EventTime>,
    pub seed: Seed,
    port: u16,
    pub clock: Arc<ManualClock>,
    pub registry: Registry,
    log: PredictionLog,
    pub runner: Runner,
    pub store: FeatureStore,
    pub service: FeatureService,
    pub model: ModelName,
    pub fed_until: EventTime,
    /// The champion on its test rows, the reference for performance.
    pub reference: Option<Evaluation>,
    observations: Vec<Observation>,
    pub attempts: Vec<Attempt>,
    pub promotions: Vec<String>,
    pub served: Served,
}

impl<'a> Story<'a> {
    /// Opens everything below `folder` and finds the day on which the first model goes into service: late enough
    /// for labels of a training and of a test cut-off, and with room for a season where the data has one.
    pub fn begin(
        events: &'a Events,
        folder: &Path,
        seed: u64,
        port: u16,
        shift: Option<EventTime>,
    ) -> AnyResult<Self> {
        let activity = Activity::of(&events.purchases)?;
        let times = events.lines.event_times()?;
        let first = times.iter().copied().min().ok_or("there are no events")?;
        let last = activity.last_event();
        let half = Span::from_micros((last.micros() - first.micros()) / 2)?;
        let deploy = month_starts(first + half.max(days(270)), last)
            .into_iter()
            .next()
            .ok_or("the events end before a model could be trained; 10 months are the least")?;

        let mut starts = month_starts(first, last);
        starts.insert(0, first);
        let mut months = Vec::new();
        for (i, start) in starts.iter().enumerate() {
            let end = starts.get(i + 1).copied().unwrap_or(EventTime::MAX);
            let inside: Vec<bool> = times.iter().map(|t| t >= start && *t < end).collect();
            months.push((*start, events.lines.filter(&inside)?.digest()));
        }

        let clock = Arc::new(ManualClock::new(deploy));
        let registry = Registry::builder(format!("sqlite://{}", folder.join("mlops.db").display()))
            .clock(clock.clone())
            .open()?;
        let store = FeatureStore::new();
        store.register(Purchase::view())?;
        Ok(Self {
            activity,
            months,
            deploy,
            shift,
            seed: Seed(seed),
            port,
            log: PredictionLog::open(folder.join("predictions.db"))?,
            runner: Runner::new(
                ArtifactStore::directory(folder.join("artifacts"))?,
                Cache::directory(folder.join("cache"))?,
            ),
            store,
            service: events::churn_features()?,
            model: ModelName::new(MODEL)?,
            fed_until: EventTime::MIN,
            reference: None,
            observations: Vec::new(),
            attempts: Vec::new(),
            promotions: Vec::new(),
            served: Served::default(),
            events,
            clock,
            registry,
        })
    }

    /// Goes from the first model to the last month.
    pub fn tell(mut self) -> AnyResult<Told> {
        self.feed(self.deploy)?;
        println!("\n{}  first model", self.deploy.date());
        self.retrain("the first model")?;
        if self.promotions.is_empty() {
            return Err("the gate refused the first model; there is nothing to serve".into());
        }
        let endpoint = Endpoint::open(&self.registry, &format!("{MODEL}@production"))?
            .with_clock(self.clock.clone())
            .with_features(self.store.clone(), self.service.clone())?
            .with_log(self.log.clone());
        let _watch = endpoint.watch(Duration::from_millis(20))?;
        let server = Server::new()
            .endpoint(endpoint.clone())
            .bind(&format!("127.0.0.1:{}", self.port))?;
        println!("            serving on http://{}\n", server.addr());

        let trigger = Trigger::new(self.clock.clone()).cooldown(days(80));
        let mut earlier: Option<Judgement> = None;
        for month in month_starts(self.deploy, self.activity.last_event()) {
            self.clock.set(month);
            self.feed(month)?;
            self.score(month, &endpoint, &server)?;
            self.record_outcomes(month)?;
            let judged = self.judge(month, endpoint.version(), earlier.as_ref())?;
            let alert = judged
                .signals
                .iter()
                .find(|s| s.severity == Severity::Alert)
                .cloned();
            earlier = Some(judged);
            let Some(signal) = alert else { continue };
            if trigger.decide(&signal).is_run() {
                // what is asked during the swap stays out of this month's window
                self.clock.advance(Span::hours(2));
                if self.retrain_and_swap(&signal, &endpoint, &server)? {
                    earlier = None;
                }
            }
        }
        server.shutdown();
        let is_before = |o: &&Observation| self.shift.is_none_or(|shift| o.time <= shift);
        let alerts = |o: &Observation| o.judgement.signals.len();
        let signals_before = self.observations.iter().filter(is_before).map(alerts).sum();
        let all: usize = self.observations.iter().map(alerts).sum();
        Ok(Told {
            registry: self.registry,
            model: self.model,
            store: self.store,
            service: self.service,
            observations: self.observations,
            attempts: self.attempts,
            served: self.served,
            signals_before,
            signals_after: all - signals_before,
            promotions: self.promotions,
            shift: self.shift,
        })
    }

    /// Lets the lines up to `now` arrive in the feature store.
    fn feed(&mut self, now: EventTime) -> AnyResult<()> {
        let from = self.fed_until;
        let times = self.events.lines.event_times()?;
        let arrived: Vec<bool> = times.iter().map(|t| *t >= from && *t < now).collect();
        let view = Purchase::view();
        self.store
            .push(view.name().as_str(), &self.events.lines.filter(&arrived)?)?;
        self.fed_until = now;
        Ok(())
    }

    /// Scores every active customer in process and some over HTTP, and compares what was used with the offline join.
    fn score(
        &mut self,
        month: EventTime,
        endpoint: &Endpoint,
        server: &RunningServer,
    ) -> AnyResult<()> {
        let active: Vec<EntityKey> = self
            .activity
            .active(month, ACTIVE)
            .into_iter()
            .cloned()
            .collect();
        for key in &active {
            endpoint.predict(key)?;
        }
        let agent = ureq::Agent::new_with_defaults();
        let mut rng: Rng = self.seed.derive(&month.date()).rng();
        // who is asked again goes to the log an hour later, outside the month's window
        self.clock.advance(Span::hours(1));
        let mut asked = BTreeSet::new();
        for _ in 0..OVER_HTTP.min(active.len()) {
            asked.insert(active[rng.below(active.len())].clone());
        }
        for key in &asked {
            self.served.requests += 1;
            if ask(&agent, server.addr(), key).is_err() {
                self.served.failed += 1;
            }
        }
        self.clock.set(month);
        self.served.predictions += active.len() as u64;
        let spine = self
            .activity
            .churn_spine(month, ACTIVE, HORIZON, "churned")?;
        let offline = self.store.join(&self.service, &spine)?;
        let records = self.window(month)?;
        let skew = monitor::skew(&offline, records.iter().map(|(record, _)| record))?;
        self.served.compared += skew.compared;
        self.served.differing += skew.differing;
        Ok(())
    }

    /// The predictions of one month's scoring with the outcomes that are known.
    fn window(&self, month: EventTime) -> AnyResult<Vec<mlops::serve::JoinedRecord>> {
        Ok(self
            .log
            .window(&self.model, None, month, month + Span::minutes(30))?)
    }

    /// The month whose outcomes have become known by `now`, if there is one.
    fn decided(&self, now: EventTime) -> Option<EventTime> {
        month_starts(self.deploy, now - HORIZON)
            .into_iter()
            .next_back()
    }

    fn record_outcomes(&mut self, now: EventTime) -> AnyResult<()> {
        let Some(month) = self.decided(now) else {
            return Ok(());
        };
        let mut outcomes = Vec::new();
        for (record, known) in self.window(month)? {
            if let (Some(key), None) = (record.key, known) {
                let churned = self.activity.stays_away(&key, month, HORIZON);
                outcomes.push(OutcomeRecord {
                    prediction_id: record.id,
                    time: month + HORIZON,
                    outcome: f64::from(u8::from(churned)),
                });
            }
        }
        self.served.outcomes += outcomes.len() as u64;
        self.log.record_outcomes(outcomes)?;
        Ok(())
    }

    /// Judges this month's window, and the performance of the month whose outcomes have just arrived.
    fn judge(
        &mut self,
        month: EventTime,
        version: u32,
        earlier: Option<&Judgement>,
    ) -> AnyResult<Judgement> {
        let performance = match self.decided(month) {
            Some(decided) => {
                let query = PerformanceQuery::between(decided, decided + Span::minutes(30))
                    .known_by(month)
                    .interval(0.95, 400, self.seed);
                Some(monitor::performance(
                    &self.model,
                    &self.window(decided)?,
                    &query,
                )?)
            }
            None => None,
        };
        let reference = self.reference.as_ref().ok_or("there is no champion")?;
        let limit =
            |metric, reference| PerformanceLimit::against(metric, reference).tolerance(0.03);
        let policy = Policy::builder()
            .windows(12)
            .performance(limit(Metric::RocAuc, &reference.roc_auc))
            .performance(limit(Metric::LogLoss, &reference.log_loss))
            .build()?;
        let profile = monitor::reference_profile(&self.registry, &self.model, version)?
            .ok_or("the version has no reference profile")?;
        let context = Context::new(self.model.clone(), version, month);
        let records = self.window(month)?;
        let observation = observe(&profile, &policy, &records, performance, context, earlier)?;
        print_month(&observation);
        let judgement = observation.judgement.clone();
        self.observations.push(observation);
        Ok(judgement)
    }
}

fn print_month(observation: &Observation) {
    let drift = &observation.drift;
    let (name, psi) = drift
        .by_psi()
        .first()
        .map_or(("none", 0.0), |c| (c.name.as_str(), c.psi));
    let performance = observation
        .performance
        .as_ref()
        .map_or_else(String::new, |p| {
            let metric = |m: Metric| p.metrics.get(&m).map_or(f64::NAN, |i| i.value);
            format!(
                "  outcomes of {}: PR-AUC {:.3}, ROC-AUC {:.3}",
                p.from.date(),
                metric(Metric::PrAuc),
                metric(Metric::RocAuc)
            )
        });
    println!(
        "{}  {} scored by version {}  largest PSI {psi:.3} ({name}){performance}",
        observation.time.date(),
        drift.window_rows,
        observation.version,
    );
    for signal in &observation.judgement.signals {
        let word = if signal.severity == Severity::Alert {
            "ALERT"
        } else {
            "warning"
        };
        let short = signal.reason.split("; ").next().unwrap_or_default();
        println!("            {word}: {short}");
    }
}
