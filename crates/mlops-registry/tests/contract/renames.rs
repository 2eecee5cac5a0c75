//! Another name in the middle of everything: two at once, changes beside it, and processes that are killed. On an
//! object store a rename writes two logs, and every case must end under one name.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Barrier,
    thread,
};

use mlops_core::{ErrorKind, Seed};
use mlops_registry::{Error, NewVersion, Registry};

use crate::{
    crash::{after, assert_sound, kill, say},
    crash_models::in_logs,
    fixture::{name, open, register, with_versions},
};

/// The registry in a directory, on SQLite or on commit logs.
type Opener = fn(&Path) -> Registry;
const BACKENDS: [(&str, Opener); 2] = [("", |path| open(path).unwrap()), (" logs", in_logs)];

/// Runs two at the same moment, each through a registry of its own.
fn at_once<A: Send, B: Send>(
    directory: &Path,
    open: Opener,
    one: impl FnOnce(&Registry) -> A + Send,
    two: impl FnOnce(&Registry) -> B + Send,
) -> (A, B) {
    let barrier = Barrier::new(2);
    let (first, second) = (open(directory), open(directory));
    thread::scope(|scope| {
        let one = scope.spawn(|| {
            barrier.wait();
            one(&first)
        });
        let two = scope.spawn(|| {
            barrier.wait();
            two(&second)
        });
        (one.join().unwrap(), two.join().unwrap())
    })
}

fn rename(from: &str, to: &str) -> impl FnOnce(&Registry) -> mlops_registry::Result<()> + Send {
    let (from, to) = (name(from), name(to));
    move |registry| registry.existing_model(&from)?.rename(&to).map(drop)
}

#[test]
fn of_two_new_names_at_once_the_model_gets_one() {
    for (_, open) in BACKENDS {
        let directory = tempfile::tempdir().unwrap();
        let registry = open(directory.path());
        with_versions(&registry, 2);
        let mut now = "churn".to_owned();
        for round in 0..8 {
            let names = [format!("a {round}"), format!("b {round}")];
            let (one, two) = at_once(
                directory.path(),
                open,
                rename(&now, &names[0]),
                rename(&now, &names[1]),
            );
            let (won, error) = match (one, two) {
                (Ok(()), Err(error)) => (&names[0], error),
                (Err(error), Ok(())) => (&names[1], error),
                other => panic!("{other:?}"),
            };
            assert!(matches!(error, Error::UnknownModel { .. }), "{error}");
            now.clone_from(won);
            assert_eq!(registry.models().unwrap(), [name(&now)]);
            assert_eq!(registry.resolve(&format!("{now}/2")).unwrap().version, 2);
            registry.verify_audit().unwrap();
        }
    }
}

#[test]
fn of_two_models_that_want_one_name_one_gets_it() {
    for (_, open) in BACKENDS {
        let directory = tempfile::tempdir().unwrap();
        let registry = open(directory.path());
        for round in 0..8 {
            let [one, two, wanted] = ["one", "two", "wanted"].map(|name| format!("{name} {round}"));
            register(&registry.model(&one).unwrap(), 1);
            register(&registry.model(&two).unwrap(), 2);
            let (first, second) = at_once(
                directory.path(),
                open,
                rename(&one, &wanted),
                rename(&two, &wanted),
            );
            let (left, error) = match (first, second) {
                (Ok(()), Err(error)) => (&two, error),
                (Err(error), Ok(())) => (&one, error),
                other => panic!("{other:?}"),
            };
            assert!(matches!(error, Error::ModelExists { .. }), "{error}");
            assert!(registry.existing_model(&name(left)).is_ok());
            assert!(registry.existing_model(&name(&wanted)).is_ok());
            registry.verify_audit().unwrap();
        }
    }
}

#[test]
fn a_change_beside_a_rename_is_before_it_or_refused() {
    for (_, open) in BACKENDS {
        let directory = tempfile::tempdir().unwrap();
        let registry = open(directory.path());
        with_versions(&registry, 1);
        let mut now = "churn".to_owned();
        for round in 0..8 {
            let to = format!("to {round}");
            let (renamed, tagged) =
                at_once(directory.path(), open, rename(&now, &to), |registry| {
                    let model = registry.existing_model(&name(&now))?;
                    model.set_tag(&format!("k{round}"), "v")?;
                    model.register_version(NewVersion::source("s3://x/y"))
                });
            renamed.unwrap();
            let model = registry.existing_model(&name(&to)).unwrap();
            match tagged {
                Ok(version) => assert!(model.version(version.version).is_ok()),
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
            }
            assert_eq!(registry.models().unwrap(), [name(&to)]);
            now = to;
            registry.verify_audit().unwrap();
        }
    }
}

#[test]
fn a_listing_beside_renames_never_misses_the_model() {
    for (_, open) in BACKENDS {
        let directory = tempfile::tempdir().unwrap();
        let registry = open(directory.path());
        let mut model = with_versions(&registry, 1);
        let reader = open(directory.path());
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for round in 0..40 {
                    model = model.rename(&name(&format!("name {}", round % 5))).unwrap();
                }
            });
            while !writer.is_finished() {
                assert!(!reader.models().unwrap().is_empty());
            }
        });
        assert_eq!(reader.models().unwrap(), [name("name 4")]);
    }
}

