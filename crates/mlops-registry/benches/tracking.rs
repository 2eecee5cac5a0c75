//! How fast tracking writes and finds: single metrics from several threads, batches, and searches over
//! 100,000 runs with 5 metrics, 10 params and 3 tags each.
//!
//! `cargo bench -p mlops-registry --bench tracking -- [RUNS]`; `peers/tracking.py` does the same work
//! with MLflow's store in process. Beside each rate stands the rate a second of CPU time of the whole
//! process, which says more on a machine that others load.

#![expect(clippy::print_stdout, reason = "it reports on standard output")]

use std::{fs, sync::Arc, thread};

use mlops_core::{EventTime, Rng, Seed, Stopwatch};
use mlops_registry::{
    Batch, Durability, ExperimentId, Metric, MetricPoint, NewRun, Page, Registry, RunRecord,
    RunSearch, Tracking,
};

const PER_THREAD: i64 = 20_000;

fn main() {
    let runs = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(100_000);
    let directory = tempfile::tempdir().expect("a directory for the bench");
    for durability in [Durability::Normal, Durability::Full] {
        let path = directory.path().join(format!("{durability:?}.db"));
        let registry = Registry::builder(format!("sqlite://{}", path.display()))
            .durability(durability)
            .open()
            .expect("a new registry");
        for threads in [1, 8, 32] {
            single(&registry, durability, threads);
        }
        batches(&registry, durability);
    }
    search(runs);
}

fn point(step: i64) -> MetricPoint {
    MetricPoint {
        step,
        time: EventTime::from_seconds(1_000 + step),
        value: 0.5,
    }
}

fn new_run(tracking: &Tracking) -> mlops_registry::RunId {
    let new = NewRun::new(ExperimentId::DEFAULT);
    tracking.create_run(new).expect("a new run").id
}

fn single(registry: &Registry, durability: Durability, threads: i64) {
    let tracking = registry.tracking();
    let run = Arc::new(new_run(&tracking));
    let each = match durability {
        Durability::Full => PER_THREAD / 10,
        Durability::Normal => PER_THREAD,
    };
    let effort = Effort::start();
    thread::scope(|scope| {
        for thread in 0..threads {
            let (tracking, run) = (tracking.clone(), run.clone());
            scope.spawn(move || {
                let key = format!("metric {}", thread % 8);
                for step in 0..each {
                    let metric = Metric::new(&key, point(thread * each + step));
                    tracking
                        .log_batch(&run, Batch::of_metrics([metric]))
                        .expect("the registry takes it");
                }
            });
        }
    });
    effort.report(
        &format!("single metrics, {threads} threads, {durability:?}"),
        threads * each,
    );
}

fn batches(registry: &Registry, durability: Durability) {
    let tracking = registry.tracking();
    let run = new_run(&tracking);
    let batches = 500;
    let effort = Effort::start();
    for batch in 0..batches {
        let metrics = (0..1_000)
            .map(|at| Metric::new(format!("metric {}", at % 10), point(batch * 100 + at / 10)));
        tracking
            .log_batch(&run, Batch::of_metrics(metrics))
            .expect("the registry takes it");
    }
    effort.report(
        &format!("metrics in batches of 1000, {durability:?}"),
        batches * 1_000,
    );
}

