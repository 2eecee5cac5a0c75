"""Models of scikit-learn, LightGBM and XGBoost as their exporters write them, and ONNX Runtime's answers.

    pip install scikit-learn skl2onnx onnxmltools lightgbm xgboost onnxruntime pandas "protobuf>=6.31.1,<7"
    python make.py FOLDER

Each case is a file `NAME.onnx` and a file `NAME.json`: rows, with null for NaN, and what ONNX Runtime answers for
them. Rows of trees meet thresholds, and stand one step of single precision beside them. Numbers are written as short
as single precision allows, so a reader in double precision has to round them as ONNX Runtime does.
"""

import json
import math
import pathlib
import sys
import warnings

import lightgbm
import numpy as np
import onnx
import onnxmltools
import onnxruntime
import skl2onnx
import sklearn
import xgboost
from onnx import TensorProto, helper, numpy_helper
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

warnings.filterwarnings("ignore")
VERSIONS = {
    m.__name__: m.__version__
    for m in (lightgbm, onnx, onnxmltools, onnxruntime, skl2onnx, sklearn, xgboost)
}
FOLDER = pathlib.Path(sys.argv[1])
WIDTH = 4
rng = np.random.default_rng(7)
X = np.round(rng.normal(size=(300, WIDTH)), 2).astype(np.float32)
HOLES = X.copy()
HOLES[rng.random(X.shape) < 0.15] = np.nan
NOISE = rng.normal(scale=0.3, size=300)
NUMBER = (X[:, 0] * 2 - X[:, 1] + np.sin(3 * X[:, 2]) + NOISE).astype(np.float32)
TWO = (NUMBER > 0).astype(np.int64)
THREE = np.digitize(NUMBER, [-1.0, 1.0]).astype(np.int64)
COUNTS = np.abs(np.round(3 * X))
TEXTS = np.array(["low", "mid", "top"])[THREE]

