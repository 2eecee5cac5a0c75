//! Every target takes its seeds, and none is forgotten.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use mlops_fuzz_targets::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(fuzz().join(folder)).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let stem = |path: PathBuf| {
        path.file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
    };
    paths.filter_map(stem).collect()
}

#[test]
fn every_target_takes_its_seeds() {
    let mut taken = 0;
    for target in TARGETS {
        let folder = fuzz().join("corpus").join(target.name);
        let seeds =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", target.name));
        for seed in seeds {
            let path = seed.expect("an entry").path();
            // what a run of the fuzzer left here is not kept
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            if name.starts_with("seed-") {
                eprintln!("{}", path.display());
                (target.run)(&fs::read(&path).expect("a seed"));
                taken += 1;
            }
        }
        (target.run)(b"");
    }
    assert!(taken > TARGETS.len(), "{taken} seeds");
}

#[test]
fn every_target_is_a_binary_with_seeds_and_a_line_of_the_readme() {
    // the one that needs a feature is not among the others in a plain build
    let optional = BTreeSet::from(["webhook_url".to_owned()]);
    let mut targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.into()).collect();
    targets.extend(optional);
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
    let read = |file: &str| fs::read_to_string(fuzz().join(file)).expect("a file");
    let (manifest, readme) = (read("Cargo.toml"), read("README.md"));
    for target in targets {
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target}"
        );
        assert!(readme.contains(&format!("`{target}`")), "{target}");
    }
}
