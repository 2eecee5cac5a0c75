//! Garbage: what nobody needs goes, what was acknowledged or is needed stays, whoever else is at work or is killed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, ScopedJoinHandle},
};

use mlops_core::{Clock, Digest, EventTime, ManualClock, Seed, Span, SystemClock};
use mlops_store::{ArtifactStore, Error, GarbageOptions, GarbageReport, Objects, Tree, TreeFile};
use proptest::prelude::*;

const GRACE: Span = Span::hours(1);
const TWICE: Span = Span::hours(2);

/// Runs a case on every backend.
fn on_every_backend(case: impl Fn(ArtifactStore)) {
    case(ArtifactStore::memory());
    let dir = tempfile::tempdir().unwrap();
    case(ArtifactStore::directory(dir.path()).unwrap());
    let prefix = Objects::new().locate("memory://bucket/artifacts").unwrap();
    case(ArtifactStore::at(&prefix).unwrap());
}

/// A clock so long after now; what the stores write is dated by the wall clock.
fn after(span: Span) -> ManualClock {
    ManualClock::new(SystemClock.now() + span)
}

fn collect(store: &ArtifactStore, roots: &[Digest], clock: &dyn Clock) -> GarbageReport {
    let roots = roots.iter().copied();
    store
        .collect(roots, GarbageOptions::new(GRACE), clock)
        .unwrap()
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut rng = Seed(seed).rng();
    let words = (0..length.div_ceil(8)).flat_map(|_| rng.next_u64().to_le_bytes());
    words.take(length).collect()
}

fn digests(garbage: &[mlops_store::Garbage]) -> BTreeSet<Digest> {
    garbage.iter().map(|garbage| garbage.digest).collect()
}

#[test]
fn garbage_is_condemned_after_the_grace_period_and_removed_two_later() {
    on_every_backend(|store| {
        let (kept, dead) = (store.put(b"kept").unwrap(), store.put(b"dead").unwrap());
        let clock = after(Span::ZERO);
        let young = collect(&store, &[kept], &clock);
        assert_eq!(digests(&young.waiting), BTreeSet::from([dead]));
        assert!(young.condemned.is_empty() && young.removed.is_empty());
        clock.advance(TWICE);
        let old = collect(&store, &[kept], &clock);
        assert_eq!(digests(&old.condemned), BTreeSet::from([dead]));
        assert_eq!(
            (old.needed, old.needed_bytes, old.condemned_bytes()),
            (1, 4, 4)
        );
        assert_eq!(store.get(&dead).unwrap(), b"dead".as_slice());
        assert!(!store.contains(&dead).unwrap(), "it is on its way out");
        clock.advance(GRACE);
        let waits = collect(&store, &[kept], &clock);
        assert_eq!(digests(&waits.waiting), BTreeSet::from([dead]));
        assert!(waits.removed.is_empty() && waits.condemned.is_empty());
        clock.advance(GRACE);
        let gone = collect(&store, &[kept], &clock);
        assert_eq!(digests(&gone.removed), BTreeSet::from([dead]));
        assert_eq!(gone.removed_bytes(), 4);
        assert!(matches!(store.get(&dead), Err(Error::NotFound { .. })));
        assert_eq!(store.list().unwrap(), [kept]);
        // and it may come back
        assert_eq!(store.put(b"dead").unwrap(), dead);
        assert_eq!(store.get(&dead).unwrap(), b"dead".as_slice());
        assert!(store.contains(&dead).unwrap());
    });
}

