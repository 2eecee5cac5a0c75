//! Random histories of tracking: two machines that take turns, an index that is made anew and a registry in SQLite
//! alone give the same answers and hold the same rows.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use mlops_core::{Digest, EventTime, ManualClock, Span};
use mlops_registry::{
    ArtifactOwner, Batch, Dataset, DatasetInput, Durability, Error, ExperimentId, LoggedModelId,
    LoggedModelStatus, Metric, MetricPoint, ModelOutput, NewExperiment, NewLoggedModel, NewRun,
    Registry, RunId, RunStatus, RunUpdate, Tracking,
};
use mlops_store::{ArtifactStore, Location};
use proptest::prelude::*;
use rusqlite::{Connection, types::Value};

use crate::fixture::{clock, somewhere};

/// Everything that a database knows of experiments, runs and logged models, with metrics by their keys.
pub(crate) fn tables(database: &Path) -> BTreeMap<&'static str, Vec<Vec<Value>>> {
    let connection = Connection::open(database).unwrap();
    [
        "SELECT * FROM experiment ORDER BY id",
        "SELECT * FROM experiment_tag ORDER BY 1, 2",
        "SELECT * FROM run ORDER BY id",
        "SELECT * FROM param ORDER BY 1, 2",
        "SELECT * FROM tag ORDER BY 1, 2",
        "SELECT * FROM metric ORDER BY 1, 2, 3, 4, 5, 6",
        "SELECT run_id, key, step, time_us, is_nan, value
         FROM metric_latest JOIN metric_key k ON k.id = key_id ORDER BY 1, 2",
        "SELECT * FROM dataset ORDER BY id",
        "SELECT * FROM run_input ORDER BY 1, 2",
        "SELECT * FROM run_input_tag ORDER BY 1, 2, 3",
        "SELECT * FROM run_artifact ORDER BY 1, 2",
        "SELECT * FROM run_model_input ORDER BY 1, 2",
        "SELECT * FROM run_output ORDER BY 1, 2, 3",
        "SELECT * FROM batch_writer ORDER BY 1, 2",
        "SELECT * FROM logged_model ORDER BY id",
        "SELECT * FROM logged_model_param ORDER BY 1, 2",
        "SELECT * FROM logged_model_tag ORDER BY 1, 2",
        "SELECT * FROM logged_model_artifact ORDER BY 1, 2",
        "SELECT model_id, key, time_us, step, run_id, is_nan, value, dataset_name, dataset_digest
         FROM logged_model_metric JOIN metric_key k ON k.id = key_id
         ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9",
    ]
    .into_iter()
    .map(|sql| (sql, rows(&connection, sql)))
    .collect()
}

