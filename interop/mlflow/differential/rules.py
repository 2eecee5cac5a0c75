"""Every route with every field left out, empty, of another type and at its limit; wrong bodies, methods and paths."""

import json

from routes import FIELDS, routes

FORBIDDEN = "!@#$%^&*()+={}[]|\\;'\"<>,?~`\t\n\x00\x7f"
KEYS = ([f"a{c}b" for c in FORBIDDEN] + [
    "", " ", ".", "..", "../a", "./a", "a/", "/a", "a//b", "a/./b", "a/../b", "a/..", "...", "..a", "a..b", " a", "a ",
    "ä", "名", "a:b", "a b/c.d-e_f", "-", "e\u0301", "\u202e", "🙂"
] + ["k" * 250, "k" * 251, "ä" * 250, "ä" * 251])
WRONG = [None, "", 70_000_007, -1, 1.5, True, [], ["x"], {}, {"a": 1}, "x"]
IDS = [
    "x", "-", "../x", "0" * 31, "A" * 32, "g" * 32, "x" * 256, "x" * 257, "é", "a b", "0" * 32, "m-" + "0" * 32, "m-x",
    "1", "0"
]
EXPERIMENTS = [
    "x", "-1", "1.0", "1e3", "99999999999999999999", "9223372036854775807", "9223372036854775808", "a" * 65, "../1", "é"
]


