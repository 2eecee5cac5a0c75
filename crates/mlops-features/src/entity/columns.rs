//! Key columns of any width and encoding, read row by row without an allocation a row.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Date32Array, FixedSizeBinaryArray,
        FixedSizeBinaryBuilder, Int64Array, StringViewArray,
    },
    compute,
    datatypes::{DataType, Date32Type, Int64Type, UInt64Type},
};
use mlops_core::{Date, EntityKey, KeyPart, Uuid};

use super::KeyType;
use crate::{Error, Result};

// What begins each part of an encoded key.
const BOOL: u8 = 0;
const INT: u8 = 1;
const STR: u8 = 2;
const UUID: u8 = 3;
const DATE: u8 = 4;

/// The key columns of some rows, in one form for each type.
#[derive(Debug)]
pub(crate) struct KeyColumns {
    columns: Vec<KeyColumn>,
}

#[derive(Debug)]
enum KeyColumn {
    Bool(BooleanArray),
    Int(Int64Array),
    Str(StringViewArray),
    Uuid(FixedSizeBinaryArray),
    Date(Date32Array),
}

impl KeyColumns {
    /// Takes columns that [`KeyType::reads`] allows.
    ///
    /// # Errors
    /// [`mlops_core::Error::Unrepresentable`] with column and row of a number past 63 bits, a day past the year
    /// 9999, or a text that is no UUID.
    pub(crate) fn new(types: &[KeyType], names: &[&str], arrays: &[ArrayRef]) -> Result<Self> {
        let columns = types.iter().zip(names).zip(arrays);
        let columns = columns.map(|((kind, name), array)| KeyColumn::new(*kind, name, array));
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
        })
    }

    /// The column, if it is one of whole numbers.
    pub(crate) fn whole(&self) -> Option<&Int64Array> {
        match self.columns.as_slice() {
            [KeyColumn::Int(column)] => Some(column),
            _ => None,
        }
    }

    /// Whether no part of any row is null.
    pub(crate) fn is_complete(&self) -> bool {
        self.columns.iter().all(|c| c.array().null_count() == 0)
    }

    /// Whether all parts of a row are there.
    pub(crate) fn is_valid(&self, row: usize) -> bool {
        self.columns.iter().all(|c| c.array().is_valid(row))
    }

    /// Appends the encoded key of a row that is valid: no two keys share their bytes.
    pub(crate) fn encode(&self, row: usize, out: &mut Vec<u8>) {
        for column in &self.columns {
            match column {
                KeyColumn::Bool(values) => put(out, BOOL, &[u8::from(values.value(row))]),
                KeyColumn::Int(values) => put(out, INT, &values.value(row).to_be_bytes()),
                KeyColumn::Str(values) => put_text(out, values.value(row)),
                KeyColumn::Uuid(values) => put(out, UUID, values.value(row)),
                KeyColumn::Date(values) => put(out, DATE, &values.value(row).to_be_bytes()),
            }
        }
    }
}

