//! Sequences with a label each.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, AsArray},
    compute,
    datatypes::{DataType, Float64Type},
};
use mlops_core::{Digest, DigestBuilder, EntityKey, EventTime, Target, TrainingSet};
use mlops_model::{InputKind, Output, Sequences};

use crate::{Error, Result, error::require};

const OWNER: &str = "sequence set";

/// What a [`SequenceTrainer`](crate::SequenceTrainer) fits on: sequences of numeric vectors, and for each a label, a
/// time and perhaps a weight.
#[derive(Debug, Clone)]
pub struct SequenceSet {
    pub(super) features: Vec<String>,
    pub(super) sequences: Sequences,
    pub(super) label: String,
    pub(super) labels: Target,
    pub(super) times: Vec<EventTime>,
    pub(super) weights: Option<Vec<f64>>,
}

impl SequenceSet {
    /// Takes sequences from anywhere, for instance from [`Sequences::from_lists`]. The time is that of the label.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if there is no sequence, or not as many features as a step has numbers, or not
    /// as many labels, times or weights as sequences, or a weight below 0 or not finite.
    pub fn new(
        features: Vec<String>,
        sequences: Sequences,
        label: String,
        labels: Target,
        times: Vec<EventTime>,
        weights: Option<Vec<f64>>,
    ) -> Result<Self> {
        let rows = sequences.len();
        let rule = "there must be one for each number of a step";
        let named = features.len() == sequences.width();
        require(named, OWNER, "features", &features.len(), rule)?;
        require(rows > 0, OWNER, "sequences", &rows, "there must be one")?;
        let rule = "there must be one for each sequence";
        let given = labels.rows();
        require(given == rows, OWNER, "labels", &given, rule)?;
        if let Target::Classes { names, codes } = &labels {
            let rule = "it is the position of no class";
            let unknown = codes.iter().find(|code| **code as usize >= names.len());
            require(
                unknown.is_none(),
                OWNER,
                "labels",
                unknown.unwrap_or(&0),
                rule,
            )?;
        }
        require(times.len() == rows, OWNER, "times", &times.len(), rule)?;
        if let Some(weights) = &weights {
            let given = weights.len();
            require(given == rows, OWNER, "weights", &given, rule)?;
            for weight in weights {
                let sound = *weight >= 0.0 && weight.is_finite();
                require(
                    sound,
                    OWNER,
                    "weights",
                    weight,
                    "it must be finite and not below 0",
                )?;
            }
        }
        Ok(Self {
            features,
            sequences,
            label,
            labels,
            times,
            weights,
        })
    }

    /// A sequence a row of a set whose features are lists of numbers, as the newest events of an entity are; the lists
    /// of a row have one length, its steps.
    ///
    /// # Errors
    /// [`Error::UnsupportedColumn`] for a feature that is no list of numbers, and what [`Sequences::from_lists`]
    /// refuses: a null or empty list, lists of different lengths, an infinite number, each by its row.
    pub fn from_lists(set: &TrainingSet) -> Result<Self> {
        let batch = set.features();
        let schema = batch.schema();
        let mut names = Vec::with_capacity(batch.num_columns());
        for field in schema.fields() {
            if !matches!(field.data_type(), DataType::List(_)) {
                return Err(Error::UnsupportedColumn {
                    column: field.name().clone(),
                    found: field.data_type().clone(),
                });
            }
            names.push(field.name().as_str());
        }
        let sequences = Sequences::from_lists(&batch, &names)?;
        let features = names.iter().map(|name| (*name).to_owned());
        Self::new(
            features.collect(),
            sequences,
            set.label_name().to_owned(),
            set.target(),
            set.event_times(),
            set.weights(),
        )
    }

