//! Packages: what goes in comes out, and what was touched in between does not load.

use std::{collections::BTreeMap, fs, path::Path};

use mlops_core::{Digest, ErrorKind, EventTime, Value};
use mlops_model::{Error, Model, ModelPackage, Output, Scratch, limit};
use proptest::prelude::*;

type Files = BTreeMap<String, Vec<u8>>;

fn package(seed: u64) -> ModelPackage {
    let spec = crate::support::model(seed);
    let example = crate::support::rows(&spec, seed, 1).remove(0);
    ModelPackage::builder(spec)
        .created(EventTime::parse("2011-07-01T00:00:00.25Z").unwrap())
        .trainer("random: \"model\"")
        .param("seed", seed.to_string())
        .params([("née".to_owned(), "a\nb".to_owned())])
        .profile(*b"{}")
        .input_example(example)
        .file("evaluation.json", *b"[1, 2]")
        .build()
        .unwrap()
}

#[derive(serde::Serialize)]
struct Manifest {
    schema_version: u32,
    files: BTreeMap<String, serde_json::Value>,
}

/// The files with a manifest that fits them, whatever they hold.
fn seal(mut files: Files) -> Files {
    files.remove("manifest.json");
    let entries: BTreeMap<_, _> = files
        .iter()
        .map(|(name, bytes)| {
            let entry = serde_json::json!({"bytes": bytes.len(), "digest": Digest::of(bytes)});
            (name.clone(), entry)
        })
        .collect();
    let manifest = Manifest {
        schema_version: 1,
        files: entries,
    };
    let text = serde_json::to_string_pretty(&manifest).unwrap() + "\n";
    files.insert("manifest.json".into(), text.into_bytes());
    files
}

fn with(name: &str, bytes: impl Into<Vec<u8>>) -> Files {
    let mut files = package(1).files().clone();
    files.insert(name.to_owned(), bytes.into());
    files
}

fn refused(files: Files) -> Error {
    ModelPackage::from_files(files).unwrap_err()
}

