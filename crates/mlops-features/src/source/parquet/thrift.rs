//! A look at Parquet's headers before its reader trusts them.
//!
//! The reader skips fields that it does not know, and a list of booleans costs it no byte: a header of a
//! hundred bytes keeps it busy for minutes. It also nests as deep as a schema says, on the stack. Both are
//! refused here, in one pass over the bytes, together with sizes that no page may have.
//!
//! # Reference
//! Thrift compact protocol; `parquet.thrift` of the Parquet format.

/// How deep fields may lie inside each other; the format itself needs seven.
const DEPTH: usize = 32;
/// How deep groups may lie inside each other in a schema.
const SCHEMA_DEPTH: usize = 64;

/// Why a header is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It goes on past the bytes that are there.
    Short,
    /// It is wrong, or nothing that Parquet needs.
    Bad(&'static str),
}

/// What the header of a page says about the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PageHeader {
    /// The length of the header itself.
    pub(super) length: usize,
    /// The size of what follows, in bytes.
    pub(super) packed: u64,
    /// The size of that when it is decompressed.
    pub(super) unpacked: u64,
    /// The levels of a page of version 2, which are never compressed.
    pub(super) levels: u64,
}

/// Reads the header at the start of the bytes; what follows is left alone.
pub(super) fn page_header(bytes: &[u8]) -> Result<PageHeader, Flaw> {
    let mut header = PageHeader::default();
    let mut walk = Walk { bytes, at: 0 };
    let mut id = 0;
    while let Some(field) = walk.field(&mut id)? {
        match (id, field) {
            (2, Kind::Int) => header.unpacked = walk.size()?,
            (3, Kind::Int) => header.packed = walk.size()?,
            (8, Kind::Struct) => {
                let mut inner = 0;
                while let Some(field) = walk.field(&mut inner)? {
                    match (inner, field) {
                        (5 | 6, Kind::Int) => {
                            header.levels = header.levels.saturating_add(walk.size()?);
                        }
                        _ => walk.skip(field, 2)?,
                    }
                }
            }
            _ => walk.skip(field, 1)?,
        }
    }
    header.length = walk.at;
    Ok(header)
}

/// Walks through the metadata at the end of a file.
pub(super) fn footer(bytes: &[u8]) -> Result<(), Flaw> {
    let mut walk = Walk { bytes, at: 0 };
    let mut id = 0;
    while let Some(field) = walk.field(&mut id)? {
        match (id, field) {
            (2, Kind::List) => walk.schema()?,
            _ => walk.skip(field, 1)?,
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Byte,
    Int,
    Double,
    Binary,
    List,
    Map,
    Struct,
    Uuid,
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    fn byte(&mut self) -> Result<u8, Flaw> {
        let byte = self.bytes.get(self.at).ok_or(Flaw::Short)?;
        self.at += 1;
        Ok(*byte)
    }

    fn pass(&mut self, count: u64) -> Result<(), Flaw> {
        let left = self.bytes.len() - self.at;
        match usize::try_from(count) {
            Ok(count) if count <= left => {
                self.at += count;
                Ok(())
            }
            _ => Err(Flaw::Short),
        }
    }

    fn varint(&mut self) -> Result<u64, Flaw> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Flaw::Bad("a number has more than 64 bits"))
    }

    /// A number that stands zigzag and counts something.
    fn size(&mut self) -> Result<u64, Flaw> {
        let value = self.varint()?;
        if value & 1 == 1 {
            return Err(Flaw::Bad("a size is negative"));
        }
        Ok(value >> 1)
    }

    /// The next field of a struct, or `None` at its end.
    fn field(&mut self, id: &mut i64) -> Result<Option<Kind>, Flaw> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        match head >> 4 {
            0 => {
                let value = self.varint()?;
                let half = i64::try_from(value >> 1).expect("63 bits fit");
                *id = if value & 1 == 1 { -half - 1 } else { half };
            }
            step => *id = id.saturating_add(i64::from(step)),
        }
        kind(head & 0x0f).map(Some)
    }

    /// The kind and the number of the elements of a list. None takes less than a byte.
    fn list(&mut self) -> Result<(Kind, u64), Flaw> {
        let head = self.byte()?;
        if head == 0 {
            return Ok((Kind::Byte, 0));
        }
        let count = match head >> 4 {
            15 => self.varint()?,
            count => count.into(),
        };
        Ok((element(head & 0x0f)?, count))
    }

    fn skip(&mut self, what: Kind, depth: usize) -> Result<(), Flaw> {
        if depth > DEPTH {
            return Err(Flaw::Bad("its fields are nested too deep"));
        }
        match what {
            // the value stands in the head of the field
            Kind::Bool => Ok(()),
            Kind::Byte => self.pass(1),
            Kind::Int => self.varint().map(drop),
            Kind::Double => self.pass(8),
            Kind::Uuid => self.pass(16),
            Kind::Binary => {
                let length = self.varint()?;
                self.pass(length)
            }
            Kind::List => {
                let (what, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip(what, depth + 1))
            }
            Kind::Map => {
                let count = self.varint()?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                let (key, value) = (element(kinds >> 4)?, element(kinds & 0x0f)?);
                (0..count).try_for_each(|_| {
                    self.skip(key, depth + 1)?;
                    self.skip(value, depth + 1)
                })
            }
            Kind::Struct => {
                let mut id = 0;
                while let Some(field) = self.field(&mut id)? {
                    self.skip(field, depth + 1)?;
                }
                Ok(())
            }
        }
    }

    /// The elements of a schema in depth-first order, each with the number of its children.
    fn schema(&mut self) -> Result<(), Flaw> {
        let (what, count) = self.list()?;
        let mut open: Vec<u64> = Vec::new();
        for _ in 0..count {
            if what != Kind::Struct {
                return Err(Flaw::Bad("its schema is no list of elements"));
            }
            let (mut id, mut children) = (0, 0);
            while let Some(field) = self.field(&mut id)? {
                match (id, field) {
                    (5, Kind::Int) => children = self.size()?,
                    _ => self.skip(field, 2)?,
                }
            }
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            if children > 0 {
                open.push(children);
            }
            if open.len() > SCHEMA_DEPTH {
                return Err(Flaw::Bad("its columns are nested too deep"));
            }
            while open.last() == Some(&0) {
                open.pop();
            }
        }
        Ok(())
    }
}

