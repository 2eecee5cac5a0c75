//! The optimum for two classes by Newton's method over the values that are not 0.
//!
//! One-hot columns are nearly all 0, and a row touches the squares of what it holds alone; so the matrix of
//! second derivatives costs little more than a gradient, and a handful of steps reach the optimum to the last
//! digits, where a method without it takes hundreds.
//!
//! # Reference
//! Iteratively reweighted least squares (Nelder and Wedderburn 1972), damped by halving a step that does not
//! lower the loss.

use mlops_model::{Linear, Link, Matrix};

/// The most columns: beyond, the second derivatives cost more than they save.
pub(super) const WIDEST: usize = 512;

/// Rows as what they hold beside zeros; the last column is the constant.
#[derive(Debug)]
struct Sparse {
    columns: Vec<u32>,
    values: Vec<f64>,
    /// `[rows + 1]`: where each row begins.
    starts: Vec<usize>,
}

impl Sparse {
    fn new(matrix: &Matrix) -> Self {
        let constant = column(matrix.width());
        let (mut columns, mut values, mut starts) = (Vec::new(), Vec::new(), vec![0]);
        for row in 0..matrix.rows() {
            for (at, x) in matrix.row(row).iter().enumerate() {
                if *x != 0.0 {
                    columns.push(column(at));
                    values.push(*x);
                }
            }
            columns.push(constant);
            values.push(1.0);
            starts.push(columns.len());
        }
        Self {
            columns,
            values,
            starts,
        }
    }

    fn row(&self, row: usize) -> (&[u32], &[f64]) {
        let held = self.starts[row]..self.starts[row + 1];
        (&self.columns[held.clone()], &self.values[held])
    }

    fn score(&self, row: usize, params: &[f64]) -> f64 {
        let (columns, values) = self.row(row);
        let terms = columns.iter().zip(values);
        terms.map(|(at, x)| params[*at as usize] * x).sum()
    }
}

fn column(at: usize) -> u32 {
    u32::try_from(at).expect("a model's width is bounded")
}

/// What is made small: the weighted loss summed over rows, and half the squared weights times `l2`.
#[derive(Debug)]
pub(super) struct Newton<'a> {
    rows: Sparse,
    codes: &'a [usize],
    weights: Option<&'a [f64]>,
    l2: f64,
    /// The number of columns, with the constant.
    size: usize,
}

impl<'a> Newton<'a> {
    pub(super) fn new(
        matrix: &Matrix,
        codes: &'a [usize],
        weights: Option<&'a [f64]>,
        l2: f64,
    ) -> Self {
        Self {
            rows: Sparse::new(matrix),
            codes,
            weights,
            l2,
            size: matrix.width() + 1,
        }
    }

    /// Steps until the gradient is no longer than `tolerance`, the loss falls no more, or `most` are taken.
    pub(super) fn solve(&self, tolerance: f64, most: u64) -> Linear {
        let mut params = vec![0.0; self.size];
        let mut loss = self.loss(&params);
        // where the loss is flat to its last digit, a step or two still lower the gradient
        let mut flat = 0;
        for _ in 0..most {
            let (gradient, curvature) = self.derivatives(&params);
            let length = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
            if length <= tolerance || !length.is_finite() {
                break;
            }
            let step = descent(&curvature, &gradient);
            if let Some((next, lower)) = self.shortened(&params, &step, loss) {
                (params, loss) = (next, lower);
            } else if flat < 2 && step.iter().all(|step| step.abs() < 1e-6) {
                flat += 1;
                params
                    .iter_mut()
                    .zip(step)
                    .for_each(|(param, step)| *param -= step);
                loss = self.loss(&params);
            } else {
                break;
            }
        }
        let bias = params.split_off(self.size - 1);
        Linear {
            weights: params,
            bias,
            link: Link::Logit,
        }
    }

