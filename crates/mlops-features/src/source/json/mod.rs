//! JSON lines: one object a line, its keys read by dotted names.
//!
//! The lines are parsed here and not by `serde_json`, because numbers must stay exact, a key that stands twice must not
//! win silently, and nothing that the schema does not name should be built. A test holds both against each other.

mod json_lines;
mod lines;
mod parser;
mod paths;
mod value;

pub use json_lines::JsonLines;
