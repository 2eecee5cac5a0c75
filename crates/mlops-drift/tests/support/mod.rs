//! What several tests need: batches from columns, and a window's report.
#![expect(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use mlops_core::{
    EventTime, ModelName, Rng,
    arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray},
};
use mlops_drift::{Context, DriftReport, ReferenceProfile, Window};

pub(crate) fn numbers(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

pub(crate) fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub(crate) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true)))
        .unwrap()
}

/// `columns` columns of uniform noise named `c0`, `c1`, …; ranks and bins do not know the law.
pub(crate) fn noise_batch(rng: &mut Rng, columns: usize, rows: usize) -> RecordBatch {
    let columns: Vec<(String, ArrayRef)> = (0..columns)
        .map(|at| {
            (
                format!("c{at}"),
                numbers((0..rows).map(|_| rng.unit()).collect::<Vec<_>>()),
            )
        })
        .collect();
    RecordBatch::try_from_iter(columns).unwrap()
}

pub(crate) fn compare(profile: &ReferenceProfile, rows: &RecordBatch) -> DriftReport {
    let mut window = Window::new(profile);
    window.push_batch(rows, None).unwrap();
    DriftReport::compare(profile, &window).unwrap()
}

pub(crate) fn context() -> Context {
    Context::new(
        ModelName::new("churn").unwrap(),
        1,
        EventTime::from_seconds(1_000_000),
    )
}

/// Counts and compares, unless a damaged profile asks for a column that is not there or of another sort.
pub(crate) fn compare_if_columns_fit(
    profile: &ReferenceProfile,
    rows: &RecordBatch,
) -> Option<DriftReport> {
    let mut window = Window::new(profile);
    window.push_batch(rows, None).ok()?;
    Some(DriftReport::compare(profile, &window).unwrap())
}
