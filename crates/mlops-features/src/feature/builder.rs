//! Aggregates on their way to being features.

use arrow::datatypes::DataType;
use mlops_core::{FeatureName, Span};

use super::{Accuracy, Divisor, Feature, Filter, Function, Window};
use crate::{
    Error, FeatureView, Field, FieldKind, Result,
    aggregate::{GroupBy, Measure, Shape},
};

/// An aggregate that still needs its window.
#[derive(Debug, Clone)]
#[must_use = "an aggregate becomes a feature with `over`"]
pub struct Aggregate {
    view: FeatureView,
    field: Option<String>,
    function: Function,
    filter: Option<Filter>,
    by: Option<(String, u16)>,
    below: Option<Box<Self>>,
    accuracy: Option<Accuracy>,
    name: Option<String>,
    problem: Option<String>,
}

impl Aggregate {
    pub(crate) fn new(view: &FeatureView, field: Option<String>, function: Function) -> Self {
        Self {
            view: view.clone(),
            field,
            function,
            filter: None,
            by: None,
            below: None,
            accuracy: None,
            name: None,
            problem: None,
        }
    }

    pub(crate) fn with_problem(mut self, problem: String) -> Self {
        self.problem.get_or_insert(problem);
        self
    }

    /// The feature's name, in place of `<field>_<function>_<window>`.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Only events for which the filter holds; a second filter must hold as well.
    ///
    /// The default name does not tell of it: give one with [`named`](Self::named).
    pub fn only(mut self, filter: Filter) -> Self {
        if self.below.is_some() {
            return self.with_problem("a filter belongs to a part of a ratio".to_owned());
        }
        self.filter = Some(match self.filter.take() {
            Some(first) => first.and(filter),
            None => filter,
        });
        self
    }

    /// One value for each category of a field of texts, whole numbers or truth values: a map by the text of
    /// the category, in the order of texts.
    ///
    /// It has at most `limit` categories, 1 to 4096: those of the most events in the window, ties in the
    /// order of texts. An event without a category is left out. For count, sum, mean, variance and
    /// standard deviation.
    pub fn by(mut self, field: impl Into<String>, limit: u16) -> Self {
        if self.below.is_some() {
            return self.with_problem("a ratio has no categories".to_owned());
        }
        self.by = Some((field.into(), limit));
        self
    }

    /// Divides a variance or standard deviation by the count and not by the count less one.
    pub fn population(mut self) -> Self {
        self.function = match self.function {
            Function::Variance(_) => Function::Variance(Divisor::Population),
            Function::StdDev(_) => Function::StdDev(Divisor::Population),
            _ => {
                return self.with_problem("only a variance has a divisor".to_owned());
            }
        };
        self
    }

    /// How exactly the window follows the instant of the question; to the microsecond unless stated.
    pub fn accuracy(mut self, accuracy: Accuracy) -> Self {
        self.accuracy = Some(accuracy);
        self
    }

    /// The ratio of this aggregate to another of the same view, both over the same window.
    ///
    /// A real number; null if either is null or the second is zero. The accuracy of the first holds.
    pub fn per(mut self, below: Self) -> Self {
        if below.view != self.view {
            return self.with_problem("the parts of a ratio must be of one view".to_owned());
        }
        if self.below.is_some() || below.below.is_some() {
            return self.with_problem("a ratio of ratios is not supported".to_owned());
        }
        self.below = Some(Box::new(below));
        self
    }

    /// The feature over the window that ends at the instant of the question.
    ///
    /// The far edge is on the other side of the view's [`Boundary`](crate::Boundary), so that adjacent
    /// windows share no event: `t - w < ts <= t`, or `t - w <= ts < t` if it is exclusive. The view's TTL
    /// does not shorten a window.
    ///
    /// # Errors
    /// [`Error::UnknownField`], [`Error::FieldType`] if the function does not fit the field,
    /// [`Error::InvalidFeature`] if the window is empty or a parameter is out of range, [`Error::Core`] for a
    /// bad name.
    pub fn over(self, window: Span) -> Result<Feature> {
        self.build(Some(window))
    }

