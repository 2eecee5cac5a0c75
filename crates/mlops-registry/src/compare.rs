//! Two versions side by side: what differs in params, metrics, signature, profile, data and the rest.

use std::collections::{BTreeMap, BTreeSet};

use mlops_core::{Digest, VersionNumber};
use serde::Serialize;

use crate::{Error, ModelVersion, RegisteredModel, Registry, Result, RunInfo, number};

/// The file of a package that holds the reference profile.
const PROFILE: &str = "reference_profile.json";

/// One thing of two versions; what a version lacks is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Side<T> {
    /// The first version's.
    pub left: Option<T>,
    /// The second version's.
    pub right: Option<T>,
    /// Whether they are the same.
    pub same: bool,
}

impl<T: PartialEq> Side<T> {
    fn new(left: Option<T>, right: Option<T>) -> Self {
        let same = left == right;
        Self { left, right, same }
    }
}

/// A number of two versions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MetricSide {
    /// The first version's.
    #[serde(with = "number::optional")]
    pub left: Option<f64>,
    /// The second version's.
    #[serde(with = "number::optional")]
    pub right: Option<f64>,
    /// The second less the first, where both are finite.
    pub difference: Option<f64>,
}

/// Two versions of a model side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The first version.
    pub left: ModelVersion,
    /// The second version.
    pub right: ModelVersion,
    /// The params of their runs; empty for a run that is not known here.
    pub params: BTreeMap<String, Side<String>>,
    /// The last metrics of their runs.
    pub metrics: BTreeMap<String, MetricSide>,
    /// The inputs of their signatures by name, and their output under the name `(output)`.
    pub signature: BTreeMap<String, Side<String>>,
    /// The digests of their reference profiles.
    pub profile: Side<Digest>,
    /// The digests of the data that they were trained on, by name.
    pub data: BTreeMap<String, Side<Digest>>,
    /// The digests of the feature definitions, by name.
    pub features: BTreeMap<String, Side<Digest>>,
    /// The revisions of the code.
    pub code: Side<String>,
    /// The tags.
    pub tags: BTreeMap<String, Side<String>>,
    /// The files of their packages.
    pub files: BTreeMap<String, Side<Digest>>,
}

impl RegisteredModel {
    /// Lays two versions side by side, with what their runs logged.
    ///
    /// # Errors
    /// [`Error::UnknownVersion`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn compare(&self, left: VersionNumber, right: VersionNumber) -> Result<Comparison> {
        let registry = self.registry();
        let state = registry.state(self.name())?;
        let (left, right) = (state.version(left)?, state.version(right)?);
        let runs = (run_of(registry, left)?, run_of(registry, right)?);
        let logged = |pick: fn(&RunInfo) -> &BTreeMap<String, String>| {
            sides(runs.0.as_ref().map(pick), runs.1.as_ref().map(pick))
        };
        let metrics = (
            runs.0.as_ref().map(|run| &run.metrics),
            runs.1.as_ref().map(|run| &run.metrics),
        );
        let profile = |version: &ModelVersion| version.files.get(PROFILE).copied();
        let code = |version: &ModelVersion| version.lineage.code_revision.clone();
        Ok(Comparison {
            params: logged(|run| &run.params),
            metrics: metric_sides(metrics.0, metrics.1),
            signature: sides(Some(&fields(left)), Some(&fields(right))),
            profile: Side::new(profile(left), profile(right)),
            data: sides(Some(&left.lineage.data), Some(&right.lineage.data)),
            features: sides(Some(&left.lineage.features), Some(&right.lineage.features)),
            code: Side::new(code(left), code(right)),
            tags: sides(Some(&left.tags), Some(&right.tags)),
            files: sides(Some(&left.files), Some(&right.files)),
            left: ModelVersion::clone(left),
            right: ModelVersion::clone(right),
        })
    }
}

/// What the run of a version logged, if the version has one and it is known here.
fn run_of(registry: &Registry, version: &ModelVersion) -> Result<Option<RunInfo>> {
    let Some(run) = &version.run else {
        return Ok(None);
    };
    match registry.run(run) {
        Ok(run) => Ok(Some(run)),
        Err(Error::UnknownRun { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn fields(version: &ModelVersion) -> BTreeMap<String, String> {
    let Some(signature) = &version.signature else {
        return BTreeMap::new();
    };
    let text = |value: serde_json::Result<serde_json::Value>| {
        value.expect("signatures are JSON").to_string()
    };
    let inputs = signature.inputs().iter();
    let inputs = inputs.map(|input| (input.name.clone(), text(serde_json::to_value(input))));
    let output = text(serde_json::to_value(signature.output()));
    inputs.chain([("(output)".to_owned(), output)]).collect()
}

fn keys<'a, T>(
    left: Option<&'a BTreeMap<String, T>>,
    right: Option<&'a BTreeMap<String, T>>,
) -> BTreeSet<&'a String> {
    let keys = [left, right].into_iter().flatten();
    keys.flat_map(BTreeMap::keys).collect()
}

fn sides<T: Clone + PartialEq>(
    left: Option<&BTreeMap<String, T>>,
    right: Option<&BTreeMap<String, T>>,
) -> BTreeMap<String, Side<T>> {
    let at =
        |map: Option<&BTreeMap<String, T>>, key: &String| map.and_then(|m| m.get(key)).cloned();
    keys(left, right)
        .into_iter()
        .map(|key| (key.clone(), Side::new(at(left, key), at(right, key))))
        .collect()
}

fn metric_sides(
    left: Option<&BTreeMap<String, f64>>,
    right: Option<&BTreeMap<String, f64>>,
) -> BTreeMap<String, MetricSide> {
    let at =
        |map: Option<&BTreeMap<String, f64>>, key: &String| map.and_then(|m| m.get(key)).copied();
    let side = |key: &String| {
        let (left, right) = (at(left, key), at(right, key));
        let difference = left.zip(right).map(|(left, right)| right - left);
        MetricSide {
            left,
            right,
            difference: difference.filter(|difference| difference.is_finite()),
        }
    };
    keys(left, right)
        .into_iter()
        .map(|key| (key.clone(), side(key)))
        .collect()
}
