//! The bytes of a [`KeyState`]: one versioned, packed form for every backend.
//!
//! ```text
//! magic u8 = 0x6f · version u8 = 1 · digest of the view, first 8 bytes · flags u8 (1: created times)
//! stamp u64, a digest of what follows if there are tiles, 0 otherwise
//! rows u32 · fields u16 · horizon i64 · dropped i64
//! event times i64 × rows · created times i64 × rows, if flagged · ordinals u32 × rows
//! for each field: kind u8 (0 bool, 1 int, 2 float, 3 text; +128 with nulls)
//!                 · valid u8 × rows, with nulls
//!                 · values, u8 or i64 or f64 bits × rows; for texts: words u32, codes u32 × rows, lengths u32 × words, bytes
//! tilings u16, each: id u64 · tiles u32, each: number i64 · length u32 · partial aggregate
//! CRC-32 u32 of all that
//! ```
//!
//! Numbers are little-endian. The reader trusts nothing: each length is checked against the bytes that
//! are there before anything is allocated, so that a state takes at most a few times its bytes.

use std::{collections::BTreeMap, ops::Range};

use flate2::Crc;
use mlops_core::Digest;

use super::{
    state::KeyState,
    tiles::{TileSet, Tiling},
    words::Words,
};
use crate::{
    FeatureView, PartialAggregate,
    index::{Packed, PackedColumn},
};

const MAGIC: u8 = 0x6f;
const VERSION: u8 = 1;
const CREATED: u8 = 1;
const NULLS: u8 = 0x80;
const STAMP: Range<usize> = 11..19;

/// What is wrong with bytes; the caller knows view and key.
pub(crate) type Damage = String;

impl KeyState {
    /// The bytes of this state.
    pub(crate) fn encode(&self, view: &FeatureView, out: &mut Vec<u8>) {
        out.clear();
        let rows = self.ordinals.len();
        out.extend([MAGIC, VERSION]);
        out.extend(&view.digest().as_bytes()[..8]);
        out.push(if self.block.created.is_some() {
            CREATED
        } else {
            0
        });
        out.extend([0; 8]);
        out.extend(count(rows).to_le_bytes());
        out.extend(short(self.block.columns.len()).to_le_bytes());
        out.extend(self.horizon.to_le_bytes());
        out.extend(self.dropped.to_le_bytes());
        let times = self.block.times.iter();
        for time in times.chain(self.block.created.iter().flatten()) {
            out.extend(time.to_le_bytes());
        }
        for ordinal in &self.ordinals {
            out.extend(ordinal.to_le_bytes());
        }
        for (column, words) in self.block.columns.iter().zip(&self.words) {
            let kind = match &column.data {
                Packed::Bool(_) => 0,
                Packed::Int(_) => 1,
                Packed::Float(_) => 2,
                Packed::Code(_) => 3,
            };
            match &column.valid {
                Some(valid) => {
                    out.push(kind | NULLS);
                    out.extend(valid.iter().map(|valid| u8::from(*valid)));
                }
                None => out.push(kind),
            }
            match &column.data {
                Packed::Bool(values) => out.extend(values.iter().map(|value| u8::from(*value))),
                Packed::Int(values) => values.iter().for_each(|v| out.extend(v.to_le_bytes())),
                Packed::Float(values) => values
                    .iter()
                    .for_each(|v| out.extend(v.to_bits().to_le_bytes())),
                Packed::Code(codes) => {
                    out.extend(count(words.len()).to_le_bytes());
                    for code in codes {
                        out.extend(code.to_le_bytes());
                    }
                    let all = (0..count(words.len())).map(|code| words.get(code));
                    for word in all.clone() {
                        out.extend(count(word.len()).to_le_bytes());
                    }
                    all.for_each(|word| out.extend(word.as_bytes()));
                }
            }
        }
        out.extend(short(self.tiles.len()).to_le_bytes());
        for set in &self.tiles {
            out.extend(set.id.to_le_bytes());
            out.extend(count(set.tiles.len()).to_le_bytes());
            for (tile, partial) in &set.tiles {
                let bytes = partial.to_bytes();
                out.extend(tile.to_le_bytes());
                out.extend(count(bytes.len()).to_le_bytes());
                out.extend(bytes);
            }
        }
        if !self.tiles.is_empty() {
            let digest = Digest::of(&out[STAMP.end..]);
            out[STAMP].copy_from_slice(&digest.as_bytes()[..8]);
        }
        let mut crc = Crc::new();
        crc.update(out);
        out.extend(crc.sum().to_le_bytes());
    }

