//! Partial aggregates as bytes.
//!
//! A mark, a version, the number of partial results, and each of them behind a letter for its form. The feature
//! is known to whoever reads, so that a form that does not fit it is refused. Every length is held
//! against the bytes that are left, and what is read is in its one form: written again it is the same bytes.

#![expect(
    clippy::cast_possible_truncation,
    reason = "limbs are at most 144 and measures at most two"
)]

use std::collections::{BTreeMap, BTreeSet};

use mlops_core::{EventTime, Value};

use super::{
    Measure, RealSums, WholeSums,
    limbs::Limbs,
    partial::{Partial, Stamped},
    state::State,
};
use crate::{
    Feature, FieldKind, Function, Result,
    sketch::{HyperLogLog, Kll, Reader, Writer},
};

const MAGIC: [u8; 4] = *b"MAGG";
const VERSION: u8 = 1;
const WHAT: &str = "partial aggregate";

pub(super) fn write(state: &State) -> Vec<u8> {
    let mut writer = Writer::new(MAGIC, VERSION);
    writer.u8(state.partials.len() as u8);
    for partial in &state.partials {
        write_partial(&mut writer, partial);
    }
    writer.finish()
}

pub(super) fn read(feature: &Feature, bytes: &[u8]) -> Result<State> {
    let mut reader = Reader::new(WHAT, bytes, MAGIC, VERSION)?;
    if usize::from(reader.u8()?) != feature.measures().len() {
        return Err(reader.broken("they are of another feature"));
    }
    let measures = feature.measures().iter();
    let partials =
        measures.map(|measure| read_partial(&mut reader, measure, Partial::new(measure)));
    let partials = partials.collect::<Result<_>>()?;
    reader.end()?;
    Ok(State { partials })
}

fn letter(partial: &Partial) -> u8 {
    match partial {
        Partial::Count(_) => b'c',
        Partial::Reals(..) => b'r',
        Partial::Wholes(..) => b'w',
        Partial::Extreme(..) => b'e',
        Partial::Stamped(_) => b's',
        Partial::Words(_) => b'd',
        Partial::Texts(_) => b't',
        Partial::Distinct(_) => b'h',
        Partial::Ordered(..) => b'o',
        Partial::Quantiles(..) => b'q',
        Partial::Groups(_) => b'g',
    }
}

fn write_partial(writer: &mut Writer, partial: &Partial) {
    writer.u8(letter(partial));
    match partial {
        Partial::Count(count) => writer.u64(*count),
        Partial::Reals(count, sums) => {
            let (sum, squares, specials) = sums.parts();
            writer.u64(*count);
            write_limbs(writer, &sum);
            if let Some(squares) = &squares {
                write_limbs(writer, squares);
            }
            for count in &specials {
                writer.u64(*count);
            }
        }
        Partial::Wholes(count, sums) => {
            let (sum, squares) = sums.parts();
            writer.u64(*count);
            writer.i128(sum);
            if let Some(squares) = &squares {
                write_limbs(writer, squares);
            }
        }
        Partial::Extreme(best, nan) => {
            writer.u8(u8::from(*nan) | u8::from(best.is_some()) << 1);
            if let Some(key) = &best {
                writer.i64(*key);
            }
        }
        Partial::Stamped(kept) => {
            writer.len(kept.len());
            for stamped in kept {
                writer.i64(stamped.time);
                writer.i64(stamped.created);
                write_value(writer, &stamped.value);
            }
        }
        Partial::Words(words) => {
            writer.len(words.len());
            for word in words {
                writer.u64(*word);
            }
        }
        Partial::Texts(texts) => {
            writer.len(texts.len());
            for text in texts {
                writer.bytes(text.as_bytes());
            }
        }
        Partial::Distinct(sketch) => writer.bytes(&sketch.to_bytes()),
        Partial::Ordered(counts, nan) => {
            writer.u8((*nan).into());
            writer.len(counts.len());
            for (key, count) in counts {
                writer.i64(*key);
                writer.u64(*count);
            }
        }
        Partial::Quantiles(sketch, nan) => {
            writer.u8((*nan).into());
            writer.bytes(&sketch.to_bytes());
        }
        Partial::Groups(groups) => {
            writer.len(groups.len());
            for (category, (events, partial)) in groups {
                writer.bytes(category.as_bytes());
                writer.u64(*events);
                write_partial(writer, partial);
            }
        }
    }
}

