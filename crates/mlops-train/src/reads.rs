//! What a model for a training set reads and answers.

use mlops_core::{Role, TrainingSet};
use mlops_model::{Input, InputKind, Output, Signature};

use crate::{Error, Result};

/// The signature of a model for this set: its features, and the probability of its label.
pub(crate) fn signature(set: &TrainingSet) -> Result<Signature> {
    let features = set.features().schema();
    let inputs = features.fields().iter().map(|field| {
        let kind = InputKind::of(field.data_type()).ok_or_else(|| Error::UnsupportedColumn {
            column: field.name().clone(),
            found: field.data_type().clone(),
        })?;
        Ok(Input {
            name: field.name().clone(),
            kind,
            nullable: field.is_nullable(),
        })
    });
    let schema = set.table().schema();
    let positive = schema.columns()[schema.only(Role::Label)?]
        .name()
        .to_owned();
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    Ok(Signature::new(inputs, Output::Probability { positive })?)
}
