//! Models from ONNX: the graphs that exporters of tabular models write, as families of this crate.
//!
//! ```text
//! bytes ─wire─▶ graph ─walk─▶ columns ─▶ scores ─▶ answers ─finish─▶ ModelSpec
//!                             encoders    body      link
//! ```
//!
//! The nodes are not run. Each value of the graph is what it stands for: columns of a matrix, each with
//! its source and the arithmetic on its way; the scores of a model over such columns; or sums over the scores of
//! several. A node that leaves these shapes is rejected, and the rejection reaches the caller if the answer depends
//! on it. Labels are left out: they follow from the probabilities. Which operators are read stands in `onnx`.

mod arithmetic;
mod cells;
mod classic;
mod column;
mod density;
mod encoders;
mod families;
mod finish;
mod front;
mod kernels;
mod mean;
mod mix;
mod network;
mod operator;
mod picks;
mod plant;
mod scores;
mod sequence;
mod shapes;
mod sums;
mod tensor;
mod term;
mod trees;
mod votes;
mod walk;
mod wire;

use crate::{ModelSpec, Output, Result};

/// How an ONNX file is read.
///
/// ```
/// use mlops_model::OnnxImport;
///
/// let options = OnnxImport::new().inputs(["age", "income"]);
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnnxImport {
    inputs: Option<Vec<String>>,
    answer: Option<String>,
    output: Option<Output>,
}

impl OnnxImport {
    /// What the file says about itself.
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of the inputs, a name a column in the graph's order.
    ///
    /// Without them, the columns of a single matrix are `f0`, `f1` and so on, and an input of one column
    /// has its own name.
    #[must_use]
    pub fn inputs(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.inputs = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The output of the graph that is the answer. Without it, it is the one that is no label.
    #[must_use]
    pub fn answer(mut self, name: impl Into<String>) -> Self {
        self.answer = Some(name.into());
        self
    }

    /// What the answer is called. Without it, names of classes are the file's.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.output = Some(output);
        self
    }
}

impl ModelSpec {
    /// The model that an ONNX file holds, as this crate computes it.
    ///
    /// It reads what skl2onnx and onnxmltools write for scikit-learn, LightGBM and XGBoost, what both of PyTorch's
    /// exporters write for dense networks and LSTMs, and most of what `ModelSpec::to_onnx` writes:
    ///
    /// - linear models, trees, forests and boosting; networks with ReLU, tanh, sigmoid or GELU, batch norms folded in;
    /// - support vectors of a number or of two classes, Gaussian naive Bayes, Gaussian mixtures, k-means;
    /// - AdaBoost, bagging, voting, stacking, one model a class, and calibration by sigmoids;
    /// - behind scalers, imputers, one-hot and ordinal encoders of named columns;
    /// - LSTMs whose last step one layer reads: each number of a step becomes a list.
    ///
    /// What has no form is refused: votes of pairs of classes, medians of models, nearest neighbours, layer norms
    /// and attention, layers with different activations.
    ///
    /// ```no_run
    /// use mlops_model::{Model, ModelSpec, OnnxImport, Scratch};
    ///
    /// let bytes = std::fs::read("churn.onnx")?;
    /// let options = OnnxImport::new().inputs(["orders_90d", "days_since_login"]);
    /// let model = ModelSpec::from_onnx(&bytes, &options)?;
    /// let row = [3.0.into(), 12.5.into()];
    /// let churned = model.predict_value(&row, &mut Scratch::new())?;
    /// # let _ = churned;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// - An answer of two classes is the probability of the second one; one of more classes is the
    ///   probability of each.
    /// - Numbers of trees may be missing, and so may texts; those of other families only where the file
    ///   imputes them. A category that was not seen is no category, where ONNX may refuse it.
    /// - Probabilities of a support vector machine are Platt's own, to which libsvm and ONNX Runtime come within 0.005
    ///   by iterations.
    /// - A real number that the file compares with whole categories is a whole number here.
    ///
    /// # Errors
    /// [`Error::UnsupportedOnnx`](crate::Error::UnsupportedOnnx) naming the node and operator that has
    /// no form here; [`Error::MalformedOnnx`](crate::Error::MalformedOnnx) if the bytes are no model,
    /// [`Error::TooLarge`](crate::Error::TooLarge) beyond [`limit`](crate::limit),
    /// [`Error::InvalidSignature`](crate::Error::InvalidSignature) for another number of names than
    /// columns, and those of [`ModelSpec::new`].
    ///
    /// # Reference
    /// ONNX Runtime 1.32 on the CPU: within 1e-6 of 1 or of the answer, whichever is larger, over models of
    /// scikit-learn 1.9, LightGBM 4.7, XGBoost 3.2 and PyTorch 2.15, and within 5e-6 for sums over support vectors.
    /// Those files hold single precision and are computed in it, while sums here are in double precision. A split
    /// decides as ONNX Runtime does on every number, since thresholds move to where a number rounds to the other side.
    pub fn from_onnx(bytes: &[u8], options: &OnnxImport) -> Result<Self> {
        let graph = wire::decode(bytes)?;
        finish::finish(&graph, options)
    }
}
