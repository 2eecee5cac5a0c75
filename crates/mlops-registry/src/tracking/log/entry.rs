//! Entries of logs and checkpoints, as they lie on the store: JSON with a format.

use mlops_store::RequestId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::LogName;
use crate::{
    Error, Result,
    tracking::ops::{Beat, Write},
};

pub(super) const FORMAT: u32 = 1;

/// What was written together.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) request: RequestId,
    pub(super) told: Told,
}

/// The content of an entry; in a checkpoint, that of all entries up to one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    format: u32,
    /// How far the log of experiments was known to the writer.
    pub(super) experiments: u64,
    pub(super) writes: Vec<Write>,
}

#[derive(Serialize)]
struct Telling<'a> {
    format: u32,
    experiments: u64,
    writes: &'a [Box<RawValue>],
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// The bytes of an entry.
pub(super) fn telling(experiments: u64, writes: &[Box<RawValue>]) -> Vec<u8> {
    let telling = Telling {
        format: FORMAT,
        experiments,
        writes,
    };
    serde_json::to_vec(&telling).expect("texts are JSON")
}

impl Told {
    pub(super) fn of(experiments: u64, writes: Vec<Write>) -> Self {
        Self {
            format: FORMAT,
            experiments,
            writes,
        }
    }

    pub(super) fn read(log: &LogName, number: u64, bytes: &[u8]) -> Result<Self> {
        let broken = |reason: String| Error::Stored {
            what: "entry of a log of tracking",
            reason: format!("entry {number} of `{log}`: {reason}"),
        };
        let told = serde_json::from_slice::<Self>(bytes);
        match told {
            Ok(told) if told.format == FORMAT => Ok(told),
            Ok(told) => Err(broken(format!("its format is {}", told.format))),
            // a newer format may hold anything
            Err(error) => Err(broken(match serde_json::from_slice::<Format>(bytes) {
                Ok(Format { format }) if format != FORMAT => format!("its format is {format}"),
                _ => error.to_string(),
            })),
        }
    }

    /// Adds what a later entry tells.
    pub(super) fn then(&mut self, later: Self) {
        self.experiments = self.experiments.max(later.experiments);
        self.writes.extend(later.writes);
    }

    /// The bytes of a checkpoint: without heartbeats that later ones make idle.
    pub(super) fn checkpoint(mut self) -> Vec<u8> {
        self.writes = thin(self.writes);
        serde_json::to_vec(&self).expect("writes are JSON")
    }
}

/// Joins heartbeats into the last of each stretch that ends with nothing which looks at them.
fn thin(writes: Vec<Write>) -> Vec<Write> {
    let mut kept: Vec<Write> = Vec::with_capacity(writes.len());
    let mut last: Option<usize> = None;
    for write in writes.into_iter().rev() {
        match (&write, last) {
            (Write::Beat(Beat { now, .. }), Some(at)) => {
                if let Write::Beat(later) = &mut kept[at] {
                    later.now = later.now.max(*now);
                }
                continue;
            }
            (Write::Beat(_), None) => last = Some(kept.len()),
            (Write::EndAbandoned(_), _) => last = None,
            _ => {}
        }
        kept.push(write);
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        RunStatus,
        tracking::ops::{DeleteTag, EndAbandoned},
    };

    #[test]
    fn heartbeats_are_joined_but_for_those_that_an_end_looked_at() {
        let run: crate::RunId = "0".repeat(32).parse().unwrap();
        let beat = |now| {
            Write::from(Beat {
                run: run.clone(),
                now,
            })
        };
        let end = Write::from(EndAbandoned {
            run: run.clone(),
            before: 9,
            status: RunStatus::Killed,
        });
        let tag = Write::from(DeleteTag {
            run: run.clone(),
            tag: "a".into(),
        });
        let writes = vec![
            beat(3),
            tag.clone(),
            beat(2),
            end.clone(),
            beat(7),
            tag.clone(),
            beat(8),
        ];
        let kept: Vec<String> = thin(writes)
            .iter()
            .map(|write| serde_json::to_string(write).unwrap())
            .collect();
        let expected: Vec<String> = [tag.clone(), beat(3), end, tag, beat(8)]
            .iter()
            .map(|write| serde_json::to_string(write).unwrap())
            .collect();
        assert_eq!(kept, expected);
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let read = |text: &str| {
            Told::read(&LogName::Experiments, 7, text.as_bytes())
                .unwrap_err()
                .to_string()
        };
        let newer = read(r#"{"format":2,"experiments":0,"writes":[{"Dance":{}}]}"#);
        assert!(
            newer.ends_with("entry 7 of `experiments`: its format is 2"),
            "{newer}"
        );
        let newer = read(r#"{"format":3,"experiments":0,"writes":[]}"#);
        assert!(newer.ends_with("its format is 3"), "{newer}");
        let damage = read(r#"{"format":1,"experiments":0,"writes":[{"Dance":{}}]}"#);
        assert!(damage.contains("Dance"), "{damage}");
    }
}
