//! All features of a group for many keys and instants: what a join computes.
//!
//! Questions are sorted by key and time. Each key is then walked once: its events enter and leave the windows
//! while its questions rise. Where created times hide rows, this holds as long as they rise with the
//! order of events, so that what is known is all events up to some point; a key of which rows became
//! known in another order is answered question by question.
//!
//! Keys are cut into runs of about the same work and handed to threads. The result of a run depends on
//! nothing else, so that any number of threads gives the same bits.

use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::{
    Answer, Scalar,
    cells::Cells,
    point::{evaluate, until, value},
};
use crate::{
    Cutoff,
    aggregate::{Overflow, days_since, ratio},
    index::{NO_CREATED, Rows, ViewIndex},
    plan::Group,
    window::{Known, Lane, Slider, item},
};

/// Runs a thread, so that a late one does not keep the others waiting.
const RUNS_PER_THREAD: usize = 8;

/// One question: the key's id, the instant, the row of the spine.
type Question = (u32, i64, u32);

/// A sum that does not fit: the row of the spine and the slot.
pub(super) type Failure = (u32, usize);

/// The answers to a run of questions: their rows in the spine, and the cells of each feature.
pub(super) struct Run {
    pub(super) rows: Vec<u32>,
    pub(super) cells: Vec<Cells>,
}

/// Answers the questions of a group, in runs in the order of keys; the first failure by row if there is one.
pub(super) fn answer(
    group: &Group,
    index: &ViewIndex,
    ids: &[Option<u32>],
    times: &[i64],
    cells: &[Cells],
    threads: NonZeroUsize,
) -> Result<Vec<Run>, Failure> {
    let mut questions: Vec<Question> = Vec::with_capacity(ids.len());
    for (row, (id, at)) in ids.iter().zip(times).enumerate() {
        let row = u32::try_from(row).expect("a table has less than 2^32 rows");
        questions.extend(id.map(|id| (id, *at, row)));
    }
    questions.sort_unstable();
    let keys: Vec<&[Question]> = questions.chunk_by(|a, b| a.0 == b.0).collect();
    let runs = cut(index, &keys, threads.get() * RUNS_PER_THREAD);

    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(run) = runs.get(at) else {
                return done;
            };
            done.push((at, Walk::new(group, index, cells).run(run)));
        }
    };
    let mut done = if threads.get() == 1 || runs.len() < 2 {
        work()
    } else {
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.get().min(runs.len()))
                .map(|_| scope.spawn(work))
                .collect();
            let results = workers.into_iter().map(thread::ScopedJoinHandle::join);
            let results =
                results.map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            results.flatten().collect()
        })
    };
    done.sort_unstable_by_key(|(at, _)| *at);
    let failures = done.iter().filter_map(|(_, result)| result.as_ref().err());
    if let Some(first) = failures.min() {
        return Err(*first);
    }
    Ok(done
        .into_iter()
        .filter_map(|(_, result)| result.ok())
        .collect())
}

/// Cuts keys into runs of about the same number of events and questions.
fn cut<'q>(
    index: &ViewIndex,
    keys: &'q [&'q [Question]],
    runs: usize,
) -> Vec<&'q [&'q [Question]]> {
    let work = |key: &[Question]| index.rows(key[0].0).range.len() + key.len();
    let all: usize = keys.iter().map(|key| work(key)).sum();
    let share = all / runs.max(1) + 1;
    let (mut cuts, mut begin, mut held) = (Vec::new(), 0, 0);
    for (at, key) in keys.iter().enumerate() {
        held += work(key);
        if held >= share {
            cuts.push(&keys[begin..=at]);
            (begin, held) = (at + 1, 0);
        }
    }
    if begin < keys.len() {
        cuts.push(&keys[begin..]);
    }
    cuts
}

/// A newest row that rises with the questions.
#[derive(Debug, Clone, Copy, Default)]
struct Latest {
    next: usize,
    row: Option<usize>,
}

/// What one thread needs to walk over keys.
struct Walk<'a> {
    group: &'a Group,
    index: &'a ViewIndex,
    lanes: Vec<Lane>,
    sliders: Vec<Slider<'a>>,
    latest: Vec<Latest>,
    scalars: Vec<Scalar>,
    answers: Vec<Answer>,
    out: Run,
    failure: Option<Failure>,
}

impl<'a> Walk<'a> {
    fn new(group: &'a Group, index: &'a ViewIndex, cells: &[Cells]) -> Self {
        let boundary = group.view.boundary();
        let folds = group.folds.iter();
        Self {
            group,
            index,
            lanes: group.streams.iter().map(Lane::new).collect(),
            sliders: folds
                .map(|fold| Slider::new(fold, &group.streams, boundary))
                .collect(),
            latest: Vec::new(),
            scalars: vec![Scalar::Null; group.slots],
            answers: vec![Answer::NOTHING; group.slots],
            out: Run {
                rows: Vec::new(),
                cells: cells.iter().map(Cells::like).collect(),
            },
            failure: None,
        }
    }

