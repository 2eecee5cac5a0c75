//! From logged predictions and late outcomes to a judgement on the version that serves.

use std::collections::BTreeMap;

use mlops_core::{
    EntityKey, EventTime, ModelName, OutcomeRecord, PredictionRecord, Table, Value, VersionNumber,
};
use mlops_drift::{
    Context, DriftReport, Judgement, OutcomeJoin, Performance, PerformanceQuery, Policy,
    ReferenceProfile, Window,
};
use mlops_registry::Registry;

use crate::Result;

/// What one look at a model found.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The end of the window.
    pub time: EventTime,
    /// The version whose profile was the reference.
    pub version: VersionNumber,
    /// The window's features and predictions against the profile.
    pub drift: DriftReport,
    /// The metrics of an earlier window whose outcomes have arrived, if there is one.
    pub performance: Option<Performance>,
    /// The verdicts and the signals that follow.
    pub judgement: Judgement,
}

/// The reference profile that was stored with a version; `None` if its package has none.
///
/// # Errors
/// Those of the registry, and a damaged profile.
pub fn reference_profile(
    registry: &Registry,
    model: &ModelName,
    version: VersionNumber,
) -> Result<Option<ReferenceProfile>> {
    let package = registry.load(model, version)?;
    Ok(package
        .profile()
        .map(ReferenceProfile::from_json)
        .transpose()?)
}

/// Joins predictions with the outcomes that have arrived and measures the given query.
///
/// # Errors
/// A record of another model, or two outcomes that contradict each other.
pub fn performance(
    model: &ModelName,
    records: &[(PredictionRecord, Option<OutcomeRecord>)],
    query: &PerformanceQuery,
) -> Result<Performance> {
    let mut join = OutcomeJoin::new(model.clone());
    for (prediction, outcome) in records {
        join.add_prediction(prediction)?;
        if let Some(outcome) = outcome {
            join.add_outcome(outcome)?;
        }
    }
    Ok(join.performance(query))
}

/// Compares a window of logged predictions with the version's profile and judges it.
///
/// `earlier` is the last judgement on the same version, for policies that wait for several windows.
///
/// # Errors
/// A record that does not fit the profile, or a policy that names a column that is not there.
pub fn observe(
    profile: &ReferenceProfile,
    policy: &Policy,
    records: &[(PredictionRecord, Option<OutcomeRecord>)],
    performance: Option<Performance>,
    context: Context,
    earlier: Option<&Judgement>,
) -> Result<Observation> {
    let mut window = Window::new(profile);
    for (record, _) in records {
        window.push_record(record)?;
    }
    let drift = DriftReport::compare(profile, &window)?;
    let (time, version) = (context.time, context.version);
    let context = match earlier {
        Some(earlier) => context.after(earlier),
        None => context,
    };
    let judgement = policy.judge(&drift, performance.as_ref(), &context)?;
    Ok(Observation {
        time,
        version,
        drift,
        performance,
        judgement,
    })
}

/// How many feature values agree between the offline join and what predictions were made from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Skew {
    /// Values that exist on both sides.
    pub compared: u64,
    /// Values that are not the same, bit for bit.
    pub differing: u64,
    /// The first difference in words.
    pub example: Option<String>,
}

/// Compares logged features with an offline join for the same instant, by entity key.
///
/// Predictions for entities that are not in the join, and without a key, are left out.
///
/// # Errors
/// [`mlops_core::Error::TypeMismatch`] if a column of the join has no plain values.
pub fn skew<'a>(
    offline: &Table,
    records: impl IntoIterator<Item = &'a PredictionRecord>,
) -> Result<Skew> {
    let rows: BTreeMap<EntityKey, usize> = offline
        .keys()?
        .into_iter()
        .enumerate()
        .filter_map(|(row, key)| Some((key?, row)))
        .collect();
    let mut skew = Skew::default();
    for record in records {
        let Some((key, row)) = record
            .key
            .as_ref()
            .and_then(|key| Some((key, *rows.get(key)?)))
        else {
            continue;
        };
        for (name, online) in &record.features {
            let Ok(column) = offline.column(name) else {
                continue;
            };
            let value = Value::from_array(name, column, row)?;
            skew.compared += 1;
            if !same(&value, online) {
                skew.differing += 1;
                skew.example.get_or_insert_with(|| {
                    format!("`{name}` of {key} is {value:?} offline and {online:?} online")
                });
            }
        }
    }
    Ok(skew)
}

/// The same bits, so that NaN equals NaN and 0.0 is not -0.0.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}
