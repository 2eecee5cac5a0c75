"""Searches of MLflow over runs, experiments, registered models, versions and logged models.

Writes `search.json`: what the store was filled with, and for each search which results came in which
order, or that it was refused. Version: mlflow 3.17.2 (SQLAlchemy store on SQLite).

    pip install mlflow==3.17.2
    python search.py DIRECTORY > search.json
"""

import itertools
import json
import math
import random
import sys
import uuid

import mlflow
from mlflow.entities import (
    Dataset, DatasetInput, ExperimentTag, InputTag, LoggedModelParameter, LoggedModelStatus,
    LoggedModelTag, Metric, Param, RunStatus, RunTag, ViewType,
)
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as ModelStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

assert mlflow.__version__ == "3.17.2"
directory = sys.argv[1]
rng = random.Random(7)
uuid.uuid4 = lambda: uuid.UUID(int=rng.getrandbits(128), version=4)
url = f"sqlite:///{directory}/golden.db"
store = SqlAlchemyStore(url, f"{directory}/artifacts")
models = ModelStore(url)

TEXTS = ["adam", "Adam", "sgd", "SGD", "", "a%b", "a_b", "axb", "é", "É", "it''s", "10", "9", "0.1", " x ", 'q"q']
NUMBERS = [-1.5, -1.0, 0.0, 0.25, 0.5, 0.5, 0.75, 1.0, 2.0, 1e-8, 1e9]
STATUSES = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]


def number():
    odd = rng.random()
    if odd < 0.1:
        return math.nan
    if odd < 0.15:
        return math.inf
    if odd < 0.2:
        return -math.inf
    return rng.choice(NUMBERS)


def word(value):
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


experiments, runs = [], []
for name in ["one", "two/deep", "Three"]:
    location = f"mlflow-artifacts:/{name}"
    experiments.append(store.create_experiment(name, location))
for index in range(160):
    experiment = rng.choice(experiments)
    tags = {"mlflow.runName": rng.choice(TEXTS[:4] + ["run 1", "Run 1"])}
    for key in ["team", "mlflow.source.name", "k-1"]:
        if rng.random() < 0.7:
            tags[key] = rng.choice(TEXTS)
    start = 1_000 + 10 * rng.randrange(40)
    user = rng.choice(["ada", "Ada", "bob"])
    run = store.create_run(experiment, user, start, [RunTag(k, v) for k, v in tags.items()], None)
    run_id = run.info.run_id
    metrics = {}
    for key in ["acc", "loss", "val loss", "m.x"]:
        if rng.random() < 0.8:
            # one point a moment: of two at once MLflow takes NaN for 0, and we take it for the latest
            moments = {(rng.randrange(3), rng.randrange(3)): number() for _ in range(rng.randrange(1, 3))}
            metrics[key] = [(*moment, value) for moment, value in moments.items()]
    params = {k: rng.choice(TEXTS) for k in ["opt", "lr", "max_depth", "a b"] if rng.random() < 0.8}
    store.log_batch(
        run_id,
        [Metric(k, v, t, s) for k, points in metrics.items() for s, t, v in points],
        [Param(k, v) for k, v in params.items()],
        [],
    )
    status = rng.choice(STATUSES)
    end = start + rng.randrange(50) if status in STATUSES[2:] else None
    store.update_run_info(run_id, RunStatus.from_string(status), end, None)
    inputs = []
    for _ in range(rng.randrange(3)):
        dataset = {"name": rng.choice(["iris", "Iris", "wine"]), "digest": rng.choice(["d1", "d2"])}
        context = rng.choice(["training", "eval", None])
        inputs.append({**dataset, "context": context})
        store.log_inputs(run_id, [DatasetInput(
            Dataset(dataset["name"], dataset["digest"], "local", "here"),
            [InputTag("mlflow.data.context", context)] if context else [],
        )])
    deleted = rng.random() < 0.1
    if deleted:
        store.delete_run(run_id)
    runs.append({
        "id": run_id, "experiment": experiments.index(experiment), "user": user, "start": start,
        "end": end, "status": status, "tags": tags, "params": params, "inputs": inputs, "deleted": deleted,
        "metrics": {k: [[s, t, word(v)] for s, t, v in points] for k, points in metrics.items()},
    })
place = {run["id"]: index for index, run in enumerate(runs)}


def quoted(text):
    return f"'{text}'" if "'" not in text or "''" in text else f'"{text}"'


