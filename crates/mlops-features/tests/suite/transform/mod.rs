//! What the property test of transforms is made of.

pub(crate) mod oracle;
pub(crate) mod tree;
