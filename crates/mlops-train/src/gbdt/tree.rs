//! A grown tree: its splits in bins, and what they are in the numbers and codes that came in.

#[cfg(test)]
use super::bins::{Bins, Column, MISSING};
use serde::{Deserialize, Serialize};

use super::{
    bins::{Feature, Map},
    split::{BinSet, Cut},
};

/// One node of a tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// How many of the tree's rows came by.
    pub(crate) rows: u32,
}

/// What a node does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Answers.
    Leaf { value: f64 },
    /// Sends on to one of two nodes.
    Split {
        /// The place among the bins' features.
        feature: u32,
        test: Test,
        gain: f64,
        left: u32,
        right: u32,
    },
}

/// What goes left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Test {
    /// Numbers up to the threshold, which is where the bin ends.
    Number {
        bin: u8,
        threshold: f64,
        missing_left: bool,
    },
    /// Codes in the list; those of no bin, and missing ones, where it says.
    Category {
        bins: BinSet,
        codes: Vec<u32>,
        missing_left: bool,
    },
}

impl Test {
    pub(crate) fn new(feature: &Feature, cut: Cut) -> Self {
        match (cut, &feature.map) {
            (Cut::Number { bin, missing_left }, Map::Number { cuts }) => {
                // behind the last bin lie the missing values only
                let threshold = cuts.get(usize::from(bin)).copied().unwrap_or(f64::MAX);
                Self::Number {
                    bin,
                    threshold,
                    missing_left,
                }
            }
            (Cut::Category { left }, Map::Category { codes, rare }) => {
                let missing = u8::try_from(feature.values).expect("at most 255 bins");
                let missing_left = left.contains(missing);
                let mut listed: Vec<u32> = (0u8..)
                    .zip(codes)
                    .filter_map(|(bin, code)| left.contains(bin).then_some(*code))
                    .collect();
                if missing_left {
                    listed.extend(rare);
                }
                listed.sort_unstable();
                Self::Category {
                    bins: left,
                    codes: listed,
                    missing_left,
                }
            }
            _ => unreachable!("a cut is of its column's kind"),
        }
    }

    /// Which bins go left.
    pub(crate) fn table(&self, feature: &Feature) -> [bool; 256] {
        let missing = feature.values;
        let mut table = [false; 256];
        match self {
            Self::Number {
                bin, missing_left, ..
            } => {
                table[..=usize::from(*bin)].fill(true);
                table[missing] = *missing_left;
            }
            Self::Category { bins, .. } => {
                (0u8..=255).for_each(|bin| table[usize::from(bin)] = bins.contains(bin));
            }
        }
        table
    }

    fn bin_goes_left(&self, feature: &Feature, found: u8) -> bool {
        match self {
            Self::Number {
                bin, missing_left, ..
            } => {
                if usize::from(found) == feature.values {
                    *missing_left
                } else {
                    found <= *bin
                }
            }
            Self::Category { bins, .. } => bins.contains(found),
        }
    }
}

/// A tree; its root is the first node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
}

impl Tree {
    /// Whether it can be walked: every child lies behind its parent, and every feature is there and of
    /// the test's kind.
    pub(crate) fn is_sound(&self, features: &[Feature]) -> bool {
        let fits = |feature: &Feature, test: &Test| {
            matches!(
                (test, &feature.map),
                (Test::Number { .. }, Map::Number { .. })
                    | (Test::Category { .. }, Map::Category { .. })
            )
        };
        let inside = |(at, node): (usize, &Node)| match &node.kind {
            Kind::Leaf { value } => value.is_finite(),
            Kind::Split {
                feature,
                test,
                left,
                right,
                ..
            } => {
                let later = |child: u32| at < child as usize && (child as usize) < self.nodes.len();
                let feature = features.get(*feature as usize);
                feature.is_some_and(|feature| fits(feature, test)) && later(*left) && later(*right)
            }
        };
        !self.nodes.is_empty() && self.nodes.iter().enumerate().all(inside)
    }

    /// The node at which a row of bins ends.
    pub(crate) fn leaf(&self, features: &[Feature], columns: &[Vec<u8>], row: usize) -> usize {
        let mut at = 0;
        while let Kind::Split {
            feature,
            test,
            left,
            right,
            ..
        } = &self.nodes[at].kind
        {
            let feature = *feature as usize;
            let goes_left = test.bin_goes_left(&features[feature], columns[feature][row]);
            at = if goes_left { *left } else { *right } as usize;
        }
        at
    }

    /// What a row of bins is answered.
    pub(crate) fn answer(&self, features: &[Feature], columns: &[Vec<u8>], row: usize) -> f64 {
        match self.nodes[self.leaf(features, columns, row)].kind {
            Kind::Leaf { value } => value,
            Kind::Split { .. } => unreachable!("a row ends at a leaf"),
        }
    }

    /// What a row is answered by its numbers and codes, as any reader of the tree would.
    #[cfg(test)]
    pub(crate) fn answer_raw(&self, bins: &Bins, columns: &[Column<'_>], row: usize) -> f64 {
        let mut at = 0;
        loop {
            let (feature, test, left, right) = match &self.nodes[at].kind {
                Kind::Leaf { value } => return *value,
                Kind::Split {
                    feature,
                    test,
                    left,
                    right,
                    ..
                } => (feature, test, left, right),
            };
            let goes_left = match (test, &columns[bins.features[*feature as usize].column]) {
                (
                    Test::Number {
                        threshold,
                        missing_left,
                        ..
                    },
                    Column::Numbers(x),
                ) => {
                    if x[row].is_nan() {
                        *missing_left
                    } else {
                        x[row] <= *threshold
                    }
                }
                (
                    Test::Category {
                        codes,
                        missing_left,
                        ..
                    },
                    Column::Codes(x),
                ) => {
                    if x[row] == MISSING {
                        *missing_left
                    } else {
                        codes.contains(&x[row])
                    }
                }
                _ => unreachable!("a column keeps its kind"),
            };
            at = if goes_left { *left } else { *right } as usize;
        }
    }
}
