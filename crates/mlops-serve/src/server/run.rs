//! The life of a running server, from its first connection to the end of its drain.

use std::{future::IntoFuture, io, net::TcpListener, time::Duration};

use axum::{Router, middleware::map_request, serve::ListenerExt};
use tokio::{runtime::Runtime, sync::watch, task::JoinHandle};

use super::drain::drained;

/// How a server stops.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) drain_delay: Duration,
    pub(crate) grace: Duration,
}

/// How a server serves and stops.
pub(super) struct How {
    pub(super) timing: Timing,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<super::Tls>,
}

/// Serves until it is stopped, then drains.
pub(super) fn run(
    runtime: Runtime,
    listener: TcpListener,
    router: Router,
    on_drain: impl FnOnce(),
    stopped: watch::Receiver<bool>,
    how: How,
) {
    runtime.block_on(serve(listener, router, on_drain, stopped, how));
    // what outlives the grace period is cut off
    runtime.shutdown_timeout(Duration::from_secs(1));
}

async fn serve(
    listener: TcpListener,
    router: Router,
    on_drain: impl FnOnce(),
    stopped: watch::Receiver<bool>,
    how: How,
) {
    let unwatched = |error: io::Error| tracing::error!(%error, "the listener cannot be watched");
    let Ok(listener) = tokio::net::TcpListener::from_std(listener).map_err(unwatched) else {
        return;
    };
    let (close, closed) = watch::channel(false);
    let router = router.layer(map_request(drained));
    #[cfg(feature = "tls")]
    if let Some(tls) = how.tls {
        let Ok(listener) = super::tls::TlsListener::new(listener, tls).map_err(unwatched) else {
            return;
        };
        let server = axum::serve(listener, router).with_graceful_shutdown(raised(closed));
        let server = tokio::spawn(server.into_future());
        return until_stopped(server, close, on_drain, stopped, how.timing).await;
    }
    let listener = listener.tap_io(|stream| {
        // without it a small answer may wait for an acknowledgement
        let _ = stream.set_nodelay(true);
    });
    let server = axum::serve(listener, router).with_graceful_shutdown(raised(closed));
    let server = tokio::spawn(server.into_future());
    until_stopped(server, close, on_drain, stopped, how.timing).await;
}

/// Waits for the end of a server: told of it, it drains.
async fn until_stopped(
    server: JoinHandle<io::Result<()>>,
    close: watch::Sender<bool>,
    on_drain: impl FnOnce(),
    stopped: watch::Receiver<bool>,
    timing: Timing,
) {
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
