//! Requests as real clients send them, and the replies they must get, word for word.
//!
//! Each fixture is one exchange. `<id>` in a reply stands for any text.

use std::{fs, path::Path};

use serde_json::Value as Json;

use crate::support::Shop;

#[test]
fn every_recorded_exchange_is_answered_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() >= 10, "{paths:?}");
    for path in paths {
        let shop = Shop::new();
        shop.release(2.0);
        let (_server, client, _log) = shop.server();
        let exchange: Json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let target = exchange["path"].as_str().unwrap();
        // a text is sent as it stands, for what is not JSON
        let (status, reply) = match &exchange["request"] {
            Json::Null => client.get(target),
            Json::String(text) => client.post(target, text),
            body => client.post(target, body.to_string()),
        };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(Json::from(status), exchange["status"], "{name}: {reply}");
        assert!(matches(&exchange["reply"], &reply), "{name}: {reply:#}");
    }
}

fn matches(expected: &Json, found: &Json) -> bool {
    match (expected, found) {
        (Json::String(any), Json::String(_)) if any == "<id>" => true,
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| matches(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(k, v)| b.get(k).is_some_and(|f| matches(v, f)))
        }
        _ => expected == found,
    }
}