    /// The params after the longest of the step's halvings that lowers the loss, and that loss.
    fn shortened(&self, params: &[f64], step: &[f64], loss: f64) -> Option<(Vec<f64>, f64)> {
        let mut share = 1.0;
        for _ in 0..40 {
            let moved = params.iter().zip(step);
            let next: Vec<f64> = moved.map(|(param, step)| param - share * step).collect();
            let found = self.loss(&next);
            if found < loss {
                return Some((next, found));
            }
            share *= 0.5;
        }
        None
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    fn loss(&self, params: &[f64]) -> f64 {
        let (weights, _) = params.split_at(self.size - 1);
        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        let rows = self.codes.iter().enumerate().map(|(row, code)| {
            let score = self.rows.score(row, params);
            let towards = if *code == 1 { score } else { -score };
            // ln(1 + exp(-towards)) without overflow
            let lost = (-towards).max(0.0) + (-towards.abs()).exp().ln_1p();
            self.weight(row) * lost
        });
        0.5 * self.l2 * squares + rows.sum::<f64>()
    }

    /// The gradient, and the lower triangle of the second derivatives, row-major.
    fn derivatives(&self, params: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let size = self.size;
        let mut gradient = vec![0.0; size];
        let mut curvature = vec![0.0; size * size];
        for at in 0..size - 1 {
            gradient[at] = self.l2 * params[at];
            curvature[at * size + at] = self.l2;
        }
        for (row, code) in self.codes.iter().enumerate() {
            let chance = 1.0 / (1.0 + (-self.rows.score(row, params)).exp());
            let is = f64::from(u8::from(*code == 1));
            let (error, bend) = (
                self.weight(row) * (chance - is),
                self.weight(row) * chance * (1.0 - chance),
            );
            let (columns, values) = self.rows.row(row);
            for (held, (at, x)) in columns.iter().zip(values).enumerate() {
                let at = *at as usize;
                gradient[at] += error * x;
                let line = &mut curvature[at * size..(at + 1) * size];
                // columns ascend, so these lie below the diagonal
                for (other, y) in columns[..=held].iter().zip(values) {
                    line[*other as usize] += bend * x * y;
                }
            }
        }
        (gradient, curvature)
    }
}

/// The solution of `curvature · step = gradient`, by Cholesky's method. Where columns repeat each other the
/// diagonal is raised until there is one; the gradient has no part in such directions.
fn descent(curvature: &[f64], gradient: &[f64]) -> Vec<f64> {
    let size = gradient.len();
    let largest = (0..size).map(|at| curvature[at * size + at]);
    let largest = largest.fold(f64::MIN_POSITIVE, f64::max);
    let ridges = (0..10).map(|power| largest * 10f64.powi(power - 10));
    for ridge in std::iter::once(0.0).chain(ridges) {
        if let Some(lower) = cholesky(curvature, size, ridge, largest * 1e-13) {
            return solved(&lower, gradient);
        }
    }
    // numbers at the edge of what can be computed: straight down
    gradient.iter().map(|slope| slope / largest).collect()
}

/// The lower triangle whose square is the matrix with a ridge; `None` if a pivot is not above `least`.
fn cholesky(matrix: &[f64], size: usize, ridge: f64, least: f64) -> Option<Vec<f64>> {
    let mut lower = matrix.to_vec();
    for at in 0..size {
        let (above, line) = lower.split_at_mut(at * size);
        for other in 0..at {
            let own = &above[other * size..];
            let products = own[..other].iter().zip(&line[..other]).map(|(a, b)| a * b);
            line[other] = (line[other] - products.sum::<f64>()) / own[other];
        }
        let squares: f64 = line[..at].iter().map(|x| x * x).sum();
        let pivot = line[at] + ridge - squares;
        if pivot.is_nan() || pivot <= least {
            return None;
        }
        line[at] = pivot.sqrt();
    }
    Some(lower)
}

fn solved(lower: &[f64], right: &[f64]) -> Vec<f64> {
    let size = right.len();
    let mut x = right.to_vec();
    for at in 0..size {
        let line = &lower[at * size..(at + 1) * size];
        let known: f64 = line[..at].iter().zip(&x).map(|(a, x)| a * x).sum();
        x[at] = (x[at] - known) / line[at];
    }
    for at in (0..size).rev() {
        let known: f64 = (at + 1..size)
            .map(|below| lower[below * size + at] * x[below])
            .sum();
        x[at] = (x[at] - known) / lower[at * size + at];
    }
    x
}

#[cfg(test)]
mod tests {
    use mlops_core::Seed;

    use super::*;

    #[test]
    fn the_square_of_the_triangle_is_the_matrix() {
        let matrix = [4.0, 0.0, 0.0, 2.0, 5.0, 0.0, -1.0, 3.0, 9.0];
        let x = descent(&matrix, &[1.0, 2.0, 3.0]);
        for (at, expected) in [1.0, 2.0, 3.0].into_iter().enumerate() {
            let full = |row: usize, column: usize| matrix[row.max(column) * 3 + row.min(column)];
            let found: f64 = (0..3).map(|other| full(at, other) * x[other]).sum();
            assert!((found - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn columns_that_repeat_each_other_have_an_optimum_too() {
        let mut rng = Seed(1).rng();
        let mut values = Vec::new();
        let mut codes = Vec::new();
        for _ in 0..200 {
            let x = rng.normal();
            // the last two columns sum to the constant
            let side = f64::from(u8::from(rng.unit() < 0.5));
            values.extend([x, x, side, 1.0 - side]);
            codes.push(usize::from(rng.unit() < 1.0 / (1.0 + (-x - side).exp())));
        }
        let matrix = Matrix::from_values(values, 4).unwrap();
        let newton = Newton::new(&matrix, &codes, None, 0.0);
        let line = newton.solve(1e-9, 50);
        let params: Vec<f64> = line.weights.iter().chain(&line.bias).copied().collect();
        let (gradient, _) = newton.derivatives(&params);
        assert!(
            gradient.iter().all(|slope| slope.abs() < 1e-7),
            "{gradient:?}"
        );
    }
}
