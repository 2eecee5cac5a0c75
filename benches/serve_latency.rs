//! HTTP predict by entity key under a steady load: latency percentiles at a given rate.
//!
//! `cargo bench --bench serve_latency -- [requests a second, 500] [seconds, 10]`. Clients keep their connection. Each
//! request has a time at which it is due, and its latency counts from then, so that a stall is not hidden by
//! the client's waiting (coordinated omission).

#[path = "../examples/churn/events.rs"]
#[expect(dead_code, unreachable_pub, reason = "a module of the example")]
mod events;
#[path = "../examples/churn/generator.rs"]
#[expect(unreachable_pub, reason = "a module of the example")]
mod generator;
#[path = "support/churn.rs"]
mod support;

use std::{
    thread,
    time::{Duration, Instant},
};

use mlops::prelude::*;

const CLIENTS: usize = 4;

#[expect(clippy::print_stdout, reason = "the bench's result")]
#[expect(
    clippy::disallowed_methods,
    reason = "a load generator keeps to the clock"
)]
fn main() {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    let rate = numbers.first().copied().unwrap_or(500).max(1);
    let seconds = numbers.get(1).copied().unwrap_or(10).max(1);
    let churn = support::Churn::train();
    let server = Server::new()
        .endpoint(churn.endpoint())
        .bind("127.0.0.1:0")
        .expect("a free port");
    let url = format!("http://{}/v1/models/churn:predict", server.addr());
    let start = Instant::now() + Duration::from_millis(100);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (url, keys) = (url.clone(), churn.keys.clone());
            thread::spawn(move || {
                let agent = ureq::Agent::new_with_defaults();
                let mut latencies = Vec::new();
                for i in (client as u64..rate * seconds).step_by(CLIENTS) {
                    let due = start + Duration::from_nanos(i * 1_000_000_000 / rate);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let key = &keys[usize::try_from(i).expect("64 bits") % keys.len()].parts()[0];
                    let body = serde_json::json!({"instances": [{"customer_id": key}]});
                    let mut response = agent.post(&url).send_json(&body).expect("status 200");
                    response.body_mut().read_to_string().expect("an answer");
                    latencies.push(due.elapsed());
                }
                latencies
            })
        })
        .collect();
    let mut latencies: Vec<Duration> = clients
        .into_iter()
        .flat_map(|client| client.join().expect("no request failed"))
        .collect();
    let took = start.elapsed();
    latencies.sort_unstable();
    let at = |per_mille: usize| latencies[(latencies.len() - 1) * per_mille / 1000];
    println!(
        "{} requests in {:.1} s ({:.0} a second asked for), none failed: p50 {:?}, p90 {:?}, p99 {:?}, p99.9 {:?}, max {:?}",
        latencies.len(),
        took.as_secs_f64(),
        rate,
        at(500),
        at(900),
        at(990),
        at(999),
        at(1000)
    );
    server.shutdown();
}
