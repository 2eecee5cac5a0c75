//! Directories of Parquet files: order, partitions, drift, and errors that name the file.

use std::{fs, path::Path, sync::Arc};

use arrow::array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, LargeStringArray, NullArray, RecordBatch,
    StringArray,
};
use mlops_core::{ErrorKind, Value};
use mlops_features::{Error, ParquetDirectory, Parse, RowFilter, SourceSchema};
use mlops_store::{ListLimits, Location};

use super::support::{parquet, rows, why};

fn put(root: &Path, path: &str, columns: Vec<(&str, ArrayRef)>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    fs::write(path, parquet(&[batch])).unwrap();
}

fn ids(ids: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(ids.to_vec()))
}

fn schema() -> SourceSchema {
    SourceSchema::builder()
        .key("id", "id", Parse::Int)
        .value("country", "country", Parse::Str)
        .value("year", "year", Parse::Int)
        .build()
        .unwrap()
}

#[test]
fn files_are_read_in_order_with_the_columns_of_their_paths() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    put(
        root,
        "country=United%20Kingdom/year=2011/b.parquet",
        vec![("id", ids(&[3]))],
    );
    put(
        root,
        "country=United%20Kingdom/year=2011/a.parquet",
        vec![("id", ids(&[1, 2]))],
    );
    // the path wins over the file
    let france: ArrayRef = Arc::new(StringArray::from(vec!["elsewhere"]));
    put(
        root,
        "country=France/year=2010/a.parquet",
        vec![("id", ids(&[4])), ("country", france)],
    );
    put(
        root,
        "country=__HIVE_DEFAULT_PARTITION__/year=2012/a.parquet",
        vec![("id", ids(&[5]))],
    );
    put(
        root,
        "country=X/year=soon/a.parquet",
        vec![("id", ids(&[6, 7]))],
    );
    fs::write(root.join("_SUCCESS"), b"").unwrap();
    fs::write(root.join(".crc"), b"no parquet").unwrap();

    let directory = ParquetDirectory::open(root).unwrap();
    let paths: Vec<&str> = directory
        .files()
        .iter()
        .map(mlops_features::Partition::path)
        .collect();
    assert_eq!(paths[0], "country=France/year=2010/a.parquet");
    assert_eq!(paths.len(), 5);
    let ingest = directory.read(&schema()).unwrap();
    let uk = |id: i64| vec![id.into(), "United Kingdom".into(), 2011.into()];
    let expected = [
        vec![4.into(), "France".into(), 2010.into()],
        uk(1),
        uk(2),
        uk(3),
        vec![5.into(), Value::Null, 2012.into()],
    ];
    assert_eq!(rows(&ingest.table), expected);
    assert_eq!(
        why(&ingest),
        [
            "row 5, column `year`, `soon`: it is not a whole number",
            "row 6, column `year`, `soon`: it is not a whole number",
        ]
    );
    assert_eq!(ingest.rows_read, 7);
}

#[test]
fn files_that_cannot_hold_a_wanted_row_are_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    put(root, "country=UK/year=2011/a", vec![("id", ids(&[1, 2]))]);
    put(root, "country=UK/year=2012/a", vec![("id", ids(&[3]))]);
    for broken in [
        "country=France/year=2011/a",
        "country=__HIVE_DEFAULT_PARTITION__/year=2011/a",
    ] {
        fs::create_dir_all(root.join(broken).parent().unwrap()).unwrap();
        fs::write(root.join(broken), b"no parquet").unwrap();
    }
    let directory = ParquetDirectory::open(root).unwrap();
    let uk = RowFilter::new()
        .one_of("country", ["UK"])
        .at_least("year", 2011);
    let ingest = directory.clone().filter(uk).read(&schema()).unwrap();
    assert_eq!(ingest.table.rows(), 3);
    let recent = RowFilter::new().at_least("year", 2012);
    let ingest = directory.clone().filter(recent).read(&schema()).unwrap();
    assert_eq!(rows(&ingest.table)[0][0], 3.into());
    let none = RowFilter::new().below("year", 1900);
    assert_eq!(
        directory
            .clone()
            .filter(none)
            .read(&schema())
            .unwrap()
            .rows_read,
        0
    );
    let error = directory.read(&schema()).unwrap_err();
    assert!(matches!(error, Error::BrokenParquet { .. }), "{error}");
    assert!(
        error.to_string().contains("country=France/year=2011/a"),
        "{error}"
    );
    let wrong = RowFilter::new().one_of("year", ["2011"]);
    let error = directory.clone().filter(wrong).read(&schema()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let unknown = RowFilter::new().one_of("planet", ["Earth"]);
    assert!(directory.filter(unknown).read(&schema()).is_err());
}

