//! The bytes round a payload: what it is, whose it is, and the proof that it is whole.
//!
//! Format 1, all numbers little-endian: magic `mlopslog` · version u8 · kind u8 · number u64 · length of the request id
//! u16 and the id · length of the payload u64 · BLAKE3 digest of all the parts · the payload.

use bytes::Bytes;
use mlops_core::{Digest, DigestBuilder};

use super::{CommitLog, RequestId, names::SEGMENT};
use crate::rest::Rest;

const MAGIC: &[u8; 8] = b"mlopslog";
const VERSION: u8 = 1;
/// Everything but the request id and the payload.
const FIXED: usize = 8 + 1 + 1 + 8 + 2 + 8 + 32;

/// What an envelope holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Entry = 1,
    Checkpoint = 2,
    Seal = 3,
    Probe = 4,
}

/// An object of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) kind: Kind,
    pub(super) number: u64,
    pub(super) request: RequestId,
    pub(super) payload: Bytes,
}

impl Kind {
    /// The most bytes of such an object.
    pub(super) const fn most(self) -> u64 {
        let payload = match self {
            Self::Entry => CommitLog::MAX_ENTRY,
            Self::Checkpoint => CommitLog::MAX_CHECKPOINT,
            Self::Seal => SEGMENT * (RequestId::MAX as u64 + 1),
            Self::Probe => 64,
        };
        payload + (FIXED + RequestId::MAX) as u64
    }
}

impl Envelope {
    pub(super) fn encode(&self) -> Bytes {
        let request = self.request.as_str().as_bytes();
        let length = u16::try_from(request.len()).expect("an id has at most 128 characters");
        let mut bytes = Vec::with_capacity(FIXED + request.len() + self.payload.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[VERSION, self.kind as u8]);
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(request);
        bytes.extend_from_slice(&(self.payload.len() as u64).to_le_bytes());
        bytes.extend_from_slice(self.digest().as_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes.into()
    }

    /// The envelope in some bytes, or what is wrong with them.
    pub(super) fn decode(bytes: &Bytes, kind: Kind, number: u64) -> Result<Self, &'static str> {
        let mut rest = Rest(bytes);
        if rest.take(8)? != MAGIC {
            return Err("it is no object of a commit log");
        }
        if rest.take(1)? != [VERSION] {
            return Err("its format is newer than this program");
        }
        if rest.take(1)? != [kind as u8] {
            return Err("it is another kind of object");
        }
        if rest.number()? != number {
            return Err("it has another number than its name");
        }
        let length = rest.array()?;
        let request = rest.take(usize::from(u16::from_le_bytes(length)))?;
        let request = std::str::from_utf8(request)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or("its request id is none")?;
        let length = rest.number()?;
        let digest: [u8; 32] = rest.array()?;
        if rest.0.len() as u64 != length {
            return Err("it is cut short, or too long");
        }
        let payload = bytes.slice_ref(rest.0);
        let envelope = Self {
            kind,
            number,
            request,
            payload,
        };
        if *envelope.digest().as_bytes() != digest {
            return Err("its digest is another");
        }
        Ok(envelope)
    }

    fn digest(&self) -> Digest {
        let mut digest = DigestBuilder::new();
        digest
            .part("kind", &[self.kind as u8])
            .part("number", &self.number.to_le_bytes())
            .part("request", self.request.as_str().as_bytes())
            .part("payload", &self.payload);
        digest.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            kind: Kind::Entry,
            number: 7,
            request: "r-1".parse().unwrap(),
            payload: Bytes::from_static(b"payload"),
        }
    }

    #[test]
    fn format_one_is_read_for_ever() {
        let bytes = envelope().encode();
        let start = *b"mlopslog\x01\x01\x07\0\0\0\0\0\0\0\x03\0r-1\x07\0\0\0\0\0\0\0";
        assert_eq!(bytes[..start.len()], start);
        assert_eq!(
            Digest::of(&bytes).to_string(),
            "9dbb8ae9e853c03bfcd194b042fd2b50857296f63e525e4fcacaebfd94fc9eb6"
        );
        assert_eq!(Envelope::decode(&bytes, Kind::Entry, 7), Ok(envelope()));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let sound = envelope().encode();
        for at in 0..sound.len() {
            let mut bytes = sound.to_vec();
            bytes[at] ^= 1;
            assert!(
                Envelope::decode(&bytes.into(), Kind::Entry, 7).is_err(),
                "{at}"
            );
            assert!(Envelope::decode(&sound.slice(..at), Kind::Entry, 7).is_err());
        }
        assert!(Envelope::decode(&sound, Kind::Entry, 8).is_err());
        assert!(Envelope::decode(&sound, Kind::Seal, 7).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200), whole: bool) {
            if whole {
                bytes.splice(0..0, *b"mlopslog\x01\x01");
            }
            prop_assert!(Envelope::decode(&bytes.into(), Kind::Entry, 7).is_err());
        }
    }
}
