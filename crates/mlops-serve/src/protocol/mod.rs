//! The wire formats, apart from any network: bytes in, bytes or an error out.
//!
//! Both inference protocols become the same rows of one session, so that a row means the same
//! whichever way it came.

pub(crate) mod json;
pub(crate) mod kserve;
mod limits;
pub(crate) mod oip;
pub(crate) mod outcomes;
mod tensor;

use mlops_core::VersionNumber;
use mlops_model::Output;
use serde::Serialize;

pub use limits::Limits;

/// The body of a good answer, and the version that gave it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) body: Vec<u8>,
    pub(crate) version: Option<VersionNumber>,
}

impl Reply {
    pub(crate) fn json(body: &impl Serialize) -> Self {
        Self {
            body: serde_json::to_vec(body).expect("answers are texts, numbers and lists"),
            version: None,
        }
    }

    pub(crate) fn by(mut self, version: VersionNumber) -> Self {
        self.version = Some(version);
        self
    }
}

/// What the numbers of an answer are called, where there are several.
fn output_names(output: &Output) -> Option<&[String]> {
    match output {
        Output::Probability { .. } | Output::Number => None,
        Output::Numbers { names } | Output::Classes { names } => Some(names),
    }
}
