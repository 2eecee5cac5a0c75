"""Writes compare.json: paired tests on scipy and statsmodels.

    pip install scipy==1.17.1 statsmodels==0.15.0 numpy==2.4.6
    python compare.py > compare.json

DeLong's variance is taken from its definition over all pairs, the corrected t-test from its formula; the laws are
scipy's. Tolerance of the test that reads it: 1e-9.
"""

import json
import sys

import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar


def placements(labels, scores):
    positives, negatives = scores[labels], scores[~labels]
    wins = (positives[:, None] > negatives[None, :]) + 0.5 * (
        positives[:, None] == negatives[None, :]
    )
    return wins.mean(axis=1), wins.mean(axis=0)


def delong(name, labels, first, second):
    a, b = placements(labels, first), placements(labels, second)
    variance = sum(
        np.cov(np.stack([x, y]))[[0, 1, 0], [0, 1, 1]] @ np.array([1, 1, -2]) / len(x)
        for x, y in zip(a, b)
    )
    difference = a[0].mean() - b[0].mean()
    error = np.sqrt(variance)
    reach = error * stats.norm.ppf(0.975)
    return {
        "name": name,
        "labels": labels.tolist(),
        "first": first.tolist(),
        "second": second.tolist(),
        "found": [
            difference,
            difference - reach,
            difference + reach,
            2 * stats.norm.sf(abs(difference / error)),
        ],
    }


def t_test(differences, train, test):
    differences = np.asarray(differences)
    k = len(differences)
    error = np.sqrt((1 / k + test / train) * differences.var(ddof=1))
    mean = differences.mean()
    reach = error * stats.t.ppf(0.975, k - 1)
    return {
        "differences": differences.tolist(),
        "train": train,
        "test": test,
        "found": [mean, mean - reach, mean + reach, 2 * stats.t.sf(abs(mean / error), k - 1)],
    }


def main():
    rng = np.random.default_rng(20260107)
    labels = rng.uniform(size=120) < 0.4
    good = labels + rng.normal(size=120)
    fair = labels + 1.5 * rng.normal(size=120)
    both = [
        (first, second, both, neither)
        for first, second, both, neither in [(12, 5, 40, 9), (30, 31, 100, 3), (0, 7, 3, 0), (80, 40, 400, 60)]
    ]
    out = {
        "scipy": scipy.__version__,
        "statsmodels": statsmodels.__version__,
        "delong": [
            delong("noise", labels, good, fair),
            delong("ties", labels, np.round(good, 0), np.round(fair, 0)),
            delong("nearly alike", labels, good, good + 0.05 * rng.normal(size=120)),
        ],
        "mcnemar": [
            {
                "counts": [first, second, right, wrong],
                "p": float(mcnemar([[right, first], [second, wrong]], exact=True).pvalue),
            }
            for first, second, right, wrong in both
        ],
        "t_test": [
            t_test([0.02, 0.03, 0.01, 0.025, 0.015], 80, 20),
            t_test(rng.normal(0.01, 0.03, size=30), 900, 100),
            t_test([-0.2, 0.1, 0.3], 10, 20),
        ],
    }
    json.dump(out, sys.stdout, separators=(",", ":"))
    print()


main()
