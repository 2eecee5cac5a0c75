//! What rests on what, from source to training set and back.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use mlops_core::{Digest, VersionNumber};
use serde::Serialize;

use super::state::State;
use crate::ViewSource;

/// One thing on the way from a source to a training set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Node {
    /// Where rows come from.
    Source {
        /// The source.
        source: ViewSource,
    },
    /// One version of a view.
    View {
        /// Its name.
        name: String,
        /// Its number.
        version: VersionNumber,
    },
    /// A feature of one version of a service.
    Feature {
        /// Its name.
        name: String,
        /// The identity of its definition.
        digest: Digest,
    },
    /// One version of a service.
    Service {
        /// Its name.
        name: String,
        /// Its number.
        version: VersionNumber,
    },
    /// A training set.
    TrainingSet {
        /// What somebody called it.
        name: String,
        /// The digest of its rows.
        digest: Digest,
    },
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source { source } => write!(f, "source {source}"),
            Self::View { name, version } => write!(f, "view {name}@v{version}"),
            Self::Feature { name, digest } => write!(f, "feature {name} ({})", digest.short()),
            Self::Service { name, version } => write!(f, "service {name}@v{version}"),
            Self::TrainingSet { name, digest } => {
                write!(f, "training set {name} ({})", digest.short())
            }
        }
    }
}

/// A node with all that it rests on, or all that rests on it, the nearest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// Where the walk began.
    pub from: Node,
    /// Each node that was reached with its distance in steps, once, by distance and then in order.
    pub nodes: Vec<(usize, Node)>,
    /// The steps from one node to the next.
    pub edges: Vec<(Node, Node)>,
}

impl Trace {
    /// The nodes of one sort: those for which `pick` gives something.
    pub fn pick<T>(&self, pick: impl FnMut(&Node) -> Option<T>) -> Vec<T> {
        self.nodes
            .iter()
            .map(|(_, node)| node)
            .filter_map(pick)
            .collect()
    }
}

impl fmt::Display for Trace {
    /// A node a line, indented by its distance.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.from)?;
        for (distance, node) in &self.nodes {
            write!(f, "\n{:width$}{node}", "", width = distance * 2)?;
        }
        Ok(())
    }
}

/// Which way to walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// To the sources.
    Upstream,
    /// To the training sets.
    Downstream,
}

/// All steps of a catalog, by where they begin.
pub(super) type Steps = BTreeMap<Node, BTreeSet<Node>>;

/// The steps in one direction.
pub(super) fn steps(state: &State, direction: Direction) -> Steps {
    let mut steps = Steps::new();
    let mut step = |below: Node, above: Node| {
        let (from, to) = match direction {
            Direction::Downstream => (below, above),
            Direction::Upstream => (above, below),
        };
        steps.entry(to.clone()).or_default();
        steps.entry(from).or_default().insert(to);
    };
    for (name, history) in &state.views {
        for (version, view) in history.numbered() {
            let node = Node::View {
                name: name.to_string(),
                version,
            };
            for source in &view.sources {
                let source = source.clone();
                step(Node::Source { source }, node.clone());
            }
        }
    }
    for (name, history) in &state.services {
        for (version, service) in history.numbered() {
            let node = Node::Service {
                name: name.to_string(),
                version,
            };
            for feature in &service.features {
                let this = Node::Feature {
                    name: feature.name.to_string(),
                    digest: feature.digest,
                };
                step(this.clone(), node.clone());
                if let Some(version) = state.view_version(&feature.view, feature.view_digest) {
                    let name = feature.view.to_string();
                    step(Node::View { name, version }, this);
                }
            }
        }
    }
    for entry in state.training_sets.values() {
        let node = Node::TrainingSet {
            name: entry.name.clone(),
            digest: entry.digest,
        };
        if let Some(version) = state.service_version(&entry.service, entry.service_digest) {
            let name = entry.service.to_string();
            step(Node::Service { name, version }, node);
        }
    }
    // what nothing rests on and what rests on nothing is there all the same
    for (name, history) in &state.views {
        for (version, _) in history.numbered() {
            let name = name.to_string();
            steps.entry(Node::View { name, version }).or_default();
        }
    }
    steps
}

/// Everything that is reached from a node.
pub(super) fn walk(steps: &Steps, from: Node) -> Trace {
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::from([from.clone()]);
    let mut level = vec![from.clone()];
    for distance in 1.. {
        let mut next = BTreeSet::new();
        for node in &level {
            for to in steps.get(node).into_iter().flatten() {
                edges.push((node.clone(), to.clone()));
                if seen.insert(to.clone()) {
                    next.insert(to.clone());
                }
            }
        }
        if next.is_empty() {
            break;
        }
        nodes.extend(next.iter().cloned().map(|node| (distance, node)));
        level = next.into_iter().collect();
    }
    Trace { from, nodes, edges }
}
