//! From checked inputs to the numbers an estimator reads.
//!
//! A [`Preprocess`] is a list of encoders over the inputs of one signature. Trainers fit the encoders'
//! numbers (means, categories) and use the very same object to encode their training rows, so training
//! and serving cannot encode differently.

use arrow::array::RecordBatch;
use mlops_core::Value;
use serde::{Deserialize, Serialize};

use crate::{Error, InputKind, Matrix, Result, Signature, cell::Cell, limit, signature::shorten};

/// How one input becomes columns of the encoded matrix. `input` is its position in the signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Encoder {
    /// One column: `(t(x) - center) / scale`, where booleans are 0 and 1.
    Numeric {
        /// The input, of any kind but text.
        input: usize,
        /// What stands in for a missing value, in the input's own unit; without it the value stays missing.
        impute: Option<f64>,
        /// Whether `t(x)` is `sign(x) * ln(1 + |x|)`, which is `ln(1 + x)` from 0 on, instead of `x`.
        log1p: bool,
        /// What is subtracted, often the mean.
        center: f64,
        /// What is divided by, often the standard deviation; above 0.
        scale: f64,
    },
    /// A column a category, 1 where the input equals it and 0 elsewhere. A missing value and a category
    /// that is not listed are 0 in all of them.
    OneHot {
        /// The input: text, or a whole number or boolean compared by its plain form (`-7`, `true`).
        input: usize,
        /// The categories, in column order.
        #[serde(deserialize_with = "limit::list::<{ limit::WIDTH }, _, _>")]
        categories: Vec<String>,
    },
    /// One column: the position of the category. A missing value and a category that is not listed stay
    /// missing. Trees ask for it by [`Node::Category`](crate::Node::Category).
    Ordinal {
        /// The input: text, or a whole number or boolean compared by its plain form (`-7`, `true`).
        input: usize,
        /// The categories in the order of their numbers, from 0.
        #[serde(deserialize_with = "limit::list::<{ limit::WIDTH }, _, _>")]
        categories: Vec<String>,
    },
}

impl Encoder {
    /// The input's number as it is: missing stays missing.
    pub fn plain(input: usize) -> Self {
        Self::Numeric {
            input,
            impute: None,
            log1p: false,
            center: 0.0,
            scale: 1.0,
        }
    }

    /// The position of the input in the signature.
    pub fn input(&self) -> usize {
        match self {
            Self::Numeric { input, .. }
            | Self::OneHot { input, .. }
            | Self::Ordinal { input, .. } => *input,
        }
    }

    /// The number of columns it makes.
    pub fn width(&self) -> usize {
        match self {
            Self::Numeric { .. } | Self::Ordinal { .. } => 1,
            Self::OneHot { categories, .. } => categories.len(),
        }
    }
}

impl limit::Weigh for Encoder {
    fn weigh(&self) -> usize {
        match self {
            Self::Numeric { .. } => 1,
            Self::OneHot { categories, .. } | Self::Ordinal { categories, .. } => categories.len(),
        }
    }
}

/// Encoders over the inputs of a signature.
///
/// ```
/// use mlops_model::{Encoder, Input, InputKind, Output, Preprocess, Signature};
/// use mlops_core::Value;
///
/// let signature = Signature::new(
///     [Input::new("age", InputKind::Int).nullable(), Input::new("country", InputKind::Str)],
///     Output::Number,
/// )?;
/// let preprocess = Preprocess::new(&signature, vec![
///     Encoder::Numeric { input: 0, impute: Some(40.0), log1p: false, center: 40.0, scale: 10.0 },
///     Encoder::OneHot { input: 1, categories: vec!["DE".into(), "UK".into()] },
/// ])?;
/// assert_eq!(preprocess.output_names(), ["age", "country=DE", "country=UK"]);
///
/// let mut encoded = Vec::new();
/// preprocess.encode_row(&[Value::Int(55), Value::from("UK")], &mut encoded)?;
/// assert_eq!(encoded, [1.5, 0.0, 1.0]);
/// # Ok::<(), mlops_model::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Preprocess {
    signature: Signature,
    encoders: Vec<Encoder>,
    lookups: Vec<Lookup>,
    width: usize,
}

