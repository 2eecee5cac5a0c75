//! Encryption at rest: nothing readable without the key, and nothing altered or moved that opens.

#![cfg(feature = "encryption")]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use mlops_core::{Column, ErrorKind, EventTime, Table, TableSchema, Value, ViewName};
use mlops_features::{
    DataType, EncryptedParquet, Entity, EntityKey, Error, Feature, FeatureService, FeatureView,
    KeyPlan, KeyRing, SealedStore, Sealer, SecretKey, Uuid, days,
    online::{Change, MemoryStore, OnlineStore, OnlineTable, conformance::CASES, read},
};
use proptest::prelude::*;

const SECRET: &str = "+44 20 7946 0991";

fn ring(keys: &[(&str, u8)]) -> KeyRing {
    keys.iter().fold(KeyRing::new(), |ring, (name, byte)| {
        ring.with(*name, SecretKey::new([*byte; 32])).unwrap()
    })
}

fn view() -> FeatureView {
    let customer = Entity::new("customer", [("customer_id", DataType::Int64)]).unwrap();
    FeatureView::builder("purchase")
        .entity(customer)
        .event_time("at")
        .field("amount", DataType::Float64)
        .unit("GBP")
        .field("phone", DataType::Utf8)
        .pii()
        .build()
        .unwrap()
}

fn table(rows: i64) -> Table {
    let amounts = (0..rows).map(|i| (i % 3 > 0).then_some(0.1));
    let phones = (0..rows).map(|i| (i % 2 == 0).then_some(SECRET));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(0..rows)),
        Arc::new(TimestampMicrosecondArray::from_iter_values(0..rows).with_timezone("UTC")),
        Arc::new(amounts.collect::<Float64Array>()),
        Arc::new(phones.collect::<StringArray>()),
    ];
    Table::new(view().schema(), columns).unwrap()
}

fn files(identity: &str, keys: &[(&str, u8)]) -> EncryptedParquet {
    EncryptedParquet::new(identity, ring(keys))
}

fn plan() -> KeyPlan {
    KeyPlan::for_view(&view(), "main", "personal")
}

const BOTH: &[(&str, u8)] = &[("main", 1), ("personal", 2)];

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn a_file_gives_its_table_back_and_shows_nothing() {
    for rows in [0, 1, 5_000] {
        let table = table(rows);
        let bytes = files("p", BOTH).to_bytes(&table, &plan()).unwrap();
        let back = files("p", BOTH)
            .from_bytes("f", bytes.clone(), None)
            .unwrap();
        assert_eq!(back.digest(), table.digest());
        for text in [
            SECRET,
            "7946",
            "customer_id",
            "amount",
            "phone",
            "GBP",
            "mlops",
        ] {
            assert!(!holds(&bytes, text), "{text}");
        }
        assert!(holds(&bytes, "main"), "the name of the key is there");
    }
}

#[test]
fn without_the_key_of_a_column_the_others_can_be_read() {
    let bytes = files("p", BOTH).to_bytes(&table(10), &plan()).unwrap();
    let main = files("p", &[("main", 1)]);
    let error = main
        .from_bytes("f.parquet", bytes.clone(), None)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(
        error.to_string(),
        "column `phone` of `f.parquet` is encrypted under key `personal`, which was not given"
    );
    let some = main
        .from_bytes("f", bytes.clone(), Some(&["amount", "at"]))
        .unwrap();
    let names: Vec<&str> = some.schema().columns().iter().map(Column::name).collect();
    assert_eq!((names, some.rows()), (vec!["amount", "at"], 10));
    let read = main.from_bytes("f", bytes, Some(&["phone"]));
    assert!(matches!(read, Err(Error::MissingKey { .. })));
}

