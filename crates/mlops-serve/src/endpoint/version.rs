//! One version, loaded, verified and warmed: what an endpoint may swap to.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{Clock, Lineage, Value, VersionNumber};
use mlops_model::{InputKind, Model, Output, Scratch, Signature};
use mlops_registry::{ModelVersion, Registry};
use prometheus_client::metrics::counter::Counter;

use super::trust::Trust;
use crate::{Error, Result, metrics::EndpointMetrics};

/// A version that is fit to serve.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) number: VersionNumber,
    pub(super) model: Arc<dyn Model>,
    pub(super) lineage: Lineage,
    /// Counts the answers of this version.
    pub(super) answers: Counter,
    /// The positions of the inputs by name.
    columns: BTreeMap<String, usize>,
}

impl Serving {
    /// Loads a version's package, verifies every byte of it and lets the model answer once.
    pub(super) fn load(
        registry: &Registry,
        version: &ModelVersion,
        metrics: &EndpointMetrics,
        trust: &Trust,
        clock: &dyn Clock,
    ) -> Result<Self> {
        let package = registry.load(&version.model, version.version)?;
        if package.digest() != version.digest {
            return Err(Error::WrongPackage {
                model: version.model.clone(),
                version: version.version,
            });
        }
        let package = trust.admit(registry, version, package, clock)?;
        let model = package.load()?;
        let signature = model.signature();
        let row = match package.input_example() {
            Some(row) => row.to_vec(),
            None => blank_row(signature),
        };
        let mut scratch = Scratch::default();
        let answer = model.predict_row(&row, &mut scratch)?;
        if let Some(reason) = misfit(signature.output(), answer) {
            return Err(Error::Unfit {
                model: version.model.clone(),
                version: version.version,
                reason,
            });
        }
        let names = signature.inputs().iter().map(|input| input.name.clone());
        Ok(Self {
            number: version.version,
            columns: names.zip(0..).collect(),
            answers: metrics.answers_of(version.version),
            lineage: version.lineage.clone(),
            model,
        })
    }

    pub(super) fn signature(&self) -> &Signature {
        self.model.signature()
    }

    /// The position of an input.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.columns.get(name).copied()
    }
}

/// A row that any model of the signature must answer: null where it may be, else a plain value.
fn blank_row(signature: &Signature) -> Vec<Value> {
    let blank = |kind: InputKind| match kind {
        InputKind::Float => Value::Float(0.0),
        InputKind::Int => Value::Int(0),
        InputKind::Bool => Value::Bool(false),
        InputKind::Str => Value::Str(String::new()),
        InputKind::Floats { .. } => Value::List(vec![Value::Float(0.0)]),
        InputKind::Ints { .. } => Value::List(vec![Value::Int(0)]),
    };
    let inputs = signature.inputs().iter();
    inputs
        .map(|input| {
            // of a nullable list only the numbers may be null
            if input.nullable && input.kind.list().is_none() {
                Value::Null
            } else {
                blank(input.kind)
            }
        })
        .collect()
}

/// What is wrong with an answer, if anything is.
fn misfit(output: &Output, answer: &[f64]) -> Option<String> {
    if answer.len() != output.width() {
        let (found, wanted) = (answer.len(), output.width());
        return Some(format!(
            "its example gives {found} numbers, the signature states {wanted}"
        ));
    }
    if let Some(number) = answer.iter().find(|number| !number.is_finite()) {
        return Some(format!("its example gives {number}"));
    }
    let shares = matches!(output, Output::Probability { .. } | Output::Classes { .. });
    if let Some(number) = answer.iter().find(|number| !(0.0..=1.0).contains(*number))
        && shares
    {
        return Some(format!("its example gives the probability {number}"));
    }
    let sum: f64 = answer.iter().sum();
    if matches!(output, Output::Classes { .. }) && (sum - 1.0).abs() > 1e-6 {
        return Some(format!("its example gives probabilities that sum to {sum}"));
    }
    None
}
