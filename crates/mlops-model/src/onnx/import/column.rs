//! One column of a matrix inside the graph: where it comes from, and the arithmetic on its way.
//!
//! A linear model takes the arithmetic into its encoders and weights. Trees keep the source as it is, and
//! each threshold moves to where the arithmetic crosses it, found by halving: every step rises or falls
//! with `x`, roundings to single precision too, so the decision is the same for every number.

use std::rc::Rc;

use crate::onnx::import::cells::Cells;

/// Where a column comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    /// A number, what stands in for a missing one, and what the encoder does to it.
    Number {
        input: usize,
        impute: Option<f64>,
        log1p: bool,
        center: f64,
        scale: f64,
    },
    /// A text that was not looked up yet.
    Text { input: usize },
    /// 1 where the input is the category, and 0 elsewhere.
    Member { input: usize, category: Rc<str> },
    /// The position of the category.
    Position {
        input: usize,
        categories: Rc<Vec<String>>,
        /// What stands in for a category that is not listed.
        otherwise: f64,
    },
    /// The same number in every row.
    Constant(f64),
    /// A number of what cells answer to the last step of a sequence.
    Last(Cells),
}

/// A step of arithmetic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    Add(f64),
    Mul(f64),
    Div(f64),
    /// To single precision.
    Round,
    /// To the whole number below.
    Floor,
    /// To the nearest number between two.
    Clip(f64, f64),
    /// Stages of `sign(x) * ln(1 + |x|)` as this crate writes it; only the last is a column.
    Log(LogStage),
}

/// The values on the way to a logarithm, by what they are of `x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogStage {
    /// `a = |x|`
    Abs,
    /// `u = 1 + a`
    Above,
    /// `u == 1`
    Near,
    /// `ln u`
    Ln,
    /// `a * ln u`
    Product,
    /// `u - 1`
    Rest,
    /// `a * ln u / (u - 1)`
    Quotient,
    /// `ln(1 + |x|)`
    Size,
    /// `sign(x)`
    Sign,
    /// Whether `x` is missing.
    Missing,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub(super) source: Source,
    pub(super) steps: Vec<Step>,
    /// Whether it holds single precision, so that arithmetic on it is rounded.
    pub(super) single: bool,
}

impl Column {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            steps: Vec::new(),
            single: false,
        }
    }

    /// The number of an input, rounded if the graph reads it so.
    pub(super) fn number(input: usize, single: bool) -> Self {
        let source = Source::Number {
            input,
            impute: None,
            log1p: false,
            center: 0.0,
            scale: 1.0,
        };
        let column = Self::new(source);
        if single { column.rounded() } else { column }
    }

    /// The same column in single precision.
    pub(super) fn rounded(mut self) -> Self {
        if !self.single {
            self.single = true;
            self.steps.push(Step::Round);
        }
        self
    }

    /// The column after a step, rounded if it is in single precision. A factor of 0 makes it a constant.
    pub(super) fn then(mut self, step: Step) -> Self {
        if step == Step::Mul(0.0) {
            self.source = Source::Constant(0.0);
            self.steps.clear();
            return self;
        }
        self.steps.push(step);
        if self.single {
            self.steps.push(Step::Round);
        }
        self
    }

    /// What the arithmetic makes of a number of the source, as its encoder gives it.
    pub(super) fn apply(&self, x: f64) -> f64 {
        self.steps.iter().fold(x, |x, step| match step {
            Step::Add(by) => x + by,
            Step::Mul(by) => x * by,
            Step::Div(by) => x / by,
            Step::Round => rounded(x),
            Step::Floor => x.floor(),
            // a missing number stays one
            Step::Clip(lower, upper) => {
                if x < *lower {
                    *lower
                } else if x > *upper {
                    *upper
                } else {
                    x
                }
            }
            Step::Log(_) => f64::NAN,
        })
    }

    /// The factor and the summand that the arithmetic comes to, roundings apart.
    pub(super) fn affine(&self) -> Option<(f64, f64)> {
        self.steps
            .iter()
            .try_fold((1.0, 0.0), |(factor, sum), step| match step {
                Step::Add(by) => Some((factor, sum + by)),
                Step::Mul(by) => Some((factor * by, sum * by)),
                Step::Div(by) => Some((factor / by, sum / by)),
                Step::Round => Some((factor, sum)),
                Step::Floor | Step::Clip(..) | Step::Log(_) => None,
            })
    }

    /// The stage of a logarithm that the column is at, and the column it started from.
    pub(super) fn stage(&self) -> Option<(LogStage, Self)> {
        let (Step::Log(stage), rest) = self.steps.split_last()? else {
            return None;
        };
        let mut start = self.clone();
        start.steps = rest.to_vec();
        Some((*stage, start))
    }

    /// The column at a stage of its logarithm.
    pub(super) fn at(mut self, stage: LogStage) -> Self {
        self.steps.push(Step::Log(stage));
        self
    }

    /// The column whose logarithm this is, if nothing but a number came before.
    pub(super) fn logarithm(mut self) -> Option<Self> {
        match &mut self.source {
            Source::Number { log1p, .. } if !*log1p && self.steps.is_empty() => *log1p = true,
            _ => return None,
        }
        Some(self)
    }

    /// The whole numbers below the column's. Its encoder scales it, if that is exactly what came before, so
    /// that it can be looked up among categories.
    pub(super) fn floored(mut self) -> Self {
        if let Source::Number { center, scale, .. } = &mut self.source
            && (*center, *scale) == (0.0, 1.0)
            && let Some((by, to)) = match self.steps[..] {
                [Step::Add(by), Step::Div(to)] => Some((by, to)),
                [Step::Add(by)] => Some((by, 1.0)),
                [Step::Div(to)] => Some((0.0, to)),
                _ => None,
            }
            && to > 0.0
        {
            (*center, *scale) = (-by, to);
            self.steps.clear();
        }
        self.then(Step::Floor)
    }

    /// The column with something in place of what is missing, if no arithmetic but rounding came before.
    pub(super) fn imputed(mut self, value: f64) -> Option<Self> {
        let plain = self.steps.iter().all(|step| *step == Step::Round);
        match &mut self.source {
            Source::Number {
                impute,
                log1p: false,
                center: 0.0,
                scale: 1.0,
                ..
            } if plain => {
                // a second one finds nothing missing
                impute.get_or_insert(value);
                Some(self)
            }
            _ => None,
        }
    }
}

