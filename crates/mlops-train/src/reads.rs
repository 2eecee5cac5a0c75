//! What a model for a training set reads and answers.

use arrow::datatypes::DataType;
use mlops_core::{Target, TrainingSet};
use mlops_model::{Input, InputKind, Output, Signature, limit};

use crate::{Error, Result};

/// The signature of a model for this set: its features, which are single values, and what its label asks for.
pub(crate) fn signature(set: &TrainingSet) -> Result<Signature> {
    of(set, InputKind::of)
}

/// The signature of a model for this set, whose features may be lists too.
pub(crate) fn any_signature(set: &TrainingSet) -> Result<Signature> {
    let longest = limit::SEQUENCE_STEPS;
    of(set, |data_type| match data_type {
        DataType::List(item) => match InputKind::of(item.data_type())? {
            InputKind::Float => Some(InputKind::Floats { longest }),
            InputKind::Int => Some(InputKind::Ints { longest }),
            _ => None,
        },
        single => InputKind::of(single),
    })
}

fn of(set: &TrainingSet, kind: impl Fn(&DataType) -> Option<InputKind>) -> Result<Signature> {
    let features = set.features().schema();
    let inputs = features.fields().iter().map(|field| {
        let kind = kind(field.data_type()).ok_or_else(|| Error::UnsupportedColumn {
            column: field.name().clone(),
            found: field.data_type().clone(),
        })?;
        Ok(Input {
            name: field.name().clone(),
            kind,
            // the numbers of a list may always be null
            nullable: field.is_nullable() || kind.list().is_some(),
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
