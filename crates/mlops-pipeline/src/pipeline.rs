//! A pipeline: steps that are known to fit together, in an order in which they can run.

use std::collections::BTreeMap;

use mlops_core::StepName;

use crate::{
    Error, Result, Step,
    error::names,
    step::{Origin, StepBuilder},
};

/// Steps whose names are unique, whose inputs exist and which do not go in a circle.
///
/// `'a` is how long the steps' code may borrow.
#[derive(Debug)]
pub struct Pipeline<'a> {
    name: String,
    steps: Vec<Step<'a>>,
    /// For each step the steps that it reads from, as positions in `steps`.
    upstream: Vec<Vec<usize>>,
}

impl<'a> Pipeline<'a> {
    /// Begins a pipeline.
    pub fn builder(name: impl Into<String>) -> PipelineBuilder<'a> {
        PipelineBuilder {
            name: name.into(),
            steps: Vec::new(),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of the steps in the order in which they run: each after what it reads from, and
    /// otherwise as they were added.
    pub fn step_names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|s| s.definition.name.as_str())
    }

    pub(crate) fn steps(&self) -> &[Step<'a>] {
        &self.steps
    }

    pub(crate) fn upstream(&self, step: usize) -> &[usize] {
        &self.upstream[step]
    }
}

/// Collects the steps of a [`Pipeline`].
#[derive(Debug)]
#[must_use]
pub struct PipelineBuilder<'a> {
    name: String,
    steps: Vec<Step<'a>>,
}

impl<'a> PipelineBuilder<'a> {
    /// Adds a step. A step may read from one that is added later.
    pub fn step(mut self, step: Step<'a>) -> Self {
        self.steps.push(step);
        self
    }

    /// Checks the steps against each other and puts them in order.
    ///
    /// # Errors
    /// [`Error::Core`] for a name that is not valid, [`Error::NoSteps`], [`Error::DuplicateStep`],
    /// [`Error::InvalidDefinition`], [`Error::UnknownStep`], [`Error::UnknownOutput`] and
    /// [`Error::Cycle`], each with the names of the steps.
    pub fn build(self) -> Result<Pipeline<'a>> {
        StepName::new(self.name.as_str())?;
        if self.steps.is_empty() {
            return Err(Error::NoSteps {
                pipeline: self.name,
            });
        }
        let mut position = BTreeMap::new();
        for (i, step) in self.steps.iter().enumerate() {
            let step = &step.definition;
            StepName::new(step.name.as_str())?;
            step.check()?;
            if position.insert(step.name.as_str(), i).is_some() {
                return Err(Error::DuplicateStep {
                    pipeline: self.name.clone(),
                    step: step.name.clone(),
                });
            }
        }
        let upstream: Vec<Vec<usize>> = self
            .steps
            .iter()
            .map(|step| upstream(&step.definition, &self.steps, &position))
            .collect::<Result<_>>()?;
        let order = self.order(&upstream)?;
        let mut place = vec![0; order.len()];
        for (to, from) in order.iter().enumerate() {
            place[*from] = to;
        }
        let mut steps: Vec<_> = self.steps.into_iter().zip(upstream).enumerate().collect();
        steps.sort_by_key(|(i, _)| place[*i]);
        let (steps, upstream) = steps
            .into_iter()
            .map(|(_, (step, up))| (step, up.into_iter().map(|u| place[u]).collect()))
            .unzip();
        Ok(Pipeline {
            name: self.name,
            steps,
            upstream,
        })
    }

    /// The positions of the steps, each after what it reads from; ties as they were added.
    fn order(&self, upstream: &[Vec<usize>]) -> Result<Vec<usize>> {
        let mut order: Vec<usize> = Vec::with_capacity(upstream.len());
        let mut done = vec![false; upstream.len()];
        while order.len() < upstream.len() {
            let ready = |i: &usize| !done[*i] && upstream[*i].iter().all(|u| done[*u]);
            match (0..upstream.len()).find(ready) {
                Some(next) => {
                    done[next] = true;
                    order.push(next);
                }
                None => return Err(self.cycle(upstream, &done)),
            }
        }
        Ok(order)
    }

    /// The circle that keeps the steps that are not done from running.
    fn cycle(&self, upstream: &[Vec<usize>], done: &[bool]) -> Error {
        // every waiting step waits for another waiting one, so walking upstream comes round
        let mut walked: Vec<usize> = Vec::new();
        let mut at = done.iter().position(|d| !d);
        while let Some(step) = at {
            if let Some(start) = walked.iter().position(|w| *w == step) {
                walked.drain(..start);
                walked.push(step);
                break;
            }
            walked.push(step);
            at = upstream[step].iter().copied().find(|u| !done[*u]);
        }
        walked.reverse();
        Error::Cycle {
            pipeline: self.name.clone(),
            steps: walked
                .into_iter()
                .map(|w| self.steps[w].definition.name.clone())
                .collect(),
        }
    }
}

