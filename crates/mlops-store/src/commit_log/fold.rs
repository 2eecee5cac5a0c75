//! Folding old entries away, safely against writers that slept through it.
//!
//! A segment of entries is deleted only after its seal is there for good: who wrote each of its entries. A writer that
//! creates an entry which was deleted meanwhile finds the seal when it looks, and in it whether it had won.

use bytes::Bytes;

use super::{
    CommitLog, RequestId,
    append::Placed,
    envelope::{Envelope, Kind},
    names,
};
use crate::{Error, Result};

/// The request that every seal is written under: all writers of a seal write the same.
const SEALER: &str = "seal";
/// Names that are listed at once.
const PAGE: usize = 1_000;

/// Who wrote the entries of a segment.
#[derive(Debug)]
pub(super) struct Seal {
    first: u64,
    requests: Vec<RequestId>,
}

impl Seal {
    pub(super) fn request(&self, number: u64) -> Option<&RequestId> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.requests.get(at)
    }
}

impl CommitLog {
    /// Deletes the entries that the latest checkpoint holds, in whole segments of 256, and all but the two newest
    /// checkpoints. The last number that is folded away is returned, 0 for none.
    ///
    /// The head always stays. Readers and writers may go on meanwhile, several may fold at once, and one that is
    /// killed is made good by the next. An audit trail is not to be folded.
    ///
    /// # Errors
    /// As for [`head`](Self::head) and [`append`](Self::append).
    pub fn fold(&self) -> Result<u64> {
        let checkpoint = self.latest_checkpoint()?.map_or(0, |c| c.number);
        let head = self.head()?.map_or(0, |entry| entry.number);
        let to = checkpoint.min(head.saturating_sub(1));
        let sealed = |newest: Option<u64>| newest.map_or(0, |segment| segment + 1);
        let mut segment = sealed(self.first_number(names::SEALS)?);
        while names::last_of(segment) <= to {
            match self.seal(segment) {
                Ok(()) => segment += 1,
                // another one sealed it meanwhile
                Err(Error::LogFolded { .. }) => {
                    segment = sealed(self.first_number(names::SEALS)?);
                }
                Err(error) => return Err(error),
            }
        }
        if segment > 0 {
            let kept = names::name(names::first_of(segment));
            self.delete_after(names::ENTRIES, &kept)?;
        }
        self.prune_checkpoints()?;
        Ok(segment * names::SEGMENT)
    }

    /// Deletes all but the two newest checkpoints.
    pub(crate) fn prune_checkpoints(&self) -> Result<()> {
        let checkpoints = self.folder.list(names::CHECKPOINTS, None, 2)?;
        match checkpoints.as_slice() {
            [_, second] => self.delete_after(names::CHECKPOINTS, &second.name),
            _ => Ok(()),
        }
    }

    /// The seal of an entry's segment, if it has one.
    pub(super) fn seal_of(&self, number: u64) -> Result<Option<Seal>> {
        let segment = names::segment(number);
        let name = names::seal(segment);
        let Some(found) = self.object(&name, Kind::Seal, segment)? else {
            return Ok(None);
        };
        let corrupt = |reason| Error::LogCorrupt {
            url: self.folder.url_of(&name),
            reason,
        };
        let text = std::str::from_utf8(&found.payload).map_err(|_| corrupt("it is no text"))?;
        let requests: Vec<RequestId> = text.lines().map(str::parse).collect::<Result<_>>()?;
        if requests.len() as u64 != names::SEGMENT {
            return Err(corrupt(
                "it names more or fewer requests than a segment has",
            ));
        }
        Ok(Some(Seal {
            first: names::first_of(segment),
            requests,
        }))
    }

    /// Fails if an entry of this number is folded away.
    pub(super) fn check_not_folded(&self, number: u64) -> Result<()> {
        if self.seal_of(number)?.is_none() {
            return Ok(());
        }
        let newest = self.first_number(names::SEALS)?.unwrap_or(0);
        Err(Error::LogFolded {
            url: self.url().to_owned(),
            number,
            first: names::first_of(newest + 1),
        })
    }

    fn seal(&self, segment: u64) -> Result<()> {
        let (first, last) = (names::first_of(segment), names::last_of(segment));
        let mut requests = String::new();
        let mut next = first;
        while next <= last {
            let entries = self.read(next..=last)?;
            if entries.is_empty() {
                return Err(self.missing(next));
            }
            for entry in &entries {
                requests.push_str(entry.request.as_str());
                requests.push('\n');
            }
            next += entries.len() as u64;
        }
        let envelope = Envelope {
            kind: Kind::Seal,
            number: segment,
            request: SEALER.parse()?,
            payload: Bytes::from(requests),
        };
        match self.place(&names::seal(segment), &envelope)? {
            Placed::Ours => Ok(()),
            Placed::Theirs => Err(Error::LogCorrupt {
                url: self.folder.url_of(&names::seal(segment)),
                reason: "it is no seal",
            }),
        }
    }

    /// Deletes what comes after a name: what has smaller numbers.
    fn delete_after(&self, part: &str, kept: &str) -> Result<()> {
        loop {
            let listed = self.folder.list(part, Some(kept), PAGE)?;
            let ours: Vec<&str> = listed
                .iter()
                .map(|found| found.name.as_str())
                .filter(|name| names::number(name).is_some())
                .collect();
            let paths: Vec<String> = ours.iter().map(|name| format!("{part}/{name}")).collect();
            self.folder.delete_many(&paths)?;
            if ours.is_empty() || listed.len() < PAGE {
                return Ok(());
            }
        }
    }
}
