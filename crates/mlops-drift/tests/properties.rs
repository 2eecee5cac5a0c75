//! What holds of every histogram, window and profile.

#![expect(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod support;

use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use mlops_drift::{
    DriftReport, ReferenceProfile, Window,
    multiple::{benjamini_hochberg, holm},
    statistic::{
        chi_square, hellinger, js_distance, kl, ks_binned, ks_two_sample, psi, psi_test, tvd,
    },
};
use proptest::prelude::*;
use std::sync::Arc;

type Row = (Option<f64>, Option<String>);

fn counts() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    let cell = prop_oneof![Just(0u32), 1..20u32, 1..100_000u32];
    prop::collection::vec((cell.clone(), cell), 1..25).prop_map(|cells| {
        let (mut p, mut q): (Vec<f64>, Vec<f64>) = cells
            .into_iter()
            .map(|(a, b)| (f64::from(a), f64::from(b)))
            .unzip();
        p[0] += 1.0;
        q[0] += 1.0;
        (p, q)
    })
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let number = prop_oneof![
        4 => (-50i32..50).prop_map(|v| Some(f64::from(v) / 4.0)),
        1 => Just(Some(0.0)),
        1 => prop::sample::select(vec![None, Some(f64::NAN), Some(f64::INFINITY), Some(-1e300), Some(1e9)]),
    ];
    let text = prop_oneof![
        4 => prop::sample::select(vec!["UK", "FR", "DE"]).prop_map(|t| Some(t.to_owned())),
        1 => "[a-z]{0,3}".prop_map(Some),
        1 => Just(None),
    ];
    prop::collection::vec((number, text), 1..120)
}

fn batch(rows: &[Row]) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(rows.iter().map(|r| r.0).collect::<Float64Array>());
    let texts: ArrayRef = Arc::new(rows.iter().map(|r| r.1.clone()).collect::<StringArray>());
    support::batch(vec![("amount", numbers), ("country", texts)])
}