fn upstream(
    step: &StepBuilder,
    steps: &[Step<'_>],
    position: &BTreeMap<&str, usize>,
) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    for (input, from) in &step.inputs {
        let Origin::Output {
            step: upstream,
            output,
        } = &from.0
        else {
            continue;
        };
        let at = position
            .get(upstream.as_str())
            .ok_or_else(|| Error::UnknownStep {
                step: step.name.clone(),
                input: input.clone(),
                upstream: upstream.clone(),
            })?;
        let outputs = &steps[*at].definition.outputs;
        if !outputs.contains(output) {
            return Err(Error::UnknownOutput {
                step: step.name.clone(),
                input: input.clone(),
                upstream: upstream.clone(),
                output: output.clone(),
                available: names(outputs),
            });
        }
        if !found.contains(at) {
            found.push(*at);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Input, Outputs};

    fn step(name: &str, reads: &[(&str, &str)]) -> Step<'static> {
        let mut step = Step::new(name).output("out");
        for (upstream, output) in reads {
            step = step.input(format!("from-{upstream}"), Input::of(*upstream, *output));
        }
        step.run(|_, _| Ok(Outputs::new().with("out", "x")))
    }

    fn build(steps: Vec<Step<'static>>) -> Result<Vec<String>> {
        let builder = steps
            .into_iter()
            .fold(Pipeline::builder("p"), PipelineBuilder::step);
        Ok(builder.build()?.step_names().map(str::to_owned).collect())
    }

    #[test]
    fn steps_stand_after_what_they_read_and_otherwise_as_added() {
        let steps = vec![
            step("d", &[("b", "out"), ("c", "out")]),
            step("c", &[("a", "out")]),
            step("z", &[]),
            step("b", &[("a", "out")]),
            step("a", &[]),
        ];
        assert_eq!(build(steps).unwrap(), ["z", "a", "c", "b", "d"]);
    }

    #[test]
    fn mistakes_are_found_before_anything_runs_and_name_the_steps() {
        let twice = || {
            Step::new("a")
                .output("x")
                .output("x")
                .run(|_, _| Ok(Outputs::new()))
        };
        let cases: [(Vec<Step<'static>>, &str); 7] = [
            (vec![], "pipeline `p` has no steps"),
            (
                vec![step("a", &[]), step("a", &[])],
                "pipeline `p` has two steps named `a`",
            ),
            (
                vec![step("a", &[("nowhere", "out")])],
                "step `a` reads `from-nowhere` from step `nowhere`, which is not in the pipeline",
            ),
            (
                vec![step("a", &[]), step("b", &[("a", "model")])],
                "step `b` reads `from-a` from output `model` of step `a`, which gives `out`",
            ),
            (
                vec![
                    step("start", &[]),
                    step("a", &[("c", "out"), ("start", "out")]),
                    step("b", &[("a", "out")]),
                    step("c", &[("b", "out")]),
                    step("end", &[("c", "out")]),
                ],
                "pipeline `p` goes in a circle: a → b → c → a",
            ),
            (
                vec![step("a", &[("a", "out")])],
                "pipeline `p` goes in a circle: a → a",
            ),
            (vec![twice()], "step `a`: output `x` is there twice"),
        ];
        for (steps, text) in cases {
            assert_eq!(build(steps).unwrap_err().to_string(), text);
        }
        let name = build(vec![step("no spaces", &[])]).unwrap_err();
        assert!(
            name.to_string()
                .contains("step name `no spaces` is not valid"),
            "{name}"
        );
    }
}