    /// A sequence a row: the row itself, and before it the rows of the same key that are not later, the oldest first, of
    /// which the latest `max_steps` stay. Rows of one instant keep their order. Labels of earlier rows are not read.
    ///
    /// # Errors
    /// [`Error::UnsupportedColumn`] for a feature that is a text, and what [`SequenceSet::new`] and
    /// [`Sequences::push`] refuse.
    ///
    /// # Complexity
    /// `O(rows · max_steps · features)` of time and of memory.
    pub fn from_history(set: &TrainingSet, max_steps: usize) -> Result<Self> {
        let rule = "it must lie in 1..=1024";
        let steps = (1..=mlops_model::limit::SEQUENCE_STEPS).contains(&max_steps);
        require(steps, OWNER, "max_steps", &max_steps, rule)?;
        let batch = set.features();
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (array, field) in batch.columns().iter().zip(batch.schema().fields()) {
            let number = matches!(
                InputKind::of(field.data_type()),
                Some(InputKind::Float | InputKind::Int | InputKind::Bool)
            );
            if !number {
                return Err(Error::UnsupportedColumn {
                    column: field.name().clone(),
                    found: field.data_type().clone(),
                });
            }
            columns.push(
                compute::cast(array, &DataType::Float64).expect("numbers and booleans are numbers"),
            );
        }
        let times = set.event_times();
        let keys = set.table().keys()?;
        let mut order: Vec<usize> = (0..set.rows()).collect();
        order.sort_by_key(|row| times[*row]);
        let mut histories: BTreeMap<Option<&EntityKey>, Vec<usize>> = BTreeMap::new();
        let mut ends = vec![(0, 0); set.rows()];
        for row in order {
            // a row without a key has no history
            let key = keys[row].as_ref();
            let history = histories.entry(key).or_default();
            if key.is_none() {
                history.clear();
            }
            history.push(row);
            ends[row] = (history.len(), row);
        }
        let mut sequences = Sequences::new(columns.len())?;
        let mut steps = Vec::new();
        for (end, row) in ends {
            let alone = [row];
            let history = match keys[row].as_ref() {
                Some(key) => &histories[&Some(key)][end.saturating_sub(max_steps)..end],
                None => &alone,
            };
            steps.clear();
            for row in history {
                steps.extend(columns.iter().map(|column| {
                    let values = column.as_primitive::<Float64Type>();
                    if values.is_null(*row) {
                        f64::NAN
                    } else {
                        values.value(*row)
                    }
                }));
            }
            sequences.push(&steps)?;
        }
        let features = set.feature_names().into_iter().map(str::to_owned).collect();
        let label = set.label_name().to_owned();
        Self::new(
            features,
            sequences,
            label,
            set.target(),
            times,
            set.weights(),
        )
    }

    /// The number of sequences.
    pub fn len(&self) -> usize {
        self.sequences.len()
    }

    /// Never: a set has a sequence.
    pub fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }

    /// The sequences.
    pub fn sequences(&self) -> &Sequences {
        &self.sequences
    }

    /// The labels.
    pub fn labels(&self) -> &Target {
        &self.labels
    }

    /// What a model for it answers.
    pub(super) fn output(&self) -> Output {
        match &self.labels {
            Target::Binary(_) => Output::Probability {
                positive: self.label.clone(),
            },
            Target::Number(_) => Output::Number,
            Target::Classes { names, .. } => Output::Classes {
                names: names.clone(),
            },
        }
    }

    /// The digest of all that is learnt from.
    pub(super) fn digest(&self) -> Digest {
        let mut digest = DigestBuilder::new();
        digest.part("features", self.features.join("\n").as_bytes());
        for steps in self.sequences.iter() {
            let bytes: Vec<u8> = steps
                .iter()
                .flat_map(|x| x.to_bits().to_le_bytes())
                .collect();
            digest.part("sequence", &bytes);
        }
        digest.part("labels", format!("{:?}", self.labels).as_bytes());
        digest.part("times", format!("{:?}", self.times).as_bytes());
        digest.part("weights", format!("{:?}", self.weights).as_bytes());
        digest.finish()
    }
}
