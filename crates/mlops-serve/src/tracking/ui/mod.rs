//! The pages of the tracking server: what is tracked and registered, for people with a browser.
//!
//! ```text
//! /  ─▶ experiment ─▶ run ─▶ logged model        /ui/models ─▶ model ─▶ version        /ui/audit
//!            └──▶ compare runs ◀──┘                              └──▶ two versions
//! ```
//!
//! They are made on the server from what the registry says, show no more than the API would tell the same caller,
//! change nothing, run no script and fetch nothing. A page is bounded whatever there is: tables have pages,
//! histories are thinned, charts are counted.

mod audit;
mod column;
mod compare;
mod curves;
mod experiments;
mod logged_model;
mod model;
mod models;
mod pair;
mod reply;
mod report;
mod run;
mod runs;
mod search_box;
mod show;
mod trail;
mod version;
mod view;

pub(super) use reply::{failure, guard, is_page};
pub use report::TrackingReport;

use super::{
    access::Right,
    api::{artifacts, subject},
    failure::Outcome,
    route::{Call, Family, Needs, Reply, Route, Verb, Work},
};

const fn page(path: &'static str, needs: Needs, work: fn(&Call<'_>) -> Outcome<Reply>) -> Route {
    Route {
        verb: Verb::Get,
        family: Family::Page,
        path,
        needs,
        work: Work::Answer(work),
    }
}

const OF_EXPERIMENT: Needs = Needs::RightOn(Right::Read, subject::experiment);
const OF_RUN: Needs = Needs::RightOn(Right::Read, subject::run);
const OF_RUNS: Needs = Needs::RightOn(Right::Read, subject::runs);
const OF_LOGGED_MODEL: Needs = Needs::RightOn(Right::Read, subject::logged_model);
const OF_MODEL: Needs = Needs::RightOn(Right::Read, subject::model);
const OF_ARTIFACT: Needs = Needs::RightOn(Right::Read, subject::artifact);

pub(super) const ROUTES: &[Route] = &[
    page("/", Needs::Somebody, experiments::page),
    page("/ui/experiments/{experiment_id}", OF_EXPERIMENT, runs::page),
    page("/ui/runs/{run_id}", OF_RUN, run::page),
    page("/ui/compare", OF_RUNS, compare::page),
    page(
        "/ui/logged-models/{model_id}",
        OF_LOGGED_MODEL,
        logged_model::page,
    ),
    page("/ui/models", Needs::Somebody, models::page),
    page("/ui/models/{name}", OF_MODEL, model::page),
    page("/ui/models/{name}/compare", OF_MODEL, pair::page),
    page(
        "/ui/models/{name}/versions/{version}",
        OF_MODEL,
        version::page,
    ),
    page("/ui/audit", Needs::Somebody, audit::page),
    // the API's own download, at an address for which a browser has the reader's name at hand
    Route {
        verb: Verb::Get,
        family: Family::Page,
        path: "/ui/artifacts/{*path}",
        needs: OF_ARTIFACT,
        work: Work::Download(artifacts::get),
    },
];
