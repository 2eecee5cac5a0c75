//! Random pipelines, edits and damages against an oracle that knows no fingerprints.
//!
//! The oracle remembers every result under the plain text of all that it depends on. A step must
//! run exactly if its text is new or its entry or artifact was damaged.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    num::NonZeroUsize,
    path::Path,
    sync::Mutex,
};

use mlops_core::Digest;
use mlops_pipeline::{Cache, Input, Outputs, Pipeline, Planned, Runner, Status, Step};
use mlops_store::ArtifactStore;
use proptest::prelude::*;

/// One step: its settings, and how many different outputs it can have (few give early cut-offs).
#[derive(Debug, Clone)]
struct Node {
    code: u8,
    param: u8,
    external: u8,
    reads: Vec<usize>,
    range: u64,
}

#[derive(Debug, Clone)]
enum Edit {
    Nothing,
    Code(usize, u8),
    Param(usize, u8),
    External(usize, u8),
    LoseArtifact(usize),
    SpoilEntry(usize),
    Threads(usize),
    /// Back to the settings before one of the edits so far.
    Back(usize),
}

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let node = (
        0u8..2,
        0u8..3,
        0u8..2,
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        1u64..6,
    );
    prop::collection::vec(node, 1..7).prop_map(|nodes| {
        let build = |(i, (code, param, external, reads, range)): (
            usize,
            (u8, u8, u8, Vec<prop::sample::Index>, u64),
        )| {
            // only earlier steps are read, so there is no circle
            let reads: BTreeSet<usize> =
                reads.iter().filter(|_| i > 0).map(|r| r.index(i)).collect();
            Node {
                code,
                param,
                external,
                reads: reads.into_iter().collect(),
                range,
            }
        };
        nodes.into_iter().enumerate().map(build).collect()
    })
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let at = 0usize..7;
    let edit = prop_oneof![
        1 => Just(Edit::Nothing),
        1 => (at.clone(), 0u8..2).prop_map(|(i, v)| Edit::Code(i, v)),
        2 => (at.clone(), 0u8..3).prop_map(|(i, v)| Edit::Param(i, v)),
        2 => (at.clone(), 0u8..2).prop_map(|(i, v)| Edit::External(i, v)),
        1 => at.clone().prop_map(Edit::LoseArtifact),
        1 => at.prop_map(Edit::SpoilEntry),
        1 => (1usize..4).prop_map(Edit::Threads),
        2 => any::<usize>().prop_map(Edit::Back),
    ];
    prop::collection::vec(edit, 1..10)
}

/// What a step's code gives: a function of all that it depends on, folded to a small range.
fn output(text: &str, range: u64) -> Vec<u8> {
    let head: [u8; 8] = Digest::of(text.as_bytes()).as_bytes()[..8]
        .try_into()
        .unwrap();
    (u64::from_le_bytes(head) % range).to_string().into_bytes()
}

/// The plain text of all that a step depends on.
fn text(i: usize, node: &Node, outputs: &[Vec<u8>]) -> String {
    let reads: Vec<_> = node
        .reads
        .iter()
        .map(|r| (r, String::from_utf8_lossy(&outputs[*r])))
        .collect();
    format!(
        "{i} {} {} {} {reads:?}",
        node.code, node.param, node.external
    )
}

fn pipeline<'a>(nodes: &'a [Node], ran: &'a Mutex<Vec<usize>>) -> Pipeline<'a> {
    // added backwards, so that the order is the builder's work
    let steps = nodes.iter().enumerate().rev().map(|(i, node)| {
        let mut step = Step::new(format!("s{i}"))
            .code(node.code.to_string())
            .param("p", i64::from(node.param))
            .input("external", Digest::of(&[node.external]))
            .output("out");
        for read in &node.reads {
            step = step.input(format!("s{read}"), Input::of(format!("s{read}"), "out"));
        }
        step.run(move |inputs, _| {
            ran.lock().unwrap().push(i);
            let mut outputs = vec![Vec::new(); nodes.len()];
            for read in &node.reads {
                outputs[*read] = inputs.bytes(&format!("s{read}"))?.to_vec();
            }
            Ok(Outputs::new().with("out", output(&text(i, node, &outputs), node.range)))
        })
    });
    steps
        .fold(Pipeline::builder("random"), |builder, step| {
            builder.step(step)
        })
        .build()
        .unwrap()
}

/// Knows which texts have a result, and which results are there.
#[derive(Default)]
struct Oracle {
    known: BTreeMap<String, Vec<u8>>,
    spoilt: BTreeSet<String>,
    lost: BTreeSet<Vec<u8>>,
}

