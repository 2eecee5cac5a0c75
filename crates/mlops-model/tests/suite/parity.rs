//! Every way of predicting gives the same bits: row, batch, after JSON, and the slow oracle.

use mlops_core::Value;
use mlops_model::{Estimator, Model, ModelSpec, Output, Scratch};
use proptest::prelude::*;

fn bits(answers: &[f64]) -> Vec<u64> {
    answers.iter().map(|answer| answer.to_bits()).collect()
}

fn by_row(spec: &dyn Model, rows: &[Vec<Value>]) -> Vec<f64> {
    let mut scratch = Scratch::new();
    let answers = rows
        .iter()
        .flat_map(|row| spec.predict_row(row, &mut scratch).unwrap().to_vec());
    answers.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn rows_batches_and_the_oracle_agree_bit_for_bit(seed: u64, count in 0usize..150) {
        let spec = crate::support::model(seed);
        let rows = crate::support::rows(&spec, seed, count);
        let answers = by_row(&spec, &rows);
        let oracle: Vec<f64> = rows.iter().flat_map(|row| crate::support::oracle(&spec, row)).collect();
        prop_assert_eq!(bits(&answers), bits(&oracle));
        let batch = crate::support::batch(&spec, &rows);
        prop_assert_eq!(bits(spec.predict(&batch).unwrap().values()), bits(&answers));
        let probability = *spec.signature().output() != Output::Number;
        prop_assert!(!probability || answers.iter().all(|p| (0.0..=1.0).contains(p)));
    }

    #[test]
    fn a_slice_of_a_batch_predicts_like_its_rows(seed: u64, start in 0usize..40, len in 0usize..40) {
        let spec = crate::support::model(seed);
        let rows = crate::support::rows(&spec, seed, 80);
        let slice = crate::support::batch(&spec, &rows).slice(start, len);
        let answers = by_row(&spec, &rows[start..start + len]);
        prop_assert_eq!(bits(spec.predict(&slice).unwrap().values()), bits(&answers));
    }

    #[test]
    fn a_model_survives_its_json_bit_for_bit(seed: u64) {
        let spec = crate::support::model(seed);
        let json = serde_json::to_string(&spec).unwrap();
        let back: ModelSpec = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(back.estimator(), spec.estimator());
        prop_assert_eq!(back.signature(), spec.signature());
        prop_assert_eq!(serde_json::to_string(&back).unwrap(), json);
        let rows = crate::support::rows(&spec, seed, 20);
        prop_assert_eq!(bits(&by_row(&back, &rows)), bits(&by_row(&spec, &rows)));
    }

    #[test]
    fn any_double_survives_as_a_weight(bits: u64) {
        let bias = f64::from_bits(bits);
        prop_assume!(bias.is_finite());
        let spec = crate::support::one_output(0);
        let mut json = serde_json::to_value(&spec).unwrap();
        json["estimator"] = serde_json::json!({"linear": {"weights": [], "bias": bias, "link": "logit"}});
        json["encoders"] = serde_json::json!([]);
        let text = serde_json::to_string(&json).unwrap();
        let back: ModelSpec = serde_json::from_str(&text).unwrap();
        let Estimator::Linear(linear) = back.estimator() else { unreachable!() };
        prop_assert_eq!(linear.bias[0].to_bits(), bits);
    }
}