/// The entry by which an old log ends, the newest one.
fn closing(directory: &Path) -> PathBuf {
    let mut found = Vec::new();
    for log in fs::read_dir(directory.join("models/models")).unwrap() {
        for entry in fs::read_dir(log.unwrap().path().join("log")).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            if text.contains("model_renamed") && !text.contains("rename_begun") {
                found.push(path);
            }
        }
    }
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// A registry whose process was killed between the halves of a rename from `churn` to `attrition`.
fn half_way() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let registry = in_logs(directory.path());
    let model = with_versions(&registry, 2);
    model.rename(&name("attrition")).unwrap();
    fs::remove_file(closing(directory.path())).unwrap();
    directory
}

#[test]
fn a_rename_that_was_cut_off_has_not_happened() {
    let directory = half_way();
    for _ in 0..2 {
        let registry = in_logs(directory.path());
        assert_eq!(registry.models().unwrap(), [name("churn")]);
        assert_eq!(registry.resolve("churn/2").unwrap().version, 2);
        let error = registry.resolve("attrition/2").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        registry.verify_audit().unwrap();
        assert_eq!(registry.audit(Some(&name("churn"))).unwrap().len(), 3);
        assert!(registry.audit(Some(&name("attrition"))).unwrap().is_empty());
        let mut trail = Vec::new();
        registry.export_audit(&mut trail).unwrap();
        mlops_registry::verify_export(&mut trail.as_slice(), &[]).unwrap();
    }
}

#[test]
fn a_rename_that_was_cut_off_is_void_once_the_model_changes() {
    let directory = half_way();
    let (registry, other) = (in_logs(directory.path()), in_logs(directory.path()));
    assert!(other.existing_model(&name("attrition")).is_err());
    let model = registry.model("churn").unwrap();
    assert_eq!(register(&model, 3).version, 3);
    // the name is free
    let new = other.model("attrition").unwrap();
    assert_eq!(register(&new, 1).version, 1);
    let names = [name("attrition"), name("churn")];
    assert_eq!(registry.models().unwrap(), names);
    for registry in [registry, other, in_logs(directory.path())] {
        registry.verify_audit().unwrap();
        assert_eq!(registry.audit(Some(&name("attrition"))).unwrap().len(), 2);
        let mut trail = Vec::new();
        registry.export_audit(&mut trail).unwrap();
        mlops_registry::verify_export(&mut trail.as_slice(), &[]).unwrap();
    }
}

#[test]
fn a_rename_that_was_cut_off_is_done_by_whoever_wants_the_name() {
    let directory = half_way();
    let (registry, other) = (in_logs(directory.path()), in_logs(directory.path()));
    assert!(other.existing_model(&name("churn")).is_ok());
    let generation = other.generation().unwrap();
    // it was free when it was looked for, and is taken when it is made
    let made = registry.create_model(&name("attrition"), "", &std::collections::BTreeMap::new());
    assert!(matches!(made, Err(Error::ModelExists { .. })), "{made:?}");
    assert!(other.generation().unwrap() > generation);
    for registry in [registry, other, in_logs(directory.path())] {
        assert_eq!(registry.models().unwrap(), [name("attrition")]);
        assert_eq!(registry.resolve("attrition/2").unwrap().version, 2);
        registry.verify_audit().unwrap();
        assert_eq!(registry.audit(Some(&name("attrition"))).unwrap().len(), 5);
    }
}

#[test]
fn a_log_that_does_not_go_on_as_it_says_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let registry = in_logs(directory.path());
    let model = with_versions(&registry, 2);
    let renamed = model.rename(&name("attrition")).unwrap();
    register(&renamed, 3);
    registry.verify_audit().unwrap();
    // the old name lives again, and the new one as well
    fs::remove_file(closing(directory.path())).unwrap();
    let error = in_logs(directory.path()).verify_audit().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

/// A model that goes from name to name, with a version under each.
pub(crate) fn rename_for_ever(registry: &Registry) {
    let mut model = match &registry.models().unwrap()[..] {
        [] => registry.model("name 0").unwrap(),
        [now] => registry.existing_model(now).unwrap(),
        more => panic!("{more:?}"),
    };
    loop {
        let new = NewVersion::source("runs:/x/model");
        let version = model.register_version(new).unwrap().version;
        say(&format!("made {version}"));
        let number: u64 = model.name().as_str()[5..].parse().unwrap();
        // back and forth among a few, so that logs are used again
        let to = name(&format!("name {}", (number + 1) % 3));
        model = model.rename(&to).unwrap();
        say(&format!("now {to}"));
    }
}

#[test]
fn a_kill_in_the_middle_of_a_rename_leaves_one_name() {
    for (suffix, open) in BACKENDS {
        let directory = tempfile::tempdir().unwrap();
        drop(open(directory.path()));
        let mut rng = Seed(14).rng();
        let (mut renamed, mut last) = (0, 0_u32);
        for round in 0..12 {
            let work = format!("rename{suffix}");
            let lines = kill(directory.path(), &work, round, "made", 150, &mut rng);
            let registry = open(directory.path());
            registry.verify_audit().unwrap();
            assert_sound(&directory.path().join("mlops.db"));
            let models = registry.models().unwrap();
            assert_eq!(models.len(), 1, "{models:?}");
            renamed += after(&lines, "now ").count();
            let model = registry.existing_model(&models[0]).unwrap();
            let versions = model.versions().unwrap();
            for made in after(&lines, "made ") {
                last = last.max(made.parse().unwrap());
            }
            // every acknowledged version is there, and at most one more for each round
            let found = versions.last().unwrap().version;
            assert_eq!(versions.len(), usize::try_from(found).unwrap());
            assert!(found == last || found == last + 1, "{found} {last}");
            last = found;
        }
        assert!(renamed > 12, "{renamed} on{suffix}");
    }
}
