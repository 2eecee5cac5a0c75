//! The threads of a fit: its own, as many as asked for, gone when it ends.

use rayon::{ThreadPoolBuilder, prelude::*};

use crate::{Error, Result};

/// Runs `work` where parallel parts find so many threads.
pub(crate) fn within<T: Send>(
    threads: usize,
    owner: &'static str,
    work: impl FnOnce() -> T + Send,
) -> Result<T> {
    if threads == 1 {
        return Ok(work());
    }
    let name = move |at: usize| format!("{owner}-{at}");
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(name)
        .build();
    let pool = pool.map_err(|error| Error::Engine {
        engine: "rayon",
        reason: error.to_string(),
    })?;
    Ok(pool.install(work))
}

/// `count` results in order, made by as many threads as the pool around has, or by this one.
pub(crate) fn each<T: Send>(
    threads: usize,
    count: usize,
    make: impl Fn(usize) -> T + Sync + Send,
) -> Vec<T> {
    if threads == 1 {
        (0..count).map(make).collect()
    } else {
        (0..count).into_par_iter().map(make).collect()
    }
}
