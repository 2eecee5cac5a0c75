//! What trainers write down about a fit, in one form.

use std::collections::BTreeMap;

/// Turns raw weights of columns into shares in descending order; equal shares keep their order.
pub(crate) fn importance(names: Vec<String>, raw: &[f64]) -> Vec<(String, f64)> {
    let total: f64 = raw.iter().sum();
    let scale = if total > 0.0 { total.recip() } else { 0.0 };
    let mut shares: Vec<(String, f64)> = names
        .into_iter()
        .zip(raw.iter().map(|weight| weight * scale))
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

/// A list of settings as text.
pub(crate) fn params<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, String> {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
