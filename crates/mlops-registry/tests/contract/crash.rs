//! A process that is killed at a random moment leaves a registry that is whole, and everything that
//! it was told was done.
//!
//! The test runs itself again as a child, with the work to do in an environment variable and the
//! registry in its working directory, and kills it with SIGKILL. The child writes a line before and
//! after each step, so that the parent knows what was acknowledged.
//!
//! `MLOPS_KILL_ROUNDS` sets how often each test kills, here and in `crash_models.rs` and `writers.rs`.

use std::{
    env,
    ffi::OsStr,
    fs,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Stdio},
    thread,
    time::Duration,
};

use mlops_core::{Rng, Seed};
use mlops_registry::{Action, Durability, Registry, RunId, RunStatus, Stage};
use rusqlite::Connection;

use crate::{
    crash_models,
    fixture::{child, evidence, gate, open, promote, rounds, with_versions},
    renames, webhooks,
};

const WORK: &str = "MLOPS_REGISTRY_TEST_CHILD";
const ME: &str = "crash::the_child_of_the_crash_tests";

#[test]
#[ignore = "does nothing unless a crash test starts it"]
fn the_child_of_the_crash_tests() {
    let Some(work) = env::var_os(WORK) else {
        return;
    };
    let open = |durability| {
        let builder = Registry::builder("sqlite://mlops.db").durability(durability);
        builder.open().unwrap()
    };
    // the test runner has begun a line of its own
    say("");
    let work: Vec<&str> = work.to_str().unwrap().split(' ').collect();
    match work[..] {
        ["promote"] => promote_for_ever(&open(Durability::Full)),
        ["metrics", "full"] => log_for_ever(&open(Durability::Full)),
        ["metrics", "normal"] => log_for_ever(&open(Durability::Normal)),
        ["artifacts"] => keep_for_ever(&open(Durability::Full)),
        ["open"] => drop(open(Durability::Full)),
        ["govern"] => crash_models::govern_for_ever(&open(Durability::Full)),
        ["govern", "logs"] => crash_models::govern_for_ever(&crash_models::in_logs(Path::new("."))),
        ["change"] => crash_models::change_for_ever(&open(Durability::Full)),
        ["change", "logs"] => crash_models::change_for_ever(&crash_models::in_logs(Path::new("."))),
        ["rename"] => renames::rename_for_ever(&open(Durability::Full)),
        ["rename", "logs"] => renames::rename_for_ever(&crash_models::in_logs(Path::new("."))),
        ["webhooks"] => webhooks::change_and_queue_for_ever(&open(Durability::Full)),
        ["webhooks", "logs"] => {
            webhooks::change_and_queue_for_ever(&crash_models::in_logs(Path::new(".")));
        }
        ["race", "logs", version] => {
            race(
                &crash_models::in_logs(Path::new(".")),
                version.parse().unwrap(),
            );
        }
        ["race", version] => race(&open(Durability::Full), version.parse().unwrap()),
        _ => panic!("{work:?} is no work"),
    }
}

pub(crate) fn say(line: &str) {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// Promotes version 1 and version 2 in turns.
fn promote_for_ever(registry: &Registry) {
    let model = registry.model("churn").unwrap();
    loop {
        let champion = model.champion().unwrap().unwrap().version;
        let version = 3 - champion;
        say(&format!("try {version}"));
        let promotion = registry
            .promote(model.name(), version, &gate(), &evidence(Some(champion)))
            .unwrap();
        say(&format!("ack {} {version}", promotion.audit_entry));
    }
}

fn log_for_ever(registry: &Registry) {
    let run = registry
        .experiment("churn")
        .unwrap()
        .start_run("killed")
        .unwrap();
    say(&format!("run {}", run.id()));
    for step in 0..i64::MAX {
        run.log_metric("m", step as f64, step).unwrap();
        say(&format!("ack {step}"));
    }
}

fn keep_for_ever(registry: &Registry) {
    let run = registry
        .experiment("churn")
        .unwrap()
        .start_run("killed")
        .unwrap();
    say(&format!("run {}", run.id()));
    for number in 0..u64::MAX {
        let bytes = number.to_le_bytes().repeat(10_000);
        run.log_artifact(&format!("{number}.bin"), &bytes).unwrap();
        say(&format!("ack {number}"));
    }
}

/// Waits for the start, then promotes one version against version 1.
fn race(registry: &Registry, version: u32) {
    let model = registry.model("churn").unwrap();
    say("ready");
    while !Path::new("start").exists() {
        thread::sleep(Duration::from_millis(1));
    }
    match registry.promote(model.name(), version, &gate(), &evidence(Some(1))) {
        Ok(_) => say("won"),
        Err(error) => say(&format!("lost {:?} {error}", error.kind())),
    }
}

/// A child at work, and what it has said so far.
pub(crate) struct Worker {
    child: Child,
    output: BufReader<ChildStdout>,
    lines: Vec<String>,
}

impl Worker {
    pub(crate) fn start(directory: &Path, work: impl AsRef<OsStr>) -> Self {
        let mut child = child(ME, directory, (WORK, work), Stdio::piped());
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            output,
            lines: Vec::new(),
        }
    }

    /// Listens until a line begins with the word.
    pub(crate) fn wait_for(&mut self, word: &str) {
        while self.listen() {
            if self.lines.last().is_some_and(|line| line.starts_with(word)) {
                return;
            }
        }
        panic!("the child ended before it said `{word}`: {:?}", self.lines);
    }

    fn kill_after(mut self, delay: Duration) -> Vec<String> {
        thread::sleep(delay);
        self.child.kill().unwrap();
        self.end()
    }

    pub(crate) fn end(mut self) -> Vec<String> {
        while self.listen() {}
        self.child.wait().unwrap();
        self.lines
    }

    /// Takes the next whole line; half a line at the end was never said.
    fn listen(&mut self) -> bool {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let whole = line.ends_with('\n');
        if whole {
            self.lines.push(line.trim_end().to_owned());
        }
        whole
    }
}

