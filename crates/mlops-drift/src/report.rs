//! How a window differs from the reference, column by column: numbers, no verdict and no HTML.
//!
//! The verdict is the policy's ([`Policy::judge`](crate::Policy::judge)); a page that shows both
//! zips [`DriftReport::columns`] with the judgement's verdicts by name.

use mlops_core::{Digest, EventTime};
use serde::{Deserialize, Serialize};

use crate::{
    ColumnKind, ColumnProfile, Distribution, Error, ReferenceProfile, Result, Window,
    profile::Counter,
    statistic::{
        KsBound, Test, chi_square, hellinger, js_distance, kl, ks_binned, ks_two_sample, psi,
        psi_expected_without_drift, psi_test, tvd,
    },
};

/// The comparison of a window with its reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftReport {
    /// The digest of the reference profile.
    pub profile: Digest,
    /// Rows of the reference.
    pub reference_rows: u64,
    /// Rows of the window.
    pub window_rows: u64,
    /// The first and the last time in the window, where times were given.
    pub span: Option<(EventTime, EventTime)>,
    /// One entry a column, in the profile's order.
    pub columns: Vec<ColumnDrift>,
    /// The model's answers, where the profile has them.
    pub prediction: Option<ColumnDrift>,
}

/// How one column differs. Distances are over all bins, that of missing values included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDrift {
    /// The column, or `prediction`.
    pub name: String,
    /// Whether it is a quantity or a label.
    pub kind: ColumnKind,
    /// Rows of the reference, missing values too.
    pub reference_rows: u64,
    /// Rows of the window, missing values too.
    pub window_rows: u64,
    /// The population stability index, in nats.
    pub psi: f64,
    /// The mean of that index for these sample sizes without any drift.
    pub psi_without_drift: f64,
    /// Kullback-Leibler divergence of the reference from the window, in nats.
    pub kl: f64,
    /// Jensen-Shannon distance, `0..=0.8326`.
    pub js: f64,
    /// Hellinger distance, `0..=1`.
    pub hellinger: f64,
    /// Total variation distance, `0..=1`: the share of rows that would have to move.
    pub tvd: f64,
    /// The chance of bins at least this different without drift: the larger of the p-values of
    /// [`psi_test`] and [`chi_square`]. The two laws agree where bins are full; where they are
    /// sparse each errs on its own side, and asking both keeps the promised rate.
    pub p_value: f64,
    /// Bounds on the Kolmogorov-Smirnov distance of the values present; numeric columns only.
    pub ks: Option<KsBound>,
    /// The exact distance, once raw samples were handed in by [`DriftReport::add_samples`].
    pub ks_exact: Option<Test>,
    /// How the mean moved; numeric columns only.
    pub mean: Option<MeanShift>,
    /// The share of rows without a value.
    pub missing: Shares,
    /// The share of rows in categories that the profile does not list; categorical columns only.
    pub other: Option<Shares>,
    /// The two histograms, in order; missing values last.
    pub bins: Vec<Bin>,
}

/// A share of rows on both sides, `0..=1`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// In the reference.
    pub reference: f64,
    /// In the window.
    pub window: f64,
}

/// Mean and spread of the finite values on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanShift {
    /// The reference's mean.
    pub reference: f64,
    /// The window's mean.
    pub window: f64,
    /// The reference's standard deviation.
    pub reference_std: f64,
    /// The window's standard deviation.
    pub window_std: f64,
    /// The difference of the means in standard deviations of the reference; 0 if it has none.
    pub in_deviations: f64,
}

/// Rows of one bin on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// `12 to 40`, the category, `other` or `missing`.
    pub label: String,
    /// The lower end, outside the bin; absent for the first bin and for categories.
    pub lower: Option<f64>,
    /// The upper end, inside the bin; absent for the last bin and for categories.
    pub upper: Option<f64>,
    /// Rows of the reference.
    pub reference: u64,
    /// Rows of the window.
    pub window: u64,
}

impl DriftReport {
    /// Compares a window with the profile that it counts for. A side without rows has no distance: 0, with p-value 1.
    ///
    /// # Errors
    /// [`Error::ProfileMismatch`] if the window was opened on another profile.
    pub fn compare(profile: &ReferenceProfile, window: &Window) -> Result<Self> {
        if profile.digest() != window.profile() {
            return Err(Error::ProfileMismatch { what: "window" });
        }
        let pairs = profile.columns().iter().zip(window.counters());
        let prediction = profile.prediction().zip(window.prediction());
        Ok(Self {
            profile: window.profile(),
            reference_rows: profile.rows(),
            window_rows: window.rows(),
            span: window.span(),
            columns: pairs
                .map(|(column, counter)| ColumnDrift::compare(column, counter))
                .collect::<Result<_>>()?,
            prediction: prediction
                .map(|(column, counter)| ColumnDrift::compare(column, counter))
                .transpose()?,
        })
    }

    /// A column by name.
    pub fn column(&self, name: &str) -> Option<&ColumnDrift> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns from the largest PSI to the smallest.
    pub fn by_psi(&self) -> Vec<&ColumnDrift> {
        let mut columns: Vec<&ColumnDrift> = self.columns.iter().collect();
        columns.sort_by(|a, b| b.psi.total_cmp(&a.psi));
        columns
    }

