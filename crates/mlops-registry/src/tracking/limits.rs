//! The limits of tracking, as MLflow 3.17 has them.

/// The longest name of an experiment, in characters.
pub const EXPERIMENT_NAME: usize = 500;
/// The longest artifact location of an experiment, in characters.
pub const ARTIFACT_LOCATION: usize = 1_024;
/// The longest key of a param, metric or tag, in characters.
pub const KEY: usize = 250;
/// The longest value of a param, in characters.
pub const PARAM_VALUE: usize = 6_000;
/// The longest value of a tag of a run, in characters.
pub const TAG_VALUE: usize = 8_000;
/// The longest value of a tag of a logged model, in characters. MLflow has no limit, and its clients keep a list of
/// versions in one tag.
pub const LOGGED_MODEL_TAG_VALUE: usize = 100_000;
/// The longest value of a tag of an experiment, in characters.
pub const EXPERIMENT_TAG_VALUE: usize = 20_000;
/// The longest name of a run, in characters.
pub const RUN_NAME: usize = 250;
/// The longest name of a user, in characters.
pub const USER: usize = 256;
/// The most metrics in one batch.
pub const BATCH_METRICS: usize = 1_000;
/// The most params in one batch.
pub const BATCH_PARAMS: usize = 100;
/// The most tags in one batch.
pub const BATCH_TAGS: usize = 100;
/// The most metrics, params and tags together in one batch.
pub const BATCH_ENTRIES: usize = 1_000;
/// The most tags of an experiment, run or logged model when it is made.
pub const CREATE_TAGS: usize = 1_000;
/// The longest name of a dataset, in characters.
pub const DATASET_NAME: usize = 500;
/// The longest digest of a dataset, in characters.
pub const DATASET_DIGEST: usize = 36;
/// The longest source of a dataset, in characters.
pub const DATASET_SOURCE: usize = 65_535;
/// The longest schema of a dataset, in characters.
pub const DATASET_SCHEMA: usize = 1_048_575;
/// The longest profile of a dataset, in characters.
pub const DATASET_PROFILE: usize = 16_777_215;
/// The longest key of a tag of a dataset input, in characters.
pub const INPUT_TAG_KEY: usize = 255;
/// The longest value of a tag of a dataset input, in characters.
pub const INPUT_TAG_VALUE: usize = 500;
/// The most datasets in one call.
pub const DATASETS: usize = 1_000;
/// The most results of a search for runs or experiments.
pub const SEARCH_RESULTS: usize = 50_000;
/// The results of a search for runs or experiments where the caller does not say.
pub const SEARCH_RESULTS_DEFAULT: usize = 1_000;
/// The most logged models in one page.
pub const LOGGED_MODELS: usize = 5_000;
/// The logged models in one page where the caller does not say.
pub const LOGGED_MODELS_DEFAULT: usize = 100;
/// The most registered models in one page.
pub const MODELS: usize = 1_000;
/// The registered models in one page where the caller does not say.
pub const MODELS_DEFAULT: usize = 100;
/// The most versions in one page.
pub const VERSIONS: usize = 200_000;
/// The versions in one page where the caller does not say.
pub const VERSIONS_DEFAULT: usize = 10_000;
/// The most points of a history in one page, and where the caller does not say.
pub const HISTORY_POINTS: usize = 25_000;
/// The longest filter, in bytes: one that an honest client would not write is refused unread.
pub const FILTER: usize = 65_536;
/// The most orderings of a search.
pub const ORDERINGS: usize = 32;
