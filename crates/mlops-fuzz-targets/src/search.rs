//! No filter, ordering, condition or page token makes a search panic, and none takes for ever.
//!
//! The first byte chooses what is searched; the rest is split at NULs into a filter, an ordering, a page
//! token and a grouping. What is read is searched for in a small registry, page by page.

use std::{borrow::Cow, sync::OnceLock};

use mlops_registry::{
    Attribute, Batch, Condition, ExperimentId, ExperimentSearch, Filter, GroupQuery,
    LoggedModelSearch, Metric, MetricPoint, ModelOrdering, ModelSearch, NewLoggedModel, NewRun,
    NewVersion, Ordered, Registry, RunQuery, RunSearch, Searchable, Subject, Tracking, View,
    page_of,
};

const SEARCHABLE: [Searchable; 5] = [
    Searchable::Runs,
    Searchable::Experiments,
    Searchable::RegisteredModels,
    Searchable::ModelVersions,
    Searchable::LoggedModels,
];

struct Version(i64);

impl Subject for Version {
    fn attribute(&self, name: &str) -> Option<Attribute<'_>> {
        match name {
            "name" => Some(Attribute::Text(Cow::Borrowed("forest"))),
            "run_id" => None,
            _ => Some(Attribute::Integer(self.0)),
        }
    }

    fn tag(&self, key: &str) -> Option<&str> {
        (key == "team").then_some("red")
    }
}

fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let registry = Registry::memory().expect("a registry in memory");
        for name in ["forest", "line"] {
            let model = registry.model(name).expect("a model");
            for version in ["1", "2"] {
                let source = format!("mlflow-artifacts:/{name}/{version}");
                let new = NewVersion::source(source);
                model.register_version(new).expect("a version");
            }
            model.set_tag("team", "red").expect("a tag");
        }
        registry
    })
}

fn tracking() -> &'static Tracking {
    static TRACKING: OnceLock<Tracking> = OnceLock::new();
    TRACKING.get_or_init(|| {
        let tracking = registry().tracking();
        for (step, value) in (0..).zip([0.5, f64::NAN, f64::INFINITY]) {
            let run = tracking
                .create_run(NewRun::new(ExperimentId::DEFAULT))
                .expect("a run")
                .id;
            let time = mlops_core::EventTime::from_seconds(step);
            let mut batch =
                Batch::of_metrics([Metric::new("a", MetricPoint { step, time, value })]);
            batch.params = vec![("p".into(), step.to_string())];
            tracking.log_batch(&run, batch).expect("a batch");
        }
        tracking
            .create_logged_model(NewLoggedModel::new(ExperimentId::DEFAULT))
            .expect("a logged model");
        tracking
    })
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let mut parts = text.split('\0');
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let (filter, order, token, grouping) = (part(), part(), part(), part());
    let order_by: Vec<String> = Some(order.clone())
        .filter(|order| !order.is_empty())
        .into_iter()
        .collect();
    let page_token = Some(token).filter(|token| !token.is_empty());
    let tracking = tracking();
    let experiments = vec![ExperimentId::DEFAULT];
    let limit = Some(2);
    match SEARCHABLE[usize::from(*choice) % 5] {
        Searchable::Runs => runs(filter, order_by, page_token, grouping),
        Searchable::Experiments => {
            let _ = tracking.search_experiments(&ExperimentSearch {
                filter,
                view: View::All,
                order_by,
                limit,
                page_token,
            });
        }
        Searchable::LoggedModels => {
            let order_by = order_by
                .into_iter()
                .map(|field_name| ModelOrdering {
                    field_name,
                    ascending: false,
                    dataset: None,
                })
                .collect();
            let _ = tracking.search_logged_models(&LoggedModelSearch {
                experiments,
                filter,
                datasets: vec![],
                order_by,
                limit,
                page_token,
            });
        }
        Searchable::RegisteredModels => {
            let _ = registry().search_models(&ModelSearch {
                filter,
                order_by,
                limit,
                page_token,
            });
        }
        searched @ Searchable::ModelVersions => {
            if let (Ok(filter), Ok(ordered)) = (
                Filter::parse(searched, &filter),
                Ordered::parse(searched, &order_by),
            ) {
                let token = page_token.as_deref();
                let _ = page_of((0..4).map(Version), &filter, &ordered, 2, token);
            }
            let _ = registry().search_versions(&ModelSearch {
                filter,
                order_by,
                limit,
                page_token,
            });
        }
    }
}

fn runs(filter: String, order_by: Vec<String>, page_token: Option<String>, grouping: String) {
    let tracking = tracking();
    let limit = Some(2);
    let search = RunSearch {
        experiments: vec![ExperimentId::DEFAULT],
        filter: filter.clone(),
        view: View::All,
        order_by: order_by.clone(),
        limit,
        page_token: page_token.clone(),
    };
    if let Ok(page) = tracking.search_runs(&search) {
        assert!(page.items.len() <= 2);
        if page.next.is_some() {
            let page_token = page.next;
            let next = tracking.search_runs(&RunSearch {
                page_token,
                ..search
            });
            let next = next.expect("a token that was given is taken");
            assert!(
                next.items
                    .iter()
                    .all(|run| page.items.iter().all(|seen| seen.id != run.id))
            );
        }
    }
    let _ = Condition::parse(&filter);
    let _ = tracking.query_runs(&RunQuery {
        condition: filter.clone(),
        order_by,
        limit,
        page_token,
        ..RunQuery::default()
    });
    let _ = tracking.group_runs(&GroupQuery {
        condition: filter,
        by: vec![grouping],
        metrics: vec!["a".into()],
        ..GroupQuery::default()
    });
}
