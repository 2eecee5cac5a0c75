//! A contract from data: what holds for a table that is known to be good, with stated slack.
//!
//! What comes out is plain and meant to be read and edited. It depends on the rows alone, so that the same table
//! gives the same contract.

use mlops_core::{EventTime, Table};
use regex::Regex;

use crate::{
    Contract, Distance, Error, Expectation, Kind, Result, Shares,
    expectation::{ColumnSummary, Span64, summary},
};

/// Families of texts, the narrower before the wider.
const FAMILIES: [&str; 7] = [
    // a UUID
    "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$",
    // a date
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    // a date with a time of day
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?$",
    // an email address, as far as a pattern can tell
    r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$",
    // an IPv4 address
    r"^([0-9]{1,3}\.){3}[0-9]{1,3}$",
    // a whole number
    r"^[+-]?[0-9]+$",
    // a number
    r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$",
];

/// How a contract is inferred from a table.
///
/// For each column: the kind of its values; no nulls, or at most as many as there are and some; whole numbers
/// and texts of few distinct values as a set, other numbers and instants as a range widened by the slack, other texts by the family
/// of patterns that all of them match (UUID, date, email, number, …) and by their length; and uniqueness of whole numbers
/// and texts that never repeat. For the table: its columns, and a number of rows between a fraction and a multiple.
///
/// ```
/// use mlops_features::{Csv, Inference, Parse, SourceSchema};
///
/// let schema = SourceSchema::builder()
///     .value("id", "id", Parse::Int)
///     .value("plan", "plan", Parse::Str)
///     .build()?;
/// let read = |text: &str| Ok::<_, mlops_features::Error>(Csv::from_bytes("t", text.as_bytes()).read(&schema)?.table);
/// let lines: String = (0..200).map(|i| format!("{i},{}\n", ["basic", "plus"][i % 2])).collect();
///
/// let contract = Inference::new().contract("accounts", &read(&format!("id,plan\n{lines}"))?)?;
/// assert!(contract.validate(&read(&format!("id,plan\n{lines}"))?)?.passed());
/// let corrupt = format!("id,plan\n{}", lines.replacen("basic", "???", 1));
/// let validation = contract.validate(&read(&corrupt)?)?;
/// assert_eq!(validation.bad_rows(), [0]);
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    slack: f64,
    max_categories: usize,
    row_factor: f64,
    distribution_limit: Option<f64>,
}

impl Default for Inference {
    fn default() -> Self {
        Self::new()
    }
}

impl Inference {
    /// Slack 0.1, sets of up to 30 values, rows within a factor of 2, no distributions.
    pub fn new() -> Self {
        Self {
            slack: 0.1,
            max_categories: 30,
            row_factor: 2.0,
            distribution_limit: None,
        }
    }

    /// How far beyond the least and the greatest value a range reaches, as a share of the distance between them, and
    /// how many more nulls are allowed, as a share of those that are there (at least 0.01 of the rows). A range of numbers
    /// that never are negative does not reach below zero.
    #[must_use]
    pub fn slack(mut self, share: f64) -> Self {
        self.slack = share;
        self
    }

    /// The most distinct values of a column that are taken for a set. It must be at most a twentieth of the rows as well.
    #[must_use]
    pub fn max_categories(mut self, count: usize) -> Self {
        self.max_categories = count;
        self
    }

    /// By what factor the number of rows may fall or rise.
    #[must_use]
    pub fn row_factor(mut self, factor: f64) -> Self {
        self.row_factor = factor;
        self
    }

    /// Expects numbers and categories to be spread as they are, up to a population stability index, as a warning.
    #[must_use]
    pub fn distributions(mut self, limit: f64) -> Self {
        self.distribution_limit = Some(limit);
        self
    }

    /// The contract that the table keeps.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the slack is negative or the factor below 1, or one of them no number.
    ///
    /// # Complexity
    /// O(rows) for each column, and a hash of its values.
    pub fn contract(&self, name: impl Into<String>, table: &Table) -> Result<Contract> {
        let refused = |parameter, value: f64, rule| Error::InvalidParameter {
            parameter,
            value: value.to_string(),
            rule,
        };
        if !(0.0..=1e6).contains(&self.slack) {
            return Err(refused("slack", self.slack, "it lies in 0..=1000000"));
        }
        if !(1.0..=1e9).contains(&self.row_factor) {
            let rule = "it lies in 1..=1000000000";
            return Err(refused("row_factor", self.row_factor, rule));
        }
        let columns = table.schema().columns();
        let mut contract = Contract::named(name);
        let names = columns.iter().map(mlops_core::Column::name);
        contract = contract.expect(Expectation::columns_include(names));
        let rows = table.rows() as f64;
        contract = contract.expect(Expectation::row_count_between(
            whole((rows / self.row_factor).floor()),
            whole((rows * self.row_factor).ceil()),
        ));
        for column in columns {
            for expectation in self.column(table, column.name())? {
                contract = contract.expect(expectation);
            }
        }
        Ok(contract)
    }

