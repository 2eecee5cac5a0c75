//! From checked inputs to the numbers an estimator reads.
//!
//! A [`Preprocess`] is a list of encoders over the inputs of one signature. Trainers fit the encoders'
//! numbers (means, categories) and use the very same object to encode their training rows, so training
//! and serving cannot encode differently.

mod category;
mod date;
mod encode;
mod encoder;
mod number;

use arrow::array::RecordBatch;
use mlops_core::Value;

pub use date::{DatePart, TimeUnit};
pub use encoder::{BucketForm, Encoder};
pub use number::{Factor, Step};

use crate::{Error, Matrix, Result, Signature, cell::Cell, limit};
use category::Lookup;

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
    has_sequences: bool,
}

impl Preprocess {
    /// Checks the encoders against the signature.
    ///
    /// # Errors
    /// [`Error::InvalidModel`] naming the encoder whose input does not exist or is of another kind, whose
    /// numbers are not finite, or whose categories repeat or cannot occur; [`Error::TooLarge`] beyond
    /// [`limit::WIDTH`].
    pub fn new(signature: &Signature, encoders: Vec<Encoder>) -> Result<Self> {
        let widths = encoders.iter().map(Encoder::width);
        let width = widths.fold(0, usize::saturating_add);
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
            has_sequences: encoders
                .iter()
                .any(|encoder| matches!(encoder, Encoder::Sequence { .. })),
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

    /// The names of the encoded columns: the input's, `input=category`, or what an encoder calls its own.
    pub fn output_names(&self) -> Vec<String> {
        let name = |input: usize| self.signature.inputs()[input].name.clone();
        let names = self.encoders.iter().map(|encoder| encoder.names(name));
        names.flatten().collect()
    }

    /// Whether an encoded column of this encoder can be missing.
    pub(crate) fn can_be_missing(&self, encoder: &Encoder) -> bool {
        let nullable = |input: usize| self.signature.inputs()[input].nullable;
        match encoder {
            Encoder::Numeric { input, impute, .. } | Encoder::Transform { input, impute, .. } => {
                nullable(*input) && impute.is_none()
            }
            Encoder::Buckets {
                input,
                form: BucketForm::Ordinal,
                ..
            } => nullable(*input),
            Encoder::Product { factors } => factors
                .iter()
                .any(|factor| nullable(factor.input) && factor.impute.is_none()),
            Encoder::DateParts { input, impute, .. } => nullable(*input) && impute.is_none(),
            Encoder::OneHot { .. }
            | Encoder::Target { .. }
            | Encoder::Buckets { .. }
            | Encoder::Missing { .. }
            | Encoder::Sequence { .. } => false,
            // a category that was not seen is missing too
            Encoder::Ordinal { .. } => true,
        }
    }

    /// Encodes one row, replacing what `encoded` holds. No memory is taken once it is large enough.
    ///
    /// # Errors
    /// Those of [`Signature::check_row`], and [`Error::InvalidList`] for the lists of a sequence that differ in length.
    pub fn encode_row(&self, row: &[Value], encoded: &mut Vec<f64>) -> Result<()> {
        self.signature.check_row(row)?;
        encoded.clear();
        let cell = |input: usize| Cell::of(&row[input]).unwrap_or(Cell::Missing);
        self.check_lengths(cell)?;
        self.encode_cells(encoded, cell);
        Ok(())
    }

    /// Encodes a batch whose columns are found by name.
    ///
    /// # Shapes
    /// `[rows, width]`.
    ///
    /// # Errors
    /// Those of [`Signature::check_batch`], and [`Error::InvalidList`] for the lists of a sequence that differ in length.
    pub fn encode(&self, batch: &RecordBatch) -> Result<Matrix> {
        let columns = self.signature.bind(batch)?;
        let rows = batch.num_rows();
        if self.has_sequences {
            for row in 0..rows {
                self.check_lengths(|input| columns[input].get(row))
                    .map_err(|e| e.in_row(row))?;
            }
        }
        Ok(Matrix::new(
            self.encode_columns(&columns, rows),
            rows,
            self.width,
        ))
    }

    /// Checks that the lists of each sequence have one length.
    fn check_lengths<'a>(&self, cell: impl Fn(usize) -> Cell<'a>) -> Result<()> {
        if !self.has_sequences {
            return Ok(());
        }
        for encoder in &self.encoders {
            let Encoder::Sequence { inputs, .. } = encoder else {
                continue;
            };
            let first = encode::length(cell(encoder.input()));
            let other = inputs
                .iter()
                .find(|input| encode::length(cell(**input)) != first);
            if let Some(other) = other {
                let name = |input: usize| self.signature.inputs()[input].name.clone();
                let found = encode::length(cell(*other));
                return Err(Error::InvalidList {
                    column: name(*other),
                    row: None,
                    reason: format!(
                        "it has {found} numbers, that of `{}` has {first}",
                        name(encoder.input())
                    ),
                });
            }
        }
        Ok(())
    }
}

/// Checks an encoder against its inputs and prepares what it looks up.
fn lookup(signature: &Signature, encoder: &Encoder) -> Result<Lookup, String> {
    let mut first = None;
    // a product without factors reads the input `usize::MAX`, which is not there
    for at in encoder.inputs().into_iter().chain([encoder.input()]) {
        let input = signature.inputs().get(at).ok_or_else(|| {
            let inputs = signature.inputs().len();
            format!("it reads input {at}, the signature has {inputs}")
        })?;
        if let Encoder::DateParts { impute, parts, .. } = encoder {
            date::check(input, *impute, parts)?;
        } else if !encoder.is_category() {
            number::check(encoder, input)?;
        }
        first.get_or_insert(input);
    }
    let input = first.expect("the loop ran at least once");
    Lookup::new(input, encoder)
}
