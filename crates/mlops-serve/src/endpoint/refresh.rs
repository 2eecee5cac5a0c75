//! Following an alias: look whether it moved, load and check what it points at, then swap.

use std::{
    sync::{
        Arc, PoisonError,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use mlops_core::VersionNumber;

use super::{Endpoint, version::Serving};
use crate::{Error, Result, error::chain};

/// What a refresh found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// The version that serves is the one that the alias points at.
    Unchanged,
    /// Another version serves now.
    Swapped {
        /// The version before.
        from: VersionNumber,
        /// The version that answers from now on.
        to: VersionNumber,
    },
}

#[derive(Debug)]
pub(super) struct State {
    /// The registry's generation at the last refresh that went well; `None` after one that failed.
    generation: Option<u64>,
    last_error: Option<String>,
}

impl State {
    pub(super) fn at(generation: u64) -> Self {
        Self {
            generation: Some(generation),
            last_error: None,
        }
    }
}

impl Endpoint {
    /// Follows the alias: if it points at another version, that version is loaded, verified and warmed,
    /// and only then takes over. Requests under way finish on the version they began with.
    ///
    /// It costs one small query while nothing changes in the registry. Call it on the handle that has the
    /// features, so that a version they cannot feed is refused.
    ///
    /// # Errors
    /// Those of [`Endpoint::open`] and of [`Endpoint::with_lookup`]; the version that served goes on
    /// serving, and [`Endpoint::last_error`] tells why until a refresh goes well.
    pub fn refresh(&self) -> Result<Refreshed> {
        let mut state = self
            .core
            .refresh
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let result = self.follow(&mut state);
        match &result {
            Ok(_) => state.last_error = None,
            Err(error) => {
                let text = chain(error);
                self.core.metrics.refresh_failures.inc();
                if state.last_error.as_ref() != Some(&text) {
                    tracing::warn!(endpoint = %self.core.reference, error = %text, "refresh failed");
                }
                state.generation = None;
                state.last_error = Some(text);
            }
        }
        result
    }

    fn follow(&self, state: &mut State) -> Result<Refreshed> {
        let core = &self.core;
        // read before the alias, so that a change in between is seen by the next refresh
        let generation = core.registry.generation()?;
        if state.generation == Some(generation) {
            return Ok(Refreshed::Unchanged);
        }
        let version = core.registry.resolve(&core.reference)?;
        let from = self.version();
        if version.version == from {
            state.generation = Some(generation);
            return Ok(Refreshed::Unchanged);
        }
        let serving = Serving::load(
            &core.registry,
            &version,
            &core.metrics,
            &core.trust,
            &*self.clock,
        )?;
        self.check_features(&serving)?;
        core.serving.store(Arc::new(serving));
        core.metrics.swaps.inc();
        state.generation = Some(generation);
        tracing::info!(endpoint = %core.reference, from, to = version.version, "swapped");
        Ok(Refreshed::Swapped {
            from,
            to: version.version,
        })
    }

    /// Why the last refresh failed; `None` if it went well.
    pub fn last_error(&self) -> Option<String> {
        let state = self
            .core
            .refresh
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.last_error.clone()
    }

    /// Refreshes in the background until the guard is dropped, the first time at once.
    ///
    /// A refresh that fails is reported by [`Endpoint::last_error`] and a counter, and is tried again
    /// after every `interval`.
    ///
    /// # Errors
    /// [`Error::Start`] if the thread cannot be started.
    pub fn watch(&self, interval: Duration) -> Result<WatchGuard> {
        let (stop, stopped) = channel::<()>();
        let endpoint = self.clone();
        let thread = std::thread::Builder::new()
            .name(format!("mlops-watch-{}", self.core.model))
            .spawn(move || {
                loop {
                    // the endpoint keeps the error
                    let _ = endpoint.refresh();
                    match stopped.recv_timeout(interval) {
                        Err(RecvTimeoutError::Timeout) => {}
                        Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
            })
            .map_err(|source| Error::Start {
                what: "the endpoint's watcher",
                source,
            })?;
        Ok(WatchGuard {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// Keeps an endpoint's background refresh alive; it stops, and is waited for, when this is dropped.
#[derive(Debug)]
#[must_use = "the endpoint is watched only as long as the guard lives"]
pub struct WatchGuard {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // a refresh that panicked has been told of by the panic hook
            let _ = thread.join();
        }
    }
}
