//! The model that knows nothing: every row gets the share of positives among the training rows, or their mean.
//!
//! A gate compares with it when there is no champion yet, and a report shows it beside the others.

use mlops_core::{Target, TrainingSet};
use mlops_model::{Estimator, Linear, Link, ModelSpec, Preprocess};

use crate::{Result, reads::any_signature};

/// A model with the set's signature, where features may be lists too, that answers the same whatever the row: the share of positives, the
/// shares of the classes, or the mean; weighted where the set has weights.
///
/// # Errors
/// [`Error::UnsupportedColumn`](crate::Error::UnsupportedColumn), and a label that is not finite.
pub fn baseline(set: &TrainingSet) -> Result<ModelSpec> {
    let rows = set.rows();
    let weights = set.weights().unwrap_or_else(|| vec![1.0; rows]);
    let total: f64 = weights.iter().sum();
    let mean = |value: &dyn Fn(usize) -> f64| {
        let terms = weights.iter().enumerate();
        terms.map(|(row, weight)| weight * value(row)).sum::<f64>() / total
    };
    let bias = match set.target() {
        Target::Binary(labels) => vec![mean(&|row| f64::from(u8::from(labels[row])))],
        Target::Number(values) => vec![mean(&|row| values[row])],
        Target::Classes { names, codes } => (0..names.len())
            .map(|class| mean(&|row| f64::from(u8::from(codes[row] as usize == class))))
            .collect(),
    };
    let constant = Linear {
        weights: Vec::new(),
        bias,
        link: Link::Identity,
    };
    let signature = any_signature(set)?;
    let preprocess = Preprocess::new(&signature, Vec::new())?;
    Ok(ModelSpec::new(
        signature,
        preprocess,
        Estimator::Linear(constant),
    )?)
}

#[cfg(test)]
mod tests {
    use mlops_core::metric;
    use mlops_model::Model;

    use super::*;
    use crate::conformance::{planted, table};

    #[test]
    fn it_answers_the_base_rate() {
        let set = planted(200, 1);
        let labels = set.label_classes().unwrap();
        let scores = baseline(&set)
            .unwrap()
            .predict_values(&set.features())
            .unwrap();
        let rate = labels.iter().filter(|l| **l).count() as f64 / 200.0;
        assert_eq!(scores, vec![rate; 200]);
        assert_eq!(metric::roc_auc(&labels, &scores).unwrap(), 0.5);
        assert!((metric::pr_auc(&labels, &scores).unwrap() - rate).abs() < 1e-12);
    }

    #[test]
    fn one_class_is_a_base_rate_too() {
        let set = table(vec![("x", vec![Some(1.0), None])], &[true, true]);
        assert_eq!(
            baseline(&set)
                .unwrap()
                .predict_values(&set.features())
                .unwrap(),
            [1.0, 1.0]
        );
    }
}
