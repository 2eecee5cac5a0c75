//! How a champion comes about: retraining through the pipeline, a version, the gate, the swap under load.

use std::{sync::Arc, time::Duration};

use mlops::{
    core::{Digest, DigestBuilder, Signal, Stopwatch},
    pipeline::{RunReport, Status},
    prelude::*,
    recipes::{
        Candidate, Cutoff, Retrained, Retraining, is_refusal, labels::month_starts,
        promote_if_better, publish,
    },
    serve::RunningServer,
};

use crate::{
    AnyResult,
    story::{ACTIVE, HORIZON, MODEL, Story},
    traffic::Traffic,
};

/// One retraining run, whatever came of it.
pub struct Attempt {
    pub time: EventTime,
    pub reason: String,
    pub candidates: Vec<Candidate>,
    pub report: RunReport,
    pub verdict: String,
    pub promoted: Option<u32>,
}

impl Story<'_> {
    /// Retrains while a client keeps asking, and waits until the server answers with the new champion.
    pub fn retrain_and_swap(
        &mut self,
        signal: &Signal,
        endpoint: &Endpoint,
        server: &RunningServer,
    ) -> AnyResult<bool> {
        let keys = self
            .activity
            .active(self.fed_until, ACTIVE)
            .into_iter()
            .take(50)
            .cloned()
            .collect();
        let traffic = Traffic::start(server.addr(), keys);
        let promoted = self.retrain(&signal.reason);
        let waited = Stopwatch::start();
        if let Ok(Some(version)) = &promoted {
            while endpoint.version() != *version && waited.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let seen = traffic.stop();
        self.served.requests += seen.requests;
        self.served.failed += seen.failed;
        let promoted = promoted?;
        if let Some(version) = promoted {
            if endpoint.version() != version {
                let why = endpoint
                    .last_error()
                    .unwrap_or_else(|| "no reason is known".into());
                return Err(format!("the server did not swap to version {version}: {why}").into());
            }
            let by: Vec<String> = seen
                .versions
                .iter()
                .map(|(v, n)| format!("{n} by version {v}"))
                .collect();
            println!(
                "            swapped under load: {} requests, {} failed ({})",
                seen.requests,
                seen.failed,
                by.join(", ")
            );
        }
        Ok(promoted.is_some())
    }

    /// Trains on every cut-off whose labels are known now, registers the best candidate and asks the gate; the
    /// number of the new champion, if there is one.
    pub fn retrain(&mut self, reason: &str) -> AnyResult<Option<u32>> {
        let now = self.clock.now();
        let retraining = Retraining {
            store: self.store.clone(),
            service: self.service.clone(),
            cutoffs: self.cutoffs(now)?,
            horizon: HORIZON,
            trainers: trainers(self.seed)?,
            evaluation: EvaluationOptions {
                seed: self.seed,
                ..EvaluationOptions::default()
            },
            code_revision: None,
        };
        let watch = Stopwatch::start();
        let retrained = retraining.run(&self.runner)?;
        print_candidates(&retrained, watch.elapsed());
        let (verdict, promoted) = self.decide(&retrained, &retraining.evaluation, now)?;
        println!("            {verdict}");
        self.attempts.push(Attempt {
            time: now,
            reason: reason.to_owned(),
            candidates: retrained.candidates,
            report: retrained.report,
            verdict,
            promoted,
        });
        Ok(promoted)
    }

    /// Registers the best candidate and promotes it if the gate says yes: what came of it, in words and as a number.
    fn decide(
        &mut self,
        retrained: &Retrained,
        options: &EvaluationOptions,
        now: EventTime,
    ) -> AnyResult<(String, Option<u32>)> {
        let Retrained {
            candidates,
            train,
            test,
            ..
        } = retrained;
        let best = &candidates[0];
        if let Some(champion) = self.same_as_champion(best)? {
            let verdict =
                format!("the same model as version {champion} came out: nothing to promote");
            return Ok((verdict, None));
        }
        let version = publish(&self.registry, MODEL, MODEL, best, train, test, now)?.version;
        let gate = Gate::no_worse_than_champion("pr_auc", 0.005)
            .and(Gate::no_higher_than_champion("log_loss", 0.0));
        match promote_if_better(
            &self.registry,
            &self.model,
            version,
            &gate,
            train,
            test,
            options,
        ) {
            Ok(promotion) => {
                self.reference = best.binary().cloned();
                let why = promotion.decision.to_string();
                let (name, date) = (&best.name, now.date());
                self.promotions.push(format!(
                    "promoted  {MODEL} version {version} ({name}) on {date}: {why}"
                ));
                Ok((format!("version {version} promoted: {why}"), Some(version)))
            }
            Err(error) if is_refusal(&error) => Ok((error.to_string(), None)),
            Err(error) => Err(error.into()),
        }
    }

    /// Every month whose labels are known by `now`, from the third of the data on.
    fn cutoffs(&self, now: EventTime) -> AnyResult<Vec<Cutoff>> {
        month_starts(self.months[0].0 + days(60), now - HORIZON)
            .into_iter()
            .map(|time| {
                Ok(Cutoff {
                    time,
                    spine: self
                        .activity
                        .churn_spine(time, ACTIVE, HORIZON, "churned")?,
                    history: self.history(time),
                })
            })
            .collect()
    }

    /// The champion's number if it is the very model that was trained again.
    fn same_as_champion(&self, candidate: &Candidate) -> AnyResult<Option<u32>> {
        let Some(champion) = self.registry.model(MODEL)?.champion()? else {
            return Ok(None);
        };
        let package = self.registry.load(&self.model, champion.version)?;
        let same = Digest::of_json(package.spec()) == Digest::of_json(&candidate.spec);
        Ok(same.then_some(champion.version))
    }

    /// The digest of all lines before a cut-off, from those of the months.
    fn history(&self, cutoff: EventTime) -> Digest {
        let mut digest = DigestBuilder::new();
        for (start, month) in self.months.iter().filter(|(start, _)| *start < cutoff) {
            digest.part(&start.to_string(), month.as_bytes());
        }
        digest.finish()
    }
}

