//! The push log: what was acknowledged survives the process.
//!
//! ```text
//! file:   "mlopslog" · version u8, 1 or 2
//! record: length u32 · CRC-32 u32 of the rest · durable u64 · payload, see `record`
//! ```
//!
//! Numbers are little-endian. A log of version 1 is read and not written to. `durable` is how much of the file was
//! known to be on the disk when the record was written. A record that is cut off or fails its checksum is the torn
//! tail of a crash: it was never acknowledged, and it and what follows are dropped when the log is opened. If a later
//! record says that the broken one had reached the disk, it is no torn tail but damage, and an error.
//!
//! Writers append under a lock and wait for the disk together: whoever comes first syncs for all that
//! appended before (group commit).

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use flate2::Crc;

use super::{
    Durability,
    record::{Numbers, VERSION},
};
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"mlopslog";
const START: u64 = START_BYTES as u64;
const START_BYTES: usize = 9;
/// Length and checksum.
const HEADER: usize = 8;
const DURABLE: usize = 8;
/// The first version, whose payloads are others.
const OLDEST: u8 = 1;
/// A longer record is none of ours.
const LONGEST: usize = 1 << 30;

/// An open log.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    version: u8,
    durability: Durability,
    writer: Mutex<Writer>,
    /// The length that is on the disk, and a handle to bring it further.
    synced: Mutex<Synced>,
}

#[derive(Debug)]
struct Writer {
    file: File,
    length: u64,
    durable: u64,
    buffer: Vec<u8>,
    numbers: Numbers,
    broken: bool,
}

#[derive(Debug)]
struct Synced {
    file: File,
    length: u64,
    broken: bool,
}

/// What is done with each record that is read: the version of its file, and its payload.
pub(super) type Each<'a> = dyn FnMut(u8, &[u8]) -> Result<()> + 'a;

/// What opening a log found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// The bytes of the torn tail.
    pub(crate) torn: u64,
}

impl Log {
    /// Opens a log for appending, after handing out version and payload of all records in order.
    pub(super) fn open(
        path: &Path,
        durability: Durability,
        each: &mut Each<'_>,
    ) -> Result<(Self, Replayed)> {
        let failed = |action: &'static str| file_error(action, path);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed("opened"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed("read"))?;
        let good = replay(path, &bytes, each)?;
        let version = bytes.get(MAGIC.len()).copied().unwrap_or(VERSION);
        let (length, torn) = if good == 0 {
            file.set_len(0).map_err(failed("written"))?;
            file.seek(SeekFrom::Start(0)).map_err(failed("written"))?;
            file.write_all(MAGIC).map_err(failed("written"))?;
            file.write_all(&[VERSION]).map_err(failed("written"))?;
            (START, 0)
        } else {
            file.set_len(good).map_err(failed("written"))?;
            (good, bytes.len() as u64 - good)
        };
        file.seek(SeekFrom::Start(length)).map_err(failed("read"))?;
        file.sync_all().map_err(failed("synced"))?;
        let second = file.try_clone().map_err(failed("opened"))?;
        let log = Self {
            path: path.to_owned(),
            version,
            durability,
            writer: Mutex::new(Writer {
                file,
                length,
                durable: length,
                buffer: Vec::new(),
                numbers: Numbers::default(),
                broken: false,
            }),
            synced: Mutex::new(Synced {
                file: second,
                length,
                broken: false,
            }),
        };
        Ok((log, Replayed { torn }))
    }

    /// Whether it can be written to.
    pub(super) fn is_current(&self) -> bool {
        self.version == VERSION
    }

    /// Goes on with the numbers that its file has given to views.
    pub(super) fn number(&mut self, numbers: Numbers) {
        let writer = self.writer.get_mut();
        writer.unwrap_or_else(PoisonError::into_inner).numbers = numbers;
    }

    /// Appends a record; what it returns is to be handed to [`commit`](Self::commit).
    pub(super) fn append(&self, fill: impl FnOnce(&mut Numbers, &mut Vec<u8>)) -> Result<u64> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.broken {
            return Err(self.broken());
        }
        let durable = match self.durability {
            Durability::Disk => writer.durable,
            Durability::Process => 0,
        };
        let mut buffer = std::mem::take(&mut writer.buffer);
        buffer.clear();
        buffer.extend([0; HEADER]);
        buffer.extend(durable.to_le_bytes());
        let numbered = writer.numbers.len();
        fill(&mut writer.numbers, &mut buffer);
        let rest = buffer.len() - HEADER;
        if rest > LONGEST {
            writer.numbers.truncate(numbered);
            return Err(self.damaged("a push is larger than 1 GiB; push it in parts"));
        }
        let length = u32::try_from(rest).expect("1 GiB fits");
        buffer[..4].copy_from_slice(&length.to_le_bytes());
        let sum = crc(&buffer[HEADER..]);
        buffer[4..HEADER].copy_from_slice(&sum.to_le_bytes());
        if let Err(source) = writer.file.write_all(&buffer) {
            // half a record must not stand before a whole one, nor a number without what it stands for
            writer.numbers.truncate(numbered);
            let length = writer.length;
            let undone = writer.file.set_len(length).is_ok()
                && writer.file.seek(SeekFrom::Start(length)).is_ok();
            writer.broken = !undone;
            return Err(file_error("written", &self.path)(source));
        }
        writer.length += buffer.len() as u64;
        buffer.shrink_to(1 << 20);
        writer.buffer = buffer;
        Ok(writer.length)
    }

    /// Waits until the file is safe up to a length, as far as the log's durability asks for it.
    pub(crate) fn commit(&self, length: u64) -> Result<()> {
        if self.durability == Durability::Process {
            return Ok(());
        }
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if synced.broken {
            return Err(self.broken());
        }
        if synced.length >= length {
            return Ok(());
        }
        let written = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .length;
        if let Err(source) = synced.file.sync_data() {
            // what the system then still holds of the file is not known
            synced.broken = true;
            self.writer
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .broken = true;
            return Err(file_error("synced", &self.path)(source));
        }
        synced.length = written;
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .durable = written;
        Ok(())
    }

    /// The length of the file in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .length
    }

    fn broken(&self) -> Error {
        self.damaged("an earlier write failed; open the store again")
    }

    fn damaged(&self, reason: &str) -> Error {
        Error::DamagedFile {
            path: self.path.display().to_string(),
            reason: reason.to_owned(),
        }
    }
}

