//! The join as it is asked for: a spine, views, and where the result goes.

use std::{
    fmt,
    fs::File,
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    datatypes::Schema,
};
use flate2::{Compression, write::GzEncoder};

use super::{
    JoinProgress, JoinSummary, SpineFile, ViewFile, ViewSummary, csv_out,
    files::Format,
    layout::Layout,
    parquet_out,
    spine_pass::read_spine,
    time::{Precision, wants_nanos},
    view_pass::{Answer, read_views},
};
use crate::{Error, Result};

type Hear<'a> = &'a (dyn Fn(JoinProgress<'_>) + Sync);

/// For each row of a spine the values of each view that were visible at its time, from files to a file.
///
/// Every spine row gives one output row, in order: its own columns, then `view__feature` of each view. A row
/// of a view is visible if its key equals the spine row's, typed and never null, its event time is not after
/// the spine row's (before it, under [`Boundary::Exclusive`](crate::Boundary::Exclusive)) and not older than
/// the TTL; of these the largest by event time, then created time, then place in the file answers, with its
/// nulls as they are.
///
/// ```
/// use mlops_features::{PointInTimeJoin, SpineFile, ViewFile, days};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = |name: &str| dir.path().join(name);
/// std::fs::write(path("labels.csv"), "driver,event_timestamp\n1,2024-01-10\n2,2024-01-10\n").unwrap();
/// std::fs::write(path("trips.csv"), "driver,event_timestamp,trips\n1,2024-01-09,14\n1,2024-01-11,15\n").unwrap();
///
/// let trips = ViewFile::open("trips", path("trips.csv"))?.keys(["driver"]).ttl(days(90));
/// let join = PointInTimeJoin::new(SpineFile::open(path("labels.csv"))?).view(trips);
/// let summary = join.write(path("set.csv"))?;
///
/// assert_eq!((summary.views[0].matched, summary.views[0].null), (1, 1));
/// let set = std::fs::read_to_string(path("set.csv")).unwrap();
/// assert_eq!(set, "driver,event_timestamp,trips__trips\n1,2024-01-10,14\n2,2024-01-10,\n");
/// # Ok::<(), mlops_features::Error>(())
/// ```
///
/// # Complexity
/// Time: the spine is sorted inside its keys; each row of a view costs a hash lookup and a binary search among
/// the times of its key. Memory: per spine row 4 bytes a view and, for the views that are being read, at most one
/// a thread, 20 to 28 more; the encoded output; and about 40 MB a thread. The size of a view does not matter.
pub struct PointInTimeJoin<'a> {
    spine: SpineFile,
    views: Vec<ViewFile>,
    threads: usize,
    progress: Option<Hear<'a>>,
}

impl fmt::Debug for PointInTimeJoin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PointInTimeJoin")
            .field("spine", &self.spine)
            .field("views", &self.views)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl<'a> PointInTimeJoin<'a> {
    /// A join that has no view yet, on as many threads as there are cores.
    pub fn new(spine: SpineFile) -> Self {
        Self {
            spine,
            views: Vec::new(),
            threads: std::thread::available_parallelism().map_or(1, NonZero::get),
            progress: None,
        }
    }

    /// Adds a view.
    #[must_use]
    pub fn view(mut self, view: ViewFile) -> Self {
        self.views.push(view);
        self
    }

    /// How many threads work; the result is the same with any number. Zero counts as one.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Is told how far the join is, often and from several threads.
    #[must_use]
    pub fn progress(mut self, hear: Hear<'a>) -> Self {
        self.progress = Some(hear);
        self
    }

    /// Writes the result as `.parquet`, `.csv` or `.csv.gz`; a file that is there is replaced at the end,
    /// whole, or not at all.
    ///
    /// CSV in, CSV out leaves every text as it stands. Columns of a CSV file get the narrowest type that fits
    /// all their values where the output is Parquet.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::SpineMissingKey`], [`Error::SpineKeyType`], [`Error::ColumnType`] and
    /// [`Error::NameCollision`] before a row is read; [`Error::BadCell`] for a time or key that is none, with its
    /// row; [`Error::BrokenParquet`], [`Error::Read`]; [`Error::Write`] if the output cannot be written,
    /// [`Error::UnknownFormat`] for another ending, [`Error::OutputIsInput`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<JoinSummary> {
        let path = path.as_ref();
        let format = Format::of(&path.to_string_lossy())?;
        self.check_target(path)?;
        let (layout, answers, summary) = self.answers(format == Format::Parquet)?;
        let part = partial(path);
        let result = self.write_to(&part, path, format, &layout, &answers, &summary);
        let result = result.and_then(|()| {
            let renamed = std::fs::rename(&part, path);
            renamed.map_err(Error::write(&path.to_string_lossy()))
        });
        if result.is_err() {
            // what is half written is of no use; that it cannot be removed is the lesser trouble
            let _ = std::fs::remove_file(&part);
        }
        result.map(|()| summary)
    }

    /// The result in memory, in batches of rows in order.
    ///
    /// # Errors
    /// Those of [`write`](Self::write), the output apart.
    pub fn collect(&self) -> Result<(Vec<RecordBatch>, JoinSummary)> {
        let (layout, answers, summary) = self.answers(false)?;
        let columns = self.columns(&layout, &answers)?;
        let fields = layout.outputs().into_iter();
        let fields: Vec<_> = fields.map(|output| layout.field(output, false)).collect();
        let schema = Arc::new(Schema::new(fields));
        let rows = row_count(&summary);
        let starts = (0..rows).step_by(parquet_out::GROUP);
        let batches = starts.map(|first| {
            let count = parquet_out::GROUP.min(rows - first);
            let options = RecordBatchOptions::new().with_row_count(Some(count));
            let arrays = columns.run(first, count)?;
            RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)
                .map_err(Error::arrow("build the result"))
        });
        Ok((batches.collect::<Result<_>>()?, summary))
    }

    fn answers(&self, typed: bool) -> Result<(Layout, Vec<Answer>, JoinSummary)> {
        let mut layout = Layout::new(&self.spine, &self.views, typed)?;
        match self.answer(&layout) {
            Err(error) if wants_nanos(&error) && layout.precision == Precision::Micros => {
                layout.precision = Precision::Nanos;
                let (answers, summary) = self.answer(&layout)?;
                Ok((layout, answers, summary))
            }
            result => result.map(|(answers, summary)| (layout, answers, summary)),
        }
    }

    fn answer(&self, layout: &Layout) -> Result<(Vec<Answer>, JoinSummary)> {
        let hear = self.stage("reading the spine", layout.spine.rows());
        let ready = read_spine(layout, self.threads, &hear)?;
        let stages: Vec<String> = layout
            .views
            .iter()
            .map(|view| format!("reading {}", view.file.name))
            .collect();
        let views = layout.views.iter().zip(&stages);
        let hear: Vec<_> = views
            .map(|(view, stage)| self.stage(stage, view.input.rows()))
            .collect();
        let answered = read_views(layout, &ready, self.threads, &|at, rows| hear[at](rows))?;
        drop(ready);
        let (answers, views): (Vec<Answer>, Vec<ViewSummary>) = answered.into_iter().unzip();
        let mut summary = JoinSummary {
            rows: answers
                .first()
                .map_or(0, |answer| answer.picks.len() as u64),
            views,
        };
        if layout.views.is_empty() {
            summary.rows = layout.spine.rows().unwrap_or(0);
        }
        Ok((answers, summary))
    }

    fn columns<'b>(
        &self,
        layout: &'b Layout,
        answers: &'b [Answer],
    ) -> Result<csv_out::Columns<'b>> {
        let columns = layout.outputs().len() - layout.spine.fields().len();
        let hear = self.stage("gathering features", Some(columns as u64));
        csv_out::Columns::new(layout, answers, self.threads, &hear)
    }

    fn write_to(
        &self,
        part: &Path,
        path: &Path,
        format: Format,
        layout: &Layout,
        answers: &[Answer],
        summary: &JoinSummary,
    ) -> Result<()> {
        let name = path.display().to_string();
        let file = File::create(part).map_err(Error::write(&name))?;
        let rows = row_count(summary);
        if format == Format::Parquet {
            let hear = self.stage("writing columns", Some(layout.outputs().len() as u64));
            return parquet_out::write(file, &name, layout, answers, rows, self.threads, &hear);
        }
        let columns = self.columns(layout, answers)?;
        if path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("gz"))
        {
            let mut file = GzEncoder::new(file, Compression::default());
            csv_out::write(&mut file, &name, layout, &columns, rows)?;
            file.finish().map_err(Error::write(&name))?;
            return Ok(());
        }
        csv_out::write(file, &name, layout, &columns, rows)
    }

    fn check_target(&self, path: &Path) -> Result<()> {
        let Ok(target) = path.canonicalize() else {
            return Ok(()); // it is not there yet
        };
        let inputs = self.views.iter().filter_map(ViewFile::path);
        for input in inputs.chain(self.spine.path()) {
            if input
                .canonicalize()
                .is_ok_and(|input| target.starts_with(input))
            {
                return Err(Error::OutputIsInput {
                    path: path.display().to_string(),
                });
            }
        }
        Ok(())
    }

    fn stage<'b>(&'b self, stage: &'b str, total: Option<u64>) -> impl Fn(u64) + Sync + 'b {
        let done = AtomicU64::new(0);
        move |more| {
            let done = done.fetch_add(more, Ordering::Relaxed) + more;
            if let Some(hear) = self.progress {
                hear(JoinProgress { stage, done, total });
            }
        }
    }
}

/// Where the output grows: beside its place, so that a rename puts it there.
fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

fn row_count(summary: &JoinSummary) -> usize {
    usize::try_from(summary.rows).expect("a spine is counted in 32 bits")
}