    pub(crate) fn build(self, window: Option<Span>) -> Result<Feature> {
        let name = self.name.clone().unwrap_or_else(|| {
            let mut name = self.stem();
            if let Some(below) = &self.below {
                name = format!("{name}_per_{}", below.stem());
            }
            match window {
                Some(window) => format!("{name}_{window}"),
                None => name,
            }
        });
        let invalid = |reason: &str| Error::InvalidFeature {
            feature: name.clone(),
            reason: reason.to_owned(),
        };
        let below_problem = self.below.as_ref().and_then(|below| below.problem.as_ref());
        if let Some(problem) = self.problem.as_ref().or(below_problem) {
            return Err(invalid(problem));
        }
        if window == Some(Span::ZERO) {
            return Err(invalid("its window is empty"));
        }
        let (measure, mut shape) = self.measure(&name)?;
        let mut data_type = self.data_type(&name, &measure, shape)?;
        let mut measures = vec![measure];
        if let Some(below) = &self.below {
            let (measure, other) = below.measure(&name)?;
            let plain = |part: &Measure| {
                let field = part.field.map(|(at, _)| &self.view.fields()[at]);
                part.counts() || field.is_none_or(Field::is_plain)
            };
            let numbers = shape.is_number() && other.is_number();
            if !numbers || !plain(&measures[0]) || !plain(&measure) {
                return Err(invalid("the parts of a ratio must be numbers"));
            }
            measures.push(measure);
            shape = Shape::One(FieldKind::Float);
            data_type = DataType::Float64;
        }
        let tiled = measures
            .iter()
            .any(|m| matches!(m.function, Function::ApproxQuantile(..)));
        let window = window.map(|span| Window {
            span,
            accuracy: match self.accuracy {
                Some(accuracy) => accuracy,
                None if tiled => Accuracy::sawtooth(span),
                None => Accuracy::Exact,
            },
            tiled,
        });
        if let Some(window) = window {
            if window.accuracy.hop() == Some(Span::ZERO) {
                return Err(invalid("its accuracy has a hop of nothing"));
            }
            if tiled && window.accuracy == Accuracy::Exact {
                return Err(invalid(
                    "an approximate quantile has a sawtooth or snapshot accuracy",
                ));
            }
        }
        let name = FeatureName::new(name)?;
        let shape = (shape, data_type);
        Ok(Feature::new(self.view, measures, window, shape, name))
    }

    /// The Arrow type of what a measure answers: the declared type of the field, where it gives its values.
    fn data_type(&self, name: &str, measure: &Measure, shape: Shape) -> Result<DataType> {
        let Some((at, _)) = measure.field else {
            return Ok(shape.data_type());
        };
        let field = &self.view.fields()[at];
        let data_type = match shape {
            Shape::One(kind) => field.output(measure.function.keeps(), kind),
            // in a list or a map a value stands as it is held, which is how a plain one is declared
            _ => (measure.counts() || field.is_plain()).then(|| shape.data_type()),
        };
        data_type.ok_or_else(|| Error::FieldType {
            feature: name.to_owned(),
            function: self.function.name(),
            field: field.name().to_owned(),
            found: field.data_type().clone(),
        })
    }

    /// The default name without the window.
    fn stem(&self) -> String {
        let subject = self.field.as_deref().unwrap_or(self.view.name().as_str());
        let stem = format!("{subject}_{}", self.function.label());
        match &self.by {
            Some((field, _)) => format!("{stem}_by_{field}"),
            None => stem,
        }
    }

    fn measure(&self, name: &str) -> Result<(Measure, Shape)> {
        let (view, fields) = (&self.view, self.view.fields());
        let invalid = |reason: String| Error::InvalidFeature {
            feature: name.to_owned(),
            reason,
        };
        if let Some(problem) = self.function.problem() {
            return Err(invalid(problem.to_owned()));
        }
        let field = self
            .field
            .as_ref()
            .map(|field| view.field_index(field))
            .transpose()?;
        let filter = self
            .filter
            .as_ref()
            .map(|filter| filter.bind(view, name))
            .transpose()?;
        let by = self.by.as_ref().map(|(by, limit)| {
            let at = view.field_index(by)?;
            // what is held otherwise than declared has another text
            let numbers = matches!(fields[at].kind(), FieldKind::Float | FieldKind::Time);
            if numbers || !fields[at].is_plain() {
                let holds = fields[at].data_type();
                return Err(invalid(format!(
                    "field `{by}` holds {holds}, which makes no categories"
                )));
            }
            if !(1..=4096).contains(limit) {
                return Err(invalid(format!(
                    "it has {limit} categories and may have 1 to 4096"
                )));
            }
            Ok(GroupBy {
                field: at,
                limit: *limit,
            })
        });
        let measure = Measure {
            function: self.function,
            field: field.map(|at| (at, fields[at].kind())),
            filter,
            by: by.transpose()?,
        };
        let shape = measure.shape().ok_or_else(|| Error::FieldType {
            feature: name.to_owned(),
            function: if measure.by.is_some() {
                "a map by category"
            } else {
                self.function.name()
            },
            field: self
                .field
                .clone()
                .unwrap_or_else(|| view.name().to_string()),
            found: field.map_or(DataType::Null, |at| fields[at].data_type().clone()),
        })?;
        Ok((measure, shape))
    }
}
