//! The tracking server: a registry on a port.

use std::{net::ToSocketAddrs, num::NonZeroUsize, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    routing::{MethodRouter, on},
};
use mlops_core::Principal;
use mlops_registry::Registry;

#[cfg(feature = "webhooks")]
use super::webhook::{Sender, WebhookOptions};
use super::{
    access::{Doorkeeper, ServerPolicy},
    api::TABLE,
    app::{self, App, KnownRuns},
    gate::Hosts,
    limits::TrackingLimits,
};
#[cfg(feature = "webhooks")]
use crate::server::Beside;
use crate::{
    Error, Result, RunningServer,
    server::{Listen, Timing, start},
};

/// Who acts where there is no policy.
const LOCAL: &str = "local";

/// Builds a server that speaks MLflow's REST API over a [`Registry`].
///
/// ```
/// use mlops_registry::Registry;
/// use mlops_serve::TrackingServer;
///
/// let server = TrackingServer::new(Registry::memory()?).bind("127.0.0.1:0")?;
/// let health = ureq::get(format!("http://{}/health", server.addr())).call()?.body_mut().read_to_string()?;
/// assert_eq!(health, "OK");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Without a [`ServerPolicy`] it listens on loopback addresses only, and lets everybody there do everything,
/// in the name of the actor `local`.
#[derive(Debug, Clone)]
#[must_use = "a server does nothing until it is bound"]
pub struct TrackingServer {
    registry: Registry,
    policy: Option<ServerPolicy>,
    hosts: Hosts,
    limits: TrackingLimits,
    sources_elsewhere: bool,
    public_url: Option<String>,
    workers: Option<NonZeroUsize>,
    grace: Duration,
    signals: bool,
    #[cfg(feature = "tls")]
    tls: Option<crate::Tls>,
    #[cfg(feature = "webhooks")]
    webhooks: Option<WebhookOptions>,
}

impl TrackingServer {
    /// A server of that registry, without a policy, with default limits and a grace period of 30 seconds.
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            policy: None,
            hosts: Hosts::default(),
            limits: TrackingLimits::default(),
            sources_elsewhere: false,
            public_url: None,
            workers: None,
            grace: Duration::from_secs(30),
            signals: false,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "webhooks")]
            webhooks: None,
        }
    }

    /// Speaks TLS, and nothing else.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Tells webhooks of changes of models; off by default.
    #[cfg(feature = "webhooks")]
    pub fn webhooks(mut self, options: WebhookOptions) -> Self {
        self.webhooks = Some(options);
        self
    }

    /// Who may use it, and for what. What the policy does not allow is denied from then on.
    pub fn policy(mut self, policy: ServerPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// A name under which clients address the server. IP addresses and `localhost` need none; other
    /// names that are not given here are refused, so that no page can reach it through a name of its own.
    pub fn host(mut self, name: &str) -> Self {
        self.hosts.add(name);
        self
    }

    /// How the server's addresses begin for its clients, for instance `https://mlflow.example.com` behind a proxy that
    /// speaks TLS. Uploads in parts need it, since each part has an address; without it they are offered over the
    /// server's own TLS and on this machine.
    pub fn public_url(mut self, url: &str) -> Self {
        self.public_url = Some(url.trim_end_matches('/').to_owned());
        self
    }

    /// What one request may cost.
    pub fn limits(mut self, limits: TrackingLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Lets versions of models be registered from places that are not known here, for instance a bucket of somebody
    /// else's. Such a version is a text alone: what lies there can change, and no digest tells.
    ///
    /// Otherwise a source is a run, a logged model or another version, whose content is kept as it is at that moment,
    /// or lies where a run or a logged model keeps its artifacts.
    pub fn sources_elsewhere(mut self) -> Self {
        self.sources_elsewhere = true;
        self
    }

    /// The number of threads that serve the network.
    pub fn workers(mut self, workers: NonZeroUsize) -> Self {
        self.workers = Some(workers);
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

    /// Listens on an address, for instance `127.0.0.1:5000`, and answers from now on. Port 0 takes a
    /// free one.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for an address that is not a loopback one if there is no policy,
    /// [`Error::AddressInUse`] or [`Error::Bind`] if the address cannot be had, [`Error::Start`] if a
    /// thread cannot be started; [`Error::Registry`] with webhooks if a secret of one cannot be used with the keys that
    /// the registry was opened with.
    pub fn bind(self, address: &str) -> Result<RunningServer> {
        if self.policy.is_none() {
            only_loopback(address)?;
        }
        #[cfg(feature = "webhooks")]
        if self.webhooks.is_some() {
            self.registry.reseal_webhook_secrets()?;
            self.registry.check_webhook_secrets()?;
        }
        #[cfg(feature = "webhooks")]
        let sender = self.webhooks.map(|options| {
            let registry = self.registry.clone();
            Arc::new(Sender::new(registry, options))
        });
        #[cfg(feature = "webhooks")]
        let beside = sender
            .clone()
            .map(|sender| -> Beside { Box::pin(sender.work()) });
        #[cfg(not(feature = "webhooks"))]
        let beside = None;
        let app = Arc::new(App {
            registry: self.registry,
            doorkeeper: Doorkeeper::new(self.policy, Principal::new(LOCAL)?),
            hosts: self.hosts,
            limits: self.limits,
            runs: KnownRuns::default(),
            sources_elsewhere: self.sources_elsewhere,
            public_url: self.public_url,
            #[cfg(feature = "tls")]
            speaks_tls: self.tls.is_some(),
            #[cfg(not(feature = "tls"))]
            speaks_tls: false,
            #[cfg(feature = "webhooks")]
            sender,
        });
        start(
            Listen {
                address,
                workers: self.workers,
                signals: self.signals,
                #[cfg(feature = "tls")]
                tls: self.tls,
                beside,
                timing: Timing {
                    drain_delay: Duration::ZERO,
                    grace: self.grace,
                },
            },
            router(app),
            || {},
        )
    }
}

fn only_loopback(address: &str) -> Result<()> {
    let mut addresses = address.to_socket_addrs().map_err(|source| Error::Bind {
        address: address.to_owned(),
        source,
    })?;
    if addresses.all(|address| address.ip().is_loopback()) {
        return Ok(());
    }
    Err(Error::InvalidSetting {
        setting: "policy",
        reason: format!("`{address}` can be reached from elsewhere, which needs a policy"),
    })
}

/// All routes, each behind [`app::serve`]; what is no route goes the same way and is denied.
fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for route in TABLE.iter().copied().flatten() {
        for prefix in route.family.prefixes() {
            let serve = move |State(app): State<Arc<App>>, request: Request| {
                app::serve(route, app, request)
            };
            let method: MethodRouter<Arc<App>> = on(route.verb.filter(), serve);
            router = router.route(&format!("{prefix}{}", route.path), method);
        }
    }
    router
        .fallback(app::no_route)
        .method_not_allowed_fallback(app::wrong_verb)
        .with_state(app)
}
