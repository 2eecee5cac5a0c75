//! Algorithm 2 of Lundberg, Erion and Lee 2018: all subsets of the inputs on a path at once.
//!
//! A path holds the different columns that were split on, each with the share of subsets without it that
//! come this way (`zero`) and whether the row itself does (`one`), and weights by the size of the subset.

use mlops_model::{Node, limit};

use super::cover::Covered;

/// A column on the path.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    column: usize,
    zero: f64,
    one: f64,
    weight: f64,
}

/// Memory for the walk down a tree.
#[derive(Debug)]
pub(super) struct Walk {
    /// Paths one behind the other, that of a node behind that of its parent.
    steps: Vec<Step>,
    /// `1 / k` for every length of a path, as products are quicker than quotients.
    inverses: Vec<f64>,
}

impl Walk {
    pub(super) fn new() -> Self {
        let lengths = (0u32..).take(limit::TREE_DEPTH + 3);
        Self {
            steps: Vec::new(),
            inverses: lengths.map(|length| f64::from(length).recip()).collect(),
        }
    }

    /// Adds what each column adds to the tree's value.
    pub(super) fn add(&mut self, tree: &Covered<'_>, row: &[f64], columns: &mut [f64]) {
        self.steps.clear();
        // the root's own step stands for no column
        self.down(
            tree,
            row,
            columns,
            0,
            0..0,
            Step {
                column: usize::MAX,
                zero: 1.0,
                one: 1.0,
                weight: 0.0,
            },
        );
    }

    /// Visits a node whose parent's path lies at `parent`, reached by `step`.
    fn down(
        &mut self,
        tree: &Covered<'_>,
        row: &[f64],
        columns: &mut [f64],
        at: usize,
        parent: std::ops::Range<usize>,
        step: Step,
    ) {
        let start = self.steps.len();
        self.steps.extend_from_within(parent);
        self.extend(start, step);
        if let Node::Leaf { value } = tree.nodes[at] {
            let path = &self.steps[start..];
            for (place, step) in path.iter().enumerate().skip(1) {
                columns[step.column] +=
                    without(path, place, &self.inverses) * (step.one - step.zero) * value;
            }
        } else if let Some(turn) = tree.turn(at, row) {
            // a column that was split on before is taken off the path and put on again
            let (mut zero, mut one) = (1.0, 1.0);
            let path = &self.steps[start..];
            let before = path
                .iter()
                .skip(1)
                .position(|step| step.column == turn.column);
            if let Some(place) = before {
                let step = path[place + 1];
                (zero, one) = (step.zero, step.one);
                self.unwind(start, place + 1);
            }
            let end = self.steps.len();
            let ways = [
                (turn.taken, turn.taken_share, one),
                (turn.other, turn.other_share, 0.0),
            ];
            for (child, share, one) in ways {
                let step = Step {
                    column: turn.column,
                    zero: zero * share,
                    one,
                    weight: 0.0,
                };
                // no subset comes this way, so its leaves count nothing
                if step.zero > 0.0 || step.one > 0.0 {
                    self.down(tree, row, columns, child, start..end, step);
                    self.steps.truncate(end);
                }
            }
        }
    }

    /// Puts a step on the path that begins at `start`.
    fn extend(&mut self, start: usize, step: Step) {
        self.steps.push(step);
        let path = &mut self.steps[start..];
        let depth = path.len() - 1;
        path[depth].weight = if depth == 0 { 1.0 } else { 0.0 };
        let length = (depth + 1) as f64;
        for at in (0..depth).rev() {
            path[at + 1].weight += step.one * path[at].weight * (at + 1) as f64 / length;
            path[at].weight *= step.zero * (depth - at) as f64 / length;
        }
    }

    /// Takes the step at `place` off the path that begins at `start`.
    fn unwind(&mut self, start: usize, place: usize) {
        let path = &mut self.steps[start..];
        let depth = path.len() - 1;
        let Step { zero, one, .. } = path[place];
        let mut next = path[depth].weight;
        for at in (0..depth).rev() {
            let weight = path[at].weight;
            if one > 0.0 {
                path[at].weight = next * (depth + 1) as f64 / ((at + 1) as f64 * one);
                next = weight - path[at].weight * zero * (depth - at) as f64 / (depth + 1) as f64;
            } else {
                path[at].weight = weight * (depth + 1) as f64 / (zero * (depth - at) as f64);
            }
        }
        for at in place..depth {
            let Step {
                column, zero, one, ..
            } = path[at + 1];
            let weight = path[at].weight;
            path[at] = Step {
                column,
                zero,
                one,
                weight,
            };
        }
        self.steps.pop();
    }
}

/// The sum of the weights of the path without the step at `place`; `inverses[k]` is `1 / k`.
fn without(path: &[Step], place: usize, inverses: &[f64]) -> f64 {
    let depth = path.len() - 1;
    let Step { zero, one, .. } = path[place];
    let mut total = 0.0;
    if one > 0.0 {
        // `one` is a product of zeros and ones, so it is 1
        let mut next = path[depth].weight;
        for at in (0..depth).rev() {
            let weight = next * inverses[at + 1];
            total += weight;
            next = path[at].weight - weight * zero * (depth - at) as f64;
        }
    } else {
        for at in 0..depth {
            total += path[at].weight * inverses[depth - at];
        }
        total /= zero;
    }
    total * (depth + 1) as f64
}