fn search(runs: i64) {
    let directory = tempfile::tempdir().expect("a directory for the bench");
    let path = directory.path().join("search.db");
    let registry = Registry::builder(format!("sqlite://{}", path.display()))
        .durability(Durability::Normal)
        .open()
        .expect("a new registry");
    let tracking = registry.tracking();
    let mut rng = Seed(1).rng();
    let effort = Effort::start();
    for run in 0..runs {
        fill(&tracking, &mut rng, run);
    }
    effort.report("runs made and filled", runs);
    let find = |name: &str, filter: &str, order: &[&str], limit: usize| {
        let search = RunSearch {
            experiments: vec![ExperimentId::DEFAULT],
            filter: filter.into(),
            order_by: order.iter().map(|text| (*text).to_owned()).collect(),
            limit: Some(limit),
            ..RunSearch::default()
        };
        timed(&tracking, name, &search);
    };
    find("default order, page of 100", "", &[], 100);
    find("default order, page of 1000", "", &[], 1000);
    let deep = deep(&tracking, runs);
    timed(&tracking, "deep page of 100", &deep);
    find("tag equals, 100", "tags.team = 'team 3'", &[], 100);
    let three = "metrics.m0 > 0.5 AND metrics.m1 > 0.5 AND metrics.m2 < 0.5";
    find("three metric filters, 10", three, &[], 10);
    find("param LIKE, 10", "params.p1 LIKE '%7%'", &[], 10);
    let both = "metrics.m0 > 0.5 AND params.p3 = 'value 3'";
    find(
        "metric and param filter, order by a metric, 10",
        both,
        &["metrics.m4 DESC"],
        10,
    );
    let none = "metrics.m0 > 0.1 AND metrics.m1 > 0.1 AND params.p3 LIKE 'nothing%'";
    find(
        "filters that nothing passes, order by a metric, 10",
        none,
        &["metrics.m4 DESC"],
        10,
    );
    find(
        "order by a metric, 100, no filter",
        "",
        &["metrics.m4 DESC"],
        100,
    );
    find(
        "order by a param and a metric, 100",
        "",
        &["params.p2", "metrics.m4"],
        100,
    );
}

fn fill(tracking: &Tracking, rng: &mut Rng, run: i64) {
    let mut new = NewRun::new(ExperimentId::DEFAULT);
    new.started = Some(EventTime::from_seconds(1_000_000 + run));
    new.tags = [
        ("team", rng.below(10)),
        ("kind", rng.below(3)),
        ("host", rng.below(50)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), format!("{key} {value}")))
    .collect();
    let id = tracking.create_run(new).expect("a new run").id;
    let metrics = (0..5).map(|at| {
        let value = rng.unit();
        Metric::new(format!("m{at}"), MetricPoint { value, ..point(0) })
    });
    let mut batch = Batch::of_metrics(metrics);
    batch.params = (0..10)
        .map(|at| (format!("p{at}"), format!("value {}", rng.below(10))))
        .collect();
    tracking
        .log_batch(&id, batch)
        .expect("the registry takes it");
}

fn deep(tracking: &Tracking, runs: i64) -> RunSearch {
    let mut search = RunSearch {
        experiments: vec![ExperimentId::DEFAULT],
        limit: Some(2_000),
        ..RunSearch::default()
    };
    for _ in 0..(runs - 200) / 2_000 {
        let page: Page<RunRecord> = tracking.search_runs(&search).expect("a page");
        search.page_token = page.next;
    }
    search.limit = Some(100);
    search
}

/// Time on the wall and time of the CPU.
struct Effort {
    watch: Stopwatch,
    cpu: f64,
}

impl Effort {
    fn start() -> Self {
        Self {
            watch: Stopwatch::start(),
            cpu: cpu_seconds(),
        }
    }

    fn report(&self, name: &str, count: i64) {
        let (wall, cpu) = (self.watch.elapsed().as_secs_f64(), cpu_seconds() - self.cpu);
        let count = count as f64;
        println!(
            "{name:<55} {:>12.1} a second {:>12.1} a CPU second",
            count / wall,
            count / cpu
        );
    }
}

/// User and system time of this process, where Linux tells; hundredths of a second.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

fn timed(tracking: &Tracking, name: &str, search: &RunSearch) {
    let mut times: Vec<f64> = (0..7)
        .map(|_| {
            let watch = Stopwatch::start();
            tracking.search_runs(search).expect("a page");
            watch.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    report(name, times[times.len() / 2], "ms");
}

fn report(name: &str, value: f64, unit: &str) {
    println!("{name:<55} {value:>12.1} {unit}");
}
