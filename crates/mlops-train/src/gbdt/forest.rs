//! Grows the trees of a random forest, or a single one: node by node, on the best of all columns or of some
//! drawn for each.
//!
//! A node's rows are summed into the bins that they touch and no others, so a node costs what its rows
//! cost, however small it is. A tree is grown by one thread from a seed of its own.

use mlops_core::{Rng, Seed};

use super::{
    bins::Bins,
    partition::partition,
    pool::each,
    purity::{Cells, Row, Totals},
    split::Cut,
    tree::{Kind, Node, Test, Tree},
};

/// What a forest is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ForestSettings {
    pub(crate) trees: usize,
    pub(crate) max_depth: usize,
    pub(crate) min_rows_leaf: usize,
    /// How many columns each split chooses from.
    pub(crate) columns: usize,
    /// Whether a tree sees rows drawn with replacement, or all of them.
    pub(crate) bootstrap: bool,
    /// What each sum of a leaf and its weight are raised by.
    pub(crate) prior: (f64, f64),
    pub(crate) seed: u64,
    pub(crate) threads: usize,
}

/// What a forest learns.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answers<'a> {
    /// A mean of these.
    Numbers(&'a [f64]),
    /// The shares of so many classes.
    Classes(&'a [u32], usize),
}

impl Answers<'_> {
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Self::Numbers(_) => 1,
            Self::Classes(_, classes) => *classes,
        }
    }
}

/// Grows a forest; of each tree there is one copy an output, with that output's leaves.
pub(crate) fn forest(
    bins: &Bins,
    answers: Answers<'_>,
    weights: Option<&[f64]>,
    settings: &ForestSettings,
) -> Vec<Tree> {
    let trees = each(settings.threads, settings.trees, |at| {
        let seed = Seed(settings.seed).derive(&format!("tree {at}"));
        Planter::new(bins, answers, weights, settings, seed).grow()
    });
    trees.into_iter().flatten().collect()
}

#[derive(Debug)]
struct Found {
    score: f64,
    feature: usize,
    cut: Cut,
}

/// One tree while it grows.
#[derive(Debug)]
struct Planter<'a> {
    bins: &'a Bins,
    answers: Answers<'a>,
    weights: Option<&'a [f64]>,
    settings: &'a ForestSettings,
    rng: Rng,
    rows: Vec<u32>,
    /// How often each row was drawn.
    drawn: Vec<u32>,
    scratch: Vec<u32>,
    local: Vec<Row>,
    order: Vec<usize>,
    cells: Cells,
}

impl<'a> Planter<'a> {
    fn new(
        bins: &'a Bins,
        answers: Answers<'a>,
        weights: Option<&'a [f64]>,
        settings: &'a ForestSettings,
        seed: Seed,
    ) -> Self {
        let mut rng = seed.rng();
        let mut drawn = vec![u32::from(!settings.bootstrap); bins.rows];
        if settings.bootstrap {
            for _ in 0..bins.rows {
                drawn[rng.below(bins.rows)] += 1;
            }
        }
        let counts = |row: &u32| {
            let row = *row as usize;
            drawn[row] > 0 && weights.is_none_or(|weights| weights[row] > 0.0)
        };
        let rows = 0..u32::try_from(bins.rows).expect("rows are bounded");
        let mut rows: Vec<u32> = rows.filter(counts).collect();
        if rows.is_empty() {
            // chance passed over the few rows that count: take one of them
            let counts = |row: &usize| weights.is_none_or(|weights| weights[*row] > 0.0);
            let first = (0..bins.rows).find(counts).expect("some row has a weight");
            drawn[first] = 1;
            rows.push(u32::try_from(first).expect("rows are bounded"));
        }
        Self {
            bins,
            answers,
            weights,
            settings,
            rng,
            rows,
            drawn,
            scratch: Vec::new(),
            local: Vec::new(),
            order: (0..bins.features.len()).collect(),
            cells: Cells::new(answers.outputs()),
        }
    }

