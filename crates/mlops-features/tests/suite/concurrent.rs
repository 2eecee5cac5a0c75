//! Pushes, bulk loads, reads and joins at the same time: every read sees whole batches and nothing else.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use mlops_core::{EntityKey, EventTime, Value};
use mlops_features::{Entity, EntityRow, FeatureService, FeatureStore, FeatureView, ViewRow, days};

#[derive(Entity)]
struct Account {
    account_id: i64,
}

#[derive(FeatureView)]
#[view(entity = Account, time = at)]
struct Transfer {
    account_id: i64,
    at: EventTime,
    pence: i64,
    note: String,
}

const ACCOUNTS: i64 = 20;

/// A transfer and its reversal: a whole batch changes no balance.
fn batch(turn: i64) -> [Transfer; 2] {
    let account_id = turn * 7 % ACCOUNTS;
    let row = |pence| Transfer {
        account_id,
        at: EventTime::from_seconds(turn * 31 % 1_000),
        pence,
        note: format!("turn {turn}"),
    };
    [row(turn + 1), row(-turn - 1)]
}

#[test]
fn a_read_never_sees_half_a_batch() {
    let store = FeatureStore::new();
    store.register(Transfer::view()).unwrap();
    let service = FeatureService::named("balance")
        .unwrap()
        .feature(Transfer::pence().sum().over(days(1)))
        .feature(Transfer::events().over(days(1)))
        .build()
        .unwrap();
    let end = EventTime::from_seconds(1_000);
    let spine: Vec<Transfer> = (0..ACCOUNTS)
        .map(|account_id| Transfer {
            account_id,
            at: end,
            pence: 0,
            note: String::new(),
        })
        .collect();
    let spine = Transfer::table(&spine).unwrap();
    let (done, turns) = (AtomicBool::new(false), 300);

    thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let store = store.clone();
                scope.spawn(move || {
                    for turn in (writer..turns).step_by(2) {
                        if turn % 50 == 0 {
                            let table = Transfer::table(&batch(turn)).unwrap();
                            store.ingest("transfer", &table).unwrap();
                        } else {
                            store.push_rows(&batch(turn)).unwrap();
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for account in 0..ACCOUNTS {
                    let key: EntityKey = Account {
                        account_id: account,
                    }
                    .key();
                    let row = store.online(&service, &key, end).unwrap();
                    assert!(
                        matches!(row.values[0].1, Value::Null | Value::Int(0)),
                        "{row:?}"
                    );
                }
                let table = store.join(&service, &spine).unwrap();
                let sums = table.column("pence_sum_1d").unwrap();
                for row in 0..table.rows() {
                    let sum = Value::from_array("sum", sums, row).unwrap();
                    assert!(matches!(sum, Value::Null | Value::Int(0)), "{sum:?}");
                }
            }
        });
        let written: Vec<_> = writers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        done.store(true, Ordering::Relaxed);
        assert!(written.iter().all(Result::is_ok));
    });
    assert_eq!(store.rows("transfer").unwrap(), 600);
}
