//! Several threads and handles at once.

use std::{collections::BTreeSet, sync::Barrier, thread};

use mlops_core::ErrorKind;
use mlops_registry::{Error, Registry, RunStatus};

use crate::fixture::{
    evidence, gate, in_directory, on_every_backend, open, promote, register, with_versions,
};

/// Lets two promote at the same moment; exactly one may win, and the other must be told why.
fn duel(one: &Registry, two: &Registry) {
    let barrier = Barrier::new(2);
    let attempt = |registry: &Registry, version| {
        let model = registry.model("churn").unwrap();
        barrier.wait();
        registry.promote(model.name(), version, &gate(), &evidence(Some(1)))
    };
    let (second, third) = thread::scope(|scope| {
        let second = scope.spawn(|| attempt(one, 2));
        let third = scope.spawn(|| attempt(two, 3));
        (second.join().unwrap(), third.join().unwrap())
    });
    let (winner, error) = match (second, third) {
        (Ok(won), Err(error)) | (Err(error), Ok(won)) => (won.version, error),
        other => panic!("{other:?}"),
    };
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(matches!(
        &error,
        Error::StaleEvidence { compared: Some(1), champion: Some(champion), .. } if *champion == winner
    ));
    assert!(
        error
            .to_string()
            .contains(&format!("version {winner} is in production")),
        "{error}"
    );
    assert_eq!(one.resolve("churn@production").unwrap().version, winner);
    one.verify_audit().unwrap();
}

#[test]
fn of_two_that_promote_at_once_one_wins_and_the_other_is_told_why() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 3);
        promote(&model, &registry, 1);
        for _ in 0..10 {
            duel(&registry, &registry);
            promote(&model, &registry, 1);
        }
    });
    // through two connections to one file
    let (directory, registry) = in_directory();
    let model = with_versions(&registry, 3);
    promote(&model, &registry, 1);
    for _ in 0..10 {
        duel(&registry, &open(directory.path()).unwrap());
        promote(&model, &registry, 1);
    }
}

#[test]
fn threads_write_runs_and_versions_side_by_side() {
    on_every_backend(|registry| {
        let model = registry.model("churn").unwrap();
        let experiment = registry.experiment("churn").unwrap();
        let shared = experiment.start_run("shared").unwrap();
        thread::scope(|scope| {
            for worker in 0..4_i64 {
                let (registry, model, experiment, shared) =
                    (&registry, &model, &experiment, &shared);
                scope.spawn(move || {
                    let own = experiment.start_run("own").unwrap();
                    for step in 0..25 {
                        own.log_metric("m", 1.0, step).unwrap();
                        shared.log_metric("m", 1.0, worker * 100 + step).unwrap();
                        assert!(registry.run(own.id()).unwrap().metrics["m"] == 1.0);
                    }
                    register(model, u32::try_from(worker).unwrap());
                    own.finish(RunStatus::Finished).unwrap();
                });
            }
        });
        assert_eq!(
            registry.metric_history(shared.id(), "m").unwrap().len(),
            100
        );
        let runs = registry.runs(experiment.name()).unwrap();
        let ids: BTreeSet<_> = runs.iter().map(|run| run.id.clone()).collect();
        assert_eq!(ids.len(), 5);
        let numbers: Vec<_> = model
            .versions()
            .unwrap()
            .iter()
            .map(|v| v.version)
            .collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
        registry.verify_audit().unwrap();
    });
}

#[test]
fn the_champion_is_never_missing_while_others_promote() {
    let (directory, registry) = in_directory();
    let model = with_versions(&registry, 2);
    promote(&model, &registry, 1);
    let reader = open(directory.path()).unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..40 {
                promote(&model, &registry, 2 - round % 2);
            }
        });
        let mut generation = 0;
        while !writer.is_finished() {
            let champion = reader.resolve("churn@production").unwrap();
            assert_eq!(champion.stage, mlops_registry::Stage::Production);
            let now = reader.generation().unwrap();
            assert!(now >= generation);
            generation = now;
        }
    });
}
