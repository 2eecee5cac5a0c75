//! No bytes in an artifact store make its readers panic or hand out what does not have its digest.
//!
//! The first byte chooses what the rest is: a list of chunks, as it is and past its digest, a tree, an entry or a
//! checkpoint of the collector's log, or a path, a URL and a name as text.

use std::sync::Arc;

use mlops_core::{Digest, EventTime, ManualClock, Span};
use mlops_store::{
    ArtifactPath, ArtifactStore, CommitLog, GarbageOptions, Location, Objects, RetryPolicy, Tree,
    TreeFile, percent_decode,
};

use crate::commit_log::NoPause;

const PARTS: [&[u8]; 3] = [b"a", b"bc", b"def"];

fn put(root: &Location, part: &str, digest: &Digest, bytes: Vec<u8>) {
    let text = digest.to_string();
    let (folder, rest) = text.split_at(2);
    let location = root.join(&format!("{part}/{folder}/{rest}"));
    location.expect("a sound path").put(bytes).expect("memory takes any bytes");
}

/// A list of chunks of the parts, with lengths as they are told.
fn chunk_list(pairs: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut whole, mut items, mut count) = (Vec::new(), Vec::new(), 0_u32);
    for pair in pairs.chunks(2).take(200) {
        let part = PARTS[usize::from(pair[0]) % PARTS.len()];
        let length = match pair.get(1) {
            // most are right
            Some(255) => u32::MAX,
            Some(length @ 250..255) => u32::from(*length),
            _ => u32::try_from(part.len()).expect("three bytes at most"),
        };
        items.extend(Digest::of(part).as_bytes());
        items.extend(length.to_le_bytes());
        whole.extend(part);
        count += 1;
    }
    let mut bytes = b"mlopschk\x01".to_vec();
    bytes.extend(count.to_le_bytes());
    bytes.extend(items);
    (sealed(bytes), whole)
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let digest = Digest::of(&bytes);
    bytes.extend(digest.as_bytes());
    bytes
}

/// What is read has the digest that it was asked for under, whole or in parts.
fn check(store: &ArtifactStore, digest: &Digest) {
    let whole = store.get(digest);
    if let Ok(whole) = &whole {
        assert_eq!(Digest::of(whole), *digest);
    }
    let Ok(reader) = store.reader(digest) else { return };
    let size = reader.size();
    if let (Ok(part), Ok(whole)) = (reader.get_range(1..size.min(9)), &whole) {
        assert_eq!(part, whole.slice(1..whole.len().min(9)));
    }
    let _ = reader.get_range(size..u64::MAX);
    let _ = reader.write_to(&mut std::io::sink());
    let _ = store.contains(digest);
    let _ = store.list();
}

fn tree(store: &ArtifactStore, digest: &Digest) {
    let Ok(tree) = store.tree(digest) else { return };
    let _ = tree.size();
    for file in tree.files().take(100) {
        assert_eq!(tree.get(file.path.as_str()), Some(file));
        assert!(!file.path.as_str().split('/').any(|part| matches!(part, "" | "." | "..")));
    }
    let files: Vec<TreeFile> = tree.files().cloned().collect();
    assert_eq!(Tree::new(files).ok().as_ref(), Some(&tree));
    if tree.files().all(|file| store.contains(&file.digest).unwrap_or(false)) {
        let kept = store.put_tree(&tree).expect("its files are kept");
        assert_eq!(store.tree(&kept).ok(), Some(tree));
    }
}

fn collect(store: &ArtifactStore) {
    let clock = ManualClock::new(EventTime::from_seconds(4_000_000_000));
    let options = GarbageOptions::new(Span::hours(1));
    let _ = store.collect([Digest::of(PARTS[0])], options.dry_run(), &clock);
    let _ = store.collect([Digest::of(PARTS[0])], options, &clock);
    clock.advance(Span::hours(3));
    if store.collect([Digest::of(PARTS[0])], options, &clock).is_ok() {
        assert!(store.contains(&Digest::of(PARTS[0])).is_ok_and(|there| there), "a root is kept");
    }
}

fn texts(text: &str) {
    if let Ok(path) = text.parse::<ArtifactPath>() {
        assert_eq!(path.as_str(), text);
        assert!(!text.starts_with('/') && !text.contains('\\') && text.len() <= 1_024);
    }
    if let Some(decoded) = percent_decode(text) {
        assert!(decoded.len() <= text.len());
    }
    let objects = Objects::new();
    let _ = objects.locate(text).map(|location| location.join(text));
    let root = objects.locate("memory://root/below").expect("a URL");
    if let Ok(joined) = root.join(text) {
        assert!(joined.url().starts_with("memory://root/below"), "{}", joined.url());
    }
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let root = Objects::new().locate("memory://artifacts/fuzz").expect("a URL");
    let store = ArtifactStore::at(&root).expect("nothing is looked up");
    let store = store.with_retries(RetryPolicy::default().attempts(2), Arc::new(NoPause));
    for part in PARTS {
        store.put(part).expect("memory takes it");
    }
    let log = || {
        let garbage = root.join("garbage").expect("a sound path");
        CommitLog::at(&garbage).with_sleeper(Arc::new(NoPause))
    };
    match choice % 7 {
        0 => {
            let digest = Digest::of(b"any");
            put(&root, "chunked", &digest, rest.to_vec());
            check(&store, &digest);
        }
        1 => {
            let digest = Digest::of(b"any");
            put(&root, "chunked", &digest, sealed([b"mlopschk\x01", rest].concat()));
            check(&store, &digest);
        }
        2 => {
            let (list, whole) = chunk_list(rest);
            let digest = Digest::of(&whole);
            put(&root, "chunked", &digest, list);
            check(&store, &digest);
        }
        3 => {
            let digest = Digest::of(rest);
            put(&root, "trees", &digest, rest.to_vec());
            tree(&store, &digest);
        }
        4 => {
            let entry = log().append(0, &"fuzz".parse().expect("an id"), rest);
            let _ = entry.expect("memory takes it");
            collect(&store);
        }
        5 => {
            let swept = [&[2][..], &9_u64.to_le_bytes()].concat();
            let entry = log().append(0, &"fuzz".parse().expect("an id"), &swept);
            let _ = entry.expect("memory takes it");
            log().checkpoint(1, rest).expect("memory takes it");
            collect(&store);
        }
        _ => {
            if let Ok(text) = std::str::from_utf8(rest) {
                texts(text);
            }
        }
    }
}
