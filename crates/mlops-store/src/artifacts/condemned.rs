//! What is condemned: a commit log that every writer reads before it says that something is kept.
//!
//! A batch of names is condemned by one entry. From then on a writer that needs the bytes puts them under the next
//! generation of the name, so that the condemned one can be removed at any later time. The log is never folded; its
//! checkpoints keep reading it short.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use mlops_core::{Digest, EventTime, Span};

use super::name::{Kind, Name};
use crate::{Appended, CommitLog, Error, Result, rest::Rest};

/// The most names of one batch, so that it fits into an entry.
pub(super) const MAX_BATCH: usize = 400_000;

/// Stands in a checkpoint for a batch that nobody has seen yet.
const NEVER: i64 = i64::MIN;

/// Numbers of batches, with the times they were seen.
type Waiting = Vec<(u64, Option<EventTime>)>;

/// Names that were condemned together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    /// How long what was acknowledged before is to stay unreferenced.
    pub(super) grace: Span,
    pub(super) names: Vec<Name>,
    /// An instant at which it was in the log already, by the clock of a collector that saw it there. The one that wrote
    /// it may have slept after it looked at its clock, so that its own time would say nothing.
    pub(super) seen: Option<EventTime>,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Condemned(Batch),
    /// The batch with this number was in the log at this time.
    Seen(u64, EventTime),
    /// The names of the batch with this number are removed.
    Swept(u64),
}

/// What is condemned, as far as it was read.
pub(super) struct Condemned {
    log: CommitLog,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct State {
    loaded: bool,
    /// The last entry that is read.
    read: u64,
    /// The generation that may be used, of all names that were ever condemned.
    next: BTreeMap<(Kind, Digest), u32>,
    /// The batches that are not swept, by the number of their entry.
    waiting: BTreeMap<u64, Batch>,
}

impl Condemned {
    pub(super) fn new(log: CommitLog) -> Self {
        Self {
            log,
            state: Mutex::default(),
        }
    }

    /// The generation that may be used, as far as is known.
    pub(super) fn next(&self, kind: Kind, digest: &Digest) -> u32 {
        let state = self.state();
        state.next.get(&(kind, *digest)).copied().unwrap_or(0)
    }

    /// The batches that wait, as far as is known.
    pub(super) fn waiting(&self) -> BTreeMap<u64, Batch> {
        self.state().waiting.clone()
    }

    /// Reads on to the end of the log. Whether there was anything new is returned.
    pub(super) fn refresh(&self) -> Result<bool> {
        let (loaded, read) = {
            let state = self.state();
            (state.loaded, state.read)
        };
        let mut new = Vec::new();
        let start = if loaded { None } else { self.load()? };
        let mut last = start.as_ref().map_or(read, |state| state.read);
        while let Some(entry) = self.log.entry(last + 1)? {
            new.push(self.decoded(&entry.bytes)?);
            last += 1;
        }
        let mut state = self.state();
        let before = state.read;
        if let Some(start) = start
            && start.read > state.read
        {
            *state = start;
        }
        state.loaded = true;
        for (number, entry) in (last + 1 - new.len() as u64..).zip(new) {
            // another thread may have read it meanwhile
            if number == state.read + 1 {
                state.apply(entry, number);
            }
        }
        Ok(state.read > before)
    }

    /// The state of the latest checkpoint.
    fn load(&self) -> Result<Option<State>> {
        let Some(checkpoint) = self.log.latest_checkpoint()? else {
            return Ok(None);
        };
        let (mut state, waiting) = State::decode(&checkpoint.bytes, checkpoint.number)
            .map_err(|reason| self.corrupt(reason))?;
        for (number, seen) in waiting {
            let entry = self
                .log
                .entry(number)?
                .ok_or_else(|| self.log.missing(number))?;
            if let Entry::Condemned(batch) = self.decoded(&entry.bytes)? {
                state.waiting.insert(number, Batch { seen, ..batch });
            }
        }
        Ok(Some(state))
    }