fn write_limbs(writer: &mut Writer, limbs: &Limbs) {
    writer.u8(limbs.is_negative().into());
    writer.u8(limbs.offset() as u8);
    writer.u8(limbs.words().len() as u8);
    for word in limbs.words() {
        writer.u32(*word);
    }
}

fn write_value(writer: &mut Writer, value: &Value) {
    match value {
        Value::Bool(value) => {
            writer.u8(1);
            writer.u8((*value).into());
        }
        Value::Int(value) => {
            writer.u8(2);
            writer.i64(*value);
        }
        Value::Float(value) => {
            writer.u8(3);
            writer.f64(*value);
        }
        Value::Str(value) => {
            writer.u8(4);
            writer.bytes(value.as_bytes());
        }
        Value::Time(value) => {
            writer.u8(5);
            writer.i64(value.micros());
        }
        // no field holds lists or maps
        Value::Null | Value::List(_) | Value::Map(_) => writer.u8(0),
    }
}

/// Reads into the form that the measure has.
fn read_partial(reader: &mut Reader<'_>, measure: &Measure, empty: Partial) -> Result<Partial> {
    if reader.u8()? != letter(&empty) {
        return Err(reader.broken("they are of another feature"));
    }
    let squares = matches!(
        measure.function,
        Function::Variance(_) | Function::StdDev(_)
    );
    Ok(match empty {
        Partial::Count(_) => Partial::Count(reader.u64()?),
        Partial::Reals(..) => {
            let count = reader.u64()?;
            let sum = read_limbs(reader)?;
            let squares = squares.then(|| read_limbs(reader)).transpose()?;
            let specials = [reader.u64()?, reader.u64()?, reader.u64()?];
            let sums = RealSums::from_parts(&sum, squares.as_ref(), specials);
            Partial::Reals(
                count,
                Box::new(sums.ok_or_else(|| reader.broken("a sum is too wide"))?),
            )
        }
        Partial::Wholes(..) => {
            let count = reader.u64()?;
            let sum = reader.i128()?;
            let squares = squares.then(|| read_limbs(reader)).transpose()?;
            let sums = WholeSums::from_parts(sum, squares.as_ref());
            let sums = sums.ok_or_else(|| reader.broken("a sum is too wide"))?;
            Partial::Wholes(count, Box::new(sums))
        }
        Partial::Extreme(..) => {
            let flags = reader.u8()?;
            if flags > 3 {
                return Err(reader.broken("a flag is not known"));
            }
            let best = (flags & 2 != 0).then(|| reader.i64()).transpose()?;
            Partial::Extreme(best, flags & 1 != 0)
        }
        Partial::Stamped(_) => Partial::Stamped(read_stamped(reader, measure)?),
        Partial::Words(_) => {
            let mut words = BTreeSet::new();
            for _ in 0..reader.len(8)? {
                let word = reader.u64()?;
                if words.last().is_some_and(|last| *last >= word) {
                    return Err(reader.broken("values are out of order"));
                }
                words.insert(word);
            }
            Partial::Words(words)
        }
        Partial::Texts(_) => {
            let mut texts = BTreeSet::new();
            for _ in 0..reader.len(4)? {
                let text = read_text(reader)?;
                if texts.last().is_some_and(|last| *last >= text) {
                    return Err(reader.broken("values are out of order"));
                }
                texts.insert(text);
            }
            Partial::Texts(texts)
        }
        Partial::Distinct(empty) => {
            let sketch = HyperLogLog::from_bytes(reader.bytes()?)?;
            if sketch.precision() != empty.precision() {
                return Err(reader.broken("they are of another feature"));
            }
            Partial::Distinct(sketch)
        }
        Partial::Ordered(..) => read_ordered(reader)?,
        Partial::Quantiles(empty, _) => {
            let nan = read_flag(reader)?;
            let sketch = Kll::from_bytes(reader.bytes()?)?;
            if sketch.size() != empty.size() {
                return Err(reader.broken("they are of another feature"));
            }
            Partial::Quantiles(sketch, nan)
        }
        Partial::Groups(_) => {
            let mut groups = BTreeMap::new();
            for _ in 0..reader.len(13)? {
                let category = read_text(reader)?;
                let events = reader.u64()?;
                let last = groups.last_key_value();
                if events == 0 || last.is_some_and(|(last, _)| *last >= category) {
                    return Err(reader.broken("categories are out of order"));
                }
                let partial = read_partial(reader, measure, Partial::single(measure))?;
                groups.insert(category, (events, partial));
            }
            Partial::Groups(groups)
        }
    })
}

