//! What the routes do, a file for each family, and the table of them all.

mod artifacts;
mod experiments;
mod logged_models;
mod logging;
mod metrics;
mod runs;
mod search;
mod subject;
mod system;
mod view;

use super::route::Route;

/// Every route there is.
pub(super) const TABLE: &[&[Route]] = &[
    system::ROUTES,
    experiments::ROUTES,
    runs::ROUTES,
    logging::ROUTES,
    metrics::ROUTES,
    artifacts::ROUTES,
    logged_models::ROUTES,
];
