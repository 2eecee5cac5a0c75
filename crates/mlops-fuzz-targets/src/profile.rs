//! No JSON makes a reference profile or a policy panic, and an accepted profile can be counted into.
//!
//! Up to the first NUL the input is a profile, after it a policy. Windows with awkward values are
//! compared with the profile, and the policy judges them.

use mlops_core::{EventTime, ModelName, Value};
use mlops_drift::{Context, Distribution, DriftReport, Policy, ReferenceProfile, Window};

const NUMBERS: [f64; 8] = [
    0.0,
    -1.5,
    1e300,
    f64::MIN,
    f64::MAX,
    f64::MIN_POSITIVE,
    f64::INFINITY,
    f64::NAN,
];

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let profile = ReferenceProfile::from_json(part());
    let policy: Policy = serde_json::from_slice(part()).unwrap_or_default();
    let text = serde_json::to_string(&policy).expect("a policy serialises");
    assert_eq!(
        serde_json::from_str::<Policy>(&text).ok(),
        Some(policy.clone())
    );
    let Ok(profile) = profile else {
        return;
    };
    let json = profile.to_json();
    let back = ReferenceProfile::from_json(&json).expect("what is written is read");
    assert_eq!((back.to_json(), &back), (json, &profile));

    let empty = Window::new(&profile);
    let mut window = empty.clone();
    for number in NUMBERS {
        let row = profile.columns().iter().map(|column| {
            let value = match column.distribution() {
                Distribution::Numeric(_) => Value::Float(number),
                Distribution::Categorical(_) => Value::from(column.name()),
            };
            (column.name().to_owned(), value)
        });
        let row: Vec<_> = row.collect();
        window
            .push(&row, Some(number))
            .expect("values of the profile's kinds");
    }
    window.merge(&empty).expect("the same profile");
    let model = ModelName::new("m").expect("a name");
    let mut context = Context::new(model, 1, EventTime::MIN);
    for window in [&empty, &window, &window] {
        let report = DriftReport::compare(&profile, window).expect("its own profile");
        let text = serde_json::to_string(&report).expect("a report serialises");
        assert_eq!(
            serde_json::from_str::<DriftReport>(&text).ok().as_ref(),
            Some(&report)
        );
        if let Ok(judgement) = policy.judge(&report, None, &context) {
            context = context.after(&judgement);
        }
    }
}
