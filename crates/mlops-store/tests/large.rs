//! Artifacts of any size: chunks, ranges, resumed uploads and downloads, trees.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{
    fs,
    io::{self, Read, Seek, SeekFrom, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use mlops_core::{Digest, ErrorKind, Seed};
use mlops_store::{ArtifactStore, Error, Objects, Tree, TreeFile};
use proptest::prelude::*;

const MIB: usize = 1 << 20;

/// Runs a case on every backend.
fn on_every_backend(case: impl Fn(ArtifactStore)) {
    case(ArtifactStore::memory());
    let dir = tempfile::tempdir().unwrap();
    case(ArtifactStore::directory(dir.path()).unwrap());
    let prefix = Objects::new().locate("memory://bucket/artifacts").unwrap();
    let one = NonZeroUsize::new(1).unwrap();
    case(ArtifactStore::at(&prefix).unwrap().with_parallel(one));
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut rng = Seed(seed).rng();
    let words = (0..length.div_ceil(8)).flat_map(|_| rng.next_u64().to_le_bytes());
    words.take(length).collect()
}

fn objects(root: &Path, part: &str) -> Vec<PathBuf> {
    let Ok(folders) = fs::read_dir(root.join(part)) else {
        return Vec::new();
    };
    folders
        .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect()
}

#[test]
fn a_large_artifact_comes_back_whole_under_the_digest_of_its_bytes() {
    on_every_backend(|store| {
        for length in [4 * MIB, 4 * MIB + 1, 9 * MIB + 12_345] {
            let bytes = noise(1, length);
            let stored = store.put_from(bytes.as_slice()).unwrap();
            assert_eq!(stored.digest, Digest::of(&bytes));
            assert_eq!(stored.size, length as u64);
            assert_eq!(store.put(&bytes).unwrap(), stored.digest);
            assert!(store.contains(&stored.digest).unwrap());
            assert_eq!(store.get(&stored.digest).unwrap(), bytes);
            let mut reader = store.reader(&stored.digest).unwrap();
            assert_eq!(
                (reader.size(), reader.digest()),
                (length as u64, stored.digest)
            );
            let mut out = Vec::new();
            reader.read_to_end(&mut out).unwrap();
            assert_eq!(out, bytes);
            out.clear();
            reader.write_to(&mut out).unwrap();
            assert_eq!(out, bytes);
            assert!(store.list().unwrap().contains(&stored.digest));
        }
    });
}

#[test]
fn what_is_there_already_is_not_sent_again() {
    on_every_backend(|store| {
        let bytes = noise(2, 12 * MIB);
        let first = store.put_from(bytes.as_slice()).unwrap();
        assert!(first.sent >= first.size);
        let again = store.put_from(bytes.as_slice()).unwrap();
        assert_eq!((again.digest, again.sent), (first.digest, 0));
        // one repeated chunk after another is sent once
        let zeros = store.put_from(io::repeat(0).take(64 << 20)).unwrap();
        assert!(zeros.sent <= 3 << 20, "{}", zeros.sent);
        assert_eq!(store.get(&zeros.digest).unwrap().len(), 64 << 20);
    });
}

#[test]
fn a_hundred_megabytes_with_one_more_byte_send_less_than_two_percent() {
    let store = ArtifactStore::memory();
    let mut bytes = noise(3, 100_000_000);
    store.put_from(bytes.as_slice()).unwrap();
    bytes.insert(41_234_567, 7);
    let stored = store.put_from(bytes.as_slice()).unwrap();
    println!("{} of {} bytes sent", stored.sent, stored.size);
    assert!(stored.sent < stored.size / 50, "{}", stored.sent);
    assert_eq!(store.get(&stored.digest).unwrap(), bytes);
}

#[test]
fn the_cuts_are_the_same_for_ever() {
    // another cut would be right as well, and would share nothing with what is kept already
    let dir = tempfile::tempdir().unwrap();
    let store = ArtifactStore::directory(dir.path()).unwrap();
    store.put_from(noise(4, 6 * MIB).as_slice()).unwrap();
    let mut sizes: Vec<u64> = objects(dir.path(), "blobs")
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .collect();
    sizes.sort_unstable();
    let expected = [
        2085, 387_034, 529_467, 552_086, 634_844, 636_895, 676_630, 713_954, 1_075_252, 1_083_209,
    ];
    assert_eq!(sizes, expected);
}

#[test]
fn an_upload_that_was_cut_off_is_resumed() {
    struct Breaks<'a>(&'a [u8]);
    impl Read for Breaks<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("the line is gone")),
                read => Ok(read),
            }
        }
    }
    on_every_backend(|store| {
        let bytes = noise(5, 20 * MIB);
        let error = store.put_from(Breaks(&bytes[..15 * MIB])).unwrap_err();
        assert!(matches!(error, Error::Read { .. }), "{error}");
        assert!(!store.contains(&Digest::of(&bytes)).unwrap());
        let stored = store.put_from(bytes.as_slice()).unwrap();
        assert!(stored.sent < 8 * MIB as u64, "{}", stored.sent);
        assert_eq!(store.get(&stored.digest).unwrap(), bytes);
    });
}