/// The categories of one encoder, sorted for look-up; empty for a numeric one.
#[derive(Debug, Clone)]
enum Lookup {
    None,
    Text(Vec<(Box<str>, usize)>),
    Int(Vec<(i64, usize)>),
    Bool([Option<usize>; 2]),
}

impl Preprocess {
    /// Checks the encoders against the signature.
    ///
    /// # Errors
    /// [`Error::InvalidModel`] naming the encoder whose input does not exist or is of another kind, whose
    /// numbers are not finite, or whose categories repeat or cannot occur; [`Error::TooLarge`] beyond
    /// [`limit::WIDTH`].
    pub fn new(signature: &Signature, encoders: Vec<Encoder>) -> Result<Self> {
        let width = encoders.iter().map(Encoder::width).sum();
        limit::check("the number of encoded columns", width, limit::WIDTH)?;
        // an encoder without categories has no width, and still has a cost
        limit::check("the number of encoders", encoders.len(), limit::WIDTH)?;
        let categories = encoders.iter().map(limit::Weigh::weigh).sum();
        limit::check("the number of categories", categories, limit::WIDTH)?;
        let lookups = encoders
            .iter()
            .enumerate()
            .map(|(at, encoder)| {
                lookup(signature, encoder)
                    .map_err(|reason| Error::model(format!("encoder {at}"), reason))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            signature: signature.clone(),
            encoders,
            lookups,
            width,
        })
    }

    /// The inputs that are read.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The encoders in order.
    pub fn encoders(&self) -> &[Encoder] {
        &self.encoders
    }

    /// The number of encoded columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The names of the encoded columns: the input's, or `input=category`.
    pub fn output_names(&self) -> Vec<String> {
        let mut names = Vec::with_capacity(self.width);
        for encoder in &self.encoders {
            let input = &self.signature.inputs()[encoder.input()].name;
            match encoder {
                Encoder::Numeric { .. } | Encoder::Ordinal { .. } => names.push(input.clone()),
                Encoder::OneHot { categories, .. } => {
                    names.extend(categories.iter().map(|c| format!("{input}={c}")));
                }
            }
        }
        names
    }

    /// Whether the encoded column of this encoder can be missing.
    pub(crate) fn can_be_missing(&self, encoder: &Encoder) -> bool {
        let nullable = self.signature.inputs()[encoder.input()].nullable;
        match encoder {
            Encoder::Numeric { impute, .. } => nullable && impute.is_none(),
            Encoder::OneHot { .. } => false,
            // a category that was not seen is missing too
            Encoder::Ordinal { .. } => true,
        }
    }

    /// Encodes one row, replacing what `encoded` holds. No memory is taken once it is large enough.
    ///
    /// # Errors
    /// Those of [`Signature::check_row`].
    pub fn encode_row(&self, row: &[Value], encoded: &mut Vec<f64>) -> Result<()> {
        self.signature.check_row(row)?;
        encoded.clear();
        self.encode_cells(encoded, |input| {
            Cell::of(&row[input]).unwrap_or(Cell::Missing)
        });
        Ok(())
    }

    /// Encodes a batch whose columns are found by name.
    ///
    /// # Shapes
    /// `[rows, width]`.
    ///
    /// # Errors
    /// Those of [`Signature::check_batch`].
    pub fn encode(&self, batch: &RecordBatch) -> Result<Matrix> {
        let columns = self.signature.bind(batch)?;
        let rows = batch.num_rows();
        let mut values = Vec::with_capacity(rows * self.width);
        for row in 0..rows {
            self.encode_cells(&mut values, |input| columns[input].get(row));
        }
        Ok(Matrix::new(values, rows, self.width))
    }

    fn encode_cells<'a>(&self, encoded: &mut Vec<f64>, cell: impl Fn(usize) -> Cell<'a>) {
        for (encoder, lookup) in self.encoders.iter().zip(&self.lookups) {
            match encoder {
                Encoder::Numeric {
                    input,
                    impute,
                    log1p,
                    center,
                    scale,
                } => {
                    let mut x = cell(*input).number();
                    if x.is_nan() {
                        x = impute.unwrap_or(f64::NAN);
                    }
                    if *log1p {
                        x = x.signum() * x.abs().ln_1p();
                    }
                    encoded.push((x - center) / scale);
                }
                Encoder::OneHot { input, categories } => {
                    let start = encoded.len();
                    encoded.resize(start + categories.len(), 0.0);
                    if let Some(at) = lookup.find(cell(*input)) {
                        encoded[start + at] = 1.0;
                    }
                }
                Encoder::Ordinal { input, .. } => {
                    let at = lookup.find(cell(*input));
                    encoded.push(at.map_or(f64::NAN, |at| at as f64));
                }
            }
        }
    }
}

