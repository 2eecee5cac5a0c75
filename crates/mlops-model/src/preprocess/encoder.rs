//! The encoders as data: what trainers fit and packages hold.

use serde::{Deserialize, Serialize};

use super::{DatePart, Factor, Step, TimeUnit};
use crate::{Scale, limit};

/// How one input (or, for [`Encoder::Product`], several) becomes columns of the encoded matrix. `input` is
/// its position in the signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Encoder {
    /// One column: `(t(x) - center) / scale`, where booleans are 0 and 1.
    Numeric {
        /// The input, of any kind but text.
        input: usize,
        /// What stands in for a missing value, in the input's own unit; without it the value stays missing.
        impute: Option<f64>,
        /// Whether `t(x)` is `sign(x) * ln(1 + |x|)`, which is `ln(1 + x)` from 0 on, instead of `x`.
        log1p: bool,
        /// What is subtracted, often the mean.
        center: f64,
        /// What is divided by, often the standard deviation; above 0.
        scale: f64,
    },
    /// A column a category, 1 where the input equals it and 0 elsewhere. A missing value and a category
    /// that is not listed are 0 in all of them.
    OneHot {
        /// The input: text, or a whole number or boolean compared by its plain form (`-7`, `true`).
        input: usize,
        /// The categories, in column order.
        #[serde(deserialize_with = "limit::list::<{ limit::WIDTH }, _, _>")]
        categories: Vec<String>,
    },
    /// One column: the position of the category. A missing value and a category that is not listed stay
    /// missing. Trees ask for it by [`Node::Category`](crate::Node::Category).
    Ordinal {
        /// The input: text, or a whole number or boolean compared by its plain form (`-7`, `true`).
        input: usize,
        /// The categories in the order of their numbers, from 0.
        #[serde(deserialize_with = "limit::list::<{ limit::WIDTH }, _, _>")]
        categories: Vec<String>,
    },
    /// One column or more: the numbers that stand for the category, often a mean of the label. A missing
    /// value and a category that is not listed get the prior.
    Target {
        /// The input: text, or a whole number or boolean compared by its plain form (`-7`, `true`).
        input: usize,
        /// The categories.
        #[serde(deserialize_with = "limit::list::<{ limit::WIDTH }, _, _>")]
        categories: Vec<String>,
        /// `[categories, columns]`, row-major.
        #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
        values: Vec<f64>,
        /// `[columns]`, at least one.
        #[serde(deserialize_with = "limit::list::<{ limit::OUTPUTS }, _, _>")]
        prior: Vec<f64>,
    },
    /// The bucket that a number falls into. Bucket `k` of `edges + 1` starts at edge `k - 1`, which belongs
    /// to it.
    ///
    /// # Reference
    /// `numpy.digitize(x, edges)`.
    Buckets {
        /// The input, of any kind but text.
        input: usize,
        /// Where a bucket ends and the next one starts, rising.
        #[serde(deserialize_with = "limit::list::<{ limit::WIDTH }, _, _>")]
        edges: Vec<f64>,
        /// Whether the bucket is a number or a column of its own.
        form: BucketForm,
    },
    /// One column: the steps applied one after the other, where booleans are 0 and 1.
    Transform {
        /// The input, of any kind but text.
        input: usize,
        /// What stands in for a missing value before the first step; without it the value stays missing.
        impute: Option<f64>,
        /// The steps.
        #[serde(deserialize_with = "limit::list::<{ limit::STEPS }, _, _>")]
        steps: Vec<Step>,
    },
    /// One column: the product of two or more factors, from left to right; a factor that stands twice is
    /// squared. Missing where one of them is. A product beyond the range of real numbers is the nearest one.
    Product {
        /// The factors.
        #[serde(deserialize_with = "limit::list::<{ limit::STEPS }, _, _>")]
        factors: Vec<Factor>,
    },
    /// One column: 1 where the input is missing and 0 elsewhere.
    Missing {
        /// The input, of any kind.
        input: usize,
    },
    /// The parts of an instant, in UTC and the Gregorian calendar.
    DateParts {
        /// The input, a whole number that counts from 1970-01-01T00:00:00Z.
        input: usize,
        /// What it counts.
        unit: TimeUnit,
        /// What stands in for a missing instant; without it its parts stay missing.
        impute: Option<i64>,
        /// The parts, in column order.
        #[serde(deserialize_with = "limit::list::<{ limit::STEPS }, _, _>")]
        parts: Vec<DatePart>,
    },
    /// Lists of one length as the steps of a sequence, each with a number of every list, the oldest first.
    ///
    /// A column with the number of steps, and `steps` times a column an input: the steps from the first on, and 0
    /// where there are no more. Of longer lists the last `steps` numbers are read. Lists of a row that differ in
    /// length are refused.
    Sequence {
        /// The inputs, which are lists.
        #[serde(deserialize_with = "limit::list::<{ limit::INPUTS }, _, _>")]
        inputs: Vec<usize>,
        /// The most steps that are kept.
        steps: usize,
        /// How the numbers of each input are scaled.
        #[serde(deserialize_with = "limit::list::<{ limit::INPUTS }, _, _>")]
        scales: Vec<Scale>,
    },
}

