//! Ensembles of small trees as a batch walks them: eight bytes a node, ranks in place of numbers.
//!
//! What a split asks is decided before any tree is walked: of each column, the thresholds of all trees are
//! sorted, and a row's number becomes its rank among them, once. A step is then one load of a node and one
//! comparison of whole numbers. A tree has at most 256 nodes and a row at most 255 ranks, so that a byte names
//! any of them and no index has to be checked. Eight rows are walked at once, rank by rank side by side.
//!
//! A missing value ranks below all or above all, as the split sends it, so a column takes two places where
//! its splits differ. A split by category looks its code up in a set of bits: those of the codes that go right.
//! Every step does both, and one of them never says right: a branch on the kind would be guessed wrong.
//!
//! # Reference
//! Ranks: QuickScorer (Lucchese et al. 2015) sorts thresholds by column, and walks no trees.

use std::{collections::BTreeMap, hint::select_unpredictable, ops::Range};

use super::{BY_CATEGORY, Forest, LANES};

/// What a byte can name.
const NAMED: usize = 256;

/// Steps between two looks at whether all rows have come to a leaf.
const STRETCH: u32 = 3;

/// The bytes of all sets together; ensembles that need more are walked otherwise.
const SET_BYTES: usize = 4 << 20;

/// Ranks of eight rows by place. The odd length keeps groups apart in the cache.
pub(super) type Group = [[u16; LANES]; NAMED + 4];

/// No ranks yet.
pub(super) const BLANK: Group = [[0; LANES]; NAMED + 4];

/// A split or a leaf.
#[derive(Debug, Clone, Copy, Default)]
struct Small {
    /// The first byte of the set of codes that go right.
    set: u32,
    /// A rank above goes right; [`CODES`] for a split by category.
    rank: u16,
    place: u8,
    /// The left child; the right one follows it. A leaf reads a place that is always 0, and names itself.
    left: u8,
}

/// No rank is above, and codes are looked up in the set.
const CODES: u16 = u16::MAX;

/// What becomes of a column.
#[derive(Debug, Clone)]
enum Place {
    /// The number of thresholds at or below the value.
    Rank {
        column: usize,
        thresholds: Vec<f64>,
        missing: u16,
    },
    /// The value as a category; from `codes` on, what is missing and what is none.
    Code { column: usize, codes: u16 },
}

/// A split or a leaf in words.
#[derive(Debug, Clone)]
enum Step {
    Leaf(f64),
    Split {
        column: usize,
        question: Question,
        missing_left: bool,
        /// The left child's number in its tree; the right one follows it.
        left: usize,
    },
}

/// What goes left.
#[derive(Debug, Clone)]
enum Question {
    Below(f64),
    /// Ascending.
    Among(Vec<u32>),
}

#[derive(Debug, Clone, Copy)]
struct Root {
    first: usize,
    depth: u32,
}

/// All trees of an ensemble.
#[derive(Debug, Clone)]
pub(super) struct Compact {
    /// With room for a whole tree behind the last one.
    nodes: Vec<Small>,
    /// The values of leaves, side by side with `nodes`.
    values: Vec<f64>,
    /// The sets of all splits by category; the first byte is in none of them and is 0.
    sets: Vec<u8>,
    roots: Vec<Root>,
    /// From the second place on.
    places: Vec<Place>,
}

/// Which splits share a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number { column: usize, left: bool },
    Category { column: usize },
}

impl Compact {
    /// Lays trees out anew, where all of them are small.
    pub(super) fn new(forest: &Forest) -> Option<Self> {
        let ends = forest.roots.iter().skip(1).copied();
        let ends = ends.chain([u32::try_from(forest.nodes.len()).ok()?]);
        let mut trees = Vec::with_capacity(forest.roots.len());
        for (root, end) in forest.roots.iter().zip(ends) {
            let nodes = *root as usize..end as usize;
            if nodes.len() > NAMED {
                return None;
            }
            trees.push(steps(forest, nodes));
        }
        Self::of(&trees)
    }

    fn of(trees: &[Vec<Step>]) -> Option<Self> {
        let places = places(trees)?;
        let at = |key: &Key| places.keys().position(|other| other == key);
        let mut compact = Self {
            nodes: Vec::new(),
            values: Vec::new(),
            sets: vec![0],
            roots: Vec::with_capacity(trees.len()),
            places: places.values().cloned().collect(),
        };
        for tree in trees {
            let first = compact.nodes.len();
            let depth = depth(tree);
            compact.roots.push(Root { first, depth });
            for (number, step) in tree.iter().enumerate() {
                let mut node = Small {
                    left: u8::try_from(number).ok()?,
                    ..Small::default()
                };
                let mut value = 0.0;
                match step {
                    Step::Leaf(leaf) => value = *leaf,
                    Step::Split {
                        column,
                        question,
                        missing_left,
                        left,
                    } => {
                        let place = at(&key(*column, question, *missing_left))?;
                        node.place = u8::try_from(place + 1).ok()?;
                        node.left = u8::try_from(*left).ok()?;
                        match (question, &compact.places[place]) {
                            (Question::Below(value), Place::Rank { thresholds, .. }) => {
                                let below = thresholds.partition_point(|other| other < value);
                                node.rank = u16::try_from(below).ok()?;
                            }
                            (Question::Among(categories), Place::Code { codes, .. }) => {
                                node.rank = CODES;
                                let sets = &mut compact.sets;
                                node.set = add_set(sets, categories, *codes, *missing_left)?;
                            }
                            _ => return None,
                        }
                    }
                }
                compact.nodes.push(node);
                compact.values.push(value);
            }
        }
        let room = compact.nodes.len() + NAMED;
        compact.nodes.resize(room, Small::default());
        compact.values.resize(room, 0.0);
        Some(compact)
    }

