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

#[cfg(test)]
mod tests {
    use mlops_core::{ErrorKind, EventTime};

    use super::*;
    use crate::{
        Csv, ExpectationResult, OnFailure, Parse, RejectionKind, SourceSchema, TimeFormat,
    };

    const TEXT: &str = "\
id,at,price,country,flag
1,2011-07-01 12:00:00,2.5,UK,yes
2,2011-07-02 12:00:00,-3,FR,no
2,2011-07-02 12:00:00,-3,FR,no
,2011-06-30 12:00:00,0,,
5,2012-01-01 00:00:00,,Éire,yes
";

    fn table() -> Table {
        let schema = SourceSchema::builder()
            .key("id", "id", Parse::Int)
            .nullable()
            .event_time("at", "at", TimeFormat::local("UTC").unwrap())
            .value("price", "price", Parse::Float)
            .value("country", "country", Parse::Str)
            .value("flag", "flag", Parse::Bool)
            .build()
            .unwrap();
        Csv::from_bytes("test", TEXT.as_bytes())
            .read(&schema)
            .unwrap()
            .table
    }

    fn time(text: &str) -> EventTime {
        EventTime::parse(text).unwrap()
    }

    fn result(expectation: Expectation) -> ExpectationResult {
        let contract = Contract::named("test").expect(expectation);
        contract.validate(&table()).unwrap().results.remove(0)
    }

    #[test]
    fn each_rule_finds_exactly_the_rows_that_break_it() {
        let cases: Vec<(Expectation, u64, &[u32])> = vec![
            (Expectation::not_null("country"), 5, &[3]),
            (Expectation::not_null("at"), 5, &[]),
            (Expectation::between("price", 0.0, 2.5), 4, &[1, 2]),
            (Expectation::within("price", 0.0..2.5), 4, &[0, 1, 2]),
            (Expectation::within("price", ..), 4, &[]),
            (Expectation::within("id", 2.0..), 4, &[0]),
            (Expectation::in_set("country", ["UK", "FR"]), 4, &[4]),
            (Expectation::not_in_set("country", ["UK"]), 4, &[0]),
            (Expectation::in_set("id", [1, 2]), 4, &[4]),
            (Expectation::in_set("price", [0.0, 2.5]), 4, &[1, 2]),
            (Expectation::in_set("flag", [true]), 4, &[1, 2]),
            (Expectation::matches("country", "^[A-Z]{2}$"), 4, &[4]),
            (Expectation::matches("country", "r"), 4, &[0, 1, 2]),
            (Expectation::length_between("country", 2, 3), 4, &[4]),
            (Expectation::length_between("country", 0, 4), 4, &[]),
            (Expectation::unique(["id"]), 4, &[2]),
            (Expectation::unique(["id", "country"]), 4, &[2]),
            (Expectation::unique(["price", "id", "at"]), 5, &[2]),
            (Expectation::increasing("id"), 4, &[2]),
            (Expectation::non_decreasing("id"), 4, &[]),
            (Expectation::non_decreasing("at"), 5, &[3]),
            (
                Expectation::not_after("at", time("2011-12-31T23:59:59Z")),
                5,
                &[4],
            ),
            (
                Expectation::not_before("at", time("2011-07-01T00:00:00Z")),
                5,
                &[3],
            ),
            (
                Expectation::time_between(
                    "at",
                    time("2011-07-01T12:00:00Z"),
                    time("2011-07-02T12:00:00Z"),
                ),
                5,
                &[3, 4],
            ),
        ];
        for (expectation, checked, bad) in cases {
            let words = expectation.words();
            let result = result(expectation);
            assert_eq!(result.checked, checked, "{words}");
            assert_eq!(result.bad_rows, bad, "{words}");
            assert_eq!(result.passed, bad.is_empty(), "{words}");
            assert_eq!(result.failed, bad.len() as u64, "{words}");
        }
    }

    #[test]
    fn rules_on_the_table_tell_what_they_saw() {
        let cases = [
            (Expectation::row_count_between(1, 5), true, "5 rows"),
            (Expectation::row_count_between(6, 9), false, "5 rows"),
            (
                Expectation::newest_not_before("at", time("2012-01-01T00:00:00Z")),
                true,
                "2012-01-01T00:00:00Z",
            ),
            (
                Expectation::newest_not_before("at", time("2012-01-02T00:00:00Z")),
                false,
                "2012-01-01T00:00:00Z",
            ),
        ];
        for (expectation, passed, observed) in cases {
            let result = result(expectation);
            assert_eq!(
                (result.passed, result.observed.as_str()),
                (passed, observed)
            );
            assert!(result.bad_rows.is_empty());
        }
    }

    #[test]
    fn mostly_allows_a_share_and_not_a_row_more() {
        // two of four prices are negative
        let price = || Expectation::between("price", 0.0, 2.5);
        assert!(result(price().mostly(0.5)).passed);
        assert!(!result(price().mostly(0.500_001)).passed);
        let half = result(price().mostly(0.5));
        assert_eq!((half.failed, half.failed_share), (2, 0.5));
        assert!(half.expectation.ends_with("in 50 % of rows"));
        assert!(result(Expectation::not_null("country").mostly(0.0)).passed);
    }

