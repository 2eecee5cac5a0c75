//! Dotted names of a schema as a graph of keys.
//!
//! `user.id` is the key `id` in the object under `user`, or the key `user.id` itself: both are written in practice.
//! A node of the graph stands for an object, and a key leads to the columns that end there and to the node of the
//! object that lies there.

use std::collections::BTreeMap;

/// Where a key leads.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// The columns that end here.
    pub(super) columns: Vec<usize>,
    /// The node of the object that may lie here.
    pub(super) inner: Option<usize>,
    /// The columns that end inside of that object.
    pub(super) below: Vec<usize>,
}

/// The keys that a schema reads.
#[derive(Debug)]
pub(super) struct Paths {
    nodes: Vec<BTreeMap<Vec<u8>, Target>>,
}

/// What is still to be found: the rest of a column's name.
type Rest<'a> = Vec<(usize, &'a str)>;

impl Paths {
    /// The graph of some names; the root is node 0.
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let all: Rest<'a> = names.into_iter().enumerate().collect();
        let mut paths = Self { nodes: Vec::new() };
        let mut known = BTreeMap::new();
        paths.node(all, &mut known);
        paths
    }

    /// The node of some rests. The same rests are met by several ways, and are one node.
    fn node<'a>(&mut self, rests: Rest<'a>, known: &mut BTreeMap<Rest<'a>, usize>) -> usize {
        if let Some(node) = known.get(&rests) {
            return *node;
        }
        let node = self.nodes.len();
        self.nodes.push(BTreeMap::new());
        known.insert(rests.clone(), node);
        let mut keys: BTreeMap<&str, (Vec<usize>, Rest<'a>)> = BTreeMap::new();
        for (column, rest) in rests {
            keys.entry(rest).or_default().0.push(column);
            for (dot, _) in rest.match_indices('.') {
                let inner = &mut keys.entry(&rest[..dot]).or_default().1;
                inner.push((column, &rest[dot + 1..]));
            }
        }
        for (key, (columns, inner)) in keys {
            let below = inner.iter().map(|(column, _)| *column).collect();
            let inner = (!inner.is_empty()).then(|| self.node(inner, known));
            let target = Target {
                columns,
                inner,
                below,
            };
            self.nodes[node].insert(key.as_bytes().to_vec(), target);
        }
        node
    }

    /// Where a key of a node's object leads, if it is read.
    pub(super) fn target(&self, node: usize, key: &[u8]) -> Option<&Target> {
        self.nodes[node].get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dotted_name_is_found_by_every_way_that_it_may_lie() {
        let paths = Paths::new(["a.b.c", "a.b", "d"]);
        let follow = |keys: &[&str]| {
            let mut node = Some(0);
            let mut columns = &[][..];
            for key in keys {
                let target = paths.target(node?, key.as_bytes())?;
                (node, columns) = (target.inner, &target.columns);
            }
            Some(columns.to_vec())
        };
        for way in [
            &["a.b.c"][..],
            &["a", "b.c"],
            &["a.b", "c"],
            &["a", "b", "c"],
        ] {
            assert_eq!(follow(way), Some(vec![0]), "{way:?}");
        }
        for way in [&["a.b"][..], &["a", "b"]] {
            assert_eq!(follow(way), Some(vec![1]), "{way:?}");
        }
        assert_eq!(follow(&["a"]), Some(vec![]));
        assert_eq!(follow(&["d"]), Some(vec![2]));
        assert_eq!(follow(&["d", "a"]), None);
        assert_eq!(follow(&["e"]), None);
    }
}
