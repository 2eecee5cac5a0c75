//! From the branches of a graph to trees of this crate: every question becomes "below a threshold".

use std::collections::BTreeSet;

use crate::{
    InputKind, Node, Rule, Tree, limit,
    onnx::import::{
        column::{Column, Crossing, Source, Step, crossing},
        operator::{Operator, Outcome},
        picks::whole as whole_below,
        trees::{Branch, Forest, Mode, Place},
        walk::{Planned, Walk},
    },
};

/// The trees of each output, over columns without their arithmetic.
pub(super) fn plant(
    walk: &mut Walk<'_>,
    operator: Operator<'_>,
    columns: &[Column],
    forest: &Forest,
    outputs: usize,
) -> Outcome<Vec<Vec<Tree>>> {
    let planter = Planter {
        inputs: &walk.inputs,
        operator,
        columns,
        slots: slots(columns),
        forest,
    };
    // nodes that may still be looked at, and nodes that may still be planted
    let (mut looks, mut room) = (limit::NODES, limit::NODES);
    let trees = planter.trees(outputs, &mut looks, &mut room);
    walk.spend(2 * limit::NODES - looks - room);
    trees
}

/// The encoded columns of the columns; a constant has none.
pub(super) fn slots(columns: &[Column]) -> Vec<Option<u32>> {
    let mut next = 0;
    let slot = columns.iter().map(|column| {
        if matches!(column.source, Source::Constant(_)) {
            return None;
        }
        next += 1;
        Some(next - 1)
    });
    slot.collect()
}

/// What a branch comes to.
enum Decision {
    /// All rows go one way.
    Always(Place),
    /// Below the threshold to the first, from it on to the second.
    Split(Cut, Place, Place),
    /// Between two thresholds to the second, else to the first.
    Between(Cut, Cut, Place, Place),
    /// Members to the first.
    Category(u32, Vec<u32>, bool, Place, Place),
}

struct Cut {
    column: u32,
    threshold: f64,
    rule: Rule,
    missing_left: bool,
}

/// A node that is still to be made: of a place, or of the second cut of a pair.
enum Open {
    Place(Place),
    Second(Cut, Place, Place),
}

struct Planter<'a> {
    inputs: &'a [Planned],
    operator: Operator<'a>,
    columns: &'a [Column],
    slots: Vec<Option<u32>>,
    forest: &'a Forest,
}