#[test]
fn another_key_another_identity_and_a_plain_file_are_refused_by_name() {
    let bytes = files("p", BOTH).to_bytes(&table(10), &plan()).unwrap();
    let check = |files: EncryptedParquet, expect: &str| {
        let error = files
            .from_bytes("f", bytes.clone(), None)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(expect), "{error}");
    };
    check(
        files("p", &[]),
        "the footer of `f` is encrypted under key `main`",
    );
    check(
        files("p", &[("main", 9), ("personal", 2)]),
        "the footer of `f` cannot be decrypted",
    );
    check(
        files("p", &[("main", 1), ("personal", 9)]),
        "column `phone` of `f` cannot be decrypted",
    );
    check(files("q", BOTH), "the footer of `f` cannot be decrypted");
    for other in [
        &b""[..],
        b"PAR1PAR1PAR1PAR1",
        b"PAREPAREPARE",
        b"PARE\xff\xff\xff\xffPARE",
    ] {
        let read = files("p", BOTH).from_bytes("f", other.to_vec(), None);
        assert!(
            matches!(read, Err(Error::Undecryptable { .. })),
            "{other:?}"
        );
    }
    assert!(matches!(
        files("p", &[("main", 1)]).to_bytes(&table(1), &plan()),
        Err(Error::MissingKey { key, .. }) if key == "personal"
    ));
    let misspelt = KeyPlan::new("main").column("fone", "personal");
    assert!(files("p", BOTH).to_bytes(&table(1), &misspelt).is_err());
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let table = table(3);
    let bytes = files("p", BOTH).to_bytes(&table, &plan()).unwrap();
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {})); // the decoder's panics are caught
    let mut taken = Vec::new();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 8);
        if let Ok(read) = files("p", BOTH).from_bytes("f", altered, None) {
            taken.push((at, read.digest() == table.digest()));
        }
    }
    for length in 0..bytes.len() {
        assert!(
            files("p", BOTH)
                .from_bytes("f", bytes[..length].to_vec(), None)
                .is_err()
        );
    }
    std::panic::set_hook(quiet);
    assert_eq!(taken, [], "{} bytes", bytes.len());
}

#[test]
fn a_file_on_the_disk_is_written_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("purchase.parquet");
    let files = files("p", BOTH);
    assert!(matches!(
        files.read(&path, None),
        Err(Error::MissingFile { .. })
    ));
    files.write(&path, &table(9), &plan()).unwrap();
    assert_eq!(files.read(&path, None).unwrap().digest(), table(9).digest());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let nowhere = files.write(dir.path().join("no/where"), &table(1), &plan());
    assert!(matches!(nowhere, Err(Error::Write { .. })));
    // an ordinary reader says that it is encrypted, and does not take it for an empty one
    let schema = mlops_features::SourceSchema::builder()
        .value("amount", "amount", mlops_features::Parse::Float)
        .build()
        .unwrap();
    let plain = mlops_features::ParquetFile::open(&path).and_then(|file| file.read(&schema));
    assert!(plain.is_err());
}

#[test]
fn a_sealed_store_keeps_every_clause_and_the_store_inside_sees_nothing() {
    let inner: Arc<dyn OnlineStore> = Arc::new(MemoryStore::new());
    let sealer = Arc::new(Sealer::new(&ring(BOTH), "personal").unwrap());
    let sealed: Arc<dyn OnlineStore> = Arc::new(SealedStore::new(Arc::clone(&inner), sealer));
    for case in CASES {
        case.run(&sealed).unwrap();
    }

    let online = OnlineTable::new(&view()).window(days(1));
    let written = online.write(sealed.as_ref(), &table(4), EventTime::from_micros(9));
    written.unwrap();
    let feature = Feature::latest(&view(), "phone");
    let service = FeatureService::named("s")
        .unwrap()
        .feature(feature)
        .build()
        .unwrap();
    let at = EventTime::from_micros(9);
    let keys = [EntityKey::from(0), EntityKey::from(1), EntityKey::from(9)];
    let batch = read(
        sealed.as_ref(),
        std::slice::from_ref(&online),
        &service,
        &keys,
        at,
    )
    .unwrap();
    let phones: Vec<Value> = batch
        .rows()
        .map(|row| row.to_row().values[0].1.clone())
        .collect();
    assert_eq!(phones, [SECRET.into(), Value::Null, Value::Null]);

    let stored = inner.keys(online.id()).unwrap();
    assert_eq!(stored.len(), 4);
    let mut states = Vec::new();
    inner
        .read(online.id(), &stored, &mut |_, state| {
            states.push(state.unwrap().to_vec());
            Ok(())
        })
        .unwrap();
    assert!(
        states
            .iter()
            .all(|state| !holds(state, SECRET) && !holds(state, "7946"))
    );
    // the state of one customer under the key of another
    let moved = states[0].clone();
    inner
        .update(online.id(), &stored[1..2], &mut |_, _| {
            Ok(Change::Put(moved.clone()))
        })
        .unwrap();
    let key = [stored[1].entity().unwrap()];
    let error = read(
        sealed.as_ref(),
        std::slice::from_ref(&online),
        &service,
        &key,
        at,
    )
    .unwrap_err();
    assert!(matches!(error, Error::Undecryptable { .. }), "{error}");
    assert!(
        read(
            inner.as_ref(),
            std::slice::from_ref(&online),
            &service,
            &keys,
            at
        )
        .is_err()
    );
}

