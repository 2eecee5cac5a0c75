//! A Redis server for the tests, where one answers.

use std::sync::Arc;

use mlops_features::online::OnlineStore;

/// A store that no other test shares, if a server answers on `REDIS_URL` or 127.0.0.1:6379.
#[cfg(feature = "redis")]
pub(crate) fn redis() -> Option<Arc<dyn OnlineStore>> {
    use std::sync::atomic::{AtomicU64, Ordering};

    use mlops_features::online::RedisStore;

    static COUNT: AtomicU64 = AtomicU64::new(0);
    #[expect(
        clippy::disallowed_methods,
        reason = "a test may be told where the server is"
    )]
    let address = std::env::var("REDIS_URL");
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let prefix = format!("mlops-test.{}.{count}", std::process::id());
    let address = address.as_deref().unwrap_or("redis://127.0.0.1:6379");
    match RedisStore::connect(address, &prefix) {
        Ok(store) => Some(Arc::new(store)),
        Err(_) if count > 0 => None,
        Err(error) => {
            say(&format!("skipped, no Redis server: {error}"));
            None
        }
    }
}

/// Without the feature there is none.
#[cfg(not(feature = "redis"))]
pub(crate) fn redis() -> Option<Arc<dyn OnlineStore>> {
    None
}

#[cfg(feature = "redis")]
#[expect(
    clippy::print_stdout,
    reason = "whoever reads the output is to know what did not run"
)]
fn say(text: &str) {
    println!("{text}");
}
