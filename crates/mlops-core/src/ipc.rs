//! Arrow streams as outside bytes: whatever they claim, reading them ends in a batch or an error.
//!
//! Arrow checks the content of every array and trusts the numbers around it. Its stream reader allocates what
//! a header claims before it reads it, a type that it does not know is a panic, and a column that stores
//! no data (nulls, runs, lists of nothing) may claim any number of rows. Therefore a stream is decoded out of
//! the bytes that are there, a panic is an error, and what comes out stays in proportion to the bytes.
//!
//! Crates that decode batches themselves, one by one, hold them to the same rules with [`guard`] and [`claim`].

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::{
    array::{Array, ArrayData, RecordBatch},
    buffer::Buffer,
    compute::concat_batches,
    datatypes::{DataType, SchemaRef},
    error::ArrowError,
    ipc::reader::StreamDecoder,
};

/// What a stream may claim for each of its bytes. A plain column claims one at most; several columns may share
/// one dictionary.
const CLAIM_PER_BYTE: usize = 16;
/// What any stream may claim: eight million rows of nulls take no byte at all.
const CLAIM_FREE: usize = 1 << 20;

/// Calls a decoder of Arrow IPC; a panic of it is an error.
///
/// After an error the decoder must not be asked again: a panic may have left it half way.
///
/// # Errors
/// Those of the call, [`ArrowError::IpcError`] with the text of a panic.
pub fn guard<T>(call: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ArrowError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("the decoder gave up");
        Err(ArrowError::IpcError(text.to_owned()))
    })
}

/// What the columns of a batch take in bytes if nothing in them is shared, dictionaries left out.
///
/// # Complexity
/// Linear in the number of columns, whatever the number of rows.
pub fn claim(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter().map(|c| column_claim(&c.to_data()));
    columns.fold(0, usize::saturating_add)
}

/// What all batches that are decoded out of so many bytes may claim together; honest ones stay far below.
pub fn claim_limit(bytes: usize) -> usize {
    bytes
        .saturating_mul(CLAIM_PER_BYTE)
        .saturating_add(CLAIM_FREE)
}

/// The schema of a stream and all of its rows.
pub(crate) fn read(bytes: &[u8]) -> Result<(SchemaRef, RecordBatch), ArrowError> {
    guard(|| decode(bytes))
}

fn decode(bytes: &[u8]) -> Result<(SchemaRef, RecordBatch), ArrowError> {
    let limit = claim_limit(bytes.len());
    let mut rest = Buffer::from(bytes);
    let mut decoder = StreamDecoder::new();
    let (mut batches, mut claimed) = (Vec::new(), 0_usize);
    while let Some(batch) = decoder.decode(&mut rest)? {
        claimed = claimed.saturating_add(claim(&batch));
        if claimed > limit {
            return Err(ArrowError::IpcError(format!(
                "{} bytes claim columns of {claimed}",
                bytes.len()
            )));
        }
        batches.push(batch);
    }
    decoder.finish()?;
    let schema = decoder
        .schema()
        .ok_or_else(|| ArrowError::IpcError("it has no schema".to_owned()))?;
    let batch = concat_batches(&schema, &batches)?;
    if batches.is_empty() {
        // no array was checked, and a type can be wrong by itself
        let mut columns = batch.columns().iter();
        columns.try_for_each(|column| column.to_data().validate_full())?;
    }
    Ok((schema, batch))
}

/// What a column takes in bytes if nothing in it is shared: a bit for each value, and what is stored.
/// Dictionaries are left out, because batches share them.
fn column_claim(data: &ArrayData) -> usize {
    let stored = data.buffers().iter().map(Buffer::len);
    let children: &[ArrayData] = match data.data_type() {
        DataType::Dictionary(..) => &[],
        _ => data.child_data(),
    };
    stored
        .chain(children.iter().map(column_claim))
        .fold(data.len() / 8, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{
            ArrayRef, DictionaryArray, FixedSizeListArray, Int64Array, ListArray, NullArray,
            StringArray,
        },
        datatypes::{Field, Int8Type, Schema},
        ipc::writer::StreamWriter,
    };

    use super::*;

    fn stream(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer = StreamWriter::try_new(Vec::new(), batch.schema_ref()).unwrap();
        writer.write(&batch).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    }

    fn mixed() -> Vec<u8> {
        let words: DictionaryArray<Int8Type> = ["a", "b", "a"].into_iter().collect();
        let lists = [Some(vec![Some(1)]), None, Some(vec![])];
        stream(vec![
            ("number", Arc::new(Int64Array::from(vec![1, 2, 3]))),
            (
                "text",
                Arc::new(StringArray::from(vec![Some("x"), None, Some("y")])),
            ),
            ("word", Arc::new(words)),
            (
                "list",
                Arc::new(ListArray::from_iter_primitive::<Int8Type, _, _>(lists)),
            ),
            ("null", Arc::new(NullArray::new(3))),
        ])
    }

    #[test]
    fn the_batches_of_a_stream_become_one() {
        let (schema, batch) = read(&mixed()).unwrap();
        assert_eq!((schema.fields().len(), batch.num_rows()), (5, 6));
    }

    #[test]
    fn no_changed_byte_and_no_cut_brings_the_reader_down() {
        let good = mixed();
        for at in 0..good.len() {
            let _ = read(&good[..at]);
            for value in [0, 1, 0x7f, 0x80, 0xff, good[at] ^ 4] {
                let mut bad = good.clone();
                bad[at] = value;
                let _ = read(&bad);
            }
        }
    }

    #[test]
    fn a_length_in_a_header_is_not_believed() {
        let head = [[0xff; 4], i32::MAX.to_le_bytes()].concat();
        assert!(read(&head).is_err());
        let good = stream(vec![("number", Arc::new(Int64Array::from(vec![7; 100])))]);
        // the body holds 800 bytes of numbers, padded to a multiple of 64
        let body = 832_i64.to_le_bytes();
        let at: Vec<usize> = (0..good.len() - 8)
            .filter(|at| good[*at..*at + 8] == body)
            .collect();
        assert_eq!(at.len(), 2);
        for length in [1 << 40, i64::MAX, -1] {
            let mut bad = good.clone();
            bad[at[1]..at[1] + 8].copy_from_slice(&i64::to_le_bytes(length));
            assert!(read(&bad).is_err());
        }
    }

    #[test]
    fn a_stream_without_rows_is_held_to_its_types() {
        let stream = |size: i32| {
            let item = Arc::new(Field::new_list_field(DataType::Int8, true));
            let list = DataType::FixedSizeList(item, size);
            let schema = Schema::new(vec![Field::new("list", list, true)]);
            let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
            writer.finish().unwrap();
            writer.into_inner().unwrap()
        };
        assert_eq!(read(&stream(2)).unwrap().1.num_rows(), 0);
        assert!(read(&stream(-2)).is_err());
    }

    #[test]
    fn rows_without_data_are_bounded() {
        let nulls = |rows: usize| -> Vec<(&'static str, ArrayRef)> {
            vec![("null", Arc::new(NullArray::new(rows)))]
        };
        assert_eq!(read(&stream(nulls(1_000))).unwrap().1.num_rows(), 2_000);
        assert!(read(&stream(nulls(1 << 40))).is_err());
        let item = Arc::new(Field::new_list_field(DataType::Null, true));
        let values = Arc::new(NullArray::new(1 << 30));
        let list: ArrayRef = Arc::new(FixedSizeListArray::new(item, 1 << 29, values, None));
        let error = read(&stream(vec![("list", list)])).unwrap_err();
        assert!(error.to_string().contains("bytes claim columns"), "{error}");
    }
}
