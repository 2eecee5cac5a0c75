//! Packages that were written once are read for ever, and predict what they predicted.
//!
//! `tests/fixtures/v<n>/` holds a package a family, rows in the order of their signatures, and the
//! answers, which `expected.py` computed from the JSON alone (Python 3, doubles; agreement to 1e-12,
//! since `exp` may differ in its last bit). The files of a version never change.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use mlops_core::{EventTime, Value};
use mlops_model::{Model, ModelPackage, SCHEMA_VERSION, Scratch};

/// A seed of `support::model` for each family.
const SEEDS: [(&str, u64); 3] = [("linear", 0), ("trees", 0), ("mlp", 0)];

fn directory(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/v{version}"))
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_version_is_read_and_predicts_what_it_did() {
    for version in 1..=SCHEMA_VERSION {
        let directory = directory(version);
        let rows: BTreeMap<String, Vec<Vec<Value>>> = json(&directory.join("rows.json"));
        let expected: BTreeMap<String, Vec<f64>> = json(&directory.join("expected.json"));
        assert_eq!(rows.keys().collect::<Vec<_>>(), ["linear", "mlp", "trees"]);
        for (family, rows) in rows {
            let package = ModelPackage::read_dir(&directory.join(&family)).unwrap();
            let model = package.load().unwrap();
            assert_eq!(model.family(), family);
            assert_eq!(package.trainer(), Some("fixture"));
            let mut scratch = Scratch::new();
            for (row, expected) in rows.iter().zip(&expected[&family]) {
                let answer = model.predict_value(row, &mut scratch).unwrap();
                assert!(
                    (answer - expected).abs() <= 1e-12 * expected.abs(),
                    "{family}: {row:?}"
                );
            }
        }
    }
}

#[test]
fn what_is_written_today_is_the_newest_version() {
    for (family, _) in SEEDS {
        let frozen = ModelPackage::read_dir(&directory(SCHEMA_VERSION).join(family)).unwrap();
        let today = ModelPackage::builder(frozen.spec().clone())
            .build()
            .unwrap();
        for file in ["model.json", "signature.json"] {
            assert_eq!(today.files()[file], frozen.files()[file], "{family}/{file}");
        }
    }
}

#[test]
#[ignore = "writes the fixture of a new schema version, once"]
fn write_the_newest_version() {
    let directory = directory(SCHEMA_VERSION);
    let mut all = BTreeMap::new();
    for (family, seed) in SEEDS {
        let seeds = seed..;
        let spec = seeds
            .map(crate::support::model)
            .find(|spec| spec.family() == family)
            .unwrap();
        let rows = crate::support::rows(&spec, seed, 40);
        let package = ModelPackage::builder(spec)
            .created(EventTime::parse("2026-11-21T00:00:00Z").unwrap())
            .trainer("fixture")
            .param("seed", seed.to_string())
            .profile(*b"{}")
            .input_example(rows[0].clone())
            .build()
            .unwrap();
        package.write_dir(&directory.join(family)).unwrap();
        all.insert(family, rows);
    }
    fs::write(
        directory.join("rows.json"),
        serde_json::to_vec(&all).unwrap(),
    )
    .unwrap();
}
