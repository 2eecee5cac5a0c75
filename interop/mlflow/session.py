"""A whole session of MLflow's own client, unmodified, against a running server.

    python session.py URL [WORK_DIRECTORY]

Credentials come from the client's usual environment variables. Every step states what it expects; the first that
fails ends the session. It passes against MLflow's own server as well, apart from what `--ours` adds: what that
server does wrong (contracts: infinity, bodies that are not JSON).
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import math
import os
import pathlib
import queue
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Metric, Param, RunTag, ViewType  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

steps = 0


def step(name):
    global steps
    steps += 1
    print(f"{steps:3} {name}", flush=True)


def equal(found, expected):
    assert found == expected, f"found {found!r}, expected {expected!r}"


def refused(code, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except MlflowException as error:
        equal(error.error_code, code)
        return error
    raise AssertionError(f"{call.__name__}{args} was not refused with {code}")


def experiments(client, unique):
    step("set_experiment makes an experiment and finds it again")
    made = mlflow.set_experiment(f"churn {unique}")
    equal(mlflow.set_experiment(f"churn {unique}").experiment_id, made.experiment_id)
    equal(made.lifecycle_stage, "active")
    assert abs(made.creation_time / 1000 - time.time()) < 60

    step("the experiment Default is always there")
    equal(client.get_experiment("0").name, "Default")

    step("experiments: made twice, unknown, tags, rename, delete, restore")
    other = client.create_experiment(f"other {unique}", tags={"team": "a b"})
    error = refused("RESOURCE_ALREADY_EXISTS", client.create_experiment, f"other {unique}")
    assert "already exists" in str(error), error
    equal(client.get_experiment_by_name(f"nothing {unique}"), None)
    refused("RESOURCE_DOES_NOT_EXIST", client.get_experiment, "987654321")
    client.set_experiment_tag(other, "owner", "ada")
    equal(client.get_experiment(other).tags, {"team": "a b", "owner": "ada"})
    client.delete_experiment_tag(other, "owner")
    equal(client.get_experiment(other).tags, {"team": "a b"})
    client.rename_experiment(other, f"renamed {unique}")
    equal(client.get_experiment_by_name(f"renamed {unique}").experiment_id, other)
    client.delete_experiment(other)
    equal(client.get_experiment(other).lifecycle_stage, "deleted")
    deleted = client.search_experiments(view_type=ViewType.DELETED_ONLY, filter_string=f"name = 'renamed {unique}'")
    equal([e.experiment_id for e in deleted], [other])
    client.restore_experiment(other)

    step("search_experiments filters, orders and pages")
    found = client.search_experiments(
        filter_string=f"name LIKE '%{unique}%'", order_by=["name DESC"], max_results=1
    )
    equal([e.name for e in found], [f"renamed {unique}"])
    rest = client.search_experiments(
        filter_string=f"name LIKE '%{unique}%'", order_by=["name DESC"], max_results=1, page_token=found.token
    )
    equal([e.name for e in rest], [f"churn {unique}"])
    assert other in [e.experiment_id for e in client.search_experiments(filter_string="tags.team = 'a b'")]
    refused("INVALID_PARAMETER_VALUE", client.search_experiments, filter_string="nonsense ~ 1")
    return made.experiment_id


def runs(client, experiment, unique, ours):
    step("a run with params, metrics and tags")
    with mlflow.start_run(run_name="parent", description="of all", tags={"stage": "try"}) as parent:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"rate": 0.1, "kind": "boosting"})
        mlflow.log_metric("loss", 0.5, step=0)
        mlflow.log_metric("loss", 0.25, step=1)
        mlflow.log_metrics({"auc": 0.81, "odd/name - 1.x": 2.0}, step=3)
        mlflow.set_tag("reviewed", "no")
        mlflow.set_tags({"a": "1", "b": "2"})
        mlflow.delete_tag("b")
        step("nested runs")
        children = []
        for number in range(3):
            with mlflow.start_run(nested=True, run_name=f"child {number}") as child:
                mlflow.log_metric("score", number)
                mlflow.log_param("n", number)
                children.append(child.info.run_id)
    run = client.get_run(parent.info.run_id)
    equal(run.info.status, "FINISHED")
    equal(run.info.run_name, "parent")
    equal(run.data.params, {"depth": "3", "rate": "0.1", "kind": "boosting"})
    equal(run.data.metrics, {"loss": 0.25, "auc": 0.81, "odd/name - 1.x": 2.0})
    equal(run.data.tags["stage"], "try")
    equal(run.data.tags["mlflow.note.content"], "of all")
    equal(run.data.tags["mlflow.runName"], "parent")
    assert "b" not in run.data.tags
    assert run.info.end_time >= run.info.start_time
    equal(client.get_parent_run(children[0]).info.run_id, parent.info.run_id)
    found = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["metrics.score ASC"])
    equal([r.info.run_id for r in found], children)

    step("metric histories, in order and in pages")
    equal([(m.step, m.value) for m in client.get_metric_history(parent.info.run_id, "loss")], [(0, 0.5), (1, 0.25)])
    equal(client.get_metric_history(parent.info.run_id, "nothing"), [])

    step("NaN and infinity")
    odd = client.create_run(experiment, run_name="odd")
    client.log_metric(odd.info.run_id, "nan", math.nan)
    client.log_metric(odd.info.run_id, "inf", math.inf)
    client.log_metric(odd.info.run_id, "minus", -math.inf)
    metrics = client.get_run(odd.info.run_id).data.metrics
    assert math.isnan(metrics["nan"]), metrics
    assert metrics["inf"] > 1e308 and metrics["minus"] < -1e308, metrics
    if ours:
        equal((metrics["inf"], metrics["minus"]), (math.inf, -math.inf))

    step("log_batch, whole or not at all")
    batch = client.create_run(experiment, tags={"made": "by hand"})
    now = int(time.time() * 1000)
    client.log_batch(
        batch.info.run_id,
        metrics=[Metric(f"m{i % 10}", i / 7, now, i) for i in range(1000)],
    )
    client.log_batch(batch.info.run_id, params=[Param(f"p{i}", "x" * i) for i in range(100)], tags=[RunTag("t", "ä")])
    equal(len(client.get_metric_history(batch.info.run_id, "m3")), 100)
    equal(client.get_run(batch.info.run_id).data.metrics["m9"], 999 / 7)
    equal(len(client.get_run(batch.info.run_id).data.params), 100)
    refused("INVALID_PARAMETER_VALUE", client.log_batch, batch.info.run_id, params=[Param("p1", "other"), Param("new", "1")])
    assert "new" not in client.get_run(batch.info.run_id).data.params

    step("a param is written once")
    client.log_param(batch.info.run_id, "p1", "x")
    refused("INVALID_PARAMETER_VALUE", client.log_param, batch.info.run_id, "p1", "y")

    step("what cannot be a run, a key or a time is refused")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_run, "0" * 32)
    refused("RESOURCE_DOES_NOT_EXIST", client.log_metric, "0" * 32, "a", 1.0)
    refused("INVALID_PARAMETER_VALUE", client.log_param, batch.info.run_id, "../../x", "1")
    refused("RESOURCE_DOES_NOT_EXIST", client.delete_tag, batch.info.run_id, "never set")

    step("dataset inputs")
    frame = pd.DataFrame({"age": [1, 2], "name": ["a", "b"]})
    dataset = mlflow.data.from_pandas(frame, name="people")
    with mlflow.start_run(run_name="with data") as with_data:
        mlflow.log_input(dataset, context="training")
    (entry,) = client.get_run(with_data.info.run_id).inputs.dataset_inputs
    equal((entry.dataset.name, entry.dataset.digest), ("people", dataset.digest))
    equal({t.key: t.value for t in entry.tags}, {"mlflow.data.context": "training"})
    equal(json.loads(entry.dataset.profile), {"num_rows": 2, "num_elements": 4})
    found = client.search_runs([experiment], "dataset.name = 'people' AND dataset.context = 'training'")
    equal([r.info.run_id for r in found], [with_data.info.run_id])

    step("search_runs: filters, orders, pages, data frames")
    search = lambda query, **more: [r.info.run_id for r in client.search_runs([experiment], query, **more)]  # noqa: E731
    equal(search("metrics.loss < 0.3 AND params.kind = 'boosting' AND tags.stage LIKE 'tr%'"), [parent.info.run_id])
    equal(search("attributes.run_name = 'parent' and status = 'FINISHED'"), [parent.info.run_id])
    equal(search("params.`depth` = '3'"), [parent.info.run_id])
    equal(search("metrics.\"odd/name - 1.x\" >= 2"), [parent.info.run_id])
    equal(search(f"run_id IN ('{children[0]}', '{children[2]}')", order_by=["metrics.score DESC"]), [children[2], children[0]])
    equal(search("params.n ILIKE '%'", order_by=["params.n DESC"], max_results=2), [children[2], children[1]])
    equal(search("metrics.nan != 1"), [odd.info.run_id])
    first = client.search_runs([experiment], "params.n LIKE '%'", order_by=["params.n ASC"], max_results=2)
    second = client.search_runs([experiment], "params.n LIKE '%'", order_by=["params.n ASC"], max_results=2, page_token=first.token)
    equal([r.info.run_id for r in first] + [r.info.run_id for r in second], children)
    equal(second.token, None)
    ordered = client.search_runs([experiment], order_by=["metrics.score DESC"], max_results=3)
    equal([r.info.run_id for r in ordered], children[::-1])
    table = mlflow.search_runs([experiment], filter_string="params.n = '1'")
    equal(list(table["metrics.score"]), [1.0])
    for bad in ["metrics.loss < 'x'", "params.kind = 1", "loss OR x", "metrics.loss < 1 OR metrics.auc > 0", "(metrics.loss < 1)"]:
        refused("INVALID_PARAMETER_VALUE", client.search_runs, [experiment], bad)
    refused("INVALID_PARAMETER_VALUE", client.search_runs, [experiment], page_token="nonsense")

    step("delete and restore")
    client.delete_run(children[0])
    equal(client.get_run(children[0]).info.lifecycle_stage, "deleted")
    equal(search("params.n = '0'"), [])
    equal(search("params.n = '0'", run_view_type=ViewType.DELETED_ONLY), [children[0]])
    equal(len(search("params.n LIKE '%'", run_view_type=ViewType.ALL)), 3)
    refused("INVALID_PARAMETER_VALUE", client.log_metric, children[0], "late", 1.0)
    client.restore_run(children[0])
    client.log_metric(children[0], "late", 1.0)

    step("update_run and set_terminated")
    client.update_run(odd.info.run_id, name="stranger")
    equal(client.get_run(odd.info.run_id).data.tags["mlflow.runName"], "stranger")
    client.set_terminated(odd.info.run_id, "KILLED")
    equal(client.get_run(odd.info.run_id).info.status, "KILLED")
    return parent.info.run_id


def artifacts(client, run_id, work):
    step("artifacts up, listed and down")
    client.log_text(run_id, "hello", "notes/a b.txt")
    client.log_dict(run_id, {"a": 1}, "notes/d.json")
    tree = work / "tree"
    (tree / "deep" / "deeper").mkdir(parents=True)
    (tree / "top.bin").write_bytes(bytes(range(256)) * 4096)
    (tree / "deep" / "deeper" / "ä.txt").write_text("ü", encoding="utf-8")
    (tree / "empty").write_bytes(b"")
    client.log_artifacts(run_id, str(tree), "tree")
    equal([(f.path, f.is_dir) for f in client.list_artifacts(run_id)], [("notes", True), ("tree", True)])
    equal([(f.path, f.is_dir, f.file_size) for f in client.list_artifacts(run_id, "notes")],
          [("notes/a b.txt", False, 5), ("notes/d.json", False, 12)])
    equal([f.path for f in client.list_artifacts(run_id, "tree")], ["tree/deep", "tree/empty", "tree/top.bin"])
    equal(client.list_artifacts(run_id, "notes/d.json"), [])
    equal(client.list_artifacts(run_id, "nothing"), [])
    down = pathlib.Path(client.download_artifacts(run_id, "tree", str(work)))
    equal((down / "top.bin").read_bytes(), bytes(range(256)) * 4096)
    equal((down / "deep" / "deeper" / "ä.txt").read_text(encoding="utf-8"), "ü")
    equal((down / "empty").read_bytes(), b"")
    equal(mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a b.txt"), "hello")
    step("an artifact is written over")
    client.log_text(run_id, "hello again", "notes/a b.txt")
    equal(mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a b.txt"), "hello again")


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
    onnx.checker.check_model(model)
    return model


def pair(first, second):
    return pd.DataFrame({"a": [first], "b": [second]}, dtype=np.float32)


def logged_models(client, experiment, unique):
    step("log_model registers a version and links it to its run")
    name = f"linear {unique}"
    with mlflow.start_run(run_name="model") as run:
        mlflow.log_metric("rmse", 0.125)
        mlflow.log_param("l2", 0.5)
        info = mlflow.onnx.log_model(
            onnx_model(),
            name="linear",
            registered_model_name=name,
        )
    logged = client.get_logged_model(info.model_id)
    equal(str(logged.status), "READY")
    equal(logged.source_run_id, run.info.run_id)
    equal([(m.key, m.value) for m in logged.metrics], [("rmse", 0.125)])
    equal([o.model_id for o in client.get_run(run.info.run_id).outputs.model_outputs], [info.model_id])

    step("a model loads by run, by logged model, by version")
    version = client.get_model_version(name, "1")
    equal(version.status, "READY")
    for uri in [f"runs:/{run.info.run_id}/linear", f"models:/{info.model_id}", f"models:/{name}/1", f"models:/{name}/latest"]:
        model = mlflow.pyfunc.load_model(uri)
        equal(np.ravel(model.predict(pair(3, 1))["y"]).tolist(), [1.0])

    step("logged models: search, tags, params, delete")
    found = client.search_logged_models([experiment], filter_string="name = 'linear' AND metrics.rmse < 0.2")
    equal([m.model_id for m in found], [info.model_id])
    found = client.search_logged_models([experiment], order_by=[{"field_name": "metrics.rmse", "ascending": False}])
    equal(found[0].model_id, info.model_id)
    client.set_logged_model_tags(info.model_id, {"checked": "yes", "by": "ada"})
    client.delete_logged_model_tag(info.model_id, "by")
    tags = client.get_logged_model(info.model_id).tags
    assert tags["checked"] == "yes" and "by" not in tags, tags
    files = sorted(f.path for f in client.list_logged_model_artifacts(info.model_id))
    assert "MLmodel" in files and "model.onnx" in files, files
    external = client.create_logged_model(experiment, name="elsewhere", params={"a": "1"})
    equal(str(external.status), "PENDING")
    client.log_model_params(external.model_id, {"b": "2"})
    equal(client.get_logged_model(external.model_id).params, {"a": "1", "b": "2"})
    equal(str(client.finalize_logged_model(external.model_id, "FAILED").status), "FAILED")
    client.delete_logged_model(external.model_id)
    refused("RESOURCE_DOES_NOT_EXIST", client.get_logged_model, external.model_id)
    refused("INVALID_PARAMETER_VALUE", client.create_logged_model, experiment, name="a/b")
    return name, run.info.run_id, info


def registry(client, name, run_id, info, unique):
    step("registered models: made twice, described, tagged")
    refused("RESOURCE_ALREADY_EXISTS", client.create_registered_model, name)
    refused("RESOURCE_DOES_NOT_EXIST", client.get_registered_model, f"nothing {unique}")
    client.update_registered_model(name, "a line")
    client.set_registered_model_tag(name, "team", "risk")
    client.set_registered_model_tag(name, "gone", "1")
    client.delete_registered_model_tag(name, "gone")
    model = client.get_registered_model(name)
    equal((model.description, model.tags), ("a line", {"team": "risk"}))

    step("versions: numbers, run, source, description, tags")
    second = mlflow.register_model(f"runs:/{run_id}/linear", name, tags={"try": "2"})
    equal(str(second.version), "2")
    third = client.create_model_version(name, info.model_uri, run_id=run_id, model_id=info.model_id, description="third")
    equal((str(third.version), third.run_id, third.description), ("3", run_id, "third"))
    client.update_model_version(name, "3", "the third")
    client.set_model_version_tag(name, "3", "risk", "low")
    client.set_model_version_tag(name, "3", "gone", "1")
    client.delete_model_version_tag(name, "3", "gone")
    third = client.get_model_version(name, "3")
    equal((third.description, third.tags), ("the third", {"risk": "low"}))
    assert client.get_model_version_download_uri(name, "1")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version, name, "99")

    step("aliases")
    client.set_registered_model_alias(name, "champion", "1")
    client.set_registered_model_alias(name, "challenger", "2")
    equal(str(client.get_model_version_by_alias(name, "champion").version), "1")
    client.set_registered_model_alias(name, "champion", "2")
    equal(str(client.get_model_version_by_alias(name, "champion").version), "2")
    equal(sorted(client.get_model_version(name, "2").aliases), ["challenger", "champion"])
    equal({a: str(v) for a, v in client.get_registered_model(name).aliases.items()}, {"champion": "2", "challenger": "2"})
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    equal(np.ravel(model.predict(pair(2, 1))["y"]).tolist(), [0.0])
    client.delete_registered_model_alias(name, "challenger")
    refused("INVALID_PARAMETER_VALUE", client.get_model_version_by_alias, name, "challenger")
    for bad in ["latest", "v3", "a b"]:
        refused("INVALID_PARAMETER_VALUE", client.set_registered_model_alias, name, bad, "1")

    step("stages")
    equal(client.transition_model_version_stage(name, "1", "Staging").current_stage, "Staging")
    client.transition_model_version_stage(name, "1", "production")
    client.transition_model_version_stage(name, "2", "Production", archive_existing_versions=True)
    equal(client.get_model_version(name, "1").current_stage, "Archived")
    equal([str(v.version) for v in client.get_latest_versions(name, ["Production"])], ["2"])
    equal(sorted((v.current_stage, str(v.version)) for v in client.get_latest_versions(name)),
          [("Archived", "1"), ("None", "3"), ("Production", "2")])
    assert mlflow.pyfunc.load_model(f"models:/{name}/Production")
    refused("INVALID_PARAMETER_VALUE", client.transition_model_version_stage, name, "1", "Live")

    step("searches of models and versions")
    equal([m.name for m in client.search_registered_models(f"name LIKE 'linear {unique}%'")], [name])
    equal([m.name for m in client.search_registered_models(f"tags.team = 'risk' AND name = '{name}'")], [name])
    found = client.search_model_versions(f"name = '{name}'", order_by=["version_number ASC"])
    equal([str(v.version) for v in found], ["1", "2", "3"])
    equal([str(v.version) for v in client.search_model_versions(f"name = '{name}' AND tags.risk = 'low'")], ["3"])
    equal(len(client.search_model_versions(f"run_id = '{run_id}'")), 3)
    first = client.search_model_versions(f"name = '{name}'", max_results=2, order_by=["version_number DESC"])
    equal([str(v.version) for v in first], ["3", "2"])
    rest = client.search_model_versions(f"name = '{name}'", max_results=2, order_by=["version_number DESC"], page_token=first.token)
    equal([str(v.version) for v in rest], ["1"])
    refused("INVALID_PARAMETER_VALUE", client.search_model_versions, "colour = 'red'")

    step("sources that lead elsewhere are refused")
    for source in ["/etc/passwd", "file:///etc", "http://169.254.169.254/latest", "mlflow-artifacts:/../../etc"]:
        refused("INVALID_PARAMETER_VALUE", client.create_model_version, name, source, run_id=run_id)

    step("versions and models are deleted; numbers are not used again")
    client.delete_model_version(name, "3")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version, name, "3")
    equal(str(client.create_model_version(name, info.model_uri, run_id=run_id, model_id=info.model_id).version), "4")
    client.create_registered_model(f"short-lived {unique}", tags={"a": "1"}, description="d")
    client.rename_registered_model(f"short-lived {unique}", f"renamed {unique}")
    equal(client.get_registered_model(f"renamed {unique}").tags, {"a": "1"})
    client.delete_registered_model(f"renamed {unique}")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_registered_model, f"renamed {unique}")
    for bad in ["a/b", "a:b", ""]:
        refused("INVALID_PARAMETER_VALUE", client.create_registered_model, bad)


def webhooks(client, unique):
    """Needs a server that may call http on loopback, which MLflow's own does not."""
    got = queue.Queue()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.put((self.headers, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def delivered(event):
        headers, body = got.get(timeout=20)
        signed = b".".join([headers["X-MLflow-Delivery-Id"].encode(), headers["X-MLflow-Timestamp"].encode(), body])
        digest = hmac.new(b"a secret", signed, hashlib.sha256).digest()
        equal(headers["X-MLflow-Signature"], "v1," + base64.b64encode(digest).decode())
        assert abs(int(headers["X-MLflow-Timestamp"]) - time.time()) < 60
        body = json.loads(body)
        equal(f"{body['entity']}.{body['action']}", event)
        return body["data"]

    step("webhooks: made, tested, signed, changed, deleted")
    events = ["registered_model.created", "model_version.created", "model_version_tag.set", "model_version_alias.created"]
    url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    hook = client.create_webhook(f"hook-{unique[:8]}", url, events, secret="a secret", description="for tests")
    equal([w.webhook_id for w in client.list_webhooks() if w.name == hook.name], [hook.webhook_id])
    equal(client.get_webhook(hook.webhook_id).description, "for tests")
    equal(client.test_webhook(hook.webhook_id).success, True)
    equal(delivered("registered_model.created")["name"], "example_model")
    name = f"told {unique}"
    client.create_registered_model(name)
    equal(delivered("registered_model.created")["name"], name)
    client.create_model_version(name, "s3://bucket/model")
    equal(delivered("model_version.created")["version"], "1")
    client.set_model_version_tag(name, "1", "a", "b")
    equal(delivered("model_version_tag.set"), {"name": name, "version": "1", "key": "a", "value": "b"})
    client.set_registered_model_alias(name, "live", "1")
    equal(delivered("model_version_alias.created"), {"name": name, "alias": "live", "version": "1"})
    client.update_webhook(hook.webhook_id, status="DISABLED")
    equal(str(client.get_webhook(hook.webhook_id).status), "DISABLED")
    client.delete_webhook(hook.webhook_id)
    refused("RESOURCE_DOES_NOT_EXIST", client.get_webhook, hook.webhook_id)
    server.shutdown()


def ours_only(uri):
    step("a body that is not JSON, an unknown path: errors as JSON")

    def status(path, body=None, method=None):
        headers = {"Content-Type": "application/json"}
        token = os.environ.get("MLFLOW_TRACKING_TOKEN")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(uri + path, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    code, body = status("/api/2.0/mlflow/runs/search", b"{not json", "POST")
    equal((code, json.loads(body)["error_code"]), (400, "BAD_REQUEST"))
    code, body = status("/api/2.0/mlflow/nothing/here")
    equal((code, json.loads(body)["error_code"]), (404, "ENDPOINT_NOT_FOUND"))
    equal(status("/health"), (200, b"OK"))
    equal(status("/version"), (200, b"3.17.2"))
    code, body = status("/ajax-api/2.0/mlflow/experiments/get?experiment_id=0")
    equal((code, json.loads(body)["experiment"]["name"]), (200, "Default"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("uri")
    parser.add_argument("--ours", action="store_true", help="also what MLflow's own server does wrong")
    parser.add_argument("--webhooks", action="store_true", help="webhooks too, to a receiver on loopback")
    arguments = parser.parse_args()
    mlflow.set_tracking_uri(arguments.uri)
    client = MlflowClient()
    unique = f"{time.time_ns():x}"
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        experiment = experiments(client, unique)
        run_id = runs(client, experiment, unique, arguments.ours)
        artifacts(client, run_id, work)
        name, model_run, info = logged_models(client, experiment, unique)
        registry(client, name, model_run, info, unique)
    if arguments.ours:
        ours_only(arguments.uri)
    if arguments.webhooks:
        webhooks(client, unique)
    print(f"{steps} steps, all as expected")


if __name__ == "__main__":
    sys.exit(main())
