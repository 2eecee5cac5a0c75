//! The streaming join from files to a file, against a slow and obvious oracle and on worked cases.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cases;
mod oracle;
mod support;
mod unpacking;
