//! The stream format: one message after the other.

use arrow::{array::RecordBatch, buffer::Buffer, datatypes::SchemaRef, ipc::reader::StreamDecoder};
use mlops_core::ipc::claim;

use super::bytes::{IpcBytes, MESSAGE_LIMIT};
use crate::Result;

/// A stream whose schema was read, and where its decoding stands.
pub(super) struct StreamBatches {
    bytes: IpcBytes,
    decoder: StreamDecoder,
    at: u64,
    rest: Buffer,
    /// The bytes that the decoder was given since it last gave a batch.
    since_batch: u64,
    first: Option<RecordBatch>,
    schema: SchemaRef,
}

impl StreamBatches {
    pub(super) fn open(bytes: IpcBytes) -> Result<Self> {
        let mut stream = Self {
            bytes,
            decoder: StreamDecoder::new(),
            at: 0,
            rest: Buffer::from(&[]),
            since_batch: 0,
            first: None,
            schema: SchemaRef::new(arrow::datatypes::Schema::empty()),
        };
        // the schema stands before the first batch; a stream may have no batch at all
        stream.first = stream.decode(true)?;
        match stream.decoder.schema() {
            Some(schema) => stream.schema = schema,
            None => return Err(stream.bytes.broken("it has no schema")),
        }
        Ok(stream)
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        match self.first.take() {
            Some(batch) => Ok(Some(batch)),
            None => self.decode(false),
        }
    }

    /// The next batch; with `schema_is_enough`, nothing as soon as there is a schema.
    fn decode(&mut self, schema_is_enough: bool) -> Result<Option<RecordBatch>> {
        loop {
            if !self.rest.is_empty() {
                let (decoder, rest) = (&mut self.decoder, &mut self.rest);
                let batch = self.bytes.guard(|| decoder.decode(rest))?;
                if let Some(batch) = batch {
                    self.since_batch = 0;
                    self.bytes.claim(claim(&batch))?;
                    return Ok(Some(batch));
                }
            }
            if schema_is_enough && self.decoder.schema().is_some() {
                return Ok(None);
            }
            let length = self.bytes.block().min(self.bytes.size() - self.at);
            if length == 0 {
                let decoder = &mut self.decoder;
                self.bytes.guard(|| decoder.finish())?;
                return Ok(None);
            }
            if self.since_batch > MESSAGE_LIMIT {
                let reason = format!("a message has more than {MESSAGE_LIMIT} bytes");
                return Err(self.bytes.broken(reason));
            }
            self.rest = self.bytes.range(self.at, length)?;
            self.at += length;
            self.since_batch += length;
        }
    }
}
