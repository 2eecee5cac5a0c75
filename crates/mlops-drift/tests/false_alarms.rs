//! Simulations, seeded: how often a policy calls what is not there, and how often it misses what is.

#![expect(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod support;

use mlops_core::{Seed, Severity, Signal};
use mlops_drift::{DriftReport, Judgement, Limits, Policy, ReferenceProfile, multiple::Correction};
use support::{batch, compare, context, noise_batch, numbers};

/// Limits that every difference reaches, so that significance alone decides.
const ANY_EFFECT: Limits = Limits {
    warn: 1e-12,
    drift: 1e-12,
};

fn judge(policy: &Policy, report: &DriftReport) -> Judgement {
    policy.judge(report, None, &context()).unwrap()
}

/// For each policy the share of windows with any call when nothing drifts: fresh reference and window each time.
fn false_calls<const N: usize>(
    policies: [&Policy; N],
    reference: usize,
    window: usize,
    trials: usize,
    seed: u64,
) -> [f64; N] {
    let mut rng = Seed(seed).rng();
    let mut calls = [0; N];
    for _ in 0..trials {
        let profile = ReferenceProfile::build(&noise_batch(&mut rng, 50, reference), None).unwrap();
        let report = compare(&profile, &noise_batch(&mut rng, 50, window));
        for (calls, policy) in calls.iter_mut().zip(policies) {
            *calls += usize::from(!judge(policy, &report).signals.is_empty());
        }
    }
    calls.map(|calls| calls as f64 / trials as f64)
}

#[test]
fn fifty_columns_without_drift_are_called_no_more_often_than_promised() {
    let significance = Policy::builder().limits(ANY_EFFECT).build().unwrap();
    let discovery = Policy::builder()
        .limits(ANY_EFFECT)
        .correction(Correction::BenjaminiHochberg)
        .build()
        .unwrap();
    let standard = Policy::default();
    assert_eq!(standard.window_rate(), 0.05);
    for (reference, window, trials, seed) in [(1_000, 200, 100, 11), (1_000, 1_000, 40, 12)] {
        let rates = false_calls(
            [&significance, &discovery, &standard],
            reference,
            window,
            trials,
            seed,
        );
        // three standard errors above the promise, for these few trials
        let allowed = 0.05 + 3.0 * (0.05f64 * 0.95 / trials as f64).sqrt();
        assert!(
            rates[0] <= allowed && rates[1] <= allowed,
            "{reference} against {window}: {rates:?}"
        );
        assert!(
            rates[2] <= standard.window_rate(),
            "{reference} against {window}: {rates:?}"
        );
    }
}

#[test]
fn a_fixed_limit_would_have_cried_wolf_where_the_policy_does_not() {
    // 1,000 reference rows against 200: a fixed limit of 0.1 is crossed one time in twenty by each column
    let mut rng = Seed(31).rng();
    let policy = Policy::builder().windows(20).build().unwrap();
    let profile = ReferenceProfile::build(&noise_batch(&mut rng, 50, 1_000), None).unwrap();
    let (mut over, mut called) = (0, 0);
    for _ in 0..20 {
        let report = compare(&profile, &noise_batch(&mut rng, 50, 200));
        over += report.columns.iter().filter(|c| c.psi >= 0.1).count();
        called += judge(&policy, &report).signals.len();
    }
    assert!(over >= 20, "{over} of 1000");
    assert_eq!(called, 0);
}

#[test]
fn a_shift_of_half_a_deviation_in_one_column_of_fifty_is_found() {
    let mut rng = Seed(41).rng();
    let (mut found, mut alerts, trials) = (0, 0, 20);
    // the seventh column is normal, the others are noise
    let mut rows = |rows, shift| {
        let noise = noise_batch(&mut rng, 50, rows);
        let schema = noise.schema();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let mut columns: Vec<_> = names.zip(noise.columns().to_vec()).collect();
        columns[7].1 = numbers((0..rows).map(|_| shift + rng.normal()).collect::<Vec<_>>());
        batch(columns)
    };
    let profile = ReferenceProfile::build(&rows(5_000, 0.0), None).unwrap();
    for _ in 0..trials {
        let judgement = judge(&Policy::default(), &compare(&profile, &rows(1_000, 0.5)));
        let signal = judgement.signals.first();
        let is_it = |s: &&Signal| s.evidence[0].subject == "c7" && s.evidence.len() == 1;
        found += u32::from(signal.as_ref().is_some_and(is_it));
        alerts += u32::from(signal.is_some_and(|s| s.severity == Severity::Alert));
    }
    assert_eq!(found, trials);
    // its PSI is 0.24 on average, close to the limit of 0.2
    assert!(alerts * 10 >= trials * 8, "{alerts} of {trials}");
}

#[test]
fn many_windows_against_one_reference_keep_the_rate_too() {
    let policy = Policy::builder()
        .limits(ANY_EFFECT)
        .windows(12)
        .build()
        .unwrap();
    let mut rng = Seed(51).rng();
    let (mut years_with_a_call, years) = (0, 40);
    for _ in 0..years {
        let profile = ReferenceProfile::build(&noise_batch(&mut rng, 10, 2_000), None).unwrap();
        let call = (0..12).any(|_| {
            let report = compare(&profile, &noise_batch(&mut rng, 10, 200));
            !judge(&policy, &report).signals.is_empty()
        });
        years_with_a_call += usize::from(call);
    }
    // 0.05 of 40 years is 2; three standard errors above is 6
    assert!(years_with_a_call <= 6, "{years_with_a_call} of {years}");
}
