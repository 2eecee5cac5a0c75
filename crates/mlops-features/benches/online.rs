//! Figures of the online store and of pushes: `cargo bench -p mlops-features --bench online --features sqlite`.
//!
//! Each figure is the best of some rounds, by the clock and by the CPU time of this process, which other
//! work on the machine disturbs less. Redis is measured where `REDIS_URL` names a server.

#![expect(clippy::unwrap_used, reason = "a bench may panic")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{hint::black_box, sync::Arc, time::Duration};

use mlops_core::Stopwatch;
use mlops_features::{
    Durability, Entity, EntityKey, EventTime, FeatureService, FeatureStore, FeatureView,
    PushOptions, Target, ViewRow, days, hours,
    online::{MemoryStore, OnlineStore},
};

#[derive(Entity)]
struct User {
    user: i64,
}

#[derive(FeatureView)]
#[view(entity = User, time = at)]
struct Event {
    user: i64,
    at: EventTime,
    a: f64,
    b: f64,
    c: i64,
    d: i64,
    e: bool,
    f: f64,
    g: i64,
    h: f64,
    i: i64,
    j: f64,
}

const USERS: i64 = 10_000;
const ROUNDS: usize = 5;

fn event(n: i64) -> Event {
    Event {
        user: n.wrapping_mul(0x9E37_79B9).rem_euclid(USERS),
        at: EventTime::from_seconds(n),
        a: n as f64 * 0.1,
        b: 1.0 / (n + 1) as f64,
        c: n,
        d: n % 7,
        e: n % 2 == 0,
        f: n as f64,
        g: -n,
        h: 0.5,
        i: n / 3,
        j: n as f64 * 1e-3,
    }
}

fn latest() -> FeatureService {
    FeatureService::named("latest")
        .unwrap()
        .features([
            Event::a().latest(),
            Event::b().latest(),
            Event::f().latest(),
            Event::h().latest(),
            Event::j().latest(),
        ])
        .features([
            Event::c().latest(),
            Event::d().latest(),
            Event::g().latest(),
            Event::i().latest(),
        ])
        .feature(Event::e().latest())
        .build()
        .unwrap()
}

fn windows() -> FeatureService {
    let hour = hours(1);
    FeatureService::named("windows")
        .unwrap()
        .features(
            [
                Event::a().sum(),
                Event::a().mean(),
                Event::b().max(),
                Event::b().min(),
                Event::f().sum(),
            ]
            .map(|a| a.over(hour)),
        )
        .features(
            [
                Event::c().sum(),
                Event::d().distinct_count(),
                Event::g().min(),
                Event::i().count(),
                Event::d().mean(),
            ]
            .map(|a| a.over(days(1))),
        )
        .build()
        .unwrap()
}

/// The CPU seconds of this process so far, in user mode.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks: f64 = after
        .split_whitespace()
        .nth(11)
        .and_then(|t| t.parse().ok())
        .unwrap_or(0.0);
    ticks / 100.0
}

/// The best round of a figure, in microseconds each by the clock and by the CPU.
fn figure(name: &str, count: usize, mut round: impl FnMut()) {
    let (mut wall, mut user) = (Duration::MAX, f64::INFINITY);
    for _ in 0..ROUNDS {
        let (watch, before) = (Stopwatch::start(), cpu());
        round();
        wall = wall.min(watch.elapsed());
        user = user.min(cpu() - before);
    }
    let each = |seconds: f64| seconds * 1e6 / count as f64;
    let wall = each(wall.as_secs_f64());
    println!(
        "{name:<52} {wall:>10.3} us  {:>10.3} us CPU  {:>12.0} a second",
        each(user),
        1e6 / wall
    );
}

fn reads(name: &str, store: &FeatureStore, at: EventTime, count: usize) {
    let keys: Vec<EntityKey> = (0..USERS).map(EntityKey::from).collect();
    for service in [latest(), windows()] {
        let kind = service.name().as_str();
        figure(
            &format!("{name}: 10 features ({kind}), one key"),
            count,
            || {
                for key in keys.iter().cycle().take(count) {
                    black_box(
                        store
                            .online_batch(&service, std::slice::from_ref(key), at)
                            .unwrap(),
                    );
                }
            },
        );
        figure(
            &format!("{name}: 10 features ({kind}), batch of 100"),
            count / 100,
            || {
                for keys in keys.chunks(100).cycle().take(count / 100) {
                    black_box(store.online_batch(&service, keys, at).unwrap());
                }
            },
        );
    }
}

