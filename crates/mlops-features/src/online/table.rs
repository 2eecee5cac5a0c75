//! A feature view in an online store: what a row means there, which of two wins, what is still known.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use mlops_core::{EntityKey, EventTime, Span, Table};

use super::{
    StoreKey,
    state::{Incoming, KeyState, Merged, Retention},
    store::{Change, OnlineStore, TableId},
    tiles::Tiling,
};
use crate::{
    Error, Feature, FeatureService, FeatureView, Result,
    index::{Block, Dictionary, NO_CREATED, Staged, ViewIndex},
};

/// How long before the newest event an instant may lie and still be answered, unless it is set.
const KEEP: Span = Span::minutes(10);

/// No view can have that name.
const LEDGER: &str = "@ledger";

/// What became of the rows of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteReport {
    /// The rows that are in the store now; those that were there already count as well.
    pub taken: u64,
    /// The rows that no instant from the horizon on would see: older ones, and overwritten ones.
    pub ignored: u64,
    /// The different keys.
    pub keys: u64,
    /// The rows that were left out because a part of their key is null.
    pub null_keys: u64,
}

/// The place of one view's events in an online store.
///
/// # What is kept
/// For each key, the newest row, and all rows of the longest window before the *horizon*. The horizon of a
/// key lies [`keep`](Self::keep) before its newest event, or before the time of writing if that is earlier.
/// At any instant from there on, a value is bit for bit what the offline join gives over the rows that
/// were written; for an earlier one the answer is [`Status::NotRetained`](crate::Status::NotRetained).
///
/// # Which row wins
/// Rows are ordered by (event time, created time, ordinal); no created time is the lowest. The newest row
/// answers [`latest`](crate::Feature::latest), in whatever order rows came. Rows that agree in all three
/// are one row: the one that was written last. [`write`](Self::write) gives all rows ordinal 0, so that
/// writing a row of the same key, event time and created time again replaces it. Rows that come from an
/// offline store keep its count of equal ones, so that two equal purchases stay two.
///
/// # Definitions
/// The table's name carries the digest of the view: another definition is another table.
///
/// ```
/// use mlops_features::{*, online::{MemoryStore, OnlineTable}};
/// # use mlops_features::EntityRow;
///
/// #[derive(Entity)]
/// struct Customer { customer_id: i64 }
///
/// #[derive(FeatureView)]
/// #[view(entity = Customer, time = at)]
/// struct Purchase { customer_id: i64, at: EventTime, amount: f64 }
///
/// let (store, noon) = (MemoryStore::new(), EventTime::parse("2011-07-01T12:00:00Z")?);
/// let service = FeatureService::named("last")?.feature(Purchase::amount().latest()).build()?;
/// let table = OnlineTable::new(&Purchase::view()).serving(&service);
/// let purchase = |minute, amount| Purchase { customer_id: 7, at: noon + minutes(minute), amount };
/// table.write(&store, &Purchase::table(&[purchase(2, 9.5)])?, noon + minutes(3))?;
/// table.write(&store, &Purchase::table(&[purchase(1, 1.0)])?, noon + minutes(3))?; // late: it does not win
///
/// let answer = online::read(&store, &[table], &service, &[7.into(), 8.into()], noon + minutes(3))?;
/// assert_eq!(answer.row(0).get("amount_latest"), Some(&Value::Float(9.5)));
/// assert_eq!(answer.row(1).status("amount_latest"), Some(Status::NotFound));
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct OnlineTable {
    view: FeatureView,
    id: TableId,
    retention: Arc<Retention>,
    /// The earliest instant from which on all events were written.
    complete_from: Arc<AtomicI64>,
}

impl OnlineTable {
    /// The table of a view, without windows until [`window`](Self::window) or [`serving`](Self::serving).
    pub fn new(view: &FeatureView) -> Self {
        let id = format!("{}@{}", view.name(), view.digest().short());
        Self {
            view: view.clone(),
            id: TableId::new(id),
            retention: Arc::new(Retention {
                window: 0,
                keep: KEEP.micros(),
                tilings: Vec::new(),
            }),
            complete_from: Arc::new(AtomicI64::new(i64::MIN)),
        }
    }

    /// Keeps the events of windows of at most that length.
    ///
    /// What was dropped before does not come back: a table that gets longer windows later answers them
    /// once they have filled up, or after it was cleared and materialised again.
    #[must_use]
    pub fn window(mut self, window: Span) -> Self {
        let retention = Arc::make_mut(&mut self.retention);
        retention.window = retention.window.max(window.micros());
        self
    }

