//! What the path of a file says about its rows: `country=United%20Kingdom/year=2011/part-0.parquet`.

use mlops_store::{Listed, percent_decode};

use super::input::ParquetInput;
use crate::{Error, Result};

/// What Hive and its heirs write for no value.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A file of a directory, with the columns that its path states.
#[derive(Debug, Clone)]
pub struct Partition {
    pub(super) input: ParquetInput,
    path: String,
    size: u64,
    values: Vec<(String, Option<String>)>,
}

impl Partition {
    /// The file that was listed, or `None` if it is hidden.
    pub(super) fn new(listed: Listed) -> Result<Option<Self>> {
        let mut values: Vec<(String, Option<String>)> = Vec::new();
        let parts: Vec<&str> = listed.path.split('/').collect();
        if parts.iter().any(|part| is_hidden(part)) {
            return Ok(None);
        }
        for part in &parts[..parts.len() - 1] {
            let Some((name, value)) = part.split_once('=') else {
                continue;
            };
            let name = decoded(name);
            if values.iter().any(|(before, _)| *before == name) {
                return Err(Error::AmbiguousColumn {
                    source_name: listed.location.url().to_owned(),
                    column: name,
                    count: 2,
                });
            }
            let value = decoded(value);
            values.push((name, (value != NULL).then_some(value)));
        }
        Ok(Some(Self {
            input: ParquetInput::at(listed.location),
            path: listed.path,
            size: listed.size,
            values,
        }))
    }

    /// The path below the directory.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The columns that the path states, in its order; `None` is no value.
    pub fn values(&self) -> &[(String, Option<String>)] {
        &self.values
    }
}

/// Files that jobs leave beside the data. A column may begin with an underscore.
fn is_hidden(part: &str) -> bool {
    part.starts_with('.') || (part.starts_with('_') && !part.contains('='))
}

/// A part of a path; what is not percent-encoded stands for itself.
fn decoded(text: &str) -> String {
    percent_decode(text).map_or_else(|| text.to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use mlops_store::Location;

    use super::*;

    fn partition(path: &str) -> Result<Option<Partition>> {
        // listings are made by the store alone, so one file is put there and listed
        let objects = mlops_store::Objects::new();
        let root = objects.locate("memory://lake").unwrap();
        let file: Location = objects.locate(&format!("memory://lake/{path}")).unwrap();
        file.put(&b"x"[..]).unwrap();
        let mut listed = root.list(mlops_store::ListLimits::default()).unwrap();
        Partition::new(listed.remove(0))
    }

    #[test]
    fn a_path_states_its_columns() {
        let file =
            partition("a b/country=United%20Kingdom/_n=1/x=__HIVE_DEFAULT_PARTITION__/p=100%/f=g");
        let file = file.unwrap().unwrap();
        let values: Vec<(&str, Option<&str>)> = file
            .values()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
            .collect();
        let expected = [
            ("country", Some("United Kingdom")),
            ("_n", Some("1")),
            ("x", None),
            ("p", Some("100%")),
        ];
        assert_eq!(values, expected);
        assert_eq!(file.size(), 1);
    }

    #[test]
    fn hidden_files_are_none_and_a_column_stands_once() {
        for hidden in ["_SUCCESS", ".part.crc", "_temporary/0/a", "x=1/.a/b"] {
            assert!(partition(hidden).unwrap().is_none(), "{hidden}");
        }
        let error = partition("a=1/a=2/f").unwrap_err();
        assert!(matches!(error, Error::AmbiguousColumn { .. }), "{error}");
    }
}
