//! No bytes bring the reader of Arrow IPC down, as a file or as a stream, and every row is accounted for.
//!
//! The decoder answers some damaged bytes with a panic, which the reader turns into an error. The fuzzer's
//! own hook would end the run at that panic, so it is kept for panics elsewhere; one of the decoder's that gets out
//! ends the run as well.

use std::sync::LazyLock;

use mlops_features::{ArrowIpc, Parse, SourceSchema, TimeFormat};

static SCHEMA: LazyLock<SourceSchema> = LazyLock::new(|| {
    SourceSchema::builder()
        .key("key", "k", Parse::Int)
        .event_time("at", "t", TimeFormat::local("Europe/London").expect("a zone"))
        .value("float", "f", Parse::Float)
        .nan_as_null()
        .value("bool", "b", Parse::Bool)
        .value("str", "s", Parse::Str)
        .build()
        .expect("five columns")
});

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let source = ArrowIpc::from_bytes("fuzz", data);
    let Ok(ingest) = source.read(&SCHEMA) else {
        return;
    };
    let accounted = ingest.table.rows() as u64 + ingest.rejected.total();
    assert_eq!(accounted, ingest.rows_read);
    ingest.table.event_times().expect("it has an event time");
    let parts = source.stream(&SCHEMA, 3).expect("it was read before");
    let parts = parts.take(1_000).map(|part| part.expect("it was read before"));
    let rows: u64 = parts.map(|part| part.rows_read).sum();
    assert!(rows == ingest.rows_read || rows >= 1_000);
}