    /// Keeps what the features of a service need.
    #[must_use]
    pub fn serving(mut self, service: &FeatureService) -> Self {
        let features = service.features().iter();
        let own = features.filter(|feature| *feature.view() == self.view);
        let retention = Arc::make_mut(&mut self.retention);
        for tiling in own.clone().filter_map(Tiling::of) {
            if !retention.tilings.iter().any(|known| known.id == tiling.id) {
                retention.tilings.push(tiling);
            }
        }
        let reach = own.map(reach).max();
        self.window(reach.unwrap_or(Span::ZERO))
    }

    /// How long before the newest event an instant may lie and still be answered; 10 minutes unless set.
    ///
    /// It costs the rows of that time. Zero keeps exactly one row for each key of a view without windows.
    #[must_use]
    pub fn keep(mut self, keep: Span) -> Self {
        Arc::make_mut(&mut self.retention).keep = keep.micros();
        self
    }

    /// Says that events before an instant are not in the table: values that would need them are
    /// [`Status::NotRetained`](crate::Status::NotRetained) rather than wrong.
    pub fn complete_from(&self, instant: EventTime) {
        self.set_complete_from(instant.micros());
    }

    pub(crate) fn set_complete_from(&self, micros: i64) {
        self.complete_from.store(micros, Ordering::Release);
    }

    pub(crate) fn covered_from(&self) -> i64 {
        self.complete_from.load(Ordering::Acquire)
    }

    /// The table in which a store keeps what it knows of its materialisations.
    pub fn ledger() -> TableId {
        TableId::new(LEDGER)
    }

    /// The view.
    pub fn view(&self) -> &FeatureView {
        &self.view
    }

    /// The name of the table in a backend.
    pub fn id(&self) -> &TableId {
        &self.id
    }

    pub(crate) fn longest_window(&self) -> Span {
        Span::from_micros(self.retention.window).unwrap_or(Span::ZERO)
    }

    pub(crate) fn tilings(&self) -> &[Tiling] {
        &self.retention.tilings
    }

    /// Writes rows; `now` is the time of writing, and rows of the future do not push the horizon past it.
    ///
    /// All rows of a key become visible together, and so do no two keys.
    ///
    /// # Errors
    /// [`Error::ViewMismatch`] if a column is missing or has another type, [`Error::Core`] if an event time
    /// is null, [`Error::OnlineState`] if the bytes of a key are damaged, and those of the store. Keys that
    /// were written before the error stay written; the same call again is safe.
    pub fn write(
        &self,
        store: &dyn OnlineStore,
        rows: &Table,
        now: EventTime,
    ) -> Result<WriteReport> {
        let staged = Staged::new(&self.view, rows)?;
        let mut dictionaries: Vec<Arc<Dictionary>> =
            self.view.fields().iter().map(|_| Arc::default()).collect();
        let block = staged.encode(&mut dictionaries);
        let ordinals = vec![0; staged.keys().len()];
        let mut report =
            self.write_staged(store, &staged, &block, &dictionaries, &ordinals, now)?;
        report.null_keys = staged.null_keys();
        Ok(report)
    }

    /// Writes checked rows with their ordinals.
    pub(crate) fn write_staged(
        &self,
        store: &dyn OnlineStore,
        staged: &Staged,
        block: &Block,
        dictionaries: &[Arc<Dictionary>],
        ordinals: &[u32],
        now: EventTime,
    ) -> Result<WriteReport> {
        let keys = staged.keys().entities();
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by(|a, b| keys[*a].cmp(&keys[*b]));
        let rows: Vec<(usize, u32)> = order.iter().map(|row| (*row, ordinals[*row])).collect();
        let mut groups: Vec<(StoreKey, std::ops::Range<usize>)> = Vec::new();
        for same in order.chunk_by(|a, b| keys[*a] == keys[*b]) {
            let start = groups.last().map_or(0, |(_, range)| range.end);
            groups.push((StoreKey::new(&keys[same[0]]), start..start + same.len()));
        }
        self.write_groups(store, groups, block, &rows, dictionaries, now)
    }

