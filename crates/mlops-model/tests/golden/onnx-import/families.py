"""Further models of scikit-learn, LightGBM and XGBoost as their exporters write them; `make.py` says how.

    python families.py FOLDER

`FOLDER/refused` gets the files of models that have no form here.
"""

import warnings

import lightgbm
import make
import numpy as np
import onnxmltools
import skl2onnx
import xgboost
from make import COUNTS, FOLDER, HOLES, NUMBER, THREE, TWO, WIDTH, X, keep
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.mixture import GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, RobustScaler, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

warnings.filterwarnings("ignore")
np.random.seed(7)
NO_ZIPMAP = {"zipmap": False}


def graph(model, y, data, **options):
    model.fit(data, y)
    kinds = [("X", FloatTensorType([None, WIDTH]))]
    return skl2onnx.to_onnx(model, initial_types=kinds, options={id(model): options} if options else {})


def scikit(name, model, y, data=X, answer=None, tolerance=None, **options):
    keep(name, graph(model, y, data, **options), data[:30], answer=answer, tolerance=tolerance)


def platt(svc, data):
    """Platt's probabilities of two classes, which libsvm and ONNX Runtime come within 0.005 of by iterations."""
    score = svc.decision_function(data)
    svc = svc[-1] if hasattr(svc, "steps") else svc
    # libsvm's sigmoid is of its own first class
    second = 1 / (1 + np.exp(svc.probA_[0] * score - svc.probB_[0]))
    return np.column_stack([1 - second, second])


def tools(name, model, y, convert, data=X, **fit):
    model.fit(data, y, **fit)
    keep(name, convert(model, initial_types=[("X", ToolsFloat([None, WIDTH]))]), data[:30])


def ensembles():
    stump = DecisionTreeClassifier(max_depth=2)
    scikit("ada", AdaBoostClassifier(stump, n_estimators=4), TWO, **NO_ZIPMAP)
    scikit("ada_three", AdaBoostClassifier(stump, n_estimators=4), THREE, **NO_ZIPMAP)
    tree = DecisionTreeClassifier(max_depth=3)
    scikit("bagging", BaggingClassifier(tree, n_estimators=4), TWO, **NO_ZIPMAP)
    scikit("bagging_three", BaggingClassifier(tree, n_estimators=3, max_features=0.5), THREE, **NO_ZIPMAP)
    scikit("bagging_logistic", BaggingClassifier(LogisticRegression(), n_estimators=3), THREE, **NO_ZIPMAP)
    scikit("bagging_number", BaggingRegressor(DecisionTreeRegressor(max_depth=3), n_estimators=4), NUMBER)
    three = [("l", LogisticRegression()), ("t", tree), ("m", MLPClassifier((4,), max_iter=200))]
    soft = {"voting": "soft", "flatten_transform": False}
    scikit("voting", VotingClassifier(three, weights=np.array([1, 2, 3]), **soft), TWO, **NO_ZIPMAP)
    scikit("voting_three", VotingClassifier(three, **soft), THREE, **NO_ZIPMAP)
    two = [("l", LinearRegression()), ("t", DecisionTreeRegressor(max_depth=3))]
    scikit("voting_number", VotingRegressor(two, weights=np.array([1, 3])), NUMBER)
    scikit("stacking", StackingClassifier(three), TWO, **NO_ZIPMAP)
    scikit("stacking_three", StackingClassifier(three), THREE, **NO_ZIPMAP)
    scikit("stacking_passthrough", StackingClassifier(three, passthrough=True), TWO, **NO_ZIPMAP)
    scikit("stacking_number", StackingRegressor(two), NUMBER)
    scikit("calibrated", CalibratedClassifierCV(tree, cv=2), TWO, **NO_ZIPMAP)
    scikit("one_vs_rest", OneVsRestClassifier(LogisticRegression()), THREE, **NO_ZIPMAP)
    scikit("sgd_three", SGDClassifier(loss="log_loss"), THREE, **NO_ZIPMAP)