/// What a question about the column, whose answer changes at most once over all numbers, comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Crossing {
    /// The answer is the same for every number.
    Always(bool),
    /// Yes below this number, and no from it on.
    Below(f64),
    /// No below this number, and yes from it on.
    From(f64),
}

/// Where the answer changes, by halving.
pub(super) fn crossing(yes: impl Fn(f64) -> bool) -> Crossing {
    let first = yes(f64::MIN);
    if first == yes(f64::MAX) {
        return Crossing::Always(first);
    }
    let (mut low, mut high) = (rank(f64::MIN), rank(f64::MAX));
    while low < high {
        let middle = low.midpoint(high);
        if yes(number(middle)) == first {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if first {
        Crossing::Below(number(low))
    } else {
        Crossing::From(number(low))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding is what is asked for"
)]
pub(super) fn rounded(x: f64) -> f64 {
    f64::from(x as f32)
}

/// The place of a number among all numbers; -0 stands before 0.
fn rank(x: f64) -> u64 {
    let bits = x.to_bits();
    if x.is_sign_negative() {
        !bits
    } else {
        bits | 1 << 63
    }
}

fn number(rank: u64) -> f64 {
    f64::from_bits(if rank >> 63 == 1 {
        rank & !(1 << 63)
    } else {
        !rank
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_in_single_precision_moves_to_where_rows_round_to_it() {
        let column = Column::number(0, true);
        let t = rounded(0.1);
        let Crossing::Below(at) = crossing(|x| column.apply(x) <= t) else {
            panic!("it rises");
        };
        // halfway between the threshold and the next number of single precision, ties to even
        assert!(column.apply(at) > t && column.apply(at.next_down()) <= t);
        assert!(at > t && at < f64::from(0.1_f32.next_up()));
    }

    #[test]
    fn a_negative_factor_turns_the_question_round() {
        let column = Column::number(0, true)
            .then(Step::Mul(-2.0))
            .then(Step::Add(1.0));
        let Crossing::From(at) = crossing(|x| column.apply(x) <= 0.5) else {
            panic!("it falls");
        };
        assert!(column.apply(at) <= 0.5 && column.apply(at.next_down()) > 0.5);
    }

    #[test]
    fn a_moved_threshold_decides_as_the_arithmetic_does() {
        let scales = [
            (0.0, 1.0),
            (0.3, 1.7),
            (-1e-3, -4.0),
            (1e6, 1e-9),
            (3.0, 1e30),
        ];
        for (offset, scale) in scales.map(|(o, s)| (rounded(o), rounded(s))) {
            let column = Column::number(0, true)
                .then(Step::Add(-offset))
                .then(Step::Mul(scale));
            for x in [0.0, -0.0, 0.1, -7.25, 16_777_217.0, 1e-40, -3e38, 0.3, 1.0] {
                let t = column.apply(x);
                let crossed = crossing(|x| column.apply(x) <= t);
                let (up, down) = (
                    f64::next_up as fn(f64) -> f64,
                    f64::next_down as fn(f64) -> f64,
                );
                for step in [up, down] {
                    let mut near = x;
                    for _ in 0..40 {
                        let moved = match crossed {
                            Crossing::Always(yes) => yes,
                            Crossing::Below(at) => near < at,
                            Crossing::From(at) => near >= at,
                        };
                        assert_eq!(moved, column.apply(near) <= t, "{near} {offset} {scale}");
                        near = step(near) * (1.0 + 1e-9);
                    }
                }
            }
        }
    }

    #[test]
    fn arithmetic_adds_up() {
        let column = Column::number(0, false)
            .then(Step::Add(-3.0))
            .then(Step::Div(2.0));
        assert_eq!(column.affine(), Some((0.5, -1.5)));
        assert_eq!(column.apply(7.0), 2.0);
    }
}