    /// Writes rows of a block that are grouped by key.
    pub(crate) fn write_groups(
        &self,
        store: &dyn OnlineStore,
        groups: Vec<(StoreKey, std::ops::Range<usize>)>,
        block: &Block,
        rows: &[(usize, u32)],
        dictionaries: &[Arc<Dictionary>],
        now: EventTime,
    ) -> Result<WriteReport> {
        let (keys, ranges): (Vec<_>, Vec<_>) = groups.into_iter().unzip();
        let mut outcomes = vec![Merged::default(); keys.len()];
        let mut bytes = Vec::new();
        store.update(&self.id, &keys, &mut |at, known| {
            let mut state = KeyState::new(&self.view);
            if let Some(known) = known {
                let damage = |reason| self.damage(&keys[at], reason);
                state
                    .decode(&self.view, self.tilings(), None, known)
                    .map_err(damage)?;
            }
            let incoming = Incoming {
                block,
                rows: &rows[ranges[at].clone()],
                words: dictionaries,
            };
            outcomes[at] = state.merge(&self.view, &incoming, &self.retention, now.micros());
            state.encode(&self.view, &mut bytes);
            Ok(if known == Some(bytes.as_slice()) {
                Change::Keep
            } else {
                Change::Put(bytes.clone())
            })
        })?;
        Ok(WriteReport {
            taken: outcomes.iter().map(|merged| merged.taken).sum(),
            ignored: outcomes.iter().map(|merged| merged.ignored).sum(),
            keys: keys.len() as u64,
            null_keys: 0,
        })
    }

    pub(crate) fn damage(&self, key: &StoreKey, reason: String) -> Error {
        Error::OnlineState {
            view: self.view.name().to_string(),
            key: key.to_string(),
            reason,
        }
    }

    /// Forgets keys, for instance of people who asked for it; how many there were.
    ///
    /// # Errors
    /// Those of the store.
    pub fn remove(&self, store: &dyn OnlineStore, keys: &[EntityKey]) -> Result<u64> {
        let keys: Vec<StoreKey> = keys.iter().map(StoreKey::new).collect();
        store.remove(&self.id, &keys)
    }
}

/// How far before an instant the events lie that a feature needs, besides the newest one.
pub(crate) fn reach(feature: &Feature) -> Span {
    match feature.timing() {
        // edges that move in hops lie at most two of them further back
        Some(window) => {
            let hop = window.accuracy.hop().map_or(0, Span::micros);
            let reach = window.span.micros().saturating_add(hop.saturating_mul(2));
            Span::from_micros(reach).unwrap_or(window.span)
        }
        // the newest row that a filter takes may be any that is not expired
        None if feature
            .measures()
            .iter()
            .any(|measure| measure.filter.is_some()) =>
        {
            feature.view().ttl().unwrap_or(Span::ZERO)
        }
        None => Span::ZERO,
    }
}

/// The place of each row of a key among those that agree with it in both times.
pub(crate) fn ordinals_of(block: &Block, rows: std::ops::Range<usize>) -> Vec<(usize, u32)> {
    let mut before: Option<(i64, i64)> = None;
    let mut ordinal = 0;
    let rank = |row: usize| {
        let created = block.created.as_ref();
        (block.times[row], created.map_or(NO_CREATED, |all| all[row]))
    };
    rows.map(|row| {
        ordinal = if before == Some(rank(row)) {
            ordinal + 1
        } else {
            0
        };
        before = Some(rank(row));
        (row, ordinal)
    })
    .collect()
}

/// The ordinals that rows will have once they are in an index, given what is in it now.
pub(crate) fn ordinals_to_be(index: &ViewIndex, staged: &Staged, block: &Block) -> Vec<u32> {
    let keys = staged.keys().entities();
    let mut given: HashMap<(&EntityKey, i64, i64), u32> = HashMap::new();
    let rows = keys.iter().enumerate();
    rows.map(|(row, key)| {
        let created = block.created.as_ref();
        let rank = (block.times[row], created.map_or(NO_CREATED, |all| all[row]));
        let next = given.entry((key, rank.0, rank.1)).or_insert_with(|| {
            index.keys().get(key).map_or(0, |id| {
                let known = index.rows(id);
                let from = known.times().partition_point(|time| *time < rank.0);
                let same = known.times()[from..].iter().enumerate();
                let same = same.take_while(|(_, time)| **time == rank.0);
                let created = |at: usize| known.created().map_or(NO_CREATED, |all| all[from + at]);
                let same = same.filter(|(at, _)| created(*at) == rank.1).count();
                u32::try_from(same).unwrap_or(u32::MAX)
            })
        });
        let ordinal = *next;
        *next = next.saturating_add(1);
        ordinal
    })
    .collect()
}