impl Lookup {
    fn find(&self, cell: Cell<'_>) -> Option<usize> {
        match (self, cell) {
            (Self::Text(sorted), Cell::Text(text)) => sorted
                .binary_search_by(|(category, _)| category.as_ref().cmp(text))
                .ok()
                .map(|found| sorted[found].1),
            (Self::Int(sorted), Cell::Int(value)) => sorted
                .binary_search_by_key(&value, |(category, _)| *category)
                .ok()
                .map(|found| sorted[found].1),
            (Self::Bool(columns), Cell::Bool(value)) => columns[usize::from(value)],
            _ => None,
        }
    }
}

fn lookup(signature: &Signature, encoder: &Encoder) -> Result<Lookup, String> {
    let at = encoder.input();
    let input = signature.inputs().get(at).ok_or_else(|| {
        format!(
            "it reads input {at}, the signature has {}",
            signature.inputs().len()
        )
    })?;
    let name = &input.name;
    match encoder {
        Encoder::Numeric {
            impute,
            center,
            scale,
            ..
        } => {
            if input.kind == InputKind::Str {
                return Err(format!("input `{name}` is a text and cannot be a number"));
            }
            let finite = [
                ("impute", impute.unwrap_or(0.0)),
                ("center", *center),
                ("scale", *scale),
            ];
            if let Some((field, value)) = finite.into_iter().find(|(_, value)| !value.is_finite()) {
                return Err(format!("`{field}` of input `{name}` is {value}"));
            }
            if *scale <= 0.0 {
                return Err(format!(
                    "`scale` of input `{name}` is {scale}; it must be above 0"
                ));
            }
            Ok(Lookup::None)
        }
        Encoder::OneHot { categories, .. } | Encoder::Ordinal { categories, .. } => {
            if let Some(long) = categories.iter().find(|c| c.len() > limit::NAME_BYTES) {
                return Err(format!("category `{}…` is too long", shorten(long)));
            }
            let columns = categories.iter().enumerate();
            match input.kind {
                InputKind::Str => {
                    let sorted = columns
                        .map(|(i, c)| (Box::<str>::from(c.as_str()), i))
                        .collect();
                    sorted_once(name, sorted).map(Lookup::Text)
                }
                InputKind::Int => {
                    let sorted = columns.map(|(i, c)| Ok((parse(name, c)?, i)));
                    sorted_once(name, sorted.collect::<Result<_, String>>()?).map(Lookup::Int)
                }
                InputKind::Bool => {
                    let sorted = columns.map(|(i, c)| Ok((parse::<bool>(name, c)?, i)));
                    let mut slots = [None; 2];
                    for (value, i) in sorted_once(name, sorted.collect::<Result<_, String>>()?)? {
                        slots[usize::from(value)] = Some(i);
                    }
                    Ok(Lookup::Bool(slots))
                }
                InputKind::Float => Err(format!(
                    "input `{name}` is a real number and has no categories"
                )),
            }
        }
    }
}

fn sorted_once<T: Ord>(name: &str, mut items: Vec<(T, usize)>) -> Result<Vec<(T, usize)>, String> {
    items.sort_unstable();
    match items.windows(2).find(|w| w[0].0 == w[1].0) {
        Some(twice) => Err(format!(
            "categories {} and {} of input `{name}` are the same",
            twice[0].1, twice[1].1
        )),
        None => Ok(items),
    }
}

fn parse<T: std::str::FromStr + ToString>(name: &str, category: &str) -> Result<T, String> {
    let value: Option<T> = category.parse().ok();
    value
        .filter(|value| value.to_string() == category)
        .ok_or_else(|| {
            format!(
                "category `{}` cannot occur in input `{name}`",
                shorten(category)
            )
        })
}
