//! The streaming join from files to a file, against a slow and obvious oracle and on worked cases.

mod cases;
mod oracle;
mod support;