fn kind(code: u8) -> Result<Kind, Flaw> {
    Ok(match code {
        1 | 2 => Kind::Bool,
        3 => Kind::Byte,
        4..=6 => Kind::Int,
        7 => Kind::Double,
        8 => Kind::Binary,
        9 | 10 => Kind::List,
        11 => Kind::Map,
        12 => Kind::Struct,
        13 => Kind::Uuid,
        _ => return Err(Flaw::Bad("a field has a type that does not exist")),
    })
}

/// The kind of what lies in a list or a map. Parquet has no booleans there, and its reader takes any
/// number of them for nothing.
fn element(code: u8) -> Result<Kind, Flaw> {
    match kind(code)? {
        Kind::Bool => Err(Flaw::Bad("it lists booleans")),
        kind => Ok(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `type: data page, unpacked: 1000, packed: 300`, and more fields.
    fn header(more: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x15, 0, 0x15, 0xd0, 0x0f, 0x15, 0xd8, 0x04];
        bytes.extend_from_slice(more);
        bytes
    }

    #[test]
    fn the_sizes_of_a_page_are_read_and_its_bytes_are_left_alone() {
        let bytes = header(&[0, 0xff, 0xff]);
        let read = page_header(&bytes).unwrap();
        assert_eq!((read.length, read.unpacked, read.packed), (9, 1_000, 300));
        for end in 0..9 {
            assert_eq!(page_header(&bytes[..end]), Err(Flaw::Short));
        }
        // data_page_header_v2 with 10 bytes of levels and 2 of them repetition
        let levels = header(&[0x5c, 0x55, 20, 0x15, 4, 0, 0]);
        assert_eq!(page_header(&levels).unwrap().levels, 12);
    }

    #[test]
    fn what_keeps_the_reader_busy_is_refused() {
        // an unknown field with a list of two billion booleans
        let list = header(&[0x99, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07, 0]);
        assert_eq!(page_header(&list), Err(Flaw::Bad("it lists booleans")));
        let map = header(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0x07, 0x12, 0]);
        assert_eq!(page_header(&map), Err(Flaw::Bad("it lists booleans")));
        let deep = header(&[0x9c; 40]);
        assert!(matches!(page_header(&deep), Err(Flaw::Bad(_))));
        let long = header(&[0x98, 0xff, 0xff, 0xff, 0x07, 0]);
        assert_eq!(page_header(&long), Err(Flaw::Short));
        let negative = [0x25, 1, 0];
        assert_eq!(page_header(&negative), Err(Flaw::Bad("a size is negative")));
    }

    #[test]
    fn a_schema_is_as_deep_as_its_groups() {
        // each element is `num_children: n`
        let schema = |children: &[u8]| {
            let mut bytes = vec![0x29, 0xfc, u8::try_from(children.len()).unwrap()];
            for n in children {
                bytes.extend_from_slice(&[0x55, n * 2, 0]);
            }
            bytes.push(0);
            footer(&bytes)
        };
        assert_eq!(schema(&[2, 1, 0, 0]), Ok(()));
        assert_eq!(schema(&[1; 64]), Ok(()));
        assert!(matches!(schema(&[1; 65]), Err(Flaw::Bad(_))));
        assert_eq!(schema(&[50; 60]), Ok(()));
    }
}
