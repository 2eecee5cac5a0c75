//! Every online store against every clause of the contract.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::support;

use std::sync::Arc;

use mlops_features::online::{MemoryStore, OnlineStore, conformance::CASES};

fn keeps_every_clause(store: &Arc<dyn OnlineStore>) {
    for case in CASES {
        case.run(store).unwrap();
    }
}

#[test]
fn memory_keeps_every_clause() {
    let store: Arc<dyn OnlineStore> = Arc::new(MemoryStore::new());
    keeps_every_clause(&store);
}

#[test]
fn redis_keeps_every_clause() {
    if let Some(store) = support::redis() {
        keeps_every_clause(&store);
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use mlops_features::online::{Change, OnlineTable, SqliteStore, SqliteSync, StoreKey};
    use mlops_features::{DataType, Entity, EntityKey, FeatureView};

    use super::*;

    #[test]
    fn sqlite_keeps_every_clause_with_either_durability() {
        for sync in [SqliteSync::Normal, SqliteSync::Full] {
            let dir = tempfile::tempdir().unwrap();
            let store = SqliteStore::open(dir.path().join("online.db"), sync).unwrap();
            let store: Arc<dyn OnlineStore> = Arc::new(store);
            keeps_every_clause(&store);
        }
    }

    #[test]
    fn two_handles_on_one_file_see_each_other_and_a_new_one_sees_both() {
        let dir = tempfile::tempdir().unwrap();
        let open = || SqliteStore::open(dir.path().join("online.db"), SqliteSync::Normal).unwrap();
        let view = FeatureView::builder("v")
            .entity(Entity::new("e", [("id", DataType::Int64)]).unwrap())
            .event_time("at")
            .build()
            .unwrap();
        let table = OnlineTable::new(&view);
        let key = [StoreKey::new(&EntityKey::from(1))];
        let add = |store: &SqliteStore| {
            let done = store.update(table.id(), &key, &mut |_, bytes| {
                let mut bytes = bytes.unwrap_or_default().to_vec();
                bytes.push(7);
                Ok(Change::Put(bytes))
            });
            done.unwrap();
        };
        let (a, b) = (open(), open());
        for _ in 0..50 {
            add(&a);
            add(&b);
        }
        drop((a, b));
        let mut held = 0;
        let read = open().read(table.id(), &key, &mut |_, bytes| {
            held = bytes.map_or(0, <[u8]>::len);
            Ok(())
        });
        read.unwrap();
        assert_eq!(held, 100);
    }
}

mod cutoff {
    use mlops_features::{
        Entity, EntityRow, EventTime, FeatureService, FeatureView, Value, ViewRow,
        online::OnlineTable,
    };

    use super::*;

    #[derive(Entity)]
    struct User {
        user: i64,
    }

    #[derive(FeatureView)]
    #[view(entity = User, time = at, created = loaded, cutoff = "created_time")]
    struct Score {
        user: i64,
        at: EventTime,
        loaded: Option<EventTime>,
        value: i64,
    }

    #[test]
    fn an_older_row_stays_for_as_long_as_the_newer_ones_are_not_known() {
        let score = |at, loaded, value| Score {
            user: 1,
            at: EventTime::from_seconds(at),
            loaded: Some(EventTime::from_seconds(loaded)),
            value,
        };
        let rows = [
            score(3, 3, 0),
            score(4, 4, 1),
            score(5, 30, 2),
            score(10, 40, 3),
        ];
        let service = FeatureService::named("s").unwrap();
        let service = service.feature(Score::value().latest()).build().unwrap();
        let table = OnlineTable::new(&Score::view()).keep(mlops_features::Span::ZERO);
        let store = MemoryStore::new();
        let now = EventTime::from_seconds(10);
        for row in rows {
            table
                .write(&store, &Score::table(&[row]).unwrap(), now)
                .unwrap();
        }
        for (at, value) in [(10, 1), (29, 1), (30, 2), (39, 2), (40, 3)] {
            let at = EventTime::from_seconds(at);
            let tables = std::slice::from_ref(&table);
            let keys = [User { user: 1 }.key()];
            let batch = mlops_features::online::read(&store, tables, &service, &keys, at).unwrap();
            assert_eq!(batch.row(0).values, [Value::Int(value)], "at {at}");
        }
    }
}
