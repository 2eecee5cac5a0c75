"""Writes families.json: what scikit-learn fits with the settings of the trainers on linfa.

Run in an environment with the versions that families.json names:

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python families.py > families.json

Tolerances stand in the test that reads it.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.cluster import DBSCAN, KMeans
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.preprocessing import StandardScaler, TargetEncoder
from sklearn.svm import SVC, SVR


def flat(values):
    return np.asarray(values, dtype=float).ravel().tolist()


def line(model, k=1):
    return {"weights": flat(model.coef_), "bias": flat(model.intercept_)}


def main():
    rng = np.random.default_rng(20261128)
    rows = 240
    x = rng.normal(size=(rows, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, -2.0]
    z = StandardScaler().fit_transform(x)
    score = 1.2 * z[:, 0] - 0.8 * z[:, 1] + 0.3 * z[:, 2]
    binary = rng.uniform(size=rows) < 1.0 / (1.0 + np.exp(1.5 - score))
    three = np.digitize(score + 0.7 * rng.normal(size=rows), [-0.8, 0.8])
    number = 4.0 + 3.0 * score + z[:, 0] * z[:, 1] + rng.normal(size=rows)
    weights = rng.integers(1, 4, size=rows).astype(float)
    mean = np.average(x, axis=0, weights=weights)
    weighted = (x - mean) / np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weights))
    exact = {"tol": 1e-12, "max_iter": 20_000}
    counts = rng.poisson(3.0, size=(rows, 3)) + 3 * np.eye(3, dtype=int)[three]
    country = np.array(["AT", "DE", "FR", "UK"])[rng.integers(0, 4, size=rows)]
    blobs = np.vstack([rng.normal(size=(60, 3)) * 0.5 + shift for shift in ([0, 0, 0], [6, 0, 3], [0, 6, -3])])
    scaled_blobs = StandardScaler().fit_transform(blobs)

    out = {
        "peer": "scikit-learn",
        "version": sklearn.__version__,
        "numpy": np.__version__,
        "columns": x.T.tolist(),
        "binary": binary.tolist(),
        "classes": [f"k{at}" for at in three],
        "number": number.tolist(),
        "weights": weights.tolist(),
        "counts": counts.T.astype(float).tolist(),
        "country": country.tolist(),
        "blobs": blobs.T.tolist(),
        "logistic": {
            "classes": line(LogisticRegression(C=0.5, **exact).fit(z, three)),
            "balanced": line(LogisticRegression(C=1.0, class_weight="balanced", **exact).fit(z, binary)),
            "weighted": line(LogisticRegression(C=1.0, **exact).fit(weighted, binary, weights)),
            "weighted_classes": line(LogisticRegression(C=1.0, **exact).fit(weighted, three, weights)),
        },
        "linear": {
            "ols": line(LinearRegression().fit(z, number)),
            "ridge": line(Ridge(alpha=7.0).fit(z, number)),
            "weighted_ridge": line(Ridge(alpha=7.0).fit(weighted, number, weights)),
            "lasso": line(Lasso(alpha=0.4, **exact).fit(z, number)),
            "net": line(ElasticNet(alpha=0.4, l1_ratio=0.3, **exact).fit(z, number)),
            "weighted_net": line(ElasticNet(alpha=0.4, l1_ratio=0.3, **exact).fit(weighted, number, weights)),
        },
        "bayes": {
            "gaussian": flat(GaussianNB().fit(z, three).predict_proba(z)),
            "weighted_gaussian": flat(GaussianNB().fit(weighted, three, weights).predict_proba(weighted)),
            "bernoulli": flat(BernoulliNB().fit(z, three).predict_proba(z)),
            "multinomial": flat(MultinomialNB().fit(counts, three).predict_proba(counts)),
        },
        "svc": {
            "linear": flat(SVC(kernel="linear", tol=1e-9).fit(z, binary).decision_function(z)),
            "radial": flat(SVC(kernel="rbf", gamma=0.4, C=2.0, tol=1e-9).fit(z, binary).decision_function(z)),
            "polynomial": flat(
                SVC(kernel="poly", gamma=1.0, coef0=1.0, degree=2, tol=1e-9).fit(z, binary).decision_function(z)
            ),
        },
    }
    deviation = number.std()
    label = (number - number.mean()) / deviation
    out["svr"] = {
        "radial": flat(
            SVR(kernel="rbf", gamma=0.4, C=2.0, epsilon=0.1, tol=1e-9).fit(z, label).predict(z) * deviation
            + number.mean()
        )
    }
    encoder = TargetEncoder(smooth=10.0, target_type="binary").fit(country[:, None], binary)
    out["target"] = {
        "categories": list(encoder.categories_[0]),
        "values": flat(encoder.encodings_[0]),
        "prior": float(encoder.target_mean_),
    }
    found = DBSCAN(eps=0.35, min_samples=5).fit(scaled_blobs)
    out["dbscan"] = {"labels": found.labels_.tolist(), "core": len(found.core_sample_indices_)}
    means = KMeans(3, n_init=20, random_state=1).fit(scaled_blobs)
    out["k_means"] = {"inertia": means.inertia_ / len(blobs), "labels": means.labels_.tolist()}
    mixture = GaussianMixture(3, n_init=5, random_state=1, tol=1e-9, max_iter=500).fit(scaled_blobs)
    order = np.argsort(mixture.means_[:, 0])
    out["mixture"] = {"weights": flat(mixture.weights_[order]), "means": flat(mixture.means_[order])}
    json.dump(out, sys.stdout, separators=(",", ":"))
    print()


main()
