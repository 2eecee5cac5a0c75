//! No bytes open as a sealed value or an encrypted file, and no change to a good one goes unseen.
//!
//! The input is tried as it stands, then as a list of changes (place, bits) to a good value and a good file.

use std::sync::{Arc, LazyLock};

use mlops_core::{
    Column, Table, TableSchema, ViewName,
    arrow::array::{ArrayRef, StringArray},
};
use mlops_features::{DataType, EncryptedParquet, KeyPlan, KeyRing, Sealer, SecretKey};

static RING: LazyLock<KeyRing> = LazyLock::new(|| {
    let ring = KeyRing::new().with("a", SecretKey::new([1; 32]));
    ring.expect("a name").with("b", SecretKey::new([2; 32])).expect("another name")
});

static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let schema = TableSchema::new([Column::value("phone", DataType::Utf8)]).expect("one column");
    let phones: ArrayRef = Arc::new(StringArray::from(vec![Some("0991"), None]));
    let table = Table::new(schema, vec![phones]).expect("of that type");
    let plan = KeyPlan::new("a").column("phone", "b");
    let files = EncryptedParquet::new("fuzz", RING.clone());
    files.to_bytes(&table, &plan).expect("keys are there")
});

fn changed(good: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for change in changes.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
        bytes[place] ^= change[2];
    }
    bytes
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let sealer = Sealer::new(&RING, "a").expect("the key is there");
    let view = ViewName::new("v").expect("a name");
    let good = sealer.seal(&view, &7.into(), b"value").expect("random numbers");
    for bytes in [data.to_vec(), changed(&good, data)] {
        let opened = sealer.open(&view, &7.into(), &bytes);
        assert_eq!(opened.is_ok(), bytes == good);
        let _ = Sealer::key_of(&bytes);
    }
    let files = EncryptedParquet::new("fuzz", RING.clone());
    for bytes in [data.to_vec(), changed(&FILE, data)] {
        let same = bytes == *FILE;
        assert_eq!(files.from_bytes("fuzz", bytes, None).is_ok(), same);
    }
}
