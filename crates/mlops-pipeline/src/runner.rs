//! The runner: goes through a pipeline, runs what changed and takes the rest from the cache.
//!
//! A step is looked at when all steps before it are done, because its fingerprint is made of their
//! outputs and not of their fingerprints: a step that reran and gave the same bytes leaves the
//! steps after it cached. Outputs are kept before the cache says so; a run that is killed in between
//! repeats that step and no other.

use std::{
    any::Any,
    collections::BTreeMap,
    fmt,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread,
};

use mlops_core::{Digest, ErrorKind, Stopwatch};
use mlops_store::{ArtifactStore, Bytes};

use crate::{
    Cache, Error, Outputs, Pipeline, Plan, Planned, PlannedStep, Progress, Result, RunReport,
    Status, Step, StepContext, StepInputs, StepReport, Why,
    cache::{Entry, Found},
    error::{chain, names},
    fingerprint::Parts,
    step::Origin,
};

type Listener = Arc<dyn Fn(&Progress) + Send + Sync>;
type Digests = BTreeMap<String, Digest>;

/// Runs pipelines over one artifact store and one cache. Clones share both.
#[derive(Clone)]
pub struct Runner {
    store: ArtifactStore,
    cache: Cache,
    threads: NonZeroUsize,
    listener: Option<Listener>,
}

/// What is known about a step before it runs.
struct Judged {
    parts: Parts,
    fingerprint: Digest,
    why: Why,
    /// The outputs, if they need not be made again.
    cached: Option<Digests>,
}

impl Runner {
    /// A runner that runs one step at a time.
    pub fn new(store: ArtifactStore, cache: Cache) -> Self {
        Self {
            store,
            cache,
            threads: NonZeroUsize::MIN,
            listener: None,
        }
    }

