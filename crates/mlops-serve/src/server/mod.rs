//! The HTTP server: endpoints on one port, on threads of its own behind a synchronous interface.
//!
//! Invariant: a server that stops says so first (readiness turns false), then takes no new connection,
//! then finishes the requests under way, all within its grace period.

mod app;
mod drain;
mod reply;
mod routes;
mod run;
#[cfg(feature = "tls")]
mod tls;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    pin::Pin,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use axum::Router;
use tokio::sync::watch;

use crate::{Endpoint, Error, Limits, Result};
use app::App;
pub(crate) use run::Timing;
#[cfg(feature = "tls")]
pub use tls::Tls;

/// Builds a server of endpoints.
///
/// The crate page shows one at work.
#[derive(Debug, Clone)]
#[must_use = "a server does nothing until it is bound"]
pub struct Server {
    endpoints: Vec<Endpoint>,
    limits: Limits,
    workers: Option<NonZeroUsize>,
    drain_delay: Duration,
    grace: Duration,
    signals: bool,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// A server without endpoints, with default limits, one worker a processor, no delay before it
    /// closes its port and a grace period of 30 seconds.
    pub fn new() -> Self {
        Self {
            endpoints: Vec::new(),
            limits: Limits::default(),
            workers: None,
            drain_delay: Duration::ZERO,
            grace: Duration::from_secs(30),
            signals: false,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Speaks TLS, and nothing else.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Adds an endpoint under its model's name.
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// What one request may cost.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The number of threads that answer requests.
    pub fn workers(mut self, workers: NonZeroUsize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// How long a stopping server still answers while it reports that it is not ready, so that load
    /// balancers can notice.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// How long requests under way may take once the port is closed; what is left then is cut off.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Stops by itself on an interrupt, and on a termination signal where there is one.
    pub fn stop_on_signals(mut self) -> Self {
        self.signals = true;
        self
    }

    /// Listens on an address, for instance `127.0.0.1:8080`, and answers from now on. Port 0 takes a
    /// free one.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] without endpoints or with two of one model, [`Error::AddressInUse`] or
    /// [`Error::Bind`] if the address cannot be had, [`Error::Start`] if a thread cannot be started.
    pub fn bind(self, address: &str) -> Result<RunningServer> {
        let app = Arc::new(App::new(&self.endpoints, self.limits)?);
        let listen = Listen {
            address,
            workers: self.workers,
            signals: self.signals,
            #[cfg(feature = "tls")]
            tls: self.tls,
            beside: None,
            timing: Timing {
                drain_delay: self.drain_delay,
                grace: self.grace,
            },
        };
        let router = routes::router(Arc::clone(&app));
        start(listen, router, move || app.drain())
    }
}

/// Work that goes on beside the answers, until the server stops.
pub(crate) type Beside = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where and how a server listens.
pub(crate) struct Listen<'a> {
    pub(crate) address: &'a str,
    pub(crate) workers: Option<NonZeroUsize>,
    pub(crate) signals: bool,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
    pub(crate) beside: Option<Beside>,
    pub(crate) timing: Timing,
}

/// Listens, and answers by a router from now on; what is given last runs when it begins to stop.
pub(crate) fn start(
    listen: Listen<'_>,
    router: Router,
    on_drain: impl FnOnce() + Send + 'static,
) -> Result<RunningServer> {
    let address = listen.address;
    let bind = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => Error::AddressInUse {
            address: address.to_owned(),
        },
        _ => Error::Bind {
            address: address.to_owned(),
            source,
        },
    };
    let listener = TcpListener::bind(address).map_err(bind)?;
    listener.set_nonblocking(true).map_err(bind)?;
    let local = listener.local_addr().map_err(bind)?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = listen.workers {
        builder.worker_threads(workers.get());
    }
    let start = |what| move |source| Error::Start { what, source };
    let runtime = builder
        .thread_name("mlops-serve-worker")
        .enable_all()
        .build()
        .map_err(start("the server's workers"))?;
    let (stop, stopped) = watch::channel(false);
    if listen.signals {
        runtime.spawn(run::stop_on_signals(stop.clone()));
    }
    if let Some(beside) = listen.beside {
        runtime.spawn(beside);
    }
    let how = run::How {
        timing: listen.timing,
        #[cfg(feature = "tls")]
        tls: listen.tls,
    };
    let thread = std::thread::Builder::new()
        .name("mlops-serve".into())
        .spawn(move || run::run(runtime, listener, router, on_drain, stopped, how))
        .map_err(start("the server's thread"))?;
    Ok(RunningServer {
        address: local,
        stop,
        thread: Some(thread),
    })
}

/// A server that answers requests. It stops, gracefully, when this is dropped.
#[derive(Debug)]
#[must_use = "the server stops when this is dropped"]
pub struct RunningServer {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl RunningServer {
    /// The address that is listened on, with the port that was taken.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Begins to stop, and returns at once.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Stops: reports not ready, closes the port, finishes the requests under way.
    pub fn shutdown(self) {
        drop(self);
    }

    /// Waits until the server was stopped, by [`RunningServer::stop`] or a signal.
    pub fn join(mut self) {
        self.wait();
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            // a panic in there was a bug and has been told of by the panic hook
            let _ = thread.join();
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.stop();
        self.wait();
    }
}
