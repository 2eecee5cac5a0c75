//! No bytes in an online store bring a reader or a writer down: they are a state or an error.
//!
//! The input is tried as it is, as the body of a state whose checksum and view are right, and as the
//! ledger of materialisations.

use std::sync::{Arc, LazyLock};

use mlops_features::{
    DataType, Entity, EntityKey, EventTime, Feature, FeatureService, FeatureStore, FeatureView,
    days, hours,
    online::{self, Change, MemoryStore, OnlineStore, OnlineTable, StoreKey},
};

static VIEW: LazyLock<FeatureView> = LazyLock::new(|| {
    FeatureView::builder("purchase")
        .entity(Entity::new("customer", [("customer_id", DataType::Int64)]).expect("a key"))
        .event_time("at")
        .created_time("loaded")
        .ttl(days(3))
        .field("amount", DataType::Float64)
        .field("quantity", DataType::Int64)
        .field("country", DataType::Utf8)
        .field("returned", DataType::Boolean)
        .build()
        .expect("four fields")
});

static SERVICE: LazyLock<FeatureService> = LazyLock::new(|| {
    let view = &*VIEW;
    let latest = ["amount", "quantity", "country", "returned"].map(|field| Feature::latest(view, field));
    FeatureService::named("all")
        .expect("a name")
        .features(latest)
        .feature(Feature::sum(view, "amount").over(hours(1)))
        .feature(Feature::distinct_count(view, "country").over(days(1)))
        .feature(Feature::last_k(view, "country", 3).over(days(1)))
        .feature(Feature::events(view).by("country", 3).named("by_country").over(days(1)))
        .build()
        .expect("eight features")
});

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1));
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

fn check(bytes: &[u8]) {
    let (store, table) = (MemoryStore::new(), OnlineTable::new(&VIEW).serving(&SERVICE));
    let key = EntityKey::from(7);
    let put = store.update(table.id(), &[StoreKey::new(&key)], &mut |_, _| {
        Ok(Change::Put(bytes.to_vec()))
    });
    put.expect("memory takes any bytes");
    for at in [i64::MIN, 0, 1_000_000, i64::MAX] {
        let at = EventTime::from_micros(at);
        let _ = online::read(&store, std::slice::from_ref(&table), &SERVICE, std::slice::from_ref(&key), at);
    }
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    check(data);
    let mut state = vec![0x6f, 1];
    state.extend(&VIEW.digest().as_bytes()[..8]);
    state.push(1);
    state.extend(data);
    state.extend(crc(&state).to_le_bytes());
    check(&state);
    if let Some(entity) = StoreKey::from_bytes(data).entity() {
        assert_eq!(StoreKey::new(&entity).as_bytes(), data);
    }

    let store = Arc::new(MemoryStore::new());
    let table = OnlineTable::new(&VIEW);
    let ledger = StoreKey::new(&table.id().as_str().into());
    let put = store.update(&OnlineTable::ledger(), &[ledger], &mut |_, _| {
        Ok(Change::Put(data.to_vec()))
    });
    put.expect("memory takes any bytes");
    let features = FeatureStore::builder().online(store).build().expect("nothing is opened");
    let _ = features.register(VIEW.clone());
}
