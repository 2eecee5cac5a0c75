//! Searches: filters, orders and pages, read from a request and handed to the registry.

use mlops_registry::{
    DatasetFilter, ExperimentRecord, ExperimentSearch, Filter, LoggedModel, LoggedModelSearch,
    ModelOrdering, Ordered, Page, RunRecord, RunSearch, Searchable, Subject, View, limits, page_of,
};

use super::subject::parse_experiment;
use crate::tracking::{
    failure::{Code, Failure, Outcome},
    params::Params,
    route::Call,
};

/// The most experiments that one search may name.
const EXPERIMENTS: usize = 10_000;

/// The texts that every search has.
#[derive(Debug)]
struct Asked {
    filter: String,
    order_by: Vec<String>,
    limit: usize,
    page_token: Option<String>,
}

impl Asked {
    fn read(params: &Params, default: usize, most: usize) -> Outcome<Self> {
        let token = params.opt_text("page_token")?;
        let bound = |limit| i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(Self {
            filter: params.opt_text("filter")?.unwrap_or_default().to_owned(),
            order_by: params.texts("order_by")?,
            limit: params.bounded("max_results", bound(default), bound(most))?,
            page_token: token.filter(|token| !token.is_empty()).map(str::to_owned),
        })
    }
}

fn view(params: &Params, param: &str) -> Outcome<View> {
    const VIEWS: [View; 3] = [View::Active, View::Deleted, View::All];
    let view = params.opt_name(param, &["ACTIVE_ONLY", "DELETED_ONLY", "ALL"])?;
    Ok(VIEWS[view.unwrap_or(0)])
}

fn experiment_ids(params: &Params) -> Outcome<Vec<mlops_registry::ExperimentId>> {
    let ids = params.texts("experiment_ids")?;
    if ids.len() > EXPERIMENTS {
        return Err(Failure::invalid(format!(
            "experiment_ids must not name more than {EXPERIMENTS} experiments"
        )));
    }
    let known = ids.iter().filter_map(|id| match parse_experiment(id) {
        // what is not there has nothing to be found
        Err(failure) if failure.code == Code::ResourceDoesNotExist => None,
        read => Some(read),
    });
    known.collect()
}

pub(super) fn experiments(call: &Call<'_>) -> Outcome<Page<ExperimentRecord>> {
    let most = limits::SEARCH_RESULTS;
    let asked = Asked::read(call.params, limits::SEARCH_RESULTS_DEFAULT, most)?;
    let search = ExperimentSearch {
        filter: asked.filter,
        view: view(call.params, "view_type")?,
        order_by: asked.order_by,
        limit: Some(asked.limit),
        page_token: asked.page_token,
    };
    Ok(call.registry.tracking().search_experiments(&search)?)
}

pub(super) fn runs(call: &Call<'_>) -> Outcome<Page<RunRecord>> {
    let most = limits::SEARCH_RESULTS;
    let asked = Asked::read(call.params, limits::SEARCH_RESULTS_DEFAULT, most)?;
    let search = RunSearch {
        experiments: experiment_ids(call.params)?,
        filter: asked.filter,
        view: view(call.params, "run_view_type")?,
        order_by: asked.order_by,
        limit: Some(asked.limit),
        page_token: asked.page_token,
    };
    Ok(call.registry.tracking().search_runs(&search)?)
}

pub(super) fn logged_models(call: &Call<'_>) -> Outcome<Page<LoggedModel>> {
    let params = call.params;
    let token = params.opt_text("page_token")?;
    let bound = |limit| i64::try_from(limit).unwrap_or(i64::MAX);
    let limit = params.bounded(
        "max_results",
        bound(limits::LOGGED_MODELS_DEFAULT),
        bound(limits::LOGGED_MODELS),
    )?;
    if !params.has("experiment_ids") {
        return Err(Failure::missing("experiment_ids"));
    }
    let datasets = params.objects("datasets")?;
    let order_by = params.objects("order_by")?;
    let search = LoggedModelSearch {
        experiments: experiment_ids(params)?,
        filter: params.opt_text("filter")?.unwrap_or_default().to_owned(),
        datasets: datasets.iter().map(dataset).collect::<Outcome<_>>()?,
        order_by: order_by.iter().map(ordering).collect::<Outcome<_>>()?,
        limit: Some(limit),
        page_token: token.filter(|token| !token.is_empty()).map(str::to_owned),
    };
    Ok(call.registry.tracking().search_logged_models(&search)?)
}

/// A page of what the registry lists, of that which the caller may see; `limits` are the usual and the largest page.
pub(super) fn listed<T: Subject, L: IntoIterator<Item = mlops_registry::Result<T>>>(
    params: &Params,
    searched: Searchable,
    limits: (usize, usize),
    list: impl FnOnce() -> mlops_registry::Result<L>,
    may_see: impl Fn(&T) -> bool,
) -> Outcome<Page<T>> {
    let asked = Asked::read(params, limits.0, limits.1)?;
    let filter = Filter::parse(searched, &asked.filter)?;
    let ordered = Ordered::parse(searched, &asked.order_by)?;
    let mut passed = Vec::new();
    for subject in list()? {
        let subject = subject?;
        if filter.matches(&subject) && may_see(&subject) {
            passed.push(subject);
        }
    }
    let token = asked.page_token.as_deref();
    Ok(page_of(passed, &filter, &ordered, asked.limit, token)?)
}

fn dataset(params: &Params) -> Outcome<DatasetFilter> {
    let digest = params.opt_text("dataset_digest")?;
    Ok(DatasetFilter {
        name: params.text("dataset_name")?.to_owned(),
        digest: digest
            .filter(|digest| !digest.is_empty())
            .map(str::to_owned),
    })
}

fn ordering(params: &Params) -> Outcome<ModelOrdering> {
    let of_dataset = params.opt_text("dataset_name")?.is_some();
    Ok(ModelOrdering {
        field_name: params.text("field_name")?.to_owned(),
        ascending: params.opt_flag("ascending")?.unwrap_or(true),
        dataset: of_dataset.then(|| dataset(params)).transpose()?,
    })
}
