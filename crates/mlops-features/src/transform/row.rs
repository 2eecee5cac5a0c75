//! One row: the typed tree flattened into instructions for a small stack machine.
//!
//! Columns are slots, branches are jumps, and no node allocates unless it makes a text.

use std::sync::Arc;

use mlops_core::Value;

use super::{
    fault::{Fault, MAX_TEXT},
    kernel::text::Written,
    kind::{Cell, Kind},
    lane::{Driver, Lane, Outcome, Plain, text_cell},
    op::Op,
    typed::{Typed, What},
    user::UserFunction,
};

/// One step; operands come from the top of the stack, the answer goes there.
#[derive(Debug)]
enum Step {
    Constant(Cell<'static>),
    Load(usize),
    Apply(Op),
    IsNull,
    And,
    Or,
    NullIf(Op),
    /// An operation of two that passes over nulls.
    Reduce(Op),
    User(Arc<UserFunction>, usize),
    Jump(usize),
    /// Goes there if the top is this boolean, and leaves it.
    JumpIf(bool, usize),
    /// Goes there if the top is not null; drops it if it is.
    JumpIfPresent(usize),
    /// Drops the top and goes there unless it was true.
    JumpUnless(usize),
}

/// The instructions of one expression.
#[derive(Debug)]
pub(crate) struct Code {
    steps: Vec<Step>,
}

impl Code {
    pub(crate) fn of(tree: &Typed) -> Self {
        let mut code = Self { steps: Vec::new() };
        code.add(tree);
        code
    }

    fn add(&mut self, node: &Typed) {
        match &node.what {
            What::Constant(cell) => self.steps.push(Step::Constant(cell.clone())),
            What::Input(slot) => self.steps.push(Step::Load(*slot)),
            What::Apply(op, args) => {
                for arg in args {
                    self.add(arg);
                }
                self.steps.push(Step::Apply(op.clone()));
            }
            What::IsNull(arg) => {
                self.add(arg);
                self.steps.push(Step::IsNull);
            }
            What::And(a, b) => self.either(a, b, false),
            What::Or(a, b) => self.either(a, b, true),
            What::Coalesce(args) => {
                let mut ends = Vec::new();
                for (i, arg) in args.iter().enumerate() {
                    if i > 0 {
                        ends.push(self.hole());
                    }
                    self.add(arg);
                }
                let end = self.steps.len();
                for at in ends {
                    self.steps[at] = Step::JumpIfPresent(end);
                }
            }
            What::Case(branches, otherwise) => {
                let mut ends = Vec::new();
                for (when, then) in branches {
                    self.add(when);
                    let skip = self.hole();
                    self.add(then);
                    ends.push(self.hole());
                    self.steps[skip] = Step::JumpUnless(self.steps.len());
                }
                match otherwise {
                    Some(otherwise) => self.add(otherwise),
                    None => self.steps.push(Step::Constant(Cell::Null)),
                }
                let end = self.steps.len();
                for at in ends {
                    self.steps[at] = Step::Jump(end);
                }
            }
            What::NullIf(op, a, b) => {
                self.add(a);
                self.add(b);
                self.steps.push(Step::NullIf(op.clone()));
            }
            What::Reduce(op, args) => self.chain(args, || Step::Reduce(op.clone())),
            What::Chain(op, args) => self.chain(args, || Step::Apply(op.clone())),
            What::User(function, args) => {
                for arg in args {
                    self.add(arg);
                }
                let step = Step::User(Arc::clone(function), args.len());
                self.steps.push(step);
            }
        }
    }

    fn either(&mut self, a: &Typed, b: &Typed, decides: bool) {
        self.add(a);
        let skip = self.hole();
        self.add(b);
        self.steps.push(if decides { Step::Or } else { Step::And });
        self.steps[skip] = Step::JumpIf(decides, self.steps.len());
    }

    fn chain(&mut self, args: &[Typed], step: impl Fn() -> Step) {
        for (i, arg) in args.iter().enumerate() {
            self.add(arg);
            if i > 0 {
                self.steps.push(step());
            }
        }
    }

    /// The place of a jump that is not known yet.
    fn hole(&mut self) -> usize {
        self.steps.push(Step::Jump(0));
        self.steps.len() - 1
    }

    /// Computes one row. `load` gives the columns by slot; the stack is scratch and comes back empty.
    pub(crate) fn run<'a>(
        &'a self,
        stack: &mut Vec<Cell<'a>>,
        load: impl Fn(usize) -> Cell<'a>,
    ) -> Result<Cell<'a>, Fault> {
        stack.clear();
        let mut at = 0;
        while let Some(step) = self.steps.get(at) {
            at += 1;
            match step {
                Step::Constant(cell) => stack.push(cell.borrowed()),
                Step::Load(slot) => stack.push(load(*slot)),
                Step::Apply(op) => op.drive(Row(stack))?,
                Step::IsNull => {
                    let null = pop(stack).is_null();
                    stack.push(Cell::Bool(null));
                }
                Step::And => connect(stack, false),
                Step::Or => connect(stack, true),
                Step::NullIf(op) => {
                    let kept = stack[stack.len() - 2].clone();
                    op.drive(Row(stack))?;
                    let equal = matches!(pop(stack), Cell::Bool(true));
                    stack.push(if equal { Cell::Null } else { kept });
                }
                Step::Reduce(op) => {
                    if stack.last().is_none_or(Cell::is_null) {
                        stack.pop();
                    } else if stack[stack.len() - 2].is_null() {
                        let kept = pop(stack);
                        stack.pop();
                        stack.push(kept);
                    } else {
                        op.drive(Row(stack))?;
                    }
                }
                Step::User(function, count) => {
                    let args = stack.split_off(stack.len() - count);
                    let args: Vec<Value> = args.into_iter().map(Cell::into_value).collect();
                    stack.push(function.call(&args)?);
                }
                Step::Jump(to) => at = *to,
                Step::JumpIf(value, to) => {
                    if matches!(stack.last(), Some(Cell::Bool(top)) if top == value) {
                        at = *to;
                    }
                }
                Step::JumpIfPresent(to) => {
                    if stack.last().is_some_and(|top| !top.is_null()) {
                        at = *to;
                    } else {
                        stack.pop();
                    }
                }
                Step::JumpUnless(to) => {
                    if !matches!(pop(stack), Cell::Bool(true)) {
                        at = *to;
                    }
                }
            }
        }
        Ok(pop(stack))
    }
}

