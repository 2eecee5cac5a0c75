//! The chunks of a large artifact, in their order.
//!
//! Format 1, all numbers little-endian: magic `mlopschk` · version u8 · number of chunks u32 · of each its digest and
//! its length u32 · BLAKE3 digest of all that. The chunks' digests are those of their bytes.

use bytes::Bytes;
use mlops_core::Digest;

use crate::rest::Rest;

const MAGIC: &[u8; 8] = b"mlopschk";
const VERSION: u8 = 1;
const ITEM: usize = 36;
const HEAD: usize = 8 + 1 + 4;
/// The most chunks of a list, about 800 GB.
pub(super) const MAX_CHUNKS: usize = 1_500_000;
/// The most bytes of a chunk that is read; those that are written are far smaller.
const MAX_CHUNK: u32 = 64 << 20;
/// The most bytes of a list.
pub(super) const MAX_LIST: u64 = (HEAD + MAX_CHUNKS * ITEM + 32) as u64;

/// A chunk of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) digest: Digest,
    /// Where it begins in the artifact.
    pub(super) start: u64,
    pub(super) length: u32,
}

/// The chunks of an artifact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ChunkList {
    chunks: Vec<Chunk>,
    size: u64,
}

impl ChunkList {
    pub(super) fn push(&mut self, digest: Digest, length: u32) {
        self.chunks.push(Chunk {
            digest,
            start: self.size,
            length,
        });
        self.size += u64::from(length);
    }

    pub(super) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The size of the artifact.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The place of the chunk that holds a byte, which is inside the artifact.
    pub(super) fn at(&self, position: u64) -> usize {
        self.chunks.partition_point(|chunk| chunk.start <= position) - 1
    }

    pub(super) fn encode(&self) -> Bytes {
        let count = u32::try_from(self.chunks.len()).expect("a list has at most MAX_CHUNKS");
        let mut bytes = Vec::with_capacity(HEAD + self.chunks.len() * ITEM + 32);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&count.to_le_bytes());
        for chunk in &self.chunks {
            bytes.extend_from_slice(chunk.digest.as_bytes());
            bytes.extend_from_slice(&chunk.length.to_le_bytes());
        }
        let digest = Digest::of(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        bytes.into()
    }

    /// The list in some bytes, or what is wrong with them.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let sound = bytes.len().checked_sub(32).ok_or("it is cut short")?;
        let (body, digest) = bytes.split_at(sound);
        let mut rest = Rest(body);
        if rest.take(8)? != MAGIC {
            return Err("it is no list of chunks");
        }
        if rest.take(1)? != [VERSION] {
            return Err("its format is newer than this program");
        }
        if Digest::of(body).as_bytes() != digest {
            return Err("its digest is another");
        }
        let count = rest.small()?;
        if rest.0.len() / ITEM != count as usize || rest.0.len() % ITEM != 0 {
            return Err("it has more or fewer chunks than it says");
        }
        let mut list = Self::default();
        for _ in 0..count {
            let digest = rest.digest()?;
            match rest.small()? {
                length @ 1..=MAX_CHUNK => list.push(digest, length),
                _ => return Err("a chunk of it is empty or too large"),
            }
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list() -> ChunkList {
        let mut list = ChunkList::default();
        for (bytes, length) in [(&b"a"[..], 3), (b"b", 1), (b"a", 3)] {
            list.push(Digest::of(bytes), length);
        }
        list
    }

    #[test]
    fn format_one_is_read_for_ever() {
        let bytes = list().encode();
        assert_eq!(bytes[..13], *b"mlopschk\x01\x03\0\0\0");
        assert_eq!(bytes.len(), 13 + 3 * 36 + 32);
        assert_eq!(
            Digest::of(&bytes).to_string(),
            "50a05c1d4b24fcf7425696911282d25cefe355d263b6ac78b83df5959b78dff2"
        );
        assert_eq!(ChunkList::decode(&bytes), Ok(list()));
    }

    #[test]
    fn a_byte_is_in_its_chunk() {
        let list = list();
        assert_eq!(list.size(), 7);
        let places: Vec<usize> = (0..7).map(|position| list.at(position)).collect();
        assert_eq!(places, [0, 0, 0, 1, 2, 2, 2]);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let sound = list().encode();
        for at in 0..sound.len() {
            let mut bytes = sound.to_vec();
            bytes[at] ^= 1;
            assert!(ChunkList::decode(&bytes).is_err(), "{at}");
            assert!(ChunkList::decode(&sound[..at]).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200), sealed: bool) {
            if sealed {
                bytes.splice(0..0, *b"mlopschk\x01");
                bytes.extend_from_slice(Digest::of(&bytes).as_bytes());
            }
            if let Ok(list) = ChunkList::decode(&bytes) {
                prop_assert_eq!(list.encode(), bytes);
            }
        }
    }
}
