//! Pipelines that run what changed, skip what did not, and say why.
//!
//! ```
//! use mlops_core::Digest;
//! use mlops_pipeline::{Cache, Input, Outputs, Pipeline, Runner, Status, Step};
//! use mlops_store::ArtifactStore;
//!
//! let runner = Runner::new(ArtifactStore::memory(), Cache::memory());
//! let run = |trees: i64| {
//!     let features = Step::new("features").code("1").input("events", Digest::of(b"..."))
//!         .output("set").run(|_, _| Ok(Outputs::new().with("set", "rows")));
//!     let train = Step::new("train").code("1").param("trees", trees)
//!         .input("set", Input::of("features", "set"))
//!         .output("model").run(|inputs, _| Ok(Outputs::new().with("model", inputs.bytes("set")?)));
//!     runner.run(&Pipeline::builder("churn").step(features).step(train).build()?).into_result()
//! };
//! assert_eq!(run(200)?.count(Status::Ran), 2);
//! let report = run(300)?;
//! assert_eq!(report.step("features").unwrap().status, Status::Cached);
//! assert_eq!(report.step("train").unwrap().why.to_string(), "changed: parameter `trees`: 200 → 300");
//! # Ok::<(), mlops_pipeline::Error>(())
//! ```
//!
//! # The types and how they relate
//!
//! ```text
//! Step ── StepInputs, StepContext ─▶ Outputs
//!   │                                   │ bytes by digest
//! Pipeline ──▶ Runner ─▶ RunReport      ▼
//!   Signal ─▶ Trigger      │ Why   ArtifactStore
//!                          ▼
//!                 Cache: fingerprint → digests
//! ```
//!
//! - [`Step`]: a name, a code id, parameters, inputs, outputs and the code.
//! - [`Pipeline`]: steps that fit together; `build()` finds what does not and names it.
//! - [`Runner`]: [`run`](Runner::run)s or [`plan`](Runner::plan)s a pipeline over a [`Cache`] and an
//!   [`ArtifactStore`](mlops_store::ArtifactStore).
//! - [`RunReport`]: for each step its [`Status`] and [`Why`].
//! - [`Trigger`]: decides whether a [`Signal`](mlops_core::Signal) is a reason to run.
//!
//! # When a step runs
//!
//! Its fingerprint is made of the pipeline's and its own name, its code id, its parameters, the names
//! of its outputs, and the names and digests of its inputs. It runs if no usable result is known under that
//! fingerprint. So a change of a parameter reruns that step and those that see another output of
//! it, and a step that reran and gave the same bytes reruns nothing after it.
//!
//! # Recipes
//!
//! See what would run, keep everything in a directory, run two steps at a time, watch:
//!
//! ```
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path();
//! use std::num::NonZeroUsize;
//! use mlops_pipeline::{Cache, Outputs, Pipeline, Progress, Runner, Step};
//! use mlops_store::ArtifactStore;
//!
//! let store = ArtifactStore::directory(path.join("artifacts"))?;
//! let runner = Runner::new(store, Cache::directory(path.join("cache"))?)
//!     .threads(NonZeroUsize::new(2).unwrap())
//!     .on_progress(|progress| if let Progress::Finished(step) = progress {
//!         println!("{} {}", step.name, step.status);
//!     });
//! let step = Step::new("hello").code("1").output("text")
//!     .run(|_, context| {
//!         context.progress("writing");
//!         Ok(Outputs::new().with("text", "hello"))
//!     });
//! let pipeline = Pipeline::builder("demo").step(step).build()?;
//! assert_eq!(runner.plan(&pipeline)?.to_string(), "hello  run      first run\n");
//! let report = runner.run(&pipeline).into_result()?;
//! assert_eq!(runner.read(&report, "hello", "text")?.as_ref(), b"hello");
//! assert!(runner.plan(&pipeline)?.is_up_to_date());
//! # Ok::<(), mlops_pipeline::Error>(())
//! ```
//!
//! # What this crate does not do
//!
//! It does not see your code: a step whose code changed and whose code id did not is served from
//! the cache. It has no retries, no schedules and no remote workers, and removes nothing from the
//! cache.
//!
//! # Errors
//!
//! [`Error`] names the pipeline, step, input or file. What a step's own code returns becomes
//! [`Error::StepFailed`] with the kind that its [`StepError`] had.

mod cache;
mod error;
mod fingerprint;
mod pipeline;
mod progress;
mod report;
mod runner;
mod step;
mod trigger;

pub use cache::Cache;
pub use error::{Error, Result, StepError, StepFailure};
pub use fingerprint::Change;
pub use pipeline::{Pipeline, PipelineBuilder};
pub use progress::Progress;
pub use report::{Plan, Planned, PlannedStep, RunReport, Status, StepReport, Why};
pub use runner::Runner;
pub use step::{Input, Outputs, Step, StepBuilder, StepContext, StepInputs};
pub use trigger::{Decision, Trigger, TriggerState};