impl Oracle {
    /// Which steps must run, and every step's output. The order matters for two steps that share
    /// a lost blob: the first one brings it back.
    fn run(&mut self, nodes: &[Node]) -> (Vec<usize>, Vec<Vec<u8>>) {
        let (mut ran, mut outputs) = (Vec::new(), vec![Vec::new(); nodes.len()]);
        for i in order(nodes) {
            let text = text(i, &nodes[i], &outputs);
            let out = output(&text, nodes[i].range);
            let known = self.known.contains_key(&text) && !self.spoilt.contains(&text);
            if !known || self.lost.contains(&out) {
                ran.push(i);
                self.spoilt.remove(&text);
                self.lost.remove(&out);
                self.known.insert(text, out.clone());
            }
            outputs[i] = out;
        }
        ran.sort_unstable();
        (ran, outputs)
    }
}

/// The steps in the order of the pipeline.
fn order(nodes: &[Node]) -> Vec<usize> {
    let ran = Mutex::default();
    let names: Vec<String> = pipeline(nodes, &ran)
        .step_names()
        .map(str::to_owned)
        .collect();
    names
        .iter()
        .map(|name| name[1..].parse().unwrap())
        .collect()
}

fn blob(root: &Path, bytes: &[u8]) -> std::path::PathBuf {
    let digest = Digest::of(bytes).to_string();
    root.join("artifacts/blobs")
        .join(&digest[..2])
        .join(&digest[2..])
}

fn check(mut nodes: Vec<Node>, edits: Vec<Edit>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let store = ArtifactStore::directory(dir.path().join("artifacts")).unwrap();
        Runner::new(store, Cache::directory(dir.path().join("cache")).unwrap())
    };
    let mut oracle = Oracle::default();
    let mut threads = 1;
    let mut history = vec![nodes.clone()];
    for edit in [Edit::Nothing].into_iter().chain(edits) {
        let count = nodes.len();
        match edit {
            Edit::Nothing => {}
            Edit::Code(i, value) => nodes[i % count].code = value,
            Edit::Param(i, value) => nodes[i % count].param = value,
            Edit::External(i, value) => nodes[i % count].external = value,
            Edit::Threads(n) => threads = n,
            Edit::Back(n) => nodes.clone_from(&history[n % history.len()]),
            Edit::LoseArtifact(i) => {
                let (_, outputs) = oracle.run(&nodes);
                // make what the oracle took for granted, then lose one
                open()
                    .run(&pipeline(&nodes, &Mutex::default()))
                    .into_result()
                    .unwrap();
                fs::remove_file(blob(dir.path(), &outputs[i % count])).unwrap();
                oracle.lost.insert(outputs[i % count].clone());
            }
            Edit::SpoilEntry(i) => {
                let (_, outputs) = oracle.run(&nodes);
                let report = open()
                    .run(&pipeline(&nodes, &Mutex::default()))
                    .into_result()
                    .unwrap();
                let fingerprint = report
                    .step(&format!("s{}", i % count))
                    .unwrap()
                    .fingerprint
                    .unwrap();
                let entry = dir.path().join(format!("cache/entries/{fingerprint}.json"));
                let content = fs::read(&entry).unwrap();
                fs::write(&entry, &content[..content.len() / 2]).unwrap();
                oracle
                    .spoilt
                    .insert(text(i % count, &nodes[i % count], &outputs));
            }
        }
        history.push(nodes.clone());
        let runner = open().threads(NonZeroUsize::new(threads).unwrap());
        let ran = Mutex::default();
        let pipeline = pipeline(&nodes, &ran);
        let plan = runner.plan(&pipeline).unwrap();
        let report = runner.run(&pipeline).into_result().unwrap();
        let lost_shared = !oracle.lost.is_empty() && threads > 1;
        let (expected, outputs) = oracle.run(&nodes);
        let mut found = std::mem::take(&mut *ran.lock().unwrap());
        found.sort_unstable();
        if !lost_shared {
            // two steps that lost one blob race for who makes it again
            prop_assert_eq!(&found, &expected);
        }
        for (planned, step) in plan.steps.iter().zip(&report.steps) {
            let i: usize = step.name[1..].parse().unwrap();
            prop_assert_eq!(
                step.status == Status::Ran,
                found.contains(&i),
                "{}",
                step.name
            );
            prop_assert_eq!(
                step.outputs["out"],
                Digest::of(&outputs[i]),
                "{}",
                step.name
            );
            match planned.action {
                Planned::Run if !oracle_shares(&outputs, i) => {
                    prop_assert_eq!(step.status, Status::Ran);
                }
                Planned::Cached => prop_assert_eq!(step.status, Status::Cached),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether another step gives the same bytes, and may so bring back a blob that was lost.
fn oracle_shares(outputs: &[Vec<u8>], i: usize) -> bool {
    outputs
        .iter()
        .enumerate()
        .any(|(j, out)| j != i && *out == outputs[i])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn exactly_what_must_run_runs(nodes in nodes(), edits in edits()) {
        check(nodes, edits)?;
    }
}
