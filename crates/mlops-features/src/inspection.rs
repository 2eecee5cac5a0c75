//! One check of a table by a contract: what it is compared with, as of when, and by how many threads.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use mlops_core::{EventTime, Table};

use crate::{
    Contract, Error, Expectation, ExpectationResult, Result, Validation,
    expectation::{Cache, Context},
    expectation_result::EXAMPLES,
};

/// A check that is described and then [run](Inspection::run); [`Contract::inspect`] begins one.
///
/// ```
/// use mlops_features::{Contract, Csv, EventTime, Expectation, Parse, SourceSchema, TimeFormat, days};
///
/// let customers = SourceSchema::builder().value("id", "id", Parse::Int).build()?;
/// let customers = Csv::from_bytes("customers", "id\n1\n2\n".as_bytes()).read(&customers)?.table;
/// let visits = SourceSchema::builder()
///     .value("customer", "customer", Parse::Int)
///     .event_time("at", "at", TimeFormat::rfc3339())
///     .build()?;
/// let text = "customer,at\n1,2011-07-01T12:00:00Z\n7,2011-07-02T12:00:00Z\n";
/// let visits = Csv::from_bytes("visits", text.as_bytes()).read(&visits)?.table;
///
/// let contract = Contract::named("visits")
///     .expect(Expectation::references("customer", "customers", "id"))
///     .expect(Expectation::fresh_within("at", days(1)));
/// let validation = contract
///     .inspect(&visits)
///     .table("customers", &customers)
///     .as_of(EventTime::parse("2011-07-03T09:00:00Z")?)
///     .run()?;
/// assert_eq!(validation.results[0].bad_rows, [1]);
/// assert!(validation.results[1].passed);
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Inspection<'a> {
    contract: &'a Contract,
    table: &'a Table,
    others: BTreeMap<String, &'a Table>,
    as_of: Option<EventTime>,
    threads: NonZeroUsize,
    examples: usize,
    keep_going: bool,
}

impl<'a> Inspection<'a> {
    pub(crate) fn new(contract: &'a Contract, table: &'a Table) -> Self {
        Self {
            contract,
            table,
            others: BTreeMap::new(),
            as_of: None,
            threads: NonZeroUsize::MIN,
            examples: EXAMPLES,
            keep_going: false,
        }
    }

    /// Another table, by the name that expectations call it.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>, table: &'a Table) -> Self {
        self.others.insert(name.into(), table);
        self
    }

    /// The instant that freshness and the future are seen from. No clock is asked.
    #[must_use]
    pub fn as_of(mut self, instant: EventTime) -> Self {
        self.as_of = Some(instant);
        self
    }

    /// How many threads share the expectations, one unless said otherwise. The result is the same for any number.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// How many bad rows and frequent bad values a result shows, 20 unless said otherwise. Positions are always complete.
    #[must_use]
    pub fn examples(mut self, count: usize) -> Self {
        self.examples = count;
        self
    }

    /// An expectation that cannot be checked, since its column is missing or of another type or it makes no sense, counts
    /// as not met and its result holds the [error](ExpectationResult::error); otherwise the first one ends the run.
    #[must_use]
    pub fn keep_going(mut self) -> Self {
        self.keep_going = true;
        self
    }

    /// Tries every expectation.
    ///
    /// # Errors
    /// Those of [`Contract::validate`], for the first expectation in the order of the contract that has one; none but
    /// that of a table with too many rows if it [keeps going](Inspection::keep_going).
    pub fn run(&self) -> Result<Validation> {
        if u32::try_from(self.table.rows()).is_err() {
            return Err(Error::InvalidParameter {
                parameter: "rows",
                value: self.table.rows().to_string(),
                rule: "a contract is checked on at most 4,294,967,295 rows at once",
            });
        }
        let expectations = self.contract.expectations();
        let mut order: Vec<usize> = (0..expectations.len()).collect();
        // what takes long begins first, so that threads end together
        order.sort_by_key(|at| std::cmp::Reverse(expectations[*at].effort()));
        let cache = Cache::of(self.table);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            while let Some(at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                done.push((*at, self.result(&expectations[*at], &cache)));
            }
            done
        };
        let helpers = self.threads.get().min(expectations.len()).saturating_sub(1);
        let mut results = thread::scope(|scope| {
            let others: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
            let mut all = work();
            for other in others {
                match other.join() {
                    Ok(done) => all.extend(done),
                    // a bug of our own goes on as it would have on one thread
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            all
        });
        results.sort_by_key(|(at, _)| *at);
        let results = results.into_iter().map(|(_, result)| result);
        Ok(Validation {
            contract: self.contract.name().to_owned(),
            rows: self.table.rows() as u64,
            results: results.collect::<Result<_>>()?,
        })
    }

    fn result(&self, expectation: &Expectation, cache: &Cache) -> Result<ExpectationResult> {
        let words = expectation.words();
        let context = Context {
            contract: self.contract.name(),
            words: &words,
            table: self.table,
            cache,
            others: &self.others,
            as_of: self.as_of,
            when: None,
        };
        match expectation.check(context) {
            Ok(outcome) => ExpectationResult::new(expectation, self.table, outcome, self.examples),
            Err(error) if self.keep_going => Ok(ExpectationResult::failed(expectation, &error)),
            Err(error) => Err(error),
        }
    }
}