    /// Ranks up to eight rows of encoded columns.
    pub(super) fn rank(&self, rows: &[f64], width: usize, group: &mut Group) {
        for (place, ranks) in self.places.iter().zip(group.iter_mut().skip(1)) {
            match place {
                Place::Rank {
                    column,
                    thresholds,
                    missing,
                } => {
                    let mut found = [0; LANES];
                    let mut values = [0.0; LANES];
                    let column = rows.iter().skip(*column).step_by(width);
                    values.iter_mut().zip(column).for_each(|(to, x)| *to = *x);
                    search(thresholds, &values, &mut found);
                    for ((rank, found), x) in ranks.iter_mut().zip(found).zip(values) {
                        *rank = if x.is_nan() { *missing } else { found };
                    }
                }
                Place::Code { column, codes } => {
                    let column = rows.iter().skip(*column).step_by(width);
                    ranks
                        .iter_mut()
                        .zip(column)
                        .for_each(|(rank, x)| *rank = code(*x, *codes));
                }
            }
        }
    }

    /// What a tree answers eight ranked rows.
    pub(super) fn walk(&self, tree: usize, group: &Group) -> [f64; LANES] {
        if self.sets.len() == 1 {
            self.end::<false>(self.roots[tree], group)
        } else {
            self.end::<true>(self.roots[tree], group)
        }
    }

    fn end<const CATEGORIES: bool>(&self, root: Root, group: &Group) -> [f64; LANES] {
        let nodes = named(&self.nodes[root.first..]);
        let mut at = [0u8; LANES];
        let step = |at: &mut [u8; LANES]| {
            for (lane, at) in at.iter_mut().enumerate() {
                let node = nodes[usize::from(*at)];
                let x = group[usize::from(node.place)][lane];
                let mut right = u8::from(x > node.rank);
                if CATEGORIES {
                    let code = u32::from(x * u16::from(node.rank == CODES));
                    let byte = self.sets[(node.set + code / 8) as usize];
                    right |= byte >> (code % 8) & 1;
                }
                *at = node.left.wrapping_add(right);
            }
        };
        // few rows go down to the deepest leaf: now and then, see whether all have stopped
        for _ in 0..root.depth / STRETCH {
            let before = at;
            step(&mut at);
            if at == before {
                break;
            }
            for _ in 1..STRETCH {
                step(&mut at);
            }
        }
        for _ in 0..root.depth % STRETCH {
            step(&mut at);
        }
        let values = named(&self.values[root.first..]);
        at.map(|leaf| values[usize::from(leaf)])
    }
}

/// As many items as a byte can name.
fn named<T>(items: &[T]) -> &[T; NAMED] {
    items
        .first_chunk()
        .expect("there is room for a whole tree behind the last one")
}

/// The nodes of a tree in words.
fn steps(forest: &Forest, nodes: Range<usize>) -> Vec<Step> {
    let first = nodes.start;
    let steps = nodes.map(|at| {
        let node = forest.nodes[at];
        if node.left as usize == at {
            return Step::Leaf(node.value);
        }
        let column = (node.column & !BY_CATEGORY) as usize;
        let question = if node.column & BY_CATEGORY == 0 {
            Question::Below(node.value)
        } else {
            Question::Among(forest.categories(node.value))
        };
        Step::Split {
            column: column % forest.width,
            question,
            missing_left: column < forest.width,
            left: node.left as usize - first,
        }
    });
    steps.collect()
}

fn key(column: usize, question: &Question, missing_left: bool) -> Key {
    match question {
        Question::Below(_) => Key::Number {
            column,
            left: missing_left,
        },
        Question::Among(_) => Key::Category { column },
    }
}

