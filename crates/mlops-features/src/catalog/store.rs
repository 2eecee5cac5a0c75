//! The catalog itself.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mlops_core::{Clock, Digest, EventTime, TrainingSet, VersionNumber};
use serde::Serialize;

use super::{
    Hit, Listing, Node, Outcome, ServiceEntry, Trace, TrainingEntry,
    file::CatalogFile,
    search,
    state::{History, State},
    trace::{Direction, steps, walk},
};
use crate::{Error, FeatureService, FeatureView, Result, service::quoted};

/// All versions of all definitions, and the training sets that were made from them; see the
/// [module](crate::catalog).
#[derive(Debug)]
pub struct Catalog {
    state: Mutex<State>,
    file: Option<CatalogFile>,
    clock: Arc<dyn Clock>,
}

/// One version of a view in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ViewEntry {
    /// Its name.
    pub name: String,
    /// Its number.
    pub version: VersionNumber,
    /// Whether it is the one in force.
    pub current: bool,
    /// The identity of its content.
    pub digest: Digest,
    /// When it was applied first.
    pub applied_at: EventTime,
    /// Why it should not be used any more, if somebody said so.
    pub deprecated: Option<String>,
}

impl Catalog {
    /// An empty catalog that goes with the process.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::default(),
            file: None,
            clock,
        }
    }

    /// The catalog in a file, which is made by the first change; its directory must be there.
    ///
    /// Beside the file stand `<file>.lock` and, for a moment, `<file>.next`.
    ///
    /// # Errors
    /// [`Error::BrokenCatalog`] if the file holds no catalog, or one whose digests do not fit; [`Error::Read`] if it
    /// cannot be read.
    pub fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self> {
        let file = CatalogFile::new(path.as_ref());
        Ok(Self {
            state: Mutex::new(file.read()?),
            file: Some(file),
            clock,
        })
    }

    /// Reads a catalog from the JSON that [`to_json`](Self::to_json) wrote, into memory.
    ///
    /// # Errors
    /// [`Error::BrokenCatalog`] if it is none.
    pub fn from_json(json: &[u8], clock: Arc<dyn Clock>) -> Result<Self> {
        let state = State::from_json(json).map_err(|error| match error {
            error @ Error::BrokenCatalog { .. } => error,
            error => super::record::corrupt(error.to_string()),
        })?;
        Ok(Self {
            state: Mutex::new(state),
            file: None,
            clock,
        })
    }

    /// The whole catalog as JSON, the same bytes for the same content.
    pub fn to_json(&self) -> Vec<u8> {
        self.state().to_json()
    }

    /// Takes over what other processes have changed in the file since.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn refresh(&self) -> Result<()> {
        if let Some(file) = &self.file {
            let mut state = self.state();
            *state = file.read()?;
        }
        Ok(())
    }

    /// Makes a definition of a view the one in force.
    ///
    /// The same content changes nothing but what people read. Other content is the next version, or the earlier one that
    /// has it.
    ///
    /// # Errors
    /// Those of [`refresh`](Self::refresh), and [`Error::Read`] if the file cannot be replaced; then nothing is
    /// changed.
    pub fn apply_view(&self, view: &FeatureView) -> Result<Outcome> {
        let now = self.clock.now();
        self.change(|state| Ok(state.apply_view(view, now)))
    }

    /// Makes a definition of a service the one in force; views that the catalog does not know in that version are
    /// applied first.
    ///
    /// # Errors
    /// Those of [`apply_view`](Self::apply_view).
    pub fn apply_service(&self, service: &FeatureService) -> Result<Outcome> {
        let now = self.clock.now();
        let mut views: Vec<FeatureView> = Vec::new();
        for feature in service.features() {
            if !views.contains(feature.view()) {
                views.push(feature.view().clone());
            }
        }
        self.change(|state| Ok(state.apply_service(&views, ServiceEntry::new(service, now), now)))
    }

    /// Records that a training set was made with a service; the service and its views are applied if they are not
    /// known. The same rows again replace the record.
    ///
    /// # Errors
    /// Those of [`apply_view`](Self::apply_view).
    pub fn record_training_set(
        &self,
        name: &str,
        set: &TrainingSet,
        service: &FeatureService,
    ) -> Result<TrainingEntry> {
        let entry = TrainingEntry::new(name, set, service, self.clock.now());
        let known = self
            .state()
            .service_version(service.name(), service.digest());
        if known.is_none() {
            self.apply_service(service)?;
        }
        self.change(|state| {
            state.training_sets.insert(entry.digest, entry.clone());
            Ok(entry)
        })
    }

    /// Says why a view or service should not be used any more; an empty reason takes that back.
    ///
    /// `purchase` is all its versions, `purchase@v2` one.
    ///
    /// # Errors
    /// [`Error::NotInCatalog`] if there is no such view or service, and those of [`apply_view`](Self::apply_view).
    pub fn deprecate(&self, reference: &str, reason: &str) -> Result<()> {
        let (name, version) = split(reference);
        let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
        self.change(|state| {
            let view = state
                .views
                .iter_mut()
                .find(|(known, _)| known.as_str() == name);
            if let Some((_, history)) = view {
                return mark(history, reference, version, |view| {
                    view.deprecated.clone_from(&reason);
                });
            }
            let service = state
                .services
                .iter_mut()
                .find(|(known, _)| known.as_str() == name);
            let (_, history) = service.ok_or_else(|| unknown("view or service", reference, &[]))?;
            mark(history, reference, version, |entry| {
                entry.deprecated.clone_from(&reason);
            })
        })
    }

    /// A view: `purchase` is the version in force, `purchase@v2` that version.
    ///
    /// # Errors
    /// [`Error::NotInCatalog`] if there is none.
    pub fn view(&self, reference: &str) -> Result<FeatureView> {
        let state = self.state();
        let (name, version) = split(reference);
        let names: Vec<&str> = state.views.keys().map(AsRef::as_ref).collect();
        let history = state.views.iter().find(|(known, _)| known.as_str() == name);
        let (_, history) = history.ok_or_else(|| unknown("view", reference, &names))?;
        pick(history, "view", reference, version)?.view()
    }

    /// A service: `churn` is the version in force, `churn@v2` that version.
    ///
    /// # Errors
    /// [`Error::NotInCatalog`] if there is none.
    pub fn service(&self, reference: &str) -> Result<ServiceEntry> {
        let state = self.state();
        let (name, version) = split(reference);
        let names: Vec<&str> = state.services.keys().map(AsRef::as_ref).collect();
        let history = state
            .services
            .iter()
            .find(|(known, _)| known.as_str() == name);
        let (_, history) = history.ok_or_else(|| unknown("service", reference, &names))?;
        pick(history, "service", reference, version).cloned()
    }

    /// All versions of all views, by name and number.
    pub fn views(&self) -> Vec<ViewEntry> {
        let state = self.state();
        let entries = state.views.iter().flat_map(|(name, history)| {
            history.numbered().map(move |(version, view)| ViewEntry {
                name: name.to_string(),
                version,
                current: version == history.current,
                digest: view.digest,
                applied_at: view.applied_at,
                deprecated: view.deprecated.clone(),
            })
        });
        entries.collect()
    }

    /// All versions of all services, by name and number.
    pub fn services(&self) -> Vec<ServiceEntry> {
        let state = self.state();
        let histories = state.services.values();
        histories
            .flat_map(|history| history.versions.clone())
            .collect()
    }

    /// All training sets, by name, then by digest.
    pub fn training_sets(&self) -> Vec<TrainingEntry> {
        let mut sets: Vec<TrainingEntry> = self.state().training_sets.values().cloned().collect();
        sets.sort_by(|a, b| a.name.cmp(&b.name));
        sets
    }

    /// What has all these words in its name, tags, owner, fields or descriptions: best first, in any case.
    pub fn search(&self, words: &str) -> Vec<Hit> {
        search::search(&self.state(), words)
    }

    /// All that a node rests on, down to the sources.
    ///
    /// # Errors
    /// [`Error::NotInCatalog`] if the catalog does not know it.
    pub fn upstream(&self, node: Node) -> Result<Trace> {
        self.trace(node, Direction::Upstream)
    }

    /// All that rests on a node, up to the training sets.
    ///
    /// # Errors
    /// [`Error::NotInCatalog`] if the catalog does not know it.
    pub fn downstream(&self, node: Node) -> Result<Trace> {
        self.trace(node, Direction::Downstream)
    }

    /// The features, services and training sets that read one field of a view, whatever the version.
    pub fn readers_of(&self, view: &str, field: &str) -> Vec<Node> {
        let state = self.state();
        let steps = steps(&state, Direction::Downstream);
        let services = state
            .services
            .values()
            .flat_map(|history| &history.versions);
        let features = services.flat_map(|service| &service.features);
        let features = features.filter(|feature| {
            feature.view.as_str() == view && feature.fields.iter().any(|known| known == field)
        });
        let mut nodes: Vec<Node> = Vec::new();
        for feature in features {
            let node = Node::Feature {
                name: feature.name.to_string(),
                digest: feature.digest,
            };
            nodes.extend(walk(&steps, node.clone()).nodes.into_iter().map(|n| n.1));
            nodes.push(node);
        }
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// The catalog as people read it; [`Listing`] prints as text and serialises as JSON.
    pub fn listing(&self) -> Listing {
        Listing::new(&self.state())
    }

    fn trace(&self, node: Node, direction: Direction) -> Result<Trace> {
        let steps = steps(&self.state(), direction);
        if !steps.contains_key(&node) {
            return Err(unknown("node", &node.to_string(), &[]));
        }
        Ok(walk(&steps, node))
    }

    /// Changes the state, and the file with it: under its lock, on top of what it holds.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = self.state();
        let Some(file) = &self.file else {
            let mut next = state.clone();
            let done = change(&mut next)?;
            *state = next;
            return Ok(done);
        };
        let lock = file.lock()?;
        let found = file.read()?;
        let mut next = found.clone();
        let done = change(&mut next)?;
        if next != found {
            file.write(&next, &lock)?;
        }
        *state = next;
        Ok(done)
    }

    // a change replaces the state as a whole, so a panic in one leaves it as it was
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `name@v2` as name and number. What is no version is a part of the name, and no name has an `@`.
fn split(reference: &str) -> (&str, Option<VersionNumber>) {
    let parts = reference.rsplit_once("@v");
    let parts = parts.and_then(|(name, version)| Some((name, version.parse().ok()?)));
    parts.map_or((reference, None), |(name, version)| (name, Some(version)))
}

fn pick<'a, T>(
    history: &'a History<T>,
    sort: &'static str,
    reference: &str,
    version: Option<VersionNumber>,
) -> Result<&'a T> {
    let found = history.get(version.unwrap_or(history.current));
    found.ok_or_else(|| unknown(sort, reference, &[]))
}

fn mark<T>(
    history: &mut History<T>,
    reference: &str,
    version: Option<VersionNumber>,
    mut mark: impl FnMut(&mut T),
) -> Result<()> {
    match version {
        None => history.versions.iter_mut().for_each(mark),
        Some(version) => {
            let found = history.get_mut(version);
            mark(found.ok_or_else(|| unknown("version", reference, &[]))?);
        }
    }
    Ok(())
}

fn unknown(sort: &'static str, name: &str, available: &[&str]) -> Error {
    Error::NotInCatalog {
        sort,
        name: name.to_owned(),
        available: quoted(available.iter().copied()),
    }
}
