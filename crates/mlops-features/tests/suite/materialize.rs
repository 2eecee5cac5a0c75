//! Materialisation rules M1 to M4: ranges, boundaries, late arrivals, failures, conflicts.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use mlops_core::{ErrorKind, ManualClock, Span};
use mlops_features::{
    Entity, Error, EventTime, FeatureService, FeatureStore, FeatureView, Materialize, PushOptions,
    Result, Status, Target, Value, ViewRow, hours,
    online::{Decide, Found, MemoryStore, OnlineStore, StoreKey, TableId},
};

#[derive(Entity)]
struct User {
    user: i64,
}

#[derive(FeatureView)]
#[view(entity = User, time = at, created = loaded, ttl = "20h")]
struct Score {
    user: i64,
    at: EventTime,
    loaded: Option<EventTime>,
    value: Option<i64>,
}

fn hour(hour: i64) -> EventTime {
    EventTime::from_seconds(hour * 3_600)
}

fn score(user: i64, at: i64, value: impl Into<Option<i64>>) -> Score {
    Score {
        user,
        at: hour(at),
        loaded: None,
        value: value.into(),
    }
}

fn service() -> FeatureService {
    FeatureService::named("scores")
        .unwrap()
        .feature(Score::value().latest())
        .feature(Score::value().sum().over(hours(10)))
        .build()
        .unwrap()
}

/// A store that works for a while and then does not.
#[derive(Debug, Default)]
struct Failing {
    inner: MemoryStore,
    /// How many keys may still be written.
    left: AtomicI64,
}

impl OnlineStore for Failing {
    fn kind(&self) -> &'static str {
        "failing"
    }
    fn is_durable(&self) -> bool {
        true
    }
    fn read(&self, table: &TableId, keys: &[StoreKey], found: &mut Found<'_>) -> Result<()> {
        self.inner.read(table, keys, found)
    }
    fn update(&self, table: &TableId, keys: &[StoreKey], decide: &mut Decide<'_>) -> Result<()> {
        self.inner.update(table, keys, &mut |at, bytes| {
            let ledger = table.as_str().starts_with('@');
            if !ledger && self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
                return Err(Error::OnlineStore {
                    store: "failing",
                    action: "write",
                    table: table.to_string(),
                    reason: "the plug was pulled".to_owned(),
                });
            }
            decide(at, bytes)
        })
    }
    fn remove(&self, table: &TableId, keys: &[StoreKey]) -> Result<u64> {
        self.inner.remove(table, keys)
    }
    fn clear(&self, table: &TableId) -> Result<()> {
        self.inner.clear(table)
    }
    fn keys(&self, table: &TableId) -> Result<Vec<StoreKey>> {
        self.inner.keys(table)
    }
}

/// All bytes of a store, in the order of keys.
fn bytes(store: &dyn OnlineStore) -> Vec<(StoreKey, Vec<u8>)> {
    let table = mlops_features::online::OnlineTable::new(&Score::view());
    let mut keys = store.keys(table.id()).unwrap();
    keys.sort();
    let mut all = Vec::new();
    let read = store.read(table.id(), &keys, &mut |at, bytes| {
        all.push((keys[at].clone(), bytes.unwrap().to_vec()));
        Ok(())
    });
    read.unwrap();
    all
}

fn open(online: Arc<dyn OnlineStore>, clock: &Arc<ManualClock>) -> FeatureStore {
    let store = FeatureStore::builder()
        .online(online)
        .clock(Arc::<ManualClock>::clone(clock))
        .keep(Span::ZERO)
        .serving(&service())
        .build()
        .unwrap();
    store.register(Score::view()).unwrap();
    store
}

fn memory() -> (Arc<dyn OnlineStore>, Arc<ManualClock>, FeatureStore) {
    let online: Arc<dyn OnlineStore> = Arc::new(MemoryStore::new());
    let clock = Arc::new(ManualClock::new(hour(100)));
    let store = open(Arc::clone(&online), &clock);
    (online, clock, store)
}

fn ingest(store: &FeatureStore, rows: &[Score]) {
    store.ingest("score", &Score::table(rows).unwrap()).unwrap();
}

fn check(store: &FeatureStore, user: i64, at: i64, value: impl Into<Value>, status: Status) {
    let row = store.online(&service(), &user.into(), hour(at)).unwrap();
    assert_eq!(
        (&row.values[0].1, row.statuses[0]),
        (&value.into(), status),
        "user {user} at {at}"
    );
}

