//! Experiments there: known by their name, or made.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    ExportError, ExportReport, MlflowServer, MlflowVerb,
    driver::{Export, pairs, text},
    logged_models,
};
use crate::{
    ExperimentId, ExperimentRecord, Lifecycle, LoggedModelSearch, Registry, Result, RunSearch, View,
};

/// An experiment on the server.
#[derive(Debug, Clone)]
pub(super) struct There {
    pub(super) id: String,
    pub(super) deleted: bool,
}

impl Registry {
    /// Makes whole experiments again on a server of MLflow: with tags, all runs and all logged models, deleted runs
    /// too. What is deleted here is deleted there; an experiment that is deleted on both sides is left as it is.
    ///
    /// # Errors
    /// Those of [`export_runs`](Self::export_runs), and [`TrackingError`](crate::TrackingError) for an experiment that is not here.
    ///
    /// # Complexity
    /// That of [`export_runs`](Self::export_runs); the identities of the runs are in memory.
    pub fn export_experiments(
        &self,
        experiments: impl IntoIterator<Item = ExperimentId>,
        server: &dyn MlflowServer,
    ) -> Result<ExportReport> {
        let mut export = Export::new(self, server);
        let (mut runs, mut open) = (Vec::new(), Vec::new());
        for id in experiments {
            let experiment = self.tracking().experiment(id)?;
            let there = export.find_experiment(&experiment)?;
            if there.is_some_and(|there| there.deleted)
                && experiment.lifecycle == Lifecycle::Deleted
            {
                continue;
            }
            export.experiment(id)?;
            runs.extend(export.runs_of(id)?);
            open.push(experiment);
        }
        export.runs(runs)?;
        for experiment in &open {
            export.models_of(experiment.id)?;
        }
        for experiment in open {
            if experiment.lifecycle == Lifecycle::Deleted {
                let id = export.experiment(experiment.id)?;
                let what = format!("experiment `{}`", experiment.name);
                let body = json!({ "experiment_id": id });
                export.post("/experiments/delete", &what, body)?;
            }
        }
        Ok(export.report)
    }
}

impl Export<'_> {
    /// The identity of an experiment there; it is made if there is none of its name.
    pub(super) fn experiment(&mut self, id: ExperimentId) -> Result<String> {
        if let Some(known) = self.experiments.get(&id).filter(|known| !known.deleted) {
            return Ok(known.id.clone());
        }
        let experiment = self.registry.tracking().experiment(id)?;
        if let Some(found) = self.find_experiment(&experiment)? {
            if found.deleted {
                let experiment = experiment.name.to_string();
                return Err(ExportError::Deleted { experiment }.into());
            }
            return Ok(found.id);
        }
        let what = format!("experiment `{}`", experiment.name);
        let body = json!({ "name": experiment.name, "tags": pairs(&experiment.tags) });
        let answer = self.post("/experiments/create", &what, body)?;
        let there = There {
            id: text(&answer, "experiment_id", &what)?,
            deleted: false,
        };
        self.experiments.insert(id, there.clone());
        Ok(there.id)
    }

    /// The experiment of that name there, if there is one.
    pub(super) fn find_experiment(
        &mut self,
        experiment: &ExperimentRecord,
    ) -> Result<Option<There>> {
        if let Some(known) = self.experiments.get(&experiment.id) {
            return Ok(Some(known.clone()));
        }
        let what = format!("experiment `{}`", experiment.name);
        let name = json!({ "experiment_name": experiment.name });
        match self.ask(MlflowVerb::Get, "/experiments/get-by-name", name) {
            Ok(answer) => {
                let found = &answer["experiment"];
                let there = There {
                    id: text(found, "experiment_id", &what)?,
                    deleted: found["lifecycle_stage"] == "deleted",
                };
                self.experiments.insert(experiment.id, there.clone());
                Ok(Some(there))
            }
            Err(refusal) if refusal.status == Some(404) => Ok(None),
            Err(source) => Err(ExportError::Refused { what, source }.into()),
        }
    }

    /// The experiment in which there is room for what belongs to none.
    pub(super) fn default_experiment(&mut self) -> Result<String> {
        self.experiment(ExperimentId::DEFAULT)
    }

    fn runs_of(&self, id: ExperimentId) -> Result<Vec<crate::RunId>> {
        let mut search = RunSearch {
            experiments: vec![id],
            order_by: vec!["attributes.start_time ASC".to_owned()],
            view: View::All,
            ..RunSearch::default()
        };
        let mut runs = Vec::new();
        loop {
            let page = self.registry.tracking().search_runs(&search)?;
            runs.extend(page.items.into_iter().map(|run| run.id));
            search.page_token = page.next;
            if search.page_token.is_none() {
                return Ok(runs);
            }
        }
    }

    /// Sends the logged models of an experiment that no run has brought along.
    fn models_of(&mut self, id: ExperimentId) -> Result<()> {
        let mut search = LoggedModelSearch {
            experiments: vec![id],
            ..LoggedModelSearch::default()
        };
        let mut ids = BTreeSet::new();
        loop {
            let page = self.registry.tracking().search_logged_models(&search)?;
            ids.extend(page.items.into_iter().map(|model| model.id));
            search.page_token = page.next;
            if search.page_token.is_none() {
                break;
            }
        }
        for id in ids {
            logged_models::model(self, &id)?;
        }
        Ok(())
    }
}