#[test]
fn a_dry_run_tells_the_same_and_changes_nothing() {
    on_every_backend(|store| {
        let dead = store.put(b"dead").unwrap();
        let clock = after(TWICE);
        let dry = || {
            let options = GarbageOptions::new(GRACE).dry_run();
            store.collect([], options, &clock).unwrap()
        };
        assert_eq!(digests(&dry().condemned), BTreeSet::from([dead]));
        assert!(store.contains(&dead).unwrap());
        assert_eq!(digests(&dry().condemned), BTreeSet::from([dead]));
        collect(&store, &[], &clock);
        clock.advance(TWICE);
        assert_eq!(dry().removed_bytes(), 4);
        assert_eq!(store.get(&dead).unwrap(), b"dead".as_slice());
        assert_eq!(dry(), collect(&store, &[], &clock));
        assert!(store.list().unwrap().is_empty());
    });
}

#[test]
fn what_a_root_consists_of_stays_with_it() {
    on_every_backend(|store| {
        let (large, small) = (noise(1, 6 << 20), b"small".to_vec());
        let mut similar = large.clone();
        similar.insert(1 << 20, 7);
        let file = |path: &str, bytes: &[u8]| TreeFile {
            path: path.parse().unwrap(),
            digest: store.put(bytes).unwrap(),
            size: bytes.len() as u64,
        };
        let files = [file("a/large", &large), file("small", &small)];
        let tree = store.put_tree(&Tree::new(files).unwrap()).unwrap();
        let dead = store.put(&similar).unwrap();
        let clock = after(TWICE);
        for _ in 0..4 {
            collect(&store, &[tree], &clock);
            clock.advance(TWICE);
        }
        assert_eq!(store.get(&Digest::of(&large)).unwrap(), large);
        assert_eq!(store.get(&Digest::of(&small)).unwrap(), small);
        assert!(matches!(store.get(&dead), Err(Error::NotFound { .. })));
        // no chunk of the dead one is left that the other does not have
        let report = collect(&store, &[tree], &clock);
        assert!(report.waiting.is_empty() && report.condemned.is_empty());
        for _ in 0..4 {
            collect(&store, &[], &clock);
            clock.advance(TWICE);
        }
        assert!(store.list().unwrap().is_empty());
    });
}

#[test]
fn what_is_put_again_after_it_was_condemned_is_not_lost() {
    on_every_backend(|store| {
        for bytes in [b"again".to_vec(), noise(2, 6 << 20)] {
            let digest = store.put(&bytes).unwrap();
            let clock = after(TWICE);
            collect(&store, &[], &clock);
            assert_eq!(store.put(&bytes).unwrap(), digest);
            assert!(store.contains(&digest).unwrap());
            clock.advance(TWICE);
            let report = collect(&store, &[digest], &clock);
            assert!(!report.removed.is_empty());
            assert!(report.missing.is_empty() && report.rescued.is_empty());
            assert_eq!(store.get(&digest).unwrap(), bytes);
            clock.advance(TWICE);
            assert!(collect(&store, &[digest], &clock).removed.is_empty());
            assert_eq!(store.get(&digest).unwrap(), bytes);
            for _ in 0..3 {
                clock.advance(TWICE);
                collect(&store, &[], &clock);
            }
            assert!(store.list().unwrap().is_empty());
        }
    });
}

#[test]
fn what_was_relied_on_before_it_was_condemned_is_rescued() {
    on_every_backend(|store| {
        for bytes in [b"relied".to_vec(), noise(3, 6 << 20)] {
            let digest = store.put(&bytes).unwrap();
            let clock = after(TWICE);
            collect(&store, &[], &clock);
            // its reference is committed within the grace period of the put, with no put since
            clock.advance(TWICE);
            let report = collect(&store, &[digest], &clock);
            assert!(report.rescued.contains(&digest));
            for _ in 0..3 {
                assert_eq!(store.get(&digest).unwrap(), bytes);
                assert!(store.contains(&digest).unwrap());
                clock.advance(TWICE);
                assert!(collect(&store, &[digest], &clock).removed.is_empty());
            }
            for _ in 0..3 {
                clock.advance(TWICE);
                collect(&store, &[], &clock);
            }
            assert!(store.list().unwrap().is_empty());
        }
    });
}

