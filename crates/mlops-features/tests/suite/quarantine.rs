//! Quarantined rows as files, and contracts as JSON from anywhere.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs::File, path::Path, sync::Arc};

use mlops_core::{
    Column, ErrorKind, Table, TableSchema,
    arrow::{
        array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray},
        compute::concat_batches,
        datatypes::{Int64Type, UInt32Type},
    },
};
use mlops_features::{Contract, Expectation, ParquetFile, Parse, SourceSchema, Validation};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

fn table(name: &str) -> Table {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 2, 4, -5]));
    let plans: ArrayRef = Arc::new(StringArray::from(vec![
        Some("a"),
        None,
        Some("b"),
        Some("z"),
        None,
    ]));
    let schema = [
        Column::value("id", ids.data_type().clone()),
        Column::value(name, plans.data_type().clone()),
    ];
    Table::new(TableSchema::new(schema).unwrap(), vec![ids, plans]).unwrap()
}

fn contract(name: &str) -> Contract {
    Contract::named("accounts")
        .expect(Expectation::row_count(5))
        .expect(Expectation::in_set(name, ["a", "b"]))
        .expect(Expectation::unique(["id"]))
        .expect(Expectation::between("id", 0, 3))
        .expect(Expectation::not_null(name).warn())
}

fn read(path: &Path) -> (RecordBatch, Option<String>) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = builder.schema().clone();
    let metadata = builder
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .unwrap();
    let contract = metadata.iter().find(|pair| pair.key == "mlops:contract");
    let contract = contract.and_then(|pair| pair.value.clone());
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    (concat_batches(&schema, &batches).unwrap(), contract)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = directory
        .read_dir()
        .unwrap()
        .map(|e| e.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn quarantined_rows_are_written_whole_with_their_reasons() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bad.parquet");
    let table = table("plan");
    let (good, bad) = contract("plan")
        .validate(&table)
        .unwrap()
        .quarantine(&table)
        .unwrap();
    assert_eq!(
        (good.rows(), bad.rows(), bad.positions()),
        (2, 3, &[2, 3, 4][..])
    );
    assert_eq!(
        bad.reasons(1),
        Some("`plan` is one of \"a\", \"b\"; `id` lies in 0..=3")
    );
    assert_eq!(bad.reasons(3), None);
    bad.write_parquet(&path).unwrap();

    let (rows, name) = read(&path);
    assert_eq!(name.as_deref(), Some("accounts"));
    let columns: Vec<String> = rows
        .schema()
        .fields()
        .iter()
        .map(|f| f.name().clone())
        .collect();
    let added = [
        "quarantine_row",
        "quarantine_reasons",
        "quarantine_expectations",
    ];
    assert_eq!(columns, ["id", "plan", added[0], added[1], added[2]]);
    assert_eq!(
        rows.column(0).as_primitive::<Int64Type>().values(),
        &[2, 4, -5]
    );
    assert!(rows.column(1).is_null(2));
    assert_eq!(
        rows.column(2).as_primitive::<UInt32Type>().values(),
        &[2, 3, 4]
    );
    let reasons: Vec<&str> = rows.column(3).as_string::<i32>().iter().flatten().collect();
    assert_eq!(reasons[0], "`id` is unique");
    let rules = rows.column(4).as_list::<i32>();
    let rules: Vec<Vec<u32>> = (0..3)
        .map(|row| {
            rules
                .value(row)
                .as_primitive::<UInt32Type>()
                .values()
                .to_vec()
        })
        .collect();
    assert_eq!(rules, [vec![2], vec![1, 3], vec![3]]);

    // the crate's own reader takes the rows back, for another try once they are mended
    let schema = SourceSchema::builder()
        .value("id", "id", Parse::Int)
        .value("why", "quarantine_reasons", Parse::Str)
        .build()
        .unwrap();
    let back = ParquetFile::open(&path).unwrap().read(&schema).unwrap();
    assert_eq!((back.table.rows(), back.rejected.total()), (3, 0));
}

#[test]
fn a_file_is_replaced_whole_and_a_failed_one_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bad.parquet");
    let table = table("plan");
    let validation = contract("plan").validate(&table).unwrap();
    let (_, bad) = validation.quarantine(&table).unwrap();
    bad.write_parquet(&path).unwrap();
    let nothing = Contract::named("nothing").validate(&table).unwrap();
    let (all, none) = nothing.quarantine(&table).unwrap();
    assert!(none.is_empty() && all.rows() == 5);
    none.write_parquet(&path).unwrap();
    assert_eq!(read(&path).0.num_rows(), 0);
    assert_eq!(names(directory.path()), ["bad.parquet"]);

    // a directory stands where the file should go
    let taken = directory.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    let error = bad.write_parquet(&taken).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("taken"), "{error}");
    assert!(
        bad.write_parquet(directory.path().join("gone/bad.parquet"))
            .is_err()
    );
    assert_eq!(names(directory.path()), ["bad.parquet", "taken"]);
    assert!(bad.write_parquet("/").is_err());
}

#[test]
fn a_table_that_has_a_column_of_the_quarantine_is_refused() {
    let table = table("quarantine_row");
    let validation = contract("quarantine_row").validate(&table).unwrap();
    let error = validation.quarantine(&table).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(validation.split(&table).is_ok());
}

