"""Writes trees.json: what scikit-learn's trees that are grown whole answer.

Run in an environment with the versions that trees.json names:

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python trees.py > trees.json

Values are rounded to single precision, which is what these trees read. Tolerances stand in the test.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


def single(values):
    return np.asarray(values, dtype=np.float32).astype(float)


def main():
    rng = np.random.default_rng(20261128)
    rows = 200
    x = single(rng.normal(size=(rows, 3)) * [1.0, 10.0, 0.1])
    number = np.round(3 * np.sin(x[:, 0]) + 0.2 * x[:, 1] * (x[:, 2] > 0) + rng.normal(size=rows), 6)
    weights = rng.integers(1, 4, size=rows).astype(float)
    binary = number > np.quantile(number, 0.7)
    regressor = DecisionTreeRegressor(max_depth=4, min_samples_leaf=5, random_state=0)
    shallow = DecisionTreeClassifier(max_depth=2, min_samples_leaf=10, random_state=0)

    # a ring of usual rows, and anomalies in its middle and far outside
    angle = rng.uniform(0, 2 * np.pi, size=900)
    ring = np.c_[np.cos(angle), np.sin(angle)] * rng.normal(3.0, 0.3, size=(900, 1))
    middle = rng.normal(scale=0.2, size=(20, 2))
    far = rng.uniform(-7, 7, size=(80, 2))
    far = far[np.abs(far).max(axis=1) > 4.5][:30]
    points = single(np.vstack([ring, middle, far]))
    points = np.c_[points, single(rng.normal(size=len(points)))]
    odd = np.r_[np.zeros(900), np.ones(20 + len(far))]
    areas = []
    for seed in range(10):
        forest = IsolationForest(n_estimators=100, random_state=seed).fit(points)
        areas.append(roc_auc_score(odd, -forest.score_samples(points)))

    out = {
        "peer": "scikit-learn",
        "version": sklearn.__version__,
        "numpy": np.__version__,
        "columns": x.T.tolist(),
        "number": number.tolist(),
        "binary": binary.tolist(),
        "weights": weights.tolist(),
        "regression": regressor.fit(x, number).predict(x).tolist(),
        "weighted_regression": regressor.fit(x, number, weights).predict(x).tolist(),
        "leaves": shallow.fit(x, binary).apply(x).tolist(),
        "balanced_leaves": shallow.set_params(class_weight="balanced").fit(x, binary).apply(x).tolist(),
        "points": points.T.tolist(),
        "odd": [bool(label) for label in odd],
        "isolation_roc_auc": {"mean": float(np.mean(areas)), "lowest": min(areas), "highest": max(areas)},
    }
    json.dump(out, sys.stdout)


main()
