//! The `k`-th smallest of a changing set of ranks.

/// Counts by rank as a tree of partial sums.
///
/// # Reference
/// P. M. Fenwick, *A new data structure for cumulative frequency tables* (1994).
#[derive(Debug, Default)]
pub(super) struct Fenwick {
    /// The node `i` holds the counts of the ranks from `i - (i & -i)` up to `i`, counted from 1.
    nodes: Vec<u32>,
    held: usize,
}

impl Fenwick {
    /// Forgets all and makes room for so many ranks.
    pub(super) fn start(&mut self, ranks: usize) {
        self.nodes.clear();
        self.nodes.resize(ranks + 1, 0);
        self.held = 0;
    }

    pub(super) fn len(&self) -> usize {
        self.held
    }

    pub(super) fn add(&mut self, rank: u32) {
        self.held += 1;
        let mut node = rank as usize + 1;
        while node < self.nodes.len() {
            self.nodes[node] += 1;
            node += node & node.wrapping_neg();
        }
    }

    pub(super) fn remove(&mut self, rank: u32) {
        self.held -= 1;
        let mut node = rank as usize + 1;
        while node < self.nodes.len() {
            self.nodes[node] -= 1;
            node += node & node.wrapping_neg();
        }
    }

    /// The rank of the value at a place from 0, which is below [`len`](Self::len).
    pub(super) fn select(&self, place: u64) -> usize {
        let mut left = place;
        let mut node = 0;
        let mut step = self.nodes.len().next_power_of_two() >> 1;
        while step > 0 {
            let next = node + step;
            if next < self.nodes.len() && u64::from(self.nodes[next]) <= left {
                left -= u64::from(self.nodes[next]);
                node = next;
            }
            step >>= 1;
        }
        node
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_kth_smallest_is_that_of_a_sorted_list(
            ranks in proptest::collection::vec(0..20_u32, 1..60), gone in 0..60_usize,
        ) {
            let mut tree = Fenwick::default();
            tree.start(20);
            for rank in &ranks {
                tree.add(*rank);
            }
            let gone = gone.min(ranks.len() - 1);
            for rank in &ranks[..gone] {
                tree.remove(*rank);
            }
            let mut left = ranks[gone..].to_vec();
            left.sort_unstable();
            prop_assert_eq!(tree.len(), left.len());
            for (place, rank) in left.iter().enumerate() {
                prop_assert_eq!(tree.select(place as u64), *rank as usize);
            }
        }
    }
}