#[test]
fn a_range_has_both_its_ends_and_nothing_besides() {
    let (_, _, store) = memory();
    let rows = [
        score(1, 9, 9),
        score(2, 10, 10),
        score(3, 20, 20),
        score(4, 21, 21),
        score(5, 15, None),
    ];
    ingest(&store, &rows);
    let report = store.materialize("score", hour(10), hour(20)).unwrap();
    assert_eq!((report.read, report.written, report.keys), (3, 3, 3));
    check(&store, 1, 20, Value::Null, Status::NotRetained);
    check(&store, 2, 20, 10, Status::Present);
    check(&store, 3, 20, 20, Status::Present);
    check(&store, 4, 21, Value::Null, Status::NotRetained);
    check(&store, 5, 20, Value::Null, Status::Null);
    // once the TTL lies within the range nothing older can matter
    check(&store, 1, 31, Value::Null, Status::NotFound);
    check(&store, 2, 31, Value::Null, Status::Expired);
}

#[test]
fn an_incremental_run_goes_on_from_the_boundary_and_may_read_it_twice() {
    let (online, _, store) = memory();
    ingest(&store, &[score(1, 10, 1), score(1, 20, 2)]);
    store.materialize("score", hour(0), hour(20)).unwrap();
    let before = bytes(online.as_ref());
    let again = store.materialize_incremental("score", hour(20)).unwrap();
    assert_eq!((again.start, again.read), (hour(20), 1));
    assert_eq!(bytes(online.as_ref()), before);
    ingest(&store, &[score(1, 20, 3), score(1, 25, 4)]);
    store.materialize_incremental("score", hour(24)).unwrap();
    check(&store, 1, 24, 3, Status::Present);
    store.materialize_incremental("score", hour(30)).unwrap();
    check(&store, 1, 30, 4, Status::Present);
    // an end in the past brings nothing and blocks nothing
    assert!(
        store
            .materialize_incremental("score", hour(5))
            .unwrap()
            .read
            <= 1
    );
    store.materialize_incremental("score", hour(31)).unwrap();
}

#[test]
fn rows_that_arrive_late_are_brought_in_by_arrival() {
    let (_, _, store) = memory();
    ingest(&store, &[score(1, 10, 1), score(2, 10, 1)]);
    store.materialize("score", hour(0), hour(30)).unwrap();
    ingest(
        &store,
        &[score(1, 25, 7), score(3, 12, 8), score(1, 2, 100)],
    );
    let report = store.materialize_incremental("score", hour(31)).unwrap();
    assert!(report.late >= 3, "{report:?}");
    check(&store, 1, 31, 7, Status::Present);
    check(&store, 3, 31, 8, Status::Present);
    let nothing = store.materialize_incremental("score", hour(32)).unwrap();
    assert_eq!(nothing.late, 0, "they are late once");
}

#[test]
fn rows_that_are_too_late_make_values_unknown_and_not_wrong() {
    let (_, _, store) = memory();
    ingest(&store, &[score(1, 10, 1)]);
    store.materialize("score", hour(0), hour(30)).unwrap();
    ingest(&store, &[score(1, 22, 7), score(2, 28, 9)]);
    let what = Materialize::until(hour(31)).lateness(hours(5));
    let report = store.materialize_with("score", &what, &mut |_| {}).unwrap();
    assert_eq!((report.too_late, report.late), (1, 1));
    check(&store, 1, 30, Value::Null, Status::NotRetained); // the join says 7, the table would say 1
    check(&store, 2, 31, 9, Status::Present);
    store.materialize_incremental("score", hour(32)).unwrap();
    check(&store, 1, 32, Value::Null, Status::NotRetained);
    check(&store, 1, 50, Value::Null, Status::Expired); // and what was lost has expired as well
}

#[test]
fn a_run_that_fails_half_way_is_run_again_with_the_same_result() {
    let rows: Vec<Score> = (0..5_000).map(|i| score(i % 2_500, i % 24, i)).collect();
    let clock = Arc::new(ManualClock::new(hour(100)));
    let reference: Arc<dyn OnlineStore> = Arc::new(MemoryStore::new());
    let whole = open(Arc::clone(&reference), &clock);
    ingest(&whole, &rows);
    whole.materialize("score", hour(0), hour(24)).unwrap();

    let failing = Arc::new(Failing::default());
    let store = open(Arc::<Failing>::clone(&failing), &clock);
    ingest(&store, &rows);
    for allowed in [0, 700, 1_500] {
        failing.left.store(allowed, Ordering::SeqCst);
        let error = store.materialize("score", hour(0), hour(24)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let freshness = store.freshness("score", hour(100)).unwrap();
        assert_eq!(
            freshness.materialized_until, None,
            "a run that failed is not recorded"
        );
    }
    failing.left.store(i64::MAX, Ordering::SeqCst);
    store.materialize("score", hour(0), hour(24)).unwrap();
    assert_eq!(bytes(failing.as_ref()), bytes(reference.as_ref()));
}

#[test]
fn two_runs_of_one_view_do_not_go_on_at_once() {
    let (online, clock, store) = memory();
    ingest(
        &store,
        &(0..3_000)
            .map(|user| score(user, 1, user))
            .collect::<Vec<_>>(),
    );
    let other = open(online, &clock);
    ingest(&other, &[score(1, 1, 1)]);
    let mut refused = Vec::new();
    let report = store.materialize_with(
        "score",
        &Materialize::between(hour(0), hour(2)),
        &mut |progress| {
            assert!(progress.keys <= progress.of && progress.of == 3_000);
            refused.push(store.materialize_incremental("score", hour(3)).unwrap_err());
            refused.push(other.materialize("score", hour(0), hour(2)).unwrap_err());
        },
    );
    assert_eq!(report.unwrap().keys, 3_000);
    assert_eq!(refused.len(), 6);
    for error in refused {
        assert!(matches!(error, Error::Materializing { .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Conflict);
    }
    other.materialize("score", hour(0), hour(2)).unwrap();
}

#[test]
fn the_run_of_a_process_that_died_blocks_others_for_a_minute_only() {
    let (online, clock, store) = memory();
    ingest(&store, &[score(1, 1, 1)]);
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.materialize_with(
            "score",
            &Materialize::between(hour(0), hour(2)),
            &mut |_| panic!("as if the process died"),
        )
    }));
    assert!(died.is_err());
    let other = open(online, &clock);
    ingest(&other, &[score(1, 1, 1)]);
    assert!(other.materialize("score", hour(0), hour(2)).is_err());
    clock.advance(Span::minutes(1));
    other.materialize("score", hour(0), hour(2)).unwrap();
}

