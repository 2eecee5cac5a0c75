//! No exported trail makes its verification panic, and nothing is vouched for that was cut or signed by another.
//!
//! The first byte chooses: lines as they are, or lines of records that are linked to one chain or to one for each
//! model, with a first line that tells their ends; or an anchor, as it is and past its signature.

use std::sync::LazyLock;

use mlops_model::SigningKey;
use mlops_registry::{Anchor, SignedAnchor, verify_export};
use serde_json::{Value, json};

use crate::chain::{Ends, linked};

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate().expect("random numbers"));

const TIME: &str = "2026-01-01T00:00:00Z";

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    match choice % 4 {
        0 => {
            let anchors: Vec<Anchor> = rest
                .split(|byte| *byte == b'\n')
                .filter_map(|line| serde_json::from_slice(line).ok())
                .collect();
            let _ = verify_export(&mut &*rest, &anchors);
        }
        1 => chains(rest, true),
        2 => chains(rest, false),
        _ => anchor(rest),
    }
}

/// Where the chains end.
fn heads(ends: &Ends) -> Vec<Value> {
    let head = |(chain, (entries, digest)): (&String, &(u64, String))| {
        let model = Some(chain).filter(|chain| !chain.is_empty());
        json!({"model": model, "entries": entries, "digest": digest})
    };
    ends.iter().map(head).collect()
}

fn export(heads: &[Value], records: &[Value]) -> String {
    let first = json!({"mlops_audit": 1, "time": TIME, "heads": heads});
    lines(std::iter::once(&first).chain(records))
}

fn lines<'a>(values: impl Iterator<Item = &'a Value>) -> String {
    let mut text = String::new();
    for value in values {
        text += &value.to_string();
        text.push('\n');
    }
    text
}

fn chains(data: &[u8], single: bool) {
    let (records, ends) = linked(data, single);
    let heads = heads(&ends);
    let text = export(&heads, &records);
    let Ok(trail) = verify_export(&mut text.as_bytes(), &[]) else {
        return;
    };
    assert_eq!(trail.entries, records.len() as u64);
    let anchor = json!({"format": 1, "time": TIME, "heads": heads});
    let anchor: Anchor = serde_json::from_value(anchor).expect("an anchor");
    let anchors = [anchor];
    let again = verify_export(&mut text.as_bytes(), &anchors).expect("it ends where it is anchored");
    assert_eq!(again, trail);
    // a trail without its last entry is sound by itself, and not the anchored one
    let Some((_, cut)) = records.split_last() else { return };
    let (_, ends) = linked(lines(cut.iter()).as_bytes(), single);
    let text = export(&self::heads(&ends), cut);
    assert!(verify_export(&mut text.as_bytes(), &[]).is_ok(), "the first entries of a sound trail");
    assert!(verify_export(&mut text.as_bytes(), &anchors).is_err(), "a cut trail");
}

fn anchor(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(signed) = SignedAnchor::from_json(text) {
        assert!(signed.open(&KEY.public_key()).is_err(), "nobody else has the key");
        assert_eq!(SignedAnchor::from_json(&signed.to_json()).ok(), Some(signed));
    }
    let signature = KEY.sign(data).to_base64();
    let signed = json!({"anchor": text, "signature": signature}).to_string();
    let signed = SignedAnchor::from_json(&signed).expect("two texts");
    if let Ok(anchor) = signed.open(&KEY.public_key()) {
        let again = anchor.sign(&KEY).open(&KEY.public_key());
        assert_eq!(again.ok(), Some(anchor));
    }
}