impl Planter<'_> {
    fn trees(
        &self,
        outputs: usize,
        looks: &mut usize,
        room: &mut usize,
    ) -> Outcome<Vec<Vec<Tree>>> {
        let mut trees = vec![Vec::new(); outputs];
        for root in &self.forest.roots {
            for output in self.outputs(*root, looks)? {
                let grown = trees.get_mut(output).ok_or_else(|| {
                    let reason = format!("a leaf is of output {output} of {outputs}");
                    self.operator.reject(reason)
                })?;
                grown.push(self.tree(*root, output, room)?);
            }
        }
        Ok(trees)
    }

    /// The outputs that leaves below a root have weights for.
    fn outputs(&self, root: Place, looks: &mut usize) -> Outcome<BTreeSet<usize>> {
        let mut outputs = BTreeSet::new();
        let mut open = vec![(root, 0)];
        while let Some((place, depth)) = open.pop() {
            self.enter(depth, looks)?;
            match place {
                Place::Branch(at) => {
                    let branch = &self.forest.branches[at];
                    open.extend([(branch.yes, depth + 1), (branch.no, depth + 1)]);
                }
                Place::Leaf(at) => outputs.extend(self.forest.leaves[at].iter().map(|leaf| leaf.0)),
            }
        }
        Ok(outputs)
    }

    fn enter(&self, depth: usize, room: &mut usize) -> Outcome<()> {
        if depth > limit::TREE_DEPTH {
            return Err(self
                .operator
                .reject(format!("a tree is deeper than {}", limit::TREE_DEPTH)));
        }
        *room = room.checked_sub(1).ok_or_else(|| {
            self.operator.reject(format!(
                "its trees come to more than {} nodes",
                limit::NODES
            ))
        })?;
        Ok(())
    }

    fn tree(&self, root: Place, output: usize, room: &mut usize) -> Outcome<Tree> {
        let mut nodes = vec![Node::Leaf { value: 0.0 }];
        let mut open = vec![(Open::Place(root), 0, 0)];
        while let Some((next, slot, depth)) = open.pop() {
            self.enter(depth, room)?;
            let decision = match next {
                Open::Second(cut, first, second) => Decision::Split(cut, first, second),
                Open::Place(Place::Leaf(at)) => {
                    let weights = self.forest.leaves[at].iter();
                    let value = weights
                        .filter(|leaf| leaf.0 == output)
                        .map(|leaf| leaf.1)
                        .sum();
                    nodes[slot] = Node::Leaf { value };
                    continue;
                }
                Open::Place(Place::Branch(at)) => self.decide(&self.forest.branches[at])?,
            };
            let left = u32::try_from(nodes.len()).expect("`room` is far below 2^32");
            let (first, second) = match decision {
                Decision::Always(place) => {
                    open.push((Open::Place(place), slot, depth + 1));
                    continue;
                }
                Decision::Split(cut, first, second) => {
                    nodes[slot] = cut.node(left);
                    (Open::Place(first), Open::Place(second))
                }
                Decision::Between(low, high, outside, inside) => {
                    nodes[slot] = low.node(left);
                    (Open::Place(outside), Open::Second(high, inside, outside))
                }
                Decision::Category(feature, categories, missing_left, first, second) => {
                    nodes[slot] = Node::Category {
                        feature,
                        categories,
                        missing_left,
                        left,
                        right: left + 1,
                    };
                    (Open::Place(first), Open::Place(second))
                }
            };
            nodes.extend([Node::Leaf { value: 0.0 }, Node::Leaf { value: 0.0 }]);
            open.push((second, left as usize + 1, depth + 1));
            open.push((first, left as usize, depth + 1));
        }
        Ok(Tree { nodes })
    }

    fn decide(&self, branch: &Branch) -> Outcome<Decision> {
        let feature = branch.feature;
        let Some(column) = self.columns.get(feature) else {
            return Err(self.operator.reject(format!(
                "a branch reads column {feature} of {}",
                self.columns.len()
            )));
        };
        let way = |yes: bool| if yes { branch.yes } else { branch.no };
        // no comparison but the last is true of NaN
        let holds = |x: f64| branch.holds(x);
        let (slot, missing) = match (&column.source, self.slots[feature]) {
            (Source::Constant(x), _) => return Ok(Decision::Always(way(holds(column.apply(*x))))),
            (_, None) => return Err(self.operator.reject("it reads a column that is none")),
            (Source::Position { otherwise, .. }, Some(slot)) => {
                (slot, Some(holds(column.apply(*otherwise))))
            }
            (Source::Number { impute: None, .. }, Some(slot)) => (slot, Some(holds(f64::NAN))),
            (_, Some(slot)) => (slot, None),
        };
        if let Source::Member { .. } = column.source {
            let (of_0, of_1) = (holds(column.apply(0.0)), holds(column.apply(1.0)));
            if of_0 == of_1 {
                return Ok(Decision::Always(way(of_0)));
            }
            let cut = Cut::below(slot, 0.5, false);
            return Ok(Decision::Split(cut, way(of_0), way(of_1)));
        }
        if branch.mode == Mode::Member {
            let categories = self.members(column, branch)?;
            return Ok(if categories.is_empty() && missing != Some(true) {
                Decision::Always(branch.no)
            } else if categories.is_empty() {
                Decision::Split(Cut::never(slot), branch.no, branch.yes)
            } else {
                Decision::Category(
                    slot,
                    categories,
                    missing == Some(true),
                    branch.yes,
                    branch.no,
                )
            });
        }
        if matches!(branch.mode, Mode::Eq | Mode::Neq) {
            return self.equal(column, branch, slot, missing);
        }
        Ok(match crossing(|x| holds(column.apply(x))) {
            Crossing::Always(answer) if missing.is_none_or(|missing| missing == answer) => {
                Decision::Always(way(answer))
            }
            Crossing::Always(answer) => {
                Decision::Split(Cut::never(slot), way(answer), way(!answer))
            }
            Crossing::Below(at) => {
                let cut = Cut::below(slot, at, missing == Some(true));
                Decision::Split(cut, branch.yes, branch.no)
            }
            Crossing::From(at) => {
                let cut = Cut::below(slot, at, missing == Some(false));
                Decision::Split(cut, branch.no, branch.yes)
            }
        })
    }

    /// A single number becomes all those that come to it.
    fn equal(
        &self,
        column: &Column,
        branch: &Branch,
        slot: u32,
        missing: Option<bool>,
    ) -> Outcome<Decision> {
        let t = branch.threshold;
        // where the column is the number, and where it is not
        let (inside, outside) = match branch.mode {
            Mode::Eq => (branch.yes, branch.no),
            _ => (branch.no, branch.yes),
        };
        let missing_inside = missing.is_some_and(|yes| yes == (branch.mode == Mode::Eq));
        let up_to = crossing(|x| column.apply(x) <= t);
        let below = crossing(|x| column.apply(x) < t);
        let (low, high) = match (below, up_to) {
            (Crossing::Below(low), Crossing::Below(high))
            | (Crossing::From(high), Crossing::From(low)) => (low, high),
            (Crossing::Always(a), Crossing::Always(b)) if a == b => {
                return Ok(if missing_inside {
                    Decision::Split(Cut::never(slot), outside, inside)
                } else {
                    Decision::Always(outside)
                });
            }
            _ => {
                return Err(self
                    .operator
                    .reject("it compares with a number at the end of all numbers"));
            }
        };
        if low == high && !missing_inside {
            return Ok(Decision::Always(outside));
        }
        let first = Cut::below(slot, low, !missing_inside);
        let second = Cut::below(slot, high, true);
        Ok(Decision::Between(first, second, outside, inside))
    }

    fn members(&self, column: &Column, branch: &Branch) -> Outcome<Vec<u32>> {
        let whole = match &column.source {
            Source::Position { .. } => matches!(column.steps.as_slice(), [] | [Step::Floor]),
            // a number between two categories counts as the lower one, so it has to be whole or cut off
            Source::Number { input, .. } => match column.steps.as_slice() {
                [] => matches!(self.inputs[*input].kind, InputKind::Int | InputKind::Bool),
                [Step::Floor] => true,
                _ => false,
            },
            _ => false,
        };
        if !whole {
            return Err(self
                .operator
                .reject("it looks up what are no whole numbers"));
        }
        let members: BTreeSet<u32> = branch
            .members
            .iter()
            .filter_map(|member| u32::try_from(whole_below(*member, limit::WIDTH)?).ok())
            .collect();
        if members.len() != branch.members.len() {
            return Err(self
                .operator
                .reject("a category is twice in a list, or none of this crate's"));
        }
        Ok(members.into_iter().collect())
    }
}

