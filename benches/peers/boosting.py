"""LightGBM and XGBoost on the data sets of the README, and ours beside them in the same run.

    cargo bench -p mlops-train --no-default-features --bench boosting --no-run      # prints the path of the binary
    python boosting.py DATA_FOLDER SCRATCH_FOLDER --ours PATH_OF_THE_BINARY [--threads 1]

Five folds drawn at random with a fixed seed; 200 trees of 63 leaves at a rate of 0.1, all else as each library has it.
The score is the area under the ROC curve, and the root of the mean squared error for housing (in 100,000 dollars).
Seconds are those of a fit from a matrix in memory (ours: from Arrow columns), binning included: wall, and CPU of the
process. Texts are categories to all three. With --forest it is scikit-learn's random forest beside ours: 100 trees, 5
rows a leaf, texts as numbers to the former, missing values as they are.
The synthetic set has 500,000 rows and 30 columns.
Needs: pip install lightgbm==4.7.0 xgboost==3.2.0 scikit-learn==1.9.1 pandas numpy
"""

import argparse, os, subprocess, time

import numpy as np

SETS = "adult bank credit housing synthetic".split()
ADULT = "age workclass fnlwgt education edunum marital occ rel race sex gain loss hours country y".split()


def encoded(frame):
    columns, kinds = [], []
    for name in frame.columns:
        column = frame[name]
        text = column.dtype == object or "str" in str(column.dtype)
        values = (column.astype("category").cat.codes if text else column).to_numpy().astype("f8")
        columns.append(np.where(text & (values < 0), np.nan, values))
        kinds.append(float(text))
    return np.column_stack(columns), np.array(kinds)


def synthetic():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(500_000, 30)).astype("f4").astype("f8")
    score = x[:, 0] + x[:, 1] * x[:, 2] + np.sin(2 * x[:, 3]) + 0.5 * np.abs(x[:, 4]) * x[:, 5]
    score += 0.3 * x[:, 6:12].sum(1)
    y = rng.uniform(size=len(x)) < 1 / (1 + np.exp(-score))
    return x, np.zeros(30), y.astype("f8")


def made(name, data):
    import pandas as pd

    if name == "synthetic":
        return synthetic()
    if name == "adult":
        read = lambda part: pd.read_csv(
            f"{data}/adult/adult-{part}.csv", header=None, names=ADULT, skipinitialspace=True, na_values="?"
        )
        frame = pd.concat([read("train"), read("test")])
        return *encoded(frame.drop(columns=["y", "fnlwgt"])), frame.y.str.startswith(">50K").to_numpy("f8")
    if name == "bank":
        frame = pd.read_csv(f"{data}/bank-marketing/bank-full.csv.gz", sep=";")
        return *encoded(frame.drop(columns=["y", "duration"])), (frame.y == "yes").to_numpy("f8")
    if name == "credit":
        frame = pd.read_csv(f"{data}/credit-default/UCI_Credit_Card.csv")
        label = "default.payment.next.month"
        return *encoded(frame.drop(columns=["ID", label])), frame[label].to_numpy("f8")
    frame = pd.read_csv(f"{data}/california-housing/housing.csv")
    return *encoded(frame.drop(columns=["median_house_value"])), frame.median_house_value.to_numpy("f8") / 1e5


def write(path, x, kinds, y):
    folds = (np.random.default_rng(1).permutation(len(y)) % 5).astype("<f8")
    with open(path, "wb") as file:
        np.array(x.shape, dtype="<u8").tofile(file)
        for part in (kinds, y, folds, np.ascontiguousarray(x.T)):
            part.astype("<f8").tofile(file)
    return folds


def lightgbm(x, y, kinds, regression, threads):
    import lightgbm as lgb

    params = {
        "objective": "regression" if regression else "binary",
        "num_leaves": 63,
        "learning_rate": 0.1,
        "num_threads": threads,
        "verbose": -1,
    }
    categories = [int(at) for at in np.flatnonzero(kinds)]
    model = lgb.train(params, lgb.Dataset(x, y, categorical_feature=categories, params=params), 200)
    return model.predict


def xgboost(x, y, kinds, regression, threads):
    import xgboost as xgb

    types = ["c" if kind else "q" for kind in kinds]
    given = dict(feature_types=types, enable_categorical=True, nthread=threads)
    params = {
        "objective": "reg:squarederror" if regression else "binary:logistic",
        "max_leaves": 63,
        "max_depth": 0,
        "grow_policy": "lossguide",
        "eta": 0.1,
        "nthread": threads,
    }
    model = xgb.train(params, xgb.QuantileDMatrix(x, y, max_bin=256, **given), 200)
    return lambda rows: model.predict(xgb.DMatrix(rows, **given))


def forest(x, y, kinds, regression, threads):
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    if regression:
        model = RandomForestRegressor(min_samples_leaf=5, max_features=1 / 3, n_jobs=threads, random_state=0)
        return model.fit(x, y).predict
    model = RandomForestClassifier(min_samples_leaf=5, n_jobs=threads, random_state=0).fit(x, y)
    return lambda rows: model.predict_proba(rows)[:, 1]


def peer(fit, x, kinds, y, folds, regression, threads, count):
    from sklearn.metrics import roc_auc_score

    scores, wall, used = [], [], []
    for fold in range(count):
        train = folds != fold
        rows, labels = np.ascontiguousarray(x[train]), y[train]
        start, before = time.perf_counter(), time.process_time()
        predict = fit(rows, labels, kinds, regression, threads)
        wall.append(time.perf_counter() - start)
        used.append(time.process_time() - before)
        found = predict(x[~train])
        error = np.sqrt(np.mean((found - y[~train]) ** 2))
        scores.append(error if regression else roc_auc_score(y[~train], found))
    return np.mean(scores), np.mean(wall), np.mean(used)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("scratch")
    parser.add_argument("--ours", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--forest", action="store_true")
    given = parser.parse_args()
    peers = {"sklearn": forest} if given.forest else {"lightgbm": lightgbm, "xgboost": xgboost}
    print(f"{'set':10} {'library':9} {'score':>8} {'wall s':>8} {'cpu s':>8}")
    for name in given.sets:
        x, kinds, y = made(name, given.data)
        path = os.path.join(given.scratch, f"{name}.bin")
        folds = write(path, x, kinds, y)
        common = (x, kinds, y, folds, name == "housing", given.threads, given.folds)
        found = {name: peer(fit, *common) for name, fit in peers.items()}
        command = [given.ours, "--threads", str(given.threads), "--folds", str(given.folds), path]
        command += ["--forest"] if given.forest else []
        line = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found["ours"] = [float(number) for number in line.split()[1:]]
        for library, (score, wall, used) in found.items():
            print(f"{name:10} {library:9} {score:8.5f} {wall:8.3f} {used:8.3f}", flush=True)


if __name__ == "__main__":
    main()
