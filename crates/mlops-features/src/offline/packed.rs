//! Columns as packed bytes, without their types: a record of the push log has those from the layout that it names.
//!
//! ```text
//! column: nulls u8 (0 none, 1 some) · with some, a bit a row: whether it is there
//!         truth values: a bit a row
//!         texts and bytes: lengths u32 × rows, then all of them one after the other
//!         all else: the values, as wide as they are
//! ```
//!
//! Numbers are little-endian and bits count from the lowest. What stands under a null is 0 or empty. The reader
//! checks each length against the bytes that are there before anything is allocated.

use arrow::{
    array::{Array, ArrayData, ArrayRef, AsArray, make_array},
    buffer::{BooleanBuffer, Buffer, NullBuffer},
    datatypes::DataType,
    downcast_primitive_array,
};

/// Appends a column; `false`, and nothing of use, if its type has no packed form.
pub(super) fn write(array: &dyn Array, out: &mut Vec<u8>) -> bool {
    if cfg!(target_endian = "big") {
        return false;
    }
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
    out.push(nulls.is_some().into());
    if let Some(nulls) = nulls {
        bits(nulls.iter(), out);
    }
    downcast_primitive_array! {
        array => numbers(array.values().inner(), array.len(), nulls, out),
        DataType::Boolean => {
            let values = array.as_boolean().values().iter().enumerate();
            let is_valid = |row| nulls.is_none_or(|nulls| nulls.is_valid(row));
            bits(values.map(|(row, value)| value && is_valid(row)), out);
        }
        DataType::FixedSizeBinary(_) => {
            numbers(array.as_fixed_size_binary().value_data(), array.len(), nulls, out);
        }
        DataType::Utf8 => texts(array.as_string::<i32>().iter().map(|text| text.map(str::as_bytes)), out),
        DataType::Binary => texts(array.as_binary::<i32>().iter(), out),
        _ => return false,
    }
    true
}

fn bits(values: impl Iterator<Item = bool>, out: &mut Vec<u8>) {
    for (row, value) in values.enumerate() {
        if row % 8 == 0 {
            out.push(0);
        }
        if let Some(last) = out.last_mut() {
            *last |= u8::from(value) << (row % 8);
        }
    }
}

fn numbers(values: &[u8], rows: usize, nulls: Option<&NullBuffer>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(values);
    let Some(nulls) = nulls else { return };
    let width = values.len() / rows.max(1);
    for row in (0..rows).filter(|row| nulls.is_null(*row)) {
        out[start + row * width..][..width].fill(0);
    }
}

fn texts<'a>(texts: impl Iterator<Item = Option<&'a [u8]>> + Clone, out: &mut Vec<u8>) {
    for text in texts.clone() {
        let length = text.map_or(0, <[u8]>::len);
        let length = u32::try_from(length).expect("a column of texts has less than 2 GiB");
        out.extend_from_slice(&length.to_le_bytes());
    }
    texts.flatten().for_each(|text| out.extend_from_slice(text));
}

