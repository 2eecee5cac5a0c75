//! The same pages as files, for those without a server: each is one HTML file that fetches nothing.

use mlops_core::{ModelName, VersionNumber};
use mlops_registry::{ExperimentId, Registry, RunQuery, RunRecord};

use super::{column, compare, curves::Along, pair, runs, view::View};
use crate::Result;

/// The most runs of a report.
const RUNS: usize = 200;

/// Makes files of the pages that [`TrackingServer`](crate::TrackingServer) serves.
///
/// ```
/// use mlops_registry::{Registry, RunStatus};
/// use mlops_serve::TrackingReport;
///
/// let registry = Registry::memory()?;
/// let experiment = registry.experiment("churn")?;
/// for depth in [3, 6] {
///     let run = experiment.start_run("boosting")?;
///     run.log_param("depth", depth)?;
///     run.log_metric("auc", 0.8 + f64::from(depth) / 100.0, 0)?;
///     run.finish(RunStatus::Finished)?;
/// }
/// let id = registry.tracking().experiment_named(&"churn".parse()?)?.id;
/// let html = TrackingReport::new(&registry).experiment(id, "metrics.auc > 0.5", Some("metrics.auc DESC"))?;
/// assert!(html.contains("depth") && !html.contains("<a href=\"/"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TrackingReport {
    registry: Registry,
}

impl TrackingReport {
    /// Reports on that registry, in the name of its actor.
    pub fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
        }
    }

    /// An experiment: its runs, at most 200 of those for which a condition holds, and the first 16 of them side by
    /// side. An empty condition holds for all; see [`mlops_registry::Condition`].
    ///
    /// # Errors
    /// [`Error::Registry`](crate::Error::Registry): the experiment is not there, the condition or the order does
    /// not read, or the registry does not answer.
    pub fn experiment(
        &self,
        id: ExperimentId,
        condition: &str,
        order_by: Option<&str>,
    ) -> Result<String> {
        let view = View::file(&self.registry);
        let tracking = self.registry.tracking();
        let experiment = tracking.experiment(id)?;
        let found = tracking.query_runs(&RunQuery {
            experiments: Some(vec![id]),
            condition: condition.to_owned(),
            order_by: order_by.map(str::to_owned).into_iter().collect(),
            limit: Some(RUNS),
            ..RunQuery::default()
        })?;
        let activity = tracking.activity(&[id])?[0];
        let offered = column::offered(&found.items);
        let columns = column::chosen(&[], &offered, &found.items);
        let mut table = runs::table(&view, &found.items, &columns, None);
        if found.next.is_some() && condition.trim().is_empty() {
            let shown = found.items.len() as u64;
            table = table.left_out(activity.runs.saturating_sub(shown));
        }
        let mut page = view
            .page(experiment.name.as_str())
            .section("About this experiment", runs::about(&experiment, activity))
            .section("Runs", mlops_report::Section::new().add(table));
        let first: &[RunRecord] = &found.items[..found.items.len().min(compare::MOST)];
        if first.len() > 1 {
            for (heading, section) in compare::sections(&view, first, Along::Step)? {
                page = page.section(heading, section);
            }
        }
        Ok(page.footer(TIMES).render())
    }

    /// Two versions of a model side by side.
    ///
    /// # Errors
    /// [`Error::Registry`](crate::Error::Registry): the model or a version is not there, the policy forbids to look
    /// at it, or the registry does not answer.
    pub fn versions(
        &self,
        model: &ModelName,
        left: VersionNumber,
        right: VersionNumber,
    ) -> Result<String> {
        let view = View::file(&self.registry);
        let compared = self.registry.existing_model(model)?.compare(left, right)?;
        let mut page = view.page(pair::title(model, &compared));
        for (heading, section) in pair::sections(&view, &compared)? {
            page = page.section(heading, section);
        }
        Ok(page.footer(TIMES).render())
    }
}

const TIMES: &str = "All times are in UTC.";
