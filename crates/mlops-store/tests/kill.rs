//! Writers and collectors that are killed with SIGKILL, which nothing can catch: what was acknowledged stays.
//!
//! The test starts itself again as children: writers that put, reference, release and append to one log, and
//! collectors at work on the same store. A parent kills one after another and starts it anew, as often as
//! `MLOPS_KILL_ROUNDS` says.

#![cfg(unix)]
#![expect(
    clippy::print_stdout,
    reason = "children tell their parent what they did"
)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use mlops_core::{Clock, Digest, ManualClock, Rng, Seed, Span, Stopwatch, SystemClock};
use mlops_store::{Appended, ArtifactStore, CommitLog, Error, GarbageOptions, Location, RequestId};

const CHILD: &str = "MLOPS_STORE_KILL_TEST";
const GRACE: Span = Span::seconds(2);
/// The time in which a reference is committed, or is not.
const IN_TIME: Duration = Duration::from_secs(1);
/// How often it kills unless the variable says otherwise, as in
/// `MLOPS_KILL_ROUNDS=1000 cargo test --release -p mlops-store --test kill -- --nocapture`.
const ROUNDS: u64 = 60;

fn rounds() -> u64 {
    let said = env::var_os("MLOPS_KILL_ROUNDS");
    said.map_or(ROUNDS, |rounds| rounds.to_str().unwrap().parse().unwrap())
}

fn artifact(i: usize) -> Vec<u8> {
    let length = if i.is_multiple_of(5) {
        5 << 20
    } else {
        100 + i
    };
    let mut rng = Seed(i as u64 % 10).rng();
    let words = (0..length.div_ceil(8)).flat_map(|_| rng.next_u64().to_le_bytes());
    let mut bytes: Vec<u8> = words.take(length).collect();
    // large ones share all but a chunk
    bytes[length / 2] = u8::try_from(i).unwrap();
    bytes
}

fn write(root: &Path, name: &str, rng: &mut Rng) {
    let store = ArtifactStore::directory(root.join("store")).unwrap();
    let log = CommitLog::at(&Location::file(root.join("log")));
    let mut head = log.head().unwrap().map_or(0, |entry| entry.number);
    for step in 0.. {
        let i = rng.below(16);
        let watch = Stopwatch::start();
        let digest = store.put(&artifact(i)).unwrap();
        let reference = root.join("roots").join(format!("{digest}-{name}"));
        fs::write(&reference, b"").unwrap();
        if watch.elapsed() > IN_TIME {
            // too late to rely on it
            fs::remove_file(&reference).unwrap();
            continue;
        }
        println!("kept {digest}");
        let request: RequestId = format!("{name}-{step}").parse().unwrap();
        while let Appended::Lost { number } = log.append(head, &request, b"x").unwrap() {
            head = number;
        }
        head += 1;
        println!("appended {head} {request}");
        // its own references, and those of the ones that had its part before
        let released = Digest::of(&artifact(rng.below(16)));
        for entry in fs::read_dir(root.join("roots")).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            if file.starts_with(&format!("{released}-{}", &name[..2])) {
                fs::remove_file(&path).unwrap();
            }
        }
    }
}

fn roots(root: &Path) -> Vec<Digest> {
    let names = fs::read_dir(root.join("roots")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| name[..64].parse().unwrap()).collect()
}

fn collect(root: &Path) {
    let store = ArtifactStore::directory(root.join("store")).unwrap();
    loop {
        let options = GarbageOptions::new(GRACE);
        match store.collect(roots(root), options, &SystemClock) {
            Ok(report) => println!("removed {}", report.removed.len()),
            // others were always first, or have moved what was looked for
            Err(Error::Changed { .. }) => {}
            Err(error) => println!("failed {error}"),
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// No test of its own: what [`nothing_acknowledged_is_lost_by_kill_9`] runs in other processes and kills.
#[test]
fn child_that_is_killed() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a child is told its part by its parent"
    )]
    let Ok(told) = env::var(CHILD) else {
        return;
    };
    let (name, root) = told.split_once(' ').unwrap();
    let root = Path::new(root);
    let seed = Seed(0).derive(name);
    if name.starts_with('w') {
        write(root, name, &mut seed.rng());
    } else {
        collect(root);
    }
}

/// A child and the lines that it printed.
struct Part {
    child: Child,
    reader: thread::JoinHandle<()>,
}

impl Part {
    fn start(root: &Path, name: &str, lines: &Arc<Mutex<Vec<String>>>) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child_that_is_killed", "--nocapture"])
            .env(CHILD, format!("{name} {}", root.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let lines = Arc::clone(lines);
        let reader = thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
        Self { child, reader }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.reader.join().unwrap();
    }
}

#[test]
fn nothing_acknowledged_is_lost_by_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let root: PathBuf = dir.path().to_owned();
    fs::create_dir(root.join("roots")).unwrap();
    let lines = Arc::default();
    let name = |part: usize, round: u64| format!("{}{round}", ["wa", "wb", "ca", "cb"][part]);
    let mut parts: Vec<Part> = (0..4)
        .map(|part| Part::start(&root, &name(part, 1_000 + part as u64), &lines))
        .collect();
    let mut rng = Seed(9).rng();
    for round in 0..rounds() {
        thread::sleep(Duration::from_millis(100 + rng.below(300) as u64));
        let part = rng.below(4);
        let next = Part::start(&root, &name(part, round), &lines);
        std::mem::replace(&mut parts[part], next).kill();
    }
    parts.into_iter().for_each(Part::kill);

    let lines = lines.lock().unwrap();
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    let removed: usize = lines
        .iter()
        .filter_map(|line| line.split_once("removed ")?.1.parse::<usize>().ok())
        .sum();
    println!(
        "{} kept, {} appended, {removed} removed",
        count("kept "),
        count("appended ")
    );
    assert_eq!(count("failed "), 0, "{lines:?}");
    assert!(count("kept ") > 10 && removed > 0);

    let log = CommitLog::at(&Location::file(root.join("log")));
    let entries: BTreeMap<String, String> = log
        .read_after(0)
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.number.to_string(), entry.request.to_string()))
        .collect();
    for line in lines.iter() {
        let Some((_, appended)) = line.split_once("appended ") else {
            continue;
        };
        let (number, request) = appended.split_once(' ').unwrap();
        assert_eq!(entries.get(number).map(String::as_str), Some(request));
    }
    let once: BTreeSet<&String> = entries.values().collect();
    assert_eq!(once.len(), entries.len(), "a request is in the log twice");

    let store = ArtifactStore::directory(root.join("store")).unwrap();
    let check = || {
        for digest in roots(&root) {
            assert_eq!(Digest::of(&store.get(&digest).unwrap()), digest);
        }
    };
    check();
    // what is left of the killed is cleared by whoever comes next
    let clock = ManualClock::new(SystemClock.now());
    for _ in 0..4 {
        clock.advance(Span::seconds(5));
        let report = store
            .collect(roots(&root), GarbageOptions::new(GRACE), &clock)
            .unwrap();
        assert!(report.missing.is_empty());
    }
    check();
    let report = store
        .collect(roots(&root), GarbageOptions::new(GRACE), &clock)
        .unwrap();
    assert!(report.waiting.is_empty() && report.condemned.is_empty());
    assert_eq!(
        fs::read_dir(root.join("store").join("staging"))
            .unwrap()
            .count(),
        0
    );
}
