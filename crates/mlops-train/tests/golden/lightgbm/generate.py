"""Writes boosting.json: what LightGBM answers on rows that the test makes again.

Run in an environment with lightgbm 4.7.0 and numpy 2.4.6:

    python generate.py > boosting.json

Tolerance of the test that reads it: 1e-6 absolute on answers, 1 % on losses.
"""

import json

import lightgbm as lgb
import numpy as np

ROWS = 2000
MASK = (1 << 64) - 1


def numbers():
    """Knuth's linear congruential generator, its upper 31 bits."""
    state = 7
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        yield state >> 33


def rows():
    source = numbers()
    below = lambda bound: next(source) % bound
    x, y = [], []
    for _ in range(ROWS):
        a, b, c, d = below(23), below(7), below(50), below(15)
        gap = below(10) == 0
        noise = (below(1001) - 500) / 500
        label = 0.2 * a - 0.5 * b + (1.5 if c > 30 else 0.0) + (d * 7 % 5) * 0.6 + noise
        x.append([a, b, float("nan") if gap else c, d])
        y.append(label)
    return np.array(x), np.array(y)


def params(**more):
    return {
        "num_leaves": 15,
        "learning_rate": 0.1,
        "min_data_in_leaf": 20,
        "lambda_l2": 0.5,
        "verbose": -1,
        "num_threads": 1,
        "deterministic": True,
        "force_col_wise": True,
        "min_data_in_bin": 1,
        "feature_pre_filter": False,
        **more,
    }


def fit(x, y, categories, **more):
    given = params(**more)
    data = lgb.Dataset(x, y, categorical_feature=categories, params=given)
    model = lgb.train(given, data, 20)
    return model.predict(x)


def first(answers):
    return [float(value) for value in np.ravel(answers[:40])]


def main():
    x, y = rows()
    two = (y > 1.5).astype(float)
    three = np.digitize(y, [0.5, 2.5]).astype(float)
    plain = x[:, :3]
    count = np.maximum(np.round(y + 2), 0)
    ordered = fit(plain, y, "auto", objective="regression", monotone_constraints=[1, -1, 0])
    high = fit(plain, y, "auto", objective="quantile", alpha=0.9)
    loose = {"min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 5.0}
    found = {
        "lightgbm": lgb.__version__,
        "squared": first(fit(plain, y, "auto", objective="regression")),
        "weak": first(fit(plain, y, "auto", objective="regression", lambda_l1=3.0)),
        "categories": first(fit(x, y, [3], objective="regression")),
        "poisson": first(fit(plain, count, "auto", objective="poisson")),
        "binary": first(fit(plain, two, "auto", objective="binary", **loose)),
        "classes": first(fit(plain, three, "auto", objective="multiclass", num_class=3, **loose)),
        # its splits differ where gains are alike, and where a leaf is held by its bounds: losses only
        "monotone_loss": float(np.mean((ordered - y) ** 2)),
        "quantile_loss": float(np.mean(np.maximum(0.9 * (y - high), 0.1 * (high - y)))),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