impl Branch {
    fn holds(&self, x: f64) -> bool {
        let t = self.threshold;
        let holds = match self.mode {
            Mode::Leq => x <= t,
            Mode::Lt => x < t,
            Mode::Gte => x >= t,
            Mode::Gt => x > t,
            #[expect(clippy::float_cmp, reason = "that is what the graph asks")]
            Mode::Eq => x == t,
            #[expect(clippy::float_cmp, reason = "that is what the graph asks")]
            Mode::Neq => x != t,
            Mode::Member => self.members.contains(&x),
        };
        holds || (x.is_nan() && self.tracks)
    }
}

impl Cut {
    fn below(column: u32, threshold: f64, missing_left: bool) -> Self {
        Self {
            column,
            threshold,
            rule: Rule::Lt,
            missing_left,
        }
    }

    /// Only a missing value goes right.
    fn never(column: u32) -> Self {
        Self {
            rule: Rule::Le,
            ..Self::below(column, f64::MAX, false)
        }
    }

    fn node(&self, left: u32) -> Node {
        Node::Split {
            feature: self.column,
            threshold: self.threshold,
            rule: self.rule,
            missing_left: self.missing_left,
            left,
            right: left + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{
        import::OnnxImport,
        proto::{Graph, Node as GraphNode},
    };

    fn refused(branches: usize, next: impl Fn(usize) -> (Place, Place)) -> String {
        let branch = |at: usize| {
            let (yes, no) = next(at);
            Branch {
                feature: 0,
                mode: Mode::Leq,
                threshold: 0.0,
                tracks: false,
                members: Vec::new(),
                yes,
                no,
            }
        };
        let forest = Forest {
            roots: vec![Place::Branch(0)],
            branches: (0..branches).map(branch).collect(),
            leaves: vec![vec![(0, 1.0)]],
        };
        let graph = Graph::default();
        let mut walk = Walk::new(&graph, &OnnxImport::new()).expect("no inputs are fine");
        let node = GraphNode::default();
        let columns = [Column::number(0, true)];
        let planted = plant(&mut walk, Operator(&node), &columns, &forest, 1);
        planted.expect_err("it is refused").reason
    }

    #[test]
    fn shared_branches_are_copied_until_there_are_too_many() {
        // forty branches, and as many ways through them as 2^40
        let reason = refused(40, |at| match at {
            39 => (Place::Leaf(0), Place::Leaf(0)),
            at => (Place::Branch(at + 1), Place::Branch(at + 1)),
        });
        assert!(reason.contains("1000000 nodes"), "{reason}");
    }

    #[test]
    fn a_branch_that_leads_back_is_refused() {
        let reason = refused(2, |at| (Place::Leaf(0), Place::Branch(1 - at)));
        assert!(reason.contains("deeper than 256"), "{reason}");
    }
}
