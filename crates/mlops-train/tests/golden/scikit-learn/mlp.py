"""The areas under the ROC curve that `tests/mlp_quality.rs` asks for, from scikit-learn's MLPClassifier.

    python mlp.py FOLDER_OF_THE_DATA_SETS > mlp.json

Adult: the given test file; `fnlwgt` is left out. Credit default: rows whose ID ends in 0, 1 or 2 are the test; SEX,
EDUCATION and MARRIAGE are categories. Numbers are scaled (skewed ones after log1p), categories one-hot; layers of 32
and 16 with rectifiers, Adam at 0.003 in batches of 256, stopped after 6 epochs without progress on a fifth of the
rows. The mean of 5 seeds. Needs: pip install scikit-learn==1.9.1 pandas
"""

import json, sys, warnings
import numpy as np, pandas as pd, sklearn
from sklearn.compose import make_column_transformer
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

warnings.filterwarnings("ignore")
NAMES = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex capital_gain "
    "capital_loss hours_per_week native_country income"
).split()


def adult(folder):
    def read(name):
        frame = pd.read_csv(f"{folder}/adult/{name}", names=NAMES, skipinitialspace=True)
        return frame.drop(columns=["fnlwgt", "income"]), frame.income.str.startswith(">50K").to_numpy()

    return read("adult-train.csv") + read("adult-test.csv")


def credit(folder):
    frame = pd.read_csv(f"{folder}/credit-default/UCI_Credit_Card.csv")
    test = frame.ID % 10 < 3
    label = frame["default.payment.next.month"] == 1
    x = frame.drop(columns=["ID", "default.payment.next.month"])
    x = x.astype({"SEX": str, "EDUCATION": str, "MARRIAGE": str})
    return x[~test], label[~test].to_numpy(), x[test], label[test].to_numpy()


areas = {}
for name, load in [("adult", adult), ("credit_default", credit)]:
    x, y, x_test, y_test = load(sys.argv[1])
    texts = [c for c in x if not pd.api.types.is_numeric_dtype(x[c])]
    numbers = [c for c in x if c not in texts]
    skewed = [c for c in numbers if x[c].skew() > 1.5 and x[c].min() >= 0]
    plain = [c for c in numbers if c not in skewed]
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
        (make_pipeline(FunctionTransformer(np.log1p), StandardScaler()), skewed),
        (StandardScaler(), plain),
    )
    x, x_test = columns.fit_transform(x), columns.transform(x_test)
    found = []
    for seed in range(5):
        model = MLPClassifier(
            (32, 16), learning_rate_init=0.003, batch_size=256, early_stopping=True, validation_fraction=0.2,
            n_iter_no_change=6, tol=0.0, max_iter=50, random_state=seed,
        )
        found.append(roc_auc_score(y_test, model.fit(x, y).predict_proba(x_test)[:, 1]))
    areas[name] = {"mean": float(np.mean(found)), "seeds": found}
print(json.dumps({"peer": f"scikit-learn {sklearn.__version__}", "roc_auc": areas}, indent=1))