    fn grow(mut self) -> Vec<Tree> {
        let blank = |rows: usize| Node {
            kind: Kind::Leaf { value: 0.0 },
            rows: u32::try_from(rows).expect("rows are bounded"),
        };
        let mut nodes = vec![blank(self.rows.len())];
        let mut leaves: Vec<(usize, Vec<f64>)> = Vec::new();
        let mut open = vec![(0, 0..self.rows.len(), 0)];
        while let Some((node, range, depth)) = open.pop() {
            self.gather(range.clone());
            let total = self.total();
            let Some(found) = self.best(&total, range.clone(), depth) else {
                let (more, weight) = self.settings.prior;
                let means = total.sums.iter();
                let means = means.map(|sum| (sum + more) / (total.weight + weight));
                leaves.push((node, means.collect()));
                continue;
            };
            let feature = &self.bins.features[found.feature];
            let test = Test::new(feature, found.cut);
            let table = test.table(feature);
            let bytes = &self.bins.columns[found.feature];
            let count = partition(
                &mut self.rows[range.clone()],
                &mut self.scratch,
                bytes,
                &table,
                1,
            );
            let middle = range.start + count;
            let next = nodes.len();
            let index = |at: usize| u32::try_from(at).expect("a tree has fewer than 2^32 nodes");
            nodes[node].kind = Kind::Split {
                feature: index(found.feature),
                test,
                gain: found.score - total.score(),
                left: index(next),
                right: index(next + 1),
            };
            nodes.push(blank(middle - range.start));
            nodes.push(blank(range.end - middle));
            open.push((next + 1, middle..range.end, depth + 1));
            open.push((next, range.start..middle, depth + 1));
        }
        let outputs = self.answers.outputs();
        let copy = |output: usize| {
            let mut nodes = nodes.clone();
            for (node, means) in &leaves {
                nodes[*node].kind = Kind::Leaf {
                    value: means[output],
                };
            }
            Tree { nodes }
        };
        (0..outputs).map(copy).collect()
    }

    /// The node's rows, in order.
    fn gather(&mut self, range: std::ops::Range<usize>) {
        self.local.clear();
        for row in &self.rows[range] {
            let row = *row as usize;
            let weight =
                f64::from(self.drawn[row]) * self.weights.map_or(1.0, |weights| weights[row]);
            let (answer, class) = match self.answers {
                Answers::Numbers(answers) => (answers[row], 0),
                Answers::Classes(classes, _) => (1.0, classes[row] as usize),
            };
            self.local.push(Row {
                weight,
                answer,
                class,
            });
        }
    }

    fn total(&self) -> Totals {
        let mut total = Totals::zero(self.answers.outputs());
        total.rows = self.local.len();
        for row in &self.local {
            total.weight += row.weight;
            total.sums[row.class] += row.weight * row.answer;
        }
        total
    }

    /// Whether all rows have one answer.
    fn is_pure(&self) -> bool {
        let same =
            |row: &Row| row.class == self.local[0].class && row.answer == self.local[0].answer;
        self.local.iter().all(same)
    }

    /// The best split on columns drawn by chance; more are drawn while none of them splits at all.
    fn best(
        &mut self,
        total: &Totals,
        range: std::ops::Range<usize>,
        depth: usize,
    ) -> Option<Found> {
        let least = self.settings.min_rows_leaf;
        if depth == self.settings.max_depth || range.len() < 2 * least || self.is_pure() {
            return None;
        }
        let own = total.score();
        let mut best: Option<Found> = None;
        for tried in 0..self.order.len() {
            if tried >= self.settings.columns && best.is_some() {
                break;
            }
            if self.settings.columns < self.order.len() {
                let other = tried + self.rng.below(self.order.len() - tried);
                self.order.swap(tried, other);
            }
            let feature = self.order[tried];
            let floor = best
                .as_ref()
                .map_or(own + own.abs() * 1e-12, |best| best.score);
            let found = self.by_feature(feature, total, range.clone(), floor);
            best = found.or(best);
        }
        best
    }

    /// The best split on one column above `floor`.
    fn by_feature(
        &mut self,
        index: usize,
        total: &Totals,
        range: std::ops::Range<usize>,
        floor: f64,
    ) -> Option<Found> {
        let (feature, bytes) = (&self.bins.features[index], &self.bins.columns[index]);
        let mut touched = [0u64; 4];
        for (row, local) in self.rows[range].iter().zip(&self.local) {
            let bin = bytes[*row as usize];
            touched[usize::from(bin >> 6)] |= 1 << (bin & 63);
            self.cells.add(bin, local);
        }
        let least = self.settings.min_rows_leaf;
        let mut order = ones(touched);
        let found = self.cells.best(feature, &mut order, total, least, floor);
        for bin in ones(touched) {
            self.cells.clear(bin);
        }
        found.map(|(score, cut)| Found {
            score,
            feature: index,
            cut,
        })
    }
}

