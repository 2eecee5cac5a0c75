//! The gradients of all rows, in real numbers and then in units.

use rayon::prelude::*;

use super::{
    histogram::{Pair, Scale},
    objective::Objective,
    sample::Drawn,
};

/// How many rows a thread takes at a time.
const CHUNK: usize = 8192;

/// Gradients and hessians by row.
#[derive(Debug)]
pub(crate) struct Derived {
    real: Vec<(f64, f64)>,
    pairs: Vec<Pair>,
}

impl Derived {
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            real: vec![(0.0, 0.0); rows],
            pairs: vec![Pair::default(); rows],
        }
    }

    /// Those of one output of an objective.
    pub(crate) fn derive(
        &mut self,
        objective: Objective,
        output: usize,
        scores: &[f64],
        labels: &[f64],
        weights: Option<&[f64]>,
        threads: usize,
    ) {
        let work = |(at, out): (usize, &mut [(f64, f64)])| {
            let rows = at * CHUNK..at * CHUNK + out.len();
            objective.derive(output, &scores[rows.clone()], &labels[rows.clone()], out);
            if let Some(weights) = weights {
                for (out, weight) in out.iter_mut().zip(&weights[rows]) {
                    *out = (out.0 * weight, out.1 * weight);
                }
            }
        };
        if threads == 1 {
            self.real.chunks_mut(CHUNK).enumerate().for_each(work);
        } else {
            self.real.par_chunks_mut(CHUNK).enumerate().for_each(work);
        }
    }

    /// Adds how much each row matters: its gradient times its hessian.
    pub(crate) fn add_sizes(&self, sizes: &mut [f64]) {
        for (size, (gradient, hessian)) in sizes.iter_mut().zip(&self.real) {
            *size += (gradient * hessian).abs();
        }
    }

    /// Lets the rows that stand for others weigh more.
    pub(crate) fn multiply(&mut self, drawn: &Drawn) {
        for row in &drawn.heavier {
            let (gradient, hessian) = &mut self.real[*row as usize];
            *gradient *= drawn.factor;
            *hessian *= drawn.factor;
        }
    }

    /// Rounds to units, which [`Derived::pairs`] then has.
    pub(crate) fn pack(&mut self, threads: usize) -> Scale {
        let largest = |chunk: &[(f64, f64)]| {
            let fold = |(a, b): (f64, f64), (g, h): &(f64, f64)| (a.max(g.abs()), b.max(*h));
            chunk.iter().fold((0.0, 0.0), fold)
        };
        let larger = |a: (f64, f64), b: (f64, f64)| (a.0.max(b.0), a.1.max(b.1));
        let (gradient, hessian) = if threads == 1 {
            largest(&self.real)
        } else {
            self.real
                .par_chunks(CHUNK)
                .map(largest)
                .reduce(|| (0.0, 0.0), larger)
        };
        let scale = Scale::new(self.real.len(), gradient, hessian);
        let work = |(out, real): (&mut [Pair], &[(f64, f64)])| {
            for (out, (gradient, hessian)) in out.iter_mut().zip(real) {
                *out = scale.pair(*gradient, *hessian);
            }
        };
        if threads == 1 {
            work((&mut self.pairs, &self.real));
        } else {
            let real = self.real.par_chunks(CHUNK);
            self.pairs.par_chunks_mut(CHUNK).zip(real).for_each(work);
        }
        scale
    }

    pub(crate) fn pairs(&self) -> &[Pair] {
        &self.pairs
    }
}
