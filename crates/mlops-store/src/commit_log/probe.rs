//! Whether a store keeps the one promise that a log needs.

use bytes::Bytes;

use super::{
    CommitLog, RequestId,
    envelope::{Envelope, Kind},
    names,
};
use crate::{Error, Result, folder::Created};

impl CommitLog {
    /// Tries the store's conditional writes: a second creation of one name must be refused, and change nothing.
    ///
    /// To be called once a store when it is opened. It leaves one small object, named `probe`, behind.
    ///
    /// # Errors
    /// [`Error::Unconditional`] if the store breaks the promise: a log there would lose entries.
    /// [`Error::Io`], [`Error::Object`] or [`Error::Denied`] if it cannot be tried.
    pub fn probe(&self) -> Result<()> {
        let [first, second] = ["first", "second"].map(|text| Envelope {
            kind: Kind::Probe,
            number: 0,
            request: RequestId::from(mlops_core::Digest::of(text.as_bytes())),
            payload: Bytes::from_static(text.as_bytes()),
        });
        let mut failure = None;
        for pause in self.retries.tries(names::PROBE) {
            if let Some(pause) = pause {
                self.sleeper.sleep(pause);
            }
            // whoever makes the object first, the second creation must not
            let tried = self
                .create(&first)
                .and_then(|_| self.create(&second))
                .and_then(|created| {
                    self.object(names::PROBE, Kind::Probe, 0)
                        .map(|o| (created, o))
                });
            match tried {
                Ok((Created::New, _)) => return Err(self.unconditional("it creates a name twice")),
                Ok((Created::Exists, Some(found))) if found == first => return Ok(()),
                Ok((Created::Exists, Some(_))) => {
                    return Err(self.unconditional(
                        "it refuses to create a name twice, and writes it all the same",
                    ));
                }
                // 409: somebody else was writing it, and did not
                Ok((Created::Exists, None)) => {}
                Err(error) if error.kind() != mlops_core::ErrorKind::Unavailable => {
                    return Err(error);
                }
                Err(error) => failure = Some(error),
            }
        }
        Err(failure
            .unwrap_or_else(|| self.unconditional("it says that a name is there, and it is not")))
    }

    fn create(&self, envelope: &Envelope) -> Result<Created> {
        self.folder.create(names::PROBE, envelope.encode())
    }

    fn unconditional(&self, reason: &'static str) -> Error {
        Error::Unconditional {
            url: self.url().to_owned(),
            reason,
        }
    }
}