/// The bits that are set, ascending.
fn ones(touched: [u64; 4]) -> Vec<u8> {
    let mut found = Vec::new();
    for (base, word) in [0u8, 64, 128, 192].into_iter().zip(touched) {
        let mut word = word;
        while word != 0 {
            found.push(base + u8::try_from(word.trailing_zeros()).expect("below 64"));
            word &= word - 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::bins::{Column, MISSING, Map};
    use super::*;

    fn settings(min_rows_leaf: usize, columns: usize) -> ForestSettings {
        ForestSettings {
            trees: 1,
            max_depth: 255,
            min_rows_leaf,
            columns,
            bootstrap: true,
            prior: (0.0, 0.0),
            seed: 5,
            threads: 1,
        }
    }

    /// The purest two parts that any column makes of the rows a tree drew.
    fn slow(planter: &Planter<'_>, labels: &[f64], least: usize) -> f64 {
        let score = |rows: &[u32]| {
            let weight: f64 = rows
                .iter()
                .map(|row| f64::from(planter.drawn[*row as usize]))
                .sum();
            let sum: f64 = rows
                .iter()
                .map(|row| f64::from(planter.drawn[*row as usize]) * labels[*row as usize])
                .sum();
            sum * sum / weight
        };
        let mut best = score(&planter.rows);
        for (feature, bytes) in planter.bins.features.iter().zip(&planter.bins.columns) {
            let mut sets: Vec<Vec<usize>> = Vec::new();
            let cells = feature.cells();
            if matches!(feature.map, Map::Number { .. }) {
                for end in 1..=feature.values {
                    sets.push((0..end).collect());
                    sets.push((0..end).chain([feature.values]).collect());
                }
            } else {
                let subset = |bits: usize| (0..cells).filter(|bin| bits >> bin & 1 == 1).collect();
                sets.extend((1..1 << cells).map(subset));
            }
            for set in sets {
                let side = |row: &&u32| set.contains(&usize::from(bytes[**row as usize]));
                let (left, right): (Vec<&u32>, Vec<&u32>) = planter.rows.iter().partition(side);
                if left.len() >= least && right.len() >= least {
                    let own =
                        |rows: Vec<&u32>| score(&rows.into_iter().copied().collect::<Vec<_>>());
                    best = best.max(own(left) + own(right));
                }
            }
        }
        best
    }

    #[test]
    fn the_first_split_is_the_best_of_all() {
        for seed in 0..60 {
            let mut rng = Seed(seed).rng();
            let rows = 30 + rng.below(60);
            let gaps = if seed % 2 == 0 { 0.2 } else { 0.0 };
            let x: Vec<f64> = (0..rows)
                .map(|_| {
                    if rng.unit() < gaps {
                        f64::NAN
                    } else {
                        rng.normal()
                    }
                })
                .collect();
            let codes: Vec<u32> = (0..rows)
                .map(|_| {
                    if rng.unit() < gaps {
                        MISSING
                    } else {
                        u32::try_from(rng.below(5)).unwrap()
                    }
                })
                .collect();
            let labels: Vec<f64> = (0..rows)
                .map(|row| rng.normal() + if codes[row] % 2 == 1 { 1.0 } else { 0.0 })
                .collect();
            let bins = Bins::new(&[Column::Numbers(&x), Column::Codes(&codes)], 30, 1);
            let least = 1 + rng.below(6);
            let settings = settings(least, 2);
            let answers = Answers::Numbers(&labels);
            let mut planter = Planter::new(&bins, answers, None, &settings, Seed(seed));
            let all = 0..planter.rows.len();
            planter.gather(all.clone());
            let total = planter.total();
            let found = planter
                .best(&total, all, 0)
                .map_or(total.score(), |found| found.score);
            let expected = slow(&planter, &labels, least);
            assert!(
                (found - expected).abs() < 1e-9,
                "{seed}: {found} {expected}"
            );
        }
    }

    #[test]
    fn leaves_are_pure_and_never_too_small() {
        let mut rng = Seed(3).rng();
        let x: Vec<f64> = (0..500).map(|_| rng.normal()).collect();
        let classes: Vec<u32> = x
            .iter()
            .map(|x| u32::from(*x > 0.3) + u32::from(*x > 1.0))
            .collect();
        let bins = Bins::new(&[Column::Numbers(&x)], 255, 1);
        for least in [1, 7] {
            let answers = Answers::Classes(&classes, 3);
            let copies = forest(&bins, answers, None, &settings(least, 1));
            assert_eq!(copies.len(), 3);
            let sure = classes.iter().enumerate().filter(|(row, class)| {
                let shares =
                    [0, 1, 2].map(|at| copies[at].answer(&bins.features, &bins.columns, *row));
                assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                shares[**class as usize] > 0.99
            });
            // bins hold two rows each, and some rows were not drawn
            assert!(sure.count() > 470);
            let leaves = copies[0]
                .nodes
                .iter()
                .filter(|node| matches!(node.kind, Kind::Leaf { .. }));
            assert!(leaves.into_iter().all(|leaf| leaf.rows as usize >= least));
        }
    }
}
