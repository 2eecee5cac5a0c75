//! Learning from rows that stay where they are: partitions send weights and counts, never a row.
//!
//! A round hands the common model to some of the partitions; each improves it on its own rows by stochastic
//! gradient descent and sends it back, and the new common model is their mean, weighted by their rows. What
//! the encoders need (means, deviations, categories) is put together beforehand from sums of the same kind.
//!
//! # Reference
//! McMahan et al. 2017, algorithm 1 (FederatedAveraging); Li et al. 2020 for the proximal term (FedProx).

mod fit;
mod network;
mod statistics;

use mlops_core::Seed;
use mlops_model::ModelSpec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{Result, error::require, prepare::check_categories};

const NAME: &str = "federated averaging";

/// Federated averaging of a linear model or a small network.
///
/// ```
/// use mlops_train::{Federated, conformance};
///
/// let partitions = [1, 2, 3].map(|seed| conformance::planted(300, seed));
/// let later = conformance::planted(500, 9);
/// let fit = Federated::builder().rounds(5).build()?.fit(&partitions, Some(&later))?;
/// let loss = |round: usize| fit.rounds[round].metrics["log_loss"];
/// assert!(loss(4) < loss(0));
/// # Ok::<(), mlops_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Federated {
    settings: FederatedBuilder,
}

/// What a round was worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// The partitions that took part, ascending.
    pub partitions: Vec<usize>,
    /// Their rows.
    pub rows: usize,
    /// The mean loss over these rows of the model that the round began with: the log-loss in nats, or half
    /// the squared error in standard deviations of the label.
    pub loss: f64,
    /// The metrics of the model that the round ended with on the set apart, where there is one.
    pub metrics: BTreeMap<String, f64>,
}

/// A model that all partitions have a part in, and how it came about.
#[derive(Debug, Clone)]
pub struct FederatedFit {
    /// The common model after the last round.
    pub spec: ModelSpec,
    /// The rounds in order.
    pub rounds: Vec<Round>,
}

impl Federated {
    /// Starts with 30 rounds of one pass over the rows, a learning rate of 0.1 and no hidden layer.
    pub fn builder() -> FederatedBuilder {
        FederatedBuilder::default()
    }
}

/// Collects the settings of a [`Federated`].
#[derive(Debug, Clone, PartialEq)]
pub struct FederatedBuilder {
    rounds: usize,
    local_epochs: usize,
    batch_rows: usize,
    learning_rate: f64,
    participation: f64,
    hidden: Vec<usize>,
    l2: f64,
    proximal: f64,
    max_categories: usize,
    seed: Seed,
}

impl Default for FederatedBuilder {
    fn default() -> Self {
        Self {
            rounds: 30,
            local_epochs: 1,
            batch_rows: 32,
            learning_rate: 0.1,
            participation: 1.0,
            hidden: Vec::new(),
            l2: 1e-4,
            proximal: 0.0,
            max_categories: 64,
            seed: Seed(0),
        }
    }
}

impl FederatedBuilder {
    /// How often weights are exchanged.
    #[must_use]
    pub fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// The passes of a partition over its rows in a round.
    #[must_use]
    pub fn local_epochs(mut self, epochs: usize) -> Self {
        self.local_epochs = epochs;
        self
    }

    /// The rows of a step.
    #[must_use]
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows;
        self
    }

    /// The length of a step.
    #[must_use]
    pub fn learning_rate(mut self, rate: f64) -> Self {
        self.learning_rate = rate;
        self
    }

    /// The share of partitions that take part in a round, at least one.
    #[must_use]
    pub fn participation(mut self, share: f64) -> Self {
        self.participation = share;
        self
    }

    /// The widths of the hidden layers; without any the model is linear.
    #[must_use]
    pub fn hidden(mut self, widths: impl Into<Vec<usize>>) -> Self {
        self.hidden = widths.into();
        self
    }

    /// The penalty on squared weights.
    #[must_use]
    pub fn l2(mut self, l2: f64) -> Self {
        self.l2 = l2;
        self
    }

    /// The pull back to the common model during a round; above 0 it helps where partitions differ much.
    #[must_use]
    pub fn proximal(mut self, pull: f64) -> Self {
        self.proximal = pull;
        self
    }

    /// How many categories of a text become columns.
    #[must_use]
    pub fn max_categories(mut self, categories: usize) -> Self {
        self.max_categories = categories;
        self
    }

    /// Where the first weights, the order of the rows and the draw of partitions begin.
    #[must_use]
    pub fn seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) naming the setting that is out of its range.
    pub fn build(self) -> Result<Federated> {
        let at_least_1 = "it must be at least 1";
        require(self.rounds >= 1, NAME, "rounds", &self.rounds, at_least_1)?;
        let epochs = self.local_epochs;
        require(epochs >= 1, NAME, "local_epochs", &epochs, at_least_1)?;
        let rows = self.batch_rows;
        require(rows >= 1, NAME, "batch_rows", &rows, at_least_1)?;
        let rate = self.learning_rate;
        let rule = "it must lie above 0 and at most at 10";
        require(
            rate > 0.0 && rate <= 10.0,
            NAME,
            "learning_rate",
            &rate,
            rule,
        )?;
        let share = self.participation;
        let rule = "it must lie above 0 and at most at 1";
        require(
            share > 0.0 && share <= 1.0,
            NAME,
            "participation",
            &share,
            rule,
        )?;
        let rule = "each width must lie in 1..=4096, and there may be 8 layers";
        let sound = self.hidden.len() <= 8 && self.hidden.iter().all(|w| (1..=4096).contains(w));
        require(sound, NAME, "hidden", &format!("{:?}", self.hidden), rule)?;
        for (parameter, value) in [("l2", self.l2), ("proximal", self.proximal)] {
            let sound = value >= 0.0 && value.is_finite();
            require(sound, NAME, parameter, &value, "it must be 0 or above")?;
        }
        let categories = self.max_categories;
        check_categories(NAME, categories)?;
        Ok(Federated { settings: self })
    }
}

#[cfg(test)]
mod tests;