#[test]
fn a_root_that_is_not_there_is_told_and_stops_nothing() {
    on_every_backend(|store| {
        let absent = Digest::of(b"absent");
        let dead = store.put(b"dead").unwrap();
        let clock = after(TWICE);
        let report = collect(&store, &[absent], &clock);
        assert_eq!(report.missing, [absent]);
        assert_eq!(digests(&report.condemned), BTreeSet::from([dead]));
    });
}

#[test]
fn a_root_that_cannot_be_followed_stops_the_collection() {
    let dir = tempfile::tempdir().unwrap();
    let store = ArtifactStore::directory(dir.path()).unwrap();
    let digest = store.put(&noise(4, 6 << 20)).unwrap();
    let text = digest.to_string();
    let list = dir.path().join("chunked").join(&text[..2]).join(&text[2..]);
    fs::write(&list, b"broken").unwrap();
    let before = store.list().unwrap();
    let clock = after(TWICE);
    for _ in 0..4 {
        let error = store
            .collect([digest], GarbageOptions::new(GRACE), &clock)
            .unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
        clock.advance(TWICE);
    }
    assert_eq!(store.list().unwrap(), before);
}

#[test]
fn two_collectors_do_the_work_of_one() {
    on_every_backend(|store| {
        let dead: BTreeSet<Digest> = (0..20_u8).map(|i| store.put(&[i]).unwrap()).collect();
        let kept = store.put(b"kept").unwrap();
        let clock = after(TWICE);
        let mut removed = BTreeMap::new();
        for _ in 0..3 {
            let reports: Vec<GarbageReport> = thread::scope(|scope| {
                let both = [0, 1].map(|_| scope.spawn(|| collect(&store, &[kept], &clock)));
                both.into_iter().map(|c| c.join().unwrap()).collect()
            });
            for garbage in reports.iter().flat_map(|report| &report.removed) {
                *removed.entry(garbage.digest).or_insert(0) += 1;
            }
            clock.advance(TWICE);
        }
        assert_eq!(removed.into_keys().collect::<BTreeSet<_>>(), dead);
        assert_eq!(store.list().unwrap(), [kept]);
    });
}

#[test]
fn what_a_crash_left_in_staging_goes_after_the_grace_period() {
    let dir = tempfile::tempdir().unwrap();
    let store = ArtifactStore::directory(dir.path()).unwrap();
    let left = dir.path().join("staging").join("left");
    fs::write(&left, b"half").unwrap();
    collect(&store, &[], &after(Span::ZERO));
    assert!(left.exists());
    collect(&store, &[], &after(TWICE));
    assert!(!left.exists());
}

