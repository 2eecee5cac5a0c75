//! The id of a request: how a writer knows its own entry again.

use std::{fmt, str::FromStr};

use mlops_core::Digest;

use crate::Error;

/// The id of one request to change something, 1 to 128 visible ASCII characters. No two requests share one.
///
/// ```
/// use mlops_store::RequestId;
///
/// let id: RequestId = "6f1c2c1e-promote".parse()?;
/// assert_eq!(id.as_str(), "6f1c2c1e-promote");
/// assert!("two words".parse::<RequestId>().is_err());
/// # Ok::<(), mlops_store::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// The most characters.
    pub const MAX: usize = 128;

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RequestId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let sound = (1..=Self::MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if sound {
            return Ok(Self(text.into()));
        }
        Err(Error::InvalidRequestId {
            text: text.chars().take(Self::MAX).collect(),
        })
    }
}

impl From<Digest> for RequestId {
    fn from(digest: Digest) -> Self {
        Self(digest.to_string().into())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({})", self.0)
    }
}
