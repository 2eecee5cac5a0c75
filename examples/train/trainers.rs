//! Trainers by name, their settings by key.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

#[cfg(feature = "burn")]
use mlops::train::{Mlp, MlpBuilder, Texts, Training};
use mlops::{
    core::{Seed, TrainingSet},
    train::{
        Boosting, BoostingBuilder, ClassWeights, DecisionTree, DecisionTreeBuilder, ElasticNet,
        ElasticNetBuilder, Fitted, IsolationForest, IsolationForestBuilder, LinearRegression,
        LinearRegressionBuilder, LogisticRegression, LogisticRegressionBuilder, NaiveBayes,
        NaiveBayesBuilder, RandomForest, RandomForestBuilder, SupportVectors,
        SupportVectorsBuilder, Trainer, Watched,
    },
};

use crate::data::Result;

/// A name, what it stands for, the keys that it takes, and how it is made.
struct Entry {
    name: &'static str,
    what: &'static str,
    keys: &'static [&'static str],
    make: fn(&Params<'_>, Seed) -> Result<Box<dyn Trainer>>,
}

const TRAINERS: &[Entry] = &[
    Entry {
        name: "boosting",
        what: "gradient boosting on histograms",
        keys: &[
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
            "class_weights",
            "early_stopping",
            "watched",
            "validation_fraction",
            "threads",
        ],
        make: boosting,
    },
    Entry {
        name: "forest",
        what: "a random forest",
        keys: &[
            "trees",
            "max_depth",
            "min_rows_leaf",
            "feature_fraction",
            "max_categories",
            "class_weights",
            "threads",
        ],
        make: forest,
    },
    Entry {
        name: "tree",
        what: "one decision tree",
        keys: &["max_depth", "min_leaf", "max_categories", "class_weights"],
        make: tree,
    },
    Entry {
        name: "isolation",
        what: "an isolation forest, which looks for anomalies and not at the label",
        keys: &["trees", "sample", "max_categories", "threads"],
        make: isolation,
    },
    Entry {
        name: "logistic",
        what: "logistic regression",
        keys: &["l2", "max_iterations", "max_categories", "class_weights"],
        make: logistic,
    },
    Entry {
        name: "linear",
        what: "least squares with an l2 penalty",
        keys: &["l2"],
        make: linear,
    },
    Entry {
        name: "elastic_net",
        what: "least squares with both penalties",
        keys: &["penalty", "l1_ratio", "max_iterations"],
        make: elastic_net,
    },
    Entry {
        name: "naive_bayes",
        what: "Gaussian naive Bayes",
        keys: &["smoothing"],
        make: naive_bayes,
    },
    Entry {
        name: "svm",
        what: "support vectors with a radial kernel",
        keys: &["cost", "gamma"],
        make: svm,
    },
    #[cfg(feature = "burn")]
    Entry {
        name: "mlp",
        what: "a network with embeddings for texts",
        keys: &[
            "hidden",
            "epochs",
            "batch",
            "learning_rate",
            "weight_decay",
            "dropout",
            "embedding",
            "early_stopping",
            "validation_fraction",
        ],
        make: mlp,
    },
];

/// The list for `--help`.
pub fn help() -> String {
    let lines = TRAINERS.iter().map(|entry| {
        let keys = entry.keys.join(", ");
        format!("  {:<14}{}: {keys}\n", entry.name, entry.what)
    });
    "trainers and their settings:\n".to_owned() + &lines.collect::<String>()
}

/// A trainer with its settings.
pub fn named(
    name: &str,
    params: &BTreeMap<String, String>,
    seed: Seed,
) -> Result<Box<dyn Trainer>> {
    let Some(entry) = TRAINERS.iter().find(|entry| entry.name == name) else {
        let known: Vec<&str> = TRAINERS.iter().map(|entry| entry.name).collect();
        let known = known.join(", ");
        return Err(format!("there is no trainer `{name}`; there is {known}").into());
    };
    if let Some(key) = params
        .keys()
        .find(|key| !entry.keys.contains(&key.as_str()))
    {
        let known = entry.keys.join(", ");
        return Err(format!("`{name}` has no setting `{key}`; there is {known}").into());
    }
    (entry.make)(&Params(params), seed)
}

/// The settings that were given.
struct Params<'a>(&'a BTreeMap<String, String>);