#[test]
fn json_from_anywhere_is_read_or_refused() {
    let nested = format!(
        r#"{{"name":"x","expectations":[{{"rule":{{"set":{{"column":"a","allowed":true,"values":{}{}}}}}}}]}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let rule = |rule: &str| format!(r#"{{"name":"x","expectations":[{{"rule":{rule}}}]}}"#);
    let refused = [
        (String::new(), "EOF"),
        ("[]".to_owned(), "invalid"),
        (nested, "recursion limit"),
        (rule(r#"{"unheard_of":{"column":"a"}}"#), "unknown variant"),
        (
            rule(r#"{"not_null":{"column":"a","colour":1}}"#),
            "unknown field",
        ),
        (
            rule(r#"{"range":{"column":"a","lower":{"Included":null},"upper":"Unbounded"}}"#),
            "did not match",
        ),
        (
            rule(r#"{"range":{"column":"a","lower":{"Included":1e999},"upper":"Unbounded"}}"#),
            "out of range",
        ),
        (
            rule(r#"{"fresh":{"column":"a","within":"-1d"}}"#),
            "negative",
        ),
        (
            r#"{"name":"x","expectations":[],"schema_version":2}"#.to_owned(),
            "version 2",
        ),
        (
            r#"{"name":"x","expectations":[],"schema_version":0}"#.to_owned(),
            "version 0",
        ),
        (
            r#"{"name":"x","expectations":[],"more":0}"#.to_owned(),
            "unknown field",
        ),
    ];
    for (json, part) in refused {
        let error = Contract::from_json(json.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let short: String = json.chars().take(120).collect();
        assert!(error.to_string().contains(part), "{short}: {error}");
    }
    assert!(Contract::from_json(&vec![b' '; (64 << 20) + 1]).is_err());

    // what is read but makes no sense is told when it is used
    let table = table("plan");
    let senseless = [
        r#"{"pattern":{"column":"plan","pattern":"("}}"#,
        r#"{"pattern":{"column":"plan","pattern":"(\\w{900}){900}"}}"#,
        r#"{"range":{"column":"id","lower":{"Included":2},"upper":{"Excluded":2.0}}}"#,
        r#"{"of_type":{"column":"id","types":["Int65"]}}"#,
        r#"{"statistic_range":{"column":"id","of":{"quantile":1.5},"lower":"Unbounded","upper":"Unbounded"}}"#,
        r#"{"z_score":{"column":"id","limit":0}}"#,
        r#"{"sum":{"columns":["id"],"total":0,"tolerance":-1}}"#,
        r#"{"reference":{"columns":["id"],"table":"t","other":[]}}"#,
        r#"{"distinct_set":{"column":"plan","relation":"equal","values":[]}}"#,
        r#"{"columns":{"columns":[],"relation":"same"}}"#,
    ];
    for json in senseless {
        let contract = Contract::from_json(rule(json).as_bytes()).unwrap();
        match contract.validate(&table) {
            Ok(validation) => assert!(!validation.passed(), "{json}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Invalid, "{json}: {error}"),
        }
        let validation = contract.inspect(&table).keep_going().run().unwrap();
        assert!(!validation.passed());
    }

    // a long list is no trouble
    let values: Vec<String> = (0..100_000).map(|i| i.to_string()).collect();
    let json = format!(
        r#"{{"set":{{"column":"id","allowed":true,"values":[{}]}}}}"#,
        values.join(",")
    );
    let long = Contract::from_json(rule(&json).as_bytes()).unwrap();
    assert_eq!(long.validate(&table).unwrap().bad_rows(), [4]);
}

#[test]
fn the_first_form_without_a_version_is_still_read_and_has_the_same_digest() {
    let first = r#"{"name":"purchases","expectations":[{"rule":{"range":{"column":"price","lower":{"Included":0.0},"upper":"Unbounded"}},"mostly":0.99,"on_failure":"error"},{"rule":{"order":{"column":"at","strict":false}},"mostly":1.0,"on_failure":"warn"},{"rule":{"pattern":{"column":"code","pattern":"^[A-Z]"}},"mostly":1.0,"on_failure":"error"},{"rule":{"newest":{"column":"at","not_before":"2011-07-01T00:00:00Z"}},"mostly":1.0,"on_failure":"error"}]}"#;
    let contract = Contract::from_json(first.as_bytes()).unwrap();
    assert_eq!(contract.digest(), mlops_core::Digest::of(first.as_bytes()));
    let now = contract.to_json();
    assert_eq!(now, first.replacen('{', r#"{"schema_version":1,"#, 1));
    let validation = r#"{"contract":"purchases","rows":3,"results":[{"expectation":"`price` is at least 0","columns":["price"],"on_failure":"error","mostly":1.0,"passed":false,"checked":3,"failed":1,"failed_share":0.3333333333333333,"observed":"values from -1 to 2","examples":[{"row":1,"value":"-1.0"}],"bad_rows":[1]}]}"#;
    let validation: Validation = serde_json::from_str(validation).unwrap();
    assert_eq!(validation.bad_rows(), [1]);
    let json = serde_json::to_string(&validation).unwrap();
    let start = r#"{"schema_version":1,"contract":"purchases","passed":false,"rows":3,"statistics":{"evaluated":1,"successful":0,"unsuccessful":1"#;
    assert!(json.starts_with(start), "{json}");
    assert!(
        serde_json::from_str::<Validation>(&json.replace(r#"version":1"#, r#"version":9"#))
            .is_err()
    );
}

#[test]
fn every_rule_of_the_catalogue_is_read_from_json() {
    let catalogue = include_str!("../../../../fuzz/corpus/contract/seed-catalogue");
    let contract = Contract::from_json(catalogue.as_bytes()).unwrap();
    assert_eq!(contract.expectations().len(), 21);
    assert_eq!(
        Contract::from_json(contract.to_json().as_bytes()).unwrap(),
        contract
    );
    // of another table most of it cannot be checked, and all of it is told
    let validation = contract.inspect(&table("plan")).keep_going().run().unwrap();
    assert_eq!(validation.results.len(), 21);
}
