//! Trainers by name, their settings by key.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use mlops::{
    core::Seed,
    train::{Boosting, DecisionTree, LogisticRegression, Trainer},
};

use crate::data::Result;

/// A name, what it stands for, and the keys that it takes.
type Entry = (&'static str, &'static str, &'static [&'static str]);

const TRAINERS: [Entry; 3] = [
    ("logistic", "logistic regression", &["l2"]),
    ("tree", "a decision tree", &["max_depth"]),
    (
        "boosting",
        "gradient boosting on histograms",
        &[
            "trees",
            "leaves",
            "learning_rate",
            "max_depth",
            "min_rows_leaf",
            "min_leaf_weight",
            "l1",
            "l2",
            "min_gain",
            "max_bins",
            "subsample",
            "feature_fraction",
            "max_categories",
            "early_stopping",
            "validation_fraction",
            "threads",
        ],
    ),
];

/// The list for `--help`.
pub fn help() -> String {
    let mut text = "trainers and their settings:\n".to_owned();
    for (name, what, keys) in TRAINERS {
        text += &format!("  {name:<16}{what}: {}\n", keys.join(", "));
    }
    text
}

/// The settings that were given.
struct Params<'a>(&'a BTreeMap<String, String>);

impl Params<'_> {
    /// Hands the value of a key on to a builder, where it is given.
    fn set<B, T: FromStr<Err: Display>>(
        &self,
        builder: B,
        key: &str,
        set: impl FnOnce(B, T) -> B,
    ) -> Result<B> {
        let Some(text) = self.0.get(key) else {
            return Ok(builder);
        };
        let value = text.parse();
        let value = value.map_err(|error| format!("--param {key} is `{text}`: {error}"))?;
        Ok(set(builder, value))
    }
}

/// A trainer with its settings.
pub fn named(
    name: &str,
    params: &BTreeMap<String, String>,
    seed: Seed,
) -> Result<Box<dyn Trainer>> {
    let Some((_, _, keys)) = TRAINERS.iter().find(|(known, ..)| *known == name) else {
        let known: Vec<&str> = TRAINERS.iter().map(|(known, ..)| *known).collect();
        return Err(format!(
            "there is no trainer `{name}`; there is {}",
            known.join(", ")
        )
        .into());
    };
    if let Some(key) = params.keys().find(|key| !keys.contains(&key.as_str())) {
        let known = keys.join(", ");
        return Err(format!("`{name}` has no setting `{key}`; there is {known}").into());
    }
    let p = Params(params);
    Ok(match name {
        "logistic" => {
            let b = p.set(LogisticRegression::builder(), "l2", |b, v| b.l2(v))?;
            Box::new(b.build()?)
        }
        "tree" => {
            let b = p.set(DecisionTree::builder(), "max_depth", |b, v| b.max_depth(v))?;
            Box::new(b.build()?)
        }
        _ => {
            // as many trees as are asked for, unless stopping early is asked for too
            let b = Boosting::builder().seed(seed).early_stopping(None);
            let b = p.set(b, "trees", |b, v| b.trees(v))?;
            let b = p.set(b, "leaves", |b, v| b.leaves(v))?;
            let b = p.set(b, "learning_rate", |b, v| b.learning_rate(v))?;
            let b = p.set(b, "max_depth", |b, v| b.max_depth(v))?;
            let b = p.set(b, "min_rows_leaf", |b, v| b.min_rows_leaf(v))?;
            let b = p.set(b, "min_leaf_weight", |b, v| b.min_leaf_weight(v))?;
            let b = p.set(b, "l1", |b, v| b.l1(v))?;
            let b = p.set(b, "l2", |b, v| b.l2(v))?;
            let b = p.set(b, "min_gain", |b, v| b.min_gain(v))?;
            let b = p.set(b, "max_bins", |b, v| b.max_bins(v))?;
            let b = p.set(b, "subsample", |b, v| b.subsample(v))?;
            let b = p.set(b, "feature_fraction", |b, v| b.feature_fraction(v))?;
            let b = p.set(b, "max_categories", |b, v| b.max_categories(v))?;
            let b = p.set(b, "early_stopping", |b, v| b.early_stopping(Some(v)))?;
            let b = p.set(b, "validation_fraction", |b, v| b.validation_fraction(v))?;
            let b = p.set(b, "threads", |b, v| b.threads(v))?;
            Box::new(b.build()?)
        }
    })
}
