//! How large a model and its package may be: every limit of this crate, in one place.
//!
//! A reader holds a file's bytes and what they parse to, and nothing that parses from a file within
//! these limits takes more than a few times its size. A model that outgrows one of them is refused
//! when it is built, not when it is served.

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData};

use crate::{Error, Result};

/// Inputs of a signature.
pub const INPUTS: usize = 4_096;
/// Bytes of an input's or a class's name, and of a category.
pub const NAME_BYTES: usize = 512;
/// Columns of the encoded matrix.
pub const WIDTH: usize = 65_536;
/// Steps, factors or parts of one encoder.
pub const STEPS: usize = 64;
/// Numbers of an answer: classes, or outputs.
pub const OUTPUTS: usize = 1_024;
/// Trees of an ensemble.
pub const TREES: usize = 100_000;
/// Nodes of all trees together.
pub const NODES: usize = 1_000_000;
/// Words of 64 categories in all category splits of an ensemble together.
pub const CATEGORY_WORDS: usize = 2_000_000;
/// Splits between a tree's root and its deepest leaf.
pub const TREE_DEPTH: usize = 256;
/// Layers of a network.
pub const LAYERS: usize = 64;
/// Weights and biases of a linear model or of all layers together.
pub const WEIGHTS: usize = 2_000_000;
/// Members of an ensemble.
pub const MEMBERS: usize = 1_024;
/// Estimators around the innermost one: an ensemble of calibrated ensembles has three.
pub const ESTIMATOR_DEPTH: usize = 8;
/// Steps of a sequence.
pub const SEQUENCE_STEPS: usize = 1_024;
/// Files of a package.
pub const FILES: usize = 64;
/// Bytes of one file of a package.
pub const FILE_BYTES: usize = 64 << 20;
/// Bytes of all files of a package together.
pub const PACKAGE_BYTES: usize = 128 << 20;
/// Bytes of a package's manifest.
pub const MANIFEST_BYTES: usize = 64 << 10;
/// Bytes of an ONNX file.
pub const ONNX_BYTES: usize = 64 << 20;
/// Nodes, attributes, constants, inputs and outputs of an ONNX graph together.
pub const ONNX_PARTS: usize = 200_000;
/// Texts of an ONNX graph: names of values, and lists of texts.
pub const ONNX_TEXTS: usize = 4_000_000;
/// Numbers that reading an ONNX graph may touch: each node those that it reads and those that it makes.
pub const ONNX_WORK: usize = 16_000_000;
/// Bytes of a signature's or a key's file.
pub const SIGNATURE_BYTES: usize = 64 << 10;
/// Signatures that are looked at for one package.
pub const SIGNATURES: usize = 32;
/// Keys of a trust policy.
pub const TRUSTED_KEYS: usize = 32;
/// Parameters in a package's metadata.
pub const PARAMS: usize = 1_024;
/// Bytes of a parameter's value, and of the trainer's name.
pub const PARAM_BYTES: usize = 8_192;

/// Refuses what is larger than its limit.
pub(crate) fn check(what: impl Into<String>, found: usize, limit: usize) -> Result<()> {
    if found <= limit {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: what.into(),
        found: found as u64,
        limit: limit as u64,
    })
}

/// What an item of a list counts towards the list's limit.
pub(crate) trait Weigh {
    fn weigh(&self) -> usize;
}

impl Weigh for f64 {
    fn weigh(&self) -> usize {
        1
    }
}

impl Weigh for u32 {
    fn weigh(&self) -> usize {
        1
    }
}

impl Weigh for usize {
    fn weigh(&self) -> usize {
        1
    }
}

impl Weigh for String {
    fn weigh(&self) -> usize {
        1
    }
}

/// Reads a list and stops as soon as its items weigh more than `LIMIT`, so that a hostile file
/// cannot grow a list beyond it.
pub(crate) fn list<'de, const LIMIT: usize, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de> + Weigh,
    D: Deserializer<'de>,
{
    struct Bounded<T, const LIMIT: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de> + Weigh, const LIMIT: usize> Visitor<'de> for Bounded<T, LIMIT> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of weight {LIMIT} at most")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            let mut weight = 0;
            while let Some(item) = items.next_element::<T>()? {
                weight += item.weigh().max(1);
                if weight > LIMIT {
                    return Err(A::Error::custom(format_args!(
                        "a list is longer than {LIMIT}"
                    )));
                }
                list.push(item);
            }
            Ok(list)
        }
    }

    deserializer.deserialize_seq(Bounded::<T, LIMIT>(PhantomData))
}
