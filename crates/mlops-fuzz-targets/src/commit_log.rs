//! No bytes in a log's directory bring its readers and writers down: they are entries or an error.
//!
//! The first byte chooses where the rest lies: as it is under a name of the log, or as the payload of an entry, a
//! checkpoint or a seal whose digest is right. What reads is what was written.

use std::time::Duration;

use mlops_core::DigestBuilder;
use mlops_store::{CommitLog, Location, Objects, RequestId, RetryPolicy, Sleeper};

/// Waits for nothing.
#[derive(Debug)]
pub(crate) struct NoPause;

impl Sleeper for NoPause {
    fn sleep(&self, _: Duration) {}
}

fn number_name(number: u64) -> String {
    format!("{:020}", u64::MAX - number)
}

/// An object of a log, as format 1 has it.
fn envelope(kind: u8, number: u64, payload: &[u8]) -> Vec<u8> {
    let request = b"r";
    let mut digest = DigestBuilder::new();
    digest
        .part("kind", &[kind])
        .part("number", &number.to_le_bytes())
        .part("request", request)
        .part("payload", payload);
    let digest = digest.finish();
    let mut bytes = b"mlopslog\x01".to_vec();
    bytes.push(kind);
    bytes.extend(number.to_le_bytes());
    bytes.extend([1, 0]);
    bytes.extend(request);
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(digest.as_bytes());
    bytes.extend(payload);
    bytes
}

fn put(root: &Location, path: &str, bytes: Vec<u8>) {
    let location = root.join(path).expect("a sound path");
    location.put(bytes).expect("memory takes any bytes");
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let root = Objects::new().locate("memory://logs/fuzz").expect("a URL");
    let log = CommitLog::at(&root)
        .with_retries(RetryPolicy::default().attempts(2))
        .with_sleeper(std::sync::Arc::new(NoPause));
    let first = number_name(1);
    match choice % 8 {
        0 => put(&root, &format!("log/{first}"), rest.to_vec()),
        1 => put(&root, &format!("checkpoints/{first}"), rest.to_vec()),
        2 => put(&root, &format!("seals/{}", number_name(0)), rest.to_vec()),
        3 => {
            put(&root, &format!("log/{first}"), envelope(1, 1, rest));
            let head = log.head().expect("a sound entry").expect("it is there");
            assert_eq!((head.number, head.bytes.as_ref()), (1, rest));
        }
        4 => {
            put(&root, &format!("checkpoints/{first}"), envelope(2, 1, rest));
            let found = log.latest_checkpoint().expect("a sound checkpoint");
            assert_eq!(found.map(|found| found.bytes.to_vec()).as_deref(), Some(rest));
        }
        5 => put(&root, &format!("seals/{}", number_name(0)), envelope(3, 0, rest)),
        6 => {
            // a name that somebody else put there
            let Ok(name) = std::str::from_utf8(rest) else { return };
            let Ok(location) = root.join(&format!("log/{name}")) else { return };
            let _ = location.put(envelope(1, 1, b"x"));
        }
        _ => {
            let Some((number, rest)) = rest.split_first_chunk::<8>() else { return };
            let number = u64::from_le_bytes(*number);
            put(&root, &format!("log/{}", number_name(number)), envelope(1, number, rest));
        }
    }
    let request: RequestId = "mine".parse().expect("an id");
    let _ = log.head();
    let _ = log.read(1..=4);
    let _ = log.read_after(0).take(4).count();
    let _ = log.latest_checkpoint();
    let _ = log.append(0, &request, b"mine");
    let _ = log.append(1, &request, b"mine");
    let _ = log.append(255, &request, b"mine");
    let _ = log.fold();
    if let Ok(text) = std::str::from_utf8(rest)
        && let Ok(request) = text.parse::<RequestId>()
    {
        assert_eq!(request.as_str(), text);
    }
}
