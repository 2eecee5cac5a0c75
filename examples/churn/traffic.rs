//! A client that keeps asking over HTTP while the model behind it changes.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use mlops::core::EntityKey;
use serde_json::{Value, json};

/// Between two requests, so that the client does not take a core for itself.
const PAUSE: Duration = Duration::from_millis(2);

/// What the client saw.
#[derive(Debug, Default)]
pub struct Seen {
    pub requests: u64,
    pub failed: u64,
    /// Answers by the version that gave them.
    pub versions: BTreeMap<String, u64>,
}

/// A thread that sends requests until it is stopped.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Traffic {
    pub fn start(addr: SocketAddr, keys: Vec<EntityKey>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let agent = ureq::Agent::new_with_defaults();
            let mut seen = Seen::default();
            for key in keys.iter().cycle() {
                if flag.load(Ordering::Relaxed) {
                    break;
                }
                seen.requests += 1;
                match ask(&agent, addr, key) {
                    Ok(version) => *seen.versions.entry(version).or_default() += 1,
                    Err(_) => seen.failed += 1,
                }
                std::thread::sleep(PAUSE);
            }
            seen
        });
        Self { stop, thread }
    }

    pub fn stop(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// Asks KServe V1 for one customer: the version that gave the prediction.
pub fn ask(
    agent: &ureq::Agent,
    addr: SocketAddr,
    key: &EntityKey,
) -> Result<String, Box<dyn std::error::Error>> {
    let body = json!({"instances": [{"customer_id": key.parts()[0]}]});
    let mut response = agent
        .post(format!("http://{addr}/v1/models/churn:predict"))
        .send_json(&body)?;
    let answer: Value = response.body_mut().read_json()?;
    answer["predictions"][0]
        .as_f64()
        .ok_or("no prediction in the answer")?;
    Ok(answer["model_version"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}
