//! No JSON makes a contract or a validation panic, and a split loses no row.
//!
//! Up to the first NUL the input is a contract, after it a validation. The contract is tried on a table
//! with every type, nulls and extremes, as a whole and going on past what cannot be checked, with that table as
//! the other one too; the validation claims to be of that table.

use std::sync::LazyLock;

use mlops_features::{
    Contract, Csv, Detail, EventTime, OnFailure, Parse, SourceSchema, Table, TimeFormat, Validation,
};

const LINES: &str = "\
i,t,f,b,s
1,2011-07-01T12:00:00Z,2.5,yes,UK
1,2011-07-01T12:00:00Z,2.5,yes,UK
-9223372036854775808,-009999-01-02T01:59:59Z,-1.7976931348623157e308,no,\u{c9}ire
9223372036854775807,9999-12-30T22:00:00Z,5e-324,,
,1970-01-01T00:00:00Z,,,x
";

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let schema = SourceSchema::builder()
        .key("i", "i", Parse::Int)
        .nullable()
        .event_time("t", "t", TimeFormat::rfc3339())
        .value("f", "f", Parse::Float)
        .value("b", "b", Parse::Bool)
        .value("s", "s", Parse::Str)
        .build()
        .expect("five columns");
    let ingest = Csv::from_bytes("fuzz", LINES.as_bytes()).read(&schema);
    let table = ingest.expect("good lines").table;
    assert_eq!(table.rows(), 5);
    table
});

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    if let Ok(contract) = Contract::from_json(part()) {
        let back = Contract::from_json(contract.to_json().as_bytes());
        let back = back.expect("what is written is read");
        assert_eq!((back.digest(), &back), (contract.digest(), &contract));
        for table in [&*TABLE, &TABLE.filter(&[false; 5]).expect("five rows")] {
            let inspection = contract
                .inspect(table)
                .table("t", table)
                .as_of(EventTime::from_micros(0));
            let strict = inspection.run();
            let validation = inspection.keep_going().run().expect("nothing stops it");
            exercise(&validation, table);
            if let Ok(strict) = strict {
                assert_eq!(strict, validation);
            }
        }
    }
    if let Ok(validation) = serde_json::from_slice::<Validation>(part()) {
        exercise(&validation, &TABLE);
    }
}

fn exercise(validation: &Validation, table: &Table) {
    let text = serde_json::to_string(validation).expect("a validation serialises");
    let back: Validation = serde_json::from_str(&text).expect("what is written is read");
    assert_eq!(back, *validation);
    assert_eq!(validation.passed(), validation.require().is_ok());
    let _ = validation.failures(OnFailure::Warn).count();
    assert_eq!(validation.at(Detail::Complete), *validation);
    if let Ok((good, rejected)) = validation.split(table) {
        assert_eq!(good.rows() as u64 + rejected.total(), table.rows() as u64);
        assert_eq!(rejected.total(), validation.bad_rows().len() as u64);
        let _ = rejected.to_string();
        let (same, bad) = validation.quarantine(table).expect("a split that works");
        assert_eq!(same.digest(), good.digest());
        assert_eq!(bad.positions(), validation.bad_rows());
    }
}