PLAN = (np.arange(300) // 7) % 6


def thresholds(model):
    """Rows on the thresholds of the file's trees, and one step beside them."""
    rows = []
    for node in model.graph.node:
        lists = {a.name: a for a in node.attribute}
        if "nodes_values" not in lists:
            continue
        features = lists["nodes_featureids"].ints
        for feature, value, mode in zip(features, lists["nodes_values"].floats, lists["nodes_modes"].strings):
            if mode != b"LEAF" and feature < WIDTH:
                row = X[len(rows) % len(X)].copy()
                near = np.float32(value)
                row[feature] = [near, np.nextafter(near, np.float32(9e9)), np.nextafter(near, np.float32(-9e9))][len(rows) % 3]
                rows.append(row)
    return np.array(rows[:: max(1, len(rows) // 30)], dtype=np.float32).reshape(-1, WIDTH)


def plain(value):
    if isinstance(value, (float, np.floating)):
        return None if math.isnan(value) else float(str(np.float32(value)))
    return value.item() if hasattr(value, "item") else value


def keep(name, model, data, columns=None, answer=None, tolerance=None, exact=None):
    """Writes a file, and what ONNX Runtime answers; `data` is a matrix or one array a named input.

    `answer` is the output that counts; without it the last one. `tolerance` stands for 1e-6 where single precision
    forces less. `exact` are the answers in place of ONNX Runtime's, which come within `tolerance` of them.
    """
    path = FOLDER / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    if columns is None:
        data = np.vstack([data, thresholds(model)]).astype(np.float32)
        if "double" in session.get_inputs()[0].type:
            # the numbers as they are written below
            data = np.vectorize(lambda x: float(str(np.float32(x))))(data)
        if np.isnan(data).any():
            data = np.vstack([data, np.full((1, WIDTH), np.nan, dtype=np.float32)])
        feed = {session.get_inputs()[0].name: data}
        rows = data.tolist()
    else:
        feed = {n: np.asarray(c).reshape(-1, 1) for n, c in zip(columns, data)}
        rows = [list(row) for row in zip(*data)]
    answers = session.run(answer and [answer], feed)[-1]
    if isinstance(answers, list):
        answers = np.array([list(row.values()) for row in answers])
    answers = answers.reshape(len(rows), -1)
    if exact is not None:
        assert np.abs(answers - exact).max() < tolerance, np.abs(answers - exact).max()
        answers, tolerance = exact, None
    case = {
        "versions": VERSIONS,
        "rows": [[plain(x) for x in row] for row in rows],
        "answers": [[plain(x) for x in row] for row in answers],
    }
    if answer:
        case["answer"] = answer
    if tolerance:
        case["tolerance"] = tolerance
    (FOLDER / f"{name}.json").write_text(json.dumps(case) + "\n")
    ops = [n.op_type for n in model.graph.node]
    print(f"{name:36} {path.stat().st_size:6} {len(rows)} {ops}")


def scikit(name, model, y, data=X, zipmap=True):
    model.fit(data, y)
    options = {} if zipmap else {id(model): {"zipmap": False}}
    graph = skl2onnx.to_onnx(model, initial_types=[("X", FloatTensorType([None, WIDTH]))], options=options)
    keep(name, graph, data[:30])


def tools(name, model, y, convert, data=X):
    model.fit(data, y)
    keep(name, convert(model, initial_types=[("X", ToolsFloat([None, WIDTH]))]), data[:30])


def dense_layers():
    """A network as PyTorch's exporter writes it: `Gemm` with turned weights, and `Relu`."""
    shapes = [WIDTH, 6, 5, 3]
    inits, nodes, at = [], [], "input"
    for i, (cols, rows) in enumerate(zip(shapes, shapes[1:])):
        weights = rng.normal(size=(rows, cols)).astype(np.float32)
        bias = rng.normal(size=rows).astype(np.float32)
        inits += [numpy_helper.from_array(weights, f"{i}.weight"), numpy_helper.from_array(bias, f"{i}.bias")]
        nodes.append(helper.make_node("Gemm", [at, f"{i}.weight", f"{i}.bias"], [f"g{i}"], alpha=1.0, beta=1.0, transB=1))
        at = f"g{i}"
        if i < 2:
            nodes.append(helper.make_node("Relu", [at], [f"r{i}"]))
            at = f"r{i}"
    nodes.append(helper.make_node("Softmax", [at], ["output"], axis=1))
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", WIDTH])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 3])],
        inits,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def two_classes(ids, weights, transform):
    """A classifier of two classes, whose weights ONNX Runtime reads by how many sets there are."""
    node = helper.make_node(
        "TreeEnsembleClassifier",
        ["X"],
        ["label", "probabilities"],
        domain="ai.onnx.ml",
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=[1, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_values=[0.0, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0],
        nodes_falsenodeids=[2, 0, 0],
        class_treeids=[0] * len(ids),
        class_nodeids=[1, 2, 1, 2][: len(ids)],
        class_ids=ids,
        class_weights=weights,
        classlabels_strings=["no", "yes"],
        post_transform=transform,
    )
    graph = helper.make_graph(
        [node],
        "two",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, WIDTH])],
        [
            helper.make_tensor_value_info("label", TensorProto.STRING, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=8)


def double(name, model, y):
    model.fit(X, y)
    options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else {}
    graph = skl2onnx.to_onnx(model, initial_types=[("X", DoubleTensorType([None, WIDTH]))], options=options)
    keep(name, graph, X[:30])


def modes():
    """Every mode of a split with a threshold, with and without a way for missing values, and an average."""
    nodes = {k: [] for k in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids", "missing_value_tracks_true")}
    target = {k: [] for k in ("treeids", "nodeids", "ids", "weights")}
    names = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
    for tree in range(12):
        mode, tracks = names[tree % 6], tree // 6
        for node in range(3):
            split = node == 0
            entry = (tree, node, tree % WIDTH if split else 0, mode if split else "LEAF", 0.25 if split else 0.0, 1 if split else 0, 2 if split else 0, tracks if split else 0)
            for k, v in zip(nodes, entry):
                nodes[k].append(v)
            if not split:
                for k, v in zip(target, (tree, node, 0, float(2 ** (tree % 6) * node))):
                    target[k].append(v)
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["X"],
        ["Y"],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="AVERAGE",
        base_values=[0.5],
        **{f"nodes_{k}": v for k, v in nodes.items()},
        **{f"target_{k}": v for k, v in target.items()},
    )
    graph = helper.make_graph(
        [node],
        "modes",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, WIDTH])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, 1])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=8)


