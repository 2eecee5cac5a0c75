"""Writes contributions.json: TreeSHAP values as LightGBM's `pred_contrib` computes them.

    pip install lightgbm==4.7.0 numpy==2.4.6
    python contributions.py > contributions.json

The trees are converted to the form of `mlops_model::TreeEnsemble`. Column 3 holds categories 0 to 7. There is no
bagging, so LightGBM's covers are the counts of the training rows, which are the background here. Tolerance of the
test that reads it: 1e-9.
"""

import json
import sys

import lightgbm
import numpy as np


def nodes(tree):
    out = []

    def walk(node):
        at = len(out)
        out.append(None)
        if "leaf_value" in node:
            out[at] = [node["leaf_value"]]
            return at
        assert node["missing_type"] in ("NaN", "None")
        left, right = walk(node["left_child"]), walk(node["right_child"])
        side = "left" if node["default_left"] and node["missing_type"] == "NaN" else "right"
        if node["decision_type"] == "==":
            categories = sorted(int(c) for c in node["threshold"].split("||"))
            out[at] = [node["split_feature"], "in", categories, left, right, "right"]
        else:
            out[at] = [node["split_feature"], "<=", node["threshold"], left, right, side]
        return at

    walk(tree["tree_structure"])
    return out


def plain(matrix):
    return [[None if np.isnan(x) else float(x) for x in row] for row in matrix]


def case(name, params, x, y, outputs, rounds):
    data = lightgbm.Dataset(x, y, categorical_feature=[3])
    settings = {
        "verbosity": -1,
        "num_leaves": 12,
        "min_data_in_leaf": 5,
        "min_data_per_group": 5,
        "cat_smooth": 1.0,
        "max_cat_to_onehot": 1,
        "enable_bundle": False,
        "num_threads": 1,
        "deterministic": True,
        "seed": 1,
    }
    booster = lightgbm.train({**settings, **params}, data, rounds)
    found = booster.predict(x[:25], pred_contrib=True)
    raw = booster.predict(x[:25], raw_score=True)
    return {
        "name": name,
        "outputs": outputs,
        "rows": plain(x),
        "trees": [nodes(tree) for tree in booster.dump_model()["tree_info"]],
        # [rows, outputs, columns + 1], the last the expected value
        "contributions": found.reshape(25, outputs, 6).tolist(),
        "raw": raw.reshape(25, outputs).tolist(),
    }


def main():
    rng = np.random.default_rng(20260105)
    x = np.round(rng.normal(size=(160, 5)), 3)
    x[:, 3] = rng.integers(0, 8, size=160)
    x[rng.uniform(size=160) < 0.15, 0] = np.nan
    x[rng.uniform(size=160) < 0.1, 1] = np.nan
    base = np.nan_to_num(x[:, 0]) + np.isin(x[:, 3], [1, 4, 6]) * (1.5 + x[:, 2])
    number = base + 0.1 * rng.normal(size=160)
    three = np.digitize(number, [-0.3, 1.2])
    out = {
        "peer": "lightgbm",
        "version": lightgbm.__version__,
        "cases": [
            case("numbers", {"objective": "regression"}, x, number, 1, 8),
            case("two classes", {"objective": "binary"}, x, number > 0, 1, 6),
            case("three classes", {"objective": "multiclass", "num_class": 3}, x, three, 3, 3),
        ],
    }
    json.dump(out, sys.stdout, separators=(",", ":"))
    print()


main()