/// Kills a child after a random time; in every other round it is counted from the word on, so that
/// the kill falls into the work even where a process is slow to start.
pub(crate) fn kill(
    directory: &Path,
    work: &str,
    round: usize,
    word: &str,
    millis: usize,
    rng: &mut Rng,
) -> Vec<String> {
    let mut worker = Worker::start(directory, work);
    if round.is_multiple_of(2) {
        worker.wait_for(word);
    }
    worker.kill_after(Duration::from_micros(rng.below(millis * 1_000) as u64))
}

pub(crate) fn after<'a>(
    lines: &'a [String],
    word: &'a str,
) -> impl DoubleEndedIterator<Item = &'a str> {
    lines.iter().filter_map(move |line| line.strip_prefix(word))
}

pub(crate) fn assert_sound(database: &Path) {
    let raw = Connection::open(database).unwrap();
    raw.busy_timeout(Duration::from_secs(5)).unwrap();
    let answer: String = raw
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(answer, "ok");
    let dangling: i64 = raw
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(dangling, 0);
}

/// What must hold at every moment once version 1 was promoted; returns the champion.
fn assert_one_champion(directory: &Path) -> u32 {
    assert_sound(&directory.join("mlops.db"));
    let registry = open(directory).unwrap();
    registry.verify_audit().unwrap();
    let model = registry.model("churn").unwrap();
    let serving: Vec<u32> = model
        .versions()
        .unwrap()
        .into_iter()
        .filter(|version| version.stage == Stage::Production)
        .map(|version| version.version)
        .collect();
    assert_eq!(serving.len(), 1, "{serving:?}");
    let champion = registry.resolve("churn@production").unwrap();
    assert_eq!([champion.version], serving[..]);
    let last = registry.audit(Some(model.name())).unwrap().pop().unwrap();
    assert_eq!(
        (last.action, last.version),
        (Action::AliasSet, Some(champion.version))
    );
    registry
        .load(model.name(), champion.version)
        .unwrap()
        .load()
        .unwrap();
    champion.version
}

/// Kills a promoting child again and again; returns how many kills fell between a try and its answer.
fn kill_promotions(directory: &Path, rounds: usize, millis: usize, seed: Seed) -> (usize, usize) {
    let mut rng = seed.rng();
    let (mut acknowledged, mut inside) = (0, 0);
    for round in 0..rounds {
        let lines = kill(directory, "promote", round, "try", millis, &mut rng);
        let champion = assert_one_champion(directory);
        let tried = after(&lines, "try ").count();
        let acks: Vec<&str> = after(&lines, "ack ").collect();
        acknowledged += acks.len();
        if tried > acks.len() {
            inside += 1;
        } else if let Some(last) = acks.last() {
            // nothing was begun after the last answer
            let (_, version) = last.split_once(' ').unwrap();
            assert_eq!(champion.to_string(), version);
        }
        let trail = open(directory).unwrap().audit(None).unwrap();
        for ack in acks {
            let (entry, version) = ack.split_once(' ').unwrap();
            let entry = &trail[entry.parse::<usize>().unwrap() - 1];
            assert_eq!(entry.action, Action::Promoted);
            assert_eq!(entry.version, Some(version.parse().unwrap()));
        }
    }
    (acknowledged, inside)
}

fn with_champion() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let registry = open(directory.path()).unwrap();
    let model = with_versions(&registry, 2);
    promote(&model, &registry, 1);
    directory
}

#[test]
fn a_kill_at_any_moment_leaves_one_champion_and_a_whole_trail() {
    let directory = with_champion();
    let (acknowledged, _) = kill_promotions(directory.path(), rounds(30), 120, Seed(1));
    println!("{acknowledged} promotions acknowledged");
    assert!(acknowledged > 0, "nothing was acknowledged");
}