/// What becomes of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketForm {
    /// A column a bucket, 1 in the one that is met; all 0 for a missing value.
    OneHot,
    /// One column: the bucket's number, from 0; a missing value stays missing.
    Ordinal,
}

impl Encoder {
    /// The input's number as it is: missing stays missing.
    pub fn plain(input: usize) -> Self {
        Self::Numeric {
            input,
            impute: None,
            log1p: false,
            center: 0.0,
            scale: 1.0,
        }
    }

    /// The position of the input in the signature; of a product or sequence, that of its first.
    pub fn input(&self) -> usize {
        match self {
            Self::Numeric { input, .. }
            | Self::OneHot { input, .. }
            | Self::Ordinal { input, .. }
            | Self::Target { input, .. }
            | Self::Buckets { input, .. }
            | Self::Transform { input, .. }
            | Self::Missing { input }
            | Self::DateParts { input, .. } => *input,
            Self::Product { factors } => factors.first().map_or(usize::MAX, |factor| factor.input),
            Self::Sequence { inputs, .. } => inputs.first().copied().unwrap_or(usize::MAX),
        }
    }

    /// The positions of all inputs that it reads.
    pub fn inputs(&self) -> Vec<usize> {
        match self {
            Self::Product { factors } => factors.iter().map(|factor| factor.input).collect(),
            Self::Sequence { inputs, .. } => inputs.clone(),
            one => vec![one.input()],
        }
    }

    /// Whether it looks categories up.
    pub(super) fn is_category(&self) -> bool {
        matches!(
            self,
            Self::OneHot { .. } | Self::Ordinal { .. } | Self::Target { .. }
        )
    }

    /// The number of columns it makes.
    pub fn width(&self) -> usize {
        match self {
            Self::Numeric { .. }
            | Self::Ordinal { .. }
            | Self::Transform { .. }
            | Self::Product { .. }
            | Self::Missing { .. }
            | Self::Buckets {
                form: BucketForm::Ordinal,
                ..
            } => 1,
            Self::OneHot { categories, .. } => categories.len(),
            Self::Target { prior, .. } => prior.len(),
            Self::Buckets { edges, .. } => edges.len() + 1,
            Self::DateParts { parts, .. } => parts.iter().map(|part| part.width()).sum(),
            Self::Sequence { inputs, steps, .. } => {
                steps.saturating_mul(inputs.len()).saturating_add(1)
            }
        }
    }

    /// The names of its columns, given that of an input.
    pub(super) fn names(&self, name: impl Fn(usize) -> String) -> Vec<String> {
        let input = name(self.input());
        match self {
            Self::Numeric { .. }
            | Self::Ordinal { .. }
            | Self::Transform { .. }
            | Self::Buckets {
                form: BucketForm::Ordinal,
                ..
            } => vec![input],
            Self::OneHot { categories, .. } => {
                categories.iter().map(|c| format!("{input}={c}")).collect()
            }
            Self::Target { prior, .. } if prior.len() == 1 => vec![format!("{input}:target")],
            Self::Target { prior, .. } => (0..prior.len())
                .map(|at| format!("{input}:target[{at}]"))
                .collect(),
            Self::Buckets { edges, .. } => {
                let first = edges
                    .first()
                    .map_or("*".to_owned(), |edge| format!("<{edge}"));
                let others = edges.iter().map(|edge| format!(">={edge}"));
                let all = [first].into_iter().chain(others);
                all.map(|bucket| format!("{input}{bucket}")).collect()
            }
            Self::Product { factors } => {
                let names: Vec<String> = factors.iter().map(|f| name(f.input)).collect();
                vec![names.join("*")]
            }
            Self::Missing { .. } => vec![format!("{input}:missing")],
            Self::DateParts { parts, .. } => parts
                .iter()
                .flat_map(|part| part.names())
                .map(|part| format!("{input}:{part}"))
                .collect(),
            Self::Sequence { inputs, steps, .. } => {
                let numbers = (0..*steps).flat_map(|step| {
                    let names = inputs.iter().map(|input| name(*input));
                    names.map(move |name| format!("{name}[{step}]"))
                });
                let count = format!("{input}:steps");
                [count].into_iter().chain(numbers).collect()
            }
        }
    }
}

impl limit::Weigh for Encoder {
    fn weigh(&self) -> usize {
        match self {
            Self::Numeric { .. } | Self::Missing { .. } => 1,
            Self::OneHot { categories, .. } | Self::Ordinal { categories, .. } => categories.len(),
            Self::Target {
                categories, prior, ..
            } => categories.len() + prior.len(),
            Self::Buckets { edges, .. } => edges.len() + 1,
            Self::Transform { steps, .. } => steps.len() + 1,
            Self::Product { factors } => factors.len(),
            Self::DateParts { parts, .. } => parts.len(),
            Self::Sequence { inputs, .. } => inputs.len(),
        }
    }
}