def clause():
    kind = rng.randrange(8)
    if kind < 2:
        key = rng.choice(["metrics.acc", "metric.loss", "metrics.`val loss`", 'metrics."m.x"', "metrics.m.x"])
        return f"{key} {rng.choice(['>', '>=', '<', '<=', '=', '!='])} {rng.choice(NUMBERS)}"
    if kind < 5:
        key = rng.choice(["params.opt", "param.lr", "parameters.max_depth", "params.`a b`", "tags.team",
                          "tag.mlflow.source.name", "tags.`k-1`", "tags.mlflow.runName", "params.none"])
        operator = rng.choice(["=", "=", "!=", "LIKE", "ilike", "ILIKE", "like", "IS NULL", "IS NOT NULL"])
        if operator.startswith("IS"):
            return f"{key} {operator}"
        value = rng.choice(TEXTS)
        if "ike" in operator.lower():
            value = rng.choice(["a%", "%d%", "A_am", "_", "%", "sgd", "é", "É%", "a%b", "a_b", "%''%", ""])
        return f"{key} {operator} {quoted(value)}"
    if kind == 5:
        key = rng.choice(["start_time", "attributes.start_time", "end_time", "created", "attr.end_time"])
        return f"{key} {rng.choice(['>', '>=', '<', '<=', '=', '!='])} {rng.choice([1000, 1100, 1205, 1210.5, 1300])}"
    if kind == 6:
        return rng.choice([
            "status = 'FINISHED'", "attributes.status != 'RUNNING'", "status LIKE 'F%'", "status ILIKE 'f%'",
            "user_id = 'ada'", "run.user_id ILIKE 'ADA'", "run_name = 'Run 1'", "attributes.`run name` LIKE 'run%'",
            "run_name != 'adam'", "`Run Name` ILIKE 'RUN%'", "artifact_uri LIKE '%one%'",
            f"run_id IN ('{runs[3]['id']}', \"{runs[5]['id']}\", 'none')", f"run_id not in ('{runs[7]['id']}')",
            f"attribute.run_id = '{runs[11]['id']}'", f"run_id LIKE '{runs[12]['id'][:1]}%'",
        ])
    return rng.choice([
        "dataset.name = 'iris'", "datasets.name LIKE 'I%'", "dataset.name ILIKE 'i%'", "dataset.digest IN ('d1')",
        "dataset.digest != 'd1'", "dataset.context = 'training'", "dataset.context NOT IN ('training', 'x')",
        "dataset.name NOT IN ('wine')", "dataset.context LIKE '%n%'",
    ])


ORDERS = [
    [], ["metrics.acc"], ["metrics.acc DESC"], ["metric.loss asc", "params.opt DESC"], ["metrics.`val loss` desc"],
    ["params.lr"], ["params.lr DESC", "metrics.acc"], ["tags.team"], ["tags.`k-1` DESC", "tags.team"],
    ["start_time"], ["attributes.start_time DESC"], ["end_time"], ["end_time DESC", "metrics.m.x"],
    ["status", "user_id DESC"], ["run_id"], ["run_id DESC"], ["user_id", "metrics.acc DESC", "start_time ASC"],
    ["metrics.none"], ["attribute.run_name", "Created"], ["artifact_uri DESC"], ["created"],
]
FIXED = [
    "", "metrics.acc > 0 AND", "AND metrics.acc > 0", "metrics.acc > 0 metrics.loss > 0", "metrics.acc>0and metrics.loss<1",
    "metrics.acc>0.2 And params.opt='adam'", "metrics.acc < .5",
    "metrics.acc <= 1.", "params.opt = \"adam\"", "params.'opt' = 'adam'", "`metrics`.acc > 0", "metrics.acc\n>\n0",
    "params.opt = 'adam'AND params.lr = '10'", "params.lr = 'it''s'", "tags.team = ''", "params.opt LIKE ''",
    "params.opt = '%'", "params.opt LIKE 'a\\%b'", "metrics.acc > 0; metrics.loss > 0", "metrics.acc > 0;",
    "metrics.acc > 0 OR metrics.loss > 0", "(metrics.acc > 0)", "NOT metrics.acc > 0", "metrics.acc > '0'",
    "metrics.acc == 0", "metrics.acc <> 0", "metrics.acc > nan", "metrics.acc > +1", "metrics.acc", "metrics.acc >",
    "> 1", "1 < metrics.acc", "params.opt = adam", "params.opt = 1", "params.opt = `adam`", "params.opt > 'a'",
    "params.opt IN ('adam')", "params.opt NOT LIKE 'a'", "tags.team RLIKE 'a'", "metrics.acc IS NULL",
    "status > 'a'", "status IN ('FINISHED')", "run_id IN ()", "run_id IN (1)", "run_id IN ('a',)", "run_id = ('a')",
    "start_time > '1'", "nothing = 'a'", "lifecycle_stage = 'active'", "dataset.size = 'a'", "Metrics.acc > 0",
    "attributes.name = 'a'", "metrics.val loss > 0", "metrics.k-1 > 0", "metrics.acc > 0 -- a", "run name = 'a'",
]
BAD_ORDERS = [
    ["metrics.acc", "metrics.acc DESC"], ["start_time", "created"], ["nothing"], ["metrics.acc up"], [""],
    ["metrics.acc DESC ASC"], ["metrics.acc, metrics.loss"], ["run name"], ["dataset.name"], ["params.k-1"],
]


