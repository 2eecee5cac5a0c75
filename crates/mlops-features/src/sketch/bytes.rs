//! Bytes that are written and read back by hand: little endian, lengths first, nothing believed.

use crate::{Error, Result};

/// Collects the bytes of one value.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(magic: [u8; 4], version: u8) -> Self {
        let mut writer = Self(magic.to_vec());
        writer.u8(version);
        writer
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.u64(value.cast_unsigned());
    }

    pub(crate) fn i128(&mut self, value: i128) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    /// A length below 2^32.
    pub(crate) fn len(&mut self, len: usize) {
        self.u32(u32::try_from(len).expect("memory ends before 2^32 parts of one value"));
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.len(bytes.len());
        self.raw(bytes);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads what a [`Writer`] wrote; every length is held against the bytes that are left.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// # Errors
    /// [`Error::BrokenState`] if the bytes begin with another magic or version.
    pub(crate) fn new(
        what: &'static str,
        bytes: &'a [u8],
        magic: [u8; 4],
        version: u8,
    ) -> Result<Self> {
        let mut reader = Self { what, rest: bytes };
        if reader.raw(4)? != magic {
            return Err(reader.broken("they begin with another mark"));
        }
        if reader.u8()? != version {
            return Err(reader.broken("their version is not known"));
        }
        Ok(reader)
    }

    pub(crate) fn broken(&self, reason: &'static str) -> Error {
        Error::BrokenState {
            what: self.what,
            reason,
        }
    }

    pub(crate) fn raw(&mut self, len: usize) -> Result<&'a [u8]> {
        let Some((head, rest)) = self.rest.split_at_checked(len) else {
            return Err(self.broken("they are cut off"));
        };
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.raw(N)?);
        Ok(array)
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub(crate) fn i128(&mut self) -> Result<i128> {
        Ok(i128::from_le_bytes(self.array()?))
    }

    pub(crate) fn f64(&mut self) -> Result<f64> {
        Ok(f64::from_bits(self.u64()?))
    }

    /// The number of parts that follow, each of at least `bytes_each` bytes.
    pub(crate) fn len(&mut self, bytes_each: usize) -> Result<usize> {
        let len = self.u32()? as usize;
        if len > self.rest.len() / bytes_each.max(1) {
            return Err(self.broken("they claim more parts than there are bytes"));
        }
        Ok(len)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.len(1)?;
        self.raw(len)
    }

    pub(crate) fn end(&self) -> Result<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.broken("they go on after the end"))
        }
    }
}
