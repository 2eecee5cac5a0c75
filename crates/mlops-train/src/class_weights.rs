//! How much a class counts, for trainers that can be told so.

use std::collections::BTreeMap;

use mlops_core::Target;

use crate::{Result, error::require};

/// How much the classes count. All but [`ClassWeights::Equal`] make answers that are no longer the
/// probabilities of the training rows.
///
/// # Reference
/// scikit-learn's `class_weight`.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ClassWeights {
    /// Every row counts as its set says.
    #[default]
    Equal,
    /// All classes count the same: a row counts `rows / (classes · rows of its class)` times, where rows are
    /// counted by their weights.
    Balanced,
    /// A row counts as often as stated for its class; a class that is not named counts once. The classes of
    /// a label of two are `0` and `1`.
    Given(BTreeMap<String, f64>),
}

impl ClassWeights {
    /// Refuses weights that are none.
    pub(crate) fn check(&self, owner: &'static str) -> Result<()> {
        let Self::Given(weights) = self else {
            return Ok(());
        };
        for weight in weights.values() {
            let holds = *weight > 0.0 && weight.is_finite();
            let rule = "it must be finite and above 0";
            require(holds, owner, "class_weights", weight, rule)?;
        }
        Ok(())
    }

    /// The setting as text, for a run's record.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Equal => "equal".to_owned(),
            Self::Balanced => "balanced".to_owned(),
            Self::Given(weights) => {
                let each = weights.iter();
                let each = each.map(|(class, weight)| format!("{class}={weight}"));
                each.collect::<Vec<_>>().join(",")
            }
        }
    }

    /// How much each row counts by its class and its own weight; `None` if all count the same.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a label without classes, and for a
    /// class that no row has.
    pub(crate) fn rows(
        &self,
        owner: &'static str,
        labels: &Target,
        weights: Option<&[f64]>,
    ) -> Result<Option<Vec<f64>>> {
        if *self == Self::Equal {
            return Ok(weights.map(<[f64]>::to_vec));
        }
        let Some((names, codes)) = labels.classes() else {
            let rule = "a number has no classes";
            return require(false, owner, "class_weights", &self.text(), rule).map(|()| None);
        };
        let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        let mut factors = vec![1.0; names.len()];
        if let Self::Given(given) = self {
            for (class, factor) in given {
                let at = names.iter().position(|name| name == class);
                let rule = "no row has this class";
                require(at.is_some(), owner, "class_weights", class, rule)?;
                factors[at.unwrap_or_default()] = *factor;
            }
        } else {
            let mut sums = vec![0.0; names.len()];
            for (row, code) in codes.iter().enumerate() {
                sums[*code] += weight(row);
            }
            let total: f64 = sums.iter().sum();
            for (factor, sum) in factors.iter_mut().zip(&sums) {
                // a class without weight stays without
                let even = total / (names.len() as f64 * sum);
                *factor = if *sum > 0.0 { even } else { 0.0 };
            }
        }
        let rows = codes.iter().enumerate();
        Ok(Some(
            rows.map(|(row, code)| weight(row) * factors[*code])
                .collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_classes_count_alike_by_their_weights() {
        let labels = Target::Binary(vec![true, false, false, false]);
        let rows = |weights| ClassWeights::Balanced.rows("t", &labels, weights).unwrap();
        let third = 2.0 / 3.0;
        assert_eq!(rows(None), Some(vec![2.0, third, third, third]));
        // a row of weight 3 is three rows
        assert_eq!(
            rows(Some(&[3.0, 1.0, 1.0, 1.0])),
            Some(vec![3.0, 1.0, 1.0, 1.0])
        );
    }

    #[test]
    fn given_classes_count_as_told_and_others_once() {
        let labels = Target::Classes {
            names: vec!["a".into(), "b".into()],
            codes: vec![0, 1, 1],
        };
        let given = |class: &str| ClassWeights::Given([(class.to_owned(), 5.0)].into());
        let rows = given("b").rows("t", &labels, None).unwrap();
        assert_eq!(rows, Some(vec![1.0, 5.0, 5.0]));
        let error = given("c").rows("t", &labels, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`class_weights` of t is c; no row has this class"
        );
        let number = Target::Number(vec![1.0]);
        assert!(given("b").rows("t", &number, None).is_err());
        assert_eq!(ClassWeights::Equal.rows("t", &number, None).unwrap(), None);
    }
}
