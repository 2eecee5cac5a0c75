//! What the fuzz targets run on each input: one module for each parser of outside bytes.
//!
//! The binaries in `fuzz/` hand these functions to libFuzzer; `tests/seeds.rs` runs them over the seeds of
//! `fuzz/corpus/` with the other tests, so that no target rots.

mod chain;
mod hook;
mod http;

pub use hook::hook;

/// A target: what it is called, and what it runs on one input.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of its binary and of its corpus.
    pub name: &'static str,
    /// What it runs; it panics at what must not be.
    pub run: fn(&[u8]),
}

macro_rules! targets {
    ($($(#[$when:meta])* $name:ident),* $(,)?) => {
        $($(#[$when])* pub mod $name;)*

        /// Every target there is.
        pub const TARGETS: &[Target] = &[
            $($(#[$when])* Target { name: stringify!($name), run: $name::run },)*
        ];
    };
}

targets! {
    arrow_ipc,
    artifact_store,
    audit,
    catalog,
    commit_log,
    contract,
    csv,
    journal,
    json_lines,
    mlflow_export,
    mlflow_import,
    mlflow_server,
    model_log,
    model_package,
    names,
    online_state,
    onnx,
    parquet,
    pipeline_cache,
    policy,
    profile,
    push_log,
    reference,
    sealed,
    search,
    serve,
    signature,
    sketch,
    table_ipc,
    time_format,
    tracking,
    transform,
    #[cfg(feature = "webhooks")]
    webhook_url,
}