fn purchase() -> ViewName {
    ViewName::new("purchase").unwrap()
}

#[test]
fn a_sealed_value_opens_in_its_place_alone() {
    let sealer = Sealer::new(&ring(BOTH), "main").unwrap();
    let uuid = Uuid::from_bytes([7; 16]);
    let keys = [
        EntityKey::from(7),
        EntityKey::from("7"),
        EntityKey::from(uuid),
        EntityKey::from(uuid.to_string()),
        EntityKey::new(["1".into(), "23".into()]),
        EntityKey::new(["12".into(), "3".into()]),
        EntityKey::new([]),
    ];
    let views = ["a", "b"].map(|name| ViewName::new(name).unwrap());
    for (i, key) in keys.iter().enumerate() {
        let sealed = sealer.seal(&views[0], key, SECRET.as_bytes()).unwrap();
        assert!(!holds(&sealed, SECRET));
        for (j, other) in keys.iter().enumerate() {
            let opened = sealer.open(&views[0], other, &sealed);
            assert_eq!(opened.is_ok(), i == j);
        }
        assert!(sealer.open(&views[1], key, &sealed).is_err());
    }
}

#[test]
fn keys_rotate_by_name() {
    let (old, new) = (ring(&[("2025", 1)]), ring(&[("2025", 1), ("2026", 2)]));
    let before = Sealer::new(&old, "2025").unwrap();
    let after = Sealer::new(&new, "2026").unwrap();
    let first = before.seal(&purchase(), &1.into(), b"x").unwrap();
    let second = after.seal(&purchase(), &1.into(), b"x").unwrap();
    assert_eq!(after.open(&purchase(), &1.into(), &first).unwrap(), b"x");
    assert_eq!(Sealer::key_of(&first).unwrap(), "2025");
    assert_eq!(Sealer::key_of(&second).unwrap(), "2026");
    let error = before.open(&purchase(), &1.into(), &second).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a sealed value of `purchase` is encrypted under key `2026`, which was not given"
    );
    assert!(matches!(
        Sealer::new(&old, "2026"),
        Err(Error::MissingKey { .. })
    ));
    // the same name, another key
    let other = Sealer::new(&ring(&[("2025", 9)]), "2025").unwrap();
    let error = other.open(&purchase(), &1.into(), &first).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(!format!("{before:?} {:?}", files("p", BOTH)).contains("1, 1"));
}

proptest! {
    #[test]
    fn a_sealed_value_survives_and_no_altered_one_does(
        value in proptest::collection::vec(any::<u8>(), 0..100),
        key: i64,
        bit: usize,
    ) {
        let sealer = Sealer::new(&ring(BOTH), "personal").unwrap();
        let sealed = sealer.seal(&purchase(), &key.into(), &value).unwrap();
        prop_assert_eq!(sealer.open(&purchase(), &key.into(), &sealed).unwrap(), value.clone());
        prop_assert_ne!(&sealer.seal(&purchase(), &key.into(), &value).unwrap(), &sealed);
        let mut altered = sealed.clone();
        let bit = bit % (altered.len() * 8);
        altered[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(sealer.open(&purchase(), &key.into(), &altered).is_err());
        for length in 0..sealed.len() {
            prop_assert!(sealer.open(&purchase(), &key.into(), &sealed[..length]).is_err());
        }
    }

    #[test]
    fn no_bytes_make_a_sealer_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let sealer = Sealer::new(&ring(BOTH), "main").unwrap();
        prop_assert!(sealer.open(&purchase(), &1.into(), &bytes).is_err());
        let _ = Sealer::key_of(&bytes);
    }
}

#[test]
fn a_table_without_columns_of_its_own_key_needs_one_key() {
    let schema = TableSchema::new([Column::value("phone", DataType::Utf8)]).unwrap();
    let phones: ArrayRef = Arc::new(StringArray::from(vec![SECRET]));
    let table = Table::new(schema, vec![phones]).unwrap();
    let one = files("p", &[("main", 1)]);
    let bytes = one.to_bytes(&table, &KeyPlan::new("main")).unwrap();
    assert!(!holds(&bytes, SECRET));
    assert_eq!(
        one.from_bytes("f", bytes, None).unwrap().digest(),
        table.digest()
    );

    // a long name takes two bytes for its length
    for length in [127, 128, 255] {
        let name = "k".repeat(length);
        let long = files("p", &[(name.as_str(), 1)]);
        let bytes = long.to_bytes(&table, &KeyPlan::new(name)).unwrap();
        assert!(long.from_bytes("f", bytes, None).is_ok(), "{length}");
    }
}