class Rules:
    # how many of the cases a session tries
    size = 150

    def __init__(self, pair, rng, unique):
        self.pair = pair
        self.rng = rng
        self.unique = unique
        self.count = 0

    def fresh(self):
        self.count += 1
        return f"{self.unique} {self.count}"

    def run(self):
        pair = self.pair
        self.experiment = pair.client("create_experiment", self.fresh()).new("experiment")
        self.one_run = self.new_run()
        self.model = self.new_model()
        self.logged = self.new_logged()
        cases = [*self.types(), *self.keys(), *self.names(), *self.limits(), *self.ids(), *self.pages(), *self.bodies()]
        # a part of them for each seed, unless all are asked for
        chosen = cases if self.size >= len(cases) else self.rng.sample(cases, self.size)
        for case in chosen:
            case()

    def new_run(self):
        return self.pair.client("create_run", self.experiment, start_time=1, run_name="one").new("run")

    def new_model(self):
        name = self.fresh()
        self.pair.client("create_registered_model", name)
        self.pair.raw("POST", "/model-versions/create", {"name": name, "source": "s3://bucket/x"})
        return name

    def new_logged(self):
        return self.pair.client("create_logged_model", self.experiment, name="one").new("model")

    def send(self, method, path, body):
        place = path.format(
            **{key: value
               for key, value in body.items() if isinstance(value, str)}
        ) if "{" in path else path
        if method == "GET":
            return self.pair.raw(method, place, query={key: value for key, value in body.items() if value is not None})
        return self.pair.raw(method, place, body)

    def types(self):
        for method, path, valid in routes(self):
            yield lambda m=method, p=path, v=valid: self.send(m, p, v())
            yield lambda m=method, p=path, v=valid: self.send(m, p, v() | {"unknown": {"a": [1]}, "z": "x"})
            if "search" not in path and method != "DELETE":
                yield lambda m=method, p=path, v=valid: self.pair.raw(
                    m, p.format(model_id=self.logged), {} if m != "GET" else None
                )
            for field in FIELDS[path]:
                yield lambda m=method, p=path, v=valid, f=field: self.send(
                    m, p, {k: x
                           for k, x in v().items() if k != f}
                )
                for value in WRONG if method != "GET" else ["", "x", "-1", "1.5", "70000007"]:
                    yield lambda m=method, p=path, v=valid, f=field, x=value: self.send(m, p, v() | {f: x})
        lists = [("/runs/log-batch", ["metrics", "params", "tags"]), ("/runs/create", ["tags"]),
                 ("/experiments/create", ["tags"]), ("/registered-models/create", ["tags"])]
        for path, fields in lists:
            valid = next(v for m, p, v in routes(self) if p == path)
            for field in fields:
                for entry in [
                    None, 7, "x", [], {}, {"key": ""}, {"key": "b"}, {"value": "1"}, {"key": 7, "value": "1"},
                    {"key": "b", "value": 7}, {"key": "b", "value": None}, {"key": "b", "value": "1", "x": 1}
                ]:
                    yield lambda p=path, v=valid, f=field, e=entry: self.send("POST", p, v() | {f: [e]})
        for value in [
            0, -1, 1e308, -1e308, 1e-320, "1.5", "NaN", "nan", "Infinity", "-Infinity", "inf", "x", "1e400", True,
            False, 2**70, " 1 "
        ]:
            yield lambda x=value: self.metric(value=x)
        for value in [
            0, 1, -1, "5", 1.0, 1.5, 2**53, 2**63 - 1, 2**63, -(2**63), "x", "1.5", True, 10**15, 253402300800000
        ]:
            yield lambda x=value: self.metric(timestamp=x)
            yield lambda x=value: self.metric(step=x)
            yield lambda x=value: self.pair.raw(
                "POST", "/runs/create", {"experiment_id": self.experiment, "start_time": x, "run_name": "one"}
            )
            yield lambda x=value: self.pair.raw("POST", "/runs/update", {"run_id": self.new_run(), "end_time": x})
        for status in ["RUNNING", "running", "SCHEDULED", "FINISHED", "KILLED", 1, 2, 3, 4, 5, 6, 0, "1", "UNKNOWN"]:
            yield lambda x=status: self.pair.raw("POST", "/runs/update", {"run_id": self.new_run(), "status": x})
        for status in [
            "LOGGED_MODEL_READY", "LOGGED_MODEL_PENDING", "LOGGED_MODEL_UPLOAD_FAILED", "READY", 1, 2, 3, 0, 9,
            "LOGGED_MODEL_STATUS_UNSPECIFIED", ""
        ]:
            yield lambda x=status: self.send(
                "PATCH", "/logged-models/{model_id}", {"model_id": self.new_logged(), "status": x}
            )
        for view in ["ACTIVE_ONLY", "DELETED_ONLY", "ALL", "all", 1, 2, 3, 0, 4, "1", ""]:
            yield lambda x=view: self.pair.raw(
                "POST", "/runs/search",
                {"experiment_ids": [self.experiment], "filter": "metrics.never > 1", "run_view_type": x}
            )
            yield lambda x=view: self.pair.raw(
                "POST", "/experiments/search", {"filter": "name = 'never'", "view_type": x}
            )
            yield lambda x=view: self.pair.raw(
                "GET", "/experiments/search", query={"filter": "name = 'never'", "view_type": x}
            )

    def metric(self, **more):
        run = self.new_run()
        body = {"run_id": run, "key": "a", "value": 1.0, "timestamp": 1, "step": 0} | more
        if self.pair.raw("POST", "/runs/log-metric", body).ok:
            self.pair.client("get_run", run)
        run = body.pop("run_id")
        self.pair.raw("POST", "/runs/log-batch", {"run_id": run, "metrics": [body]})

    def keys(self):
        for key in KEYS:

            def case(key=key):
                run, pair = self.new_run(), self.pair
                experiment = pair.client("create_experiment", self.fresh()).new("experiment")
                pair.raw("POST", "/runs/log-metric", {"run_id": run, "key": key, "value": 1, "timestamp": 1})
                pair.raw("POST", "/runs/log-parameter", {"run_id": run, "key": key, "value": "1"})
                pair.raw("POST", "/runs/set-tag", {"run_id": run, "key": key, "value": "1"})
                for field in ("params", "tags"):
                    pair.raw("POST", "/runs/log-batch", {"run_id": run, field: [{"key": key, "value": "1"}]})
                pair.raw(
                    "POST", "/experiments/set-experiment-tag", {"experiment_id": experiment, "key": key, "value": "1"}
                )
                pair.raw("POST", "/registered-models/set-tag", {"name": self.model, "key": key, "value": "1"})
                pair.raw(
                    "POST", "/model-versions/set-tag", {"name": self.model, "version": "1", "key": key, "value": "1"}
                )
                pair.client("get_run", run)
                pair.client("get_experiment", experiment)

            yield case
            yield lambda key=key: self.pair.raw(
                "POST", "/runs/create", {
                    "experiment_id": self.experiment, "run_name": "one", "start_time": 1,
                    "tags": [{"key": key, "value": "1"}]
                }
            )
            yield lambda key=key: self.pair.raw(
                "POST", "/experiments/create", {"name": self.fresh(), "tags": [{"key": key, "value": "1"}]}
            )
            yield lambda key=key: self.pair.raw(
                "POST", "/registered-models/create", {"name": self.fresh(), "tags": [{"key": key, "value": "1"}]}
            )
            yield lambda key=key: self.pair.raw(
                "POST", "/logged-models",
                {"experiment_id": self.experiment, "name": "one", "tags": [{"key": key, "value": "1"}]}
            )
            yield lambda key=key: self.pair.raw(
                "POST", "/logged-models",
                {"experiment_id": self.experiment, "name": "one", "params": [{"key": key, "value": "1"}]}
            )
            yield lambda key=key: self.pair.raw("POST", "/runs/delete-tag", {"run_id": self.one_run, "key": key})
            yield lambda key=key: self.pair.raw(
                "GET", "/metrics/get-history", query={"run_id": self.one_run, "metric_key": key}
            )

    def names(self):
        odd = [
            "", " ", "/", "a/b", "a:b", ".", "..", "a/..", "./a", "a\\b", "a%2Fb", "a%b", "ä", "名", "a\nb", "a\x00b",
            "a\tb", " a", "a ", "🙂", "a'b", "a\"b", "a`b", "a.b", "-", "x" * 250
        ]
        lengths = ["x" * n for n in (255, 256, 257, 499, 500, 501, 1000)] + ["ä" * 500]
        for name in odd + lengths:
            unique = (lambda n=name: n) if not name.strip(" ./\\") or len(name) > 400 else (
                lambda n=name: f"{n}{self.fresh()}" if len(n) < 200 else n[:-20] + self.fresh()[-20:].rjust(20, "y")
            )
            yield lambda u=unique: self.pair.raw("POST", "/experiments/create", {"name": u()})
            yield lambda u=unique: self.pair.raw(
                "POST", "/experiments/update", {"experiment_id": self.experiment, "new_name": u()}
            )
            yield lambda u=unique: self.pair.raw("POST", "/registered-models/create", {"name": u()})
            yield lambda u=unique: self.pair.raw(
                "POST", "/registered-models/rename", {"name": self.new_model(), "new_name": u()}
            )
            yield lambda n=name: self.pair.raw("POST", "/logged-models", {"experiment_id": self.experiment, "name": n})
            yield lambda n=name: self.pair.raw(
                "POST", "/runs/create", {"experiment_id": self.experiment, "start_time": 1, "run_name": n}
            )
            yield lambda n=name: self.pair.raw("POST", "/runs/update", {"run_id": self.new_run(), "run_name": n})
            yield lambda n=name: self.pair.raw("GET", "/registered-models/get", query={"name": n})
            yield lambda n=name: self.pair.raw(
                "GET", "/experiments/get-by-name", query={"experiment_name": n + " never"}
            )
            yield lambda n=name: self.pair.raw("GET", "/model-versions/get", query={"name": n, "version": "1"})
        for alias in [
            "a", "A", "_", "-", "a-b_c", "ä", "名", "1", "v", "v1", "V2", "vv1", "v1a", "latest", "LATEST", "latest1",
            "a b", "a.b", "a/b", "a\n", "", "a" * 255, "a" * 256
        ]:
            yield lambda a=alias: self.alias(a)
        for stage in [
            "None", "none", "Staging", "STAGING", "production", "Archived", "archived", "Live", "", " Staging",
            "staging "
        ]:
            for archive in [True, False, None, "true", 1]:
                yield lambda s=stage, a=archive: self.pair.raw(
                    "POST", "/model-versions/transition-stage",
                    {"name": self.new_model(), "version": "1", "stage": s, "archive_existing_versions": a}
                )
        for version in [
            "1", 1, "01", "1.0", " 1", "x", "", "0", "-1", "2", "99999999999999999999", "1e0", 1.0, True, None
        ]:
            yield lambda v=version: self.pair.raw(
                "PATCH", "/model-versions/update", {"name": self.model, "version": v, "description": "d"}
            )
            yield lambda v=version: self.pair.raw(
                "GET", "/model-versions/get", query={"name": self.model, "version": "" if v is None else v}
            )
            yield lambda v=version: self.pair.raw(
                "POST", "/registered-models/alias", {"name": self.new_model(), "alias": "a", "version": v}
            )
        for source in [
            "", "x", "/etc/passwd", "file:///etc", "s3://bucket/x", "s3://bucket/../x", "s3://bucket/a%2e%2e/x",
            "s3://bucket/x?a=b", "s3://bucket/x#y", "http://host/x", "https://host/x", "dbfs:/x", "gs://b/x",
            "mlflow-artifacts:/../../etc", "mlflow-artifacts:/x", "mlflow-artifacts://host/x", "models:/",
            "models:/nothing/1", "models:/m-" + "0" * 32, "models://host/x/1", "runs:/", "runs:/x", "runs:/x/y",
            "hdfs://h/x", "ftp://h/x", "models:/nothing/latest", "models:/nothing@a", "S3://bucket/x", "s3:/bucket/x",
            "s3://", "abfss://c@h/x", "wasbs://c@h/x"
        ]:
            yield lambda s=source: self.pair.raw(
                "POST", "/model-versions/create", {"name": self.new_model(), "source": s}
            )
            yield lambda s=source: self.pair.raw(
                "POST", "/model-versions/create", {"name": self.new_model(), "source": s, "run_id": self.one_run}
            )
            yield lambda s=source: self.pair.raw(
                "POST", "/experiments/create", {"name": self.fresh(), "artifact_location": s}
            )
        for source in [
            "runs:/{run}/model", "runs:/{run}", "runs:/{run}/../x", "runs:/{run}/",
            "mlflow-artifacts:/{experiment}/{run}/artifacts", "mlflow-artifacts:/{experiment}/{run}/artifacts/model",
            "mlflow-artifacts:/{experiment}/{run}/artifacts/../../x",
            "mlflow-artifacts:/{experiment}/{run}/artifacts/%2e%2e/x", "models:/{logged}", "models:/{name}/1",
            "models:/{name}/9", "models:/{name}/latest", "models:/{name}/None", "models:/{name}@a"
        ]:
            for extra in [{}, {"run_id": "{run}"}, {"model_id": "{logged}"},
                          {"run_id": "{run}",
                           "model_id": "{logged}"}, {"run_id": "0" * 32}, {"model_id": "m-" + "0" * 32}]:
                yield lambda s=source, e=extra: self.version(s, e)

    def alias(self, alias):
        name = self.new_model()
        self.pair.raw("POST", "/registered-models/alias", {"name": name, "alias": alias, "version": "1"})
        self.pair.raw("GET", "/registered-models/alias", query={"name": name, "alias": alias})
        self.pair.raw("DELETE", "/registered-models/alias", {"name": name, "alias": alias})
        self.pair.client("get_registered_model", name)

    def version(self, source, extra):
        fill = lambda text: text.format(
            run=self.one_run, experiment=self.experiment, logged=self.logged, name=self.model
        )  # noqa: E731
        self.pair.raw(
            "POST", "/model-versions/create",
            {"name": self.new_model(), "source": fill(source)} | {key: fill(value)
                                                                  for key, value in extra.items()}
        )

    def limits(self):
        for size in (5999, 6000, 6001, 20000):
            yield lambda n=size: self.logs({"params": [{"key": "a", "value": "é" * n}]})
            yield lambda n=size: self.single("/runs/log-parameter", n)
            yield lambda n=size: self.pair.raw(
                "POST", "/logged-models",
                {"experiment_id": self.experiment, "name": "one", "params": [{"key": "a", "value": "x" * n}]}
            )
        for size in (7999, 8000, 8001, 20000):
            yield lambda n=size: self.logs({"tags": [{"key": "a", "value": "é" * n}]})
            yield lambda n=size: self.single("/runs/set-tag", n)
            yield lambda n=size: self.pair.raw(
                "POST", "/runs/create", {
                    "experiment_id": self.experiment, "run_name": "one", "start_time": 1,
                    "tags": [{"key": "a", "value": "x" * n}]
                }
            )
            yield lambda n=size: self.pair.raw(
                "POST", "/logged-models",
                {"experiment_id": self.experiment, "name": "one", "tags": [{"key": "a", "value": "x" * n}]}
            )
            yield lambda n=size: self.send(
                "PATCH", "/logged-models/{model_id}/tags",
                {"model_id": self.new_logged(), "tags": [{"key": "a", "value": "x" * n}]}
            )
        for size in (19999, 20000, 20001):
            yield lambda n=size: self.pair.raw(
                "POST", "/experiments/set-experiment-tag",
                {"experiment_id": self.experiment, "key": "a", "value": "x" * n}
            )
            yield lambda n=size: self.pair.raw(
                "POST", "/experiments/create", {"name": self.fresh(), "tags": [{"key": "a", "value": "x" * n}]}
            )
        for size in (99_999, 100_000, 100_001):
            yield lambda n=size: self.pair.raw(
                "POST", "/registered-models/set-tag", {"name": self.model, "key": "a", "value": "x" * n}
            )
            yield lambda n=size: self.pair.raw(
                "POST", "/model-versions/set-tag", {"name": self.model, "version": "1", "key": "a", "value": "x" * n}
            )
            yield lambda n=size: self.pair.raw(
                "POST", "/registered-models/create", {"name": self.fresh(), "description": "x" * (n // 20)}
            )
        points = lambda n: [{"key": f"m{i % 7}", "value": i, "timestamp": i, "step": i} for i in range(n)]  # noqa: E731
        texts = lambda n: [{"key": f"k{i}", "value": str(i)} for i in range(n)]  # noqa: E731
        for metrics, params, tags in [(999, 0, 0), (1000, 0, 0), (1001, 0, 0), (0, 99, 0), (0, 100, 0), (0, 101, 0),
                                      (0, 0, 100), (0, 0, 101), (800, 100, 100), (801, 100, 100), (900, 100, 0),
                                      (901, 100, 0), (0, 0, 0)]:
            yield lambda m=metrics, p=params, t=tags: self.logs({
                "metrics": points(m), "params": texts(p), "tags": texts(t)
            })
        yield lambda: self.logs({"params": [{"key": "a", "value": "1"}, {"key": "a", "value": "1"}]})
        yield lambda: self.logs({"params": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]})
        yield lambda: self.logs({"tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]})
        yield lambda: self.logs({"metrics": points(3) * 2})
        yield lambda: self.logs({"metrics": [*points(3), {"key": "a!", "value": 1, "timestamp": 1}], "tags": texts(2)})
        yield lambda: self.logs({"params": [*texts(3), {"key": "..", "value": "1"}], "metrics": points(2)})
        for count in (100, 101, 1000, 1001):
            yield lambda n=count: self.pair.raw(
                "POST", "/runs/create",
                {"experiment_id": self.experiment, "run_name": "one", "start_time": 1, "tags": texts(n)}
            )
            yield lambda n=count: self.pair.raw("POST", "/experiments/create", {"name": self.fresh(), "tags": texts(n)})
            yield lambda n=count: self.pair.raw(
                "POST", "/registered-models/create", {"name": self.fresh(), "tags": texts(n)}
            )
            yield lambda n=count: self.pair.raw(
                "POST", "/logged-models",
                {"experiment_id": self.experiment, "name": "one", "tags": texts(n), "params": texts(n)}
            )
            yield lambda n=count: self.dataset({}, count=n)
        for field, size in [("name", 500), ("digest", 36), ("source", 65_535), ("schema", 1_048_575),
                            ("source_type", 500), ("profile", 1_000_000)]:
            for more in (-1, 0, 1):
                yield lambda f=field, n=size + more: self.dataset({f: "x" * n})
        for field, size in [("key", 255), ("value", 500)]:
            for more in (-1, 0, 1):
                yield lambda f=field, n=size + more: self.dataset({}, tag={"key": "a", "value": "1"} | {f: "x" * n})
        for field in ("name", "digest", "source", "source_type"):
            for value in (None, "", 7, " "):
                yield lambda f=field, x=value: self.dataset({f: x})

    def logs(self, body):
        run = self.new_run()
        self.pair.raw("POST", "/runs/log-batch", {"run_id": run} | body)
        self.pair.client("get_run", run)

    def single(self, path, size):
        run = self.new_run()
        self.pair.raw("POST", path, {"run_id": run, "key": "a", "value": "x" * size})
        self.pair.client("get_run", run)

    def dataset(self, more, tag=None, count=1):
        # one of its own: of the same name and digest the first counts
        self.fresh()
        run = self.new_run()
        one = {"name": "d", "digest": f"n{self.count}", "source_type": "local", "source": "here"} | more
        entries = [{"dataset": one | ({"digest": f"x{i}"} if count > 1 else {}), "tags": [tag] if tag else []}
                   for i in range(count)]
        if self.pair.raw("POST", "/runs/log-inputs", {"run_id": run, "datasets": entries}).ok:
            self.pair.client("get_run", run)

    def ids(self):
        for id in IDS:
            for method, path, body in [("GET", "/runs/get", {}), ("POST", "/runs/update", {"status": "FAILED"}),
                                       ("POST", "/runs/delete", {}), ("POST", "/runs/restore", {}),
                                       ("POST", "/runs/log-metric", {"key": "a", "value": 1, "timestamp": 1}),
                                       ("POST", "/runs/log-batch", {}),
                                       ("POST", "/runs/set-tag", {"key": "a", "value": "1"}),
                                       ("POST", "/runs/delete-tag", {"key": "a"}), ("POST", "/runs/log-inputs", {}),
                                       ("GET", "/artifacts/list", {}),
                                       ("POST", "/runs/log-parameter", {"key": "a", "value": "1"}),
                                       ("POST", "/runs/outputs", {"models": [{"model_id": self.logged, "step": 0}]})]:
                yield lambda m=method, p=path, b=body, i=id: self.send(m, p, b | {"run_id": i})
                yield lambda m=method, p=path, b=body, i=id: self.send(m, p, b | {"run_uuid": i})
            for method, path, body in [("GET", "/logged-models/{model_id}", {}),
                                       ("PATCH", "/logged-models/{model_id}", {"status": "LOGGED_MODEL_READY"}),
                                       ("DELETE", "/logged-models/{model_id}", {}),
                                       ("PATCH", "/logged-models/{model_id}/tags", {"tags": []}),
                                       ("POST", "/logged-models/{model_id}/params", {"params": []})]:
                if "/" not in id:
                    yield lambda m=method, p=path, b=body, i=id: self.send(m, p, b | {"model_id": i})
            yield lambda i=id: self.pair.raw(
                "POST", "/runs/log-metric",
                {"run_id": self.one_run, "key": "a", "value": 1, "timestamp": 1, "model_id": i}
            )
            yield lambda i=id: self.pair.raw(
                "POST", "/logged-models", {"experiment_id": self.experiment, "name": "one", "source_run_id": i}
            )
            yield lambda i=id: self.pair.raw(
                "POST", "/runs/outputs", {"run_id": self.one_run, "models": [{"model_id": i, "step": 1}]}
            )
            yield lambda i=id: self.pair.raw(
                "POST", "/runs/log-inputs", {"run_id": self.one_run, "models": [{"model_id": i}]}
            )
        for id in EXPERIMENTS:
            for method, path, body in [("GET", "/experiments/get", {}),
                                       ("POST", "/experiments/update", {"new_name": "x"}),
                                       ("POST", "/experiments/delete", {}), ("POST", "/experiments/restore", {}),
                                       ("POST", "/runs/create", {"start_time": 1}),
                                       ("POST", "/experiments/set-experiment-tag", {"key": "a", "value": "1"}),
                                       ("POST", "/logged-models", {"name": "one"})]:
                yield lambda m=method, p=path, b=body, i=id: self.send(m, p, b | {"experiment_id": i})
            yield lambda i=id: self.pair.raw("POST", "/runs/search", {"experiment_ids": [i]})
            yield lambda i=id: self.pair.raw("POST", "/logged-models/search", {"experiment_ids": [i]})

    def pages(self):
        searches = [
            ("POST", "/runs/search", {"experiment_ids": [self.experiment], "filter": "metrics.never > 1"}),
            ("POST", "/experiments/search", {"filter": "name = 'never'"}),
            ("GET", "/registered-models/search", {"filter": "name = 'never'"}),
            ("GET", "/model-versions/search", {"filter": "name = 'never'"}),
            ("POST", "/logged-models/search", {"experiment_ids": [self.experiment], "filter": "name = 'never'"}),
            ("GET", "/metrics/get-history", {"run_id": self.one_run, "metric_key": "never"})
        ]
        for method, path, body in searches:
            for size in [
                0, 1, -1, 100, 1000, 1001, 25000, 25001, 50000, 50001, 200_000, 200_001, 10**6, 10**12, "5", "x", 1.5,
                ""
            ]:
                yield lambda m=method, p=path, b=body, n=size: self.send(m, p, b | {"max_results": n})
            for token in ["x", "", "=", "eyJvZmZzZXQiOiAxfQ==", "eyJvZmZzZXQiOiAieCJ9", "é", "0" * 64]:
                yield lambda m=method, p=path, b=body, t=token: self.send(m, p, b | {"page_token": t})

    def bodies(self):
        for path in [
            "/runs/search", "/runs/create", "/experiments/create", "/runs/log-batch", "/registered-models/create",
            "/logged-models"
        ]:
            for data in [
                "", " ", "{", "{not json", "[]", "7", "null", "\"x\"", "\"{}\"", "{} {}", "{\"a\": NaN}", "\xff",
                "{\"experiment_ids\": [", "[{\"name\": \"x\"}]"
            ]:
                yield lambda p=path, d=data: self.pair.raw("POST", p, data=d)
            for kind in [
                "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8",
                "multipart/form-data", ""
            ]:
                yield lambda p=path, k=kind: self.pair.raw("POST", p, data="{}", headers={"Content-Type": k})
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"]:
            for path in [
                "/experiments/create", "/experiments/get", "/runs/get", "/runs/search", "/registered-models/get",
                "/registered-models/update", "/model-versions/delete", "/metrics/get-history", "/logged-models",
                "/nothing", "/runs", "/", "/runs/get/", "/runs//get"
            ]:
                yield lambda m=method, p=path: self.pair.raw(m, p, {} if m != "GET" else None)
        for path in [
            "/api/2.0/mlflow", "/api/2.0", "/api/1.0/mlflow/runs/get", "/api/3.0/mlflow/runs/get",
            "/ajax-api/2.0/mlflow/runs/get", "/health", "/version", "/nothing", "/api/2.0/mlflow/../mlflow/runs/get"
        ]:
            yield lambda p=path: self.pair.raw("GET", p, base="")
        for run in [{"run_id": self.one_run, "run_uuid": "0" * 32}, {"run_uuid": self.one_run},
                    {"run_id": "", "run_uuid": self.one_run}]:
            yield lambda r=run: self.send("POST", "/runs/set-tag", r | {"key": "a", "value": "1"})
            yield lambda r=run: self.send("POST", "/runs/log-metric", r | {"key": "a", "value": 1, "timestamp": 1})
        yield lambda: self.send(
            "POST", "/runs/log-model", {
                "run_id": self.one_run, "model_json": json.
                dumps({"artifact_path": "m", "flavors": {}, "utc_time_created": "2026", "run_id": "x"})
            }
        )
        for text in ["", "x", "{}", "[]", "7", json.dumps({"artifact_path": "m"})]:
            yield lambda t=text: self.send("POST", "/runs/log-model", {"run_id": self.one_run, "model_json": t})
