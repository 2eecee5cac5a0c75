"""Writes outputs.json: metrics of numbers and of several classes as scikit-learn computes them.

Run in an environment with the versions that outputs.json names:

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python outputs.py > outputs.json

Tolerance of the test that reads it: 1e-12, relative above 1. `smape` is the formula, in numpy.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn import metrics


def numbers(name, truth, answers):
    truth, answers = np.asarray(truth, float), np.asarray(answers, float)
    size = np.abs(truth) + np.abs(answers)
    off = np.abs(truth - answers)
    smape = np.divide(2 * off, size, out=np.zeros_like(off), where=size > 0)
    return {
        "name": name,
        "truth": truth.tolist(),
        "answers": answers.tolist(),
        "rmse": metrics.root_mean_squared_error(truth, answers),
        "mae": metrics.mean_absolute_error(truth, answers),
        "median_absolute_error": metrics.median_absolute_error(truth, answers),
        "r2": metrics.r2_score(truth, answers),
        "mape": metrics.mean_absolute_percentage_error(truth, answers),
        "smape": float(smape.mean()),
        "pinball": [
            [q, metrics.mean_pinball_loss(truth, answers, alpha=q)] for q in (0.05, 0.5, 0.9)
        ],
    }


def classes(name, labels, answers):
    labels, answers = np.asarray(labels), np.asarray(answers, float)
    called = answers.argmax(axis=1)
    count = answers.shape[1]
    every = list(range(count))
    whole = len(set(labels.tolist())) == count
    auc = {}
    for average in ("macro", "weighted"):
        # for two columns scikit-learn asks for the binary form, which is the same number
        args = {"multi_class": "ovr", "average": average, "labels": every}
        auc[average] = None
        if whole and count > 2:
            auc[average] = metrics.roc_auc_score(labels, answers, **args)
        elif whole:
            auc[average] = metrics.roc_auc_score(labels, answers[:, 1])
    return {
        "name": name,
        "classes": count,
        "labels": labels.tolist(),
        "answers": answers.ravel().tolist(),
        "log_loss": metrics.log_loss(labels, answers, labels=every),
        "accuracy": metrics.accuracy_score(labels, called),
        "macro_f1": metrics.f1_score(labels, called, average="macro"),
        "weighted_f1": metrics.f1_score(labels, called, average="weighted"),
        "confusion": metrics.confusion_matrix(labels, called, labels=every).tolist(),
        "roc_auc_ovr": auc["macro"],
        "roc_auc_ovr_weighted": auc["weighted"],
    }


def softmax(scores):
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def main():
    rng = np.random.default_rng(20260102)
    y = rng.normal(size=200) * 10
    p = y + rng.normal(size=200) * 3
    four = rng.integers(0, 4, size=300)
    sharp = softmax(rng.normal(size=(300, 4)) + 2 * np.eye(4)[four])
    rare = rng.choice(3, size=250, p=[0.9, 0.08, 0.02])
    blunt = np.round(softmax(rng.normal(size=(250, 3)) + np.eye(3)[rare]), 1)
    blunt[:, 0] = 1 - blunt[:, 1] - blunt[:, 2]
    blunt = np.clip(blunt, 0, 1)
    two = rng.integers(0, 2, size=100)
    halves = softmax(rng.normal(size=(100, 2)) + np.eye(2)[two])
    out = {
        "peer": "scikit-learn",
        "version": sklearn.__version__,
        "numpy": np.__version__,
        "numbers": [
            numbers("noise", y, p),
            numbers("odd number of rows", y[:99], p[:99]),
            numbers("exact", y, y),
            numbers("counts with zeros", rng.poisson(1, 150), rng.poisson(1, 150)),
            numbers("constant label", [3.0] * 5, [3.0, 2.0, 4.0, 3.5, 1.0]),
            numbers("far from zero", 1e6 + y, 1e6 + p),
            numbers("worse than the mean", y, -y),
        ],
        "classes": [
            classes("four classes", four, sharp),
            classes("rare classes, ties", rare, blunt),
            classes("two classes", two, halves),
            classes("certain answers", four, np.eye(4)[rng.integers(0, 4, size=300)]),
            classes("a class that never comes true", four % 3, sharp),
        ],
    }
    json.dump(out, sys.stdout, separators=(",", ":"))
    print()


main()
