//! A contract: the expectations that a table must keep before anything is computed from it.
//!
//! [`Contract::validate`] tries all of them and tells everything that it saw; [`Contract::split`] takes out the
//! rows that break one, with their reasons. A contract is plain data and has a JSON form with a version.

use mlops_core::{Digest, Table};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use crate::{Error, Expectation, Inspection, Rejections, Result, Validation};

/// The version of the JSON form of contracts and validations that this crate writes; it reads those up to it.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// The largest JSON text of a contract that [`Contract::from_json`] reads.
const MAX_JSON: usize = 64 << 20;

/// A named list of expectations.
///
/// ```
/// use mlops_features::{Contract, Csv, Expectation, Parse, SourceSchema};
///
/// let schema = SourceSchema::builder()
///     .value("country", "Country", Parse::Str)
///     .value("unit_price", "UnitPrice", Parse::Float).unit("GBP")
///     .build()?;
/// let lines = Csv::from_bytes("lines", "Country,UnitPrice\nUK,2.5\nFR,-11062.06\n,1\n".as_bytes());
/// let table = lines.read(&schema)?.table;
///
/// let contract = Contract::named("purchases")
///     .expect(Expectation::not_null("country").warn())
///     .expect(Expectation::between("unit_price", 0.0, 1e5));
/// let validation = contract.validate(&table)?;
/// assert!(!validation.passed());
/// assert_eq!(validation.results[1].bad_rows, [1]);
///
/// let (good, rejected) = contract.split(&table)?;
/// assert_eq!((good.rows(), rejected.rows()[0].row), (2, 2));
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Contract {
    name: String,
    expectations: Vec<Expectation>,
}

impl Contract {
    /// A contract that expects nothing yet.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            expectations: Vec::new(),
        }
    }

    /// Adds an expectation.
    #[must_use]
    pub fn expect(mut self, expectation: Expectation) -> Self {
        self.expectations.push(expectation);
        self
    }

    /// Reads the JSON form, which may come from anywhere.
    ///
    /// ```
    /// use mlops_features::{Contract, Expectation};
    ///
    /// let text = r#"{"name":"orders","expectations":[{"rule":{"not_null":{"column":"id"}}}]}"#;
    /// let contract = Contract::from_json(text.as_bytes())?;
    /// assert_eq!(contract, Contract::named("orders").expect(Expectation::not_null("id")));
    /// # Ok::<(), mlops_features::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidContract`] if it is longer than 64 MiB, is not the JSON of a contract, is nested without end, or
    /// has a newer version than this crate knows. Whether an expectation makes sense shows when it is checked.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let invalid = |reason| Error::InvalidContract { reason };
        if json.len() > MAX_JSON {
            let length = json.len();
            return Err(invalid(format!("{length} bytes are more than {MAX_JSON}")));
        }
        serde_json::from_slice(json).map_err(|e| invalid(e.to_string()))
    }

    /// The JSON form, with its version.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a contract has no map with other keys than texts")
    }

    /// The name, which stands in results and errors.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The expectations in order.
    pub fn expectations(&self) -> &[Expectation] {
        &self.expectations
    }

    /// The digest of the name and the expectations.
    pub fn digest(&self) -> Digest {
        Digest::of_json(&Named {
            name: &self.name,
            expectations: &self.expectations,
        })
    }

    /// Tries every expectation on the table, whatever comes of the ones before.
    ///
    /// [`Contract::inspect`] does the same with more to say about it: other tables, an instant, threads.
    ///
    /// # Errors
    /// [`Error::ContractColumn`] if the table lacks a column, [`Error::ContractType`] if a column's type
    /// cannot answer, [`Error::InvalidExpectation`] if an expectation makes no sense. A row that breaks an
    /// expectation is no error.
    ///
    /// # Complexity
    /// O(rows) for each expectation; `unique` hashes its columns, and texts that repeat are tested once each.
    pub fn validate(&self, table: &Table) -> Result<Validation> {
        self.inspect(table).run()
    }

    /// A check of the table, to be told more and then run.
    pub fn inspect<'a>(&'a self, table: &'a Table) -> Inspection<'a> {
        Inspection::new(self, table)
    }

    /// The rows that keep every expectation on rows, and an account of the others.
    ///
    /// See [`Validation::split`]. Expectations on the whole table and those that only warn take no row out.
    ///
    /// # Errors
    /// Those of [`Contract::validate`].
    pub fn split(&self, table: &Table) -> Result<(Table, Rejections)> {
        self.validate(table)?.split(table)
    }
}

/// What the digest is of: the form without a version.
#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    expectations: &'a [Expectation],
}

/// The form that is read; the first one had no version.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(default = "first")]
    schema_version: u32,
    name: String,
    expectations: Vec<Expectation>,
}

pub(crate) fn first() -> u32 {
    1
}

/// Refuses a form that is newer than this crate.
pub(crate) fn known_version(version: u32) -> Result<(), String> {
    if (1..=SCHEMA_VERSION).contains(&version) {
        return Ok(());
    }
    Err(format!(
        "schema version {version} is not known; this is version {SCHEMA_VERSION}"
    ))
}

impl TryFrom<Stored> for Contract {
    type Error = String;
    fn try_from(stored: Stored) -> Result<Self, String> {
        known_version(stored.schema_version)?;
        Ok(Self {
            name: stored.name,
            expectations: stored.expectations,
        })
    }
}

impl Serialize for Contract {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut form = to.serialize_struct("Contract", 3)?;
        form.serialize_field("schema_version", &SCHEMA_VERSION)?;
        form.serialize_field("name", &self.name)?;
        form.serialize_field("expectations", &self.expectations)?;
        form.end()
    }
}