#[test]
fn a_download_that_was_cut_off_is_resumed() {
    on_every_backend(|store| {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("model.bin");
        let bytes = noise(6, 20 * MIB);
        let digest = store.put(&bytes).unwrap();
        let part = dir
            .path()
            .join(format!("model.bin.{}.part", digest.short()));
        // two thirds came, and a byte of them is wrong
        let mut half = bytes[..14 * MIB].to_vec();
        half[3 * MIB] ^= 1;
        fs::write(&part, &half).unwrap();
        let fetched = store.download(&digest, &target).unwrap();
        assert!(fetched < 11 * MIB as u64, "{fetched}");
        assert_eq!(fs::read(&target).unwrap(), bytes);
        assert!(!part.exists());
        assert_eq!(
            store.download(&digest, &target).unwrap(),
            bytes.len() as u64
        );
        let small = store.put(b"small").unwrap();
        store.download(&small, &target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"small");
        let error = store
            .download(&Digest::of(b"absent"), dir.path().join("x"))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(!dir.path().join("x").exists());
    });
}

#[test]
fn a_chunk_that_changed_or_went_is_named_and_a_new_put_repairs_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = ArtifactStore::directory(dir.path()).unwrap();
    let bytes = noise(7, 6 * MIB);
    let digest = store.put(&bytes).unwrap();
    for file in objects(dir.path(), "blobs") {
        let sound = fs::read(&file).unwrap();
        let chunk = Digest::of(&sound);
        let mut changed = sound.clone();
        changed[sound.len() / 2] ^= 1;
        fs::write(&file, changed).unwrap();
        let error = store.get(&digest).unwrap_err();
        assert!(
            matches!(error, Error::Corrupt { digest: d, .. } if d == chunk),
            "{error}"
        );
        store.put(&bytes).unwrap();
        assert_eq!(store.get(&digest).unwrap(), bytes);
        fs::remove_file(&file).unwrap();
        let error = store.get(&digest).unwrap_err();
        assert!(
            matches!(error, Error::NotFound { digest: d } if d == chunk),
            "{error}"
        );
        store.put(&bytes).unwrap();
        assert_eq!(store.get(&digest).unwrap(), bytes);
    }
    let list = objects(dir.path(), "chunked").pop().unwrap();
    let sound = fs::read(&list).unwrap();
    fs::write(&list, &sound[..sound.len() - 1]).unwrap();
    let error = store.get(&digest).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    store.put(&bytes).unwrap();
    assert_eq!(store.get(&digest).unwrap(), bytes);
}

#[test]
fn a_list_under_a_digest_that_is_not_its_own_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let store = ArtifactStore::directory(dir.path()).unwrap();
    let a = store.put(&noise(8, 5 * MIB)).unwrap();
    let list_of = |digest: &Digest| {
        let text = digest.to_string();
        dir.path().join("chunked").join(&text[..2]).join(&text[2..])
    };
    let b = store.put(&noise(9, 5 * MIB)).unwrap();
    fs::copy(list_of(&b), list_of(&a)).unwrap();
    let error = store.get(&a).unwrap_err();
    assert!(
        matches!(error, Error::Corrupt { digest, found, .. } if digest == a && found == b),
        "{error}"
    );
}