def search_runs(filter, order, which, view):
    case = {"filter": filter, "order": order, "experiments": which, "view": view.lower()}
    try:
        found = store.search_runs(
            [experiments[i] for i in which], filter, ViewType.ALL
            if view == "ALL" else getattr(ViewType, f"{view}_ONLY"), 1000, order)
        case["runs"] = [place[run.info.run_id] for run in found]
    except Exception:
        case["runs"] = None
    return case


cases = [search_runs(filter, [], [0, 1, 2], "ACTIVE") for filter in FIXED]
cases += [search_runs("", order, [0, 1, 2], "ALL") for order in ORDERS + BAD_ORDERS]
for _ in range(330):
    filter = rng.choice([" AND ", " and ", "  AND\n"]).join(clause() for _ in range(rng.randrange(1, 4)))
    which = rng.choice([[0], [1], [0, 2], [0, 1, 2], [0, 1, 2]])
    cases.append(search_runs(filter, rng.choice(ORDERS), which, rng.choice(["ACTIVE", "ACTIVE", "DELETED", "ALL"])))

# experiments: times are set by hand, so that there are ties
from sqlalchemy import text
with store.engine.begin() as connection:
    for index, experiment in enumerate(experiments):
        connection.execute(text("UPDATE experiments SET creation_time = :t, last_update_time = :u WHERE experiment_id = :e"),
                           {"t": 100 + index // 2, "u": 300 - index, "e": int(experiment)})
    connection.execute(text("UPDATE experiments SET creation_time = 50, last_update_time = 299 WHERE experiment_id = 0"))
with_tags = [{"team": "adam"}, {"team": "Adam", "x.y": "1"}, {}]
for experiment, tags in zip(experiments, with_tags):
    for key, value in tags.items():
        with store.ManagedSessionMaker() as session:
            from mlflow.store.tracking.dbmodels.models import SqlExperimentTag
            session.merge(SqlExperimentTag(experiment_id=int(experiment), key=key, value=value))
experiment_cases = []
for filter, order in itertools.chain(
    [(f, []) for f in [
        "", "name = 'one'", "name != 'one'", "name LIKE 't%'", "name ILIKE 't%'", "attribute.name = 'two/deep'",
        "tags.team = 'adam'", "tag.team ILIKE 'ADAM'", "tags.team IS NULL", "tags.`x.y` IS NOT NULL", "tags.x.y = '1'",
        "tags.team != 'adam'", "experiment_id = '1'", "experiment_id IN ('1', '2')", "experiment_id NOT IN ('0')",
        "experiment_id != '01'", "creation_time > 50", "last_update_time <= 299 AND creation_time = 100",
        "experiment_id = 'x'", "experiment_id > '1'", "name > 'a'", "name IN ('one')", "tags.team IN ('adam')",
        "creation_time > 1.5", "creation_time > 'a'", "attributes.name = 'one'", "params.a = 'b'", "nothing = 'a'",
    ]],
    [("", o) for o in [["name"], ["name DESC"], ["creation_time"], ["creation_time DESC"], ["last_update_time"],
                       ["experiment_id"], ["experiment_id DESC"], ["attribute.name desc"], ["tags.team"], ["nothing"]]],
):
    try:
        found = [int(e.experiment_id) for e in store.search_experiments(ViewType.ALL, 100, filter, order)]
    except Exception:
        found = None
    experiment_cases.append({"filter": filter, "order": order, "experiments": found})

# registered models and versions
registered, versions = [], []
for index, name in enumerate(["alpha", "Beta", "gamma one", "delta"]):
    tags = [{"team": "adam", "k-1": "v"}, {"team": "ADAM"}, {}, {"mlflow.prompt.is_prompt": "false"}][index]
    models.create_registered_model(name)
    for key, value in tags.items():
        from mlflow.entities.model_registry import RegisteredModelTag
        models.set_registered_model_tag(name, RegisteredModelTag(key, value))
    for number in range(1, 4):
        source = f"s3://bucket/{name}/{number % 2}"
        run_id = runs[number]["id"] if number != 2 else None
        models.create_model_version(name, source, run_id)
        tag = {"stage": rng.choice(TEXTS[:4])} if number != 3 else {}
        for key, value in tag.items():
            from mlflow.entities.model_registry import ModelVersionTag
            models.set_model_version_tag(name, str(number), ModelVersionTag(key, value))
        versions.append({"name": name, "version": number, "source": source, "run": run_id, "tags": tag})
    registered.append({"name": name, "tags": tags})
with models.engine.begin() as connection:
    for index, model in enumerate(registered):
        model["updated"] = 100 + index // 2
        connection.execute(text("UPDATE registered_models SET last_updated_time = :u WHERE name = :n"),
                           {"u": model["updated"], "n": model["name"]})
    for index, version in enumerate(versions):
        version["created"], version["updated"] = 200 + index % 3, 300 + index % 4
        connection.execute(
            text("UPDATE model_versions SET creation_time = :c, last_updated_time = :u WHERE name = :n AND version = :v"),
            {"c": version["created"], "u": version["updated"], "n": version["name"], "v": version["version"]})
model_cases, version_cases = [], []
for filter, order in itertools.chain(
    [(f, []) for f in [
        "", "name = 'alpha'", "name LIKE '%a%'", "name ILIKE 'b%'", "name != 'alpha'", "name IN ('alpha', 'delta')",
        "name NOT IN ('alpha')", "tags.team = 'adam'", "tag.team ILIKE 'adam'", "tags.`k-1` = 'v'", "tags.team != 'adam'",
        "tags.`mlflow.prompt.is_prompt` != 'true'", "name = 'alpha' AND tags.team = 'adam'", "attribute.name = 'Beta'",
        "run_id = 'a'", "name > 'a'", "name = 1", "tags.team IS NULL", "tags.team IN ('a')", "metrics.a > 1",
    ]],
    [("", o) for o in [["name"], ["name DESC"], ["timestamp"], ["timestamp DESC"], ["last_updated_timestamp DESC", "name DESC"],
                       ["creation_timestamp"], ["name", "name"], ["tags.team"]]],
):
    try:
        found = [m.name for m in models.search_registered_models(filter, 100, order)]
    except Exception:
        found = None
    model_cases.append({"filter": filter, "order": order, "models": found})
for filter, order in itertools.chain(
    [(f, []) for f in [
        "", "name = 'alpha'", "name LIKE '%a%'", "version_number = 2", "version_number > 1", "version_number != '2'",
        f"run_id = '{runs[1]['id']}'", f"run_id IN ('{runs[1]['id']}')", f"run_id NOT IN ('{runs[1]['id']}')",
        f"run_id != '{runs[1]['id']}'", "source_path LIKE 's3://%/1'", "source_path = 's3://bucket/alpha/0'",
        "tags.stage = 'adam'", "tags.stage ILIKE 'SGD'", "tags.stage != 'adam'", "name IN ('alpha') AND version_number < 3",
        "name NOT IN ('alpha', 'Beta')", "tags.`mlflow.prompt.is_prompt` != 'true'", "version_number > 1.5",
        "version_number LIKE '1'", "source_path IN ('a')", "name > 'a'", "name = 1", "tags.stage IS NULL", "nothing = 'a'",
    ]],
    [("", o) for o in [["name"], ["name DESC"], ["version_number"], ["version_number DESC"], ["creation_timestamp"],
                       ["last_updated_timestamp", "version_number ASC"], ["timestamp"], ["run_id"], ["name", "name DESC"]]],
):
    try:
        found = [[v.name, int(v.version)] for v in models.search_model_versions(filter, 100, order)]
    except Exception:
        found = None
    version_cases.append({"filter": filter, "order": order, "versions": found})

# logged models
logged = []
for index in range(30):
    experiment = rng.choice(experiments)
    name = rng.choice(["forest", "Forest", "mlp"])
    params = {k: rng.choice(TEXTS[:6]) for k in ["opt", "a b"] if rng.random() < 0.8}
    tags = {k: rng.choice(TEXTS[:6]) for k in ["team", "k-1"] if rng.random() < 0.8}
    source = rng.choice(runs)
    while source["deleted"]:
        source = rng.choice(runs)
    model = store.create_logged_model(
        experiment, name, source["id"], [LoggedModelTag(k, v) for k, v in tags.items()],
        [LoggedModelParameter(k, v) for k, v in params.items()], "sklearn")
    status = rng.choice(["PENDING", "READY", "FAILED"])
    store.finalize_logged_model(model.model_id, getattr(LoggedModelStatus, status))
    metrics = []
    for _ in range(rng.randrange(4)):
        key, value = rng.choice(["acc", "loss"]), rng.choice(NUMBERS)
        step, time = rng.randrange(3), rng.randrange(3)
        # MLflow keeps one point of a model, key, time, step and run
        if any(known[0] == key and known[2:4] == [time, step] for known in metrics):
            continue
        dataset = rng.choice([None, ("iris", "d1"), ("iris", "d2"), ("wine", "d1")])
        store.log_batch(source["id"], [Metric(
            key, value, time, step, model_id=model.model_id, run_id=source["id"],
            dataset_name=dataset and dataset[0], dataset_digest=dataset and dataset[1])], [], [])
        metrics.append([key, value, time, step, dataset])
    created = 1_000 + index // 3
    with store.engine.begin() as connection:
        connection.execute(
            text("UPDATE logged_models SET creation_timestamp_ms = :c, last_updated_timestamp_ms = :u WHERE model_id = :m"),
            {"c": created, "u": created + 5, "m": model.model_id})
    logged.append({"id": model.model_id, "experiment": experiments.index(experiment), "name": name, "params": params,
                   "tags": tags, "run": source["id"], "status": status, "metrics": metrics, "created": created})
where = {model["id"]: index for index, model in enumerate(logged)}
logged_cases = []
DATASETS = [None, [{"dataset_name": "iris"}], [{"dataset_name": "iris", "dataset_digest": "d1"}, {"dataset_name": "wine"}]]
LOGGED_FILTERS = [
    "", "metrics.acc > 0.2", "metrics.loss <= 0.5 AND params.opt = 'adam'", "params.`a b` = 'sgd'", "params.opt = adam",
    "params.opt LIKE 'a%'", "params.opt ilike 'A%'", "params.opt IN ('adam', \"sgd\")", "params.opt NOT IN ('adam')",
    "tags.`k-1` != 'adam'", "name = 'forest'", "attributes.name ILIKE 'F%'", f"model_id = '{logged[3]['id']}'",
    f"source_run_id = '{logged[4]['run']}'", "creation_time > 1003", "creation_timestamp <= 1003.5",
    "last_updated_timestamp = 1009", "metrics.acc != 0.5", "model_type = 'sklearn'", f"model_id IN ('{logged[5]['id']}')",
    "attribute.name = 'forest'", "metric.acc > 1", "params.opt > 'a'", "metrics.acc LIKE 'a'", "params.opt IS NULL",
    "metrics.acc > 'a'", "metrics.acc > 1 OR metrics.loss > 1", "(metrics.acc > 1)", "nothing > 1",
]
LOGGED_ORDERS = [
    [], [{"field_name": "metrics.acc"}], [{"field_name": "metrics.acc", "ascending": False}],
    [{"field_name": "metrics.acc", "dataset_name": "iris", "dataset_digest": "d1"}],
    [{"field_name": "name"}, {"field_name": "metrics.loss", "ascending": False}], [{"field_name": "creation_time"}],
    [{"field_name": "model_id", "ascending": False}], [{"field_name": "params.opt"}], [{"field_name": "nothing"}],
]
for filter, order, datasets in itertools.chain(
    [(f, [], d) for f in LOGGED_FILTERS for d in DATASETS], [("", o, None) for o in LOGGED_ORDERS]
):
    try:
        found = store.search_logged_models(experiments, filter, datasets, 1000, order)
        found = [where[model.model_id] for model in found]
    except Exception:
        found = None
    logged_cases.append({"filter": filter, "order": order, "datasets": datasets, "models": found})

json.dump({
    "mlflow": mlflow.__version__, "experiments": [
        {"id": int(e), "tags": t} for e, t in zip(experiments, with_tags)],
    "runs": runs, "run_cases": cases, "experiment_cases": experiment_cases, "registered": registered,
    "versions": versions, "model_cases": model_cases, "version_cases": version_cases, "logged": logged,
    "logged_cases": logged_cases,
}, sys.stdout, separators=(",", ":"), ensure_ascii=False)