#[test]
fn what_cannot_be_materialised_is_a_typed_error() {
    let (_, _, store) = memory();
    ingest(&store, &[score(1, 1, 1)]);
    let error = store.materialize("score", hour(3), hour(2)).unwrap_err();
    assert!(matches!(error, Error::EmptyRange { .. }), "{error}");
    let error = store.materialize("scores", hour(1), hour(2)).unwrap_err();
    assert!(matches!(error, Error::UnknownView { .. }), "{error}");
    let alone = FeatureStore::new();
    alone.register(Score::view()).unwrap();
    let error = alone.materialize("score", hour(1), hour(2)).unwrap_err();
    assert!(matches!(error, Error::NoOnlineStore { .. }), "{error}");
}

#[test]
fn the_first_incremental_run_reaches_back_as_far_as_the_ttl() {
    let (_, _, store) = memory();
    ingest(&store, &[score(1, 9, 1), score(2, 10, 2), score(3, 30, 3)]);
    let report = store.materialize_incremental("score", hour(30)).unwrap();
    assert_eq!((report.start, report.read), (hour(10), 2));
    check(&store, 1, 30, Value::Null, Status::NotFound);
    check(&store, 2, 30, 2, Status::Present);
}

#[test]
fn a_store_that_had_every_row_pushed_is_complete_without_a_run() {
    let (_, _, store) = memory();
    store.push_rows(&[score(1, 10, 1), score(1, 5, 4)]).unwrap();
    check(&store, 1, 10, 1, Status::Present);
    check(&store, 2, 10, Value::Null, Status::NotFound);
    let row = store.online(&service(), &1.into(), hour(10)).unwrap();
    assert_eq!(row.values[1].1, Value::Int(5));
    let report = store.materialize_incremental("score", hour(11)).unwrap();
    assert_eq!(report.start, EventTime::MIN);
}

#[test]
fn freshness_tells_the_newest_event_and_the_last_run() {
    let (_, clock, store) = memory();
    ingest(&store, &[score(1, 10, 1), score(2, 12, 1)]);
    store.materialize("score", hour(0), hour(20)).unwrap();
    clock.set(hour(104));
    let fresh = store.freshness("score", hour(104)).unwrap();
    assert_eq!(fresh.newest_event, Some(hour(12)));
    assert_eq!(fresh.event_age, Some(hours(92)));
    assert_eq!(fresh.materialized_until, Some(hour(20)));
    assert_eq!(fresh.materialized_age, Some(hours(4)));
}

#[test]
fn a_push_that_fails_online_is_in_the_history_and_comes_online_with_the_next_run() {
    let failing = Arc::new(Failing::default());
    let clock = Arc::new(ManualClock::new(hour(100)));
    let store = open(Arc::<Failing>::clone(&failing), &clock);
    failing.left.store(i64::MAX, Ordering::SeqCst);
    store.push_rows(&[score(1, 10, 1)]).unwrap();
    store.materialize_incremental("score", hour(20)).unwrap();
    failing.left.store(0, Ordering::SeqCst);
    let options = PushOptions::new().target(Target::Both);
    let table = Score::table(&[score(1, 15, 5)]).unwrap();
    assert!(store.push_with("score", &table, &options).is_err());
    assert_eq!(store.rows("score").unwrap(), 2);
    failing.left.store(i64::MAX, Ordering::SeqCst);
    check(&store, 1, 20, 1, Status::Present);
    store.materialize_incremental("score", hour(21)).unwrap();
    check(&store, 1, 21, 5, Status::Present);
}
