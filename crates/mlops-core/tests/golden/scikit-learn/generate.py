"""Writes values.json: classification metrics as scikit-learn computes them.

Run in an environment with the versions that values.json names:

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python generate.py > values.json

Tolerance of the test that reads it: 1e-12 absolute.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    log_loss,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)


def case(name, labels, scores):
    labels = np.asarray(labels, dtype=int)
    scores = np.asarray(scores, dtype=float)
    fpr, tpr, _ = roc_curve(labels, scores)
    precision, recall, _ = precision_recall_curve(labels, scores)
    share, mean = calibration_curve(labels, scores, n_bins=10)
    out = {
        "name": name,
        "labels": [bool(label) for label in labels],
        "scores": scores.tolist(),
        "roc_auc": float(roc_auc_score(labels, scores)),
        "pr_auc": float(average_precision_score(labels, scores)),
        "log_loss": float(log_loss(labels, scores)),
        "brier": float(brier_score_loss(labels, scores)),
        "accuracy": float(accuracy_score(labels, scores >= 0.5)),
        "roc_curve": np.stack([fpr, tpr], axis=1).tolist(),
        "pr_curve": np.stack([recall, precision], axis=1)[::-1].tolist(),
        "calibration": np.stack([mean, share], axis=1).tolist(),
        "at_k": [],
    }
    order = np.argsort(-scores, kind="stable")
    for k in range(1, len(scores) + 1):
        # only where the k-th and the next score differ is "the top k" one set of rows
        if k < len(scores) and scores[order[k - 1]] == scores[order[k]]:
            continue
        top = np.zeros(len(scores), dtype=int)
        top[order[:k]] = 1
        out["at_k"].append(
            [k, float(precision_score(labels, top)), float(recall_score(labels, top))]
        )
        if len(out["at_k"]) == 40:
            break
    return out


def main():
    rng = np.random.default_rng(20260101)
    p = rng.uniform(size=300)
    y = rng.uniform(size=300) < p
    rare = rng.beta(1, 20, size=500)
    rare_y = rng.uniform(size=500) < rare
    ends = rng.choice([0.0, 1e-17, 0.3, 1.0 - 1e-16, 1.0], size=80)
    cases = [
        case("four rows", [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]),
        case("two rows, wrong way round", [1, 0], [0.2, 0.7]),
        case("all scores the same", [1, 0, 0, 1, 0], [0.5] * 5),
        case("no ties", y, p),
        case("one decimal, many ties", y, np.round(p, 1)),
        case("bin edges", y[:101], np.arange(101) / 100),
        case("rare positives", rare_y, rare),
        case("rare positives, ties", rare_y, np.round(rare, 2)),
        case("certain answers", rng.uniform(size=80) < 0.5, ends),
        case("scores against the labels", ~y, p),
    ]
    json.dump(
        {
            "peer": "scikit-learn",
            "version": sklearn.__version__,
            "numpy": np.__version__,
            "cases": cases,
        },
        sys.stdout,
        indent=None,
        separators=(",", ":"),
    )
    print()


main()
