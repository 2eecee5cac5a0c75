"""Asks ONNX Runtime and MLflow about the cases that the tests of mlops-model wrote.

    python check.py CASES [GOLDEN]

Each case is a package with `model.onnx`, rows, and the answers that this crate gives. The file must pass ONNX's
own checker, ONNX Runtime must give the same answers within 1e-12 of the largest, and MLflow must load the
package by both of its flavours and give them too. With a second folder, the files of the cases that are not
random and ONNX Runtime's answers are kept there, for the tests to compare with where there is no Python.
"""

import json
import logging
import math
import pathlib
import shutil
import sys
import warnings

import mlflow
import numpy as np
import onnx
import onnxruntime
import pandas as pd

# a text that is no category stands for a missing one
MISSING = "\u0000"
VERSIONS = {module.__name__: module.__version__ for module in (onnx, onnxruntime, mlflow)}
TOLERANCE = 1e-12


def column(kind, values, text_missing=MISSING):
    if isinstance(values[0], list):
        return np.array([[math.nan if x is None else float(x) for x in row] for row in values])
    if "double" in kind:
        return np.array([math.nan if x is None else float(x) for x in values])
    if "string" in kind:
        return np.array([text_missing if x is None else x for x in values], dtype=object)
    return np.array(values, dtype=bool if "bool" in kind else np.int64)


def differences(name, what, got, expected):
    scale = max(1.0, float(np.max(np.abs(expected))))
    worst = float(np.max(np.abs(got - expected))) / scale
    # NaN is no small number, and fails here too
    if not worst <= TOLERANCE:
        raise SystemExit(f"{name}: {what} is off by {worst}:\n{got}\n{expected}")
    return worst


def check(folder):
    case = json.loads((folder / "case.json").read_text())
    package = folder / "package"
    expected = np.array(case["answers"])
    path = str(package / "model.onnx")
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    assert [i.name for i in inputs] == [i["name"] for i in case["inputs"]]
    columns = {i.name: [row[at] for row in case["rows"]] for at, i in enumerate(inputs)}
    arrays = {i.name: column(i.type, columns[i.name]) for i in inputs}
    one = len(inputs) == 1
    feed = {n: a.reshape(-1, 1) if one and a.ndim == 1 else a for n, a in arrays.items()}
    answers = session.run(None, feed)
    assert all(a.shape == (len(case["rows"]), 1) for a in answers)
    worst = differences(case["name"], "ONNX Runtime", np.hstack(answers), expected)

    mlflow.onnx.load_model(str(package))
    model = mlflow.pyfunc.load_model(str(package))
    if any(a.ndim == 2 for a in arrays.values()):
        got = model.predict(arrays)
        assert all(a.shape == (len(case["rows"]), 1) for a in got.values())
        got = pd.DataFrame({n: a.reshape(-1) for n, a in got.items()})
    else:
        got = model.predict(pd.DataFrame({n: pd.Series(a, dtype=a.dtype) for n, a in arrays.items()}))
    assert list(got.columns) == [o.name for o in session.get_outputs()]
    differences(case["name"], "MLflow", got.to_numpy(), expected)
    return worst, case["name"], np.hstack(answers).tolist()


def keep(golden, folders, checked):
    values = {"versions": VERSIONS, "cases": []}
    for folder, (_, name, answers) in zip(folders, checked):
        if name == "random":
            continue
        shutil.copyfile(folder / "package" / "model.onnx", golden / f"{folder.name}.onnx")
        values["cases"].append({"name": name, "answers": answers})
    (golden / "values.json").write_text(json.dumps(values, indent=1) + "\n")


def main():
    warnings.simplefilter("ignore")
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    print(VERSIONS)
    folders = sorted(pathlib.Path(sys.argv[1]).iterdir(), key=lambda path: int(path.name))
    checked = [check(folder) for folder in folders]
    print(f"{len(folders)} models agree, worst {max(worst for worst, *_ in checked):.1e}")
    if len(sys.argv) > 2:
        keep(pathlib.Path(sys.argv[2]), folders, checked)


if __name__ == "__main__":
    main()