    /// Runs up to so many steps at once. What is run and cached is the same.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Tells `listener` what happens while it happens, from the thread where it happens.
    #[must_use]
    pub fn on_progress(mut self, listener: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// The store that keeps the outputs.
    pub fn store(&self) -> &ArtifactStore {
        &self.store
    }

    /// The bytes of an output of a run.
    ///
    /// # Errors
    /// [`Error::NoOutput`] if the run did not give it, [`Error::Store`] if it cannot be read.
    pub fn read(&self, report: &RunReport, step: &str, output: &str) -> Result<Bytes> {
        Ok(self.store.get(&report.output(step, output)?)?)
    }

    /// What a run would do, without running anything.
    ///
    /// The artifacts of cached steps are read and checked, as a run does.
    ///
    /// # Errors
    /// [`Error::Store`] if the artifact store does not answer.
    pub fn plan(&self, pipeline: &Pipeline<'_>) -> Result<Plan> {
        let mut known: Vec<Option<Digests>> = Vec::new();
        let mut steps = Vec::new();
        for (i, step) in pipeline.steps().iter().enumerate() {
            let awaited: Vec<String> = pipeline
                .upstream(i)
                .iter()
                .filter(|u| known[**u].is_none())
                .map(|u| pipeline.steps()[*u].definition.name.clone())
                .collect();
            let (action, why, outputs) = if !step.definition.cached {
                (Planned::Run, Why::AlwaysRuns, None)
            } else if awaited.is_empty() {
                let inputs = inputs(pipeline, i, |u| known[u].as_ref());
                let judged = self.judge(pipeline.name(), step, inputs)?;
                match judged.cached {
                    Some(outputs) => (Planned::Cached, judged.why, Some(outputs)),
                    None => (Planned::Run, judged.why, None),
                }
            } else {
                (Planned::Depends, Why::Awaits { steps: awaited }, None)
            };
            known.push(outputs);
            steps.push(PlannedStep {
                name: step.definition.name.clone(),
                action,
                why,
            });
        }
        Ok(Plan {
            pipeline: pipeline.name().to_owned(),
            steps,
        })
    }

    /// Runs what changed. After the first failure no further step begins; steps that are running
    /// on other threads end, and their results are kept.
    #[must_use = "a run may have failed: see `RunReport::into_result`"]
    pub fn run(&self, pipeline: &Pipeline<'_>) -> RunReport {
        let watch = Stopwatch::start();
        let count = pipeline.steps().len();
        let mut reports: Vec<Option<StepReport>> = vec![None; count];
        let mut failures: BTreeMap<usize, Error> = BTreeMap::new();
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            let mut begun = vec![false; count];
            let mut running = 0;
            loop {
                while running < self.threads.get() && failures.is_empty() {
                    let done = |u: &usize| reports[*u].is_some();
                    let ready = |i: &usize| !begun[*i] && pipeline.upstream(*i).iter().all(done);
                    let Some(next) = (0..count).find(ready) else {
                        break;
                    };
                    begun[next] = true;
                    running += 1;
                    let outputs = |u: usize| reports[u].as_ref().map(|r| &r.outputs);
                    let inputs = inputs(pipeline, next, outputs);
                    let sender = sender.clone();
                    let work = move || {
                        // the receiver outlives the scope
                        let _ = sender.send((next, self.guarded(pipeline, next, inputs)));
                    };
                    if self.threads.get() == 1 {
                        work();
                    } else {
                        scope.spawn(work);
                    }
                }
                if running == 0 {
                    break;
                }
                let (step, (report, failure)) = receiver.recv().expect("a sender is held above");
                running -= 1;
                reports[step] = Some(report);
                failures.extend(failure.map(|error| (step, error)));
            }
        });
        let steps = self.with_skipped(pipeline, reports);
        RunReport {
            pipeline: pipeline.name().to_owned(),
            steps,
            seconds: watch.elapsed().as_secs_f64(),
            failure: failures.into_values().next(),
        }
    }

    /// Gives every step that was not looked at its report.
    fn with_skipped(
        &self,
        pipeline: &Pipeline<'_>,
        reports: Vec<Option<StepReport>>,
    ) -> Vec<StepReport> {
        let failed = |r: &StepReport| r.status == Status::Failed;
        let first = reports
            .iter()
            .flatten()
            .find(|r| failed(r))
            .map(|r| r.name.clone());
        let mut steps: Vec<StepReport> = Vec::new();
        for (i, report) in reports.into_iter().enumerate() {
            let report = report.unwrap_or_else(|| {
                let broken = pipeline.upstream(i).iter().find_map(|u| match &steps[*u] {
                    step if failed(step) => Some(step.name.clone()),
                    StepReport {
                        why: Why::UpstreamFailed { step },
                        ..
                    } => Some(step.clone()),
                    _ => None,
                });
                let why = match (broken, &first) {
                    (Some(step), _) => Why::UpstreamFailed { step },
                    (None, first) => Why::Stopped {
                        step: first.clone().unwrap_or_default(),
                    },
                };
                let report = report_of(&pipeline.steps()[i], Status::Skipped, why);
                self.tell(&Progress::Finished(report.clone()));
                report
            });
            steps.push(report);
        }
        steps
    }

    /// Runs a step or finds it in the cache, and turns a panic into a failure.
    fn guarded(
        &self,
        pipeline: &Pipeline<'_>,
        index: usize,
        inputs: Digests,
    ) -> (StepReport, Option<Error>) {
        let step = &pipeline.steps()[index];
        let work = AssertUnwindSafe(|| self.step(pipeline, index, inputs));
        catch_unwind(work).unwrap_or_else(|panic| {
            let report = report_of(step, Status::Failed, Why::Unknown);
            failed(report, panicked(&step.definition.name, panic.as_ref()))
        })
    }

    fn step(
        &self,
        pipeline: &Pipeline<'_>,
        index: usize,
        inputs: Digests,
    ) -> (StepReport, Option<Error>) {
        let watch = Stopwatch::start();
        let step = &pipeline.steps()[index];
        let (mut report, mut failure) = match self.judge(pipeline.name(), step, inputs) {
            Err(error) => failed(report_of(step, Status::Failed, Why::Unknown), error),
            Ok(judged) => {
                let mut report = report_of(step, Status::Cached, judged.why.clone());
                report.fingerprint = Some(judged.fingerprint);
                if judged.cached.is_none() {
                    self.tell(&Progress::Started {
                        step: report.name.clone(),
                        position: index + 1,
                        of: pipeline.steps().len(),
                        why: judged.why.clone(),
                    });
                    report.status = Status::Ran;
                }
                match self.outputs(step, judged) {
                    Ok(outputs) => {
                        report.outputs = outputs;
                        (report, None)
                    }
                    Err(error) => failed(report, error),
                }
            }
        };
        report.seconds = watch.elapsed().as_secs_f64();
        let told = AssertUnwindSafe(|| self.tell(&Progress::Finished(report.clone())));
        if let Err(panic) = catch_unwind(told) {
            (report, failure) = failed(report, panicked(&step.definition.name, panic.as_ref()));
        }
        (report, failure)
    }

    /// The outputs from the cache or from the step's code; either way the cache knows them after.
    fn outputs(&self, step: &Step<'_>, judged: Judged) -> Result<Digests> {
        let Judged {
            parts,
            fingerprint,
            why,
            cached,
        } = judged;
        if let Some(outputs) = cached {
            if why != Why::Unchanged {
                self.cache.save_last(&parts)?;
            }
            return Ok(outputs);
        }
        let entry = Entry {
            outputs: self.act(step, fingerprint, parts.inputs.clone())?,
            parts,
        };
        if step.definition.cached {
            self.cache.save_entry(&entry)?;
        }
        self.cache.save_last(&entry.parts)?;
        Ok(entry.outputs)
    }

    /// Runs the code and keeps what it returns.
    fn act(&self, step: &Step<'_>, fingerprint: Digest, digests: Digests) -> Result<Digests> {
        let name = &step.definition.name;
        let inputs = StepInputs {
            step: name.clone(),
            digests,
            store: self.store.clone(),
        };
        let progress = |progress: &Progress| self.tell(progress);
        let context = StepContext {
            step: name,
            fingerprint,
            params: &step.definition.params,
            progress: &progress,
        };
        let work = AssertUnwindSafe(|| (step.action)(&inputs, &context));
        let Outputs(outputs) = catch_unwind(work)
            .map_err(|panic| panicked(name, panic.as_ref()))?
            .map_err(|error| error.of_step(name))?;
        let mut declared = step.definition.outputs.clone();
        declared.sort();
        if !declared.iter().eq(outputs.keys()) {
            return Err(Error::WrongOutputs {
                step: name.clone(),
                declared: names(&declared),
                returned: names(outputs.keys()),
            });
        }
        let mut kept = BTreeMap::new();
        for (output, bytes) in outputs {
            kept.insert(output, self.store.put(&bytes)?);
        }
        Ok(kept)
    }

    /// Looks a step up: whether its outputs are there, and what is different from its last run.
    fn judge(&self, pipeline: &str, step: &Step<'_>, inputs: Digests) -> Result<Judged> {
        let parts = Parts::new(pipeline, &step.definition, inputs);
        let (why, cached) = if step.definition.cached {
            self.look_up(&parts)?
        } else {
            (Why::AlwaysRuns, None)
        };
        Ok(Judged {
            fingerprint: parts.fingerprint(),
            parts,
            why,
            cached,
        })
    }

    fn look_up(&self, parts: &Parts) -> Result<(Why, Option<Digests>)> {
        let lost = |what| Ok((Why::Lost { what }, None));
        let last = self.cache.last(&parts.pipeline, &parts.step);
        let entry = match self.cache.entry(parts) {
            Found::Unusable(what) => return lost(what),
            Found::Yes(entry) => Some(entry),
            Found::No => None,
        };
        let changed = match &last {
            Found::Yes(last) if last == parts => None,
            Found::Yes(last) => Some(Why::Changed {
                changes: parts.changes_since(last),
            }),
            Found::No => Some(Why::FirstRun),
            Found::Unusable(what) => Some(Why::Lost { what: what.clone() }),
        };
        let Some(entry) = entry else {
            return match changed {
                Some(why) => Ok((why, None)),
                None => lost("the cache has no entry for it".to_owned()),
            };
        };
        for (output, digest) in &entry.outputs {
            match self.store.get(digest) {
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Corrupt) => {
                    return lost(format!("output `{output}`: {error}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let why = match changed {
            Some(why @ Why::Changed { .. }) => why,
            _ => Why::Unchanged,
        };
        Ok((why, Some(entry.outputs)))
    }

    fn tell(&self, progress: &Progress) {
        if let Some(listener) = &self.listener {
            listener(progress);
        }
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("store", &self.store)
            .field("cache", &self.cache)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// The digests of a step's inputs; `outputs` gives those of a step that is done.
fn inputs<'r>(
    pipeline: &Pipeline<'_>,
    index: usize,
    outputs: impl Fn(usize) -> Option<&'r Digests>,
) -> Digests {
    let find = |step: &str, output: &str| {
        let at = |u: &&usize| pipeline.steps()[**u].definition.name == step;
        let upstream = pipeline.upstream(index).iter().find(at)?;
        outputs(*upstream)?.get(output).copied()
    };
    let definition = &pipeline.steps()[index].definition;
    let mut digests = BTreeMap::new();
    for (name, from) in &definition.inputs {
        let digest = match &from.0 {
            Origin::External(digest) => *digest,
            Origin::Output { step, output } => {
                find(step, output).expect("`build` checked the output, and its step is done")
            }
        };
        digests.insert(name.clone(), digest);
    }
    digests
}

fn report_of(step: &Step<'_>, status: Status, why: Why) -> StepReport {
    StepReport {
        name: step.definition.name.clone(),
        status,
        seconds: 0.0,
        fingerprint: None,
        why,
        outputs: BTreeMap::new(),
        error: None,
    }
}

fn failed(mut report: StepReport, error: Error) -> (StepReport, Option<Error>) {
    report.status = Status::Failed;
    report.error = Some(chain(&error));
    (report, Some(error))
}

fn panicked(step: &str, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    let message = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Error::Panicked {
        step: step.to_owned(),
        message: message.unwrap_or_else(|| "without a message".to_owned()),
    }
}