#[test]
fn a_kill_in_the_middle_of_the_transaction_leaves_the_old_champion_or_the_new_one() {
    let directory = with_champion();
    // makes every change of a stage write megabytes, so that the transaction is long, spills into the
    // log before it is committed, and the kill falls between its steps
    Connection::open(directory.path().join("mlops.db"))
        .unwrap()
        .execute_batch(
            "CREATE TABLE ballast (bytes BLOB) STRICT;
             CREATE TRIGGER heavy AFTER UPDATE OF stage ON model_version BEGIN
                DELETE FROM ballast;
                INSERT INTO ballast
                    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
                    SELECT randomblob(4000) FROM n;
             END;",
        )
        .unwrap();
    let (_, inside) = kill_promotions(directory.path(), rounds(25), 300, Seed(2));
    println!("{inside} kills inside a promotion");
    assert!(inside >= 8, "only {inside} kills fell inside a promotion");
}

#[test]
fn an_acknowledged_metric_survives_the_kill() {
    for work in ["metrics full", "metrics normal"] {
        let directory = tempfile::tempdir().unwrap();
        let mut rng = Seed(3).derive(work).rng();
        let mut acknowledged = 0;
        for round in 0..rounds(10) {
            let lines = kill(directory.path(), work, round, "ack", 100, &mut rng);
            let Some(id) = after(&lines, "run ").next() else {
                continue;
            };
            let id: RunId = id.parse().unwrap();
            let registry = open(directory.path()).unwrap();
            assert_eq!(registry.run(&id).unwrap().status, RunStatus::Running);
            let Some(last) = after(&lines, "ack ").next_back() else {
                continue;
            };
            let last: i64 = last.parse().unwrap();
            acknowledged += last + 1;
            let history = registry.metric_history(&id, "m").unwrap();
            let steps: Vec<i64> = history.iter().map(|point| point.step).collect();
            assert!(steps.last() >= Some(&last), "{:?} of {last}", steps.last());
            assert!(
                steps
                    .iter()
                    .zip(0..)
                    .all(|(step, expected)| *step == expected)
            );
            registry.end_run(&id, RunStatus::Killed).unwrap();
        }
        println!("{work}: {acknowledged} points acknowledged");
        assert!(acknowledged > 0, "{work}: nothing was acknowledged");
        assert_sound(&directory.path().join("mlops.db"));
    }
}

#[test]
fn an_acknowledged_artifact_survives_the_kill_and_half_of_one_is_never_seen() {
    let directory = tempfile::tempdir().unwrap();
    let mut rng = Seed(4).rng();
    let mut acknowledged = 0;
    for round in 0..rounds(10) {
        let lines = kill(directory.path(), "artifacts", round, "run", 150, &mut rng);
        let registry = open(directory.path()).unwrap();
        if let Some(id) = after(&lines, "run ").next() {
            let id: RunId = id.parse().unwrap();
            for number in after(&lines, "ack ") {
                registry.artifact(&id, &format!("{number}.bin")).unwrap();
                acknowledged += 1;
            }
        }
        for digest in registry.store().list().unwrap() {
            registry.store().get(&digest).unwrap();
        }
    }
    println!("{acknowledged} artifacts acknowledged");
    assert!(acknowledged > 0, "nothing was acknowledged");
}

#[test]
fn a_kill_while_a_new_registry_is_made_leaves_one_that_opens() {
    let mut rng = Seed(5).rng();
    for _ in 0..rounds(20) {
        let directory = tempfile::tempdir().unwrap();
        let delay = Duration::from_micros(rng.below(40_000) as u64);
        Worker::start(directory.path(), "open").kill_after(delay);
        let registry = open(directory.path()).unwrap();
        let model = with_versions(&registry, 1);
        promote(&model, &registry, 1);
        assert_one_champion(directory.path());
    }
}

#[test]
fn of_two_processes_that_promote_at_once_one_wins_and_the_other_is_told_why() {
    let directory = tempfile::tempdir().unwrap();
    let registry = open(directory.path()).unwrap();
    let model = with_versions(&registry, 3);
    promote(&model, &registry, 1);
    let start = directory.path().join("start");
    for _ in 0..8 {
        let racers = [2, 3].map(|version| {
            let mut racer = Worker::start(directory.path(), format!("race {version}"));
            racer.wait_for("ready");
            (version, racer)
        });
        fs::write(&start, b"").unwrap();
        let answers = racers.map(|(version, racer)| (version, racer.end()));
        fs::remove_file(&start).unwrap();
        let champion = assert_one_champion(directory.path());
        for (version, answer) in answers {
            let expected = if version == champion {
                "won".to_owned()
            } else {
                format!(
                    "lost Conflict version {version} of model `churn` was compared with version 1, \
                     but version {champion} is in production now"
                )
            };
            assert!(answer.contains(&expected), "{answer:?}");
        }
        promote(&model, &registry, 1);
    }
}