fn pop<'a>(stack: &mut Vec<Cell<'a>>) -> Cell<'a> {
    stack.pop().unwrap_or(Cell::Null)
}

/// Joins two booleans where one that `decides` is enough and null is not known.
fn connect(stack: &mut Vec<Cell<'_>>, decides: bool) {
    let (b, a) = (pop(stack), pop(stack));
    let cell = match (a, b) {
        (Cell::Bool(a), Cell::Bool(b)) => Cell::Bool(if decides { a || b } else { a && b }),
        (Cell::Bool(one), _) | (_, Cell::Bool(one)) if one == decides => Cell::Bool(decides),
        _ => Cell::Null,
    };
    stack.push(cell);
}

/// Calls kernels on the top of the stack.
struct Row<'s, 'a>(&'s mut Vec<Cell<'a>>);

fn answer<O: Plain>(outcome: impl Outcome<O>) -> Result<Cell<'static>, Fault> {
    Ok(outcome.outcome()?.map_or(Cell::Null, Plain::cell))
}

fn written(write: impl FnOnce(&mut String) -> Written) -> Result<Cell<'static>, Fault> {
    let mut text = String::new();
    let written = write(&mut text)?;
    debug_assert!(text.len() <= MAX_TEXT, "kernels bound what they write");
    Ok(written.map_or(Cell::Null, |()| text_cell(text)))
}

impl Row<'_, '_> {
    /// Replaces the last arguments by what the kernel gives for them, or by null.
    fn replace<const N: usize>(
        self,
        kernel: impl FnOnce(&[Cell<'_>; N]) -> Option<Result<Cell<'static>, Fault>>,
    ) -> Result<(), Fault> {
        let from = self.0.len() - N;
        let (args, _) = self.0[from..]
            .split_first_chunk::<N>()
            .expect("so many are left");
        let answer = kernel(args).unwrap_or(Ok(Cell::Null))?;
        self.0.truncate(from);
        self.0.push(answer);
        Ok(())
    }
}

impl Driver for Row<'_, '_> {
    type Done = Result<(), Fault>;

    fn unary<A: Lane, O: Plain, R: Outcome<O>>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>) -> R,
    ) -> Self::Done {
        self.replace(|[a]| Some(answer::<O>(kernel(A::of_cell(a)?))))
    }

    fn binary<A: Lane, B: Lane, O: Plain, R: Outcome<O>>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, B::Item<'a>) -> R,
    ) -> Self::Done {
        self.replace(|[a, b]| Some(answer::<O>(kernel(A::of_cell(a)?, B::of_cell(b)?))))
    }

    fn ternary<A: Lane, O: Plain, R: Outcome<O>>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, A::Item<'a>, A::Item<'a>) -> R,
    ) -> Self::Done {
        self.replace(|[a, b, c]| {
            let (a, b, c) = (A::of_cell(a)?, A::of_cell(b)?, A::of_cell(c)?);
            Some(answer::<O>(kernel(a, b, c)))
        })
    }

    fn places(self, kernel: impl Fn(f64, f64, f64, f64) -> Option<f64>) -> Self::Done {
        self.replace(|[a, b, c, d]| {
            let (a, b) = (f64::of_cell(a)?, f64::of_cell(b)?);
            let (c, d) = (f64::of_cell(c)?, f64::of_cell(d)?);
            Some(answer::<f64>(kernel(a, b, c, d)))
        })
    }

    fn write<A: Lane>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, &mut String) -> Written,
    ) -> Self::Done {
        self.replace(|[a]| {
            let a = A::of_cell(a)?;
            Some(written(|text| kernel(a, text)))
        })
    }

    fn write2<A: Lane, B: Lane>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, B::Item<'a>, &mut String) -> Written,
    ) -> Self::Done {
        self.replace(|[a, b]| {
            let (a, b) = (A::of_cell(a)?, B::of_cell(b)?);
            Some(written(|text| kernel(a, b, text)))
        })
    }

    fn write3<A: Lane, B: Lane, C: Lane>(
        self,
        kernel: impl for<'a> Fn(A::Item<'a>, B::Item<'a>, C::Item<'a>, &mut String) -> Written,
    ) -> Self::Done {
        self.replace(|[a, b, c]| {
            let (a, b, c) = (A::of_cell(a)?, B::of_cell(b)?, C::of_cell(c)?);
            Some(written(|text| kernel(a, b, c, text)))
        })
    }
}

impl Typed {
    /// The value itself where it depends on nothing; what would be a fault is left to the row.
    pub(crate) fn folded(self) -> Self {
        let fixed = !matches!(
            self.what,
            What::Constant(_) | What::Input(_) | What::User(..)
        ) && self
            .children()
            .iter()
            .all(|child| child.as_constant().is_some());
        if !fixed {
            return self;
        }
        let code = Code::of(&self);
        let Ok(cell) = code.run(&mut Vec::new(), |_| Cell::Null) else {
            return self;
        };
        let what = What::Constant(cell.into_owned());
        let kind: Option<Kind> = self.kind;
        Self { kind, what }
    }
}