    #[test]
    fn a_split_loses_no_row_and_gives_every_reason() {
        let contract = Contract::named("test")
            .expect(Expectation::between("price", 0.0, 2.5).mostly(0.1))
            .expect(Expectation::unique(["id", "at"]))
            .expect(Expectation::row_count_between(9, 9))
            .expect(Expectation::not_null("country").warn());
        let (good, rejected) = contract.split(&table()).unwrap();
        assert_eq!((good.rows() as u64, rejected.total()), (3, 2));
        let rows: Vec<String> = rejected.rows().iter().map(ToString::to_string).collect();
        assert_eq!(
            rows,
            [
                "row 2, column `price`, `-3.0`: not so: `price` lies in 0..=2.5, in 10 % of rows",
                "row 3, column `price`, `-3.0`: not so: `price` lies in 0..=2.5, in 10 % of rows; \
                 `id` with `at` is unique",
            ]
        );
        assert_eq!(rejected.count_of("id, at", RejectionKind::Expectation), 1);
        assert_eq!(rejected.count_of("price", RejectionKind::Expectation), 2);
    }

    #[test]
    fn warnings_do_not_break_a_contract() {
        let contract = Contract::named("test").expect(Expectation::not_null("country").warn());
        let validation = contract.validate(&table()).unwrap();
        assert!(validation.passed() && validation.require().is_ok());
        assert_eq!(validation.failures(OnFailure::Warn).count(), 1);
        assert!(validation.bad_rows().is_empty());
        let strict = Contract::named("test").expect(Expectation::not_null("country"));
        let error = strict.validate(&table()).unwrap().require().unwrap_err();
        assert_eq!(
            error.to_string(),
            "contract `test` is broken by 1 of 1 expectations, first: `country` is not null; \
             seen: 1 of 5 rows (20 %), 1 nulls"
        );
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }

    #[test]
    fn results_and_contracts_survive_json() {
        let contract = Contract::named("test")
            .expect(Expectation::in_set("country", ["UK"]).mostly(0.5).warn())
            .expect(Expectation::within("price", 0.0..))
            .expect(Expectation::not_after("at", time("2012-01-01T00:00:00Z")));
        let json = serde_json::to_string(&contract).unwrap();
        let back: Contract = serde_json::from_str(&json).unwrap();
        assert_eq!((back.digest(), &back), (contract.digest(), &contract));
        let validation = contract.validate(&table()).unwrap();
        let json = serde_json::to_string(&validation).unwrap();
        assert_eq!(
            serde_json::from_str::<Validation>(&json).unwrap(),
            validation
        );
        assert!(json.contains(r#""bad_rows":[1,2]"#), "{json}");
        let beyond = json.replace(r#""bad_rows":[1,2]"#, r#""bad_rows":[1,5]"#);
        let beyond: Validation = serde_json::from_str(&beyond).unwrap();
        let error = beyond.split(&table()).unwrap_err();
        assert!(error.to_string().contains("5 values meet 6"), "{error}");
    }

    #[test]
    fn an_expectation_that_cannot_be_checked_is_named() {
        let cases = [
            (
                Expectation::not_null("nope"),
                "expects a column `nope`; the table has `id`, `at`",
            ),
            (
                Expectation::between("country", 0.0, 1.0),
                "column `country` holds Utf8",
            ),
            (
                Expectation::between("price", 1.0, 0.0),
                "the range is empty",
            ),
            (
                Expectation::within("price", f64::NAN..),
                "the range is empty",
            ),
            (
                Expectation::in_set("country", [1]),
                "column `country` holds Utf8",
            ),
            (Expectation::in_set("id", ["UK"]), "column `id` holds Int64"),
            (Expectation::in_set::<i64>("id", []), "the list is empty"),
            (Expectation::matches("country", "("), "unclosed group"),
            (Expectation::matches("id", "."), "asks for a text"),
            (
                Expectation::length_between("country", 2, 1),
                "the range is empty",
            ),
            (Expectation::unique::<&str>([]), "no column is named"),
            (
                Expectation::unique(["id", "nope"]),
                "expects a column `nope`",
            ),
            (
                Expectation::increasing("country"),
                "asks for a number or an instant",
            ),
            (
                Expectation::not_after("price", EventTime::MAX),
                "asks for an instant",
            ),
            (Expectation::row_count_between(2, 1), "the range is empty"),
            (Expectation::not_null("id").mostly(1.5), "`mostly` is 1.5"),
            (
                Expectation::not_null("id").mostly(f64::NAN),
                "`mostly` is NaN",
            ),
        ];
        for (expectation, text) in cases {
            let error = Contract::named("test")
                .expect(expectation)
                .validate(&table())
                .unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn an_empty_table_keeps_every_rule_on_rows() {
        let empty = table().filter(&[false; 5]).unwrap();
        let contract = Contract::named("test")
            .expect(Expectation::not_null("id"))
            .expect(Expectation::unique(["id"]))
            .expect(Expectation::between("price", 0.0, 1.0));
        let validation = contract.validate(&empty).unwrap();
        assert!(validation.passed());
        assert_eq!(validation.results[0].failed_share, 0.0);
        let fresh =
            Contract::named("test").expect(Expectation::newest_not_before("at", EventTime::MIN));
        assert!(!fresh.validate(&empty).unwrap().passed());
    }
}
