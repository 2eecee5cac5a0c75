"""Writes splits.json: the folds of scikit-learn's splitters where no draw is involved.

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python splits.py > splits.json

The test that reads it asks for the same row numbers.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn import model_selection


def folds(splitter, rows, labels=None, groups=None):
    found = splitter.split(np.zeros(rows), labels, groups)
    return [[train.tolist(), test.tolist()] for train, test in found]


def main():
    rng = np.random.default_rng(20260103)
    k_fold = [
        {"rows": rows, "folds": k, "found": folds(model_selection.KFold(k), rows)}
        for rows, k in [(5, 2), (10, 3), (23, 5), (7, 7)]
    ]
    stratified = []
    for rows, classes, k in [(30, 2, 3), (41, 3, 5), (24, 4, 2), (60, 2, 10)]:
        labels = np.concatenate([np.repeat(np.arange(classes), k), rng.integers(0, classes, rows)])
        rng.shuffle(labels)
        found = folds(model_selection.StratifiedKFold(k), len(labels), labels)
        stratified.append({"labels": labels.tolist(), "folds": k, "found": found})
    group = []
    for sizes, k in [([1, 2, 3, 4, 5], 2), ([9, 1, 4, 7, 2, 3], 3), ([20, 11, 5, 3, 2, 1], 3)]:
        groups = np.repeat(np.arange(len(sizes)), sizes)
        rng.shuffle(groups)
        found = folds(model_selection.GroupKFold(k), len(groups), groups=groups)
        group.append({"groups": groups.tolist(), "folds": k, "found": found})
    series = []
    for rows, k, test, train, gap in [
        (6, 2, None, None, 0),
        (20, 5, None, None, 0),
        (23, 4, 3, None, 2),
        (30, 3, 5, 7, 0),
        (30, 4, None, 4, 1),
    ]:
        splitter = model_selection.TimeSeriesSplit(
            k, test_size=test, max_train_size=train, gap=gap
        )
        case = {"rows": rows, "folds": k, "test": test, "train": train, "gap": gap}
        series.append({**case, "found": folds(splitter, rows)})
    out = {
        "peer": "scikit-learn",
        "version": sklearn.__version__,
        "k_fold": k_fold,
        "stratified": stratified,
        "group": group,
        "series": series,
    }
    json.dump(out, sys.stdout, separators=(",", ":"))
    print()


main()
