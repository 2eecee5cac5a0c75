//! Constants of a graph: numbers or texts, with their shape.

use crate::onnx::proto::{BOOL, DOUBLE, FLOAT, INT32, INT64, STRING, Tensor, UINT8};

/// A constant, its numbers in double precision whatever they were.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Constant {
    pub(super) dims: Vec<usize>,
    pub(super) data: Data,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

impl Constant {
    /// # Errors
    /// What does not fit: a type that is not read, or a shape that is not the data's.
    pub(super) fn read(tensor: &Tensor) -> Result<Self, String> {
        let mut dims = Vec::with_capacity(tensor.dims.len());
        let mut size = 1_usize;
        for dim in &tensor.dims {
            let dim = usize::try_from(*dim).map_err(|_| format!("it has a side of {dim}"))?;
            size = size
                .checked_mul(dim)
                .ok_or("its sides are too long together")?;
            dims.push(dim);
        }
        let data = read(tensor)?;
        let length = match &data {
            Data::Numbers(numbers) => numbers.len(),
            Data::Texts(texts) => texts.len(),
        };
        if length != size {
            return Err(format!("it holds {length} values, its shape {size}"));
        }
        Ok(Self { dims, data })
    }

    /// The numbers, if it holds numbers.
    pub(super) fn numbers(&self) -> Option<&[f64]> {
        match &self.data {
            Data::Numbers(numbers) => Some(numbers),
            Data::Texts(_) => None,
        }
    }

    pub(super) fn len(&self) -> usize {
        match &self.data {
            Data::Numbers(numbers) => numbers.len(),
            Data::Texts(texts) => texts.len(),
        }
    }

    /// The numbers as one row of that width, or one number for all: what is added to every row of a matrix.
    pub(super) fn row(&self, width: usize) -> Option<Vec<f64>> {
        let numbers = self.numbers()?;
        // a column of numbers would make more rows
        let rows = self.dims.iter().rev().skip(1).product::<usize>();
        match numbers {
            [one] => Some(vec![*one; width]),
            row if row.len() == width && rows == 1 => Some(row.to_vec()),
            _ => None,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "positions and sizes are far smaller"
)]
fn read(tensor: &Tensor) -> Result<Data, String> {
    let kind = tensor.data_type.unwrap_or_default();
    let raw = tensor.raw_data.as_deref().filter(|raw| !raw.is_empty());
    let numbers = match (kind, raw) {
        (STRING, _) => return texts(&tensor.string_data).map(Data::Texts),
        (FLOAT, None) => tensor.float_data.iter().map(|x| f64::from(*x)).collect(),
        (FLOAT, Some(raw)) => chunks(raw, |x| f64::from(f32::from_le_bytes(x)))?,
        (DOUBLE, None) => tensor.double_data.clone(),
        (DOUBLE, Some(raw)) => chunks(raw, f64::from_le_bytes)?,
        (INT64, None) => tensor.int64_data.iter().map(|x| *x as f64).collect(),
        (INT64, Some(raw)) => chunks(raw, |x| i64::from_le_bytes(x) as f64)?,
        (INT32 | BOOL | UINT8, None) => tensor.int32_data.iter().map(|x| f64::from(*x)).collect(),
        (INT32, Some(raw)) => chunks(raw, |x| f64::from(i32::from_le_bytes(x)))?,
        (BOOL | UINT8, Some(raw)) => raw.iter().map(|x| f64::from(*x)).collect(),
        (other, _) => return Err(format!("it holds values of type {other}")),
    };
    Ok(Data::Numbers(numbers))
}

fn chunks<const N: usize>(raw: &[u8], read: impl Fn([u8; N]) -> f64) -> Result<Vec<f64>, String> {
    let chunks = raw.chunks_exact(N);
    if !chunks.remainder().is_empty() {
        return Err("its bytes end in the middle of a number".into());
    }
    Ok(chunks
        .map(|chunk| read(chunk.try_into().expect("the chunk's length")))
        .collect())
}

/// Bytes as texts.
pub(super) fn texts(bytes: &[Vec<u8>]) -> Result<Vec<String>, String> {
    let texts = bytes.iter().map(|text| {
        String::from_utf8(text.clone()).map_err(|_| "a text of it is not UTF-8".to_owned())
    });
    texts.collect()
}