fn print_candidates(retrained: &Retrained, took: Duration) {
    let Retrained {
        candidates,
        train,
        test,
        report,
    } = retrained;
    println!(
        "            trained on {} rows, tested on {} (base rate {:.3}): {} steps, {} from the cache, {:.1} s",
        train.rows(),
        test.rows(),
        candidates[0].binary().map_or(0.0, |e| e.base_rate),
        report.steps.len(),
        report.count(Status::Cached),
        took.as_secs_f64()
    );
    for (candidate, e) in candidates.iter().filter_map(|c| Some((c, c.binary()?))) {
        println!(
            "              {:<20} PR-AUC {:.3} ({:.3} to {:.3})  ROC-AUC {:.3}  log-loss {:.3}",
            candidate.name,
            e.pr_auc.value,
            e.pr_auc.lower,
            e.pr_auc.upper,
            e.roc_auc.value,
            e.log_loss.value
        );
    }
}

fn trainers(seed: Seed) -> AnyResult<Vec<Arc<dyn Trainer>>> {
    #[cfg_attr(
        not(feature = "burn"),
        expect(unused_mut, reason = "only burn adds to them")
    )]
    let mut trainers: Vec<Arc<dyn Trainer>> = vec![
        Arc::new(LogisticRegression::builder().build()?),
        Arc::new(DecisionTree::builder().max_depth(5).build()?),
        Arc::new(
            Boosting::builder()
                .trees(300)
                .learning_rate(0.05)
                .max_depth(4)
                .seed(seed)
                .build()?,
        ),
    ];
    #[cfg(feature = "burn")]
    trainers.push(Arc::new(
        mlops::train::Mlp::builder()
            .hidden([32, 16])
            .training(mlops::train::Training::new().epochs(20).seed(seed))
            .build()?,
    ));
    Ok(trainers)
}
