//! The feature store: one state that training sets and online reads both come from.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::AtomicU64,
    },
};

use mlops_core::{Clock, Digest, Lineage, Span, Table, TrainingSet, ViewName};

use crate::{
    Error, FeatureScan, FeatureService, FeatureView, Result,
    builder::FeatureStoreBuilder,
    index::{Staged, ViewIndex},
    join,
    offline::Directory,
    online::{OnlineStore, OnlineTable},
    push::Writer,
    service::quoted,
    transform,
};

/// The name under which a lineage lists the spine; no view can have it.
pub(crate) const SPINE: &str = "@spine";

/// Events in memory, by view, for joins and for online reads; a clone shares the state.
///
/// Reads never wait for a join or a bulk load: a join works on a snapshot, a load is built beside the
/// state and swapped in. Rows that were pushed are visible to the next read. Exact duplicates of a row
/// are kept, for two equal purchases are two purchases; remove them beforehand if they are none.
///
/// ```
/// use mlops_features::{days, EntityRow, Entity, EventTime, FeatureService, FeatureStore, FeatureView, Value, ViewRow};
///
/// #[derive(Entity)]
/// struct Customer { customer_id: i64 }
///
/// #[derive(FeatureView)]
/// #[view(entity = Customer, time = at)]
/// struct Purchase { customer_id: i64, at: EventTime, amount: f64 }
///
/// let store = FeatureStore::new();
/// store.register(Purchase::view())?;
/// let noon = EventTime::parse("2011-07-01T12:00:00Z")?;
/// store.push_rows(&[Purchase { customer_id: 7, at: noon, amount: 9.5 }])?;
///
/// let service = FeatureService::named("spend")?.feature(Purchase::amount().sum().over(days(1))).build()?;
/// let row = store.online(&service, &Customer { customer_id: 7 }.key(), noon)?;
/// assert_eq!(row.get("amount_sum_1d"), Some(&Value::Float(9.5)));
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FeatureStore {
    pub(crate) inner: Arc<Inner>,
}

/// What all clones of a store share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) views: RwLock<BTreeMap<ViewName, Arc<Shelf>>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) online: Option<Arc<dyn OnlineStore>>,
    pub(crate) keep: Option<Span>,
    /// The views of each push source.
    pub(crate) sources: Mutex<BTreeMap<String, Vec<String>>>,
    pub(crate) services: RwLock<Vec<FeatureService>>,
    pub(crate) disk: Option<Directory>,
    /// The identity of this store: arrivals are counted within it.
    pub(crate) origin: Digest,
    pub(crate) next_arrival: AtomicU64,
}

/// One view's state. Writers hold `writer` for as long as they prepare; readers never see it.
#[derive(Debug)]
pub(crate) struct Shelf {
    writer: Mutex<Writer>,
    index: RwLock<ViewIndex>,
    /// Held by the one materialisation that may run.
    pub(crate) running: Mutex<()>,
    /// The view's place in the online store, if there is one.
    pub(crate) table: RwLock<Option<OnlineTable>>,
}

impl FeatureStore {
    /// An empty store in memory.
    pub fn new() -> Self {
        FeatureStoreBuilder::default()
            .build()
            .expect("nothing is opened")
    }

    /// A store in a directory, which is made if it is not there: what was pushed or ingested is there again
    /// once its view is [registered](Self::register). For an online store beside it see
    /// [`builder`](Self::builder).
    ///
    /// # Errors
    /// [`Error::StoreLocked`] if another store has it open, [`Error::File`], [`Error::DamagedFile`].
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self> {
        Self::builder().directory(directory).build()
    }

    /// Starts a store with a directory, an online store or a clock of its own.
    pub fn builder() -> FeatureStoreBuilder {
        FeatureStoreBuilder::default()
    }