#[test]
fn a_package_keeps_what_was_put_in() {
    let package = package(7);
    let back = ModelPackage::from_files(package.files().clone()).unwrap();
    assert_eq!(back.digest(), package.digest());
    assert_eq!(
        back.created().unwrap().to_string(),
        "2011-07-01T00:00:00.25Z"
    );
    assert_eq!(back.trainer(), Some("random: \"model\""));
    assert_eq!(back.params()["seed"], "7");
    assert_eq!(back.profile(), Some(&b"{}"[..]));
    assert_eq!(back.files()["evaluation.json"], b"[1, 2]");
    assert_eq!(back.signature(), package.spec().signature());
    assert!(back.card().contains("# Model card"));
    let row = back.input_example().unwrap();
    let mut scratch = Scratch::new();
    assert_eq!(
        back.load()
            .unwrap()
            .predict_row(row, &mut scratch)
            .unwrap()
            .to_vec(),
        package.spec().predict_row(row, &mut scratch).unwrap()
    );
    assert_eq!(self::package(7).files(), package.files());
    assert_ne!(self::package(8).digest(), package.digest());
    assert_eq!(seal(package.files().clone()), *package.files());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_flipped_byte_in_any_file_is_refused(seed in 0u64..50, at: prop::sample::Index, flip in 1u8..=255) {
        let package = package(seed);
        for name in package.files().keys() {
            let mut files = package.files().clone();
            let bytes = files.get_mut(name).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let error = ModelPackage::from_files(files);
            prop_assert!(error.is_err(), "byte {} of `{}`", at, name);
        }
    }

    #[test]
    fn any_truncated_file_is_refused(seed in 0u64..50, at: prop::sample::Index) {
        let package = package(seed);
        for name in package.files().keys() {
            let mut files = package.files().clone();
            let bytes = files.get_mut(name).unwrap();
            bytes.truncate(at.index(bytes.len()));
            prop_assert!(ModelPackage::from_files(files).is_err(), "{}", name);
        }
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, name in "(model|signature|metadata|input_example|manifest)[.]json") {
        let files = with(&name, bytes);
        prop_assert!(ModelPackage::from_files(files.clone()).is_err());
        prop_assert!(name == "manifest.json" || ModelPackage::from_files(seal(files)).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn no_sealed_change_of_a_model_panics(
        seed in 0u64..50,
        at: prop::sample::Index,
        cut in 0usize..6,
        paste in r#"[-0-9eE.,:"\[\]{}<=a-z]{0,6}|1e308|null|NaN|4294967295|[\[]{300}"#,
    ) {
        let mut files = package(seed).files().clone();
        let model = files.get_mut("model.json").unwrap();
        let at = at.index(model.len());
        let end = model.len().min(at + cut);
        model.splice(at..end, paste.into_bytes());
        if let Ok(package) = ModelPackage::from_files(seal(files)) {
            let rows = crate::support::rows(package.spec(), seed, 8);
            let mut scratch = Scratch::new();
            let probability = *package.spec().signature().output() != Output::Number;
            for row in rows {
                if let Ok(answer) = package.spec().predict_row(&row, &mut scratch) {
                    prop_assert!(!probability || answer.iter().all(|p| (0.0..=1.0).contains(p)));
                }
            }
        }
    }
}

#[test]
fn every_byte_of_the_manifest_is_watched() {
    let package = package(3);
    let manifest = &package.files()["manifest.json"];
    let all_but = || {
        let mut files = package.files().clone();
        files.remove("manifest.json");
        files
    };
    for at in 0..manifest.len() {
        // the bit that changes the case of a letter, and turns a line break into something else
        for flip in [0x20, 0x01] {
            let mut bytes = manifest.clone();
            bytes[at] ^= flip;
            let mut files = all_but();
            files.insert("manifest.json".into(), bytes);
            assert!(ModelPackage::from_files(files).is_err(), "byte {at}");
        }
    }
}

#[test]
fn files_missing_added_and_renamed_are_named() {
    let good = package(1).files().clone();
    for name in good.keys() {
        let mut files = good.clone();
        files.remove(name);
        let error = refused(files);
        assert!(
            matches!(&error, Error::MissingFile { file } if file == name),
            "{error}"
        );
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
    let error = refused(with("extra.bin", *b"x"));
    assert!(
        matches!(&error, Error::UnexpectedFile { file } if file == "extra.bin"),
        "{error}"
    );
    for required in [
        "MLmodel",
        "model.json",
        "signature.json",
        "metadata.json",
        "card.md",
    ] {
        let mut files = good.clone();
        files.remove(required);
        let error = refused(seal(files));
        assert!(
            matches!(&error, Error::MissingFile { file } if file == required),
            "{error}"
        );
    }
    for optional in [
        "input_example.json",
        "reference_profile.json",
        "evaluation.json",
    ] {
        let mut files = good.clone();
        files.remove(optional);
        assert!(ModelPackage::from_files(seal(files)).is_ok(), "{optional}");
    }
}

#[test]
fn names_that_leave_the_directory_are_refused() {
    for name in [
        "../evil",
        "a/b",
        "/etc/passwd",
        "..",
        ".",
        ".hidden",
        "a\\b",
        "nul\0",
        "ä",
        "",
        &"x".repeat(129),
    ] {
        let error = refused(seal(with(name, *b"x")));
        assert!(
            matches!(error, Error::InvalidFileName { .. }),
            "{name:?}: {error}"
        );
        let error = ModelPackage::builder(crate::support::model(1))
            .file(name, *b"x")
            .build()
            .unwrap_err();
        assert!(
            matches!(error, Error::InvalidFileName { .. }),
            "{name:?}: {error}"
        );
    }
    for name in [
        "model.json",
        "manifest.json",
        "reference_profile.json",
        "input_example.json",
    ] {
        let error = ModelPackage::builder(crate::support::model(1))
            .file(name, *b"x")
            .build()
            .unwrap_err();
        assert!(
            matches!(error, Error::InvalidFileName { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn sealed_nonsense_is_still_nonsense() {
    let good = package(1);
    let text = |name: &str| String::from_utf8(good.files()[name].clone()).unwrap();
    for (name, bytes) in [
        ("model.json", b"null".to_vec()),
        ("model.json", "[".repeat(100_000).into_bytes()),
        (
            "model.json",
            text("model.json")
                .replacen('{', "{\"x\":1,", 1)
                .into_bytes(),
        ),
        (
            "signature.json",
            text("signature.json")
                .replacen("orders", "ordres", 1)
                .into_bytes(),
        ),
        (
            "metadata.json",
            b"{\"created\":\"yesterday\",\"trainer\":null,\"params\":{}}".to_vec(),
        ),
        (
            "input_example.json",
            text("input_example.json")
                .replacen("orders", "ordres", 1)
                .into_bytes(),
        ),
        (
            "input_example.json",
            b"{\"columns\":[],\"data\":[]}".to_vec(),
        ),
        ("card.md", vec![0xff]),
    ] {
        let error = refused(seal(with(name, bytes)));
        let kind = error.kind();
        assert!(
            matches!(kind, ErrorKind::Corrupt | ErrorKind::Invalid),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_later_version_is_called_that() {
    let manifest = String::from_utf8(package(1).files()["manifest.json"].clone()).unwrap();
    let later = manifest.replacen(
        "\"schema_version\": 1",
        "\"schema_version\": 2, \"signed\": true",
        1,
    );
    let error = refused(with("manifest.json", later));
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.to_string(),
        "the package has schema version 2, this crate reads up to 1"
    );
    let never = manifest.replacen("\"schema_version\": 1", "\"schema_version\": 0", 1);
    assert_eq!(
        refused(with("manifest.json", never)).kind(),
        ErrorKind::Corrupt
    );
}

#[test]
fn sizes_are_bounded_before_anything_is_read() {
    let error = refused(with("big.bin", vec![0; limit::FILE_BYTES + 1]));
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    let mut files = package(1).files().clone();
    for i in 0..limit::FILES {
        files.insert(format!("f{i}"), vec![]);
    }
    assert!(matches!(refused(files), Error::TooLarge { .. }));
    let error = refused(with("manifest.json", vec![b' '; limit::MANIFEST_BYTES + 1]));
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    let long = ModelPackage::builder(crate::support::model(1))
        .param("p", "x".repeat(limit::PARAM_BYTES + 1));
    assert!(matches!(long.build(), Err(Error::TooLarge { .. })));
}

#[test]
fn an_example_that_the_model_does_not_read_is_refused() {
    let error = ModelPackage::builder(crate::support::model(1))
        .input_example([Value::Null])
        .build()
        .unwrap_err();
    assert!(matches!(error, Error::WrongWidth { .. }), "{error}");
}

fn entries(path: &Path) -> usize {
    fs::read_dir(path).unwrap().count()
}

#[test]
fn a_directory_is_written_whole_and_read_back() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("deep/er/model");
    let package = package(5);
    package.write_dir(&path).unwrap();
    assert_eq!(entries(path.parent().unwrap()), 1);
    assert_eq!(entries(&path), package.files().len());
    let back = ModelPackage::read_dir(&path).unwrap();
    assert_eq!(back.files(), package.files());
    let error = package.write_dir(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(entries(path.parent().unwrap()), 1);
}

#[test]
fn a_directory_that_is_not_a_package_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("model");
    assert_eq!(
        ModelPackage::read_dir(&path).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    fs::create_dir(&path).unwrap();
    let error = ModelPackage::read_dir(&path).unwrap_err();
    assert!(
        matches!(&error, Error::MissingFile { file } if file == "manifest.json"),
        "{error}"
    );
    fs::write(temp.path().join("file"), "x").unwrap();
    let error = ModelPackage::read_dir(&temp.path().join("file")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);

    let good = temp.path().join("good");
    package(5).write_dir(&good).unwrap();
    fs::create_dir(good.join("sub")).unwrap();
    let error = ModelPackage::read_dir(&good).unwrap_err();
    assert!(
        matches!(&error, Error::UnexpectedFile { file } if file == "sub"),
        "{error}"
    );
    fs::remove_dir(good.join("sub")).unwrap();
    fs::write(good.join("card.md"), "another card").unwrap();
    let error = ModelPackage::read_dir(&good).unwrap_err();
    assert!(
        matches!(&error, Error::Corrupt { file, .. } if file == "card.md"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("model");
    package(5).write_dir(&path).unwrap();
    fs::rename(path.join("card.md"), temp.path().join("card.md")).unwrap();
    std::os::unix::fs::symlink(temp.path().join("card.md"), path.join("card.md")).unwrap();
    let error = ModelPackage::read_dir(&path).unwrap_err();
    assert!(
        matches!(&error, Error::UnexpectedFile { file } if file == "card.md"),
        "{error}"
    );
}

#[test]
fn a_path_that_cannot_be_written_leaves_nothing_behind() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("file"), "x").unwrap();
    let error = package(5)
        .write_dir(&temp.path().join("file/model"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(entries(temp.path()), 1);
    let error = package(5).write_dir(&temp.path().join("file")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[test]
fn several_numbers_have_names_wherever_they_are_described() {
    use mlops_model::{
        Encoder, Estimator, Input, InputKind, Linear, Link, ModelSpec, Preprocess, Signature,
    };
    let inputs = || [Input::new("x", InputKind::Float)];
    let numbers = |names: &[&str]| Output::Numbers {
        names: names.iter().map(ToString::to_string).collect(),
    };
    let signature = Signature::new(inputs(), numbers(&["low", "high"])).unwrap();
    let preprocess = Preprocess::new(&signature, vec![Encoder::plain(0)]).unwrap();
    let linear = Linear {
        weights: vec![1.0, 3.0],
        bias: vec![-1.0, 0.5],
        link: Link::Identity,
    };
    let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(linear)).unwrap();
    let package = ModelPackage::builder(spec).build().unwrap();
    let back = ModelPackage::from_files(package.files().clone()).unwrap();
    let model = back.load().unwrap();
    let answer = model
        .predict_row(&[Value::Float(2.0)], &mut Scratch::new())
        .unwrap()
        .to_vec();
    assert_eq!(answer, [1.0, 6.5]);
    assert!(
        back.card().contains("- answers `low`, `high`"),
        "{}",
        back.card()
    );
    let mlmodel = String::from_utf8(back.files()["MLmodel"].clone()).unwrap();
    assert!(mlmodel.contains("high"), "{mlmodel}");
    for (names, expected) in [
        (vec![], "0 numbers cannot be told apart"),
        (vec!["a"], "1 numbers cannot be told apart"),
        (vec!["a", "a"], "number `a` is named twice"),
        (vec!["a", ""], "of the number is empty"),
    ] {
        let error = Signature::new(inputs(), numbers(&names))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
}
