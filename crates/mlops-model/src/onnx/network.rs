//! Networks in ONNX: tables of embeddings, dense layers and activations.

use std::f64::consts::FRAC_1_SQRT_2;

use crate::{
    Activation, Embedding, Mlp,
    onnx::{
        columns::Columns,
        encode::gathered,
        graph::{GraphBuilder, Value},
        proto::{Attribute, Tensor, int},
        score::dense,
    },
};

/// Adds a network.
///
/// # Shapes
/// `[rows, outputs]`.
pub(super) fn mlp(graph: &mut GraphBuilder, mlp: &Mlp, columns: &Columns<'_>) -> Value {
    let encoded = columns.encoded(graph);
    let (mut layer, empty) = if mlp.embeddings.is_empty() {
        (encoded, mlp.layers[0].cols == 0)
    } else {
        (embedded(graph, mlp, columns.width(), &encoded), false)
    };
    for (at, next) in mlp.layers.iter().enumerate() {
        // without columns, the encoded matrix is one of zeros
        let zeros = vec![0.0; next.rows];
        let weights = if at == 0 && empty {
            &zeros
        } else {
            &next.weights
        };
        layer = dense(graph, weights, &next.bias, &layer);
        if at + 1 < mlp.layers.len() {
            layer = activated(graph, mlp.activation, &layer);
        }
    }
    layer
}

/// The columns without a table, and behind them the vectors.
fn embedded(graph: &mut GraphBuilder, mlp: &Mlp, width: usize, encoded: &Value) -> Value {
    let has_table = |column: &usize| mlp.embeddings.iter().any(|table| table.column == *column);
    let plain: Vec<i64> = (0..width).filter(|c| !has_table(c)).map(int).collect();
    let mut parts = Vec::with_capacity(mlp.embeddings.len() + 1);
    if !plain.is_empty() {
        parts.push(picked(graph, encoded, &plain));
    }
    for table in &mlp.embeddings {
        parts.push(vector(graph, table, encoded));
    }
    if parts.len() == 1 {
        return parts.remove(0);
    }
    graph.node_of("Concat", parts, vec![Attribute::int("axis", 1)])
}

fn picked(graph: &mut GraphBuilder, x: &Value, columns: &[i64]) -> Value {
    let columns = graph.constant(Tensor::ints(columns));
    graph.node("Gather", [x, &columns], vec![Attribute::int("axis", 1)])
}

/// The vector of a number; the last one for a number of no row.
fn vector(graph: &mut GraphBuilder, table: &Embedding, encoded: &Value) -> Value {
    let number = picked(graph, encoded, &[int(table.column)]);
    let [zero, last] = [0.0, (table.rows - 1) as f64].map(|end| graph.number(end));
    // neither holds for a missing number
    let above = graph.node("GreaterOrEqual", [&number, &zero], vec![]);
    let below = graph.node("Less", [&number, &last], vec![]);
    let inside = graph.node("And", [&above, &below], vec![]);
    let at = graph.node("Where", [&inside, &number, &last], vec![]);
    gathered(graph, &table.weights, table.cols, &at)
}

fn activated(graph: &mut GraphBuilder, activation: Activation, x: &Value) -> Value {
    match activation {
        Activation::Relu => graph.node("Relu", [x], vec![]),
        Activation::Tanh => graph.node("Tanh", [x], vec![]),
        Activation::Logistic => graph.node("Sigmoid", [x], vec![]),
        Activation::Gelu => gelu(graph, x),
    }
}

/// `ln(erfc(a) / t) + a²` over `y`, where `t = 2 / (2 + a)` and `y = 2t - 1`, from the constant term on. The
/// interpolation in Chebyshev's nodes of degree 26, computed with 60 digits: `erfc` comes within 4e-16.
#[rustfmt::skip]
const TAIL: [f64; 27] = [
    -0.671_794_084_056_692_3, 0.672_643_223_977_656, 0.047_343_306_841_904_43,
    -0.046_895_610_231_083_025, -0.009_872_689_366_389_959, 0.008_824_938_553_738_764,
    0.001_758_933_557_799_016, -0.002_345_812_444_802_156, -0.000_146_246_863_378_003_36,
    0.000_673_678_269_706_983_1, -9.373_503_117_098_17e-05, -0.000_174_299_849_331_556_44,
    7.140_101_412_757_03e-05, 3.173_310_599_377_061e-05, -3.018_788_455_139_424_3e-05,
    1.699_233_231_227_702e-07, 8.562_623_420_121_286e-06, -3.007_645_434_410_669e-06,
    -1.272_311_904_868_89e-06, 1.326_781_360_851_888_9e-06, -1.684_980_072_065_329_7e-07,
    -3.168_341_367_694_147e-07, 1.533_434_592_090_817_7e-07, 3.972_203_547_273_795e-08,
    -3.917_182_051_027_185_5e-08, -1.586_704_292_413_804_2e-09, 4.060_882_146_969_72e-09,
];

/// `x Φ(x)`. The runtimes' own `Erf` and `Gelu` have single precision only.
pub(super) fn gelu(graph: &mut GraphBuilder, x: &Value) -> Value {
    let [one, two, half, root] = [1.0, 2.0, 0.5, FRAC_1_SQRT_2].map(|x| graph.number(x));
    let size = graph.node("Abs", [x], vec![]);
    let a = graph.node("Mul", [&size, &root], vec![]);
    let sum = graph.node("Add", [&a, &two], vec![]);
    let t = graph.node("Div", [&two, &sum], vec![]);
    let y = graph.node("Mul", [&t, &two], vec![]);
    let y = graph.node("Sub", [&y, &one], vec![]);
    let mut power = graph.number(TAIL[TAIL.len() - 1]);
    for term in TAIL.iter().rev().skip(1) {
        let term = graph.number(*term);
        let product = graph.node("Mul", [&power, &y], vec![]);
        power = graph.node("Add", [&product, &term], vec![]);
    }
    let square = graph.node("Mul", [&a, &a], vec![]);
    let power = graph.node("Sub", [&power, &square], vec![]);
    let tail = graph.node("Exp", [&power], vec![]);
    let tail = graph.node("Mul", [&t, &tail], vec![]);
    // half of erfc(|x| / √2): what lies beyond |x|
    let beyond = graph.node("Mul", [&tail, &half], vec![]);
    let within = graph.node("Sub", [&one, &beyond], vec![]);
    let zero = graph.number(0.0);
    let negative = graph.node("Less", [x, &zero], vec![]);
    let share = graph.node("Where", [&negative, &beyond, &within], vec![]);
    graph.node("Mul", [x, &share], vec![])
}
