//! Metrics by segment: where a model is good and bad, with intervals, so that small segments are not
//! taken for findings.

use std::{collections::BTreeMap, fmt};

use mlops_core::{Seed, TrainingSet, metric::Interval};
use mlops_model::Model;
use serde::{Deserialize, Serialize};

use super::parts::parts;
use crate::{
    Error, Metric, Result, Truth,
    error::require,
    measure::{judged, take_rows},
    weighted_interval,
};

/// How to compare segments.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SegmentOptions {
    /// How many segments at most; rarer values are put together.
    pub most: usize,
    /// Segments with fewer rows are flagged as small.
    pub small_below: u64,
    /// How many bootstrap resamples stand behind each interval.
    pub bootstrap: usize,
    /// The share of resamples that an interval covers.
    pub level: f64,
    /// Where the resampling begins.
    pub seed: Seed,
}

impl Default for SegmentOptions {
    /// 10 segments, small below 100 rows, 500 resamples, level 0.95.
    fn default() -> Self {
        Self {
            most: 10,
            small_below: 100,
            bootstrap: 500,
            level: 0.95,
            seed: Seed(0),
        }
    }
}

/// A model's metrics by the values of a column; its `Display` form is a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segments {
    /// The column.
    pub column: String,
    /// The metrics in the order asked for.
    pub metrics: Vec<String>,
    /// All rows together.
    pub overall: Segment,
    /// The segments: ranges ascending, others by falling number of rows.
    pub segments: Vec<Segment>,
}

/// The rows that share a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The value or range; `(missing)` where there is none, `(other)` for rarer values together.
    pub name: String,
    /// How many rows.
    pub rows: u64,
    /// Whether they are too few to rely on.
    pub small: bool,
    /// The metrics by name; `None` where one is not defined, for instance for one class only.
    pub metrics: BTreeMap<String, Option<Interval>>,
}

/// Splits the rows by a column of the set, be it an input or not, and judges the model in each part.
///
/// Texts, booleans and few whole numbers make a segment each; other numbers are cut into ranges of equal
/// numbers of rows.
///
/// # Errors
/// [`mlops_core::Error::UnknownColumn`], [`Error::UnsupportedColumn`] for a column of neither,
/// [`Error::InvalidParameter`] for an option out of its range, and those of the model and of the metrics on
/// all rows.
pub fn segments(
    model: &dyn Model,
    set: &TrainingSet,
    column: &str,
    metrics: &[&dyn Metric],
    options: &SegmentOptions,
) -> Result<Segments> {
    require(
        (2..=1000).contains(&options.most),
        "segments",
        "most",
        &options.most,
        "it must lie in 2..=1000",
    )?;
    let truth = Truth::of(set, model.signature().output())?;
    let answers = model.predict(&set.features())?.into_values();
    let parts = parts(column, set.table().column(column)?, options.most)?;
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); parts.names.len()];
    for (row, part) in parts.of.iter().enumerate() {
        groups[*part].push(row);
    }
    let answered = Answered {
        truth,
        answers,
        weights: set.weights(),
    };
    let all: Vec<usize> = (0..answered.truth.rows()).collect();
    let overall = answered.judge("(all)", &all, metrics, options)?;
    if let Some(metric) = metrics
        .iter()
        .find(|metric| overall.metrics[&metric.name()].is_none())
    {
        // the metric says itself what it misses
        let weights = answered.weights.as_deref();
        judged(*metric, &answered.truth, &answered.answers, weights)?;
    }
    let mut found = Vec::with_capacity(groups.len());
    for (name, rows) in parts.names.iter().zip(&groups) {
        if !rows.is_empty() {
            found.push(answered.judge(name, rows, metrics, options)?);
        }
    }
    if !parts.ranges {
        found.sort_by_key(|part| std::cmp::Reverse(part.rows));
    }
    Ok(Segments {
        column: column.to_owned(),
        metrics: metrics.iter().map(|metric| metric.name()).collect(),
        overall,
        segments: found,
    })
}

/// What came true, what was said, and how much each row counts.
struct Answered {
    truth: Truth,
    answers: Vec<f64>,
    weights: Option<Vec<f64>>,
}

impl Answered {
    fn judge(
        &self,
        name: &str,
        rows: &[usize],
        metrics: &[&dyn Metric],
        options: &SegmentOptions,
    ) -> Result<Segment> {
        let part = self.truth.take(rows);
        let answers = take_rows(&self.answers, part.width(), rows);
        let weights = self
            .weights
            .as_ref()
            .map(|weights| take_rows(weights, 1, rows));
        let mut found = BTreeMap::new();
        for metric in metrics {
            let seed = options.seed.derive(&format!("{} of {name}", metric.name()));
            let interval = match weighted_interval(
                *metric,
                &part,
                &answers,
                weights.as_deref(),
                options.bootstrap,
                options.level,
                seed,
            ) {
                Ok(interval) => Some(interval),
                Err(Error::Core(mlops_core::Error::SingleClass { .. })) => None,
                Err(error) => return Err(error),
            };
            found.insert(metric.name(), interval);
        }
        Ok(Segment {
            name: name.to_owned(),
            rows: rows.len() as u64,
            small: (rows.len() as u64) < options.small_below,
            metrics: found,
        })
    }
}

