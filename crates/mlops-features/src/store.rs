//! The feature store: one state that training sets and online reads both come from.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use mlops_core::{EntityKey, EventTime, FeatureName, Lineage, Table, TrainingSet, Value, ViewName};

use crate::{
    Error, FeatureService, FeatureView, OnlineRow, Result, Status, ViewRow,
    entity::KeyType,
    index::{Staged, ViewIndex},
    join::{self, Answer},
    plan::Group,
    service::quoted,
    window::Scratch,
};

/// The name under which a lineage lists the spine; no view can have it.
const SPINE: &str = "@spine";

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
#[derive(Debug, Clone, Default)]
pub struct FeatureStore {
    views: Arc<RwLock<BTreeMap<ViewName, Arc<Shelf>>>>,
}

/// One view's state. Writers hold `writer` for as long as they prepare; readers never see it.
#[derive(Debug)]
struct Shelf {
    writer: Mutex<()>,
    index: RwLock<ViewIndex>,
}

/// What became of the rows of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IngestReport {
    /// The rows that are in the store now.
    pub rows: u64,
    /// The rows that were left out because a part of their key is null: they could answer nothing.
    pub null_keys: u64,
    /// The first and the last event time of the rows taken.
    pub span: Option<(EventTime, EventTime)>,
}

impl FeatureStore {
    /// An empty store in memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a view known; the same definition again changes nothing.
    ///
    /// # Errors
    /// [`Error::DuplicateView`] if another definition has that name.
    pub fn register(&self, view: FeatureView) -> Result<()> {
        let mut views = self.views.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = views.get(view.name()) {
            if *known.read().view() == view {
                return Ok(());
            }
            return Err(Error::DuplicateView {
                view: view.name().to_string(),
            });
        }
        let name = view.name().clone();
        let shelf = Shelf {
            writer: Mutex::new(()),
            index: RwLock::new(ViewIndex::new(view)),
        };
        views.insert(name, Arc::new(shelf));
        Ok(())
    }

