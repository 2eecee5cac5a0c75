//! CSV against a slow oracle that reads cell by cell with the standard library, and against bad input.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{fmt::Write as _, io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use mlops_core::{Column, ErrorKind, EventTime, Value};
use mlops_features::{
    Csv, Error, Ingest, Parse, Rejected, RejectionKind, SourceSchema, TimeFormat,
};
use proptest::{prelude::*, test_runner::FileFailurePersistence};

fn schema() -> SourceSchema {
    SourceSchema::builder()
        .key("id", "Id", Parse::Int)
        .event_time("at", "At", TimeFormat::local("UTC").unwrap())
        .value("price", "Price", Parse::Float)
        .value("name", "Name", Parse::Str)
        .value("short", "Name", Parse::Trimmed)
        .value("flag", "Flag", Parse::Bool)
        .build()
        .unwrap()
}

fn read(text: &str) -> Ingest {
    Csv::from_bytes("test", text.as_bytes())
        .read(&schema())
        .unwrap()
}

fn rows(ingest: &Ingest) -> Vec<Vec<Value>> {
    let table = &ingest.table;
    let names: Vec<&str> = table.schema().columns().iter().map(Column::name).collect();
    let cell = |name: &str, row| Value::from_array(name, table.column(name).unwrap(), row).unwrap();
    (0..table.rows())
        .map(|row| names.iter().map(|name| cell(name, row)).collect())
        .collect()
}

/// What one row of cells means, by the standard library and by words; `Err` names the first bad column.
fn oracle(cells: &[String; 5]) -> Result<Vec<Value>, &'static str> {
    let [id, at, price, name, flag] = cells;
    let id = match id.trim().split_once('.') {
        Some((whole, zeros)) if zeros.chars().all(|c| c == '0') => whole.parse::<i64>(),
        Some(_) => return Err("Id"),
        None => id.trim().parse::<i64>(),
    };
    let id = Value::Int(id.map_err(|_| "Id")?);
    let (date, clock) = at.trim().split_once(' ').ok_or("At")?;
    let at = Value::Time(EventTime::parse(&format!("{date}T{clock}Z")).map_err(|_| "At")?);
    let price = match price.trim() {
        "" => Value::Null,
        text => match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Value::Float(value),
            _ => return Err("Price"),
        },
    };
    let text = |text: &str| {
        if text.is_empty() {
            Value::Null
        } else {
            text.into()
        }
    };
    let flag = match flag.trim().to_ascii_lowercase().as_str() {
        "" => Value::Null,
        "true" | "yes" | "1" => true.into(),
        "false" | "no" | "0" => false.into(),
        _ => return Err("Flag"),
    };
    Ok(vec![id, at, price, text(name), text(name.trim()), flag])
}