    pub(crate) fn from_inner(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Makes a view known, with the rows that a directory holds of it; the same definition again replaces only
    /// what people read, the marks of personal data included.
    ///
    /// # Errors
    /// [`Error::DuplicateView`] if another definition has that name, [`Error::ForeignView`] if the directory
    /// holds rows of it with other columns, [`Error::DamagedFile`] and those of an online store.
    pub fn register(&self, view: FeatureView) -> Result<()> {
        let mut views = self.views_mut();
        if let Some(known) = views.get(view.name()) {
            if *known.read().view() == view {
                let mut index = known.index.write().unwrap_or_else(PoisonError::into_inner);
                index.describe(view);
                return Ok(());
            }
            return Err(Error::DuplicateView {
                view: view.name().to_string(),
            });
        }
        let name = view.name().clone();
        let shelf = Shelf {
            writer: Mutex::default(),
            running: Mutex::default(),
            index: RwLock::new(ViewIndex::new(view)),
            table: RwLock::new(None),
        };
        self.restore(&shelf)?;
        views.insert(name, Arc::new(shelf));
        Ok(())
    }

    /// The registered views, by name.
    pub fn views(&self) -> Vec<FeatureView> {
        let views = self.views_ref();
        views
            .values()
            .map(|shelf| shelf.read().view().clone())
            .collect()
    }

    /// The number of rows of a view.
    ///
    /// # Errors
    /// [`Error::UnknownView`] if it is not registered.
    pub fn rows(&self, view: &str) -> Result<usize> {
        Ok(self.shelf(view)?.read().row_count())
    }

    /// The spine with the features of its rows' keys and times: one output row a spine row, in order; on as
    /// many threads as the machine has.
    ///
    /// The spine has the key columns of the service, an event time, and whatever else; all its columns
    /// stay as they are and the features follow them. A null key has no events.
    ///
    /// # Errors
    /// [`Error::UnknownView`]; [`Error::DuplicateView`] if a view of the service is registered with another
    /// definition; [`Error::SpineMissingKey`], [`Error::SpineKeyType`], [`Error::SpineMissingTime`];
    /// [`Error::NameCollision`] of a feature and a spine column; [`Error::SumOverflow`].
    ///
    /// # Complexity
    /// A sort of the spine's rows by key and time, and for each field and window one pass over the events of
    /// the keys that are asked for: events and rows add up and do not multiply. With a created-time cutoff
    /// this holds for keys whose rows became known in the order of their events; the rows of another key
    /// cost one pass over each window's events each.
    pub fn join(&self, service: &FeatureService, spine: &Table) -> Result<Table> {
        self.join_on(service, spine, threads())
    }

    /// The join on so many threads; their number changes nothing but the time that it takes.
    ///
    /// # Errors
    /// Those of [`join`](Self::join).
    pub fn join_on(
        &self,
        service: &FeatureService,
        spine: &Table,
        threads: NonZeroUsize,
    ) -> Result<Table> {
        join::join(service, &self.snapshots(service)?, spine, threads)
    }

    /// The join as a training set with its lineage: the spine must also have a label.
    ///
    /// Value columns of the spine become features as they are, apart from request columns: a model reads
    /// what [`online_with`](Self::online_with) answers. To train on one, add it as a transform.
    ///
    /// # Errors
    /// Those of [`join`](Self::join), and [`Error::Core`] if the spine is empty or has no usable label.
    pub fn training_set(&self, service: &FeatureService, spine: &Table) -> Result<TrainingSet> {
        let views = self.snapshots(service)?;
        let table = join::join(service, &views, spine, threads())?;
        training_set(service, table, lineage_over(service, &views, spine))
    }

    /// Starts a training set or a join over files: its events come from sources of any size, which are read once and of
    /// which only what the spine can see is held.
    pub fn scan<'a>(&'a self, service: &'a FeatureService) -> FeatureScan<'a> {
        FeatureScan::new(self, service)
    }

    /// Where the features of a service come from: the digest of each view's content, which depends on
    /// the rows and not on how they arrived, and of each feature's definition.
    ///
    /// # Errors
    /// [`Error::UnknownView`] or [`Error::DuplicateView`].
    pub fn lineage(&self, service: &FeatureService) -> Result<Lineage> {
        Ok(lineage(service, &self.snapshots(service)?))
    }

    fn views_ref(&self) -> RwLockReadGuard<'_, BTreeMap<ViewName, Arc<Shelf>>> {
        let views = self.inner.views.read();
        views.unwrap_or_else(PoisonError::into_inner)
    }

