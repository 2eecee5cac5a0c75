//! The settings of a policy and their checks.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use serde::{Deserialize, Serialize};

use super::PerformanceLimit;
use crate::{Error, Result, multiple::Correction};

/// The PSI from which a significant difference is worth a look, and from which it is drift.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Worth a look, 0.1 by custom.
    pub warn: f64,
    /// Reason to act, 0.2 by custom.
    pub drift: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            warn: 0.1,
            drift: 0.2,
        }
    }
}

/// Checked rules that turn a report into verdicts and signals.
///
/// The default: Holm's correction at a family-wise rate of 0.05 a window, PSI limits 0.1 and 0.2,
/// at least 200 rows on both sides, one window, one drifted column is enough for an alert.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "PolicyBuilder", into = "PolicyBuilder")]
pub struct Policy(PolicyBuilder);

impl Policy {
    /// The default settings, to be changed.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// The chance that one window without any drift gets a warning or an alert, at most.
    ///
    /// With [`Correction::BenjaminiHochberg`] it is this chance while *nothing* drifts; once
    /// something does it bounds the expected share of false ones among the calls. The practical
    /// limit makes the real chance far smaller on large windows.
    pub fn window_rate(&self) -> f64 {
        self.0.family_rate / f64::from(self.0.windows)
    }

    pub(super) fn settings(&self) -> &PolicyBuilder {
        &self.0
    }
}

/// Settings of a [`Policy`]; the plain form that is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyBuilder {
    pub(super) family_rate: f64,
    pub(super) windows: u32,
    pub(super) correction: Correction,
    pub(super) limits: Limits,
    pub(super) column_limits: BTreeMap<String, Limits>,
    pub(super) prediction_limits: Option<Limits>,
    pub(super) exclude: BTreeSet<String>,
    pub(super) min_rows: u64,
    pub(super) consecutive: u32,
    pub(super) alert_share: f64,
    pub(super) performance: Vec<PerformanceLimit>,
}

impl Default for PolicyBuilder {
    fn default() -> Self {
        Self {
            family_rate: 0.05,
            windows: 1,
            correction: Correction::Holm,
            limits: Limits::default(),
            column_limits: BTreeMap::new(),
            prediction_limits: None,
            exclude: BTreeSet::new(),
            min_rows: 200,
            consecutive: 1,
            alert_share: 0.0,
            performance: Vec::new(),
        }
    }
}

impl PolicyBuilder {
    /// The chance of any false call over all columns and predictions, in `0..1`: 0.05.
    #[must_use]
    pub fn family_rate(mut self, rate: f64) -> Self {
        self.family_rate = rate;
        self
    }

    /// Spreads that chance over so many windows, for instance the twelve months of a year: 1.
    #[must_use]
    pub fn windows(mut self, windows: u32) -> Self {
        self.windows = windows;
        self
    }

    /// How p-values are corrected for the number of columns: Holm.
    #[must_use]
    pub fn correction(mut self, correction: Correction) -> Self {
        self.correction = correction;
        self
    }

    /// The PSI limits of every column that has none of its own: 0.1 and 0.2.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The PSI limits of one column, for instance one that grows or has seasons.
    #[must_use]
    pub fn column_limits(mut self, column: impl Into<String>, limits: Limits) -> Self {
        self.column_limits.insert(column.into(), limits);
        self
    }

    /// The PSI limits of the model's predictions; those of the columns if not stated.
    #[must_use]
    pub fn prediction_limits(mut self, limits: Limits) -> Self {
        self.prediction_limits = Some(limits);
        self
    }

    /// Leaves a column out of the judgement and out of the family of tests.
    #[must_use]
    pub fn exclude(mut self, column: impl Into<String>) -> Self {
        self.exclude.insert(column.into());
        self
    }

    /// The least number of rows in the reference and in the window: 200.
    #[must_use]
    pub fn min_rows(mut self, rows: u64) -> Self {
        self.min_rows = rows;
        self
    }

    /// Calls only what was found in so many windows in a row: 1.
    #[must_use]
    pub fn consecutive(mut self, windows: u32) -> Self {
        self.consecutive = windows;
        self
    }

    /// The share of judged columns that must have drifted for an alert, `0..=1`; fewer make a warning.
    /// 0, the default: one column is enough.
    #[must_use]
    pub fn alert_share(mut self, share: f64) -> Self {
        self.alert_share = share;
        self
    }

    /// Holds a metric of the outcomes against its reference value.
    #[must_use]
    pub fn performance(mut self, limit: PerformanceLimit) -> Self {
        self.performance.push(limit);
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Core`] with the name of the setting that is out of its range.
    pub fn build(self) -> Result<Policy> {
        let rate = self.family_rate;
        check(
            rate > 0.0 && rate < 1.0,
            "family_rate",
            rate,
            "it must lie between 0 and 1",
        )?;
        check(
            self.windows >= 1,
            "windows",
            self.windows,
            "it must be at least 1",
        )?;
        check(
            self.consecutive >= 1,
            "consecutive",
            self.consecutive,
            "it must be at least 1",
        )?;
        check(
            self.min_rows >= 1,
            "min_rows",
            self.min_rows,
            "it must be at least 1",
        )?;
        let share = self.alert_share;
        check(
            (0.0..=1.0).contains(&share),
            "alert_share",
            share,
            "it must lie in 0..=1",
        )?;
        let own = self.column_limits.values().chain(&self.prediction_limits);
        for limits in own.chain([&self.limits]) {
            let (warn, drift) = (limits.warn, limits.drift);
            let rule = "it must be above 0, finite, and warn not above drift";
            check(warn > 0.0 && warn.is_finite(), "limits.warn", warn, rule)?;
            check(
                drift >= warn && drift.is_finite(),
                "limits.drift",
                drift,
                rule,
            )?;
        }
        self.performance
            .iter()
            .try_for_each(PerformanceLimit::check)?;
        Ok(Policy(self))
    }
}

impl TryFrom<PolicyBuilder> for Policy {
    type Error = Error;
    fn try_from(settings: PolicyBuilder) -> Result<Self> {
        settings.build()
    }
}

impl From<Policy> for PolicyBuilder {
    fn from(policy: Policy) -> Self {
        policy.0
    }
}

/// An error that names the setting, unless it holds.
pub(super) fn check(
    holds: bool,
    parameter: &'static str,
    value: impl Display,
    rule: &'static str,
) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(mlops_core::Error::InvalidParameter {
        parameter,
        value: value.to_string(),
        rule,
    }
    .into())
}