def main():
    scikit("linear", LinearRegression(), NUMBER)
    scikit("elastic_net", ElasticNet(alpha=0.1), NUMBER)
    scikit("poisson", PoissonRegressor(), np.exp(NUMBER / 3))
    scikit("logistic", LogisticRegression(), TWO)
    scikit("logistic_no_zipmap", LogisticRegression(), TWO, zipmap=False)
    scikit("logistic_three", LogisticRegression(), TEXTS)
    scikit("tree", DecisionTreeClassifier(max_depth=5), TWO)
    scikit("tree_three", DecisionTreeClassifier(max_depth=5), TEXTS)
    scikit("tree_number", DecisionTreeRegressor(max_depth=5), NUMBER)
    scikit("forest", RandomForestClassifier(12, max_depth=5), TWO)
    scikit("forest_three", RandomForestClassifier(9, max_depth=4), THREE)
    scikit("extra_trees", ExtraTreesClassifier(9, max_depth=4), THREE, zipmap=False)
    scikit("forest_number", RandomForestRegressor(11, max_depth=5), NUMBER)
    scikit("boosting", GradientBoostingClassifier(n_estimators=15), TWO)
    scikit("boosting_three", GradientBoostingClassifier(n_estimators=6, max_depth=2), THREE)
    scikit("boosting_number", GradientBoostingRegressor(n_estimators=20), NUMBER)
    scikit("hist", HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=12), TWO, HOLES)
    scikit("hist_three", HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=8), THREE, HOLES)
    scikit("hist_number", HistGradientBoostingRegressor(max_iter=8, max_leaf_nodes=12), NUMBER, HOLES)
    scikit("mlp", MLPClassifier((8, 5), max_iter=300), TWO)
    scikit("mlp_three", MLPClassifier((8,), max_iter=300), THREE)
    scikit("mlp_number", MLPRegressor(hidden_layer_sizes=(8, 5), max_iter=300), NUMBER)
    scikit("scaled_logistic", make_pipeline(StandardScaler(), LogisticRegression()), TWO)
    scikit("imputed_scaled_linear", make_pipeline(SimpleImputer(), StandardScaler(), LinearRegression()), NUMBER, HOLES)
    scikit("imputed_forest", make_pipeline(SimpleImputer(strategy="median"), RandomForestClassifier(5, max_depth=4)), TWO, HOLES)
    scikit("scaled_boosting", make_pipeline(MinMaxScaler(), GradientBoostingClassifier(n_estimators=10)), TWO)
    scikit("scaled_forest", make_pipeline(StandardScaler(), RandomForestClassifier(4, max_depth=4)), TWO)
    scikit("scaled_mlp", make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(8,), max_iter=300)), NUMBER)
    columns()
    to_lightgbm = onnxmltools.convert_lightgbm
    quiet = {"n_estimators": 8, "num_leaves": 8, "verbose": -1}
    tools("lightgbm", lightgbm.LGBMClassifier(**quiet), TWO, to_lightgbm, HOLES)
    tools("lightgbm_three", lightgbm.LGBMClassifier(**quiet), THREE, to_lightgbm)
    tools("lightgbm_number", lightgbm.LGBMRegressor(**quiet), NUMBER, to_lightgbm)
    to_xgboost = onnxmltools.convert_xgboost
    small = {"n_estimators": 8, "max_depth": 3}
    tools("xgboost", xgboost.XGBClassifier(**small), TWO, to_xgboost, HOLES)
    tools("xgboost_three", xgboost.XGBClassifier(**small), THREE, to_xgboost)
    tools("xgboost_number", xgboost.XGBRegressor(**small), NUMBER, to_xgboost, HOLES)
    tools("xgboost_counts", xgboost.XGBRegressor(objective="count:poisson", **small), np.exp(NUMBER / 3), to_xgboost)
    keep("dense_layers", dense_layers(), X[:30])
    sets = [
        ([0, 0], [0.3, 0.7], "NONE"),
        ([0, 0], [0.3, 0.7], "LOGISTIC"),
        ([1, 1], [0.3, 0.7], "NONE"),
        ([1, 1], [-0.3, 0.7], "LOGISTIC"),
        ([1, 1], [-0.3, 0.7], "SOFTMAX"),
        ([0, 0, 1, 1], [0.3, 0.7, 0.6, 0.2], "NONE"),
        ([0, 0, 1, 1], [0.3, 0.7, 0.6, 0.2], "LOGISTIC"),
        ([0, 0, 1, 1], [0.3, 0.7, 0.6, 0.2], "SOFTMAX"),
    ]
    for at, (ids, weights, transform) in enumerate(sets):
        keep(f"two_classes_{at}", two_classes(ids, weights, transform), X[:8])
    double("double_forest", RandomForestClassifier(5, max_depth=4), THREE)
    double("double_scaled_logistic", make_pipeline(StandardScaler(), LogisticRegression()), TWO)
    double("double_linear", LinearRegression(), NUMBER)
    tools("lightgbm_categories", lightgbm.LGBMRegressor(**quiet, categorical_feature=[3], min_data_per_group=5, cat_smooth=1), NUMBER + PLAN % 3, to_lightgbm, np.column_stack([X[:, :3], PLAN]).astype(np.float32))
    keep("modes", modes(), np.vstack([HOLES[:30], np.full((2, WIDTH), 0.25), np.nextafter(np.full((1, WIDTH), 0.25, dtype=np.float32), np.float32(1))]))