/// Hands out the records of a closed log.
pub(super) fn read(path: &Path, each: &mut Each<'_>) -> Result<()> {
    let bytes = std::fs::read(path).map_err(file_error("read", path))?;
    replay(path, &bytes, each).map(drop)
}

/// Hands out whole records; the length of the good part, 0 if not even the header is there.
fn replay(path: &Path, bytes: &[u8], each: &mut Each<'_>) -> Result<u64> {
    let damaged = |reason: String| Error::DamagedFile {
        path: path.display().to_string(),
        reason,
    };
    let Some((header, mut rest)) = bytes.split_at_checked(START_BYTES) else {
        // the process died while it made the file
        return if MAGIC.starts_with(bytes) {
            Ok(0)
        } else {
            Err(damaged("it is no push log".to_owned()))
        };
    };
    if &header[..8] != MAGIC {
        return Err(damaged("it is no push log".to_owned()));
    }
    let version = header[8];
    if !(OLDEST..=VERSION).contains(&version) {
        return Err(damaged(format!(
            "its version is {version}, this reads {OLDEST} to {VERSION}"
        )));
    }
    let mut good = START;
    while let Some((record, after)) = split(rest) {
        let Some(record) = record else {
            if durable_after(after) > good {
                return Err(damaged(format!(
                    "the record at byte {good} was on the disk and is broken"
                )));
            }
            break;
        };
        each(version, &record[DURABLE..])?;
        good += (HEADER + record.len()) as u64;
        rest = after;
    }
    Ok(good)
}

/// The next record and what follows it; no record if its checksum is wrong, nothing if it is cut off.
fn split(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (record, after) = rest.split_at_checked(length)?;
    let whole = (DURABLE..=LONGEST).contains(&length) && crc(record) == u32::from_le_bytes(*sum);
    Some((whole.then_some(record), after))
}

/// The furthest point that records from here on know to be on the disk.
fn durable_after(mut bytes: &[u8]) -> u64 {
    let mut furthest = 0;
    while let Some((record, after)) = split(bytes) {
        if let Some((durable, _)) = record.and_then(|record| record.split_first_chunk()) {
            furthest = furthest.max(u64::from_le_bytes(*durable));
        }
        bytes = after;
    }
    furthest
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

pub(crate) fn file_error(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::File {
        action,
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payloads(path: &Path, durability: Durability) -> Result<(Log, Vec<Vec<u8>>, u64)> {
        let mut all = Vec::new();
        let (log, replayed) = Log::open(path, durability, &mut |_, payload| {
            all.push(payload.to_vec());
            Ok(())
        })?;
        Ok((log, all, replayed.torn))
    }

    fn written(path: &Path, durability: Durability, count: u8) -> Vec<u64> {
        let (log, _, _) = payloads(path, durability).unwrap();
        let append = |i: u8| {
            let at = log.append(|_, out| out.extend([i; 20])).unwrap();
            log.commit(at).unwrap();
            at
        };
        (0..count).map(append).collect()
    }

    #[test]
    fn every_cut_of_the_file_leaves_a_prefix_of_the_records() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let ends = written(&path, Durability::Disk, 4);
        let bytes = std::fs::read(&path).unwrap();
        for cut in 0..=bytes.len() {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            let (_, all, torn) = payloads(&path, Durability::Disk).unwrap();
            let whole = ends.iter().filter(|end| **end <= cut as u64).count();
            assert_eq!(all.len(), whole, "cut at {cut}");
            let last = ends[..whole].last().copied().unwrap_or(START);
            assert_eq!(
                torn,
                (cut as u64)
                    .saturating_sub(last.min(cut as u64))
                    .min(if cut < 9 { 0 } else { u64::MAX })
            );
            // and the log goes on from there
            let after = std::fs::metadata(&path).unwrap().len();
            assert_eq!(after, last);
        }
    }

    #[test]
    fn a_broken_record_that_was_on_the_disk_is_damage_and_one_that_was_not_is_a_torn_tail() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let ends = written(&path, Durability::Disk, 4);
        let bytes = std::fs::read(&path).unwrap();
        let flip = |at: u64| {
            let mut bytes = bytes.clone();
            bytes[usize::try_from(at).unwrap()] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        };
        flip(ends[1] - 1);
        let error = payloads(&path, Durability::Disk).unwrap_err().to_string();
        assert!(error.contains("was on the disk and is broken"), "{error}");
        flip(ends[3] - 1);
        assert_eq!(payloads(&path, Durability::Disk).unwrap().1.len(), 3);

        let path = dir.path().join("unsynced");
        let ends = written(&path, Durability::Process, 4);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[usize::try_from(ends[1]).unwrap() - 1] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(payloads(&path, Durability::Process).unwrap().1.len(), 1);
    }

    #[test]
    fn another_file_is_refused_and_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for bytes in [&b"hello, this is no log"[..], b"mlopslog\x07", b"mlopsdog"] {
            std::fs::write(&path, bytes).unwrap();
            assert!(payloads(&path, Durability::Disk).is_err());
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }
}