fn rows(connection: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

/// One step of somebody who tracks. Runs, models and experiments are meant by their place among those there are.
#[derive(Debug, Clone)]
enum Deed {
    Experiment(u8),
    Rename(usize, u8),
    Lifecycle(usize, bool),
    ExperimentTag(usize, u8, Option<u8>),
    Run(usize, u8),
    Start(usize),
    RunLifecycle(usize, bool),
    Update(usize, RunStatus, Option<u8>),
    End(usize, RunStatus),
    Batch(usize, Vec<(u8, i64, u8)>, Vec<(u8, u8)>, Option<u64>),
    ByHandle(usize, u8, u8),
    Tag(usize, u8, Option<u8>),
    Beat(usize),
    Abandoned,
    Inputs(usize, u8, u8),
    Outputs(usize, usize),
    Artifact(Option<usize>, usize, u8, bool),
    Model(usize, Option<usize>),
    Finalize(usize, LoggedModelStatus),
    ModelTag(usize, u8, Option<u8>),
    ModelParam(usize, u8, u8),
    DeleteModel(usize),
    Measure(usize, usize, u8),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let at = || 0..4_usize;
    let small = || 0..3_u8;
    let maybe = || prop::option::of(0..3_u8);
    let status = || {
        prop::sample::select(vec![
            RunStatus::Running,
            RunStatus::Finished,
            RunStatus::Failed,
        ])
    };
    let model_status = prop::sample::select(vec![
        LoggedModelStatus::Pending,
        LoggedModelStatus::Ready,
        LoggedModelStatus::Failed,
    ]);
    let point = (small(), -2..3_i64, small());
    let batch = (
        at(),
        prop::collection::vec(point, 0..6),
        prop::collection::vec((small(), small()), 0..3),
        prop::option::of(0..3_u64),
    );
    let deed = prop_oneof![
        2 => small().prop_map(Deed::Experiment),
        1 => (at(), small()).prop_map(|(e, n)| Deed::Rename(e, n)),
        1 => (at(), any::<bool>()).prop_map(|(e, l)| Deed::Lifecycle(e, l)),
        1 => (at(), small(), maybe()).prop_map(|(e, k, v)| Deed::ExperimentTag(e, k, v)),
        4 => (at(), small()).prop_map(|(e, n)| Deed::Run(e, n)),
        2 => at().prop_map(Deed::Start),
        2 => (at(), any::<bool>()).prop_map(|(r, l)| Deed::RunLifecycle(r, l)),
        3 => (at(), status(), maybe()).prop_map(|(r, s, n)| Deed::Update(r, s, n)),
        3 => (at(), status()).prop_map(|(r, s)| Deed::End(r, s)),
        6 => batch.prop_map(|(r, m, p, n)| Deed::Batch(r, m, p, n)),
        3 => (at(), small(), small()).prop_map(|(r, k, v)| Deed::ByHandle(r, k, v)),
        3 => (at(), small(), maybe()).prop_map(|(r, k, v)| Deed::Tag(r, k, v)),
        2 => at().prop_map(Deed::Beat),
        1 => Just(Deed::Abandoned),
        2 => (at(), small(), small()).prop_map(|(r, d, s)| Deed::Inputs(r, d, s)),
        1 => (at(), at()).prop_map(|(r, m)| Deed::Outputs(r, m)),
        3 => (prop::option::of(at()), at(), small(), any::<bool>())
            .prop_map(|(r, m, p, d)| Deed::Artifact(r, m, p, d)),
        3 => (at(), prop::option::of(at())).prop_map(|(e, r)| Deed::Model(e, r)),
        2 => (at(), model_status).prop_map(|(m, s)| Deed::Finalize(m, s)),
        2 => (at(), small(), maybe()).prop_map(|(m, k, v)| Deed::ModelTag(m, k, v)),
        1 => (at(), small(), small()).prop_map(|(m, k, v)| Deed::ModelParam(m, k, v)),
        1 => at().prop_map(Deed::DeleteModel),
        3 => (at(), at(), small()).prop_map(|(r, m, v)| Deed::Measure(r, m, v)),
    ];
    prop::collection::vec(deed, 1..50)
}

/// What there is to be meant, in the order in which it was made.
#[derive(Debug, Default, Clone, PartialEq)]
struct Known {
    experiments: Vec<ExperimentId>,
    runs: Vec<RunId>,
    models: Vec<LoggedModelId>,
}

impl Known {
    fn experiment(&self, at: usize) -> ExperimentId {
        let at = self.experiments.get(at.saturating_sub(1));
        at.copied().unwrap_or(ExperimentId::DEFAULT)
    }

    fn run(&self, at: usize) -> RunId {
        let none = || "0".repeat(32).parse().unwrap();
        self.runs.get(at).cloned().unwrap_or_else(none)
    }

    fn model(&self, at: usize) -> LoggedModelId {
        let none = || format!("m-{}", "0".repeat(32)).parse().unwrap();
        self.models.get(at).cloned().unwrap_or_else(none)
    }
}

const KEYS: [&str; 3] = ["a", "b", "mlflow.parentRunId"];

fn key(number: u8) -> &'static str {
    KEYS[usize::from(number)]
}

fn value(number: u8) -> f64 {
    [0.1, f64::NAN, f64::NEG_INFINITY][usize::from(number)]
}

fn pair(one: u8, other: u8) -> (String, String) {
    (key(one).into(), key(other).into())
}

fn metric((key_of, step, number): (u8, i64, u8)) -> Metric {
    let point = MetricPoint {
        step,
        time: EventTime::from_seconds(step + 5),
        value: value(number),
    };
    Metric::new(key(key_of), point)
}

