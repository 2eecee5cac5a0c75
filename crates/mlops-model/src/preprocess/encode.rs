//! Encoding the cells of a row, and of a batch.
//!
//! Nearly all columns of nearly all models are numbers and categories, so these are encoded where the loop
//! stands; the rest has a function of its own, which keeps the loop small. A batch is encoded column by
//! column, a few rows at a time, so that what an encoder is has to be asked once and not for each row.

use super::{Encoder, Preprocess, category::Lookup, date, number};
use crate::cell::{Cell, Cells};

/// Rows that stay in the cache while all encoders pass over them.
const BLOCK: usize = 128;

impl Preprocess {
    /// Appends the encoded columns of a row, given its cells by input.
    pub(super) fn encode_cells<'a>(
        &self,
        encoded: &mut Vec<f64>,
        cell: impl Fn(usize) -> Cell<'a>,
    ) {
        for (encoder, lookup) in self.encoders.iter().zip(&self.lookups) {
            match encoder {
                Encoder::Numeric {
                    input,
                    impute,
                    log1p,
                    center,
                    scale,
                } => {
                    let mut x = number::number(cell(*input), *impute);
                    if *log1p {
                        x = number::log1p(x);
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
                rare => encode_rare(rare, lookup, encoded, &cell),
            }
        }
    }

    /// All encoded columns of a batch, row-major; each row is bit for bit that of
    /// [`Preprocess::encode_cells`].
    pub(super) fn encode_columns(&self, columns: &[Cells], rows: usize) -> Vec<f64> {
        let width = self.width;
        let mut values = vec![0.0; rows * width];
        let mut rare = Vec::new();
        for (block, values) in values.chunks_mut((BLOCK * width).max(1)).enumerate() {
            let first = block * BLOCK;
            let mut start = 0;
            for (encoder, lookup) in self.encoders.iter().zip(&self.lookups) {
                let from = start;
                start += encoder.width();
                let rows = values.chunks_exact_mut(width);
                let places = rows.map(move |row| &mut row[from..]);
                match encoder {
                    Encoder::Numeric {
                        input,
                        impute,
                        log1p,
                        center,
                        scale,
                    } => {
                        let encode = |mut x: f64| {
                            if *log1p {
                                x = number::log1p(x);
                            }
                            (x - center) / scale
                        };
                        let cells = &columns[*input];
                        if let Some(numbers) = cells.numbers() {
                            for (place, x) in places.zip(&numbers[first..]) {
                                let missing = impute.unwrap_or(f64::NAN);
                                place[0] = encode(if x.is_nan() { missing } else { *x });
                            }
                        } else {
                            for (place, row) in places.zip(first..) {
                                place[0] = encode(number::number(cells.get(row), *impute));
                            }
                        }
                    }
                    Encoder::OneHot { input, .. } => {
                        let cells = &columns[*input];
                        for (place, row) in places.zip(first..) {
                            if let Some(at) = lookup.find(cells.get(row)) {
                                place[at] = 1.0;
                            }
                        }
                    }
                    Encoder::Ordinal { input, .. } => {
                        let cells = &columns[*input];
                        for (place, row) in places.zip(first..) {
                            let at = lookup.find(cells.get(row));
                            place[0] = at.map_or(f64::NAN, |at| at as f64);
                        }
                    }
                    other => {
                        for (place, row) in places.zip(first..) {
                            rare.clear();
                            encode_rare(other, lookup, &mut rare, &|input: usize| {
                                columns[input].get(row)
                            });
                            place[..rare.len()].copy_from_slice(&rare);
                        }
                    }
                }
            }
        }
        values
    }
}

#[cold]
#[inline(never)]
fn encode_rare<'a>(
    encoder: &Encoder,
    lookup: &Lookup,
    encoded: &mut Vec<f64>,
    cell: &impl Fn(usize) -> Cell<'a>,
) {
    match encoder {
        Encoder::Target {
            input,
            values,
            prior,
            ..
        } => encoded.extend_from_slice(match lookup.find(cell(*input)) {
            Some(at) => &values[at * prior.len()..(at + 1) * prior.len()],
            None => prior,
        }),
        Encoder::Buckets { input, edges, form } => {
            number::buckets(cell(*input).number(), edges, *form, encoded);
        }
        Encoder::Transform {
            input,
            impute,
            steps,
        } => {
            let x = number::number(cell(*input), *impute);
            encoded.push(steps.iter().fold(x, |x, step| step.apply(x)));
        }
        Encoder::Product { factors } => {
            let values = factors
                .iter()
                .map(|factor| factor.value(cell(factor.input)));
            encoded.push(values.fold(1.0, |product, x| number::bounded(product * x)));
        }
        Encoder::Missing { input } => {
            let missing = match cell(*input) {
                Cell::Missing => true,
                Cell::Number(x) => x.is_nan(),
                Cell::Int(_) | Cell::Bool(_) | Cell::Text(_) | Cell::List(_) => false,
            };
            encoded.push(f64::from(u8::from(missing)));
        }
        Encoder::DateParts {
            input,
            unit,
            impute,
            parts,
        } => date::parts(cell(*input), *unit, *impute, parts, encoded),
        Encoder::Sequence {
            inputs,
            steps,
            scales,
        } => {
            let length = length(cell(encoder.input()));
            let kept = length.min(*steps);
            let end = encoded.len() + encoder.width();
            encoded.push(kept as f64);
            for step in length - kept..length {
                for (input, scale) in inputs.iter().zip(scales) {
                    let x = match cell(*input) {
                        Cell::List(list) => list.get(step).map_or(f64::NAN, Cell::number),
                        _ => f64::NAN,
                    };
                    encoded.push(scale.apply(x));
                }
            }
            encoded.resize(end, 0.0);
        }
        Encoder::Numeric { .. } | Encoder::OneHot { .. } | Encoder::Ordinal { .. } => {
            unreachable!("the loop encodes these itself")
        }
    }
}

/// The numbers of a list; 0 for what is none.
pub(super) fn length(cell: Cell<'_>) -> usize {
    match cell {
        Cell::List(list) => list.len(),
        _ => 0,
    }
}
