//! Keys and codes of columns of any type, for uniqueness, sets, frequencies and lookups.

use arrow::{
    array::{Array, ArrayRef},
    buffer::BooleanBuffer,
    datatypes::{DataType, TimeUnit},
    row::{RowConverter, Rows, SortField},
};

use super::{
    intern::{Distinct, KeySet, intern, text_key},
    live::Live,
    seen::Seen,
    values::{Real, Text, Values, each_text, each_whole},
};
use crate::{Error, Result};

/// How many texts are looked at to see whether they repeat.
const SAMPLE: usize = 4_096;

/// The distinct values of a column; nulls have none.
pub(super) fn distinct(array: &ArrayRef) -> Result<Distinct> {
    let rows = array.len();
    let live = Live::new(rows, None).with_values(array);
    if let Values::Text(texts) = Values::of(array)? {
        return Ok(each_text!(&texts, texts => intern(
            rows,
            live_rows(&live).iter().copied(),
            |row| text_key(texts.value(row)).0,
            |a, b| same_text(texts.value(a), texts.value(b)),
            |row| texts.value(row),
        )));
    }
    if let Some(keys) = keys(array)? {
        let same = |_, _| true;
        let live = live_rows(&live);
        return Ok(intern(
            rows,
            live.iter().copied(),
            |row| keys[row],
            same,
            |row| keys[row],
        ));
    }
    let content = content(std::slice::from_ref(array))?;
    // the content of a row has no short key; the tree needs none
    let key = |row: usize| hash_of(content.row(row).as_ref());
    let same = |a: usize, b: usize| content.row(a) == content.row(b);
    let live = live_rows(&live);
    Ok(intern(rows, live.iter().copied(), key, same, |row| {
        content.row(row)
    }))
}

/// Whether texts of one key are equal.
fn same_text(a: &str, b: &str) -> bool {
    // a short text is its own key
    b.len() < 8 || a == b
}

fn live_rows(live: &Live) -> Vec<u32> {
    live.rows().collect()
}

/// A key for each row that is equal exactly where the values are, unless the type has no such key.
///
/// Zero is one value whatever its sign, and NaN is one value.
pub(super) fn keys(array: &ArrayRef) -> Result<Option<Vec<u64>>> {
    Ok(match Values::of(array)? {
        // a decimal that was rounded to a float is not its own key
        Values::Real(_) if array.data_type().is_decimal() => None,
        Values::Bool(bits) => Some(bits.iter().map(u64::from).collect()),
        Values::Whole(whole) => Some(each_whole!(&whole, values => {
            values.iter().map(|v| whole_key((*v).into())).collect()
        })),
        Values::Real(Real::F32(values)) => {
            Some(values.iter().map(|v| float_key(f64::from(*v))).collect())
        }
        Values::Real(Real::F64(values)) => Some(values.iter().map(|v| float_key(*v)).collect()),
        Values::Time(micros) if !is_scaled(array) => {
            Some(micros.iter().map(|v| whole_key((*v).into())).collect())
        }
        _ => None,
    })
}

/// Whether instants were cut or clamped on the way to microseconds.
fn is_scaled(array: &ArrayRef) -> bool {
    match array.data_type() {
        DataType::Timestamp(unit, _) => *unit != TimeUnit::Microsecond,
        data_type => *data_type == DataType::Date64,
    }
}

/// The low 64 bits, which tell whole numbers of one column apart, with the sign turned so that order is kept.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the low bits are meant"
)]
pub(super) fn whole_key(value: i128) -> u64 {
    value as u64 ^ 1 << 63
}

/// The bits of a float, the same for both zeros and for every NaN.
pub(super) fn float_key(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        // adding zero makes a negative zero positive
        (value + 0.0).to_bits()
    }
}

/// The content of rows as bytes that are equal where the rows are.
pub(super) fn content(arrays: &[ArrayRef]) -> Result<Rows> {
    let compare = "compare the rows of a table";
    let fields = arrays.iter().map(|a| SortField::new(a.data_type().clone()));
    let converter = RowConverter::new(fields.collect()).map_err(Error::arrow(compare))?;
    converter
        .convert_columns(arrays)
        .map_err(Error::arrow(compare))
}

fn hash_of(bytes: &[u8]) -> u64 {
    let words = bytes.chunks(8).map(|chunk| {
        chunk
            .iter()
            .fold(0_u64, |word, byte| word << 8 | u64::from(*byte))
    });
    words.fold(bytes.len() as u64, |hash, word| {
        (hash.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    })
}

/// Whether texts repeat so often that it pays to find the distinct ones first, by a sample spread over the rows.
///
/// Of `d` distinct values a sample of `m` repeats about `m² / 2d`; up to an eighth of the rows it pays.
pub(super) fn is_repetitive(texts: &Text, rows: usize) -> bool {
    let step = rows.div_ceil(SAMPLE).max(1);
    let mut set = KeySet::new();
    let (mut seen, mut repeats) = (0, 0);
    for row in (0..rows).step_by(step) {
        seen += 1;
        repeats += usize::from(!set.insert_text(texts.value(row)));
    }
    let needed = (4 * seen * seen / rows.max(1)).clamp(8, (seen / 2).max(8));
    repeats >= needed
}

/// How often each distinct value appears in some rows, by code.
pub(super) fn counts(distinct: &Distinct, live: &Live) -> Vec<u64> {
    let mut counts = vec![0; distinct.len() + 1];
    live.each(&distinct.codes, |code| counts[code as usize] += 1);
    // rows that were left out are no value
    counts.pop();
    counts
}

/// The rows that repeat the key of an earlier one.
pub(super) fn repeats(keys: &[u64], live: &Live) -> Vec<u32> {
    let rows = live.rows().map(|row| keys[row as usize]);
    if rows.is_sorted_by(|a, b| a < b) {
        return Vec::new();
    }
    let (least, most, _) = live.extent(keys, u64::MAX, u64::MIN);
    let width = most.saturating_sub(least);
    if width / 64 <= keys.len() as u64 {
        let mut seen = vec![0_u64; usize::try_from(width / 64).unwrap_or_default() + 1];
        return live.bad_at(|row| {
            let at = keys[row] - least;
            let word = &mut seen[usize::try_from(at / 64).unwrap_or_default()];
            let bit = 1 << (at % 64);
            let new = *word & bit == 0;
            *word |= bit;
            new
        });
    }
    let mut seen = Seen::with_capacity(live.count());
    live.bad_at(|row| seen.insert(keys[row]))
}

/// Whether any of the arrays has a value in a row.
pub(super) fn any_value(arrays: &[ArrayRef], rows: usize) -> Option<BooleanBuffer> {
    let mut some: Option<BooleanBuffer> = None;
    for array in arrays {
        let nulls = array.logical_nulls().filter(|n| n.null_count() > 0)?;
        let valid = nulls.into_inner();
        some = Some(match some {
            Some(some) => &some | &valid,
            None => valid,
        });
    }
    some.or_else(|| Some(BooleanBuffer::new_set(rows)))
}
