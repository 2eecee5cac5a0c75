//! What the routes do, a file for each family, and the table of them all.

pub(super) mod artifacts;
mod experiments;
mod logged_models;
mod logging;
mod metrics;
mod model_versions;
mod multipart;
mod registered_models;
mod runs;
mod search;
mod source;
pub(super) mod subject;
mod system;
mod view;
#[cfg(feature = "webhooks")]
mod webhooks;

use super::{route::Route, ui};

/// Every route there is.
pub(super) const TABLE: &[&[Route]] = &[
    system::ROUTES,
    experiments::ROUTES,
    runs::ROUTES,
    logging::ROUTES,
    metrics::ROUTES,
    artifacts::ROUTES,
    multipart::ROUTES,
    logged_models::ROUTES,
    registered_models::ROUTES,
    model_versions::ROUTES,
    #[cfg(feature = "webhooks")]
    webhooks::ROUTES,
    ui::ROUTES,
];