/// What a store is to hold, by the plain reading of its promises.
#[derive(Default)]
struct Model {
    /// When each digest was acknowledged last, by a put or a `contains`.
    relied: BTreeMap<u8, EventTime>,
    roots: BTreeSet<u8>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Puts, references, releases, time and collections by several handles, some with roots as old as is allowed.
    #[test]
    fn nothing_promised_is_ever_lost(
        steps in prop::collection::vec((0_u8..8, 0_u8..5, 0_usize..3), 1..80),
        directory: bool,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let at = if directory {
            mlops_store::Location::file(dir.path())
        } else {
            Objects::new().locate("memory://store").unwrap()
        };
        let handles: Vec<ArtifactStore> = (0..3).map(|_| ArtifactStore::at(&at).unwrap()).collect();
        let clock = after(TWICE);
        let mut model = Model::default();
        let mut old_roots = BTreeSet::new();
        let mut gathered = clock.now();
        let digest = |i: u8| Digest::of(&[i; 3]);
        for (action, i, handle) in steps {
            let store = &handles[handle];
            match action {
                0 | 1 => {
                    prop_assert_eq!(store.put(&[i; 3]).unwrap(), digest(i));
                    model.relied.insert(i, clock.now());
                }
                2 => {
                    if store.contains(&digest(i)).unwrap() {
                        model.relied.insert(i, clock.now());
                    }
                }
                // a reference is committed in time, or is not
                3 => {
                    if model.relied.get(&i).is_some_and(|at| clock.now() < *at + GRACE) {
                        model.roots.insert(i);
                    }
                }
                4 => {
                    model.roots.remove(&i);
                }
                5 => clock.advance(Span::minutes(10 + 25 * u32::from(i))),
                6 => {
                    (old_roots, gathered) = (model.roots.clone(), clock.now());
                }
                _ => {
                    let fresh = clock.now() > gathered + GRACE || i % 2 == 0;
                    let roots = if fresh { &model.roots } else { &old_roots };
                    // what the old roots lack may have been released and taken again, which is a new reference
                    let roots: Vec<Digest> = roots.iter().map(|i| digest(*i)).collect();
                    let report = store.collect(roots, GarbageOptions::new(GRACE), &clock).unwrap();
                    if fresh {
                        prop_assert!(report.missing.is_empty());
                    }
                }
            }
            for i in &model.roots {
                for store in &handles {
                    prop_assert_eq!(store.get(&digest(*i)).unwrap(), &[*i; 3][..]);
                }
            }
            for (i, at) in &model.relied {
                if clock.now() < *at + GRACE {
                    prop_assert!(handles[0].get(&digest(*i)).is_ok());
                }
            }
        }
        for _ in 0..4 {
            clock.advance(TWICE);
            let roots: Vec<Digest> = model.roots.iter().map(|i| digest(*i)).collect();
            handles[0].collect(roots, GarbageOptions::new(GRACE), &clock).unwrap();
        }
        let left: BTreeSet<Digest> = handles[1].list().unwrap().into_iter().collect();
        let expected: BTreeSet<Digest> = model.roots.iter().map(|i| digest(*i)).collect();
        prop_assert_eq!(left, expected);
    }
}

/// Writers that put, reference and release while two collectors are at work and time passes.
#[test]
fn writers_at_once_with_collectors_lose_nothing() {
    on_every_backend(|store| {
        let clock = after(Span::ZERO);
        let roots = Mutex::new(BTreeSet::new());
        let artifact = |i: usize| vec![u8::try_from(i).unwrap(); 8];
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let writers = [0, 1, 2].map(|writer| {
                let (store, clock, roots) = (&store, &clock, &roots);
                scope.spawn(move || {
                    let mut rng = Seed(writer).rng();
                    for _ in 0..150 {
                        let bytes = artifact(rng.below(12));
                        let start = clock.now();
                        let digest = store.put(&bytes).unwrap();
                        let mut roots = roots.lock().unwrap();
                        // a reference is committed in time, or is not
                        if clock.now() < start + GRACE {
                            roots.insert(digest);
                        }
                        roots.remove(&Digest::of(&artifact(rng.below(12))));
                        for digest in roots.iter().take(3) {
                            assert!(store.get(digest).is_ok());
                        }
                    }
                })
            });
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::SeqCst) {
                        let now: Vec<Digest> = roots.lock().unwrap().iter().copied().collect();
                        match store.collect(now, GarbageOptions::new(GRACE), &clock) {
                            Ok(_) | Err(Error::Changed { .. }) => {}
                            Err(error) => panic!("{error}"),
                        }
                        clock.advance(Span::minutes(20));
                    }
                });
            }
            let ends = writers.map(ScopedJoinHandle::join);
            done.store(true, Ordering::SeqCst);
            for end in ends {
                end.unwrap();
            }
        });
        let roots: Vec<Digest> = roots.into_inner().unwrap().into_iter().collect();
        for _ in 0..4 {
            clock.advance(TWICE);
            assert!(collect(&store, &roots, &clock).missing.is_empty());
        }
        assert_eq!(store.list().unwrap(), roots);
    });
}