#[test]
fn a_directory_comes_back_as_it_was() {
    on_every_backend(|store| {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("source");
        let files = [
            ("MLmodel", noise(10, 300)),
            ("data/weights.bin", noise(11, 6 * MIB)),
            ("data/deep/er/notes.txt", b"notes".to_vec()),
            ("data/empty", Vec::new()),
        ];
        for (path, bytes) in &files {
            let path = source.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let stored = store.put_directory(&source).unwrap();
        let again = store.put_directory(&source).unwrap();
        assert_eq!((again.digest, again.sent), (stored.digest, 0));
        let tree = store.tree(&stored.digest).unwrap();
        assert_eq!(tree.size(), stored.size);
        assert_eq!(tree.get("data/empty").unwrap().size, 0);
        let target = dir.path().join("target");
        assert_eq!(store.download_tree(&stored.digest, &target).unwrap(), tree);
        for (path, bytes) in &files {
            assert_eq!(&fs::read(target.join(path)).unwrap(), bytes);
        }
        assert_eq!(store.put_directory(&target).unwrap().digest, stored.digest);
        assert!(store.contains(&stored.digest).unwrap());
    });
}

#[test]
fn a_tree_of_files_that_are_not_kept_is_refused() {
    on_every_backend(|store| {
        let file = |bytes: &[u8]| TreeFile {
            path: "a".parse().unwrap(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
        };
        let absent = Tree::new([file(b"absent")]).unwrap();
        let error = store.put_tree(&absent).unwrap_err();
        assert!(matches!(error, Error::NotFound { digest } if digest == Digest::of(b"absent")));
        store.put(b"absent").unwrap();
        let digest = store.put_tree(&absent).unwrap();
        assert_eq!(store.tree(&digest).unwrap(), absent);
        assert!(matches!(
            store.tree(&Digest::of(b"absent")),
            Err(Error::NotFound { .. })
        ));
    });
}

#[cfg(unix)]
#[test]
fn links_are_neither_kept_nor_followed() {
    let dir = tempfile::tempdir().unwrap();
    let store = ArtifactStore::memory();
    let (source, target) = (dir.path().join("source"), dir.path().join("target"));
    fs::create_dir_all(source.join("sub")).unwrap();
    fs::write(source.join("sub/a"), b"a").unwrap();
    let digest = store.put_directory(&source).unwrap().digest;
    std::os::unix::fs::symlink("/etc/passwd", source.join("link")).unwrap();
    let error = store.put_directory(&source).unwrap_err();
    assert!(matches!(error, Error::InvalidPath { .. }), "{error}");

    let outside = dir.path().join("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::create_dir_all(&target).unwrap();
    std::os::unix::fs::symlink(&outside, target.join("sub")).unwrap();
    let error = store.download_tree(&digest, &target).unwrap_err();
    assert!(matches!(error, Error::InvalidPath { .. }), "{error}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    fs::remove_file(target.join("sub")).unwrap();
    fs::create_dir(target.join("sub")).unwrap();
    fs::write(outside.join("kept"), b"kept").unwrap();
    std::os::unix::fs::symlink(outside.join("kept"), target.join("sub/a")).unwrap();
    store.download_tree(&digest, &target).unwrap();
    assert_eq!(fs::read(outside.join("kept")).unwrap(), b"kept");
    assert_eq!(fs::read(target.join("sub/a")).unwrap(), b"a");
}

#[test]
fn a_writer_that_fails_is_an_error_of_its_own() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let store = ArtifactStore::memory();
    for bytes in [noise(12, 100), noise(12, 5 * MIB)] {
        let digest = store.put(&bytes).unwrap();
        let error = store
            .reader(&digest)
            .unwrap()
            .write_to(&mut Full)
            .unwrap_err();
        assert!(matches!(error, Error::Write { .. }), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_range_and_any_seek_is_that_of_the_bytes(
        length in prop_oneof![0..100_usize, 4 * MIB..7 * MIB],
        cuts in prop::collection::vec((0.0..1.1_f64, 0.0..1.1_f64), 1..8),
    ) {
        let bytes = noise(13, length);
        let store = ArtifactStore::memory();
        let digest = store.put(&bytes).unwrap();
        let mut reader = store.reader(&digest).unwrap();
        for (a, b) in cuts {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a few MiB")]
            let [a, b] = [a, b].map(|x| (x * length as f64) as usize);
            let range = a as u64..b as u64;
            match reader.get_range(range.clone()) {
                Ok(found) => prop_assert_eq!(&found[..], &bytes[a..b]),
                Err(Error::Range { .. }) => prop_assert!(a > b || b > length),
                Err(other) => panic!("{other}"),
            }
            reader.seek(SeekFrom::Start(range.start)).unwrap();
            let mut buffer = vec![0; 4_096];
            let read = reader.read(&mut buffer).unwrap();
            prop_assert!(read > 0 || a >= length);
            prop_assert!(a >= length || buffer[..read] == bytes[a..a + read]);
        }
    }
}
