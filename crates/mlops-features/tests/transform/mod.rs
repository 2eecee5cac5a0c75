//! What the property test of transforms is made of.

pub mod oracle;
pub mod tree;