def columns():
    """Named columns of several kinds, each with its own encoder."""
    import pandas as pd

    country = np.array(["DE", "UK", "FR"])[np.arange(300) % 3]
    plan = (np.arange(300) // 7) % 4
    frame = pd.DataFrame({"amount": HOLES[:, 0], "age": X[:, 1], "country": country, "plan": plan})
    kinds = [
        ("amount", FloatTensorType([None, 1])),
        ("age", FloatTensorType([None, 1])),
        ("country", StringTensorType([None, 1])),
        ("plan", Int64TensorType([None, 1])),
    ]
    y = TWO ^ (country == "UK")
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore")
    encode = lambda: ColumnTransformer([("n", numbers, ["amount", "age"]), ("c", one_hot, ["country", "plan"])])
    shown = frame[:40].copy()
    shown.loc[3, "country"] = "XX"
    shown.loc[4, "plan"] = 9
    data = [
        shown["amount"].to_numpy(np.float32),
        shown["age"].to_numpy(np.float32),
        shown["country"].to_numpy(object),
        shown["plan"].to_numpy(np.int64),
    ]
    for name, model in [("logistic", LogisticRegression()), ("boosting", GradientBoostingClassifier(n_estimators=10))]:
        pipe = make_pipeline(encode(), model).fit(frame, y)
        keep(f"columns_{name}", skl2onnx.to_onnx(pipe, initial_types=kinds), data, list(frame))
    ordinal = ColumnTransformer([("n", SimpleImputer(), ["amount", "age"]), ("c", OrdinalEncoder(), ["country", "plan"])])
    pipe = make_pipeline(ordinal, RandomForestRegressor(5, max_depth=4)).fit(frame, NUMBER)
    known = [column.copy() for column in data]
    known[2][3], known[3][4] = "DE", 0
    keep("columns_ordinal_forest", skl2onnx.to_onnx(pipe, initial_types=kinds), known, list(frame))


if __name__ == "__main__":
    main()
