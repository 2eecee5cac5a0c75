//! The trail outside the registry and on an object store: exports, anchors, and hands that change them.

use std::{fs, path::Path};

use mlops_core::{Digest, ErrorKind, Principal};
use mlops_registry::{Anchor, Error, NewVersion, Registry, verify_export};
use serde_json::Value;

use crate::crash_models::in_logs;
use crate::fixture::{alias, name, on_every_backend, promote, register, with_versions};

/// A history with something of everything.
fn history(registry: &Registry) {
    let registry = registry.acting_as(Principal::new("ada").unwrap());
    let model = with_versions(&registry, 2);
    promote(&model, &registry, 1);
    model.set_alias(&alias("canary"), 2).unwrap();
    promote(&model, &registry, 2);
    model.set_tag("k", "v").unwrap();
    model
        .register_version(NewVersion::source("s3://x/y").tag("a", "b"))
        .unwrap();
    model.delete_version(3, "a mistake").unwrap();
    let other = registry.model("other").unwrap();
    register(&other, 5);
}

fn export(registry: &Registry) -> Vec<String> {
    let mut bytes = Vec::new();
    registry.export_audit(&mut bytes).unwrap();
    String::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(ToOwned::to_owned)
        .collect()
}

fn verify(lines: &[String], anchors: &[Anchor]) -> mlops_registry::Result<()> {
    let text = lines.join("\n");
    verify_export(&mut text.as_bytes(), anchors).map(drop)
}

/// The same value, changed.
fn forged(value: &Value) -> Value {
    match value {
        Value::Null => Value::from("x"),
        Value::Bool(value) => (!value).into(),
        Value::Number(number) => (number.as_i64().unwrap_or(0) + 1).into(),
        Value::String(text) if text.len() == 64 => Digest::of(text.as_bytes()).to_string().into(),
        Value::String(text) => format!("{text}x").into(),
        Value::Array(items) => {
            let mut items = items.clone();
            items.push(Value::from(1));
            items.into()
        }
        Value::Object(fields) => {
            let mut fields = fields.clone();
            let key = fields.keys().next().cloned();
            match key {
                Some(key) => fields.remove(&key),
                None => fields.insert("x".into(), 1.into()),
            };
            fields.into()
        }
    }
}

#[test]
fn a_change_to_any_field_of_any_line_of_an_export_is_found() {
    on_every_backend(|registry| {
        history(&registry);
        let lines = export(&registry);
        verify(&lines, &[]).unwrap();
        for at in 1..lines.len() {
            let line: Value = serde_json::from_str(&lines[at]).unwrap();
            // printed again it is what it was, so that what is found below is the change
            assert_eq!(
                line,
                serde_json::from_str::<Value>(&line.to_string()).unwrap()
            );
            let mut same = lines.clone();
            same[at] = line.to_string();
            verify(&same, &[]).unwrap();
            for key in line.as_object().unwrap().keys() {
                let mut changed = line.clone();
                changed[key] = forged(&line[key]);
                let mut lines = lines.clone();
                lines[at] = changed.to_string();
                let error = verify(&lines, &[]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{key} of line {at}");
            }
        }
    });
}

#[test]
fn a_line_that_is_missing_twice_there_or_elsewhere_is_found_at_every_place() {
    on_every_backend(|registry| {
        history(&registry);
        let lines = export(&registry);
        for at in 0..lines.len() {
            let mut cut = lines.clone();
            cut.remove(at);
            assert!(verify(&cut, &[]).is_err(), "without line {at}");
            let mut twice = lines.clone();
            twice.insert(at, lines[at].clone());
            assert!(verify(&twice, &[]).is_err(), "line {at} twice");
            if at > 0 && at + 1 < lines.len() {
                let mut swapped = lines.clone();
                swapped.swap(at, at + 1);
                // of two chains either may stand first
                let models = [at, at + 1]
                    .map(|at| serde_json::from_str::<Value>(&lines[at]).unwrap()["model"].clone());
                if models[0] == models[1] {
                    assert!(verify(&swapped, &[]).is_err(), "line {at} and the next");
                }
            }
        }
        let mut damaged = lines.clone();
        damaged[1].push('}');
        assert!(verify(&damaged, &[]).is_err());
        assert!(verify(&[], &[]).is_err());
    });
}

#[test]
fn an_anchor_holds_while_the_registry_grows_and_not_when_it_is_written_anew() {
    on_every_backend(|registry| {
        history(&registry);
        let anchor = registry.anchor().unwrap();
        let text = serde_json::to_string(&anchor).unwrap();
        assert_eq!(serde_json::from_str::<Anchor>(&text).unwrap(), anchor);
        register(&registry.model("churn").unwrap(), 8);
        registry.verify_anchor(&anchor).unwrap();
        verify(&export(&registry), std::slice::from_ref(&anchor)).unwrap();
    });
    // another registry with a sound history of its own is not the one that was anchored
    let registry = Registry::memory().unwrap();
    history(&registry);
    let anchor = registry.anchor().unwrap();
    let forged = Registry::memory().unwrap();
    history(&forged);
    register(&forged.model("other").unwrap(), 6);
    forged.verify_audit().unwrap();
    let error = forged.verify_anchor(&anchor).unwrap_err();
    assert!(matches!(error, Error::AnchorBroken { .. }), "{error}");
    assert!(verify(&export(&forged), std::slice::from_ref(&anchor)).is_err());
    let empty = Registry::memory()
        .unwrap()
        .verify_anchor(&anchor)
        .unwrap_err();
    assert_eq!(empty.kind(), ErrorKind::Corrupt, "{empty}");
}

/// All files of the logs' entries, in order of the path.
fn entries(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for model in fs::read_dir(directory.join("models/models")).unwrap() {
        let log = model.unwrap().path().join("log");
        files.extend(
            fs::read_dir(log)
                .into_iter()
                .flatten()
                .map(|file| file.unwrap().path()),
        );
    }
    files.sort();
    files
}

#[test]
fn a_flipped_byte_anywhere_in_any_entry_of_any_log_is_found() {
    let directory = tempfile::tempdir().unwrap();
    history(&in_logs(directory.path()));
    for file in entries(directory.path()) {
        let sound = fs::read(&file).unwrap();
        let step = (sound.len() / 12).max(1);
        for at in (0..sound.len()).step_by(step) {
            let mut damaged = sound.clone();
            damaged[at] ^= 1;
            fs::write(&file, &damaged).unwrap();
            // whoever opens it now finds it when it looks
            let error = in_logs(directory.path()).verify_audit().unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::Corrupt,
                "byte {at} of {file:?}: {error}"
            );
        }
        fs::write(&file, &sound).unwrap();
    }
    in_logs(directory.path()).verify_audit().unwrap();
}