    /// Reads bytes into this state, whose buffers are reused.
    ///
    /// Partial aggregates of tilings that are not asked for are left out, and so is what a question does not
    /// see: its state has neither other fields nor other rows, and no ordinals.
    pub(crate) fn decode(
        &mut self,
        view: &FeatureView,
        tilings: &[Tiling],
        question: Option<&Question<'_>>,
        bytes: &[u8],
    ) -> Result<(), Damage> {
        let (body, sum) = bytes.split_last_chunk().ok_or("it is cut off")?;
        let mut crc = Crc::new();
        crc.update(body);
        if body.first() != Some(&MAGIC) {
            return Err("it is no online state".to_owned());
        }
        if crc.sum() != u32::from_le_bytes(*sum) {
            return Err("its checksum is wrong".to_owned());
        }
        let mut reader = Reader(body);
        let [_, version] = reader.array()?;
        if version != VERSION {
            return Err(format!("its version is {version}, this reads {VERSION}"));
        }
        if reader.array::<8>()? != view.digest().as_bytes()[..8] {
            return Err("it was written under another definition of the view".to_owned());
        }
        let [flags] = reader.array()?;
        if (flags == CREATED) != self.block.created.is_some() || flags > CREATED {
            return Err(format!("its flags are {flags:#x}"));
        }
        let _stamp: [u8; 8] = reader.array()?;
        let rows = u32::from_le_bytes(reader.array()?) as usize;
        let fields = usize::from(u16::from_le_bytes(reader.array()?));
        if fields != self.block.columns.len() {
            return Err(format!("it has {fields} fields"));
        }
        self.horizon = i64::from_le_bytes(reader.array()?);
        self.dropped = i64::from_le_bytes(reader.array()?);
        let times: &[[u8; 8]] = reader.chunks(rows)?;
        let range = question.map_or(0..rows, |question| question.rows(view, times));
        longs(&times[range.clone()], &mut self.block.times);
        if let Some(created) = &mut self.block.created {
            longs(&reader.chunks(rows)?[range.clone()], created);
        }
        let ordinals = reader.ints(rows)?;
        self.ordinals.clear();
        if question.is_none() {
            self.ordinals.extend(ordinals);
        }
        let columns = self.block.columns.iter_mut().zip(&mut self.words);
        for (field, (column, words)) in columns.enumerate() {
            if question.is_none_or(|question| question.fields[field]) {
                reader.column(rows, range.clone(), column, words)?;
            } else {
                reader.skip(rows, column, words)?;
            }
        }
        self.tiles.clear();
        for _ in 0..u16::from_le_bytes(reader.array()?) {
            self.tiles.extend(reader.tiles(tilings)?);
        }
        if reader.0.is_empty() {
            Ok(())
        } else {
            Err(format!("{} bytes are left over", reader.0.len()))
        }
    }
}

/// What a read of a state is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// The fields of the view that play a part.
    pub(crate) fields: &'a [bool],
    /// The instant that is asked about, and the tail of the longest window; none if any row may matter.
    pub(crate) span: Option<(i64, i64)>,
}

impl Question<'_> {
    /// The rows that the windows reach and the newest one, of times that rise.
    fn rows(&self, view: &FeatureView, times: &[[u8; 8]]) -> Range<usize> {
        let Some((at, tail)) = self.span else {
            return 0..times.len();
        };
        let seen = |from: i64| {
            let boundary = view.boundary();
            times.partition_point(|time| boundary.sees(i64::from_le_bytes(*time), from))
        };
        let upper = seen(at);
        seen(tail).min(upper.saturating_sub(1))..upper
    }
}

/// The mark of a state with tiles: states with equal marks are the same.
pub(crate) fn stamp(bytes: &[u8]) -> Option<u64> {
    let stamp = bytes.get(STAMP)?.first_chunk()?;
    Some(u64::from_le_bytes(*stamp)).filter(|stamp| *stamp != 0)
}

fn short(count: usize) -> u16 {
    u16::try_from(count).expect("a view has fewer than 2^16 fields and features")
}

fn count(count: usize) -> u32 {
    u32::try_from(count).expect("a key has fewer than 2^32 rows and bytes of text")
}

fn longs(bytes: &[[u8; 8]], out: &mut Vec<i64>) {
    out.clear();
    out.extend(bytes.iter().map(|b| i64::from_le_bytes(*b)));
}

