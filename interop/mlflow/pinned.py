"""A large file up and down, and a version whose run changes after it was registered: `pinned.py URL`."""

import os
import sys
import tempfile

import mlflow
import numpy as np
from mlflow import MlflowClient

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("pinned")
data = np.random.default_rng(1).bytes(7_000_123)
big = os.path.join(tempfile.mkdtemp(), "big.bin")
with open(big, "wb") as file:
    file.write(data)
with mlflow.start_run() as run:
    mlflow.log_artifact(big, "d")
    mlflow.log_text("first", "model/MLmodel")
run_id = run.info.run_id
client = MlflowClient()
with open(client.download_artifacts(run_id, "d/big.bin", tempfile.mkdtemp()), "rb") as file:
    assert file.read() == data

name = "linear model"
client.create_registered_model(name)
version = client.create_model_version(name, f"runs:/{run_id}/model", run_id).version
client.log_text(run_id, "changed", "model/MLmodel")
client.log_text(run_id, "new", "model/new")


def content(uri):
    directory = mlflow.artifacts.download_artifacts(uri)
    with open(os.path.join(directory, "MLmodel")) as file:
        return sorted(set(os.listdir(directory)) - {"registered_model_meta"}), file.read()


assert content(f"runs:/{run_id}/model") == (["MLmodel", "new"], "changed")
assert content(f"models:/{name}/{version}") == (["MLmodel"], "first")
copy = client.copy_model_version(f"models:/{name}/{version}", "copy").version
assert content(f"models:/copy/{copy}") == (["MLmodel"], "first")
print("as expected")
