//! The contract of the artifact store: one suite of cases, every backend runs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use mlops_core::{Digest, ErrorKind};
use mlops_store::{ArtifactStore, Error, Objects};
use proptest::prelude::*;

/// Runs a case on every backend.
fn on_every_backend(case: impl Fn(ArtifactStore)) {
    case(ArtifactStore::memory());
    let dir = tempfile::tempdir().unwrap();
    case(ArtifactStore::directory(dir.path()).unwrap());
    let prefix = Objects::new().locate("memory://bucket/artifacts").unwrap();
    case(ArtifactStore::at(&prefix).unwrap());
}

fn blob_file(root: &Path, digest: &Digest) -> PathBuf {
    let text = digest.to_string();
    root.join("blobs").join(&text[..2]).join(&text[2..])
}

fn staged(root: &Path) -> usize {
    fs::read_dir(root.join("staging")).unwrap().count()
}

#[test]
fn what_was_put_is_got() {
    on_every_backend(|store| {
        for bytes in [&b""[..], b"a", &vec![0; 100_000]] {
            let digest = store.put(bytes).unwrap();
            assert_eq!(digest, Digest::of(bytes));
            assert_eq!(store.get(&digest).unwrap(), bytes);
            assert!(store.contains(&digest).unwrap());
        }
    });
}

#[test]
fn the_same_bytes_are_kept_once() {
    on_every_backend(|store| {
        assert_eq!(store.put(b"a").unwrap(), store.put(b"a").unwrap());
        assert_eq!(store.list().unwrap(), [Digest::of(b"a")]);
    });
}

#[test]
fn what_was_never_put_is_not_found_by_name() {
    on_every_backend(|store| {
        let digest = Digest::of(b"absent");
        let error = store.get(&digest).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains(&digest.to_string()), "{error}");
        assert!(!store.contains(&digest).unwrap());
        assert!(store.list().unwrap().is_empty());
    });
}

#[test]
fn the_list_is_complete_and_in_order() {
    on_every_backend(|store| {
        let mut expected: Vec<Digest> = (0..50_u8).map(|i| store.put(&[i]).unwrap()).collect();
        expected.sort_unstable();
        assert_eq!(store.list().unwrap(), expected);
    });
}

#[test]
fn clones_and_threads_share_one_store() {
    on_every_backend(|store| {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for i in 0..20_u8 {
                        let digest = store.clone().put(&[i; 64]).unwrap();
                        assert_eq!(store.get(&digest).unwrap(), [i; 64].as_slice());
                    }
                });
            }
        });
        assert_eq!(store.list().unwrap().len(), 20);
    });
}

#[test]
fn a_call_from_inside_another_runtime_works() {
    let single = || {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    };
    let several = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap()
    };
    on_every_backend(|store| {
        for runtime in [single(), several()] {
            let store = store.clone();
            let got = runtime.block_on(async move {
                let digest = store.put(b"a")?;
                let bytes = store.get(&digest)?;
                drop(store);
                Ok::<_, Error>(bytes)
            });
            assert_eq!(got.unwrap(), b"a".as_slice());
        }
    });
}

#[test]
fn another_store_on_the_same_directory_sees_the_blobs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep").join("er");
    let digest = ArtifactStore::directory(&path).unwrap().put(b"a").unwrap();
    let again = ArtifactStore::directory(&path).unwrap();
    assert_eq!(again.get(&digest).unwrap(), b"a".as_slice());
    assert_eq!(staged(&path), 0);
}

#[test]
fn every_flipped_byte_is_noticed_and_a_new_put_repairs_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = ArtifactStore::directory(dir.path()).unwrap();
    let sound = b"0123456789abcdef";
    let digest = store.put(sound).unwrap();
    let file = blob_file(dir.path(), &digest);
    for at in 0..sound.len() {
        let mut bytes = sound.to_vec();
        bytes[at] ^= 1;
        fs::write(&file, &bytes).unwrap();
        let error = store.get(&digest).unwrap_err();
        assert!(matches!(error, Error::Corrupt { digest: d, .. } if d == digest));
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_eq!(store.put(sound).unwrap(), digest);
        assert_eq!(store.get(&digest).unwrap(), sound.as_slice());
    }
    fs::write(&file, b"").unwrap();
    assert_eq!(store.get(&digest).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn what_a_crash_left_in_staging_is_never_seen_and_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let store = ArtifactStore::directory(dir.path()).unwrap();
    let digest = Digest::of(b"whole");
    let left = dir.path().join("staging").join(format!("{digest}-0"));
    fs::write(&left, b"who").unwrap();
    assert!(!store.contains(&digest).unwrap());
    assert!(store.list().unwrap().is_empty());
    store.put(b"whole").unwrap();
    assert_eq!(store.get(&digest).unwrap(), b"whole".as_slice());
    assert_eq!(fs::read(&left).unwrap(), b"who");
    assert_eq!(staged(dir.path()), 1);
}

#[test]
fn a_disk_that_refuses_leaves_no_blob() {
    let dir = tempfile::tempdir().unwrap();
    let store = ArtifactStore::directory(dir.path()).unwrap();
    let digest = Digest::of(b"a");
    // a file stands where the blob's folder must go
    fs::write(dir.path().join("blobs").join(&digest.to_string()[..2]), b"").unwrap();
    let error = store.put(b"a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(store.list().unwrap().is_empty());
    assert_eq!(staged(dir.path()), 0);
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = ArtifactStore::directory(&file).unwrap_err();
    assert!(
        matches!(&error, Error::Io { path, .. } if *path == file),
        "{error}"
    );
}

#[test]
fn foreign_files_beside_the_blobs_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = ArtifactStore::directory(dir.path()).unwrap();
    let digest = store.put(b"a").unwrap();
    let folder = blob_file(dir.path(), &digest);
    fs::write(folder.with_file_name("notes.txt"), b"").unwrap();
    fs::write(dir.path().join("blobs").join("readme"), b"").unwrap();
    assert_eq!(store.list().unwrap(), [digest]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_bytes_come_back_unchanged(blobs in prop::collection::vec(any::<Vec<u8>>(), 0..8)) {
        let store = ArtifactStore::memory();
        let digests: Vec<_> = blobs.iter().map(|b| store.put(b).unwrap()).collect();
        for (digest, blob) in digests.iter().zip(&blobs) {
            prop_assert_eq!(&store.get(digest).unwrap()[..], &blob[..]);
        }
    }
}
