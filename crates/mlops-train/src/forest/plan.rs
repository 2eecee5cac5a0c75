//! From a training set to trees that are grown whole: what a forest and a single tree have in common.

use mlops_core::{Seed, Target, TrainingSet};
use mlops_model::{Combine, Estimator, Link, ModelSpec, TreeEnsemble};

use crate::{
    ClassWeights, Result,
    export::{gains, tree},
    gbdt::{Answers, Bins, Data, ForestSettings, Objective, Settings, forest, within},
    prepare::{Numerics, Prepared},
    record::importance,
    rows::Rows,
};

/// Among how many columns a split chooses.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Columns {
    All,
    Share(f64),
    /// The square root of their number for classes, a third of it for numbers.
    Usual,
}

/// What is grown, and from what.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) owner: &'static str,
    pub(crate) trees: usize,
    pub(crate) max_depth: usize,
    pub(crate) min_rows_leaf: usize,
    pub(crate) columns: Columns,
    /// Whether each tree sees rows drawn with replacement, or all of them.
    pub(crate) bootstrap: bool,
    /// Whether a leaf answers as if it held one more row of each class.
    pub(crate) smoothed: bool,
    pub(crate) class_weights: &'a ClassWeights,
    pub(crate) max_categories: usize,
    pub(crate) seed: Seed,
    pub(crate) threads: usize,
}

/// The trees as a model.
#[derive(Debug)]
pub(crate) struct Planted {
    pub(crate) spec: ModelSpec,
    pub(crate) importance: Vec<(String, f64)>,
}

/// Labels as the engine takes them.
enum Labels<'a> {
    Numbers(Vec<f64>),
    Classes(&'a [u32], usize),
}

impl Plan<'_> {
    pub(crate) fn fit(&self, set: &TrainingSet) -> Result<Planted> {
        let prepared = Prepared::any(set, Numerics::Native, self.max_categories)?;
        let rows = Rows::new(&prepared);
        let columns = rows.columns();
        let weights = rows.weights.as_deref();
        let weights = self
            .class_weights
            .rows(self.owner, &prepared.labels, weights)?;
        let weights = weights.as_deref();
        let data = Data {
            columns: &columns,
            labels: &rows.labels,
            weights,
        };
        let numbers = Settings {
            objective: Objective::SquaredError,
            ..Settings::default()
        };
        data.check(self.owner, &numbers)?;
        let (answers, base, classes) = match &prepared.labels {
            // the mean is taken out, so that squares of large numbers do not hide small differences
            Target::Number(_) => {
                let base = Objective::SquaredError.base(&rows.labels, weights)[0];
                let left: Vec<f64> = rows.labels.iter().map(|label| label - base).collect();
                (Labels::Numbers(left), base, None)
            }
            Target::Binary(_) => (Labels::Numbers(rows.labels.clone()), 0.0, Some(2)),
            Target::Classes { names, codes } => {
                let classes = names.len();
                (Labels::Classes(codes, classes), 0.0, Some(classes))
            }
        };
        let settings = self.settings(columns.len(), classes);
        let answers = match &answers {
            Labels::Numbers(labels) => Answers::Numbers(labels),
            Labels::Classes(codes, classes) => Answers::Classes(codes, *classes),
        };
        let (bins, grown) = within(self.threads, self.owner, || {
            let bins = Bins::new(&columns, 255, self.threads);
            let grown = forest(&bins, answers, weights, &settings);
            (bins, grown)
        })?;
        let gains = gains(&grown, &bins.features, columns.len());
        let importance = importance(prepared.preprocess.output_names(), &gains);
        let trees = grown.iter().map(|grown| tree(grown, &bins.features));
        let trees = TreeEnsemble {
            trees: trees.collect(),
            base: vec![base; answers.outputs()],
            combine: Combine::Mean,
            link: Link::Identity,
        };
        let trees = Estimator::Trees(trees);
        let spec = ModelSpec::new(prepared.signature, prepared.preprocess, trees)?;
        Ok(Planted { spec, importance })
    }

    /// What the engine is asked for, given the number of columns, and of classes where there are some.
    fn settings(&self, width: usize, classes: Option<usize>) -> ForestSettings {
        let all = width as f64;
        let wanted = match (self.columns, classes) {
            (Columns::All, _) => all,
            (Columns::Share(share), _) => share * all,
            (Columns::Usual, Some(_)) => all.sqrt(),
            (Columns::Usual, None) => all / 3.0,
        };
        let smoothed = classes.filter(|_| self.smoothed);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a model's width"
        )]
        ForestSettings {
            trees: self.trees,
            max_depth: self.max_depth,
            min_rows_leaf: self.min_rows_leaf,
            columns: (wanted.round() as usize).max(1),
            bootstrap: self.bootstrap,
            prior: smoothed.map_or((0.0, 0.0), |classes| (1.0, classes as f64)),
            seed: self.seed.0,
            threads: self.threads,
        }
    }
}
