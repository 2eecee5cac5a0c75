//! The file format: batches by the blocks that the footer lists.

use std::sync::Arc;

use arrow::{
    array::RecordBatch,
    datatypes::SchemaRef,
    error::ArrowError,
    ipc::{
        Block, MetadataVersion,
        convert::fb_to_schema,
        reader::{FileDecoder, read_footer_length},
        root_as_footer,
    },
};
use mlops_core::ipc::claim;

use super::bytes::IpcBytes;
use crate::Result;

/// The length of the footer, and the magic.
const TRAILER: u64 = 10;

/// A file whose footer was read, and the block that comes next.
pub(super) struct FileBatches {
    bytes: IpcBytes,
    decoder: FileDecoder,
    schema: SchemaRef,
    blocks: std::vec::IntoIter<Block>,
}

/// What a footer says.
struct Footer {
    schema: SchemaRef,
    version: MetadataVersion,
    dictionaries: Vec<Block>,
    batches: Vec<Block>,
}

impl FileBatches {
    pub(super) fn open(bytes: IpcBytes) -> Result<Self> {
        let size = bytes.size();
        let Some(end) = size.checked_sub(TRAILER) else {
            return Err(bytes.broken("it is shorter than its footer"));
        };
        let trailer = bytes.range(end, TRAILER)?;
        let length = bytes.guard(|| {
            let trailer: [u8; 10] = trailer.as_slice().try_into().expect("ten bytes");
            read_footer_length(trailer)
        })?;
        let Some(start) = end.checked_sub(length as u64) else {
            return Err(bytes.broken("it is shorter than its footer"));
        };
        let footer = bytes.range(start, length as u64)?;
        let footer = bytes.guard(|| read_footer(&footer))?;
        let mut decoder = FileDecoder::new(Arc::clone(&footer.schema), footer.version);
        let mut passed: u64 = 0;
        for block in &footer.dictionaries {
            let buffer = block_bytes(&bytes, block)?;
            passed = passed.saturating_add(buffer.len() as u64);
            if passed > size {
                return Err(bytes.broken("a dictionary is listed twice"));
            }
            bytes.guard(|| decoder.read_dictionary(block, &buffer))?;
        }
        Ok(Self {
            bytes,
            decoder,
            schema: footer.schema,
            blocks: footer.batches.into_iter(),
        })
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Decodes these columns alone, by their positions.
    pub(super) fn project(mut self, columns: Vec<usize>) -> Self {
        self.decoder = self.decoder.with_projection(columns);
        self
    }

    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        for block in self.blocks.by_ref() {
            let buffer = block_bytes(&self.bytes, &block)?;
            let decode = || self.decoder.read_record_batch(&block, &buffer);
            if let Some(batch) = self.bytes.guard(decode)? {
                self.bytes.claim(claim(&batch))?;
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}

fn read_footer(bytes: &[u8]) -> Result<Footer, ArrowError> {
    let missing = |what: &str| ArrowError::IpcError(format!("its footer has no {what}"));
    let footer = root_as_footer(bytes)
        .map_err(|e| ArrowError::IpcError(format!("its footer is damaged: {e}")))?;
    let schema = footer.schema().ok_or_else(|| missing("schema"))?;
    if !schema.endianness().equals_to_target_endianness() {
        return Err(ArrowError::IpcError(
            "its numbers have another byte order than this machine's".to_owned(),
        ));
    }
    let batches = footer.recordBatches().ok_or_else(|| missing("batches"))?;
    let dictionaries = footer.dictionaries();
    Ok(Footer {
        schema: Arc::new(fb_to_schema(schema)),
        version: footer.version(),
        dictionaries: dictionaries
            .map(|blocks| blocks.iter().copied().collect())
            .unwrap_or_default(),
        batches: batches.iter().copied().collect(),
    })
}

/// The message and the body of a block, which must lie inside of the file.
fn block_bytes(bytes: &IpcBytes, block: &Block) -> Result<arrow::buffer::Buffer> {
    let at = u64::try_from(block.offset());
    let message = u64::try_from(block.metaDataLength());
    let body = u64::try_from(block.bodyLength());
    match (at, message, body) {
        (Ok(at), Ok(message), Ok(body)) => bytes.range(at, message.saturating_add(body)),
        _ => Err(bytes.broken("a block has a negative size")),
    }
}
