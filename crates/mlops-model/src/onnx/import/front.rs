//! The encoders of columns.

use crate::{
    Encoder,
    onnx::import::column::{Column, Source},
};

/// The encoders of columns whose arithmetic they hold as a whole.
pub(super) fn whole(columns: &[Column]) -> Result<Vec<Encoder>, &'static str> {
    for column in columns {
        let holds = match &column.source {
            Source::Number { .. } => scale_of(column).is_some(),
            Source::Member { .. } => column.affine() == Some((1.0, 0.0)),
            _ => false,
        };
        if !holds {
            return Err("it reads a column whose arithmetic no encoder holds");
        }
    }
    Ok(encoders(columns, true))
}

/// The encoders of the columns, with their arithmetic where it is asked for.
pub(super) fn encoders(columns: &[Column], scaled: bool) -> Vec<Encoder> {
    let mut encoders: Vec<Encoder> = Vec::new();
    for column in columns {
        match &column.source {
            Source::Number {
                input,
                impute,
                log1p,
                center,
                scale,
            } => {
                let (factor, sum) = scale_of(column).filter(|_| scaled).unwrap_or((1.0, 0.0));
                encoders.push(Encoder::Numeric {
                    input: *input,
                    impute: *impute,
                    log1p: *log1p,
                    // a sum makes 0 of -0
                    center: center - sum / factor * scale + 0.0,
                    scale: scale / factor,
                });
            }
            Source::Member { input, category } => {
                if let Some(Encoder::OneHot {
                    input: last,
                    categories,
                }) = encoders.last_mut()
                    && last == input
                    && !categories.iter().any(|c| **c == **category)
                {
                    categories.push(category.to_string());
                } else {
                    encoders.push(Encoder::OneHot {
                        input: *input,
                        categories: vec![category.to_string()],
                    });
                }
            }
            Source::Position {
                input, categories, ..
            } => encoders.push(Encoder::Ordinal {
                input: *input,
                categories: Vec::clone(categories),
            }),
            Source::Text { .. } | Source::Constant(_) | Source::Last(_) => {}
        }
    }
    encoders
}

/// The factor and summand of a number that an encoder can hold.
pub(super) fn scale_of(column: &Column) -> Option<(f64, f64)> {
    let (factor, sum) = column.affine()?;
    let holds = factor > 0.0 && factor.recip().is_normal() && (sum / factor).is_finite();
    holds.then_some((factor, sum))
}