/// What becomes of each column that is asked for, if bytes can name it all.
fn places(trees: &[Vec<Step>]) -> Option<BTreeMap<Key, Place>> {
    let mut places: BTreeMap<Key, Place> = BTreeMap::new();
    for step in trees.iter().flatten() {
        let Step::Split {
            column,
            question,
            missing_left,
            ..
        } = step
        else {
            continue;
        };
        let place = places.entry(key(*column, question, *missing_left));
        let place = place.or_insert_with(|| match question {
            Question::Below(_) => Place::Rank {
                column: *column,
                thresholds: Vec::new(),
                missing: if *missing_left { 0 } else { u16::MAX },
            },
            Question::Among(_) => Place::Code {
                column: *column,
                codes: 0,
            },
        });
        match (place, question) {
            (Place::Rank { thresholds, .. }, Question::Below(value)) => thresholds.push(*value),
            (Place::Code { codes, .. }, Question::Among(categories)) => {
                let last = u16::try_from(*categories.last()?).ok()?;
                *codes = (*codes).max(last.checked_add(3)? - 2);
            }
            _ => return None,
        }
    }
    for place in places.values_mut() {
        if let Place::Rank { thresholds, .. } = place {
            thresholds.sort_unstable_by(f64::total_cmp);
            // 0 and -0 are one threshold
            thresholds.dedup_by(|a, b| a == b);
            // the highest rank is that of a missing value
            if thresholds.len() >= usize::from(u16::MAX) {
                return None;
            }
        }
    }
    (places.len() < NAMED).then_some(places)
}

/// How many thresholds are at or below each value: halvings without a branch, eight at a time.
fn search(thresholds: &[f64], values: &[f64; LANES], found: &mut [u16; LANES]) {
    let mut bases = [0usize; LANES];
    let mut size = thresholds.len();
    while size > 1 {
        let half = size / 2;
        for (base, x) in bases.iter_mut().zip(values) {
            let middle = *base + half;
            *base = select_unpredictable(thresholds[middle] <= *x, middle, *base);
        }
        size -= half;
    }
    for ((found, base), x) in found.iter_mut().zip(bases).zip(values) {
        let last = thresholds.get(base).is_some_and(|threshold| threshold <= x);
        *found = u16::try_from(base + usize::from(last)).expect("there are fewer thresholds");
    }
}

/// The category that a number names, or one of two codes behind the last.
fn code(x: f64, codes: u16) -> u16 {
    if x.is_nan() {
        return codes;
    }
    if !(x >= 0.0 && x < f64::from(codes)) {
        return codes + 1;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the line above bounds it"
    )]
    let code = x as u16;
    code
}

/// Appends the codes that go right, unless the sets become too large.
fn add_set(bytes: &mut Vec<u8>, categories: &[u32], codes: u16, missing_left: bool) -> Option<u32> {
    let first = bytes.len();
    let all = usize::from(codes) + 2;
    if first + all.div_ceil(8) > SET_BYTES {
        return None;
    }
    bytes.resize(first + all.div_ceil(8), u8::MAX);
    let mut goes_left = |code: usize| bytes[first + code / 8] &= !(1 << (code % 8));
    for code in categories {
        goes_left(*code as usize);
    }
    if missing_left {
        goes_left(usize::from(codes));
    }
    u32::try_from(first).ok()
}

/// The splits between root and deepest leaf; children stand behind their parents.
fn depth(tree: &[Step]) -> u32 {
    let mut depths = vec![0; tree.len()];
    for (at, step) in tree.iter().enumerate() {
        if let Step::Split { left, .. } = step {
            (depths[*left], depths[*left + 1]) = (depths[at] + 1, depths[at] + 1);
        }
    }
    depths.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_the_number_of_thresholds_at_or_below() {
        for count in 0..40 {
            let thresholds: Vec<f64> = (0..count).map(f64::from).collect();
            let values = [-1.0, 0.0, 0.5, 7.0, 12.25, 38.0, 39.5, f64::INFINITY];
            let mut found = [0; LANES];
            search(&thresholds, &values, &mut found);
            for (found, x) in found.iter().zip(values) {
                let plain = thresholds.iter().filter(|t| **t <= x).count();
                assert_eq!(usize::from(*found), plain, "{x} of {count}");
            }
        }
    }

    #[test]
    fn what_is_no_category_has_a_code_of_its_own() {
        assert_eq!(
            [0.0, 2.9, 3.0, -0.5, -0.0].map(|x| code(x, 3)),
            [0, 2, 4, 4, 0]
        );
        assert_eq!(code(f64::NAN, 3), 3);
    }

    #[test]
    fn trees_that_a_byte_cannot_name_are_left_to_the_other_walk() {
        let split = |left| Step::Split {
            column: 0,
            question: Question::Below(1.0),
            missing_left: true,
            left,
        };
        let chain = |splits: usize| -> Vec<Step> {
            let pairs = (0..splits).flat_map(|at| [split(2 * at + 1), Step::Leaf(at as f64)]);
            // the root stands alone, and the last left child is a leaf
            let mut steps: Vec<Step> = pairs.collect();
            steps.insert(2 * splits - 1, Step::Leaf(-1.0));
            steps
        };
        assert_eq!(chain(2).len(), 5);
        assert!(Compact::of(&[chain(127)]).is_some());
        assert!(Compact::of(&[chain(128)]).is_none());
        let many = [65_532, 65_533].map(|last| {
            let step = Step::Split {
                column: 0,
                question: Question::Among(vec![last]),
                missing_left: false,
                left: 1,
            };
            Compact::of(&[vec![step, Step::Leaf(0.0), Step::Leaf(1.0)]]).is_some()
        });
        assert_eq!(many, [true, false]);
    }
}
