"""Writes calibration.json: sigmoid and isotonic calibration as scikit-learn fits them.

    pip install scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
    python calibration.py > calibration.json

`sigmoid` is scikit-learn's fit, whose solver stops at a gradient of 1e-6; `optimum` is the same problem
solved on by scipy. Tolerances of the test that reads it: 1e-4 of scikit-learn's coefficients and 1e-5 of its
probabilities, 1e-8 of the optimum, 1e-12 of the isotonic knots and answers.
"""

import json
import sys

import numpy as np
import scipy
import sklearn
from scipy.optimize import root
from scipy.special import expit
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression


def optimum(scores, labels, start):
    positives = labels.sum()
    negatives = len(labels) - positives
    targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def gradient(ab):
        off = targets - expit(-(ab[0] * scores + ab[1]))
        return [off @ scores, off.sum()]

    found = root(gradient, start, tol=1e-14)
    assert np.abs(gradient(found.x)).max() < 1e-8
    return found.x.tolist()


def case(name, scores, labels):
    scores, labels = np.asarray(scores, float), np.asarray(labels, bool)
    grid = np.linspace(scores.min() - 0.1, scores.max() + 0.1, 41)
    sigmoid = _SigmoidCalibration().fit(scores, labels.astype(int))
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(scores, labels.astype(float))
    return {
        "name": name,
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "sigmoid": [float(sigmoid.a_), float(sigmoid.b_)],
        "optimum": optimum(scores, labels, [sigmoid.a_, sigmoid.b_]),
        "knots": np.stack([isotonic.X_thresholds_, isotonic.y_thresholds_], axis=1).tolist(),
        "grid": grid.tolist(),
        "grid_sigmoid": sigmoid.predict(grid).tolist(),
        "grid_isotonic": isotonic.predict(grid).tolist(),
    }


def main():
    rng = np.random.default_rng(20260104)
    p = rng.uniform(size=300)
    y = rng.uniform(size=300) < p
    margin = rng.normal(size=200) * 4
    rare = rng.beta(1, 15, size=400)
    out = {
        "peer": "scikit-learn",
        "version": sklearn.__version__,
        "scipy": scipy.__version__,
        "cases": [
            case("probabilities", p, y),
            case("squared probabilities", p**2, y),
            case("margins", margin, rng.uniform(size=200) < expit(margin - 1)),
            case("one decimal, many ties", np.round(p, 1), y),
            case("rare positives", rare, rng.uniform(size=400) < rare),
            case("against the labels", p, ~y),
        ],
    }
    json.dump(out, sys.stdout, separators=(",", ":"))
    print()


main()