#[test]
fn a_cut_tail_and_a_vanished_model_are_found_by_an_anchor() {
    let directory = tempfile::tempdir().unwrap();
    let registry = in_logs(directory.path());
    history(&registry);
    let anchor = registry.anchor().unwrap();
    assert_eq!(anchor.heads.len(), 2);
    drop(registry);
    for file in entries(directory.path()) {
        let sound = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let registry = in_logs(directory.path());
        let error = registry.verify_anchor(&anchor).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{file:?}: {error}");
        fs::write(&file, &sound).unwrap();
    }
    let model = entries(directory.path())[0]
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .to_owned();
    let aside = directory.path().join("aside");
    fs::rename(&model, &aside).unwrap();
    let error = in_logs(directory.path())
        .verify_anchor(&anchor)
        .unwrap_err();
    assert!(matches!(error, Error::AnchorBroken { .. }), "{error}");
    fs::rename(&aside, &model).unwrap();
    in_logs(directory.path()).verify_anchor(&anchor).unwrap();
}

#[test]
fn a_checkpoint_is_what_the_log_leads_to_or_the_check_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let registry = in_logs(directory.path());
    let model = with_versions(&registry, 1);
    for value in 0..100 {
        model.set_tag("k", &value.to_string()).unwrap();
    }
    registry.verify_audit().unwrap();
    let again = in_logs(directory.path());
    assert_eq!(
        again.model("churn").unwrap().info().unwrap().tags["k"],
        "99"
    );
    again.verify_audit().unwrap();
    let trail = again.audit(Some(&name("churn"))).unwrap();
    assert_eq!(trail.len(), 102);
    // the log of another model in its place
    let models = directory.path().join("models/models");
    let folder = fs::read_dir(&models)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let checkpoints: Vec<_> = fs::read_dir(folder.join("checkpoints")).unwrap().collect();
    assert!(!checkpoints.is_empty(), "none was written");
}

#[cfg(feature = "sign")]
#[test]
fn a_signed_anchor_opens_with_its_key_and_no_other() {
    use mlops_model::SigningKey;
    use mlops_registry::SignedAnchor;

    let registry = Registry::memory().unwrap();
    history(&registry);
    let (key, other) = (
        SigningKey::generate().unwrap(),
        SigningKey::generate().unwrap(),
    );
    let anchor = registry.anchor().unwrap();
    let signed = SignedAnchor::from_json(&anchor.sign(&key).to_json()).unwrap();
    assert_eq!(signed.open(&key.public_key()).unwrap(), anchor);
    registry
        .verify_anchor(&signed.open(&key.public_key()).unwrap())
        .unwrap();
    let error = signed.open(&other.public_key()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    let text = signed.to_json();
    let forged = text.replacen("entries\\\":", "entries\\\":1", 1);
    assert_ne!(forged, text);
    let forged = SignedAnchor::from_json(&forged).unwrap();
    assert!(matches!(
        forged.open(&key.public_key()),
        Err(Error::AnchorUntrusted { .. })
    ));
}