fn read_ordered(reader: &mut Reader<'_>) -> Result<Partial> {
    let nan = read_flag(reader)?;
    let mut counts = BTreeMap::new();
    for _ in 0..reader.len(16)? {
        let (key, count) = (reader.i64()?, reader.u64()?);
        let last = counts.last_key_value();
        if count == 0 || last.is_some_and(|(last, _)| *last >= key) {
            return Err(reader.broken("values are out of order"));
        }
        counts.insert(key, count);
    }
    Ok(Partial::Ordered(counts, nan))
}

fn read_stamped(reader: &mut Reader<'_>, measure: &Measure) -> Result<Vec<Stamped>> {
    let limit = match measure.function {
        Function::LastK(k) => usize::from(k),
        _ => 1,
    };
    let len = reader.len(17)?;
    if len > limit {
        return Err(reader.broken("more values are kept than asked for"));
    }
    let mut kept: Vec<Stamped> = Vec::with_capacity(len);
    for _ in 0..len {
        let stamped = Stamped {
            time: reader.i64()?,
            created: reader.i64()?,
            value: read_value(reader, measure)?,
        };
        let order = |stamped: &Stamped| (stamped.time, stamped.created);
        if kept
            .last()
            .is_some_and(|last| order(last) > order(&stamped))
        {
            return Err(reader.broken("values are out of order"));
        }
        kept.push(stamped);
    }
    Ok(kept)
}

fn read_value(reader: &mut Reader<'_>, measure: &Measure) -> Result<Value> {
    let kind = measure.field.map(|(_, kind)| kind);
    let nullable = matches!(measure.function, Function::Latest | Function::TimeSinceLast);
    Ok(match (reader.u8()?, kind) {
        (0, _) if nullable => Value::Null,
        (1, Some(FieldKind::Bool)) => Value::Bool(read_flag(reader)?),
        (2, Some(FieldKind::Int)) => Value::Int(reader.i64()?),
        (3, Some(FieldKind::Float)) => Value::Float(reader.f64()?),
        (4, Some(FieldKind::Str)) => Value::Str(read_text(reader)?),
        (5, Some(FieldKind::Time)) => {
            let micros = reader.i64()?;
            let time = EventTime::from_micros(micros);
            if time.micros() != micros {
                return Err(reader.broken("an instant is out of range"));
            }
            Value::Time(time)
        }
        _ => return Err(reader.broken("a value is of another type")),
    })
}

fn read_flag(reader: &mut Reader<'_>) -> Result<bool> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(reader.broken("a flag is not known")),
    }
}

fn read_text(reader: &mut Reader<'_>) -> Result<String> {
    let text = std::str::from_utf8(reader.bytes()?);
    let text = text.map_err(|_| reader.broken("a text is not UTF-8"))?;
    Ok(text.to_owned())
}

fn read_limbs(reader: &mut Reader<'_>) -> Result<Limbs> {
    let negative = read_flag(reader)?;
    let offset = usize::from(reader.u8()?);
    let len = usize::from(reader.u8()?);
    let words = (0..len).map(|_| reader.u32()).collect::<Result<Vec<_>>>()?;
    let limbs = Limbs::from_parts(&words, offset, negative);
    limbs.ok_or_else(|| reader.broken("a sum is not in its one form"))
}
