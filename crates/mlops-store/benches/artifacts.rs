//! Figures of artifacts and of commit logs: `cargo bench -p mlops-store --bench artifacts`.
//!
//! Small and large artifacts in memory and in a directory, beside what the machine takes to hash the same bytes and to
//! write the same file; what near-identical versions cost to keep; appends to a log. Each time is the best of some rounds.

#![expect(clippy::unwrap_used, reason = "a bench may panic")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{
    fs::File,
    hint::black_box,
    io::{self, Write},
    path::Path,
};

use mlops_core::{Digest, Seed, Stopwatch};
use mlops_store::{Appended, ArtifactStore, CommitLog, Location, Objects};

const ROUNDS: u64 = 3;
const LARGE: usize = 128 << 20;
const SMALL: usize = 1_000;

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut rng = Seed(seed).rng();
    let words = (0..length.div_ceil(8)).flat_map(|_| rng.next_u64().to_le_bytes());
    words.take(length).collect()
}

/// The seconds of the best of some rounds, each begun with what `prepare` makes.
fn best<T, R>(mut prepare: impl FnMut(u64) -> T, mut run: impl FnMut(&T) -> R) -> f64 {
    (0..ROUNDS)
        .map(|round| {
            let prepared = prepare(round);
            let watch = Stopwatch::start();
            black_box(run(&prepared));
            watch.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn rate(what: &str, seconds: f64) {
    println!("{what:<58} {:>8.0} MB/s", LARGE as f64 / 1e6 / seconds);
}

fn each(what: &str, count: usize, seconds: f64) {
    println!("{what:<58} {:>8.1} us", seconds / count as f64 * 1e6);
}

fn large(name: &str, open: &dyn Fn() -> ArtifactStore) {
    let bytes = noise(1, LARGE);
    let put = best(
        |_| open(),
        |store| store.put_from(bytes.as_slice()).unwrap(),
    );
    rate(&format!("put, {name}"), put);
    let store = open();
    let digest = store.put(&bytes).unwrap();
    let again = best(|_| (), |()| store.put_from(bytes.as_slice()).unwrap());
    rate(&format!("put again, {name}"), again);
    let get = best(
        |_| store.reader(&digest).unwrap(),
        |reader| reader.write_to(&mut io::sink()).unwrap(),
    );
    rate(&format!("get, {name}"), get);
    let reader = store.reader(&digest).unwrap();
    let ranges = 200;
    let seconds = best(
        |_| Seed(3).rng(),
        |rng| {
            let mut rng = rng.clone();
            for _ in 0..ranges {
                let at = rng.below(LARGE - 100) as u64;
                black_box(reader.get_range(at..at + 100).unwrap());
            }
        },
    );
    each(&format!("range of 100 bytes, {name}"), ranges, seconds);
}

fn put_all(store: &ArtifactStore, blobs: &[Vec<u8>]) -> Vec<Digest> {
    blobs.iter().map(|blob| store.put(blob).unwrap()).collect()
}

fn small(name: &str, count: usize, open: &dyn Fn() -> ArtifactStore) {
    let blobs: Vec<Vec<u8>> = (0..count as u64).map(|i| noise(i, SMALL)).collect();
    let put = best(|_| open(), |store| put_all(store, &blobs));
    each(&format!("put of {SMALL} bytes, {name}"), count, put);
    let store = open();
    let digests = put_all(&store, &blobs);
    let again = best(|_| (), |()| put_all(&store, &blobs));
    each(&format!("put again of {SMALL} bytes, {name}"), count, again);
    let get = best(
        |_| (),
        |()| {
            digests
                .iter()
                .map(|digest| store.get(digest).unwrap().len())
                .sum::<usize>()
        },
    );
    each(&format!("get of {SMALL} bytes, {name}"), count, get);
}

fn versions() {
    let base = noise(1, 100_000_000);
    let mut rng = Seed(9).rng();
    let mut inserted = base.clone();
    inserted.insert(rng.below(base.len()), 7);
    let mut removed = base.clone();
    removed.drain(1_000..2_000);
    let mut appended = base.clone();
    appended.extend(noise(2, 1_000_000));
    let mut touched = base.clone();
    for _ in 0..10 {
        let at = rng.below(base.len());
        touched[at] ^= 1;
    }
    println!();
    for (what, bytes) in [
        ("one byte inserted", inserted),
        ("a thousand bytes removed", removed),
        ("a megabyte appended", appended),
        ("ten bytes changed, anywhere", touched),
    ] {
        let store = ArtifactStore::memory();
        store.put(&base).unwrap();
        let stored = store.put_from(bytes.as_slice()).unwrap();
        let share = stored.sent as f64 / stored.size as f64 * 100.0;
        println!("100 MB with {what:<46} {share:>8.2} % sent");
    }
}

fn appends(name: &str, count: u64, open: &dyn Fn() -> Location) {
    let seconds = best(
        |_| CommitLog::at(&open()),
        |log| {
            for n in 0..count {
                let request = format!("request-{n}").parse().unwrap();
                assert_eq!(log.append(n, &request, &[7; 300]).unwrap(), Appended::Won);
            }
        },
    );
    each(
        &format!("append of 300 bytes, {name}"),
        usize::try_from(count).unwrap(),
        seconds,
    );
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let fresh = |what: &str| {
        let dir = tempfile::tempdir_in(dir.path()).unwrap().keep();
        dir.join(what)
    };
    let write = |path: &Path, bytes: &[u8]| {
        let mut file = File::create(path).unwrap();
        file.write_all(bytes).unwrap();
        file.sync_all().unwrap();
    };
    let bytes = noise(1, LARGE);
    rate("BLAKE3 alone", best(|_| (), |()| Digest::of(&bytes)));
    rate(
        "one file, written and synced",
        best(|_| fresh("file"), |path| write(path, &bytes)),
    );
    drop(bytes);
    let blob = noise(1, SMALL);
    let file = best(
        |_| tempfile::tempdir_in(dir.path()).unwrap(),
        |dir| (0..200).for_each(|n| write(&dir.path().join(n.to_string()), &blob)),
    );
    each(
        &format!("one file of {SMALL} bytes, written and synced"),
        200,
        file,
    );
    println!();
    let directory = || ArtifactStore::directory(fresh("store")).unwrap();
    large("memory", &ArtifactStore::memory);
    large("directory", &directory);
    println!();
    small("memory", 2_000, &ArtifactStore::memory);
    small("directory", 200, &directory);
    versions();
    println!();
    let memory = || Objects::new().locate("memory://log").unwrap();
    appends("memory", 2_000, &memory);
    appends("directory", 200, &|| Location::file(fresh("log")));
}
