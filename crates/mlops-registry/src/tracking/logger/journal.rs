//! The journal: batches that wait on the local disk while the backend is away.
//!
//! A file of records behind a magic: length, checksum, JSON. A record counts once it is synced; a tail
//! that a crash tore is cut off when the file is opened, which loses nothing that was acknowledged.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use mlops_core::Digest;

use super::entry::Numbered;
use crate::{Error, Result, TrackingError};

/// The head of the file; another version has another one.
const MAGIC: &[u8; 8] = b"MLOPSJ1\n";
/// How much of a digest guards a record.
const CHECK: usize = 16;
/// The longest record that is read, in bytes.
const LONGEST: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Where whole records end.
    end: u64,
    limit: u64,
}

impl Journal {
    /// Opens or makes the file, takes it for this process alone, and reads what waits in it.
    pub(super) fn open(path: &Path, limit: u64) -> Result<(Self, Vec<Numbered>)> {
        let failed = |action, source| -> Error {
            TrackingError::Journal {
                action,
                path: path.to_owned(),
                source,
            }
            .into()
        };
        let refused = |reason| -> Error {
            TrackingError::NotAJournal {
                path: path.to_owned(),
                reason,
            }
            .into()
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|source| failed("open", source))?;
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => refused("another logger holds it"),
            std::fs::TryLockError::Error(source) => failed("lock", source),
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(|source| failed("read", source))?;
        let mut records = Vec::new();
        let mut end = 0;
        if bytes.len() >= MAGIC.len() {
            if !bytes.starts_with(MAGIC) {
                return Err(refused("it is another file"));
            }
            end = MAGIC.len();
            while let Some((text, length)) = record(&bytes[end..]) {
                // it was acknowledged, so it is not cut off
                let record = serde_json::from_slice(text).map_err(|_| {
                    refused(
                        "a whole record of it does not read; a newer program may have written it",
                    )
                })?;
                records.push(record);
                end += length;
            }
        } else if !MAGIC.starts_with(&bytes) {
            return Err(refused("it is another file"));
        }
        let mut journal = Self {
            path: path.to_owned(),
            file,
            end: end as u64,
            limit,
        };
        if end == 0 {
            journal.begin().map_err(|source| failed("begin", source))?;
        } else {
            journal
                .cut(journal.end)
                .map_err(|source| failed("cut", source))?;
        }
        Ok((journal, records))
    }

    /// Writes the magic, and makes the name of the file durable.
    fn begin(&mut self) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(MAGIC)?;
        self.file.sync_all()?;
        self.end = MAGIC.len() as u64;
        #[cfg(unix)]
        if let Some(parent) = self.path.parent() {
            let parent = if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            };
            File::open(parent)?.sync_all()?;
        }
        Ok(())
    }

    fn cut(&mut self, end: u64) -> std::io::Result<()> {
        self.file.set_len(end)?;
        self.file.seek(SeekFrom::Start(end))?;
        self.file.sync_data()?;
        self.end = end;
        Ok(())
    }

    /// Keeps a batch through a power cut. Says no if the journal has grown to its limit.
    pub(super) fn append(&mut self, batch: &Numbered) -> Result<bool> {
        let text = serde_json::to_vec(batch).expect("entries are texts and numbers");
        let Ok(length) = u32::try_from(text.len()) else {
            return Ok(false);
        };
        let mut bytes = Vec::with_capacity(4 + CHECK + text.len());
        bytes.extend(length.to_be_bytes());
        bytes.extend(check(&text));
        bytes.extend(text);
        let end = self.end + bytes.len() as u64;
        if end > self.limit {
            return Ok(false);
        }
        let written = self
            .file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(&bytes))
            .and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => {
                self.end = end;
                Ok(true)
            }
            Err(source) => Err(self.failed("write", source)),
        }
    }

    /// Forgets all records: they are in the registry now.
    pub(super) fn clear(&mut self) -> Result<()> {
        self.cut(MAGIC.len() as u64)
            .map_err(|source| self.failed("empty", source))
    }

    fn failed(&self, action: &'static str, source: std::io::Error) -> Error {
        TrackingError::Journal {
            action,
            path: self.path.clone(),
            source,
        }
        .into()
    }
}

/// The text of the record at the head and the length of both, if it is whole.
fn record(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    if length > LONGEST {
        return None;
    }
    let (checked, rest) = rest.split_at_checked(CHECK)?;
    let text = rest.get(..length)?;
    if check(text) != checked {
        return None;
    }
    Some((text, 4 + CHECK + length))
}

fn check(text: &[u8]) -> [u8; CHECK] {
    let digest = Digest::of(text).to_string();
    let mut check = [0; CHECK];
    check.copy_from_slice(&digest.as_bytes()[..CHECK]);
    check
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mlops_core::EventTime;

    use super::{super::entry::Entry, *};
    use crate::MetricPoint;

    fn batch(sequence: u64) -> Numbered {
        let point = MetricPoint {
            step: 1,
            time: EventTime::from_seconds(1),
            value: f64::NEG_INFINITY,
        };
        Numbered {
            run: "0123456789abcdef0123456789abcdef".parse().unwrap(),
            writer: "w".into(),
            sequence,
            entries: vec![
                Entry::Metric("m".into(), point),
                Entry::Param("p".into(), "é".into()),
            ],
        }
    }

    #[test]
    fn whole_records_come_back_wherever_the_tail_is_torn() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let (mut journal, none) = Journal::open(&path, u64::MAX).unwrap();
        assert!(none.is_empty());
        let mut ends = vec![MAGIC.len() as u64];
        for sequence in 1..=3 {
            assert!(journal.append(&batch(sequence)).unwrap());
            ends.push(journal.end);
        }
        drop(journal);
        let whole = fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let (mut journal, records) = Journal::open(&path, u64::MAX).unwrap();
            let count = ends[1..]
                .iter()
                .filter(|end| **end <= length as u64)
                .count();
            let expected: Vec<_> = (1..=count as u64).map(batch).collect();
            assert_eq!(records, expected, "{length}");
            assert!(journal.append(&batch(9)).unwrap());
            drop(journal);
            let (_, records) = Journal::open(&path, u64::MAX).unwrap();
            assert_eq!(records.last(), Some(&batch(9)));
        }
    }

    #[test]
    fn a_whole_record_that_does_not_read_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let text = br#"{"run":"0123456789abcdef0123456789abcdef","writer":"w","sequence":1,"entries":[{"image":"x"}]}"#;
        let length = u32::try_from(text.len()).unwrap();
        let bytes = [MAGIC, &length.to_be_bytes()[..], &check(text), text].concat();
        fs::write(&path, &bytes).unwrap();
        let error = Journal::open(&path, u64::MAX).unwrap_err();
        assert!(error.to_string().contains("newer program"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn foreign_files_full_journals_and_two_loggers_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        fs::write(&path, b"something else entirely").unwrap();
        assert!(Journal::open(&path, u64::MAX).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"something else entirely");
        fs::remove_file(&path).unwrap();
        let (mut journal, _) = Journal::open(&path, 20).unwrap();
        assert!(!journal.append(&batch(1)).unwrap());
        let error = Journal::open(&path, 20).unwrap_err();
        assert!(error.to_string().contains("another logger"), "{error}");
    }
}