    /// The registered views, by name.
    pub fn views(&self) -> Vec<FeatureView> {
        let views = self.views.read().unwrap_or_else(PoisonError::into_inner);
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

    /// Adds the rows of a table, all or none; columns are found by name and others are left alone.
    ///
    /// # Errors
    /// [`Error::UnknownView`]; [`Error::ViewMismatch`] if a column is missing or has another type;
    /// [`Error::Core`] if an event time is null.
    pub fn ingest(&self, view: &str, table: &Table) -> Result<IngestReport> {
        self.write(view, table, |shelf, staged| {
            let mut next = shelf.snapshot();
            if next.prefers_rebuild(staged.keys().len()) {
                next.rebuild(staged);
                let mut index = shelf.index.write().unwrap_or_else(PoisonError::into_inner);
                let old = std::mem::replace(&mut *index, next);
                drop(index);
                drop(old); // freeing it is not for readers to wait for
            } else {
                drop(next);
                shelf.push(staged);
            }
        })
    }

    /// Adds a few rows, all or none, late ones included; the next read sees them.
    ///
    /// The state afterwards is the one that [`ingest`](Self::ingest) of the same rows leaves.
    ///
    /// # Errors
    /// Those of [`ingest`](Self::ingest).
    pub fn push(&self, view: &str, table: &Table) -> Result<()> {
        self.write(view, table, Shelf::push)?;
        Ok(())
    }

    /// Adds events as the structs that they are, to the view that the struct defines.
    ///
    /// # Errors
    /// [`Error::UnknownView`] if the view is not registered, [`Error::DuplicateView`] if it is registered
    /// with another definition.
    pub fn push_rows<R: ViewRow>(&self, rows: &[R]) -> Result<()> {
        let view = R::view();
        self.resolve(&view)?;
        self.push(view.name().as_str(), &R::table(rows)?)
    }

    /// The spine with the features of its rows' keys and times: one output row a spine row, in order.
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
    /// A spine row costs, per view, a hash lookup and a binary search, and, per field and window, one pass
    /// over the key's events in that window.
    pub fn join(&self, service: &FeatureService, spine: &Table) -> Result<Table> {
        join::join(service, &self.snapshots(service)?, spine)
    }

    /// The join as a training set with its lineage: the spine must also have a label.
    ///
    /// Value columns of the spine become features as they are.
    ///
    /// # Errors
    /// Those of [`join`](Self::join), and [`Error::Core`] if the spine is empty or has no usable label.
    pub fn training_set(&self, service: &FeatureService, spine: &Table) -> Result<TrainingSet> {
        let views = self.snapshots(service)?;
        let table = join::join(service, &views, spine)?;
        let mut lineage = lineage(service, &views);
        lineage.data.insert(SPINE.to_owned(), spine.digest());
        Ok(TrainingSet::new(table, lineage)?)
    }

    /// The features of one key at one instant: bit for bit what [`join`](Self::join) gives for that row.
    ///
    /// # Errors
    /// [`Error::UnknownView`], [`Error::DuplicateView`], [`Error::KeyShape`] if the key does not have a part
    /// of the right type for each of [`FeatureService::keys`], [`Error::SumOverflow`].
    ///
    /// # Complexity
    /// That of one spine row of a join; nothing is allocated per event.
    pub fn online(
        &self,
        service: &FeatureService,
        key: &EntityKey,
        at: EventTime,
    ) -> Result<OnlineRow> {
        check_key(service, key)?;
        let features = service.features();
        let mut row = OnlineRow {
            values: features
                .iter()
                .map(|f| (FeatureName::clone(f.name()), Value::Null))
                .collect(),
            statuses: vec![Status::NotFound; features.len()],
            event_times: vec![None; features.len()],
        };
        let (mut scratch, mut answers) = (Scratch::default(), Vec::new());
        for group in service.groups() {
            let shelf = self.resolve(&group.view)?;
            let index = shelf.read();
            let rows = group_id(group, key, &index).map(|id| index.rows(id));
            answers.clear();
            answers.resize(group.features.len(), Answer::NOTHING);
            join::evaluate(
                group,
                rows.as_ref(),
                at.micros(),
                &mut scratch,
                &mut answers,
            )
            .map_err(|slot| join::overflow(&features[group.features[slot]], at.micros()))?;
            for (answer, place) in answers.iter().zip(&group.features) {
                let words = features[*place]
                    .field_at()
                    .map(|field| index.dictionary(field));
                row.values[*place].1 = join::to_value(answer.scalar, words);
                row.statuses[*place] = answer.status;
                row.event_times[*place] = answer.time.map(EventTime::from_micros);
            }
        }
        Ok(row)
    }

    /// Where the features of a service come from: the digest of each view's content, which depends on
    /// the rows and not on how they arrived, and of each feature's definition.
    ///
    /// # Errors
    /// [`Error::UnknownView`] or [`Error::DuplicateView`].
    pub fn lineage(&self, service: &FeatureService) -> Result<Lineage> {
        Ok(lineage(service, &self.snapshots(service)?))
    }

    fn write(
        &self,
        view: &str,
        table: &Table,
        apply: impl FnOnce(&Shelf, &Staged),
    ) -> Result<IngestReport> {
        let shelf = self.shelf(view)?;
        let view = shelf.read().view().clone();
        let staged = Staged::new(&view, table)?;
        let writer = shelf.lock();
        if !staged.keys().is_empty() {
            apply(&shelf, &staged);
        }
        drop(writer);
        Ok(IngestReport {
            rows: staged.keys().len() as u64,
            null_keys: staged.null_keys(),
            span: staged.span(),
        })
    }

    fn shelf(&self, view: &str) -> Result<Arc<Shelf>> {
        let views = self.views.read().unwrap_or_else(PoisonError::into_inner);
        let found = views.iter().find(|(name, _)| name.as_str() == view);
        found
            .map(|(_, shelf)| Arc::clone(shelf))
            .ok_or_else(|| Error::UnknownView {
                view: view.to_owned(),
                available: quoted(views.keys().map(ViewName::as_str)),
            })
    }

    /// The state of a view that is registered with this very definition.
    fn resolve(&self, view: &FeatureView) -> Result<Arc<Shelf>> {
        let views = self.views.read().unwrap_or_else(PoisonError::into_inner);
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

impl Shelf {
    // A panic under a lock is a bug of ours; the state before or after one row of it is still sorted.
    fn read(&self) -> std::sync::RwLockReadGuard<'_, ViewIndex> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshot(&self) -> ViewIndex {
        self.read().clone()
    }

    fn push(&self, staged: &Staged) {
        self.index
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(staged);
    }
}

fn lineage(service: &FeatureService, views: &[ViewIndex]) -> Lineage {
    let data = views
        .iter()
        .map(|index| (index.view().name().to_string(), index.digest()));
    let features = service.features().iter();
    Lineage {
        data: data.collect(),
        features: features
            .map(|f| (f.name().to_string(), f.digest()))
            .collect(),
        code_revision: None,
    }
}

pub(crate) fn check_key(service: &FeatureService, key: &EntityKey) -> Result<()> {
    let keys = service.keys();
    let shape = |reason: String| {
        let entity = service.features()[0].view().entity().name();
        Err(Error::KeyShape {
            entity: entity.to_string(),
            key: key.to_string(),
            reason,
        })
    };
    if key.parts().len() != keys.len() {
        let columns = quoted(keys.iter().map(|(column, _)| column.as_str()));
        return shape(format!("the key columns are {columns}"));
    }
    for (part, (column, data_type)) in key.parts().iter().zip(keys) {
        if !KeyType::of(data_type).is_some_and(|kind| kind.fits(part)) {
            return shape(format!("`{column}` must be {data_type}"));
        }
    }
    Ok(())
}

fn group_id(group: &Group, key: &EntityKey, index: &ViewIndex) -> Option<u32> {
    let whole = group.parts.iter().copied().eq(0..key.parts().len());
    if whole {
        return index.keys().get(key);
    }
    let parts = group.parts.iter().map(|at| key.parts()[*at].clone());
    index.keys().get(&EntityKey::new(parts))
}