    /// Adds the exact Kolmogorov-Smirnov test of a column from raw samples, which the report does not keep.
    ///
    /// # Errors
    /// [`Error::Core`] if the report has no such column, and those of [`ks_two_sample`].
    pub fn add_samples(&mut self, column: &str, reference: &[f64], window: &[f64]) -> Result<Test> {
        let names = || {
            self.columns
                .iter()
                .map(|c| format!("`{}`", c.name))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let Some(at) = self.columns.iter().position(|c| c.name == column) else {
            return Err(mlops_core::Error::UnknownColumn {
                column: column.to_owned(),
                available: names(),
            }
            .into());
        };
        let test = ks_two_sample(reference, window)?;
        self.columns[at].ks_exact = Some(test);
        Ok(test)
    }
}

impl ColumnDrift {
    fn compare(column: &ColumnProfile, counter: &Counter) -> Result<Self> {
        let (values, seen) = (column.counts(), &counter.counts);
        let (reference_rows, window_rows) = (column.rows(), counter.rows());
        let cells = |counts: &[u64], missing: &[u64]| -> Vec<f64> {
            counts
                .iter()
                .chain(missing)
                .map(|count| *count as f64)
                .collect()
        };
        let expected = cells(&values, &[column.missing()]);
        let actual = cells(seen, &[counter.missing]);
        let empty = reference_rows == 0 || window_rows == 0;
        let distance = |statistic: fn(&[f64], &[f64]) -> Result<f64>| {
            if empty {
                Ok(0.0)
            } else {
                statistic(&expected, &actual)
            }
        };
        let p_value = if empty {
            1.0
        } else {
            psi_test(&expected, &actual)?
                .p_value
                .max(chi_square(&expected, &actual)?.p_value)
        };
        let share = |reference: u64, window: u64| Shares {
            reference: reference as f64 / reference_rows.max(1) as f64,
            window: window as f64 / window_rows.max(1) as f64,
        };
        let (ks, mean, other) = match column.distribution() {
            Distribution::Numeric(numeric) => {
                let present = reference_rows > column.missing() && window_rows > counter.missing;
                let ks = present.then(|| ks_binned(&cells(&values, &[]), &cells(seen, &[])));
                let mean = counter.standardised().map(|(mean, std)| MeanShift {
                    reference: numeric.mean(),
                    window: finite(numeric.mean() + mean * numeric.unit()),
                    reference_std: numeric.std(),
                    window_std: finite(std * numeric.unit()),
                    in_deviations: if numeric.std() > 0.0 { mean } else { 0.0 },
                });
                (ks.transpose()?, mean, None)
            }
            Distribution::Categorical(categorical) => {
                let now = seen.last().copied().unwrap_or_default();
                (None, None, Some(share(categorical.other(), now)))
            }
        };
        Ok(Self {
            name: column.name().to_owned(),
            kind: column.kind(),
            reference_rows,
            window_rows,
            psi: distance(psi)?,
            psi_without_drift: distance(psi_expected_without_drift)?,
            kl: distance(kl)?,
            js: distance(js_distance)?,
            hellinger: distance(hellinger)?,
            tvd: distance(tvd)?,
            p_value,
            ks,
            ks_exact: None,
            mean,
            missing: share(column.missing(), counter.missing),
            other,
            bins: bins(column, &values, counter),
        })
    }
}

fn bins(column: &ColumnProfile, values: &[u64], counter: &Counter) -> Vec<Bin> {
    let ends: Vec<(String, Option<f64>, Option<f64>)> = match column.distribution() {
        Distribution::Numeric(numeric) => (0..values.len())
            .map(|at| {
                let lower = at
                    .checked_sub(1)
                    .and_then(|before| numeric.edges().get(before).copied());
                let upper = numeric.edges().get(at).copied();
                (range(lower, upper), lower, upper)
            })
            .collect(),
        Distribution::Categorical(categorical) => {
            let listed = categorical.categories().iter().cloned();
            listed
                .chain(["other".to_owned()])
                .map(|label| (label, None, None))
                .collect()
        }
    };
    let missing = ("missing".to_owned(), None, None);
    let counts = values
        .iter()
        .chain([&column.missing])
        .zip(counter.counts.iter().chain([&counter.missing]));
    ends.into_iter()
        .chain([missing])
        .zip(counts)
        .map(|((label, lower, upper), (reference, window))| Bin {
            label,
            lower,
            upper,
            reference: *reference,
            window: *window,
        })
        .collect()
}

/// The nearest number that JSON can hold.
fn finite(value: f64) -> f64 {
    value.clamp(f64::MIN, f64::MAX)
}

fn range(lower: Option<f64>, upper: Option<f64>) -> String {
    match (lower, upper) {
        (Some(lower), Some(upper)) if upper == lower.next_up() => number(upper),
        (Some(lower), Some(upper)) => format!("{} to {}", number(lower), number(upper)),
        (None, Some(upper)) => format!("up to {}", number(upper)),
        (Some(lower), None) => format!("above {}", number(lower)),
        (None, None) => "any number".to_owned(),
    }
}

/// A number with four significant digits.
fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the exponent of a float lies in -324..=308"
    )]
    let exponent = value.abs().log10().floor() as i32;
    if !(-4..=9).contains(&exponent) {
        return format!("{value:.3e}");
    }
    let digits = usize::try_from(3 - exponent).unwrap_or_default();
    let text = format!("{value:.digits$}");
    if digits == 0 {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (12.0, "12"),
            (0.123_456, "0.1235"),
            (-1234.567, "-1235"),
            (17_850.0, "17850"),
            (1e-7, "1.000e-7"),
            (2.5e12, "2.500e12"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(range(Some(5.0f64.next_down()), Some(5.0)), "5");
        assert_eq!(range(None, Some(1.5)), "up to 1.5");
    }
}
