//! The layers of ARCHITECTURE.md as data: who may depend on whom, and what must stay out of serving.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Each crate with the crates of this workspace that it may use.
const LAYERS: [(&str, &[&str]); 13] = [
    ("mlops-core", &[]),
    ("mlops-derive", &[]),
    ("mlops-store", &["mlops-core"]),
    ("mlops-model", &["mlops-core"]),
    ("mlops-report", &["mlops-core"]),
    (
        "mlops-features",
        &["mlops-derive", "mlops-store", "mlops-core"],
    ),
    ("mlops-train", &["mlops-model", "mlops-core"]),
    (
        "mlops-registry",
        &["mlops-model", "mlops-store", "mlops-core"],
    ),
    ("mlops-drift", &["mlops-core"]),
    ("mlops-pipeline", &["mlops-store", "mlops-core"]),
    (
        "mlops-serve",
        &[
            "mlops-registry",
            "mlops-drift",
            "mlops-features",
            "mlops-model",
            "mlops-report",
            "mlops-store",
            "mlops-core",
        ],
    ),
    (
        "mlops",
        &[
            "mlops-core",
            "mlops-store",
            "mlops-model",
            "mlops-report",
            "mlops-features",
            "mlops-train",
            "mlops-registry",
            "mlops-drift",
            "mlops-pipeline",
            "mlops-serve",
        ],
    ),
    (
        "mlops-fuzz-targets",
        &[
            "mlops-core",
            "mlops-store",
            "mlops-model",
            "mlops-features",
            "mlops-registry",
            "mlops-drift",
            "mlops-pipeline",
            "mlops-serve",
        ],
    ),
];

#[test]
fn dependencies_point_down_only() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let allowed: BTreeMap<&str, BTreeSet<&str>> = LAYERS
        .iter()
        .map(|(name, uses)| (*name, uses.iter().copied().collect()))
        .collect();
    let mut seen = BTreeSet::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let uses = allowed
            .get(name)
            .unwrap_or_else(|| panic!("`{name}` has no row in the layer table"));
        seen.insert(name.to_owned());
        for dependency in &package.dependencies {
            let ours = allowed.contains_key(dependency.name.as_str());
            if ours && dependency.kind == DependencyKind::Normal {
                assert!(
                    uses.contains(dependency.name.as_str()),
                    "`{name}` must not depend on `{}`",
                    dependency.name
                );
            }
        }
    }
    let rows: BTreeSet<String> = allowed.keys().map(|n| (*n).to_owned()).collect();
    assert_eq!(seen, rows, "the layer table names crates that do not exist");
}

fn tree(package: &str, flags: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "-p",
            package,
            "-e",
            "normal",
            "--prefix",
            "none",
        ])
        .args(flags)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

#[test]
fn serving_compiles_no_trainer() {
    let names = tree("mlops-serve", &["--all-features"]);
    assert!(names.iter().any(|n| n == "axum"), "the tree was read");
    for name in names {
        let trainer = ["linfa", "burn", "forust", "ndarray"];
        assert!(
            !trainer.iter().any(|t| name.starts_with(t)),
            "mlops-serve compiles {name}"
        );
    }
}

#[test]
fn the_default_build_has_no_tls_no_gpu_and_no_cpp() {
    let names = tree("mlops", &["-e", "normal,build"]);
    assert!(names.iter().any(|n| n == "rusqlite"), "the tree was read");
    let unwanted = [
        "openssl",
        "openssl-sys",
        "native-tls",
        "rustls",
        "ring",
        "aws-lc-rs",
        "wgpu",
        "cudarc",
        "cubecl",
        "cmake",
        "cxx",
        "bindgen",
    ];
    for name in names {
        assert!(
            !unwanted.contains(&name.as_str()),
            "the default build compiles {name}"
        );
    }
}

#[test]
fn there_is_one_arrow_one_store_and_one_sqlite() {
    let metadata = MetadataCommand::new().exec().unwrap();
    for name in ["arrow", "parquet", "object_store", "libsqlite3-sys"] {
        let versions: Vec<String> = metadata
            .packages
            .iter()
            .filter(|p| p.name.as_str() == name)
            .map(|p| p.version.to_string())
            .collect();
        assert_eq!(versions.len(), 1, "{name}: {versions:?}");
    }
}
