//! No file in the place of a journal brings a logger down, and no record whose check holds is cut off unread.
//!
//! The first byte chooses: the file as it is, or records, split at NULs, with their lengths and checks.

use std::{fs, sync::LazyLock, time::Duration};

use mlops_core::Digest;
use mlops_registry::{ExperimentId, LoggerOptions, NewRun, Registry, RunId, Tracking};

static WORLD: LazyLock<(Tracking, RunId)> = LazyLock::new(|| {
    let tracking = Registry::memory().expect("a registry in memory").tracking();
    let run = tracking.create_run(NewRun::new(ExperimentId::DEFAULT));
    let run = run.expect("a run").id;
    (tracking, run)
});

const MAGIC: &[u8] = b"MLOPSJ1\n";

fn sealed(text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).expect("a short text");
    let check = Digest::of(text).to_string();
    [&length.to_be_bytes(), &check.as_bytes()[..16], text].concat()
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let (tracking, run) = &*WORLD;
    let whole = choice % 2 == 1;
    let bytes = if whole {
        let text = String::from_utf8_lossy(rest).replace("{run}", run.as_str());
        let records = text.split('\0').map(|record| sealed(record.as_bytes()));
        [MAGIC.to_vec(), records.collect::<Vec<_>>().concat()].concat()
    } else {
        rest.to_vec()
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    fs::write(&path, &bytes).expect("a file");
    let options = LoggerOptions {
        journal: Some(path.clone()),
        retry: Duration::from_millis(1),
        ..LoggerOptions::default()
    };
    let Ok(logger) = tracking.logger(run, &options) else {
        assert_eq!(fs::read(&path).expect("the file"), bytes, "what is refused is left alone");
        return;
    };
    if whole {
        let kept = fs::metadata(&path).expect("the file").len();
        let kept = kept == bytes.len() as u64 || kept == MAGIC.len() as u64;
        assert!(kept, "records whose checks hold were cut off");
    }
    let _ = logger.log_metric("m", 1.0, 1);
    let _ = logger.close();
    let again = tracking.logger(run, &options).expect("a journal of ours");
    let _ = again.close();
}
