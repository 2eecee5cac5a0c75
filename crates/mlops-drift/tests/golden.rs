//! The statistics against scipy and statsmodels; see `golden/scipy/generate.py`.

#![expect(clippy::unwrap_used, reason = "a test panics where something is wrong")]

use mlops_drift::{
    multiple::{benjamini_hochberg, holm},
    statistic::{
        chi_square, hellinger, js_distance, js_divergence, kl, ks_p_value, ks_two_sample, psi, tvd,
    },
};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/scipy/golden.json")).unwrap()
}

fn cases(golden: &Value, name: &str) -> Vec<Value> {
    let cases = golden[name].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn list(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

fn rows(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[track_caller]
fn close(ours: f64, theirs: f64, relative: f64, absolute: f64, what: &Value) {
    let allowed = relative * theirs.abs() + absolute;
    assert!(
        (ours - theirs).abs() <= allowed,
        "{ours} is not {theirs}: {what}"
    );
}

#[test]
fn distances_between_histograms_agree_with_scipy() {
    for case in cases(&golden(), "counts") {
        let (p, q) = (list(&case["expected"]), list(&case["actual"]));
        let check = |key: &str, ours: f64| {
            if let Some(theirs) = case[key].as_f64() {
                close(ours, theirs, 1e-11, 1e-14, &case);
            }
        };
        check("psi", psi(&p, &q).unwrap());
        check("kl", kl(&p, &q).unwrap());
        check("js_distance", js_distance(&p, &q).unwrap());
        check("hellinger", hellinger(&p, &q).unwrap());
        check("tvd", tvd(&p, &q).unwrap());
        let test = chi_square(&p, &q).unwrap();
        check("chi2", test.statistic);
        close(
            test.p_value,
            case["chi2_p"].as_f64().unwrap(),
            1e-9,
            1e-300,
            &case,
        );
    }
}

#[test]
fn the_textbook_histogram_has_its_published_distances() {
    let p = [16.0, 18.0, 16.0, 14.0, 12.0, 12.0];
    let q = [16.0, 16.0, 16.0, 16.0, 16.0, 8.0];
    let table = [
        (psi(&p, &q).unwrap(), 0.037_218_381_577_290_835),
        (kl(&p, &q).unwrap(), 0.018_909_676_965_320_45),
        (kl(&q, &p).unwrap(), 0.018_308_704_611_970_4),
        (js_distance(&p, &q).unwrap(), 0.068_048_196_177_038_67),
        (
            (js_divergence(&p, &q).unwrap() / std::f64::consts::LN_2).sqrt(),
            0.081_734_213_305_737_56,
        ),
        (hellinger(&p, &q).unwrap(), 0.068_127_743_709_833_54),
        (tvd(&p, &q).unwrap(), 0.068_181_818_181_818_19),
        (
            chi_square(&p, &q).unwrap().statistic,
            1.622_408_963_585_434_2,
        ),
        (chi_square(&p, &q).unwrap().p_value, 0.898_526_239_402_660_7),
    ];
    for (ours, published) in table {
        close(ours, published, 1e-12, 0.0, &Value::Null);
    }
}

#[test]
fn two_samples_have_scipys_distance_and_exact_p_value() {
    for case in cases(&golden(), "samples") {
        let test = ks_two_sample(&list(&case["a"]), &list(&case["b"])).unwrap();
        close(
            test.statistic,
            case["statistic"].as_f64().unwrap(),
            1e-14,
            0.0,
            &case["name"],
        );
        close(
            test.p_value,
            case["p_value"].as_f64().unwrap(),
            1e-9,
            1e-300,
            &case["name"],
        );
    }
}

#[test]
fn exact_p_values_agree_up_to_ten_thousand_rows() {
    for case in cases(&golden(), "exact") {
        let ours = ks_p_value(
            case["statistic"].as_f64().unwrap(),
            rows(&case["n"]),
            rows(&case["m"]),
        );
        close(ours, case["p_value"].as_f64().unwrap(), 1e-9, 1e-300, &case);
    }
}

#[test]
fn larger_samples_follow_the_finite_sample_law() {
    for case in cases(&golden(), "asymptotic") {
        let ours = ks_p_value(
            case["statistic"].as_f64().unwrap(),
            rows(&case["n"]),
            rows(&case["m"]),
        );
        let theirs = case["p_value"].as_f64().unwrap();
        let (relative, absolute) = match theirs {
            p if p < 1e-3 => (1e-5, 0.0),
            p if p < 0.5 => (0.0, 1e-7),
            _ => (0.0, 2e-6),
        };
        close(ours, theirs, relative, absolute, &case);
    }
}

#[test]
fn corrections_agree_with_statsmodels() {
    for case in cases(&golden(), "multiple") {
        let p = list(&case["p_values"]);
        let pairs = [
            ("holm", holm(&p)),
            ("benjamini_hochberg", benjamini_hochberg(&p)),
        ];
        for (key, ours) in pairs {
            for (ours, theirs) in ours.unwrap().into_iter().zip(list(&case[key])) {
                close(ours, theirs, 1e-14, 0.0, &case);
            }
        }
    }
}
