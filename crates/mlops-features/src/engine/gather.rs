//! The columns of the output, a run of rows at a time.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, TimestampMicrosecondArray, TimestampNanosecondArray, new_empty_array,
        new_null_array,
    },
    compute::{CastOptions, cast_with_options, concat, interleave, take},
    datatypes::{DataType, TimeUnit},
};

use super::{cells::Origin, input::Input, time::Precision, view_pass::Answer};
use crate::{Error, Result};

/// The values of a feature in the rows that won.
#[derive(Debug)]
pub(super) enum Values {
    /// In one piece.
    Flat(ArrayRef),
    /// In pieces, because together they would not fit one array; the last is one null.
    Pieces {
        pieces: Vec<ArrayRef>,
        starts: Vec<u32>,
    },
}

/// What one array of texts may hold, with room to spare below 2 GiB.
const FLAT_BYTES: usize = 1 << 30;

impl Values {
    pub(super) fn new(pieces: Vec<ArrayRef>, data_type: &DataType) -> Result<Self> {
        let bytes: usize = pieces.iter().map(Array::get_array_memory_size).sum();
        if pieces.is_empty() {
            return Ok(Self::Flat(new_empty_array(data_type)));
        }
        if data_type.is_primitive() || bytes < FLAT_BYTES {
            let all: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
            return concat(&all)
                .map(Self::Flat)
                .map_err(Error::arrow("join the values of a feature"));
        }
        let mut pieces = pieces;
        let mut starts = vec![0_u32];
        for piece in &pieces {
            let next = starts[starts.len() - 1] as usize + piece.len();
            starts.push(u32::try_from(next).expect("winners are fewer than spine rows"));
        }
        pieces.push(new_null_array(data_type, 1));
        Ok(Self::Pieces { pieces, starts })
    }

    /// The values for a run of spine rows.
    pub(super) fn spread(&self, answer: &Answer, first: usize, rows: usize) -> Result<ArrayRef> {
        let picks = answer.picks.slice(first, rows);
        match self {
            Self::Flat(values) => {
                take(values, &picks, None).map_err(Error::arrow("spread a feature"))
            }
            Self::Pieces { pieces, starts } => {
                let all: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
                let at: Vec<(usize, usize)> = picks
                    .iter()
                    .map(|pick| {
                        let Some(pick) = pick else {
                            return (pieces.len() - 1, 0);
                        };
                        let piece = starts.partition_point(|start| *start <= pick) - 1;
                        (piece, (pick - starts[piece]) as usize)
                    })
                    .collect();
                interleave(&all, &at).map_err(Error::arrow("spread a feature"))
            }
        }
    }
}

/// A run of rows of a column of the spine.
///
/// # Errors
/// Those of reading it; [`Error::Changed`] if the file has other rows than before.
pub(super) fn spine_run(
    input: &dyn Input,
    column: usize,
    first: usize,
    rows: usize,
    to: &DataType,
) -> Result<ArrayRef> {
    let pieces = input.read(column, first as u64, rows)?;
    let found: usize = pieces.iter().map(Array::len).sum();
    if found != rows {
        return Err(Error::Changed {
            source_name: input.name().to_owned(),
        });
    }
    let whole = match &pieces[..] {
        [] => new_empty_array(input.fields()[column].data_type()),
        [one] => ArrayRef::clone(one),
        _ => {
            let all: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
            concat(&all).map_err(Error::arrow("join the rows of the spine"))?
        }
    };
    typed(&whole, to)
}

/// A column in the type that it has in the output: only texts of text files are ever changed.
pub(super) fn typed(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(ArrayRef::clone(array));
    }
    if let DataType::Timestamp(unit, zone) = to {
        let precision = Precision::of(to).expect("it is an instant");
        let origin = Origin {
            source: "a text file",
            column: "",
            first: 0,
        };
        let values = precision.instants(array, &origin)?;
        return Ok(if *unit == TimeUnit::Nanosecond {
            let values: TimestampNanosecondArray = values.reinterpret_cast();
            Arc::new(values.with_timezone_opt(zone.clone()))
        } else {
            let values: TimestampMicrosecondArray = values.reinterpret_cast();
            Arc::new(values.with_timezone_opt(zone.clone()))
        });
    }
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(array, to, &strict).map_err(Error::arrow("type the texts of a file"))
}
