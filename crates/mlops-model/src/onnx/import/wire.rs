//! From bytes to messages, within bounds that are checked before anything is built.
//!
//! Two bytes can ask for a message of hundreds, so a first pass over the wire format counts the parts of the
//! graph, and only then they are built. What the second pass does not know it skips, and subgraphs stay bytes.
//!
//! # Reference
//! Protocol Buffers' encoding: <https://protobuf.dev/programming-guides/encoding/>.

use prost::Message;

use crate::{
    Error, Result, limit,
    onnx::proto::{Graph, Model},
};

/// Fields that hold messages or texts, by message.
const MODEL_GRAPH: u64 = 7;
const MODEL_OPSETS: u64 = 8;
const NODE: u64 = 1;
const NODE_TEXTS: [u64; 2] = [1, 2];
const NODE_ATTRIBUTE: u64 = 5;
const ATTRIBUTE_TENSOR: u64 = 5;
const ATTRIBUTE_TEXTS: u64 = 9;
/// Constants, inputs and outputs.
const TENSOR: u64 = 5;
const VALUE_INFOS: [u64; 2] = [11, 12];
const TENSOR_TEXTS: u64 = 6;

/// The graph of a model's file.
///
/// # Errors
/// [`Error::TooLarge`] beyond a limit, [`Error::MalformedOnnx`] for what is no model.
pub(super) fn decode(bytes: &[u8]) -> Result<Graph> {
    limit::check("the ONNX file's bytes", bytes.len(), limit::ONNX_BYTES)?;
    let mut count = Count::default();
    count.model(bytes)?;
    let model = Model::decode(bytes).map_err(|error| Error::MalformedOnnx {
        reason: error.to_string(),
    })?;
    model.graph.ok_or_else(|| malformed("it has no graph"))
}

pub(super) fn malformed(reason: impl Into<String>) -> Error {
    Error::MalformedOnnx {
        reason: reason.into(),
    }
}

#[derive(Debug, Default)]
struct Count {
    parts: usize,
    texts: usize,
}

impl Count {
    fn model(&mut self, bytes: &[u8]) -> Result<()> {
        each(bytes, |field, payload| match field {
            MODEL_GRAPH => self.graph(payload),
            MODEL_OPSETS => self.part(),
            _ => Ok(()),
        })
    }

    fn graph(&mut self, bytes: &[u8]) -> Result<()> {
        each(bytes, |field, payload| match field {
            NODE => {
                self.part()?;
                self.node(payload)
            }
            TENSOR => {
                self.part()?;
                self.tensor(payload)
            }
            field if VALUE_INFOS.contains(&field) => {
                // a shape is a message a dimension, of two bytes or more
                self.parts += payload.len() / 64;
                self.part()
            }
            _ => Ok(()),
        })
    }

    fn node(&mut self, bytes: &[u8]) -> Result<()> {
        each(bytes, |field, payload| match field {
            NODE_ATTRIBUTE => {
                self.part()?;
                each(payload, |field, payload| match field {
                    ATTRIBUTE_TENSOR => self.tensor(payload),
                    ATTRIBUTE_TEXTS => self.text(),
                    _ => Ok(()),
                })
            }
            field if NODE_TEXTS.contains(&field) => self.text(),
            _ => Ok(()),
        })
    }

    fn tensor(&mut self, bytes: &[u8]) -> Result<()> {
        each(bytes, |field, _| match field {
            TENSOR_TEXTS => self.text(),
            _ => Ok(()),
        })
    }

    fn part(&mut self) -> Result<()> {
        self.parts += 1;
        limit::check("the parts of the graph", self.parts, limit::ONNX_PARTS)
    }

    fn text(&mut self) -> Result<()> {
        self.texts += 1;
        limit::check("the texts of the graph", self.texts, limit::ONNX_TEXTS)
    }
}

/// Hands on each field that holds bytes: a text, a list or a message.
fn each(mut bytes: &[u8], mut visit: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
    let cut = || malformed("it ends in the middle of a field");
    while !bytes.is_empty() {
        let key = varint(&mut bytes).ok_or_else(cut)?;
        let skip = match key & 7 {
            0 => {
                varint(&mut bytes).ok_or_else(cut)?;
                continue;
            }
            1 => 8,
            2 => {
                let length = varint(&mut bytes).ok_or_else(cut)?;
                let length = usize::try_from(length).map_err(|_| cut())?;
                let (payload, rest) = bytes.split_at_checked(length).ok_or_else(cut)?;
                bytes = rest;
                visit(key >> 3, payload)?;
                continue;
            }
            5 => 4,
            other => return Err(malformed(format!("a field has wire type {other}"))),
        };
        bytes = bytes.get(skip..).ok_or_else(cut)?;
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for at in 0..10 {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << (7 * at);
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_empty_nodes_is_refused_before_they_are_built() {
        // a graph of empty nodes, two bytes each
        let nodes = [0x0a, 0x00].repeat(limit::ONNX_PARTS + 1);
        let mut file = vec![0x3a];
        prost::encoding::encode_varint(nodes.len() as u64, &mut file);
        file.extend(nodes);
        let error = decode(&file).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }

    #[test]
    fn no_prefix_of_a_field_is_a_file() {
        for bytes in [&[0x3a][..], &[0x3a, 5, 1], &[0x0f], &[0xff; 12], &[0x39, 1]] {
            let error = decode(bytes).unwrap_err();
            assert!(matches!(error, Error::MalformedOnnx { .. }), "{error}");
        }
        assert!(decode(&[]).is_err());
    }
}