impl fmt::Display for Segments {
    /// A row a segment, all rows first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self
            .segments
            .iter()
            .map(|segment| segment.name.chars().count());
        let width = widest
            .chain([self.column.chars().count(), 5])
            .max()
            .unwrap_or(5);
        write!(f, "{:width$}  {:>9}", self.column, "rows")?;
        for metric in &self.metrics {
            write!(f, "  {metric:>26}")?;
        }
        for segment in std::iter::once(&self.overall).chain(&self.segments) {
            write!(f, "\n{:width$}  {:>9}", segment.name, segment.rows)?;
            for metric in &self.metrics {
                let cell = match segment.metrics.get(metric) {
                    Some(Some(i)) => format!("{:.4} [{:.4}, {:.4}]", i.value, i.lower, i.upper),
                    _ => "-".to_owned(),
                };
                write!(f, "  {cell:>26}")?;
            }
            if segment.small {
                f.write_str("  small")?;
            }
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "linfa"))]
mod tests {
    use super::*;
    use crate::{DecisionTree, Measure, Trainer, conformance::planted};

    fn quick() -> SegmentOptions {
        SegmentOptions {
            bootstrap: 20,
            ..SegmentOptions::default()
        }
    }

    #[test]
    fn each_value_is_judged_by_its_own_rows() {
        let set = planted(600, 1);
        let model = DecisionTree::builder()
            .build()
            .unwrap()
            .fit(&set)
            .unwrap()
            .spec;
        let metrics: [&dyn Metric; 2] = [&Measure::Brier, &Measure::RocAuc];
        let found = segments(&model, &set, "country", &metrics, &quick()).unwrap();
        let names: Vec<&str> = found.segments.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names.len(), 5);
        assert!(names.contains(&"(missing)") && names.contains(&"UK"));
        let rows: u64 = found.segments.iter().map(|segment| segment.rows).sum();
        assert_eq!((rows, found.overall.rows), (600, 600));
        // the Brier score is a mean, so that of all rows is the weighted mean of the segments'
        let part =
            |segment: &Segment| segment.rows as f64 * segment.metrics["brier"].unwrap().value;
        let mean = found.segments.iter().map(part).sum::<f64>() / 600.0;
        assert!((mean - found.overall.metrics["brier"].unwrap().value).abs() < 1e-12);
        for segment in &found.segments {
            assert_eq!(segment.small, segment.rows < 100);
        }
        let text = found.to_string();
        assert!(
            text.starts_with("country") && text.contains("small"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 7);
    }

    #[test]
    fn numbers_are_cut_into_ranges_and_rare_values_put_together() {
        let set = planted(400, 1);
        let model = crate::baseline(&set).unwrap();
        let run = |column: &str, most| {
            let options = SegmentOptions { most, ..quick() };
            segments(&model, &set, column, &[&Measure::Brier], &options)
                .unwrap()
                .segments
        };
        let ranges = run("recency", 10);
        assert_eq!(ranges.len(), 4);
        assert!(ranges.iter().all(|range| range.rows == 100), "{ranges:?}");
        let ends: Vec<&str> = ranges
            .iter()
            .filter_map(|range| range.name.split_once(".."))
            .map(|(_, end)| end)
            .collect();
        assert!(ranges[3].name.starts_with(ends[2]), "{ranges:?}");
        assert!(ranges[1].name.starts_with(ends[0]), "{ranges:?}");
        assert!(
            run("spend", 10)
                .iter()
                .any(|segment| segment.name == "(missing)")
        );
        assert_eq!(run("orders", 12).len(), 12);
        assert_eq!(run("customer_id", 10).len(), 4);
        let few = run("country", 3);
        assert!(few.len() == 3 && few.iter().any(|segment| segment.name == "(other)"));
    }

    #[test]
    fn a_segment_of_one_class_has_no_area() {
        let set = planted(100, 1);
        let model = crate::baseline(&set).unwrap();
        let run =
            |column: &str, metric: &dyn Metric| segments(&model, &set, column, &[metric], &quick());
        let found = run("churned", &Measure::RocAuc).unwrap();
        assert!(
            found
                .segments
                .iter()
                .all(|segment| segment.metrics["roc_auc"].is_none())
        );
        assert!(found.to_string().contains('-'));
        assert!(matches!(
            run("nobody", &Measure::Brier),
            Err(Error::Core(_))
        ));
        assert!(matches!(
            run("at", &Measure::Brier),
            Err(Error::UnsupportedColumn { .. })
        ));
        assert!(matches!(
            run("country", &Measure::Rmse),
            Err(Error::UnsupportedMetric { .. })
        ));
        let options = SegmentOptions { most: 1, ..quick() };
        assert!(segments(&model, &set, "country", &[], &options).is_err());
    }
}
