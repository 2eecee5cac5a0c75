//! The encoder of a transformer: steps that look at one another.

use serde::{Deserialize, Serialize};

use super::Memory;
use crate::{
    Activation, Dense, Error, Result,
    estimator::mlp::Layer,
    limit::{self, Weigh as _},
};

/// What is added to a variance before it is divided by.
pub(crate) const EPSILON: f64 = 1e-5;

/// Blocks of attention and a dense layer that reads the mean over all steps.
///
/// # Reference
/// `torch.nn.TransformerEncoder` with `norm_first=True`, `activation="gelu"`, a final `LayerNorm`, and learnt positions.
/// Vaswani et al. 2017.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transformer {
    /// From a step to its vector.
    pub embed: Dense,
    /// `[max_steps, size]`: what is added to the vector of each step, by its place.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub positions: Vec<f64>,
    /// Into how many parts a vector is cut for attention.
    pub heads: usize,
    /// The blocks in order.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub blocks: Vec<Block>,
    /// The last norm.
    pub norm: Norm,
    /// From the mean of all vectors to the scores.
    pub head: Dense,
}

/// Attention, then two dense layers with `gelu` between them; each reads normed vectors and is added to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Before attention.
    pub attention_norm: Norm,
    /// From a vector to its query, its key and its value, one after another.
    pub attention: Dense,
    /// From the attended values to what is added.
    pub mix: Dense,
    /// Before the dense layers.
    pub dense_norm: Norm,
    /// From a vector to the wide layer.
    pub widen: Dense,
    /// And back.
    pub narrow: Dense,
}

/// Mean 0 and variance 1 within a vector, then a gain and a bias a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Norm {
    /// `[size]`.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub gain: Vec<f64>,
    /// `[size]`.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub bias: Vec<f64>,
}

impl limit::Weigh for Block {
    fn weigh(&self) -> usize {
        let dense = [&self.attention, &self.mix, &self.widen, &self.narrow];
        let norms = [&self.attention_norm, &self.dense_norm];
        dense.iter().map(|dense| dense.weigh()).sum::<usize>()
            + norms
                .iter()
                .map(|norm| norm.gain.len() + norm.bias.len())
                .sum::<usize>()
    }
}

/// A checked network in the layout it computes in.
#[derive(Debug, Clone)]
pub(crate) struct Encoder {
    size: usize,
    heads: usize,
    /// The most steps.
    steps: usize,
    embed: Layer,
    positions: Vec<f64>,
    blocks: Vec<Checked>,
    norm: Norm,
    head: Layer,
}

#[derive(Debug, Clone)]
struct Checked {
    attention_norm: Norm,
    attention: Layer,
    mix: Layer,
    dense_norm: Norm,
    widen: Layer,
    narrow: Layer,
}

impl Transformer {
    pub(super) fn weights(&self) -> usize {
        let blocks = self.blocks.iter().map(limit::Weigh::weigh).sum::<usize>();
        let norm = self.norm.gain.len() + self.norm.bias.len();
        self.embed.weigh() + self.positions.len() + blocks + norm + self.head.weigh()
    }
}

impl Encoder {
    /// Checks shapes and numbers against the length of a step and of the longest sequence.
    pub(super) fn new(net: &Transformer, width: usize, steps: usize) -> Result<Self> {
        let part = |part: &str| {
            let part = part.to_owned();
            move |reason: String| Error::model(part, reason)
        };
        limit::check("the number of blocks", net.blocks.len(), limit::LAYERS)?;
        net.embed.check(width).map_err(part("embedding of steps"))?;
        let size = net.embed.rows;
        if net.heads == 0 || !size.is_multiple_of(net.heads) {
            let reason = format!("{} heads do not share {size} numbers", net.heads);
            return Err(Error::model("attention", reason));
        }
        if steps.checked_mul(size) != Some(net.positions.len()) {
            let reason = format!(
                "{} numbers do not fill {steps} by {size}",
                net.positions.len()
            );
            return Err(Error::model("positions", reason));
        }
        if let Some(number) = net.positions.iter().find(|number| !number.is_finite()) {
            return Err(Error::model("positions", format!("one is {number}")));
        }
        for (at, block) in net.blocks.iter().enumerate() {
            let name = format!("block {at}");
            block.check(size).map_err(part(&name))?;
        }
        net.norm.check(size).map_err(part("last norm"))?;
        net.head.check(size).map_err(part("head"))?;
        let blocks = net.blocks.iter().map(|block| Checked {
            attention_norm: block.attention_norm.clone(),
            attention: Layer::new(&block.attention),
            mix: Layer::new(&block.mix),
            dense_norm: block.dense_norm.clone(),
            widen: Layer::new(&block.widen),
            narrow: Layer::new(&block.narrow),
        });
        Ok(Self {
            size,
            heads: net.heads,
            steps,
            embed: Layer::new(&net.embed),
            positions: net.positions.clone(),
            blocks: blocks.collect(),
            norm: net.norm.clone(),
            head: Layer::new(&net.head),
        })
    }

    pub(super) fn outputs(&self) -> usize {
        self.head.rows()
    }