fn quoted(cell: &str, force: bool) -> String {
    if force || cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

fn row() -> impl Strategy<Value = ([String; 5], bool, bool)> {
    let id = prop_oneof![
        4 => any::<i64>().prop_map(|i| i.to_string()),
        2 => (0..99_999_i64).prop_map(|i| format!(" {i}.0")),
        1 => "[0-9x.+-]{0,4}",
    ];
    let at = prop_oneof![
        5 => (1990..2030_i32, 1..13_u8, 1..32_u8, 0..24_u8, 0..60_u8, 0..60_u8)
            .prop_map(|(y, mo, d, h, mi, s)| format!("{y}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02}")),
        1 => Just(String::new()),
        1 => Just("yesterday".to_owned()),
    ];
    let price = prop_oneof![
        4 => any::<f64>().prop_map(|f| f.to_string()),
        2 => (-999_i32..999).prop_map(|i| format!("{}", f64::from(i) / 100.0)),
        2 => Just(String::new()),
        1 => "[0-9e,]{1,3}",
    ];
    let name = "[a-zé ,\"\n]{0,6}";
    let flag = prop_oneof![
        5 => prop::sample::select(vec!["yes", "No", "1", "0", "TRUE", "false", "", " "]),
        1 => Just("2"),
    ];
    let flag = flag.prop_map(str::to_owned);
    (
        (id, at, price, name, flag).prop_map(|(a, b, c, d, e)| [a, b, c, d, e]),
        any::<bool>(),
        any::<bool>(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_file_reads_as_its_cells_do(table in prop::collection::vec(row(), 0..12), bom in any::<bool>()) {
        let mut text = if bom { "\u{feff}".to_owned() } else { String::new() };
        text.push_str("Flag,Id,At,Price,Name\n");
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (number, (cells, force, crlf)) in (1_u64..).zip(&table) {
            match oracle(cells) {
                Ok(values) => good.push(values),
                Err(column) => bad.push((number, column.to_owned())),
            }
            let [id, at, price, name, flag] = cells.each_ref().map(|c| quoted(c, *force));
            let end = if *crlf { "\r\n" } else { "\n" };
            write!(text, "{flag},{id},{at},{price},{name}{end}").unwrap();
        }
        let ingest = read(&text);
        prop_assert_eq!(rows(&ingest), good);
        let listed: Vec<(u64, String)> = ingest
            .rejected
            .rows()
            .iter()
            .map(|r| (r.row, r.column.clone().unwrap()))
            .collect();
        prop_assert_eq!(listed, bad);
        prop_assert_eq!(ingest.rows_read, table.len() as u64);
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_every_row_is_accounted_for(
        head in prop::sample::select(vec!["", "Id,At,Price,Name,Flag\n", "\u{1f}\u{8b}"]),
        body in "[0-9,\"\n\r\\.é-]{0,60}",
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let input = [head.as_bytes(), body.as_bytes(), &bytes].concat();
        if let Ok(ingest) = Csv::from_bytes("fuzz", input).read(&schema()) {
            let accounted = ingest.table.rows() as u64 + ingest.rejected.total();
            prop_assert_eq!(accounted, ingest.rows_read);
        }
    }
}

const HEAD: &str = "Id,At,Price,Name,Flag\n";
const GOOD: &str = "1,2011-07-01 12:00:00,2.5,x,yes\n";

#[test]
fn rejected_rows_are_named_by_number_column_value_and_reason() {
    use RejectionKind as Kind;
    let cases = [
        (
            "1,2011-07-01 12:00:00,2.5,x",
            None,
            Kind::FieldCount,
            "1,2011-07-01 12:00:00,2.5,x",
        ),
        (
            "1,2011-07-01 12:00:00,2.5,x,yes,",
            None,
            Kind::FieldCount,
            "1,2011-07-01 12:00:00,2.5,x,yes,",
        ),
        (
            ",2011-07-01 12:00:00,2.5,x,yes",
            Some("Id"),
            Kind::Missing,
            "",
        ),
        (
            "17850.5,2011-07-01 12:00:00,2.5,x,yes",
            Some("Id"),
            Kind::NotWhole,
            "17850.5",
        ),
        (
            "99999999999999999999,2011-07-01 12:00:00,,,",
            Some("Id"),
            Kind::OutOfRange,
            "99999999999999999999",
        ),
        ("1,,2.5,x,yes", Some("At"), Kind::Missing, ""),
        (
            "1,01/07/2011,2.5,x,yes",
            Some("At"),
            Kind::NotTime,
            "01/07/2011",
        ),
        (
            "1,2011-07-01 12:00:00,two,x,yes",
            Some("Price"),
            Kind::NotNumber,
            "two",
        ),
        (
            "1,2011-07-01 12:00:00,inf,x,yes",
            Some("Price"),
            Kind::NotFinite,
            "inf",
        ),
        (
            "1,2011-07-01 12:00:00,nan,x,yes",
            Some("Price"),
            Kind::NotFinite,
            "nan",
        ),
        (
            "1,2011-07-01 12:00:00,2.5,x,maybe",
            Some("Flag"),
            Kind::NotBool,
            "maybe",
        ),
    ];
    for (line, column, kind, value) in cases {
        let ingest = read(&format!("{HEAD}{GOOD}{line}\n{GOOD}"));
        let [
            Rejected {
                row,
                column: c,
                value: v,
                kind: k,
                reason,
            },
        ] = ingest.rejected.rows()
        else {
            panic!("{line}: {:?}", ingest.rejected);
        };
        assert_eq!(
            (*row, c.as_deref(), *k, v.as_str()),
            (2, column, kind, value),
            "{reason}"
        );
        assert_eq!((ingest.table.rows(), ingest.rows_read), (2, 3));
    }
    let bytes = [HEAD.as_bytes(), b"1,2011-07-01 12:00:00,2.5,caf\xe9,yes\n"].concat();
    let ingest = Csv::from_bytes("latin", bytes).read(&schema()).unwrap();
    assert_eq!(ingest.rejected.count_of("Name", RejectionKind::NotUtf8), 1);
    assert_eq!(ingest.rejected.rows()[0].value, "caf\u{fffd}");
}

#[test]
fn a_rejected_row_leaves_nothing_behind() {
    // the first four columns are fine, the last is not
    let bad = "7,2011-07-01 12:00:00,9.5,long text,maybe\n";
    let mixed = read(&format!("{HEAD}{bad}{GOOD}{bad}{bad}{GOOD}"));
    let clean = read(&format!("{HEAD}{GOOD}{GOOD}"));
    assert_eq!(mixed.table.digest(), clean.table.digest());
}

#[test]
fn settings_change_what_is_read() {
    let schema = SourceSchema::builder()
        .value("age", "age", Parse::Int)
        .value("job", "job", Parse::Trimmed)
        .value("pay", "pay", Parse::Float)
        .nan_as_null()
        .build()
        .unwrap();
    let text = "39; ?; nan\nNA; clerk ;2.5\n";
    let csv = Csv::from_bytes("adult", text.as_bytes())
        .delimiter(b';')
        .column_names(["age", "job", "pay"])
        .null_token("?")
        .null_token("NA");
    let expected = [
        vec![Value::Int(39), Value::Null, Value::Null],
        vec![Value::Null, "clerk".into(), Value::Float(2.5)],
    ];
    // a source can be read twice
    for _ in 0..2 {
        assert_eq!(rows(&csv.read(&schema).unwrap()), expected);
    }
    let bounded = Csv::from_bytes("b", "age,job,pay\nx,,\ny,,\n".as_bytes()).rejection_limit(1);
    let rejected = bounded.read(&schema).unwrap().rejected;
    assert_eq!((rejected.total(), rejected.rows().len()), (2, 1));
}

#[test]
fn a_source_that_is_wrong_as_a_whole_is_a_typed_error() {
    let read = |text: &str| {
        Csv::from_bytes("test", text.as_bytes())
            .read(&schema())
            .unwrap_err()
    };
    let cases = [
        (
            read(""),
            ErrorKind::Invalid,
            "`test` is empty: a header line is expected",
        ),
        (read("\n\n"), ErrorKind::Invalid, "`test` is empty"),
        (
            read("Id,At,Price,Names,Flag\n"),
            ErrorKind::NotFound,
            "`test` has no column `Name`; it has `Id`, `At`, `Price`, `Names`, `Flag`",
        ),
        (
            read("Id,Id,At,Price,Name,Flag\n"),
            ErrorKind::Invalid,
            "`test` has 2 columns named `Id`",
        ),
    ];
    for (error, kind, text) in cases {
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().starts_with(text), "{error}");
    }
    let latin = Csv::from_bytes("test", &b"caf\xe9,Id\n"[..])
        .read(&schema())
        .unwrap_err();
    assert!(matches!(latin, Error::NotUtf8 { column: 1, .. }), "{latin}");
    let quote = Csv::from_bytes("test", HEAD.as_bytes())
        .delimiter(b'"')
        .read(&schema());
    assert!(matches!(
        quote.unwrap_err(),
        Error::InvalidParameter {
            parameter: "delimiter",
            ..
        }
    ));
}

#[test]
fn an_open_quote_does_not_swallow_the_memory() {
    let text = format!(
        "{HEAD}{GOOD}1,2011-07-01 12:00:00,2.5,\"x{}",
        GOOD.repeat(20_000)
    );
    let error = Csv::from_bytes("test", text.as_bytes())
        .record_limit(1_000)
        .read(&schema())
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::RecordTooLong {
                row: 2,
                limit: 1_000,
                ..
            }
        ),
        "{error}"
    );
    // within the limit it is one record with too few fields
    let ingest = Csv::from_bytes("test", text.as_bytes())
        .read(&schema())
        .unwrap();
    assert_eq!((ingest.table.rows(), ingest.rejected.total()), (1, 1));
}

#[test]
fn files_that_are_missing_or_are_directories_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Csv::open(folder.path().join("nope.csv")).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.to_string().contains("nope.csv"), "{missing}");
    assert_eq!(
        Csv::open(folder.path()).unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    let path = folder.path().join("gone.csv");
    std::fs::write(&path, HEAD).unwrap();
    let csv = Csv::open(&path).unwrap();
    assert_eq!(csv.read(&schema()).unwrap().rows_read, 0);
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(
        csv.read(&schema()).unwrap_err(),
        Error::MissingFile { .. }
    ));
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn an_archive_reads_as_the_file_in_it_whatever_its_name() {
    let text: String = (0..5_000)
        .map(|i| {
            format!(
                "{i},2011-07-01 12:00:00,{}.25,name {},yes\n",
                i * 7919 % 1000,
                i * 31
            )
        })
        .fold(HEAD.to_owned(), |all, line| all + &line);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let digest = |path: &Path| {
        Csv::open(path)
            .unwrap()
            .read(&schema())
            .unwrap()
            .table
            .digest()
    };
    let plain = digest(&write("plain.gz", text.as_bytes()));
    assert_eq!(digest(&write("zipped.csv", &gzip(&text))), plain);
    // members one after the other are one file
    let (head, tail) = text.split_at(text.len() / 2);
    assert_eq!(
        digest(&write("two.gz", &[gzip(head), gzip(tail)].concat())),
        plain
    );
}

#[test]
fn a_broken_archive_gives_nothing_at_all() {
    let text = HEAD.to_owned() + &GOOD.repeat(20_000);
    let whole = gzip(&text);
    let mut flipped = whole.clone();
    let end = flipped.len() - 6;
    flipped[end] ^= 0xff;
    let garbage = [&whole[..], b"garbage"].concat();
    for (name, bytes) in [
        ("cut", &whole[..whole.len() / 2]),
        ("checksum", &flipped),
        ("tail", &garbage),
    ] {
        let error = Csv::from_bytes(name, bytes).read(&schema()).unwrap_err();
        assert!(matches!(error, Error::BrokenGzip { .. }), "{name}: {error}");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(name));
    }
}

#[test]
fn a_table_without_rows_can_be_asked_for_and_refused() {
    let ingest = read(&format!("{HEAD}x,,,,\n"));
    assert_eq!((ingest.table.rows(), ingest.rejected_share()), (0, 1.0));
    let error = ingest.not_empty().unwrap_err();
    assert_eq!(
        error.to_string(),
        "table `source with 1 rows, 1 rows rejected (1 `Id` not a number)` has no rows"
    );
    assert!(read(&format!("{HEAD}{GOOD}")).not_empty().is_ok());
}
