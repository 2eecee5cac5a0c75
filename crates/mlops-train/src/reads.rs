//! What a model for a training set reads and answers.

use mlops_core::{Target, TrainingSet};
use mlops_model::{Input, InputKind, Output, Signature};

use crate::{Error, Result};

/// The signature of a model for this set: its features, and what its label asks for.
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
    let output = match set.target() {
        Target::Binary(_) => Output::Probability {
            positive: set.label_name().to_owned(),
        },
        Target::Number(_) => Output::Number,
        Target::Classes { names, .. } => Output::Classes { names },
    };
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    Ok(Signature::new(inputs, output)?)
}
