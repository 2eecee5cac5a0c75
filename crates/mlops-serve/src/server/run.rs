//! The life of a running server, from its first connection to the end of its drain.

use std::{future::IntoFuture, net::TcpListener, time::Duration};

use axum::{Router, middleware::map_request, serve::ListenerExt};
use tokio::{runtime::Runtime, sync::watch};

use super::drain::drained;

/// How a server stops.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) drain_delay: Duration,
    pub(crate) grace: Duration,
}

/// Serves until it is stopped, then drains.
pub(super) fn run(
    runtime: Runtime,
    listener: TcpListener,
    router: Router,
    on_drain: impl FnOnce(),
    stopped: watch::Receiver<bool>,
    timing: Timing,
) {
    runtime.block_on(serve(listener, router, on_drain, stopped, timing));
    // what outlives the grace period is cut off
    runtime.shutdown_timeout(Duration::from_secs(1));
}

async fn serve(
    listener: TcpListener,
    router: Router,
    on_drain: impl FnOnce(),
    stopped: watch::Receiver<bool>,
    timing: Timing,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener.tap_io(|stream| {
            // without it a small answer may wait for an acknowledgement
            let _ = stream.set_nodelay(true);
        }),
        Err(error) => {
            tracing::error!(%error, "the listener cannot be watched");
            return;
        }
    };
    let (close, closed) = watch::channel(false);
    let router = router.layer(map_request(drained));
    let server = axum::serve(listener, router).with_graceful_shutdown(raised(closed));
    let server = tokio::spawn(server.into_future());
    raised(stopped).await;
    on_drain();
    tokio::time::sleep(timing.drain_delay).await;
    close.send_replace(true);
    if tokio::time::timeout(timing.grace, server).await.is_err() {
        tracing::warn!(grace = ?timing.grace, "requests outlived the grace period");
    }
}

/// Waits until a flag is raised, or can no longer be.
async fn raised(mut flag: watch::Receiver<bool>) {
    let _ = flag.wait_for(|raised| *raised).await;
}

/// Raises the flag on an interrupt or a termination signal.
pub(super) async fn stop_on_signals(stop: watch::Sender<bool>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            let stop = stop.clone();
            tokio::spawn(async move {
                terminate.recv().await;
                stop.send_replace(true);
            });
        }
    }
    if tokio::signal::ctrl_c().await.is_ok() {
        stop.send_replace(true);
    }
}
