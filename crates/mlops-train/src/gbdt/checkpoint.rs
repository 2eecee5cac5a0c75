//! A fit as plain data: what it has come to, and what it can go on from.

use mlops_core::{Digest, DigestBuilder};
use serde::{Deserialize, Serialize};

use super::{
    bins::{Bins, Map},
    data::Data,
    settings::Settings,
    tree::Tree,
};

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Round {
    pub(crate) train_loss: Option<f64>,
    pub(crate) validation_loss: Option<f64>,
    /// What is watched on the held rows, unless it is the loss.
    #[serde(default)]
    pub(crate) watched: Option<f64>,
}

/// A fit after some rounds, to go on from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(super) settings: Settings,
    pub(super) data: Digest,
    pub(super) base: Vec<f64>,
    pub(super) trees: Vec<Tree>,
    pub(super) rounds: Vec<Round>,
}

/// What boosting leaves: tree `i` adds to output `i % base.len()`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ensemble {
    pub(crate) base: Vec<f64>,
    pub(crate) trees: Vec<Tree>,
    pub(crate) rounds: Vec<Round>,
}

/// What tells the rows of a fit from others.
pub(super) fn digest(
    bins: &Bins,
    data: &Data<'_>,
    held: Option<(&[Vec<u8>], &Data<'_>)>,
) -> Digest {
    let mut digest = DigestBuilder::new();
    let bytes =
        |values: &[f64]| -> Vec<u8> { values.iter().flat_map(|x| x.to_le_bytes()).collect() };
    for (feature, column) in bins.features.iter().zip(&bins.columns) {
        digest.part("column", &feature.column.to_le_bytes());
        match &feature.map {
            Map::Number { cuts } => digest.part("cuts", &bytes(cuts)),
            Map::Category { codes, .. } => {
                let codes: Vec<u8> = codes.iter().flat_map(|code| code.to_le_bytes()).collect();
                digest.part("codes", &codes)
            }
        };
        digest.part("bins", column);
    }
    digest.part("labels", &bytes(data.labels));
    digest.part("weights", &bytes(data.weights.unwrap_or_default()));
    if let Some((columns, held)) = held {
        for column in columns {
            digest.part("held", column);
        }
        digest.part("held labels", &bytes(held.labels));
        digest.part("held weights", &bytes(held.weights.unwrap_or_default()));
    }
    digest.finish()
}
