//! A fit that was interrupted, as bytes: what it takes to go on as if nothing had happened.
//!
//! ```text
//! magic, version │ fingerprint of settings and rows │ epoch, steps │ best epoch and its number │ histories
//! weights, both moments, best weights │ digest of all before
//! ```
//!
//! Numbers are little-endian. The order of the rows and the masks of an epoch follow from the seed and its
//! number, so no generator has to be kept.

use mlops_core::Digest;

use super::optimiser::AdamW;
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"mlopsnn\x01";

/// A fit after one of its epochs. It resumes with the same settings and rows only.
#[derive(Clone, PartialEq, Eq)]
pub struct Checkpoint(Vec<u8>);

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checkpoint({} bytes)", self.0.len())
    }
}

/// Where a fit stands between two epochs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    /// The epochs done.
    pub(super) epoch: usize,
    pub(super) block: Vec<f32>,
    pub(super) optimiser: AdamW,
    pub(super) best: Option<Best>,
    /// An epoch each: the loss while training, the loss held out, the watched number.
    pub(super) history: [Vec<f64>; 3],
}

/// The best epoch so far.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Best {
    pub(super) epoch: usize,
    pub(super) value: f64,
    pub(super) block: Vec<f32>,
}

impl Checkpoint {
    /// Takes bytes that [`Checkpoint::as_bytes`] gave.
    ///
    /// # Errors
    /// [`Error::InvalidCheckpoint`] if they are not whole.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        let whole = bytes.len().checked_sub(32).is_some_and(|body| {
            bytes.starts_with(MAGIC) && Digest::of(&bytes[..body]).as_bytes() == &bytes[body..]
        });
        if whole {
            Ok(Self(bytes))
        } else {
            Err(invalid("the bytes are not whole, or of another format"))
        }
    }

    /// The bytes, to be kept wherever is safe.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Writes a state down.
    pub(super) fn write(state: &State, fingerprint: Digest) -> Self {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(fingerprint.as_bytes());
        let mut whole = |number: u64| out.extend_from_slice(&number.to_le_bytes());
        whole(state.epoch as u64);
        whole(state.optimiser.steps);
        whole(state.best.as_ref().map_or(0, |best| best.epoch as u64));
        whole(state.best.as_ref().map_or(0, |best| best.value.to_bits()));
        for series in &state.history {
            whole(series.len() as u64);
            for value in series {
                whole(value.to_bits());
            }
        }
        whole(state.block.len() as u64);
        let AdamW { mean, square, .. } = &state.optimiser;
        let best = state.best.iter().map(|best| &best.block);
        for block in [&state.block, mean, square].into_iter().chain(best) {
            for x in block {
                out.extend_from_slice(&x.to_le_bytes());
            }
        }
        let digest = Digest::of(&out);
        out.extend_from_slice(digest.as_bytes());
        Self(out)
    }

    /// Reads the state of a fit with this fingerprint and so many weights.
    pub(super) fn read(&self, fingerprint: Digest, weights: usize) -> Result<State> {
        let mut reader = Reader(&self.0[MAGIC.len()..self.0.len() - 32]);
        if reader.take(32)? != fingerprint.as_bytes() {
            return Err(invalid("it was written with other settings or rows"));
        }
        let epoch = reader.length()?;
        let steps = reader.whole()?;
        let (best_epoch, best_value) = (reader.length()?, f64::from_bits(reader.whole()?));
        let mut history = [const { Vec::new() }; 3];
        for series in &mut history {
            for _ in 0..reader.length()? {
                series.push(f64::from_bits(reader.whole()?));
            }
        }
        if reader.length()? != weights {
            return Err(invalid("it holds another number of weights"));
        }
        let block = reader.singles(weights)?;
        let optimiser = AdamW {
            steps,
            mean: reader.singles(weights)?,
            square: reader.singles(weights)?,
        };
        let best = if best_epoch == 0 {
            None
        } else {
            Some(Best {
                epoch: best_epoch,
                value: best_value,
                block: reader.singles(weights)?,
            })
        };
        if !reader.0.is_empty() {
            return Err(invalid("bytes follow the last weight"));
        }
        Ok(State {
            epoch,
            block,
            optimiser,
            best,
            history,
        })
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8]> {
        let (head, tail) = self
            .0
            .split_at_checked(bytes)
            .ok_or_else(|| invalid("it ends too early"))?;
        self.0 = tail;
        Ok(head)
    }

    fn whole(&mut self) -> Result<u64> {
        let bytes = self.take(8)?.try_into().expect("8 bytes were taken");
        Ok(u64::from_le_bytes(bytes))
    }

    fn length(&mut self) -> Result<usize> {
        usize::try_from(self.whole()?).map_err(|_| invalid("a length is too large"))
    }

    fn singles(&mut self, count: usize) -> Result<Vec<f32>> {
        let bytes = self.take(count * 4)?.chunks_exact(4);
        let single = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("4 bytes"));
        Ok(bytes.map(single).collect())
    }
}

fn invalid(reason: &'static str) -> Error {
    Error::InvalidCheckpoint { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(best: bool) -> State {
        State {
            epoch: 3,
            block: vec![1.0, -2.5],
            optimiser: AdamW {
                steps: 30,
                mean: vec![0.1, 0.2],
                square: vec![0.3, f32::MIN_POSITIVE],
            },
            best: best.then(|| Best {
                epoch: 2,
                value: 0.25,
                block: vec![5.0, 6.0],
            }),
            history: [vec![1.0, 0.5, 0.25], vec![0.75], vec![]],
        }
    }

    #[test]
    fn a_state_survives_its_bytes() {
        let key = Digest::of(b"settings");
        for best in [true, false] {
            let written = Checkpoint::write(&state(best), key);
            let read = Checkpoint::from_bytes(written.as_bytes().to_vec()).unwrap();
            assert_eq!(read.read(key, 2).unwrap(), state(best));
            for (key, weights) in [(Digest::of(b"other"), 2), (key, 3)] {
                let error = read.read(key, weights).unwrap_err();
                assert!(matches!(error, Error::InvalidCheckpoint { .. }), "{error}");
            }
        }
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let bytes = Checkpoint::write(&state(true), Digest::of(b"settings")).0;
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert!(Checkpoint::from_bytes(bytes.clone()).is_err());
            bytes.truncate(at);
            assert!(Checkpoint::from_bytes(bytes).is_err());
        }
    }

    #[test]
    fn well_summed_nonsense_is_refused_without_a_large_allocation() {
        let key = Digest::of(b"settings");
        let good = Checkpoint::write(&state(true), key).0;
        for at in (40..good.len() - 32).step_by(8) {
            let mut bytes = good[..good.len() - 32].to_vec();
            bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
            let digest = Digest::of(&bytes);
            bytes.extend_from_slice(digest.as_bytes());
            let checkpoint = Checkpoint::from_bytes(bytes).unwrap();
            let _ = checkpoint.read(key, 2);
        }
    }
}