    /// Condemns a batch after all that is read; `false` if there is more to read first.
    pub(super) fn condemn(&self, batch: Batch) -> Result<bool> {
        self.append(Entry::Condemned(batch))
    }

    /// Notes that a batch is in the log at an instant; `false` if there is more to read first.
    pub(super) fn seen(&self, number: u64, at: EventTime) -> Result<bool> {
        self.append(Entry::Seen(number, at))
    }

    /// Notes that a batch is swept; `false` if there is more to read first.
    pub(super) fn swept(&self, number: u64) -> Result<bool> {
        self.append(Entry::Swept(number))
    }

    /// Keeps the state, so that the log is not read from its beginning.
    pub(super) fn checkpoint(&self) -> Result<()> {
        let (read, bytes) = {
            let state = self.state();
            (state.read, state.encode())
        };
        if read == 0 {
            return Ok(());
        }
        self.log.checkpoint(read, &bytes)?;
        self.log.prune_checkpoints()
    }

    fn append(&self, entry: Entry) -> Result<bool> {
        let bytes = entry.encode();
        let read = self.state().read;
        // two collectors that would write the same may share an entry
        let request = Digest::of(&bytes).into();
        match self.log.append(read, &request, &bytes)? {
            Appended::Won => {
                let mut state = self.state();
                if state.read == read {
                    state.apply(entry, read + 1);
                }
                Ok(true)
            }
            Appended::Lost { .. } => Ok(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // the state is replaced whole, whatever happened to a holder of the lock
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decoded(&self, bytes: &[u8]) -> Result<Entry> {
        Entry::decode(bytes).map_err(|reason| self.corrupt(reason))
    }

    fn corrupt(&self, reason: &'static str) -> Error {
        Error::LogCorrupt {
            url: self.log.url().to_owned(),
            reason,
        }
    }
}

impl State {
    fn apply(&mut self, entry: Entry, number: u64) {
        self.read = number;
        match entry {
            Entry::Condemned(batch) => {
                for name in &batch.names {
                    let next = self.next.entry((name.kind, name.digest)).or_default();
                    *next = (*next).max(name.generation.saturating_add(1));
                }
                self.waiting.insert(number, batch);
            }
            Entry::Seen(batch, at) => {
                if let Some(batch) = self.waiting.get_mut(&batch) {
                    batch.seen.get_or_insert(at);
                }
            }
            Entry::Swept(batch) => {
                self.waiting.remove(&batch);
            }
        }
    }

    /// Names with their next generations, and the numbers of the batches that wait with the times they were seen.
    fn encode(&self) -> Vec<u8> {
        let names = self.next.iter().map(|((kind, digest), generation)| Name {
            kind: *kind,
            digest: *digest,
            generation: *generation,
        });
        let mut bytes = encode_names(self.next.len(), names);
        for (number, batch) in &self.waiting {
            bytes.extend_from_slice(&number.to_le_bytes());
            let seen = batch.seen.map_or(NEVER, EventTime::micros);
            bytes.extend_from_slice(&seen.to_le_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8], read: u64) -> Result<(Self, Waiting), &'static str> {
        let mut rest = Rest(bytes);
        let names = decode_names(&mut rest)?;
        let mut waiting = Vec::new();
        while !rest.0.is_empty() {
            let number = rest.number()?;
            let seen = i64::from_le_bytes(rest.array()?);
            waiting.push((
                number,
                (seen != NEVER).then(|| EventTime::from_micros(seen)),
            ));
        }
        let next = names
            .into_iter()
            .map(|name| ((name.kind, name.digest), name.generation));
        let state = Self {
            loaded: true,
            read,
            next: next.collect(),
            waiting: BTreeMap::new(),
        };
        Ok((state, waiting))
    }
}

impl Entry {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Condemned(batch) => {
                let mut bytes = vec![1];
                bytes.extend_from_slice(&batch.grace.micros().to_le_bytes());
                bytes.extend(encode_names(batch.names.len(), batch.names.iter().copied()));
                bytes
            }
            Self::Seen(number, at) => {
                let at = at.micros().to_le_bytes();
                [&[3][..], &number.to_le_bytes(), &at].concat()
            }
            Self::Swept(number) => [&[2][..], &number.to_le_bytes()].concat(),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut rest = Rest(bytes);
        let entry = match rest.take(1)? {
            [1] => {
                let grace = Span::from_micros(i64::from_le_bytes(rest.array()?))
                    .map_err(|_| "its grace period is none")?;
                let names = decode_names(&mut rest)?;
                Self::Condemned(Batch {
                    grace,
                    names,
                    seen: None,
                })
            }
            [2] => Self::Swept(rest.number()?),
            [3] => {
                let number = rest.number()?;
                Self::Seen(
                    number,
                    EventTime::from_micros(i64::from_le_bytes(rest.array()?)),
                )
            }
            _ => return Err("it is an entry that this program does not know"),
        };
        if rest.0.is_empty() {
            return Ok(entry);
        }
        Err("it is too long")
    }
}

fn encode_names(count: usize, names: impl Iterator<Item = Name>) -> Vec<u8> {
    let count = u32::try_from(count).expect("a checkpoint of so many names is refused by its size");
    let mut bytes = count.to_le_bytes().to_vec();
    for name in names {
        bytes.push(name.kind as u8);
        bytes.extend_from_slice(&name.generation.to_le_bytes());
        bytes.extend_from_slice(name.digest.as_bytes());
    }
    bytes
}

fn decode_names(rest: &mut Rest<'_>) -> Result<Vec<Name>, &'static str> {
    let count = rest.small()?;
    let mut names = Vec::new();
    for _ in 0..count {
        let [code] = rest.array()?;
        names.push(Name {
            kind: Kind::of_code(code).ok_or("a name in it is of no known kind")?,
            generation: rest.small()?,
            digest: rest.digest()?,
        });
    }
    Ok(names)
}

impl fmt::Debug for Condemned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condemned({})", self.log.url())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Objects;

    fn name(text: &str, generation: u32) -> Name {
        Name {
            kind: Kind::Blob,
            digest: Digest::of(text.as_bytes()),
            generation,
        }
    }

    fn batch(names: &[Name]) -> Batch {
        Batch {
            grace: Span::hours(1),
            names: names.to_vec(),
            seen: None,
        }
    }

    #[test]
    fn what_one_condemns_another_reads_with_and_without_a_checkpoint() {
        let at = Objects::new().locate("memory://store/garbage").unwrap();
        let open = || Condemned::new(CommitLog::at(&at));
        let (a, b) = (open(), open());
        let (x, y) = (name("x", 0), name("y", 4));
        assert!(a.condemn(batch(&[x, y])).unwrap());
        assert!(!b.condemn(batch(&[x])).unwrap(), "it has not read on");
        assert!(b.refresh().unwrap());
        assert!(!b.refresh().unwrap());
        assert!(b.condemn(batch(&[name("x", 1)])).unwrap());
        assert!(b.swept(1).unwrap());
        assert!(b.seen(2, EventTime::from_seconds(7)).unwrap());
        assert!(b.seen(2, EventTime::from_seconds(9)).unwrap());
        b.checkpoint().unwrap();
        assert!(a.refresh().unwrap());
        let fresh = open();
        fresh.refresh().unwrap();
        for reader in [a, b, fresh] {
            assert_eq!(reader.next(Kind::Blob, &x.digest), 2);
            assert_eq!(reader.next(Kind::Blob, &y.digest), 5);
            assert_eq!(reader.next(Kind::Tree, &x.digest), 0);
            let waiting = reader.waiting();
            let seen = Some(EventTime::from_seconds(7));
            let expected = Batch {
                seen,
                ..batch(&[name("x", 1)])
            };
            assert_eq!(waiting.into_iter().collect::<Vec<_>>(), [(2, expected)]);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            if let Ok(entry) = Entry::decode(&bytes) {
                prop_assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
            }
            let _ = State::decode(&bytes, 1);
        }
    }
}
