//! The best split of a leaf by the categories of one column.
//!
//! The method is LightGBM's, after Fisher 1958: few categories are tried each against all others; many
//! are put in the order of gradient over hessian, and the best prefix from either end goes left. Missing
//! values and rare categories count as one more category.

use std::cmp::Ordering;

use super::{
    bins::Feature,
    histogram::Cell,
    split::{BinSet, Cut, Leaf},
};

type Found = (f64, Cut, Cell);

/// The best cut above `floor`, and what its leaves add to `l2`.
pub(crate) fn by_category(
    leaf: &Leaf<'_>,
    feature: &Feature,
    cells: &[Cell],
    floor: f64,
) -> Option<(Found, f64)> {
    let limits = &leaf.limits.category;
    if feature.cells() <= limits.one_against_rest {
        return Some((one_against_rest(leaf, cells, floor)?, 0.0));
    }
    Some((prefixes(leaf, cells, floor)?, limits.l2))
}

fn one_against_rest(leaf: &Leaf<'_>, cells: &[Cell], floor: f64) -> Option<Found> {
    let (mut best, mut found) = (floor, None);
    for (bin, cell) in (0u8..).zip(cells) {
        let (l, r) = (leaf.scale.sums(*cell), leaf.scale.sums(leaf.total - *cell));
        let Some(score) = leaf.pair_score(l, r, leaf.limits.l2) else {
            continue;
        };
        if score > best {
            best = score;
            let mut left = BinSet::default();
            left.insert(bin);
            found = Some((score, Cut::Category { left }, *cell));
        }
    }
    found
}

fn prefixes(leaf: &Leaf<'_>, cells: &[Cell], floor: f64) -> Option<Found> {
    let limits = &leaf.limits.category;
    let l2 = leaf.limits.l2 + limits.l2;
    let mut order: Vec<(f64, u8)> = (0u8..)
        .zip(cells)
        .filter_map(|(bin, cell)| {
            let sums = leaf.scale.sums(*cell);
            let enough = f64::from(sums.rows) >= limits.smooth;
            enough.then(|| (sums.gradient / (sums.hessian + limits.smooth), bin))
        })
        .collect();
    order.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal));
    let most = limits.max_left.min(order.len().div_ceil(2));
    let (mut best, mut found) = (floor, None);
    for backwards in [false, true] {
        let (mut left, mut set, mut group) = (Cell::default(), BinSet::default(), 0);
        for at in 0..most {
            let (_, bin) = order[if backwards { order.len() - 1 - at } else { at }];
            let cell = cells[usize::from(bin)];
            left += cell;
            set.insert(bin);
            group += leaf.scale.sums(cell).rows;
            let (l, r) = (leaf.scale.sums(left), leaf.scale.sums(leaf.total - left));
            if r.rows < leaf.limits.min_rows.max(limits.min_group)
                || r.hessian < leaf.limits.min_hessian
            {
                break;
            }
            if group < limits.min_group {
                continue;
            }
            let Some(score) = leaf.pair_score(l, r, l2) else {
                continue;
            };
            group = 0;
            if score > best {
                best = score;
                found = Some((score, Cut::Category { left: set }, left));
            }
        }
    }
    found
}
