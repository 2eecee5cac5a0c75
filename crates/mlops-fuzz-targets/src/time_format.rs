//! No pattern, zone, text or number makes a time format panic, and what it reads is an instant.
//!
//! The first byte picks a zone, or that the first line names it; then come a line with the pattern and
//! the texts, one a line. The first eight bytes of each text are read as a number too, in every typed
//! form that a source can have.

use std::sync::Arc;

use mlops_core::{
    EventTime,
    arrow::{
        array::{
            ArrayRef, Date32Array, Date64Array, Int64Array, RecordBatch, StringArray,
            TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
            TimestampSecondArray,
        },
        datatypes::TimeUnit,
    },
};
use mlops_features::{SourceSchema, TimeFormat, from_batches};

const ZONES: [&str; 6] = [
    "UTC",
    "Europe/London",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Pacific/Apia",
    "Etc/GMT-14",
];
const UNITS: [TimeUnit; 4] = [
    TimeUnit::Second,
    TimeUnit::Millisecond,
    TimeUnit::Microsecond,
    TimeUnit::Nanosecond,
];

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let mut lines = text.split('\n');
    let zone = match ZONES.get(usize::from(*choice)) {
        Some(zone) => zone,
        None => lines.next().unwrap_or_default(),
    };
    let pattern = lines.next().unwrap_or_default();
    let texts: Vec<&str> = lines.take(64).collect();
    if let Ok(format) = TimeFormat::new(pattern, zone) {
        read_texts(&format, &texts);
        read_numbers(&format, &texts);
    }
    for (text, time) in texts.iter().zip(read_texts(&TimeFormat::rfc3339(), &texts)) {
        if let Some(time) = time {
            assert_eq!(
                EventTime::parse(text.trim_ascii()).ok(),
                Some(time),
                "{text}"
            );
        }
    }
    for unit in UNITS {
        read_texts(&TimeFormat::epoch(unit), &texts);
        read_numbers(&TimeFormat::epoch(unit), &texts);
    }
}

fn read_texts(format: &TimeFormat, texts: &[&str]) -> Vec<Option<EventTime>> {
    texts
        .iter()
        .map(|text| read(format, Arc::new(StringArray::from(vec![*text]))))
        .collect()
}

fn read_numbers(format: &TimeFormat, texts: &[&str]) {
    let numbers = texts
        .iter()
        .filter_map(|text| text.as_bytes().first_chunk());
    for number in numbers.map(|bytes| i64::from_le_bytes(*bytes)) {
        let small = (number >> 32) as i32;
        let arrays: [ArrayRef; 8] = [
            Arc::new(Int64Array::from(vec![number])),
            Arc::new(Date32Array::from(vec![small])),
            Arc::new(Date64Array::from(vec![number])),
            Arc::new(TimestampSecondArray::from(vec![number])),
            Arc::new(TimestampMillisecondArray::from(vec![number])),
            Arc::new(TimestampMicrosecondArray::from(vec![number])),
            Arc::new(TimestampNanosecondArray::from(vec![number])),
            Arc::new(TimestampSecondArray::from(vec![number]).with_timezone("UTC")),
        ];
        for array in arrays {
            read(format, array);
        }
    }
}

/// Reads a column of one value, and checks that what it gives is an instant that can be printed.
fn read(format: &TimeFormat, array: ArrayRef) -> Option<EventTime> {
    let schema = SourceSchema::builder()
        .event_time("at", "t", format.clone())
        .build()
        .expect("one column");
    let batch = RecordBatch::try_from_iter([("t", array)]).expect("one column");
    let ingest = from_batches("fuzz", &[batch], &schema).ok()?;
    assert_eq!(ingest.table.rows() as u64 + ingest.rejected.total(), 1);
    for row in ingest.rejected.rows() {
        assert!(row.reason.len() <= 512, "{} bytes", row.reason.len());
    }
    let column = ingest.table.column("at").expect("it was named");
    let times = column.as_any().downcast_ref::<TimestampMicrosecondArray>();
    let micros = times.expect("instants").iter().next()??;
    let time = EventTime::from_micros(micros);
    assert_eq!(time.micros(), micros, "past the end");
    assert_eq!(EventTime::parse(&time.to_string()).ok(), Some(time));
    Some(time)
}