/// Does it, and says how it went.
fn act(registry: &Registry, known: &mut Known, deed: &Deed) -> String {
    match act_on(registry, &registry.tracking(), known, deed) {
        Ok(answer) => answer,
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each deed")]
fn act_on(
    registry: &Registry,
    tracking: &Tracking,
    known: &mut Known,
    deed: &Deed,
) -> Result<String, Error> {
    let name = |number: u8| format!("e{number}").parse().unwrap();
    let said = |answer: &dyn std::fmt::Debug| format!("{answer:?}");
    Ok(match deed {
        Deed::Experiment(number) => {
            let mut new = NewExperiment::new(name(*number));
            new.tags = BTreeMap::from([pair(0, *number)]);
            let made = tracking.create_experiment(new)?;
            known.experiments.push(made.id);
            said(&made)
        }
        Deed::Rename(at, number) => {
            said(&tracking.rename_experiment(known.experiment(*at), name(*number))?)
        }
        Deed::Lifecycle(at, true) => said(&tracking.delete_experiment(known.experiment(*at))?),
        Deed::Lifecycle(at, false) => said(&tracking.restore_experiment(known.experiment(*at))?),
        Deed::ExperimentTag(at, tag, Some(value)) => {
            said(&tracking.set_experiment_tag(known.experiment(*at), key(*tag), key(*value))?)
        }
        Deed::ExperimentTag(at, tag, None) => {
            said(&tracking.delete_experiment_tag(known.experiment(*at), key(*tag))?)
        }
        Deed::Run(at, number) => {
            let mut new = NewRun::new(known.experiment(*at));
            new.tags = BTreeMap::from([pair(*number, 0)]);
            let made = tracking.create_run(new)?;
            known.runs.push(made.id.clone());
            said(&made)
        }
        Deed::Start(at) => {
            let record = tracking.experiment(known.experiment(*at))?;
            let run = registry.experiment(record.name.as_str())?.start_run("r")?;
            known.runs.push(run.id().clone());
            said(run.id())
        }
        Deed::RunLifecycle(at, true) => said(&tracking.delete_run(&known.run(*at))?),
        Deed::RunLifecycle(at, false) => said(&tracking.restore_run(&known.run(*at))?),
        Deed::Update(at, status, name) => {
            let update = RunUpdate {
                status: Some(*status),
                ended: (!status.is_open()).then(|| EventTime::from_seconds(50)),
                name: name.map(|name| key(name).into()),
            };
            said(&tracking.update_run(&known.run(*at), &update)?)
        }
        Deed::End(at, status) => said(&registry.end_run(&known.run(*at), *status)?),
        Deed::Batch(at, metrics, params, number) => {
            let batch = Batch {
                metrics: metrics.iter().copied().map(metric).collect(),
                params: params.iter().map(|(k, v)| pair(*k, *v)).collect(),
                tags: Vec::new(),
            };
            match number {
                None => said(&tracking.log_batch(&known.run(*at), batch)?),
                Some(number) => {
                    said(&tracking.log_batch_once(&known.run(*at), "w", *number, batch)?)
                }
            }
        }
        Deed::ByHandle(at, one, other) => {
            let id = known.run(*at);
            let experiment = tracking.run(&id)?.experiment;
            let experiment = tracking.experiment(experiment)?.name;
            // a handle that was there all along: made for another run, it writes only to that
            let run = registry.experiment(experiment.as_str())?.start_run("h")?;
            known.runs.push(run.id().clone());
            run.log_param(key(*one), other)?;
            run.log_metric(key(*one), value(*other), 1)?;
            run.set_tag(key(*one), key(*other))?;
            said(&run.log_artifact(key(*one), key(*other).as_bytes())?)
        }
        Deed::Tag(at, tag, Some(value)) => {
            said(&tracking.set_tag(&known.run(*at), key(*tag), key(*value))?)
        }
        Deed::Tag(at, tag, None) => said(&tracking.delete_tag(&known.run(*at), key(*tag))?),
        Deed::Beat(at) => said(&tracking.beat(&known.run(*at))?),
        Deed::Abandoned => said(&tracking.end_abandoned(Span::seconds(5), RunStatus::Killed)?),
        Deed::Inputs(at, number, source) => {
            let input = DatasetInput {
                dataset: Dataset {
                    name: key(*number).into(),
                    digest: "d".into(),
                    source_type: "local".into(),
                    source: key(*source).into(),
                    schema: None,
                    profile: None,
                },
                tags: BTreeMap::from([pair(0, *source)]),
            };
            said(&tracking.log_inputs(
                &known.run(*at),
                vec![input],
                vec![known.model(usize::from(*source))],
            )?)
        }
        Deed::Outputs(at, model) => {
            let output = ModelOutput {
                model: known.model(*model),
                step: 1,
            };
            said(&tracking.log_outputs(&known.run(*at), vec![output])?)
        }
        Deed::Artifact(run, model, path, delete) => {
            let owner = match run {
                Some(run) => ArtifactOwner::Run(known.run(*run)),
                None => ArtifactOwner::Model(known.model(*model)),
            };
            let path = ["a", "a/b", "c"][usize::from(*path)];
            if *delete {
                said(&tracking.delete_artifact(&owner, path)?)
            } else {
                said(&tracking.link_artifact(&owner, path, Digest::of(b"kept"), 4)?)
            }
        }
        Deed::Model(at, run) => {
            let mut new = NewLoggedModel::new(known.experiment(*at));
            new.source_run = run.map(|run| known.run(run));
            let made = tracking.create_logged_model(new)?;
            known.models.push(made.id.clone());
            said(&made)
        }
        Deed::Finalize(at, status) => said(
            &tracking
                .finalize_logged_model(&known.model(*at), *status)?
                .status,
        ),
        Deed::ModelTag(at, tag, Some(value)) => {
            let tags = BTreeMap::from([pair(*tag, *value)]);
            said(
                &tracking
                    .set_logged_model_tags(&known.model(*at), tags)?
                    .tags,
            )
        }
        Deed::ModelTag(at, tag, None) => {
            said(&tracking.delete_logged_model_tag(&known.model(*at), key(*tag))?)
        }
        Deed::ModelParam(at, one, other) => {
            let params = BTreeMap::from([pair(*one, *other)]);
            said(&tracking.log_logged_model_params(&known.model(*at), params)?)
        }
        Deed::DeleteModel(at) => said(&tracking.delete_logged_model(&known.model(*at))?),
        Deed::Measure(run, model, number) => {
            let measured = Metric {
                model: Some(known.model(*model)),
                ..metric((0, 1, *number))
            };
            said(&tracking.log_batch(&known.run(*run), Batch::of_metrics([measured]))?)
        }
    })
}

fn open(
    directory: &Path,
    shared: Option<&Location>,
    clock: &Arc<ManualClock>,
    store: &ArtifactStore,
) -> Registry {
    let url = format!("sqlite://{}", directory.join("mlops.db").display());
    let builder = Registry::builder(url)
        .clock(clock.clone())
        .artifacts(store.clone());
    let builder = match shared {
        Some(location) => builder.at(location.clone()),
        None => builder.durability(Durability::Normal),
    };
    builder.open().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_random_history_is_the_same_in_every_index_and_in_sqlite_alone(
        deeds in deeds(),
        turns in prop::collection::vec(0..3_usize, 50),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let clock = clock();
        let store = ArtifactStore::memory();
        store.put(b"kept").unwrap();
        let at = |name: &str| directory.path().join(name);
        let location = somewhere();
        let opened = |name: &str| {
            let shared = (name != "alone").then_some(&location);
            open(&at(name), shared, &clock, &store)
        };
        let alone = opened("alone");
        let mut machines = ["one", "two", "three"].map(&opened);
        let (mut known, mut told) = (Known::default(), Known::default());
        for (deed, turn) in deeds.iter().zip(&turns) {
            clock.advance(Span::seconds(2));
            let expected = act(&alone, &mut known, deed);
            prop_assert_eq!(act(&machines[*turn], &mut told, deed), expected, "{:?}", deed);
            prop_assert_eq!(&told, &known);
        }
        let expected = tables(&at("alone").join("mlops.db"));
        // one of them is opened again, and one is made anew
        machines[2] = opened("three");
        let [one, two, three] = &machines;
        for (registry, name) in [(one, "one"), (two, "two"), (three, "three"), (&opened("new"), "new")] {
            registry.tracked_digests().unwrap();
            prop_assert_eq!(&tables(&at(name).join("mlops.db")), &expected, "{}", name);
        }
    }
}