fn profile(rows: &[Row]) -> ReferenceProfile {
    let predictions: Vec<f64> = (0..rows.len()).map(|at| at as f64 / 100.0).collect();
    ReferenceProfile::builder()
        .category_rows(1)
        .categories(5)
        .build(&batch(rows), Some(&predictions))
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn distances_are_not_negative_and_symmetric_where_they_should_be((p, q) in counts()) {
        type Distance = fn(&[f64], &[f64]) -> mlops_drift::Result<f64>;
        let symmetric: [Distance; 4] = [psi, js_distance, hellinger, tvd];
        for distance in symmetric {
            let (there, back) = (distance(&p, &q).unwrap(), distance(&q, &p).unwrap());
            prop_assert!(there >= 0.0 && there.is_finite());
            prop_assert!((there - back).abs() <= 1e-12 * there.max(1.0));
        }
        prop_assert!(kl(&p, &q).unwrap() >= 0.0);
        let sum = kl(&p, &q).unwrap() + kl(&q, &p).unwrap();
        prop_assert!((psi(&p, &q).unwrap() - sum).abs() < 1e-9);
        let bound = ks_binned(&p, &q).unwrap();
        prop_assert!(bound.lower <= tvd(&p, &q).unwrap() + 1e-12);
        for test in [psi_test(&p, &q).unwrap(), chi_square(&p, &q).unwrap()] {
            prop_assert!(test.statistic >= 0.0 && (0.0..=1.0).contains(&test.p_value));
        }
    }

    #[test]
    fn equal_shares_have_no_distance((p, _) in counts(), factor in 1u32..50) {
        let more: Vec<f64> = p.iter().map(|count| count * f64::from(factor)).collect();
        for distance in [psi, kl, js_distance, hellinger, tvd] {
            prop_assert!(distance(&p, &more).unwrap() < 1e-6);
        }
        prop_assert_eq!(ks_binned(&p, &more).unwrap().lower, 0.0);
        prop_assert!(psi_test(&p, &more).unwrap().p_value > 0.99);
    }

    #[test]
    fn the_order_of_windows_does_not_matter(reference in rows(), parts in prop::collection::vec(rows(), 1..5)) {
        let profile = profile(&reference);
        let count = |rows: &[Row]| {
            let mut window = Window::new(&profile);
            window.push_batch(&batch(rows), Some(&vec![0.25; rows.len()])).unwrap();
            window
        };
        let merge = |windows: &mut dyn Iterator<Item = Window>| {
            let mut sum = Window::new(&profile);
            windows.for_each(|window| sum.merge(&window).unwrap());
            sum
        };
        let forward = merge(&mut parts.iter().map(|rows| count(rows)));
        let backward = merge(&mut parts.iter().rev().map(|rows| count(rows)));
        let at_once = count(&parts.concat());
        prop_assert_eq!(&forward, &backward);
        prop_assert_eq!(&forward, &at_once);
        let report = |window| serde_json::to_vec(&DriftReport::compare(&profile, window).unwrap()).unwrap();
        prop_assert_eq!(report(&forward), report(&at_once));
    }

    #[test]
    fn rows_one_by_one_count_like_a_batch(reference in rows(), now in rows()) {
        let profile = profile(&reference);
        let mut whole = Window::new(&profile);
        whole.push_batch(&batch(&now), None).unwrap();
        let mut single = Window::new(&profile);
        for (number, text) in &now {
            let row = [("country".to_owned(), text.clone().into()), ("amount".to_owned(), (*number).into())];
            single.push(&row, None).unwrap();
        }
        prop_assert_eq!(whole, single);
    }

    #[test]
    fn the_reference_against_itself_has_not_drifted(reference in rows()) {
        let profile = profile(&reference);
        let report = support::compare(&profile, &batch(&reference));
        for column in &report.columns {
            prop_assert!(column.psi < 1e-12 && column.p_value > 0.999, "{column:?}");
            prop_assert_eq!(column.bins.iter().map(|b| b.window).sum::<u64>(), report.window_rows);
        }
    }

    #[test]
    fn a_profile_survives_its_json(reference in rows()) {
        let profile = profile(&reference);
        let bytes = profile.to_json();
        let read = ReferenceProfile::from_json(&bytes).unwrap();
        prop_assert_eq!(&read, &profile);
        prop_assert_eq!(read.to_json(), bytes);
        prop_assert_eq!(read.digest(), profile.digest());
    }

    #[test]
    fn damaged_json_is_an_error_or_a_sound_profile(reference in rows(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let profile = profile(&reference);
        let mut bytes = profile.to_json();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = ReferenceProfile::from_json(&bytes) {
            // what was let through must still be countable
            let _ = support::compare_if_columns_fit(&read, &batch(&reference));
        }
    }

    #[test]
    fn binned_bounds_hold_the_exact_distance(
        a in prop::collection::vec(-100i32..100, 30..200), b in prop::collection::vec(-100i32..100, 1..200)
    ) {
        let (a, b): (Vec<f64>, Vec<f64>) =
            (a.into_iter().map(f64::from).collect(), b.into_iter().map(f64::from).collect());
        let column = |values: &[f64]| support::batch(vec![("x", support::numbers(values.to_vec()))]);
        let profile = ReferenceProfile::build(&column(&a), None).unwrap();
        let mut report = support::compare(&profile, &column(&b));
        let exact = report.add_samples("x", &a, &b).unwrap();
        let bound = report.columns[0].ks.unwrap();
        prop_assert!(bound.lower <= exact.statistic + 1e-12 && exact.statistic <= bound.upper + 1e-12);
        prop_assert!(bound.p_value >= exact.p_value - 1e-9);
        prop_assert_eq!(exact, ks_two_sample(&a, &b).unwrap());
    }

    #[test]
    fn adjusted_p_values_keep_their_order_and_only_grow(p in prop::collection::vec(0.0f64..=1.0, 1..40)) {
        let (strict, mild) = (holm(&p).unwrap(), benjamini_hochberg(&p).unwrap());
        for i in 0..p.len() {
            prop_assert!(p[i] <= mild[i] + 1e-15 && mild[i] <= strict[i] + 1e-15 && strict[i] <= 1.0);
            for j in 0..p.len() {
                prop_assert!(p[i] > p[j] || strict[i] <= strict[j] && mild[i] <= mild[j]);
            }
        }
    }
}
