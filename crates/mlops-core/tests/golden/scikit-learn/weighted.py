"""Writes weighted.json: metrics of rows that count differently as scikit-learn computes them.

Run in an environment with the versions that weighted.json names:

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python weighted.py > weighted.json

Tolerance of the test that reads it: 1e-12, relative above 1. `smape` is the formula, in numpy.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn import metrics


def binary(name, labels, scores, weights):
    top = np.zeros(len(labels), dtype=bool)
    top[np.argsort(-scores, kind="stable")[:10]] = True
    with_weights = {"sample_weight": weights}
    return {
        "name": name,
        "labels": labels.tolist(),
        "scores": scores.tolist(),
        "weights": weights.tolist(),
        "roc_auc": metrics.roc_auc_score(labels, scores, **with_weights),
        "pr_auc": metrics.average_precision_score(labels, scores, **with_weights),
        "log_loss": metrics.log_loss(labels, scores, **with_weights),
        "brier": metrics.brier_score_loss(labels, scores, **with_weights),
        "accuracy": metrics.accuracy_score(labels, scores >= 0.5, **with_weights),
        # without ties only
        "precision_at_10": metrics.precision_score(labels, top, **with_weights),
        "recall_at_10": metrics.recall_score(labels, top, **with_weights),
    }


def numbers(name, truth, answers, weights):
    size, off = np.abs(truth) + np.abs(answers), np.abs(truth - answers)
    smape = np.divide(2 * off, size, out=np.zeros_like(off), where=size > 0)
    with_weights = {"sample_weight": weights}
    return {
        "name": name,
        "truth": truth.tolist(),
        "answers": answers.tolist(),
        "weights": weights.tolist(),
        "rmse": metrics.root_mean_squared_error(truth, answers, **with_weights),
        "mae": metrics.mean_absolute_error(truth, answers, **with_weights),
        "median_absolute_error": metrics.median_absolute_error(truth, answers, **with_weights),
        "r2": metrics.r2_score(truth, answers, **with_weights),
        "mape": metrics.mean_absolute_percentage_error(truth, answers, **with_weights),
        "smape": float(np.average(smape, weights=weights)),
        "pinball": metrics.mean_pinball_loss(truth, answers, alpha=0.3, **with_weights),
    }


def classes(name, labels, answers, weights):
    called, every = answers.argmax(axis=1), list(range(answers.shape[1]))
    with_weights = {"sample_weight": weights}
    f1 = {
        average: metrics.f1_score(labels, called, average=average, labels=every, **with_weights)
        for average in ("macro", "weighted")
    }
    return {
        "name": name,
        "classes": len(every),
        "labels": labels.tolist(),
        "answers": answers.ravel().tolist(),
        "weights": weights.tolist(),
        "log_loss": metrics.log_loss(labels, answers, labels=every, **with_weights),
        "accuracy": metrics.accuracy_score(labels, called, **with_weights),
        "macro_f1": f1["macro"],
        "weighted_f1": f1["weighted"],
        "roc_auc_ovr": metrics.roc_auc_score(labels, answers, multi_class="ovr", **with_weights),
        "precision": metrics.precision_score(labels, called, average=None, **with_weights).tolist(),
        "recall": metrics.recall_score(labels, called, average=None, **with_weights).tolist(),
    }


def main():
    rng = np.random.default_rng(20261128)
    rows = 80
    weights = {
        "whole weights": rng.integers(0, 4, size=rows).astype(float),
        "real weights": rng.gamma(0.7, size=rows),
        "few rows count": np.where(rng.uniform(size=rows) < 0.7, 0.0, rng.uniform(size=rows)),
    }
    labels = rng.uniform(size=rows) < 0.4
    scores = np.clip(0.25 + 0.3 * labels + 0.2 * rng.normal(size=rows), 0.001, 0.999)
    truth = rng.normal(size=rows) * 5
    answers = truth + rng.normal(size=rows)
    three = rng.integers(0, 3, size=rows)
    chances = rng.gamma(1.0, size=(rows, 3)) + np.eye(3)[three]
    chances /= chances.sum(axis=1, keepdims=True)
    # sums of exact parts, so that no one sees a rounding
    chances = np.round(chances * 1024)
    chances[:, 2] = 1024 - chances[:, 0] - chances[:, 1]
    chances /= 1024
    out = {
        "peer": "scikit-learn",
        "version": sklearn.__version__,
        "numpy": np.__version__,
        "binary": [binary(name, labels, scores, w) for name, w in weights.items()],
        "numbers": [numbers(name, truth, answers, w) for name, w in weights.items()],
        "classes": [classes(name, three, chances, w) for name, w in weights.items()],
    }
    json.dump(out, sys.stdout)


main()