/// Bytes that are read from the front; they may come from anywhere.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    /// A column of so many rows; nothing if the bytes are no such column.
    pub(super) fn column(&mut self, kind: &DataType, rows: usize) -> Option<ArrayRef> {
        if cfg!(target_endian = "big") {
            return None;
        }
        let nulls = match self.array()? {
            [0] => None,
            [1] => {
                let valid = self.take(rows.div_ceil(8))?;
                Some(NullBuffer::new(BooleanBuffer::new(valid.into(), 0, rows)))
            }
            _ => return None,
        };
        let data = ArrayData::builder(kind.clone()).len(rows).nulls(nulls);
        let data = match kind {
            DataType::Boolean => data.add_buffer(self.take(rows.div_ceil(8))?.into()),
            DataType::Utf8 | DataType::Binary => {
                let (lengths, _) = self.take(rows.checked_mul(4)?)?.as_chunks();
                let mut end = 0_i32;
                let mut offsets = Vec::with_capacity(rows + 1);
                offsets.push(end);
                for length in lengths {
                    let length = i32::try_from(u32::from_le_bytes(*length)).ok()?;
                    end = end.checked_add(length)?;
                    offsets.push(end);
                }
                let bytes = self.take(usize::try_from(end).ok()?)?;
                data.add_buffer(Buffer::from_vec(offsets))
                    .add_buffer(bytes.into())
            }
            DataType::FixedSizeBinary(width) => {
                let width = usize::try_from(*width).ok()?;
                data.add_buffer(self.take(rows.checked_mul(width)?)?.into())
            }
            number => {
                let width = number.primitive_width()?;
                data.add_buffer(self.take(rows.checked_mul(width)?)?.into())
            }
        };
        Some(make_array(data.build().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray,
        Float64Array, Int8Array, ListArray, StringArray, TimestampMicrosecondArray,
    };
    use proptest::prelude::*;

    use super::*;

    fn columns(values: &[Option<i64>]) -> Vec<ArrayRef> {
        let each = || values.iter().copied();
        let text = |v: i64| "é".repeat(usize::from(v.to_le_bytes()[0] & 3)) + &v.to_string();
        let bytes: Vec<Option<[u8; 8]>> = each().map(|v| v.map(i64::to_le_bytes)).collect();
        let decimals = each()
            .map(|v| v.map(|v| i128::from(v >> 8)))
            .collect::<Decimal128Array>();
        vec![
            Arc::new(
                each()
                    .map(|v| v.map(|v| v & 1 == 1))
                    .collect::<BooleanArray>(),
            ),
            Arc::new(
                each()
                    .map(|v| v.map(|v| v.to_le_bytes()[0].cast_signed()))
                    .collect::<Int8Array>(),
            ),
            Arc::new(
                each()
                    .map(|v| v.map(|v| f64::from_bits(v.cast_unsigned())))
                    .collect::<Float64Array>(),
            ),
            Arc::new(
                each()
                    .map(|v| v.map(|v| i32::try_from(v >> 33).unwrap()))
                    .collect::<Date32Array>(),
            ),
            Arc::new(
                each()
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
            Arc::new(decimals.with_precision_and_scale(20, 3).unwrap()),
            Arc::new(each().map(|v| v.map(text)).collect::<StringArray>()),
            Arc::new(
                bytes
                    .iter()
                    .map(|v| v.map(|v| v[..3].to_vec()))
                    .collect::<BinaryArray>(),
            ),
            Arc::new(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes.into_iter(), 8).unwrap(),
            ),
        ]
    }

    proptest! {
        #[test]
        fn a_column_comes_back_from_its_bytes_and_no_cut_of_them_is_one(
            values in prop::collection::vec(prop::option::weighted(0.8, any::<i64>()), 0..20),
            from in 0_usize..4,
        ) {
            for column in columns(&values) {
                let column = column.slice(from.min(column.len()), column.len().saturating_sub(from));
                let mut bytes = Vec::new();
                prop_assert!(write(&column, &mut bytes));
                let mut reader = Reader(&bytes);
                let back = reader.column(column.data_type(), column.len());
                prop_assert_eq!(back.map(|back| back.to_data()), Some(column.to_data()));
                prop_assert!(reader.0.is_empty());
                let cut = Reader(&bytes[..bytes.len() - 1]).column(column.data_type(), column.len());
                prop_assert!(cut.is_none() || column.is_empty());
            }
        }

        #[test]
        fn no_bytes_bring_the_reader_down(
            bytes in prop::collection::vec(any::<u8>(), 0..64),
            rows in prop_oneof![0_usize..9, Just(usize::MAX), Just(1 << 32)],
        ) {
            for column in columns(&[]) {
                let found = Reader(&bytes).column(column.data_type(), rows);
                prop_assert!(found.is_none_or(|found| found.len() == rows));
            }
        }
    }

    #[test]
    fn a_column_of_another_kind_has_no_packed_form() {
        let kind = DataType::new_list(DataType::Int64, true);
        let list = ListArray::from(ArrayData::new_empty(&kind));
        assert!(!write(&list, &mut Vec::new()));
    }
}
