//! Histories of metrics.

use mlops_registry::{MetricPoint, RunId};
use serde::Serialize;

use super::{
    subject::{self, parse_run, run_id},
    view::MetricView,
};
use crate::tracking::{
    access::Right,
    failure::{Failure, Outcome},
    route::{Call, Needs, Reply, Route, Verb},
};

const OF_RUN: Needs = Needs::RightOn(Right::Read, subject::run);
const OF_RUNS: Needs = Needs::RightOn(Right::Read, subject::runs);

pub(super) const ROUTES: &[Route] = &[
    Route::v2(Verb::Get, "/metrics/get-history", OF_RUN, history),
    Route::v2(
        Verb::Get,
        "/metrics/get-history-bulk-interval",
        OF_RUNS,
        bulk_interval,
    ),
];

/// The most runs of one chart.
const CHART_RUNS: usize = 100;
/// The most points of one run in a chart.
const CHART_POINTS: i64 = 2500;

#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<MetricView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

fn history(call: &Call<'_>) -> Outcome<Reply> {
    let params = call.params;
    let id = run_id(params)?;
    let key = params.text("metric_key")?;
    let limit = match params.opt_integer("max_results")? {
        None => None,
        Some(_) => Some(params.bounded("max_results", 1, i64::MAX)?),
    };
    // more than a page may hold is answered in pages
    let limit = limit.map(|limit| limit.min(mlops_registry::limits::HISTORY_POINTS));
    let token = params
        .opt_text("page_token")?
        .filter(|token| !token.is_empty());
    let page = call.registry.tracking().history(&id, key, limit, token)?;
    let points = page.points.iter();
    Ok(Reply::json(&Told {
        metrics: points.map(|point| MetricView::new(key, *point)).collect(),
        next_page_token: page.next,
    }))
}

/// The histories of one metric in several runs, thinned to what a chart can show.
fn bulk_interval(call: &Call<'_>) -> Outcome<Reply> {
    let params = call.params;
    let key = params.text("metric_key")?;
    let most = params.bounded("max_results", CHART_POINTS, CHART_POINTS)?;
    let steps = (
        params.opt_integer("start_step")?,
        params.opt_integer("end_step")?,
    );
    let (from, to) = match steps {
        (None, None) => (i64::MIN, i64::MAX),
        (Some(from), Some(to)) => (from, to),
        _ => {
            return Err(Failure::invalid(
                "If either start step or end step are specified, both must be specified.",
            ));
        }
    };
    if from > to {
        return Err(Failure::invalid(
            "end_step must not be less than start_step",
        ));
    }
    let ids = params.texts("run_ids")?;
    if ids.is_empty() {
        return Err(Failure::missing("run_ids"));
    }
    if ids.len() > CHART_RUNS {
        return Err(Failure::invalid(format!(
            "run_ids must not name more than {CHART_RUNS} runs"
        )));
    }
    let ids: Vec<RunId> = ids.iter().map(|id| parse_run(id)).collect::<Outcome<_>>()?;
    let mut metrics = Vec::new();
    for id in &ids {
        let points = whole_history(call, id, key)?.into_iter();
        let points = points
            .filter(|point| (from..=to).contains(&point.step))
            .collect();
        metrics.extend(thinned(points, most).into_iter().map(|point| MetricView {
            run_id: Some(id.as_str()),
            ..MetricView::new(key, point)
        }));
    }
    Ok(Reply::json(&Told {
        metrics,
        next_page_token: None,
    }))
}

fn whole_history(call: &Call<'_>, id: &RunId, key: &str) -> Outcome<Vec<MetricPoint>> {
    let tracking = call.registry.tracking();
    let mut points = Vec::new();
    let mut token = None;
    loop {
        let page = tracking.history(id, key, None, token.as_deref())?;
        points.extend(page.points);
        match page.next {
            Some(next) => token = Some(next),
            None => return Ok(points),
        }
    }
}

/// At most so many points, evenly spread, with the first and the last: the first of each of so many parts, of which
/// the earlier ones are the longer ones, and the last point in place of the last part's.
fn thinned(points: Vec<MetricPoint>, most: usize) -> Vec<MetricPoint> {
    let count = points.len();
    if count <= most {
        return points;
    }
    let (length, longer) = (count / most, count % most);
    let place = |part: usize| match part + 1 {
        next if next == most => count - 1,
        _ => part * length + part.min(longer),
    };
    (0..most).map(|part| points[place(part)]).collect()
}

#[cfg(test)]
mod tests {
    use mlops_core::EventTime;

    use super::*;

    #[test]
    fn a_chart_keeps_the_first_and_the_last_point() {
        let points: Vec<_> = (0..1000)
            .map(|step| MetricPoint {
                step,
                time: EventTime::from_micros(0),
                value: 0.0,
            })
            .collect();
        for most in [1, 2, 3, 7, 999, 1000, 2000] {
            let thin = thinned(points.clone(), most);
            assert_eq!(thin.len(), most.min(1000));
            assert_eq!(thin.last().unwrap().step, 999);
            assert!(most == 1 || thin[0].step == 0);
            assert!(thin.is_sorted_by(|a, b| a.step < b.step));
        }
        for (count, most, steps) in [
            (10, 3, &[0, 4, 9][..]),
            (10, 4, &[0, 3, 6, 9]),
            (10, 7, &[0, 2, 4, 6, 7, 8, 9]),
            (23, 5, &[0, 5, 10, 15, 22]),
        ] {
            let thin = thinned(points[..count].to_vec(), most);
            let found: Vec<_> = thin.iter().map(|point| point.step).collect();
            assert_eq!(found, steps);
        }
    }
}