fn bools(bytes: &[u8], out: &mut Vec<bool>) -> Result<(), Damage> {
    if bytes.iter().any(|byte| *byte > 1) {
        return Err("a truth value is neither 0 nor 1".to_owned());
    }
    out.clear();
    out.extend(bytes.iter().map(|byte| *byte == 1));
    Ok(())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Damage> {
        let split = self.0.split_at_checked(length);
        let (taken, rest) = split.ok_or("it is cut off")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let (taken, rest) = self.0.split_first_chunk().ok_or("it is cut off")?;
        self.0 = rest;
        Ok(*taken)
    }

    fn chunks<const N: usize>(&mut self, count: usize) -> Result<&'a [[u8; N]], Damage> {
        let bytes = self.take(count.saturating_mul(N))?;
        Ok(bytes.as_chunks().0)
    }

    fn ints(&mut self, count: usize) -> Result<impl Iterator<Item = u32> + 'a, Damage> {
        Ok(self.chunks(count)?.iter().map(|b| u32::from_le_bytes(*b)))
    }

    fn tiles(&mut self, tilings: &[Tiling]) -> Result<Option<TileSet>, Damage> {
        let id = u64::from_le_bytes(self.array()?);
        let tiling = tilings.iter().find(|tiling| tiling.id == id);
        let mut tiles = BTreeMap::new();
        for _ in 0..u32::from_le_bytes(self.array()?) {
            let tile = i64::from_le_bytes(self.array()?);
            let length = u32::from_le_bytes(self.array()?) as usize;
            let bytes = self.take(length)?;
            if let Some(tiling) = tiling {
                let partial = PartialAggregate::from_bytes(&tiling.feature, bytes);
                tiles.insert(tile, partial.map_err(|error| error.to_string())?);
            }
        }
        Ok(tiling.map(|_| TileSet { id, tiles }))
    }

    /// Some rows of a field.
    fn column(
        &mut self,
        rows: usize,
        range: Range<usize>,
        column: &mut PackedColumn,
        words: &mut Words,
    ) -> Result<(), Damage> {
        let [kind] = self.array()?;
        if kind & NULLS == 0 {
            column.valid = None;
        } else {
            let valid = &self.take(rows)?[range.clone()];
            bools(valid, column.valid.get_or_insert_default())?;
        }
        match (kind & !NULLS, &mut column.data) {
            (0, Packed::Bool(values)) => bools(&self.take(rows)?[range], values),
            (1, Packed::Int(values)) => {
                longs(&self.chunks(rows)?[range], values);
                Ok(())
            }
            (2, Packed::Float(values)) => {
                let bits = self.chunks(rows)?[range].iter();
                values.clear();
                values.extend(bits.map(|b| f64::from_bits(u64::from_le_bytes(*b))));
                Ok(())
            }
            (3, Packed::Code(codes)) => {
                let known = u32::from_le_bytes(self.array()?);
                codes.clear();
                let all = self.chunks(rows)?[range].iter();
                codes.extend(all.map(|b| u32::from_le_bytes(*b)));
                let valid = column.valid.as_ref();
                let live = |row: usize| valid.is_none_or(|valid| valid[row]);
                let mut all = codes.iter().enumerate();
                if all.any(|(row, code)| live(row) && *code >= known) {
                    return Err("a text has no entry".to_owned());
                }
                words.clear();
                for length in self.ints(known as usize)?.collect::<Vec<_>>() {
                    let text = std::str::from_utf8(self.take(length as usize)?);
                    words.push(text.map_err(|_| "a text is not UTF-8")?);
                }
                Ok(())
            }
            (other, _) => Err(format!("a field has kind {other}")),
        }
    }

    /// Passes over a field, which then has no rows and no texts.
    fn skip(
        &mut self,
        rows: usize,
        column: &mut PackedColumn,
        words: &mut Words,
    ) -> Result<(), Damage> {
        let [kind] = self.array()?;
        if kind & NULLS != 0 {
            self.take(rows)?;
        }
        column.valid = None;
        words.clear();
        match (kind & !NULLS, &mut column.data) {
            (0, Packed::Bool(values)) => {
                values.clear();
                self.take(rows)?;
            }
            (1, Packed::Int(values)) => {
                values.clear();
                self.take(rows.saturating_mul(8))?;
            }
            (2, Packed::Float(values)) => {
                values.clear();
                self.take(rows.saturating_mul(8))?;
            }
            (3, Packed::Code(codes)) => {
                codes.clear();
                let known = u32::from_le_bytes(self.array()?);
                self.take(rows.saturating_mul(4))?;
                let lengths = self.ints(known as usize)?;
                let lengths = lengths.map(|length| length as usize);
                self.take(lengths.fold(0, usize::saturating_add))?;
            }
            (other, _) => return Err(format!("a field has kind {other}")),
        }
        Ok(())
    }
}