    fn views_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<ViewName, Arc<Shelf>>> {
        let views = self.inner.views.write();
        views.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shelf(&self, view: &str) -> Result<Arc<Shelf>> {
        let views = self.views_ref();
        let found = views.iter().find(|(name, _)| name.as_str() == view);
        found
            .map(|(_, shelf)| Arc::clone(shelf))
            .ok_or_else(|| Error::UnknownView {
                view: view.to_owned(),
                available: quoted(views.keys().map(ViewName::as_str)),
            })
    }

    /// The state of a view that is registered with this very definition.
    pub(crate) fn resolve(&self, view: &FeatureView) -> Result<Arc<Shelf>> {
        let views = self.views_ref();
        let shelf = views.get(view.name()).ok_or_else(|| Error::UnknownView {
            view: view.name().to_string(),
            available: quoted(views.keys().map(ViewName::as_str)),
        })?;
        if shelf.read().view() != view {
            return Err(Error::DuplicateView {
                view: view.name().to_string(),
            });
        }
        Ok(Arc::clone(shelf))
    }

    fn snapshots(&self, service: &FeatureService) -> Result<Vec<ViewIndex>> {
        let mut views: Vec<ViewIndex> = Vec::with_capacity(service.groups().len());
        for group in service.groups() {
            // a view that serves in two roles is read in one state
            let same = views
                .iter()
                .find(|index| *index.view() == group.view)
                .cloned();
            views.push(match same {
                Some(index) => index,
                None => self.resolve(&group.view)?.snapshot(),
            });
        }
        Ok(views)
    }
}

impl Default for FeatureStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Shelf {
    // A panic under a lock is a bug of ours; the state before or after one row of it is still sorted.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, ViewIndex> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn snapshot(&self) -> ViewIndex {
        self.read().clone()
    }

    pub(crate) fn table(&self) -> Option<OnlineTable> {
        let table = self.table.read();
        table.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn push(&self, staged: &Staged) {
        self.index
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(staged);
    }

    /// Adds many rows beside the state, which readers go on with until it is swapped.
    pub(crate) fn load(&self, staged: &Staged) {
        let mut next = self.snapshot();
        if !next.prefers_rebuild(staged.keys().len()) {
            drop(next);
            return self.push(staged);
        }
        next.rebuild(std::slice::from_ref(staged));
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *index, next);
        drop(index);
        drop(old); // freeing it is not for readers to wait for
    }
}

/// As many threads as the machine has.
pub(crate) fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// A joined table as a training set.
pub(crate) fn training_set(
    service: &FeatureService,
    table: Table,
    lineage: Lineage,
) -> Result<TrainingSet> {
    let table = transform::without_requests(service, table)?;
    Ok(TrainingSet::new(table, lineage)?)
}

/// Where the features of a spine come from.
pub(crate) fn lineage_over(
    service: &FeatureService,
    views: &[ViewIndex],
    spine: &Table,
) -> Lineage {
    let mut lineage = lineage(service, views);
    lineage.data.insert(SPINE.to_owned(), spine.digest());
    lineage
}

fn lineage(service: &FeatureService, views: &[ViewIndex]) -> Lineage {
    let data = views
        .iter()
        .map(|index| (index.view().name().to_string(), index.digest()));
    let features = service.features().iter();
    let transforms = service.transforms().iter();
    Lineage {
        data: data.collect(),
        features: features
            .map(|f| (f.name().to_string(), f.digest()))
            .chain(transforms.map(|t| (t.name().to_string(), t.digest())))
            .collect(),
        code_revision: None,
    }
}
