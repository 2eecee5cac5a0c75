"""Writes logistic.json: logistic regression as scikit-learn fits it.

Run in an environment with the versions that logistic.json names:

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python generate.py > logistic.json

Tolerance of the test that reads it: 1e-5 absolute, on weights and intercept.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler


def case(name, rng, rows, shift, l2):
    x = rng.normal(size=(rows, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, -2.0]
    score = 1.5 * x[:, 0] - 0.1 * (x[:, 1] - 5.0) + 4.0 * (x[:, 2] + 2.0) + shift
    y = rng.uniform(size=rows) < 1.0 / (1.0 + np.exp(-score))
    scaled = StandardScaler().fit_transform(x)
    model = LogisticRegression(C=1.0 / l2, tol=1e-12, max_iter=10_000).fit(scaled, y)
    return {
        "name": name,
        "l2": l2,
        "columns": x.T.tolist(),
        "labels": [bool(label) for label in y],
        "weights": model.coef_[0].tolist(),
        "bias": float(model.intercept_[0]),
    }


def main():
    rng = np.random.default_rng(20260102)
    cases = [
        case("as many of each", rng, 200, 0.0, 1.0),
        case("rare positives", rng, 300, -3.0, 1.0),
        case("rare negatives, strong penalty", rng, 300, 3.0, 25.0),
        case("weak penalty", rng, 100, 0.0, 0.01),
    ]
    json.dump(
        {
            "peer": "scikit-learn",
            "version": sklearn.__version__,
            "numpy": np.__version__,
            "cases": cases,
        },
        sys.stdout,
        separators=(",", ":"),
    )
    print()


main()
