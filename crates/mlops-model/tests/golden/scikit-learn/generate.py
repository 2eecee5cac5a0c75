"""Writes families.json: models that scikit-learn fitted, in this crate's JSON, and what scikit-learn answers.

Run in an environment with the versions that families.json names:

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python generate.py > families.json

Tolerance of the test that reads it: 1e-9, absolute and relative.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest, StackingClassifier, VotingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.preprocessing import KBinsDiscretizer
from sklearn.svm import SVC, SVR

COLUMNS = ["a", "b", "c"]
PROBABILITY = {"probability": {"positive": "yes"}}


def flat(values):
    return np.asarray(values, dtype=float).ravel().tolist()


def spec(output, estimator, encoders=None):
    plain = [
        {"numeric": {"input": at, "impute": None, "log1p": False, "center": 0, "scale": 1}}
        for at in range(3)
    ]
    inputs = [{"name": name, "kind": "float", "nullable": False} for name in COLUMNS]
    return {
        "signature": {"inputs": inputs, "output": output},
        "encoders": plain if encoders is None else encoders,
        "estimator": estimator,
    }


def case(name, rows, model, answers):
    return {
        "name": name,
        "rows": np.asarray(rows, dtype=float).tolist(),
        "model": model,
        "answers": np.asarray(answers, dtype=float).reshape(len(rows), -1).tolist(),
    }


def classes(count):
    return {"classes": {"names": [f"k{at}" for at in range(count)]}}


def linear(model):
    return {
        "linear": {"weights": flat(model.coef_), "bias": float(model.intercept_[0]), "link": "logit"}
    }


def average_path(count):
    if count <= 1:
        return 0.0
    if count == 2:
        return 1.0
    return 2.0 * (np.log(count - 1.0) + np.euler_gamma) - 2.0 * (count - 1.0) / count


def isolation_tree(tree, samples):
    """Leaves hold the length of their path over the usual one."""
    depth = {0: 0}
    nodes = []
    for at in range(tree.node_count):
        left, right = int(tree.children_left[at]), int(tree.children_right[at])
        if left < 0:
            path = depth[at] + average_path(tree.n_node_samples[at])
            nodes.append([path / average_path(samples)])
        else:
            depth[left] = depth[right] = depth[at] + 1
            # scikit-learn compares in single precision; the rows are such numbers already
            nodes.append(
                [int(tree.feature[at]), "<=", float(tree.threshold[at]), left, right, "left"]
            )
    return nodes


def main():
    rng = np.random.default_rng(20261128)
    x = np.vstack([rng.normal(size=(60, 3)) + shift for shift in ([0, 0, 0], [2, 1, 0], [0, 2, 2])])
    x = x.astype(np.float32).astype(float)
    three = np.repeat([0, 1, 2], 60)
    two = (three == 1).astype(int)
    number = x[:, 0] * x[:, 1] + np.sin(x[:, 2])
    rows = (rng.normal(size=(25, 3)) * 1.5 + 0.7).astype(np.float32).astype(float)
    counts = rng.poisson(3.0, size=(180, 3)) + np.eye(3, dtype=int)[three] * 3
    count_rows = rng.poisson(4.0, size=(25, 3))
    cases = []

    def bayes(name, model, likelihood, rows):
        for labels, output, link in [(three, classes(3), "softmax"), (two, PROBABILITY, "logit")]:
            model.fit(counts if model.__class__.__name__ == "MultinomialNB" else x, labels)
            prior = np.log(model.class_prior_) if hasattr(model, "class_prior_") else model.class_log_prior_
            estimator = {"log_priors": flat(prior), "likelihood": likelihood(model), "link": link}
            answers = model.predict_proba(rows)
            answers = answers if link == "softmax" else answers[:, 1]
            cases.append(case(f"{name}, {link}", rows, spec(output, {"bayes": estimator}), answers))

    bayes(
        "Gaussian naive Bayes",
        GaussianNB(),
        lambda m: {"gaussian": {"means": flat(m.theta_), "variances": flat(m.var_)}},
        rows,
    )
    bayes(
        "multinomial naive Bayes",
        MultinomialNB(),
        lambda m: {"multinomial": {"log_shares": flat(m.feature_log_prob_)}},
        count_rows,
    )
    bayes(
        "Bernoulli naive Bayes",
        BernoulliNB(binarize=0.5),
        lambda m: {
            "bernoulli": {
                "threshold": 0.5,
                "log_above": flat(m.feature_log_prob_),
                "log_below": flat(np.log(-np.expm1(m.feature_log_prob_))),
            }
        },
        rows,
    )

    mixture = GaussianMixture(3, random_state=1).fit(x)
    whitening = [np.linalg.inv(np.linalg.cholesky(c)) for c in mixture.covariances_]
    likelihood = {"covariance": {"means": flat(mixture.means_), "whitening": flat(whitening)}}
    estimator = {"log_priors": flat(np.log(mixture.weights_)), "likelihood": likelihood, "link": "softmax"}
    cases.append(
        case("Gaussian mixture", rows, spec(classes(3), {"bayes": estimator}), mixture.predict_proba(rows))
    )

    kernels = [
        ({"kernel": "linear"}, "linear"),
        ({"kernel": "rbf", "gamma": 0.4}, {"rbf": {"gamma": 0.4}}),
        (
            {"kernel": "poly", "gamma": 0.5, "coef0": 1.0, "degree": 3},
            {"polynomial": {"gamma": 0.5, "constant": 1.0, "degree": 3}},
        ),
    ]
    for settings, kernel in kernels:
        for name, model in [("SVC", SVC(**settings).fit(x, two)), ("SVR", SVR(**settings).fit(x, number))]:
            svm = {
                "kernel": kernel,
                "vectors": flat(model.support_vectors_),
                "coefficients": flat(model.dual_coef_),
                "bias": float(model.intercept_[0]),
                "link": "identity",
            }
            answers = model.decision_function(rows) if name == "SVC" else model.predict(rows)
            cases.append(case(f"{name}, {settings['kernel']}", rows, spec("number", {"svm": svm}), answers))

    means = KMeans(4, n_init=3, random_state=2).fit(x)
    for answer, answers in [("label", means.predict(rows)), ("distance", means.transform(rows).min(axis=1))]:
        centroids = {
            "points": flat(means.cluster_centers_),
            "labels": list(range(4)),
            "radius": None,
            "answer": answer,
        }
        cases.append(case(f"k-means, {answer}", rows, spec("number", {"centroids": centroids}), answers))

    forest = IsolationForest(n_estimators=20, max_samples=64, random_state=3).fit(x)
    trees = {
        "trees": [isolation_tree(tree.tree_, 64) for tree in forest.estimators_],
        "base": 0,
        "combine": "mean",
        "link": "isolation",
    }
    cases.append(
        case("isolation forest", rows, spec("number", {"trees": trees}), -forest.score_samples(rows))
    )

    def member(estimator):
        return {"first": 0, "width": 3, "estimator": estimator}

    voting = VotingClassifier(
        [("a", LogisticRegression(C=0.1)), ("b", LogisticRegression(C=10.0))], voting="soft", weights=[1, 3]
    ).fit(x, two)
    ensemble = {
        "members": [member(linear(m)) for m in voting.estimators_],
        "blend": {"average": {"weights": [1, 3]}},
    }
    cases.append(
        case("soft vote", rows, spec(PROBABILITY, {"ensemble": ensemble}), voting.predict_proba(rows)[:, 1])
    )

    stacking = StackingClassifier(
        [("a", LogisticRegression(C=0.1)), ("b", LogisticRegression(C=10.0))],
        final_estimator=LogisticRegression(),
    ).fit(x, two)
    ensemble = {
        "members": [member(linear(m)) for m in stacking.estimators_],
        "blend": {"stack": linear(stacking.final_estimator_)["linear"]},
    }
    cases.append(
        case("stack", rows, spec(PROBABILITY, {"ensemble": ensemble}), stacking.predict_proba(rows)[:, 1])
    )

    base = LogisticRegression(C=0.1)
    for method in ["sigmoid", "isotonic"]:
        model = CalibratedClassifierCV(base, method=method, cv=2, ensemble=False).fit(x, two)
        fitted = model.calibrated_classifiers_[0]
        curve = fitted.calibrators[0]
        inner = linear(fitted.estimator)
        # scikit-learn calibrates the decision function
        inner["linear"]["link"] = "identity"
        if method == "sigmoid":
            curve = {"sigmoid": {"slope": -float(curve.a_), "intercept": -float(curve.b_)}}
        else:
            assert isinstance(curve, IsotonicRegression)
            curve = {"isotonic": {"x": flat(curve.X_thresholds_), "y": flat(curve.y_thresholds_)}}
        estimator = {"calibrated": {"estimator": inner, "curves": [curve]}}
        cases.append(
            case(f"calibrated, {method}", rows, spec(PROBABILITY, estimator), model.predict_proba(rows)[:, 1])
        )

    bins = KBinsDiscretizer(4, encode="onehot-dense", strategy="quantile", quantile_method="averaged_inverted_cdf")
    bins.fit(x[:, :1])
    encoders = [{"buckets": {"input": 0, "edges": flat(bins.bin_edges_[0][1:-1]), "form": "one_hot"}}]
    encoded = bins.transform(rows[:, :1])
    model = LogisticRegression().fit(bins.transform(x[:, :1]), two)
    cases.append(
        case("buckets", rows, spec(PROBABILITY, linear(model), encoders), model.predict_proba(encoded)[:, 1])
    )

    json.dump(
        {"peer": "scikit-learn", "version": sklearn.__version__, "numpy": np.__version__, "cases": cases},
        sys.stdout,
        separators=(",", ":"),
    )
    print()


main()