impl Params<'_> {
    /// The value of a key, where it is given.
    fn get<T: FromStr<Err: Display>>(&self, key: &str) -> Result<Option<T>> {
        let Some(text) = self.0.get(key) else {
            return Ok(None);
        };
        let value = text.parse();
        let value = value.map_err(|error| format!("--param {key} is `{text}`: {error}"))?;
        Ok(Some(value))
    }

    /// Hands the value of a key on to a builder, where it is given.
    fn set<B, T: FromStr<Err: Display>>(
        &self,
        builder: B,
        key: &str,
        set: impl FnOnce(B, T) -> B,
    ) -> Result<B> {
        Ok(match self.get(key)? {
            Some(value) => set(builder, value),
            None => builder,
        })
    }
}

/// Class weights as they are written: `balanced`, or a weight a class.
struct Classes(ClassWeights);

impl FromStr for Classes {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let wrong = "`equal`, `balanced` or weights as in 0=1,1=2.5 are expected";
        Ok(Self(match text {
            "equal" => ClassWeights::Equal,
            "balanced" => ClassWeights::Balanced,
            pairs => {
                let pair = |pair: &str| {
                    let (class, weight) = pair.rsplit_once('=')?;
                    Some((class.to_owned(), weight.parse().ok()?))
                };
                let given: Option<BTreeMap<String, f64>> = pairs.split(',').map(pair).collect();
                ClassWeights::Given(given.ok_or(wrong)?)
            }
        }))
    }
}

/// What decides when to stop, by its name.
struct Named(Watched);

impl FromStr for Named {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(Self(match text {
            "loss" => Watched::Loss,
            "roc_auc" => Watched::RocAuc,
            "pr_auc" => Watched::PrAuc,
            "accuracy" => Watched::Accuracy,
            "absolute_error" => Watched::AbsoluteError,
            _ => return Err("there is loss, roc_auc, pr_auc, accuracy, absolute_error"),
        }))
    }
}

fn boosting(p: &Params<'_>, seed: Seed) -> Result<Box<dyn Trainer>> {
    // as many trees as are asked for, unless stopping early is asked for too
    let b = Boosting::builder().seed(seed).early_stopping(None);
    let b = p.set(b, "trees", BoostingBuilder::trees)?;
    let b = p.set(b, "leaves", BoostingBuilder::leaves)?;
    let b = p.set(b, "learning_rate", BoostingBuilder::learning_rate)?;
    let b = p.set(b, "max_depth", BoostingBuilder::max_depth)?;
    let b = p.set(b, "min_rows_leaf", BoostingBuilder::min_rows_leaf)?;
    let b = p.set(b, "min_leaf_weight", BoostingBuilder::min_leaf_weight)?;
    let b = p.set(b, "l1", BoostingBuilder::l1)?;
    let b = p.set(b, "l2", BoostingBuilder::l2)?;
    let b = p.set(b, "min_gain", BoostingBuilder::min_gain)?;
    let b = p.set(b, "max_bins", BoostingBuilder::max_bins)?;
    let b = p.set(b, "subsample", BoostingBuilder::subsample)?;
    let b = p.set(b, "feature_fraction", BoostingBuilder::feature_fraction)?;
    let b = p.set(b, "max_categories", BoostingBuilder::max_categories)?;
    let b = p.set(b, "early_stopping", |b, v| b.early_stopping(Some(v)))?;
    let b = p.set(
        b,
        "validation_fraction",
        BoostingBuilder::validation_fraction,
    )?;
    let b = p.set(b, "watched", |b, Named(watched)| b.watched(watched))?;
    let b = p.set(b, "class_weights", |b, Classes(w)| b.class_weights(w))?;
    let b = p.set(b, "threads", BoostingBuilder::threads)?;
    Ok(Box::new(b.build()?))
}

fn forest(p: &Params<'_>, seed: Seed) -> Result<Box<dyn Trainer>> {
    let b = RandomForest::builder().seed(seed);
    let b = p.set(b, "trees", RandomForestBuilder::trees)?;
    let b = p.set(b, "max_depth", RandomForestBuilder::max_depth)?;
    let b = p.set(b, "min_rows_leaf", RandomForestBuilder::min_rows_leaf)?;
    let b = p.set(b, "feature_fraction", RandomForestBuilder::feature_fraction)?;
    let b = p.set(b, "max_categories", RandomForestBuilder::max_categories)?;
    let b = p.set(b, "class_weights", |b, Classes(w)| b.class_weights(w))?;
    let b = p.set(b, "threads", RandomForestBuilder::threads)?;
    Ok(Box::new(b.build()?))
}