fn filled(online: Option<Arc<dyn OnlineStore>>, events: i64) -> (FeatureStore, EventTime) {
    let mut builder = FeatureStore::builder()
        .serving(&latest())
        .serving(&windows());
    if let Some(online) = online {
        builder = builder.online(online);
    }
    let store = builder.build().unwrap();
    store.register(Event::view()).unwrap();
    let all: Vec<Event> = (0..events).map(event).collect();
    for some in all.chunks(10_000) {
        store.push_rows(some).unwrap();
    }
    (store, EventTime::from_seconds(events))
}

fn pushes(name: &str, batch: usize, rows: usize, target: Target, open: impl Fn() -> FeatureStore) {
    let all: Vec<Event> = (0..).take(rows).map(event).collect();
    let tables: Vec<_> = all
        .chunks(batch)
        .map(|some| Event::table(some).unwrap())
        .collect();
    let options = PushOptions::new().target(target);
    figure(&format!("{name}, {batch} rows a push"), rows, || {
        let store = open();
        for table in &tables {
            store.push_with("event", table, &options).unwrap();
        }
        black_box(&store);
    });
}

fn open(
    online: Option<Arc<dyn OnlineStore>>,
    dir: Option<(&std::path::Path, Durability)>,
) -> FeatureStore {
    let mut builder = FeatureStore::builder().serving(&windows());
    if let Some(online) = online {
        builder = builder.online(online);
    }
    if let Some((dir, durability)) = dir {
        builder = builder.directory(dir).durability(durability);
    }
    let store = builder.build().unwrap();
    store.register(Event::view()).unwrap();
    store
}

fn main() {
    let memory = || -> Option<Arc<dyn OnlineStore>> { Some(Arc::new(MemoryStore::new())) };
    let (history, at) = filled(None, 100_000);
    reads("history in memory", &history, at, 100_000);
    let (store, at) = filled(memory(), 100_000);
    reads("memory store", &store, at, 100_000);

    let dir = tempfile::tempdir().unwrap();
    #[cfg(feature = "sqlite")]
    {
        use mlops_features::online::{SqliteStore, SqliteSync};
        let sqlite = SqliteStore::open(dir.path().join("online.db"), SqliteSync::Normal).unwrap();
        let (store, at) = filled(Some(Arc::new(sqlite)), 100_000);
        reads("SQLite store", &store, at, 20_000);
    }
    #[cfg(feature = "redis")]
    {
        #[expect(
            clippy::disallowed_methods,
            reason = "a bench is told where the server is"
        )]
        if let Ok(address) = std::env::var("REDIS_URL") {
            let prefix = format!("mlops-bench.{}", std::process::id());
            let redis = mlops_features::online::RedisStore::connect(&address, &prefix).unwrap();
            let (store, at) = filled(Some(Arc::new(redis)), 20_000);
            reads("Redis store", &store, at, 2_000);
        }
    }

    let fresh = || tempfile::tempdir_in(dir.path()).unwrap().keep();
    for (batch, rows) in [(1, 20_000), (100, 100_000), (1_000, 200_000)] {
        pushes(
            "push to the history in memory",
            batch,
            rows,
            Target::Offline,
            || open(None, None),
        );
        pushes(
            "push to history and memory store",
            batch,
            rows,
            Target::Both,
            || open(memory(), None),
        );
        pushes(
            "durable push (process) to both",
            batch,
            rows,
            Target::Both,
            || open(memory(), Some((&fresh(), Durability::Process))),
        );
    }
    for (batch, rows) in [(1, 500), (1_000, 100_000)] {
        pushes(
            "durable push (disk) to both",
            batch,
            rows,
            Target::Both,
            || open(memory(), Some((&fresh(), Durability::Disk))),
        );
    }
}