    fn column(&self, table: &Table, name: &str) -> Result<Vec<Expectation>> {
        let array = table.column(name)?;
        let mut all = Vec::new();
        let kinds = [
            Kind::Boolean,
            Kind::Integer,
            Kind::Real,
            Kind::Text,
            Kind::Time,
        ];
        if let Some(kind) = kinds.into_iter().find(|k| k.includes(array.data_type())) {
            all.push(Expectation::of_kind(name, kind));
        }
        let seen = summary(array, self.max_categories)?;
        if seen.present == 0 {
            // nothing is known of an empty column, and a reserved one may be filled one day
            return Ok(all);
        }
        all.extend(self.nulls(name, &seen));
        let is_set = seen.present >= 20 * seen.distinct;
        if let Some(values) = seen.values.as_ref().filter(|_| is_set) {
            all.push(Expectation::in_set(name, values.clone()));
        } else {
            all.extend(self.range(name, &seen));
        }
        let is_key = seen.distinct == seen.present && seen.present >= 100;
        let named = matches!(seen.span, Some(Span64::Whole(..))) || seen.lengths.is_some();
        if is_key && named {
            all.push(Expectation::unique([name]));
        }
        let numbers = matches!(seen.span, Some(Span64::Whole(..) | Span64::Real(..)));
        let spread = numbers || seen.values.is_some();
        if let Some(limit) = self.distribution_limit.filter(|_| spread) {
            let shares = Shares::of(table, name, 10)?;
            all.push(Expectation::distribution(name, shares, Distance::psi(), limit).warn());
        }
        Ok(all)
    }

    /// No nulls, or some more than there are.
    fn nulls(&self, name: &str, seen: &ColumnSummary) -> Option<Expectation> {
        let nulls = 1.0 - seen.present as f64 / seen.rows as f64;
        if seen.present == seen.rows {
            return Some(Expectation::not_null(name));
        }
        let allowed = nulls + (nulls * self.slack).max(0.01);
        // to the next ten-thousandth, which is read more easily
        let mostly = ((1.0 - allowed) * 1e4).floor() / 1e4;
        (mostly > 0.0).then(|| Expectation::not_null(name).mostly(mostly))
    }

    fn range(&self, name: &str, seen: &ColumnSummary) -> Vec<Expectation> {
        match &seen.span {
            Some(Span64::Whole(least, most)) => {
                let reach = ((most - least) as f64 * self.slack).ceil();
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "past the range of a whole number a conversion saturates, which is meant"
                )]
                let reach = reach as i128;
                let floor = if *least >= 0 { 0 } else { i128::MIN };
                let bound = |v: i128| {
                    i64::try_from(v.clamp(i64::MIN.into(), i64::MAX.into())).unwrap_or(i64::MAX)
                };
                let lower = bound(least.saturating_sub(reach).max(floor));
                // past what a bound can say there is none
                if *most > i128::from(i64::MAX) {
                    return vec![Expectation::whole_within(name, lower..)];
                }
                let upper = bound(most.saturating_add(reach));
                vec![Expectation::whole_within(name, lower..=upper)]
            }
            Some(Span64::Real(least, most)) => {
                let reach = (most - least) * self.slack;
                let floor = if *least >= 0.0 {
                    0.0
                } else {
                    f64::NEG_INFINITY
                };
                let (lower, upper) = ((least - reach).max(floor), most + reach);
                let range = Expectation::within(name, lower..=upper);
                // values that are no finite number lie in no range that says something
                let odd = seen.not_finite as f64 / seen.present as f64;
                let mostly = ((1.0 - odd) * 1e4).floor() / 1e4;
                match (lower.is_finite() && upper.is_finite(), seen.not_finite) {
                    (false, _) => Vec::new(),
                    (true, 0) => vec![range],
                    (true, _) => vec![range.mostly(mostly)],
                }
            }
            Some(Span64::Time(first, last)) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "past the range of an instant a conversion saturates, which is meant"
                )]
                let reach = ((last - first) as f64 * self.slack) as i64;
                let (from, until) = (first.saturating_sub(reach), last.saturating_add(reach));
                let time = EventTime::from_micros;
                vec![Expectation::time_between(name, time(from), time(until))]
            }
            None => texts(name, seen),
        }
    }
}

/// The family of texts, if there is one, and their lengths.
fn texts(name: &str, seen: &ColumnSummary) -> Vec<Expectation> {
    let Some((shortest, longest)) = seen.lengths else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let family = FAMILIES.into_iter().find(|pattern| {
        let regex = Regex::new(pattern).expect("the families were tested");
        seen.all_texts(|text| regex.is_match(text))
    });
    if let Some(pattern) = family {
        all.push(Expectation::matches(name, pattern));
    }
    // where no text was empty none shall be, and twice the longest is no surprise
    all.push(Expectation::length_between(
        name,
        shortest.min(1),
        longest * 2,
    ));
    all
}

fn whole(count: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of rows times a bounded factor"
    )]
    let count = count as u64;
    count
}
