//! Work on several threads with results in the order of the work: what comes out does not depend on them.

use std::sync::{Mutex, PoisonError};

/// Runs `work` on each unit and returns the results in the order of the units.
///
/// Units are taken in order by whichever thread is free. A panic in one is passed on.
pub(super) fn run<U: Send, R: Send>(
    threads: usize,
    units: Vec<U>,
    work: impl Fn(U) -> R + Sync,
) -> Vec<R> {
    if threads <= 1 || units.len() <= 1 {
        return units.into_iter().map(work).collect();
    }
    let mut results: Vec<Option<R>> = units.iter().map(|_| None).collect();
    let count = threads.min(units.len());
    let queue = Mutex::new(units.into_iter().zip(&mut results));
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.next()
    };
    std::thread::scope(|scope| {
        let worker = || {
            while let Some((unit, result)) = next() {
                *result = Some(work(unit));
            }
        };
        for _ in 1..count {
            scope.spawn(worker);
        }
        worker();
    });
    drop(queue);
    let results = results.into_iter();
    results
        .map(|result| result.expect("every unit was taken, and a panic is passed on"))
        .collect()
}

/// The same for work that can fail: the first error in the order of the units is the one returned, and
/// units behind an error are not begun.
pub(super) fn try_run<U: Send, R: Send, E: Send>(
    threads: usize,
    units: Vec<U>,
    work: impl Fn(U) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let failed = std::sync::atomic::AtomicBool::new(false);
    let results = run(threads, units, |unit| {
        if failed.load(std::sync::atomic::Ordering::Relaxed) {
            return None;
        }
        let result = work(unit);
        if result.is_err() {
            failed.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        Some(result)
    });
    // units are begun in order, so that one that was skipped stands behind the error
    results.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_units() {
        let units: Vec<usize> = (0..100).collect();
        for threads in [1, 2, 7] {
            assert_eq!(run(threads, units.clone(), |unit| unit * 2)[99], 198);
            let found = try_run(threads, units.clone(), |unit| {
                if unit % 10 == 3 { Err(unit) } else { Ok(unit) }
            });
            assert_eq!(found, Err(3));
        }
    }
}
