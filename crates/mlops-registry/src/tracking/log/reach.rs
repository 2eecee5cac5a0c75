//! What a read looks at, and the logs that are asked for it.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{LogName, RunLogs, follow::Due, index};
use crate::{LoggedModelId, Result, RunId, database::lock};

/// How many logs are asked at the same time.
const AT_ONCE: usize = 16;

/// What a read looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reach<'a> {
    /// Experiments, and which runs and logged models there are.
    Experiments,
    /// One run.
    Run(&'a RunId),
    /// One logged model, with what the run measured on it that made it.
    Model(&'a LoggedModelId),
    /// All runs and logged models.
    Everything,
}

impl RunLogs {
    /// Sees to it that the index holds what others had acknowledged when this was called, or a while before that.
    pub(crate) fn refresh(&self, reach: Reach<'_>) -> Result<()> {
        self.poll(&self.experiments, Due::AfterAWhile)?;
        match reach {
            Reach::Experiments => Ok(()),
            Reach::Run(id) => self.poll_unsettled(&LogName::Run(id.clone())),
            Reach::Model(id) => {
                self.poll_unsettled(&LogName::Model(id.clone()))?;
                match self.database.read(|tx| index::source_run(tx, id))? {
                    Some(run) => self.poll_unsettled(&LogName::Run(run)),
                    None => Ok(()),
                }
            }
            Reach::Everything => self.poll_all(Due::AfterAWhile),
        }
    }

    /// Sees to it that the index holds everything that others had acknowledged when this was called.
    pub(crate) fn catch_up(&self) -> Result<()> {
        self.poll(&self.experiments, Due::Now)?;
        self.poll_all(Due::Now)
    }

    fn poll_unsettled(&self, name: &LogName) -> Result<()> {
        let position = self.database.read(|tx| index::position(tx, name))?;
        match position {
            Some(position) if !position.is_settled() => {
                self.poll(&*self.log(name)?, Due::AfterAWhile)
            }
            _ => Ok(()),
        }
    }

    /// Asks all logs that are open or that the log of experiments tells of.
    fn poll_all(&self, due: Due) -> Result<()> {
        let names = self.database.read(index::unsettled)?;
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let work = || {
            while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                let asked = self.log(name).and_then(|log| self.poll(&log, due));
                if let Err(error) = asked {
                    lock(&failure).get_or_insert(error);
                    // the others need not begin anew
                    next.store(names.len(), Ordering::Relaxed);
                }
            }
        };
        match names.len() {
            0 => {}
            1 => work(),
            many => thread::scope(|scope| {
                for _ in 0..many.min(AT_ONCE) {
                    scope.spawn(work);
                }
            }),
        }
        lock(&failure).take().map_or(Ok(()), Err)
    }
}