    /// Appends the scores of scaled steps.
    ///
    /// # Shapes
    /// `[steps, width]` in, `[outputs]` out.
    ///
    /// # Complexity
    /// Quadratic in the steps.
    pub(super) fn score(
        &self,
        steps: &[f64],
        width: usize,
        memory: &mut Memory,
        scores: &mut Vec<f64>,
    ) {
        let size = self.size;
        let [vectors, normed, wide, added, seen, shares, mean] = memory;
        vectors.clear();
        wide.clear();
        seen.clear();
        shares.clear();
        // so that a longer sequence takes no memory later
        vectors.reserve(self.steps * size);
        wide.reserve(self.steps * size * 3);
        seen.reserve(self.steps * size);
        shares.reserve(self.steps);
        for step in steps.chunks_exact(width) {
            self.embed.sums(step, vectors);
        }
        vectors
            .iter_mut()
            .zip(&self.positions)
            .for_each(|(x, place)| *x += place);
        for block in &self.blocks {
            wide.clear();
            for vector in vectors.chunks_exact(size) {
                block.attention_norm.apply(vector, normed);
                block.attention.sums(normed, wide);
            }
            self.attend(wide, shares, seen);
            for (vector, seen) in vectors.chunks_exact_mut(size).zip(seen.chunks_exact(size)) {
                added.clear();
                block.mix.sums(seen, added);
                vector
                    .iter_mut()
                    .zip(&*added)
                    .for_each(|(x, more)| *x += more);
                block.dense_norm.apply(vector, normed);
                wide.clear();
                block.widen.sums(normed, wide);
                Activation::Gelu.apply(wide);
                added.clear();
                block.narrow.sums(wide, added);
                vector
                    .iter_mut()
                    .zip(&*added)
                    .for_each(|(x, more)| *x += more);
            }
        }
        mean.clear();
        mean.resize(size, 0.0);
        for vector in vectors.chunks_exact(size) {
            self.norm.apply(vector, normed);
            mean.iter_mut().zip(&*normed).for_each(|(sum, x)| *sum += x);
        }
        let count = (vectors.len() / size) as f64;
        for sum in mean.iter_mut() {
            *sum /= count;
        }
        self.head.sums(mean, scores);
    }

    /// The values that each step attends to, from queries, keys and values: `[steps, 3 size]` in, `[steps, size]` out.
    fn attend(&self, triples: &[f64], shares: &mut Vec<f64>, seen: &mut Vec<f64>) {
        let (size, part) = (self.size, self.size / self.heads);
        let scale = 1.0 / (part as f64).sqrt();
        seen.clear();
        seen.resize(triples.len() / 3, 0.0);
        for (step, seen) in triples
            .chunks_exact(3 * size)
            .zip(seen.chunks_exact_mut(size))
        {
            for head in 0..self.heads {
                let at = head * part..(head + 1) * part;
                let query = &step[at.clone()];
                shares.clear();
                shares.extend(triples.chunks_exact(3 * size).map(|other| {
                    let key = &other[size + at.start..size + at.end];
                    query.iter().zip(key).map(|(q, k)| q * k).sum::<f64>() * scale
                }));
                let largest = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                for share in shares.iter_mut() {
                    *share = (*share - largest).exp();
                }
                let sum: f64 = shares.iter().sum();
                for (share, other) in shares.iter().zip(triples.chunks_exact(3 * size)) {
                    let value = &other[2 * size + at.start..2 * size + at.end];
                    let share = share / sum;
                    seen[at.clone()]
                        .iter_mut()
                        .zip(value)
                        .for_each(|(s, v)| *s += share * v);
                }
            }
        }
    }
}

impl Block {
    fn check(&self, size: usize) -> Result<(), String> {
        self.attention_norm.check(size)?;
        self.dense_norm.check(size)?;
        self.attention.check(size)?;
        self.mix.check(size)?;
        self.widen.check(size)?;
        self.narrow.check(self.widen.rows)?;
        let shape = [self.attention.rows, self.mix.rows, self.narrow.rows];
        // the size is that of weights that exist, so three times as much is no overflow
        if shape != [3 * size, size, size] {
            return Err(format!(
                "{shape:?} are no outputs for vectors of {size} numbers"
            ));
        }
        Ok(())
    }
}

impl Norm {
    fn check(&self, size: usize) -> Result<(), String> {
        if [self.gain.len(), self.bias.len()] != [size, size] {
            return Err(format!("the norm does not meet vectors of {size} numbers"));
        }
        match self.gain.iter().chain(&self.bias).find(|x| !x.is_finite()) {
            Some(number) => Err(format!("a number of the norm is {number}")),
            None => Ok(()),
        }
    }

    /// The normed vector, replacing what `into` holds.
    fn apply(&self, vector: &[f64], into: &mut Vec<f64>) {
        let count = vector.len() as f64;
        let mean = vector.iter().sum::<f64>() / count;
        let variance = vector.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let scale = 1.0 / (variance + EPSILON).sqrt();
        into.clear();
        let places = self.gain.iter().zip(&self.bias);
        into.extend(
            vector
                .iter()
                .zip(places)
                .map(|(x, (gain, bias))| (x - mean) * scale * gain + bias),
        );
    }
}
