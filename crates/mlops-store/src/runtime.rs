//! The private runtime: `object_store` is asynchronous, this crate's callers are not.
//!
//! One runtime with one worker serves the whole process, is built on the first use and never
//! dropped: dropping a runtime inside another one panics. A caller hands its future over and waits
//! on a channel, never in `block_on`, so that a call from inside another runtime works too.

use std::{
    future::Future,
    io,
    sync::{LazyLock, mpsc},
};

use tokio::runtime::{Builder, Runtime};

use crate::{Error, Result};

static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(8)
        .thread_name("mlops-store")
        // sockets and timers, where a feature brings them
        .enable_all()
        .build()
});

/// Runs a future on the private runtime and waits for its output.
pub(crate) fn wait<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T> {
    let runtime = RUNTIME.as_ref().map_err(|e| Error::Runtime {
        reason: e.to_string(),
    })?;
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime.spawn(async move {
        // a caller that is gone wants no answer
        let _ = sender.send(future.await);
    });
    receiver.recv().map_err(|_| Error::Runtime {
        reason: "a task ended without an answer".into(),
    })
}
