//! A few threads that live as long as a fit and share the parts of each step.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::Scope,
};

type Work<'env, T> = Arc<dyn Fn(usize) -> T + Send + Sync + 'env>;
type Outcome<T> = std::thread::Result<(usize, T)>;

/// Threads beside the caller's own. They end when the pool is dropped.
pub(super) struct Pool<'env, T> {
    workers: Vec<Sender<(Work<'env, T>, usize)>>,
    answers: Receiver<Outcome<T>>,
}

impl<'env, T: Send + 'env> Pool<'env, T> {
    /// Starts `threads - 1` of them.
    pub(super) fn new<'scope>(scope: &'scope Scope<'scope, 'env>, threads: usize) -> Self {
        let (answer, answers) = channel();
        let workers = (1..threads).map(|_| {
            let (sender, work) = channel::<(Work<'env, T>, usize)>();
            let answer = answer.clone();
            scope.spawn(move || {
                for (work, part) in work {
                    let outcome = catch_unwind(AssertUnwindSafe(|| (part, work(part))));
                    // nobody waits any more if the caller's own part has failed
                    let _ = answer.send(outcome);
                }
            });
            sender
        });
        Self {
            workers: workers.collect(),
            answers,
        }
    }

    /// The answers for parts `0..parts`, in their order; a panic in one goes on here.
    pub(super) fn map(
        &self,
        parts: usize,
        work: impl Fn(usize) -> T + Send + Sync + 'env,
    ) -> Vec<T> {
        let turns = self.workers.len() + 1;
        if parts < 2 || turns == 1 {
            return (0..parts).map(work).collect();
        }
        let work: Work<'env, T> = Arc::new(work);
        let mut answers: Vec<Option<T>> = (0..parts).map(|_| None).collect();
        for part in 0..parts {
            if part % turns > 0 {
                let sent = self.workers[part % turns - 1].send((work.clone(), part));
                sent.expect("a worker lives as long as the pool");
            }
        }
        for part in (0..parts).step_by(turns) {
            answers[part] = Some(work(part));
        }
        for _ in 0..parts - parts.div_ceil(turns) {
            let outcome = self.answers.recv();
            match outcome.expect("a worker lives as long as the pool") {
                Ok((part, answer)) => answers[part] = Some(answer),
                Err(panic) => resume_unwind(panic),
            }
        }
        let answers = answers
            .into_iter()
            .map(|answer| answer.expect("every part was done"));
        answers.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_their_parts_with_any_number_of_threads() {
        for threads in 1..5 {
            for parts in 0..9 {
                let answers = std::thread::scope(|scope| {
                    let pool = Pool::new(scope, threads);
                    let first = pool.map(parts, |part| part * part);
                    assert_eq!(first, pool.map(parts, |part| part * part));
                    first
                });
                let expected: Vec<usize> = (0..parts).map(|part| part * part).collect();
                assert_eq!(answers, expected, "{threads} threads");
            }
        }
    }

    #[test]
    fn a_panic_of_a_part_reaches_the_caller_and_ends_the_pool() {
        for bad in 0..4 {
            let caught = catch_unwind(|| {
                std::thread::scope(|scope| {
                    let pool = Pool::new(scope, 3);
                    pool.map(4, |part| assert!(part != bad, "part {part}"));
                });
            });
            assert!(caught.is_err());
        }
    }
}