def others():
    few = slice(0, 60)
    svc = SVC(probability=True, random_state=0)
    file = graph(svc, TWO[few], X[few], **NO_ZIPMAP)
    keep("svc", file, X[:30], tolerance=0.005, exact=platt(svc, X[:30]))
    # sums of many products in single precision
    single = {"tolerance": 5e-6}
    scikit("svr", SVR(), NUMBER[few], X[few])
    scikit("svr_polynomial", SVR(kernel="poly", degree=2, coef0=1.0), NUMBER[few], X[few], **single)
    scikit("svr_linear", make_pipeline(StandardScaler(), SVR(kernel="linear")), NUMBER[few], X[few], **single)
    scikit("gaussian_bayes", GaussianNB(), TWO, **NO_ZIPMAP)
    scikit("gaussian_bayes_three", make_pipeline(StandardScaler(), GaussianNB()), THREE)
    scikit("multinomial_bayes", MultinomialNB(), THREE, COUNTS, **NO_ZIPMAP)
    scikit("mixture", GaussianMixture(3, random_state=0), None)
    scikit("k_means", make_pipeline(StandardScaler(), KMeans(5, n_init=2, random_state=0)), None, answer="label")
    scikit("mlp_tanh", MLPClassifier((6, 5), activation="tanh", max_iter=200), TWO, **NO_ZIPMAP)
    scikit("mlp_logistic", MLPClassifier((6, 5), activation="logistic", max_iter=200), THREE, **NO_ZIPMAP)
    scikit("mlp_tanh_number", MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", max_iter=200), NUMBER)
    scikit("discriminant", LinearDiscriminantAnalysis(), THREE, **NO_ZIPMAP)
    scikit("components", make_pipeline(StandardScaler(), PCA(2), LogisticRegression()), TWO)
    scikit("selected", make_pipeline(SelectKBest(k=2), LogisticRegression()), TWO)
    both = np.column_stack([NUMBER, np.sin(NUMBER)])
    scikit("linear_numbers", LinearRegression(), both)
    scikit("tree_numbers", DecisionTreeRegressor(max_depth=3), both)
    scikit("robust", make_pipeline(RobustScaler(), MaxAbsScaler(), LogisticRegression()), TWO)


def boosters():
    to_lightgbm, to_xgboost = onnxmltools.convert_lightgbm, onnxmltools.convert_xgboost
    quiet = {"n_estimators": 6, "num_leaves": 6, "verbose": -1}
    counts = np.exp(NUMBER / 3)
    tools("lightgbm_ranks", lightgbm.LGBMRanker(**quiet), THREE, to_lightgbm, group=[30] * 10)
    tools("lightgbm_counts", lightgbm.LGBMRegressor(objective="poisson", **quiet), counts, to_lightgbm)
    tools("lightgbm_quantile", lightgbm.LGBMRegressor(objective="quantile", alpha=0.9, **quiet), NUMBER, to_lightgbm)
    tools("lightgbm_dart", lightgbm.LGBMClassifier(boosting_type="dart", **quiet), THREE, to_lightgbm)
    small = {"n_estimators": 6, "max_depth": 3}
    tools("xgboost_forest", xgboost.XGBRFRegressor(**small), NUMBER, to_xgboost)
    tools("xgboost_tweedie", xgboost.XGBRegressor(objective="reg:tweedie", **small), counts, to_xgboost)
    tools("xgboost_share", xgboost.XGBRegressor(objective="reg:logistic", **small), TWO, to_xgboost)
    # the exporter knows no ranker, and its trees are those of any model of numbers
    ranker = xgboost.XGBRanker(objective="rank:ndcg", **small).fit(X, THREE, group=[30] * 10)
    shell = xgboost.XGBRegressor(n_estimators=6)
    shell._Booster = ranker.get_booster()
    kinds = [("X", ToolsFloat([None, WIDTH]))]
    keep("xgboost_ranks", to_xgboost(shell, initial_types=kinds), X[:30])
    tools("xgboost_absolute", xgboost.XGBRegressor(objective="reg:absoluteerror", **small), NUMBER, to_xgboost)


def columns():
    """Named columns with encoders of their own, in front of several models."""
    import pandas as pd

    country = np.array(["DE", "UK", "FR"])[np.arange(300) % 3]
    plan = (np.arange(300) // 7) % 4
    frame = pd.DataFrame({"amount": HOLES[:, 0], "age": X[:, 1], "country": country, "plan": plan})
    kinds = [
        ("amount", FloatTensorType([None, 1])),
        ("age", FloatTensorType([None, 1])),
        ("country", StringTensorType([None, 1])),
        ("plan", Int64TensorType([None, 1])),
    ]
    y = TWO ^ (country == "UK")
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    shown = frame[:40].copy()
    shown.loc[3, "country"] = "XX"
    data = [
        shown["amount"].to_numpy(np.float32),
        shown["age"].to_numpy(np.float32),
        shown["country"].to_numpy(object),
        shown["plan"].to_numpy(np.int64),
    ]
    members = [("l", LogisticRegression()), ("f", RandomForestClassifier(4, max_depth=3)), ("b", GaussianNB(var_smoothing=1e-2))]
    voting = VotingClassifier(members, voting="soft", flatten_transform=False)
    models = [
        ("voting", voting),
        ("svc", SVC(probability=True, random_state=0)),
        ("network", MLPClassifier((5,), activation="tanh", max_iter=200)),
        ("ada", AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=3)),
    ]
    for name, model in models:
        encode = ColumnTransformer([("n", numbers, ["amount", "age"]), ("c", hot, ["country", "plan"])])
        rows = slice(0, 80) if name == "svc" else slice(None)
        pipe = make_pipeline(encode, model).fit(frame[rows], y[rows])
        file = skl2onnx.to_onnx(pipe, initial_types=kinds, options={id(pipe): NO_ZIPMAP})
        exact = {"tolerance": 0.005, "exact": platt(pipe, shown)} if name == "svc" else {}
        keep(f"columns_{name}", file, data, list(frame), **exact)


def refused():
    folder = FOLDER / "refused"
    folder.mkdir(exist_ok=True)
    few = slice(0, 60)
    both = np.column_stack([NUMBER, np.sin(NUMBER)])
    for name, model, y, data in [
        # the exporter makes two rows of a row's two numbers
        ("numbers_as_rows", MLPRegressor(hidden_layer_sizes=(3,), max_iter=100), both, X),
        ("weighted_median", AdaBoostRegressor(DecisionTreeRegressor(max_depth=2), n_estimators=3), NUMBER, X),
        ("pairs_of_classes", SVC(probability=True, random_state=0), THREE[few], X[few]),
        ("neighbours", KNeighborsClassifier(3), TWO[few], X[few]),
    ]:
        (folder / f"{name}.onnx").write_bytes(graph(model, y, data).SerializeToString())


ensembles()
others()
boosters()
columns()
refused()
