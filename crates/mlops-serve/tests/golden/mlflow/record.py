"""Records what MLflow's client and server say to each other, for `calls.json`.

    python record.py > calls.json       with mlflow 3.17.2, onnx, pandas

Starts MLflow's own server on an empty database, puts a proxy before it, and makes the calls that a user makes. Each
entry is one request with its answer. Identities that the server makes up are replaced by `<run 1>` and the like, in the
order in which they are seen, so that a test can bind them to those of another server.
"""

import base64
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    GIT_PYTHON_REFRESH="quiet",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    LOGNAME="ada",
)

UPSTREAM, PROXY = 5961, 5962
calls = []


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def read_body(self):
        if "chunked" not in (self.headers.get("transfer-encoding") or ""):
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline().strip(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def handle_any(self):
        body = self.read_body()
        dropped = ("host", "transfer-encoding", "content-length", "accept-encoding")
        headers = {k: v for k, v in self.headers.items() if k.lower() not in dropped}
        upstream = http.client.HTTPConnection("127.0.0.1", UPSTREAM)
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        data = answer.read()
        calls.append(
            {
                "step": Proxy.step,
                "verb": self.command,
                "path": self.path,
                "type": self.headers.get("content-type"),
                "body": shown(body, self.path),
                "status": answer.status,
                "reply": shown(data, self.path),
            }
        )
        self.send_response(answer.status)
        self.send_header("content-type", answer.getheader("content-type") or "text/plain")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def log_message(self, *_):
        pass


def shown(data, path):
    """JSON as JSON, and the bytes of artifacts as they are."""
    if not data:
        return None
    try:
        if "/mlflow-artifacts/artifacts/" not in path:
            return {"json": json.loads(data)}
    except ValueError:
        pass
    return {"base64": base64.b64encode(data).decode()}


def onnx_model():
    import onnx
    from onnx import TensorProto, helper

    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 1], [1.0, -2.0])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def session():
    import math

    import mlflow
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.exceptions import MlflowException
    from mlflow.tracking.context import registry

    # whose machine this is does not belong in the record
    registry._run_context_provider_registry._registry.clear()
    mlflow.set_tracking_uri(f"http://127.0.0.1:{PROXY}")
    client = MlflowClient()

    def step(name):
        Proxy.step = name

    def refused(call, *args, **kwargs):
        try:
            call(*args, **kwargs)
        except MlflowException:
            return
        raise AssertionError(f"{call} was not refused")

    step("set_experiment")
    experiment = mlflow.set_experiment("churn").experiment_id
    step("set_experiment again")
    mlflow.set_experiment("churn")
    step("create_experiment twice")
    refused(client.create_experiment, "churn")
    step("nested runs")
    with mlflow.start_run(run_name="parent", description="of all", tags={"kind": "a b"}) as run:
        with mlflow.start_run(run_name="child", nested=True):
            mlflow.log_metric("score", 1.5)
        step("log_param, log_metric, log_params, log_metrics, tags")
        mlflow.log_param("depth", 3)
        mlflow.log_metric("loss", 0.5, step=1, timestamp=1_700_000_000_000)
        mlflow.log_params({"rate": 0.1, "empty": ""})
        mlflow.log_metrics({"loss": 0.25, "auc": 0.75}, step=2, timestamp=1_700_000_001_000)
        mlflow.set_tag("reviewed", "no")
        mlflow.set_tags({"a": "1", "b": "2"})
        mlflow.delete_tag("b")
        step("log_input")
        mlflow.log_input(mlflow.data.from_pandas(pd.DataFrame({"age": [1, 2]}), source="people.csv", name="people"), context="training")
        step("log_text, log_dict, list and download")
        mlflow.log_text("hello", "notes/a b.txt")
        mlflow.log_dict({"a": 1}, "notes/d.json")
        client.list_artifacts(run.info.run_id)
        client.list_artifacts(run.info.run_id, "notes")
        mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/a b.txt")
    run_id = run.info.run_id
    step("get_run, get_metric_history")
    client.get_run(run_id)
    client.get_metric_history(run_id, "loss")
    step("log_batch")
    client.log_batch(run_id, [Metric("m", i / 4, 1_700_000_000_000 + i, i) for i in range(5)], [Param("p", "1")], [RunTag("t", "ä")])
    refused(client.log_batch, run_id, params=[Param("p", "2")])
    step("NaN")
    client.log_metric(run_id, "nan", math.nan, timestamp=1_700_000_000_000)
    client.get_run(run_id)
    step("search_runs")
    client.search_runs([experiment], "metrics.auc > 0.5 AND params.depth = '3'", order_by=["metrics.auc DESC"])
    client.search_runs([experiment], order_by=["attributes.start_time ASC"], max_results=1)
    refused(client.search_runs, [experiment], "metrics.auc > 'x'")
    step("what is not there")
    refused(client.get_run, "0" * 32)
    refused(client.get_experiment, "987654321")
    refused(client.log_param, run_id, "depth", "4")
    step("log_model")
    with mlflow.start_run(run_name="model") as model_run:
        mlflow.log_metric("rmse", 0.125, timestamp=1_700_000_000_000)
        info = mlflow.onnx.log_model(onnx_model(), name="linear", registered_model_name="linear model")
    step("register_model")
    mlflow.register_model(f"runs:/{model_run.info.run_id}/linear", "linear model")
    step("logged models")
    client.search_logged_models([experiment], "metrics.rmse < 0.2")
    client.set_logged_model_tags(info.model_id, {"checked": "yes"})
    client.delete_logged_model_tag(info.model_id, "checked")
    step("aliases and stages")
    client.set_registered_model_alias("linear model", "champion", "1")
    client.get_model_version_by_alias("linear model", "champion")
    client.get_model_version_download_uri("linear model", "1")
    client.transition_model_version_stage("linear model", "1", "Staging")
    client.get_latest_versions("linear model", ["Staging"])
    client.delete_registered_model_alias("linear model", "champion")
    refused(client.get_model_version_by_alias, "linear model", "champion")
    step("models and versions described, tagged and searched")
    client.update_registered_model("linear model", "a line")
    client.set_registered_model_tag("linear model", "team", "risk")
    client.update_model_version("linear model", "2", "the second")
    client.set_model_version_tag("linear model", "2", "risk", "low")
    client.get_registered_model("linear model")
    client.search_registered_models("name LIKE 'linear%'")
    client.search_model_versions("name = 'linear model'", order_by=["version_number ASC"])
    client.delete_model_version_tag("linear model", "2", "risk")
    client.delete_registered_model_tag("linear model", "team")
    refused(client.create_registered_model, "linear model")
    refused(client.get_registered_model, "nothing")
    refused(client.get_model_version, "linear model", "99")
    step("delete and restore")
    client.delete_model_version("linear model", "2")
    client.rename_registered_model("linear model", "line")
    client.delete_run(run_id)
    refused(client.log_metric, run_id, "late", 1.0, timestamp=1_700_000_000_000)
    client.restore_run(run_id)
    client.set_experiment_tag(experiment, "owner", "ada")
    client.rename_experiment(experiment, "renamed")
    client.delete_experiment(experiment)
    client.search_experiments(view_type=2)
    client.restore_experiment(experiment)


def main():
    with tempfile.TemporaryDirectory() as work:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(UPSTREAM), "--workers", "1",
             "--backend-store-uri", f"sqlite:///{work}/m.db", "--artifacts-destination", f"{work}/a"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{UPSTREAM}/health").read()
                    break
                except OSError:
                    time.sleep(0.2)
            proxy = ThreadingHTTPServer(("127.0.0.1", PROXY), Proxy)
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            session()
        finally:
            os.killpg(server.pid, 15)
    lines = ",\n".join(json.dumps(call, ensure_ascii=False) for call in calls)
    text = f'{{"mlflow": "3.17.2", "calls": [\n{lines}\n]}}'
    for kind, pattern in [("model", r"m-[0-9a-f]{32}(?![0-9a-f])"), ("run", r"(?<![0-9a-f-])(?!0{32})[0-9a-f]{32}(?![0-9a-f])")]:
        seen = {}
        text = re.sub(pattern, lambda m: seen.setdefault(m[0], f"<{kind} {len(seen) + 1}>"), text)
    print(text)


if __name__ == "__main__":
    main()