fn tree(p: &Params<'_>, _: Seed) -> Result<Box<dyn Trainer>> {
    let b = p.set(
        DecisionTree::builder(),
        "max_depth",
        DecisionTreeBuilder::max_depth,
    )?;
    let b = p.set(b, "min_leaf", DecisionTreeBuilder::min_leaf)?;
    let b = p.set(b, "max_categories", DecisionTreeBuilder::max_categories)?;
    let b = p.set(b, "class_weights", |b, Classes(w)| b.class_weights(w))?;
    Ok(Box::new(b.build()?))
}

/// An isolation forest where a trainer is asked for.
#[derive(Debug)]
struct Isolation(IsolationForest);

impl Trainer for Isolation {
    fn name(&self) -> &'static str {
        "isolation_forest"
    }

    fn params(&self) -> BTreeMap<String, String> {
        self.0.params()
    }

    fn fit(&self, set: &TrainingSet) -> mlops::train::Result<Fitted> {
        self.0.fit(set)
    }
}

fn isolation(p: &Params<'_>, seed: Seed) -> Result<Box<dyn Trainer>> {
    let b = IsolationForest::builder(seed);
    let b = p.set(b, "trees", IsolationForestBuilder::trees)?;
    let b = p.set(b, "sample", IsolationForestBuilder::sample)?;
    let b = p.set(b, "max_categories", IsolationForestBuilder::max_categories)?;
    let b = p.set(b, "threads", IsolationForestBuilder::threads)?;
    Ok(Box::new(Isolation(b.build()?)))
}

fn logistic(p: &Params<'_>, _: Seed) -> Result<Box<dyn Trainer>> {
    let b = p.set(
        LogisticRegression::builder(),
        "l2",
        LogisticRegressionBuilder::l2,
    )?;
    let b = p.set(
        b,
        "max_iterations",
        LogisticRegressionBuilder::max_iterations,
    )?;
    let b = p.set(
        b,
        "max_categories",
        LogisticRegressionBuilder::max_categories,
    )?;
    let b = p.set(b, "class_weights", |b, Classes(w)| b.class_weights(w))?;
    Ok(Box::new(b.build()?))
}

fn linear(p: &Params<'_>, _: Seed) -> Result<Box<dyn Trainer>> {
    let b = p.set(
        LinearRegression::builder(),
        "l2",
        LinearRegressionBuilder::l2,
    )?;
    Ok(Box::new(b.build()?))
}

fn elastic_net(p: &Params<'_>, _: Seed) -> Result<Box<dyn Trainer>> {
    let b = p.set(ElasticNet::builder(), "penalty", ElasticNetBuilder::penalty)?;
    let b = p.set(b, "l1_ratio", ElasticNetBuilder::l1_ratio)?;
    let b = p.set(b, "max_iterations", ElasticNetBuilder::max_iterations)?;
    Ok(Box::new(b.build()?))
}

fn naive_bayes(p: &Params<'_>, _: Seed) -> Result<Box<dyn Trainer>> {
    let b = p.set(
        NaiveBayes::gaussian(),
        "smoothing",
        NaiveBayesBuilder::smoothing,
    )?;
    Ok(Box::new(b.build()?))
}

fn svm(p: &Params<'_>, _: Seed) -> Result<Box<dyn Trainer>> {
    let b = p.set(
        SupportVectors::builder(),
        "cost",
        SupportVectorsBuilder::cost,
    )?;
    let b = p.set(b, "gamma", SupportVectorsBuilder::radial)?;
    Ok(Box::new(b.build()?))
}

#[cfg(feature = "burn")]
fn mlp(p: &Params<'_>, seed: Seed) -> Result<Box<dyn Trainer>> {
    let t = p.set(Training::new().seed(seed), "epochs", Training::epochs)?;
    let t = p.set(t, "batch", Training::batch)?;
    let t = p.set(t, "learning_rate", Training::learning_rate)?;
    let t = p.set(t, "weight_decay", Training::weight_decay)?;
    let t = p.set(t, "early_stopping", |t, v| t.early_stopping(Some(v)))?;
    let t = p.set(t, "validation_fraction", Training::validation_fraction)?;
    let mut b = Mlp::builder().training(t);
    if let Some(text) = p.get::<String>("hidden")? {
        let widths = text.split(',').map(str::parse);
        let widths: std::result::Result<Vec<usize>, _> = widths.collect();
        b =
            b.hidden(widths.map_err(|_| {
                format!("--param hidden is `{text}`, widths as in 64,32 are expected")
            })?);
    }
    let b = p.set(b, "dropout", MlpBuilder::dropout)?;
    let b = p.set(b, "embedding", |b, v| b.texts(Texts::Embedded(v)))?;
    Ok(Box::new(b.build()?))
}
