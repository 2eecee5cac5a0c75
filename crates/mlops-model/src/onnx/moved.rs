//! Thresholds that move, where arithmetic on a column differs in the last bit from library to library.
//!
//! Logarithms of two libraries differ there, and a threshold may lie in between. So trees read such a column
//! as it is, and its thresholds are moved to where the arithmetic crosses them, which is exact. Sines are no
//! such arithmetic, since they rise and fall: their thresholds move by more than libraries differ.

use crate::{DatePart, Encoder, Estimator, ModelSpec, Node, Rule, Step};

/// How far two libraries' sines may lie apart, many times over.
const SINES: f64 = 1e-13;

/// What becomes of the thresholds of an encoded column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Move {
    /// The column is left as it is, and thresholds are where this arithmetic crosses them.
    Rising(Rising),
    /// The column is encoded, and thresholds stand a little off.
    Cycle,
}

/// Arithmetic that never falls.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rising {
    /// `(sign(x) * ln(1 + |x|) - center) / scale`.
    Log { center: f64, scale: f64 },
    /// The steps of a transform.
    Steps(Vec<Step>),
}

/// The moves of a model's encoded columns.
pub(super) fn moves(spec: &ModelSpec) -> Vec<Option<Move>> {
    let mut moves = Vec::with_capacity(spec.preprocess().width());
    for encoder in spec.preprocess().encoders() {
        match encoder {
            Encoder::Numeric {
                log1p: true,
                center,
                scale,
                ..
            } => moves.push(Some(Move::Rising(Rising::Log {
                center: *center,
                scale: *scale,
            }))),
            Encoder::Transform { steps, .. } => {
                moves.push(Some(Move::Rising(Rising::Steps(steps.clone()))));
            }
            Encoder::DateParts { parts, .. } => moves.extend(parts.iter().flat_map(|part| {
                let width = part.width();
                let cycle = matches!(
                    part,
                    DatePart::DayCycle | DatePart::WeekCycle | DatePart::YearCycle
                );
                std::iter::repeat_n(cycle.then_some(Move::Cycle), width)
            })),
            plain => moves.extend(std::iter::repeat_n(None, plain.width())),
        }
    }
    keep_compared(spec.estimator(), 0, &mut moves);
    moves
}

/// A category is compared with the arithmetic's result itself.
fn keep_compared(estimator: &Estimator, first: usize, moves: &mut [Option<Move>]) {
    match estimator {
        Estimator::Trees(ensemble) => {
            for node in ensemble.trees.iter().flat_map(|tree| &tree.nodes) {
                if let Node::Category { feature, .. } = node {
                    moves[first + *feature as usize] = None;
                }
            }
        }
        Estimator::Ensemble(ensemble) => {
            for member in &ensemble.members {
                keep_compared(&member.estimator, first + member.first, moves);
            }
        }
        Estimator::Calibrated(calibrated) => keep_compared(&calibrated.estimator, first, moves),
        _ => {}
    }
}

impl Move {
    /// The rule and threshold to ask the column in the graph.
    pub(super) fn split(&self, rule: Rule, threshold: f64) -> (Rule, f64) {
        match (self, rule) {
            (Self::Rising(rising), rule) => (Rule::Lt, rising.crossing(rule, threshold)),
            (Self::Cycle, Rule::Lt) => (rule, threshold - SINES),
            (Self::Cycle, Rule::Le) => (rule, threshold + SINES),
        }
    }
}

impl Rising {
    fn apply(&self, x: f64) -> f64 {
        match self {
            Self::Log { center, scale } => (x.signum() * x.abs().ln_1p() - center) / scale,
            Self::Steps(steps) => steps.iter().fold(x, |x, step| step.apply(x)),
        }
    }

    /// The least number whose result no longer passes the split, found by halving.
    fn crossing(&self, rule: Rule, threshold: f64) -> f64 {
        let passes = |x: f64| match rule {
            Rule::Lt => self.apply(x) < threshold,
            Rule::Le => self.apply(x) <= threshold,
        };
        let (mut low, mut high) = (rank(f64::MIN), rank(f64::INFINITY));
        while low < high {
            let middle = low.midpoint(high);
            if passes(number(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        number(low)
    }
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
    fn every_number_has_its_rank() {
        let numbers = [
            f64::MIN,
            -1.0,
            -5e-324,
            -0.0,
            0.0,
            5e-324,
            1.0,
            f64::MAX,
            f64::INFINITY,
        ];
        for pair in numbers.windows(2) {
            assert!(rank(pair[0]) < rank(pair[1]), "{pair:?}");
        }
        for x in numbers {
            assert_eq!(number(rank(x)).to_bits(), x.to_bits());
        }
        assert_eq!(rank(0.0), rank(-0.0) + 1);
    }

    #[test]
    fn a_threshold_moves_to_where_the_arithmetic_crosses_it() {
        let logs = [(0.0, 1.0), (0.3, 2.5), (-1e-3, 1e-9)];
        let logs = logs.map(|(center, scale)| Rising::Log { center, scale });
        let roots = Rising::Steps(vec![
            Step::Sqrt,
            Step::Scale {
                center: 0.3,
                scale: 2.5,
            },
        ]);
        for rising in logs.into_iter().chain([roots]) {
            for x in [-1e300, -7.25, -1e-9, 0.0, 3.0, 1e-17, 6.02e23] {
                // at the result of x itself: below it x goes right, up to it x goes left
                let at = rising.apply(x);
                let below = rising.crossing(Rule::Lt, at);
                assert!(x >= below && rising.apply(below.next_down()) < at, "{x}");
                let up_to = rising.crossing(Rule::Le, at);
                assert!(x < up_to && rising.apply(up_to) > at, "{x}");
            }
            assert_eq!(rising.crossing(Rule::Lt, f64::MAX), f64::INFINITY);
            assert_eq!(rising.crossing(Rule::Lt, f64::MIN), f64::MIN);
        }
    }

    #[test]
    fn a_level_stretch_goes_one_way() {
        let clipped = Rising::Steps(vec![Step::Clip {
            lower: 1.0,
            upper: 2.0,
        }]);
        assert_eq!(clipped.crossing(Rule::Lt, 1.0), f64::MIN);
        assert_eq!(clipped.crossing(Rule::Le, 1.0), 1.0f64.next_up());
        assert_eq!(clipped.crossing(Rule::Le, 2.0), f64::INFINITY);
    }
}