    fn run(mut self, keys: &[&[Question]]) -> Result<Run, Failure> {
        for questions in keys {
            let rows = self.index.rows(questions[0].0);
            if self.rises(&rows) {
                self.walk(&rows, questions);
            } else {
                self.ask(&rows, questions);
            }
        }
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(self.out),
        }
    }

    /// Whether what is known at any instant is all events up to some point.
    fn rises(&self, rows: &Rows<'_>) -> bool {
        self.group.view.cutoff() == Cutoff::EventTime
            || rows
                .created()
                .is_none_or(|created| created.first() != Some(&NO_CREATED) && created.is_sorted())
    }

    fn fail(&mut self, row: u32, slot: usize) {
        let failure = (row, slot);
        self.failure = Some(self.failure.map_or(failure, |known| known.min(failure)));
    }

    fn put(&mut self, row: u32) {
        self.out.rows.push(row);
        for (cells, scalar) in self.out.cells.iter_mut().zip(&mut self.scalars) {
            cells.push(std::mem::take(scalar));
        }
    }

    /// Answers each question by itself.
    fn ask(&mut self, rows: &Rows<'_>, questions: &[Question]) {
        for (_, at, row) in questions {
            match evaluate(self.group, self.index, Some(rows), *at, &mut self.answers) {
                Ok(()) => {
                    for (scalar, answer) in self.scalars.iter_mut().zip(&mut self.answers) {
                        *scalar = std::mem::take(&mut answer.scalar);
                    }
                    self.put(*row);
                }
                Err(slot) => self.fail(*row, slot),
            }
        }
    }

    /// Walks once over the events of a key.
    fn walk(&mut self, rows: &Rows<'_>, questions: &[Question]) {
        let group = self.group;
        let cutoff = group.view.cutoff() == Cutoff::CreatedTime;
        let known = Known {
            created: if cutoff { rows.created() } else { None },
            until: i64::MAX,
        };
        // events after the last question or before the first window are seen by none
        let boundary = group.view.boundary();
        let (first, last) = (questions[0].1, questions[questions.len() - 1].1);
        let upper = rows
            .times()
            .partition_point(|time| boundary.sees(*time, last));
        let tails = |fold: &crate::plan::Fold| fold.window.edges(first).0;
        for (at, (lane, stream)) in self.lanes.iter_mut().zip(&group.streams).enumerate() {
            let folds = group.folds.iter().filter(|fold| fold.stream == at);
            let tail = folds.map(tails).min().unwrap_or(i64::MIN);
            let lower = rows
                .times()
                .partition_point(|time| boundary.sees(*time, tail));
            lane.forget();
            lane.gather(stream, self.index, rows, lower.min(upper)..upper, known);
        }
        for (slider, fold) in self.sliders.iter_mut().zip(&group.folds) {
            let lane = &mut self.lanes[fold.stream];
            slider.prepare(lane, self.index);
            slider.start(lane);
        }
        self.latest.clear();
        self.latest.resize(group.newest.len(), Latest::default());
        for (_, at, row) in questions {
            match self.step(rows, known, *at) {
                Ok(()) => self.put(*row),
                Err(slot) => self.fail(*row, slot),
            }
        }
        for (slider, fold) in self.sliders.iter_mut().zip(&group.folds) {
            slider.finish(&self.lanes[fold.stream]);
        }
    }

    fn step(&mut self, rows: &Rows<'_>, known: Known<'_>, at: i64) -> Result<(), usize> {
        let group = self.group;
        self.newest(rows, known, at);
        for (slider, fold) in self.sliders.iter_mut().zip(&group.folds) {
            let lane = &self.lanes[fold.stream];
            let head = fold.window.edges(at).1;
            slider.advance(lane, at, until(group.view.boundary(), head));
        }
        // an overflow is that of the first slot, as for a question by itself
        for (slider, fold) in self.sliders.iter().zip(&group.folds) {
            let lane = &self.lanes[fold.stream];
            for slot in &fold.slots {
                let scalar = slider.answer(lane, slot);
                self.scalars[slot.at] = scalar.map_err(|Overflow| slot.at)?;
            }
        }
        for quotient in &group.ratios {
            let number = |slot: usize| self.scalars[slot].number();
            let value = ratio(number(quotient.above), number(quotient.below));
            self.scalars[quotient.slot] = value.map_or(Scalar::Null, Scalar::Float);
        }
        Ok(())
    }

    fn newest(&mut self, rows: &Rows<'_>, known: Known<'_>, at: i64) {
        let (view, times) = (&self.group.view, rows.times());
        let boundary = view.boundary();
        let until = until(boundary, at);
        let oldest = view
            .ttl()
            .map_or(i64::MIN, |ttl| at.saturating_sub(ttl.micros()));
        let seen = |row: usize| {
            boundary.sees(times[row], at)
                && known.created.is_none_or(|created| created[row] <= until)
        };
        for (question, latest) in self.group.newest.iter().zip(&mut self.latest) {
            while latest.next < times.len() && seen(latest.next) {
                let row = latest.next;
                let takes = question.filter.as_ref().is_none_or(|filter| {
                    let field = |field: usize| {
                        let kind = view.fields()[field].kind();
                        item(self.index, rows, rows.range.start + row, field, kind)
                    };
                    filter.holds(&field)
                });
                if takes {
                    latest.row = Some(row);
                }
                latest.next += 1;
            }
            self.scalars[question.slot] = match latest.row {
                Some(row) if times[row] >= oldest => match question.field {
                    None => Scalar::Float(days_since(at, times[row])),
                    Some(field) => value(self.group, rows, row, field),
                },
                _ => Scalar::Null,
            };
        }
    }
}
