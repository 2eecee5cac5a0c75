//! No bytes make a model or a package panic, and what is accepted predicts.
//!
//! The input is read twice: as a model's JSON, and as the files of a package, each a line with its name
//! and then its content up to a NUL. The second gets a manifest that fits, so that the fuzzer sees past
//! the digests; without one it would only ever exercise the manifest.

use std::collections::BTreeMap;

use mlops_core::{Digest, Value};
use mlops_model::{InputKind, Model, ModelPackage, ModelSpec, SCHEMA_VERSION, Scratch};

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    if let Ok(spec) = serde_json::from_slice::<ModelSpec>(data) {
        exercise(&spec);
    }
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for file in data.split(|byte| *byte == 0) {
        let (name, content) = match file.iter().position(|byte| *byte == b'\n') {
            Some(at) => (&file[..at], &file[at + 1..]),
            None => (file, &[][..]),
        };
        files.insert(String::from_utf8_lossy(name).into_owned(), content.to_vec());
    }
    let _ = ModelPackage::from_files(files.clone());
    files.remove("manifest.json");
    let entries: BTreeMap<_, _> = files
        .iter()
        .map(|(name, bytes)| (name, entry(bytes)))
        .collect();
    let entries = serde_json::to_string_pretty(&entries).expect("names and numbers serialise");
    let manifest = format!(
        "{{\n  \"schema_version\": {SCHEMA_VERSION},\n  \"files\": {}\n}}\n",
        entries.replace('\n', "\n  ")
    );
    files.insert("manifest.json".to_owned(), manifest.into_bytes());
    if let Ok(package) = ModelPackage::from_files(files) {
        exercise(package.spec());
    }
}

fn entry(bytes: &[u8]) -> BTreeMap<&'static str, serde_json::Value> {
    let digest = Digest::of(bytes).to_string();
    BTreeMap::from([("bytes", bytes.len().into()), ("digest", digest.into())])
}

fn exercise(spec: &ModelSpec) {
    let row: Vec<Value> = spec
        .signature()
        .inputs()
        .iter()
        .map(|input| match input.kind {
            _ if input.nullable => Value::Null,
            InputKind::Float => Value::Float(0.5),
            InputKind::Int => Value::Int(1),
            InputKind::Bool => Value::Bool(true),
            InputKind::Str => Value::from("x"),
            InputKind::Floats { .. } => Value::List(vec![Value::Float(1.0)]),
            InputKind::Ints { .. } => Value::List(vec![Value::Int(1)]),
        })
        .collect();
    let bits = |spec: &ModelSpec| {
        let mut scratch = Scratch::new();
        let answer = spec.predict_row(&row, &mut scratch).ok()?;
        Some(answer.iter().map(|x| x.to_bits()).collect::<Vec<u64>>())
    };
    let answer = bits(spec);
    let text = serde_json::to_string(spec).expect("a checked model serialises");
    let back: ModelSpec = serde_json::from_str(&text).expect("what is written is read");
    assert_eq!(answer, bits(&back));
}
