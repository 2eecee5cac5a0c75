//! Where the states of models are kept: one trait with meaning, and a backend for each sort of store.
//!
//! A backend knows how to find a model's state, how to take a decision against the newest state and write what
//! follows from it, all or nothing, and how to read the trail back. It knows no rule: the rules are pure functions
//! of a [`Situation`], the same over every backend.

mod load;
mod objects;
mod project;
mod rows;
mod situation;
mod sqlite;

use std::{fmt::Debug, sync::Arc};

use mlops_core::{Clock, EventTime, ModelName, Principal, VersionNumber};

use crate::{LoggedModelId, Policy, Result, audit::Record, change::Draft, state::ModelState};

pub(crate) use load::sqlite_state;
pub(crate) use objects::{ObjectModels, Requests};
pub(crate) use rows::{COLUMNS, head, record};
pub(crate) use sqlite::{SqliteModels, adopt};

/// What a decision is taken on: the newest state, who acts and when, under which rules.
#[derive(Clone, Copy)]
pub(crate) struct Situation<'a> {
    pub(crate) model: &'a ModelName,
    /// `None` if the model was never made; a deleted model has a state.
    pub(crate) state: Option<&'a ModelState>,
    /// Looks for another model that has a name or one that is hard to tell from it.
    pub(crate) taken: &'a dyn Fn(&ModelName) -> Result<Option<ModelName>>,
    pub(crate) policy: Option<&'a Arc<Policy>>,
    pub(crate) actor: &'a Principal,
    pub(crate) now: EventTime,
}

/// Decides what follows from a situation. It may be asked again, if somebody else was faster.
pub(crate) type Decide<'a> = dyn FnMut(Situation<'_>) -> Result<Vec<Draft>> + 'a;

/// What was written.
#[derive(Debug)]
pub(crate) struct Committed {
    /// The state afterwards; `None` if nothing was decided about a model that is not there.
    pub(crate) state: Option<Arc<ModelState>>,
    /// The number of the first entry that was written; the others follow it.
    pub(crate) first: u64,
    /// When.
    pub(crate) time: EventTime,
}

/// The newest state of a model, with the rules in force.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) state: Option<Arc<ModelState>>,
    pub(crate) policy: Option<Arc<Policy>>,
}

/// The last entry of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChainHead {
    /// The model, or `None` where one chain tells of all.
    pub(crate) model: Option<ModelName>,
    pub(crate) entries: u64,
    pub(crate) digest: String,
}

/// A chain of the trail: over all models in SQLite, of one model on an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    /// What tells it from every other chain, wherever those are kept.
    pub(crate) id: String,
    pub(crate) model: Option<ModelName>,
}

/// Keeps the states of models.
///
/// Atomicity: of one commit everything is written or nothing. Order: a decision is taken on the state that its
/// changes follow, whoever else writes. Durability: what was acknowledged survives a power cut. Idempotence: a
/// commit whose acknowledgement was lost is found again and not written twice.
pub(crate) trait ModelBackend: Send + Sync + Debug {
    /// The newest state of a model and the rules.
    fn see(&self, model: &ModelName) -> Result<Seen>;
    /// The names of all models that were not deleted, and the rules. The registry itself is none of them.
    fn names(&self) -> Result<Vec<ModelName>>;
    /// Decides on the newest state and writes what follows.
    fn commit(
        &self,
        model: &ModelName,
        actor: &Principal,
        clock: &dyn Clock,
        decide: &mut Decide<'_>,
    ) -> Result<Committed>;
    /// Grows with every change that a server must see.
    fn generation(&self) -> Result<u64>;
    /// Hands over the records of a model or of all, oldest first in each chain.
    fn records(
        &self,
        model: Option<&ModelName>,
        each: &mut dyn FnMut(Record) -> Result<()>,
    ) -> Result<()>;
    /// Hands over the records of one chain, which [`heads`](Self::heads) names, oldest first.
    fn chain(
        &self,
        head: Option<&ModelName>,
        each: &mut dyn FnMut(Record) -> Result<()>,
    ) -> Result<()> {
        self.records(head, each)
    }
    /// The newest records of a model or of all, the newest first, at most so many; those before a place that an
    /// earlier call gave. Each with its place.
    fn recent_records(
        &self,
        model: Option<&ModelName>,
        before: Option<u64>,
        most: usize,
    ) -> Result<Vec<(u64, Record)>> {
        let mut records = Vec::new();
        self.records(model, &mut |record| {
            records.push(record);
            Ok(())
        })?;
        let numbered = (1..).zip(records).collect::<Vec<_>>().into_iter().rev();
        let older = numbered.skip_while(|(place, _)| before.is_some_and(|before| *place >= before));
        Ok(older.take(most).collect())
    }
    /// Follows every chain to its end and compares the state that it leads to with the one in force.
    fn verify(&self) -> Result<()>;
    /// The ends of all chains.
    fn heads(&self) -> Result<Vec<ChainHead>>;
    /// What tells the place where the chains lie from every other place, by whichever path or address it is reached.
    fn root(&self) -> Result<String>;
    /// The chains that tell of a model, or all.
    fn chains(&self, model: Option<&ModelName>) -> Result<Vec<Chain>>;
    /// The place of the last commit of a chain; 0 if there is none.
    fn end(&self, chain: &Chain) -> Result<u64>;
    /// Hands over the records of some commits of a chain that follow a place, oldest first, and returns the place of
    /// the last of them; the same place if nothing follows it.
    fn records_after(
        &self,
        chain: &Chain,
        place: u64,
        each: &mut dyn FnMut(Record) -> Result<()>,
    ) -> Result<u64>;
    /// Hands over the versions that were registered from logged models and not deleted, so far as that is known
    /// without looking through all models.
    fn registered_from(
        &self,
        models: &[&LoggedModelId],
        each: &mut dyn FnMut(&LoggedModelId, ModelName, VersionNumber),
    ) -> Result<()>;
    /// Whether other machines keep models here, with runs that this one does not know.
    fn is_shared(&self) -> bool {
        false
    }
}
