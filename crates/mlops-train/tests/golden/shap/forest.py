"""Writes forest.json: TreeSHAP values by shap and partial dependence by scikit-learn, of one forest.

    pip install shap==0.51.0 scikit-learn==1.9.1 numpy==2.4.6
    python forest.py > forest.json

The trees are converted to the form of `mlops_model::TreeEnsemble`. Every tree is fitted on all rows, so its covers
are the counts of the rows. Tolerance of the test that reads it: 1e-9 for shap, 1e-12 for scikit-learn.
"""

import json
import sys

import numpy as np
import shap
import sklearn
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import partial_dependence


def nodes(tree):
    out = []
    for at in range(tree.node_count):
        if tree.children_left[at] < 0:
            out.append([float(tree.value[at, 0, 0])])
            continue
        left, right = int(tree.children_left[at]), int(tree.children_right[at])
        threshold = float(tree.threshold[at])
        out.append([int(tree.feature[at]), "<=", threshold, left, right, "left"])
    return out


def main():
    rng = np.random.default_rng(20260106)
    # single precision, as scikit-learn's trees compare in it
    x = np.round(rng.normal(size=(120, 4)), 2).astype(np.float32).astype(float)
    x[:, 2] = rng.integers(0, 6, size=120)
    y = x[:, 0] * x[:, 1] + x[:, 2] + 0.1 * rng.normal(size=120)
    forest = RandomForestRegressor(
        n_estimators=7, max_depth=6, max_features=2, bootstrap=False, random_state=1
    ).fit(x, y)
    explainer = shap.TreeExplainer(forest, feature_perturbation="tree_path_dependent")
    dependence = []
    for column, points in [(0, 15), (2, 15)]:
        found = partial_dependence(
            forest, x, [column], method="brute", kind="both", grid_resolution=points
        )
        dependence.append(
            {
                "column": column,
                "points": points,
                "grid": found["grid_values"][0].tolist(),
                "mean": found["average"][0].tolist(),
                "rows": found["individual"][0].tolist(),
            }
        )
    out = {
        "shap": shap.__version__,
        "scikit-learn": sklearn.__version__,
        "rows": x.tolist(),
        "trees": [nodes(tree.tree_) for tree in forest.estimators_],
        "expected": float(np.ravel(explainer.expected_value)[0]),
        "values": explainer.shap_values(x[:40]).tolist(),
        "dependence": dependence,
    }
    json.dump(out, sys.stdout, separators=(",", ":"))
    print()


main()
