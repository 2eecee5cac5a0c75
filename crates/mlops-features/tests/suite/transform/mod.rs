//! What the property test of transforms is made of.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

pub(crate) mod oracle;
pub(crate) mod tree;