impl KeyColumn {
    fn new(kind: KeyType, name: &str, array: &ArrayRef) -> Result<Self> {
        let lost = |row, reason| {
            Error::Core(mlops_core::Error::Unrepresentable {
                column: name.to_owned(),
                row,
                reason,
            })
        };
        let cast = |to: &DataType| {
            if array.data_type() == to {
                return Ok(Arc::clone(array));
            }
            compute::cast(array, to).map_err(Error::arrow("read a key column"))
        };
        Ok(match kind {
            KeyType::Bool => Self::Bool(array.as_boolean().clone()),
            KeyType::Int => {
                if let Some(wide) = array.as_primitive_opt::<UInt64Type>()
                    && let Some(row) = (0..wide.len())
                        .find(|row| wide.is_valid(*row) && i64::try_from(wide.value(*row)).is_err())
                {
                    return Err(lost(row, "it does not fit 64 bits with a sign"));
                }
                Self::Int(cast(&DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            KeyType::Str => Self::Str(cast(&DataType::Utf8View)?.as_string_view().clone()),
            KeyType::Uuid if array.data_type().is_string() => Self::Uuid(uuids(name, array)?),
            KeyType::Uuid => Self::Uuid(array.as_fixed_size_binary().clone()),
            KeyType::Date => {
                let days = array.as_primitive::<Date32Type>();
                let far = |row: &usize| {
                    days.is_valid(*row) && Date::from_days(days.value(*row)).is_none()
                };
                if let Some(row) = (0..days.len()).find(far) {
                    return Err(lost(row, "it lies outside the years -9999 to 9999"));
                }
                Self::Date(days.clone())
            }
        })
    }

    fn array(&self) -> &dyn Array {
        match self {
            Self::Bool(array) => array,
            Self::Int(array) => array,
            Self::Str(array) => array,
            Self::Uuid(array) => array,
            Self::Date(array) => array,
        }
    }
}

/// A column of UUIDs out of their texts.
pub(crate) fn uuids(name: &str, array: &ArrayRef) -> Result<FixedSizeBinaryArray> {
    let texts = compute::cast(array, &DataType::Utf8View);
    let texts = texts.map_err(Error::arrow("read a column of UUIDs"))?;
    let mut ids = FixedSizeBinaryBuilder::with_capacity(texts.len(), 16);
    for (row, text) in texts.as_string_view().iter().enumerate() {
        let Some(text) = text else {
            ids.append_null();
            continue;
        };
        let id = Uuid::parse(text).map_err(|_| mlops_core::Error::Unrepresentable {
            column: name.to_owned(),
            row,
            reason: "it is no UUID",
        })?;
        ids.append_value(id.as_bytes()).expect("16 bytes");
    }
    Ok(ids.finish())
}

fn put(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, STR, &(text.len() as u64).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Appends the bytes that [`KeyColumns::encode`] gives for a key.
pub(crate) fn encode(key: &EntityKey, out: &mut Vec<u8>) {
    for part in key.parts() {
        match part {
            KeyPart::Bool(value) => put(out, BOOL, &[u8::from(*value)]),
            KeyPart::Int(value) => put(out, INT, &value.to_be_bytes()),
            KeyPart::Str(text) => put_text(out, text),
            KeyPart::Uuid(id) => put(out, UUID, id.as_bytes()),
            KeyPart::Date(day) => put(out, DATE, &day.days().to_be_bytes()),
        }
    }
}

/// The key of the bytes that [`encode`] wrote.
pub(crate) fn decode(mut bytes: &[u8]) -> EntityKey {
    let mut parts = Vec::new();
    while let Some((tag, rest)) = bytes.split_first() {
        bytes = rest;
        parts.push(match *tag {
            BOOL => KeyPart::Bool(take::<1>(&mut bytes) == [1]),
            INT => KeyPart::Int(i64::from_be_bytes(take(&mut bytes))),
            UUID => KeyPart::Uuid(Uuid::from_bytes(take(&mut bytes))),
            DATE => {
                let days = i32::from_be_bytes(take(&mut bytes));
                KeyPart::Date(Date::from_days(days).expect("it was a date"))
            }
            _ => {
                let len = u64::from_be_bytes(take(&mut bytes));
                let len = usize::try_from(len).expect("it was in memory");
                let (text, rest) = bytes.split_at(len);
                bytes = rest;
                KeyPart::Str(String::from_utf8(text.to_vec()).expect("it was a text"))
            }
        });
    }
    EntityKey::new(parts)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (head, rest) = bytes.split_first_chunk().expect("`encode` wrote it whole");
    *bytes = rest;
    *head
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part() -> impl Strategy<Value = KeyPart> {
        prop_oneof![
            any::<bool>().prop_map(KeyPart::from),
            any::<i64>().prop_map(KeyPart::from),
            ".{0,4}".prop_map(KeyPart::from),
            any::<[u8; 16]>().prop_map(|b| Uuid::from_bytes(b).into()),
            (-1000..1000).prop_map(|days| Date::from_days(days).unwrap().into()),
        ]
    }

    proptest! {
        #[test]
        fn a_key_survives_its_bytes_and_shares_them_with_none(
            a in proptest::collection::vec(part(), 0..4),
            b in proptest::collection::vec(part(), 0..4),
        ) {
            let bytes = |parts: &[KeyPart]| {
                let mut bytes = Vec::new();
                encode(&EntityKey::new(parts.iter().cloned()), &mut bytes);
                bytes
            };
            prop_assert_eq!(decode(&bytes(&a)), EntityKey::new(a.iter().cloned()));
            prop_assert_eq!(bytes(&a) == bytes(&b), a == b);
        }
    }
}
