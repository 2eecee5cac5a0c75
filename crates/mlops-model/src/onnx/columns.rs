//! The encoded columns of a graph, as families read them: all of them, or a range.

use std::borrow::Cow;

use crate::{
    Encoder, Estimator, Model, ModelSpec, Result,
    onnx::{
        encode,
        graph::{GraphBuilder, Value},
        moved::{Move, moves},
        proto::{Attribute, Tensor, int},
    },
};

/// A range of the encoded columns.
#[derive(Debug, Clone)]
pub(super) struct Columns<'a> {
    /// `[rows, all]`, as they are encoded; for all families but trees.
    encoded: Value,
    /// The same without the arithmetic that thresholds moved across; for trees.
    bare: Value,
    moves: Cow<'a, [Option<Move>]>,
    /// Whether a column holds whole numbers only.
    whole: Cow<'a, [bool]>,
    first: usize,
    width: usize,
    /// An input, which knows the number of rows.
    input: Value,
}

/// What reads the columns.
#[derive(Debug, Default)]
struct Readers {
    trees: bool,
    others: bool,
}

impl Readers {
    fn of(&mut self, estimator: &Estimator) {
        match estimator {
            Estimator::Trees(_) => self.trees = true,
            Estimator::Ensemble(ensemble) => {
                for member in &ensemble.members {
                    self.of(&member.estimator);
                }
            }
            Estimator::Calibrated(calibrated) => self.of(&calibrated.estimator),
            _ => self.others = true,
        }
    }
}

impl Columns<'_> {
    /// Adds the encoders over the named inputs.
    pub(super) fn of(
        graph: &mut GraphBuilder,
        spec: &ModelSpec,
        names: &[Value],
    ) -> Result<Columns<'static>> {
        let mut readers = Readers::default();
        readers.of(spec.estimator());
        let mut moves = moves(spec);
        if !readers.trees {
            moves.fill(None);
        }
        let mut columns = Sides::default();
        let mut start = 0;
        for encoder in spec.preprocess().encoders() {
            let width = encoder.width();
            if width == 0 {
                continue;
            }
            let moved = matches!(moves[start], Some(Move::Rising(_)));
            let inputs = spec.signature().inputs();
            let bare = moved
                .then(|| encode::bare(graph, encoder, inputs, names))
                .flatten();
            let encoded = if bare.is_none() || readers.others {
                encode::encode(graph, encoder, inputs, names)?
            } else {
                String::new()
            };
            columns.differ |= bare.is_some();
            columns.bare.push(bare.unwrap_or_else(|| encoded.clone()));
            columns.encoded.push(encoded);
            start += width;
        }
        let bare = columns.differ.then(|| join(graph, columns.bare, &names[0]));
        let encoded = match &bare {
            Some(bare) if !readers.others => bare.clone(),
            _ => join(graph, columns.encoded, &names[0]),
        };
        let encoders = spec.preprocess().encoders().iter();
        let whole = encoders.flat_map(|encoder| {
            let whole = !matches!(
                encoder,
                Encoder::Numeric { .. }
                    | Encoder::Target { .. }
                    | Encoder::Transform { .. }
                    | Encoder::Product { .. }
                    | Encoder::DateParts { .. }
                    | Encoder::Sequence { .. }
            );
            std::iter::repeat_n(whole, encoder.width())
        });
        Ok(Columns {
            bare: bare.unwrap_or_else(|| encoded.clone()),
            encoded,
            whole: whole.collect(),
            first: 0,
            width: moves.len(),
            moves: Cow::Owned(moves),
            input: names[0].clone(),
        })
    }

    /// `width` of these columns from `first` on.
    pub(super) fn range(&self, first: usize, width: usize) -> Columns<'_> {
        Columns {
            encoded: self.encoded.clone(),
            bare: self.bare.clone(),
            moves: Cow::Borrowed(&self.moves),
            whole: Cow::Borrowed(&self.whole),
            first: self.first + first,
            width,
            input: self.input.clone(),
        }
    }

    /// The number of columns that a family reads; one of zeros where there is none.
    pub(super) fn width(&self) -> usize {
        self.width.max(1)
    }

    /// Adds them, as they are encoded.
    ///
    /// # Shapes
    /// `[rows, width]`.
    pub(super) fn encoded(&self, graph: &mut GraphBuilder) -> Value {
        self.cut(graph, &self.encoded)
    }

    /// Adds them, as trees read them.
    ///
    /// # Shapes
    /// `[rows, width]`.
    pub(super) fn bare(&self, graph: &mut GraphBuilder) -> Value {
        self.cut(graph, &self.bare)
    }

    /// What becomes of a column's thresholds.
    pub(super) fn moved(&self, column: u32) -> Option<&Move> {
        // a tree of one leaf asks a column that need not be there
        let at = self.moves.get(self.first + column as usize);
        at.and_then(Option::as_ref)
    }

    /// Whether a column holds whole numbers only.
    pub(super) fn whole(&self, column: u32) -> bool {
        self.whole[self.first + column as usize]
    }

    /// Weights `[rows, width]` with a zero a row where there are no columns to weigh.
    pub(super) fn weights<'w>(&self, weights: &'w [f64], rows: usize) -> Cow<'w, [f64]> {
        if self.width == 0 {
            Cow::Owned(vec![0.0; rows])
        } else {
            Cow::Borrowed(weights)
        }
    }

    fn cut(&self, graph: &mut GraphBuilder, all: &Value) -> Value {
        let total = self.moves.len();
        if self.width == total {
            return all.clone();
        }
        if self.width == 0 {
            return encode::zeros(graph, &self.input);
        }
        let ends = [self.first, self.first + self.width];
        let [from, to] = ends.map(|at| graph.constant(Tensor::ints(&[int(at)])));
        let axis = graph.constant(Tensor::ints(&[1]));
        graph.node("Slice", [all, &from, &to, &axis], vec![])
    }
}

/// The columns of each encoder, in both forms.
#[derive(Debug, Default)]
struct Sides {
    encoded: Vec<Value>,
    bare: Vec<Value>,
    differ: bool,
}

/// Columns side by side; one of zeros for none.
fn join(graph: &mut GraphBuilder, mut columns: Vec<Value>, input: &Value) -> Value {
    match columns.len() {
        0 => encode::zeros(graph, input),
        1 => columns.remove(0),
        _ => graph.node_of("Concat", columns, vec![Attribute::int("axis", 1)]),
    }
}
