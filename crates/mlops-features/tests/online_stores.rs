//! Every online store against every clause of the contract.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

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
