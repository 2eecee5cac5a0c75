//! An endpoint: one alias of the registry, answered by the version it points at now.
//!
//! Invariant: a version serves only after its package was loaded, verified and warmed. A swap is one
//! atomic store; a request takes the version once and computes all of its answers with it, so the
//! version that is reported is the one that computed.

mod lookup;
mod predict;
mod refresh;
mod row;
#[cfg(feature = "features")]
mod store_lookup;
mod trust;
mod version;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use arc_swap::ArcSwap;
use mlops_core::{Clock, ModelName, Seed, SystemClock, VersionNumber};
use mlops_registry::Registry;

use crate::{PredictionLog, Result, ids::Ids, metrics::EndpointMetrics};
use trust::Trust;
use version::Serving;

pub use lookup::{FeatureLookup, KeyColumn, RequestFeatures};
pub use predict::Answer;
pub use refresh::{Refreshed, WatchGuard};
#[cfg(feature = "features")]
pub use store_lookup::StoreLookup;

pub(crate) use predict::Session;
pub(crate) use row::PartialRow;

/// Answers with the version that an alias of the registry points at. Clones are cheap and share it.
///
/// The crate page shows one at work.
#[derive(Debug, Clone)]
pub struct Endpoint {
    core: Arc<Core>,
    lookup: Option<Arc<dyn FeatureLookup>>,
    request_features: RequestFeatures,
    log: Option<PredictionLog>,
    clock: Arc<dyn Clock>,
    ids: Arc<Ids>,
}

#[derive(Debug)]
struct Core {
    registry: Registry,
    /// What is served, for instance `churn@production`.
    reference: String,
    model: ModelName,
    serving: ArcSwap<Serving>,
    refresh: Mutex<refresh::State>,
    metrics: EndpointMetrics,
    trust: Trust,
}

impl Endpoint {
    /// Loads the version that `reference` names, `model@alias` or `model/version`.
    ///
    /// # Errors
    /// [`Error::Registry`](crate::Error::Registry) if the reference leads nowhere or an artifact is
    /// damaged, [`Error::WrongPackage`](crate::Error::WrongPackage), [`Error::Model`](crate::Error::Model)
    /// or [`Error::Unfit`](crate::Error::Unfit) if the version cannot serve.
    pub fn open(registry: &Registry, reference: &str) -> Result<Self> {
        Self::open_with(registry, reference, Trust::default(), Arc::new(SystemClock))
    }

    /// Loads the version that `reference` names and serves it, and every later one, only if its package is
    /// signed as the policy asks; see [`RegisteredModel::add_signature`](mlops_registry::RegisteredModel::add_signature).
    ///
    /// The clock says which keys are valid when a version is loaded, and is the endpoint's.
    ///
    /// # Errors
    /// Those of [`Endpoint::open`], and [`Error::Model`](crate::Error::Model) with
    /// [`Untrusted`](mlops_model::Error::Untrusted) if too few trusted keys have signed.
    #[cfg(feature = "sign")]
    pub fn open_trusted(
        registry: &Registry,
        reference: &str,
        policy: mlops_model::TrustPolicy,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let trust = Trust {
            policy: Some(policy),
        };
        Self::open_with(registry, reference, trust, clock)
    }

    fn open_with(
        registry: &Registry,
        reference: &str,
        trust: Trust,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let generation = registry.generation()?;
        let version = registry.resolve(reference)?;
        let metrics = EndpointMetrics::default();
        let serving = Serving::load(registry, &version, &metrics, &trust, &*clock)?;
        Ok(Self {
            core: Arc::new(Core {
                registry: registry.clone(),
                reference: reference.to_owned(),
                model: version.model.clone(),
                serving: ArcSwap::from_pointee(serving),
                refresh: Mutex::new(refresh::State::at(generation)),
                metrics,
                trust,
            }),
            lookup: None,
            request_features: RequestFeatures::default(),
            log: None,
            ids: Arc::new(Ids::at_start(&*clock)),
            clock,
        })
    }

    /// Looks features up by entity key in an online store.
    ///
    /// # Errors
    /// As [`Endpoint::with_lookup`].
    #[cfg(feature = "features")]
    pub fn with_features(
        self,
        store: mlops_features::FeatureStore,
        service: mlops_features::FeatureService,
    ) -> Result<Self> {
        let lookup = StoreLookup::new(store, service)?;
        self.with_lookup(Arc::new(lookup))
    }

    /// Looks features up by entity key.
    ///
    /// # Errors
    /// [`Error::Uncovered`](crate::Error::Uncovered) if the model has inputs that the lookup does not
    /// provide and requests may not bring them, [`Error::FeatureChanged`](crate::Error::FeatureChanged)
    /// if a feature is defined otherwise than when the model was trained.
    pub fn with_lookup(mut self, lookup: Arc<dyn FeatureLookup>) -> Result<Self> {
        self.lookup = Some(lookup);
        self.check_features(&self.core.serving.load())?;
        Ok(self)
    }

    /// States which features a request may bring beside an entity key; none by default. State it before
    /// the lookup is given, which is checked by it.
    #[must_use]
    pub fn with_request_features(mut self, allowed: RequestFeatures) -> Self {
        self.request_features = allowed;
        self
    }

    /// Records every answer.
    #[must_use]
    pub fn with_log(mut self, log: PredictionLog) -> Self {
        self.log = Some(log);
        self
    }

    /// Takes the time from a clock: of the answers, and at which features are looked up.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes prediction ids reproducible; they are unique within this endpoint only.
    #[must_use]
    pub fn with_id_seed(mut self, seed: Seed) -> Self {
        self.ids = Arc::new(Ids::seeded(seed));
        self
    }

    /// The model that is served.
    pub fn model(&self) -> &ModelName {
        &self.core.model
    }

    /// What was asked to be served, for instance `churn@production`.
    pub fn reference(&self) -> &str {
        &self.core.reference
    }

    /// The version that answers now.
    pub fn version(&self) -> VersionNumber {
        self.core.serving.load().number
    }

    /// The prediction log, if there is one.
    pub fn log(&self) -> Option<&PredictionLog> {
        self.log.as_ref()
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// How many answers each version has given since the endpoint was opened.
    pub fn answers(&self) -> BTreeMap<VersionNumber, u64> {
        self.core.metrics.answers()
    }

    pub(crate) fn metrics(&self) -> &EndpointMetrics {
        &self.core.metrics
    }

    pub(crate) fn next_id(&self) -> String {
        self.ids.next()
    }

    /// Takes the version that answers now and keeps it for one request.
    pub(crate) fn session(&self) -> Session<'_> {
        Session::new(self, self.core.serving.load_full())
    }
}
