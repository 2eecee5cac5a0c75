//! The scan as it is asked for: a service, a source for its views, a spine.

use std::{fmt, num::NonZeroUsize};

use arrow::array::new_null_array;
use mlops_core::{Column, Table, TrainingSet};

use super::{ScanReport, ScannedSource, ScannedView, held::Held, reach::Reach};
use crate::{
    Error, FeatureService, FeatureStore, FeatureView, Rejections, Result, Source, SourceSchema,
    index::{Staged, ViewIndex},
    join,
    plan::Group,
    service::quoted,
    store::{lineage_over, threads, training_set},
    with_column,
};

/// The rows that are read at a time unless said otherwise.
const CHUNK: usize = 1 << 16;

type Prepare<'a> = Box<dyn Fn(Table) -> Result<Table> + Send + Sync + 'a>;

/// A training set, or a join, whose events come from files of any size instead of from the store.
///
/// Each source is read once, in parts. Of its rows those are held whose key is in the spine and whose time is in reach
/// of that key's own instants: not after the last of them, and in the longest window (or the TTL) before the first. Of
/// the rows before that only the newest is held, where a feature without a TTL asks for it. The values are those of
/// [`FeatureStore::training_set`] over the whole file, by the same code, bit for bit: windows, categories, newest rows,
/// created times and transforms alike.
///
/// Of Parquet only the columns are decoded that features read, and row groups and files of a
/// [`ParquetDirectory`](crate::ParquetDirectory) that hold nothing in reach, by their statistics and paths, are passed
/// over. A column of the schema that no feature reads is left out unless it is required, so that a row is not rejected
/// for it.
///
/// ```
/// use mlops_core::{Column, arrow::array::{ArrayRef, BooleanArray, Int64Array, TimestampMicrosecondArray}};
/// use mlops_features::*;
/// # use std::sync::Arc;
/// #[derive(Entity)]
/// struct Customer { customer_id: i64 }
///
/// #[derive(FeatureView)]
/// #[view(entity = Customer, time = at)]
/// struct Purchase { customer_id: i64, at: EventTime, amount: f64 }
///
/// let churn = FeatureService::named("churn")?.feature(Purchase::amount().sum().over(days(30))).build()?;
/// let lines = "id,at,amount\n7,2011-07-01T12:00:00Z,9.5\n7,2011-01-01T12:00:00Z,1\n8,2011-07-01T12:00:00Z,2\n";
/// let purchases = Csv::from_bytes("purchases.csv", lines.as_bytes()); // or Csv::open("purchases.csv.gz")?
/// let schema = SourceSchema::builder()
///     .key("customer_id", "id", Parse::Int)
///     .event_time("at", "at", TimeFormat::rfc3339())
///     .value("amount", "amount", Parse::Float)
///     .build()?;
/// let labels = Csv::from_bytes("labels.csv", "id,at,left\n7,2011-07-02T00:00:00Z,true\n".as_bytes());
/// let labels = labels.read(&SourceSchema::builder()
///     .key("customer_id", "id", Parse::Int)
///     .event_time("at", "at", TimeFormat::rfc3339())
///     .label("left", "left", Parse::Bool)
///     .build()?)?.table;
///
/// let store = FeatureStore::new();
/// let (set, report) = store.scan(&churn).read("purchase", &purchases, &schema).training_set(&labels)?;
/// assert_eq!((set.rows(), report.views[0].rows_held), (1, 1)); // of three
/// # Ok::<(), mlops_features::Error>(())
/// ```
///
/// # Complexity
/// Memory: the spine and its keys; of each source one part, and the rows that are held, at 8 bytes a field (a text also
/// once for each different one) and 8 or 16 for the times; up to four times that while they are sorted. A view with
/// [`Cutoff::CreatedTime`](crate::Cutoff::CreatedTime), no TTL and a newest-row feature holds all rows of the spine's
/// keys up to their last instants. [`rows_limit`](Self::rows_limit) makes an error of what would be too much. Time: one
/// pass over each source on one thread, a sort of the held rows each time that they grew by half, and the join.
#[must_use = "a scan begins with `training_set` or `join`"]
pub struct FeatureScan<'a> {
    store: &'a FeatureStore,
    service: &'a FeatureService,
    readings: Vec<Reading<'a>>,
    chunk_rows: usize,
    rows_limit: usize,
    threads: NonZeroUsize,
}