#[test]
fn types_may_drift_from_file_to_file() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let columns = |id: ArrayRef, fee: ArrayRef, flag: ArrayRef| {
        vec![("id", id), ("fee", fee), ("flag", flag)]
    };
    let int: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    let double: ArrayRef = Arc::new(Float64Array::from(vec![Some(3.0), None]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["Y", "N"]));
    let large: ArrayRef = Arc::new(LargeStringArray::from(vec![Some("Y"), None]));
    let null: ArrayRef = Arc::new(NullArray::new(2));
    put(root, "2022-01", columns(ids(&[1, 2]), null.clone(), text));
    put(root, "2022-02", columns(int, double.clone(), large));
    put(root, "2022-03", columns(double.clone(), ids(&[7, 8]), null));
    let schema = SourceSchema::builder()
        .value("id", "id", Parse::Int)
        .value("fee", "fee", Parse::Float)
        .value("flag", "flag", Parse::Bool)
        .build()
        .unwrap();
    let ingest = ParquetDirectory::open(root).unwrap().read(&schema).unwrap();
    assert!(ingest.rejected.is_empty(), "{}", ingest.rejected);
    let rows = rows(&ingest.table);
    assert_eq!(rows[0], [1.into(), Value::Null, true.into()]);
    assert_eq!(rows[2], [1.into(), 3.0.into(), true.into()]);
    assert_eq!(rows[4], [3.into(), 7.0.into(), Value::Null]);
    // a type that cannot be widened names its file
    put(
        root,
        "2022-04",
        vec![
            ("id", ids(&[1])),
            ("fee", ids(&[1])),
            ("flag", Arc::new(Float64Array::from(vec![1.0]))),
        ],
    );
    let error = ParquetDirectory::open(root)
        .unwrap()
        .read(&schema)
        .unwrap_err();
    assert!(
        matches!(error, Error::ColumnType { .. }) && error.to_string().contains("2022-04"),
        "{error}"
    );
}

#[test]
fn a_directory_that_is_none_empty_or_too_large_is_a_typed_error() {
    let dir = tempfile::tempdir().unwrap();
    let error = ParquetDirectory::open(dir.path().join("nowhere")).unwrap_err();
    assert!(matches!(error, Error::MissingFile { .. }), "{error}");
    fs::write(dir.path().join("_SUCCESS"), b"").unwrap();
    let error = ParquetDirectory::open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::EmptyDirectory { .. }), "{error}");
    for i in 0..3 {
        put(dir.path(), &format!("a/b/{i}"), vec![("id", ids(&[1]))]);
    }
    let location = Location::file(dir.path());
    let open = |limits| ParquetDirectory::open_at(&location, limits);
    assert!(open(ListLimits::default()).is_ok());
    let deep = open(ListLimits::default().depth(1)).unwrap_err();
    assert!(
        matches!(deep, Error::Object { .. }) && deep.kind() == ErrorKind::Invalid,
        "{deep}"
    );
    assert!(open(ListLimits::default().objects(3)).is_err());
    put(dir.path(), "x=1/x=2/a", vec![("id", ids(&[1]))]);
    assert!(matches!(
        open(ListLimits::default()),
        Err(Error::AmbiguousColumn { .. })
    ));
}