/// One source of the rows of a view.
struct Reading<'a> {
    view: String,
    source: &'a dyn Source,
    schema: &'a SourceSchema,
    prepare: Option<Prepare<'a>>,
}

impl fmt::Debug for FeatureScan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = self.readings.iter().map(|r| (&r.view, r.source.name()));
        f.debug_struct("FeatureScan")
            .field("service", self.service.name())
            .field("sources", &sources.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl<'a> FeatureScan<'a> {
    pub(crate) fn new(store: &'a FeatureStore, service: &'a FeatureService) -> Self {
        Self {
            store,
            service,
            readings: Vec::new(),
            chunk_rows: CHUNK,
            rows_limit: usize::MAX,
            threads: threads(),
        }
    }

    /// Reads the rows of a view from a source by a schema that gives the view's columns; several sources of one view are
    /// read one behind the other. The view need not be registered, and what the store holds of it plays no part.
    pub fn read(
        mut self,
        view: impl Into<String>,
        source: &'a dyn Source,
        schema: &'a SourceSchema,
    ) -> Self {
        self.readings.push(Reading {
            view: view.into(),
            source,
            schema,
            prepare: None,
        });
        self
    }

    /// The same for a view with columns that are computed: `prepare` gets each part of the source, with all columns of
    /// the schema, and gives it back with more columns or fewer rows. It must leave keys and times as they are, by
    /// which row groups were passed over before.
    pub fn read_with(
        mut self,
        view: impl Into<String>,
        source: &'a dyn Source,
        schema: &'a SourceSchema,
        prepare: impl Fn(Table) -> Result<Table> + Send + Sync + 'a,
    ) -> Self {
        self.readings.push(Reading {
            view: view.into(),
            source,
            schema,
            prepare: Some(Box::new(prepare)),
        });
        self
    }

    /// The rows that are read at a time, 65,536 unless said otherwise; it changes no value.
    pub fn chunk_rows(mut self, rows: usize) -> Self {
        self.chunk_rows = rows;
        self
    }

    /// The rows of one view that may be held at most, any number unless said otherwise.
    pub fn rows_limit(mut self, rows: usize) -> Self {
        self.rows_limit = rows;
        self
    }

    /// How many threads join, as many as the machine has unless said otherwise; their number changes no value.
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// The join as a training set with its lineage; see [`FeatureStore::training_set`]. The digest of a view's data is
    /// that of the rows that were held, whatever else the source has.
    ///
    /// # Errors
    /// Those of [`join`](Self::join), and [`Error::Core`] if the spine is empty or has no usable label.
    pub fn training_set(&self, spine: &Table) -> Result<(TrainingSet, ScanReport)> {
        let (views, report) = self.views(spine)?;
        let table = join::join(self.service, &views, spine, self.threads)?;
        let lineage = lineage_over(self.service, &views, spine);
        Ok((training_set(self.service, table, lineage)?, report))
    }

    /// The spine with the features of its rows' keys and times; see [`FeatureStore::join`].
    ///
    /// # Errors
    /// Those of [`FeatureStore::join`], before a source is read; [`Error::UnknownView`] if a source was given for a view
    /// that is not in the service; [`Error::ViewMismatch`] if a schema does not give the columns of its view; those of
    /// [`Source::stream`]; [`Error::ScanTooLarge`].
    pub fn join(&self, spine: &Table) -> Result<(Table, ScanReport)> {
        let (views, report) = self.views(spine)?;
        let table = join::join(self.service, &views, spine, self.threads)?;
        Ok((table, report))
    }

    /// What each group of the service is answered from.
    fn views(&self, spine: &Table) -> Result<(Vec<ViewIndex>, ScanReport)> {
        self.check(spine)?;
        let mut report = ScanReport::default();
        let mut views: Vec<ViewIndex> = Vec::with_capacity(self.service.groups().len());
        for group in self.service.groups() {
            let same = views.iter().find(|index| *index.view() == group.view);
            views.push(match same {
                Some(index) => index.clone(),
                None if self.is_read(&group.view) => self.scan(&group.view, spine, &mut report)?,
                None => self.store.resolve(&group.view)?.snapshot(),
            });
        }
        Ok((views, report))
    }

    fn is_read(&self, view: &FeatureView) -> bool {
        let name = view.name().as_str();
        self.readings.iter().any(|reading| reading.view == name)
    }

    /// Everything that can be wrong before a source is read.
    fn check(&self, spine: &Table) -> Result<()> {
        let groups = self.service.groups().iter();
        for reading in &self.readings {
            let known = |group: &Group| group.view.name().as_str() == reading.view;
            if !groups.clone().any(known) {
                let names = groups.clone().map(|group| group.view.name().as_str());
                return Err(Error::UnknownView {
                    view: reading.view.clone(),
                    available: quoted(names),
                });
            }
        }
        let nothing: Vec<ViewIndex> = groups.map(|g| ViewIndex::new(g.view.clone())).collect();
        join::join(self.service, &nothing, &spine.take(&[])?, NonZeroUsize::MIN)?;
        Ok(())
    }

    fn scan(
        &self,
        view: &FeatureView,
        spine: &Table,
        report: &mut ScanReport,
    ) -> Result<ViewIndex> {
        let groups = self.service.groups().iter();
        let groups: Vec<&Group> = groups.filter(|group| group.view == *view).collect();
        let reach = Reach::new(view, &groups, spine)?;
        let mut held = Held::new(&reach, self.rows_limit);
        let name = view.name().as_str();
        let readings = self.readings.iter().filter(|r| r.view == name);
        let sources = readings.map(|reading| reading.run(&reach, self.chunk_rows, &mut held));
        let sources = sources.collect::<Result<Vec<_>>>()?;
        let index = held.finish()?;
        report.views.push(ScannedView {
            view: name.to_owned(),
            rows_held: index.row_count(),
            sources,
        });
        Ok(index)
    }
}

impl Reading<'_> {
    fn run(&self, reach: &Reach, chunk_rows: usize, held: &mut Held<'_>) -> Result<ScannedSource> {
        let schema = match self.prepare {
            None => {
                let filtered = self.source.filter_columns();
                let wanted = |column: &str| reach.needs(column) || filtered.contains(&column);
                self.schema.only(wanted)?
            }
            Some(_) => self.schema.clone(),
        };
        if self.prepare.is_none() {
            Staged::new(&reach.view, &complete(reach, schema.empty_table()?)?)?;
        }
        let mut account = ScannedSource {
            source: self.source.name().to_owned(),
            rows_read: 0,
            rows_seen: 0,
            null_keys: 0,
            rejected: Rejections::default(),
        };
        for chunk in self.source.stream_near(&schema, chunk_rows, &reach.near)? {
            let chunk = chunk?;
            account.rows_read += chunk.rows_read;
            account.rejected.absorb(chunk.rejected);
            let table = match &self.prepare {
                Some(prepare) => prepare(chunk.table)?,
                None => chunk.table,
            };
            let rows = Staged::new(&reach.view, &complete(reach, table)?)?;
            account.null_keys += rows.null_keys();
            account.rows_seen += held.add(rows)?;
        }
        Ok(account)
    }
}

/// The table with nulls for the fields that no feature reads.
fn complete(reach: &Reach, mut table: Table) -> Result<Table> {
    for field in reach.view.fields() {
        let name = field.name();
        if reach.needs(name) || table.schema().index_of(name).is_ok() {
            continue;
        }
        let nulls = new_null_array(field.data_type(), table.rows());
        let column = Column::value(name, field.data_type().clone());
        table = with_column(&table, column, nulls)?;
    }
    Ok(table)
}
