"""Everything that MLflow and the registry can both express, through MLflow's own client.

    python exchange.py fill URL             makes it on a server
    python exchange.py compare URL URL      says what the second server lacks of the first, and what it has beyond
    python exchange.py tables FILE FILE     compares two databases of ours, one imported over HTTP and one from a file

What differs by nature: identities that a server gives, the times at which it made what has no time of its own (logged
models, registered models and versions), and the tag `mlops.id` that an export leaves.
"""

import json
import math
import os
import sqlite3
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ["MLFLOW_TRUNCATE_LONG_VALUES"] = "false"

ID = "mlops.id"


def fill(url):
    import mlflow
    from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput, LoggedModelStatus, Metric, Param, RunTag

    mlflow.set_tracking_uri(url)
    client = mlflow.MlflowClient()

    class Doubles(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return [2 * value for value in model_input]

    churn = client.create_experiment("churn / Q3 é", tags={"team": "growth", "mlflow.note.content": "what we try\nin autumn"})
    gone = client.create_experiment("gone")
    client.create_experiment("empty")

    with mlflow.start_run(experiment_id=churn, run_name="parent", description="of all", tags={"empty": "", "ä/b c": "ü\n\"'"}) as run:
        parent = run.info.run_id
        mlflow.log_params({"trees": 300, "über": "ja, \"so\"\n'und so'", "long": "x" * 6000, "none": ""})
        points = [Metric("loss", 1 / (step + 1), 1_790_000_000_200 + step // 2, step) for step in range(2500)]
        points += [
            Metric("odd/name - 1.x", 0.75, 1_790_000_000_299, 5),
            Metric("odd/name - 1.x", 0.5, 1_790_000_000_300, -5),
            Metric("nan last", 1.0, 1_790_000_000_300, 1),
            Metric("nan last", math.nan, 1_790_000_000_300, 2),
            Metric("up", math.inf, 1_790_000_000_300, 0),
            Metric("down", -math.inf, 1_790_000_000_300, 0),
            Metric("tiny", 5e-324, 1_790_000_000_300, 0),
            Metric("third", 1 / 3, 1_790_000_000_300, 0),
        ]
        for start in range(0, len(points), 1000):
            client.log_batch(parent, metrics=points[start : start + 1000])
        sales = Dataset("sales", "0123abcd", "local", '{"uri": "/data/sales.csv"}', '{"mlflow_colspec": []}', '{"num_rows": 7}')
        bare = Dataset("customers", "feed", "code", "{}")
        client.log_inputs(parent, datasets=[DatasetInput(sales, [InputTag("mlflow.data.context", "training")]), DatasetInput(bare, [])])
        mlflow.log_text("hello\n", "notes/deep/hello.txt")
        mlflow.log_text("a,b\n1,2\n", "table é & more.csv")
        mlflow.log_text("", "nothing.txt")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "large.bin"
            path.write_bytes(bytes(range(256)) * 24_000)
            mlflow.log_artifact(str(path))
        logged = [
            mlflow.pyfunc.log_model(
                name=name, python_model=Doubles(), pip_requirements=[], params={"depth": 6}, tags={"lang": "python"}, step=step
            )
            for name, step in (("doubles", 3), ("again", 4))
        ]
        client.log_batch(parent, metrics=[
            Metric("accuracy", 0.875, 1_790_000_000_400, 0, model_id=logged[0].model_id, dataset_name="sales", dataset_digest="0123abcd", run_id=parent),
            Metric("score", math.nan, 1_790_000_000_402, 1, model_id=logged[0].model_id, run_id=parent),
        ])
        children = []
        for number in range(2):
            with mlflow.start_run(experiment_id=churn, nested=True, run_name=f"child {number}") as child:
                mlflow.log_metric("score", number)
                children.append(child.info.run_id)
                with mlflow.start_run(experiment_id=churn, nested=True, run_name=f"grandchild {number}"):
                    mlflow.log_param("n", number)
    client.log_inputs(children[0], models=[LoggedModelInput(logged[0].model_id)])

    for number, status in enumerate(["RUNNING", "SCHEDULED", "FAILED", "KILLED"]):
        run = client.create_run("0", run_name=status.lower(), start_time=1_790_000_100_000 + number)
        if status in ("FAILED", "KILLED"):
            client.set_terminated(run.info.run_id, status, end_time=1_790_000_200_000 + number)
        elif status == "SCHEDULED":
            client.update_run(run.info.run_id, status)
    batch = client.create_run("0", run_name="batch")
    client.log_batch(batch.info.run_id, params=[Param(f"p{i}", "x" * i) for i in range(100)], tags=[RunTag("t", "é" * 4000)])
    client.set_terminated(batch.info.run_id)
    deleted = client.create_run(churn, run_name="deleted", start_time=1_790_000_300_000)
    client.log_metric(deleted.info.run_id, "loss", 9.0)
    client.log_text(deleted.info.run_id, "still here", "kept.txt")
    client.set_terminated(deleted.info.run_id, "KILLED")
    client.delete_run(deleted.info.run_id)
    inside = client.create_run(gone, run_name="inside")
    client.set_terminated(inside.info.run_id)
    client.delete_experiment(gone)

    failed = client.create_logged_model("0", "failed", source_run_id=batch.info.run_id, model_type="classifier")
    client.finalize_logged_model(failed.model_id, LoggedModelStatus.FAILED)
    client.create_logged_model(churn, "pending", source_run_id=parent, params={"a": "1"})

    client.create_registered_model("churn model", tags={"owner": "ada", "note": "n\n2"}, description="who leaves\nand why é")
    sources = [
        (f"models:/{logged[0].model_id}", parent, logged[0].model_id),
        (f"models:/{logged[1].model_id}", parent, logged[1].model_id),
        (f"runs:/{parent}/notes", parent, None),
        (f"{client.get_run(parent).info.artifact_uri}/notes/deep", parent, None),
        ("s3://bucket/model", None, None),
        (f"runs:/{children[0]}/other", children[0], None),
    ]
    for number, (source, run, model) in enumerate(sources, start=1):
        client.create_model_version("churn model", source, run_id=run, model_id=model, tags={"n": str(number)}, description=f"version {number}")
    for version, stage in ((1, "Archived"), (2, "Production"), (4, "Staging")):
        client.transition_model_version_stage("churn model", version, stage)
    for alias, version in (("champion", 2), ("best-so-far", 4), ("challenger", 1)):
        client.set_registered_model_alias("churn model", alias, version)
    client.delete_model_version("churn model", 3)
    client.create_registered_model("empty é")
    client.create_registered_model("two")
    for number in range(2):
        client.create_model_version("two", f"runs:/{parent}/two/{number}", run_id=parent)


def number(value):
    if math.isnan(value):
        return "NaN"
    if abs(value) == sys.float_info.max:
        return "Infinity" if value > 0 else "-Infinity"
    return value


def tags(of):
    return {key: value for key, value in of.items() if key != ID}


def files(root):
    """The files below a root, by path."""
    import mlflow

    if not mlflow.artifacts.list_artifacts(artifact_uri=root):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        top = Path(mlflow.artifacts.download_artifacts(artifact_uri=root, dst_path=folder))
        return {str(path.relative_to(top)): path.read_bytes().hex() for path in top.rglob("*") if path.is_file()}


def tell(url):
    """What a server holds, with each identity as the name of what it names."""
    import mlflow
    from mlflow.entities import ViewType

    # downloads go where this points, whatever else they are told
    mlflow.set_tracking_uri(url)
    client = mlflow.MlflowClient(url)
    names, told = {}, {}
    experiments = client.search_experiments(view_type=ViewType.ALL)
    ids = [experiment.experiment_id for experiment in experiments]
    for experiment in experiments:
        told[f"experiment {experiment.name}"] = {"stage": experiment.lifecycle_stage, "tags": tags(experiment.tags)}
    where = {experiment.experiment_id: experiment.name for experiment in experiments}
    runs = client.search_runs(ids, run_view_type=ViewType.ALL, max_results=1000)
    models = client.search_logged_models(ids)
    for run in runs:
        names[run.info.run_id] = f"<run {run.info.run_name}>"
    for model in models:
        names[model.model_id] = f"<model {model.name}>"
    for run in runs:
        info, full = run.info, client.get_run(run.info.run_id)
        told[names[info.run_id]] = {
            "experiment": where[info.experiment_id],
            "user": info.user_id,
            "status": info.status,
            "times": [info.start_time, info.end_time],
            "stage": info.lifecycle_stage,
            "params": full.data.params,
            "tags": tags(full.data.tags),
            "metrics": {key: number(value) for key, value in full.data.metrics.items()},
            "history": {
                key: sorted([m.step, m.timestamp, str(number(m.value))] for m in client.get_metric_history(info.run_id, key))
                for key in full.data.metrics
            },
            "datasets": sorted(
                json.dumps([d.dataset.to_dictionary(), {t.key: t.value for t in d.tags}], sort_keys=True)
                for d in full.inputs.dataset_inputs
            ),
            "inputs": sorted(m.model_id for m in full.inputs.model_inputs or []),
            "outputs": sorted([m.model_id, m.step] for m in (full.outputs.model_outputs if full.outputs else [])),
            "files": files(info.artifact_uri),
        }
    for model in models:
        told[names[model.model_id]] = {
            "experiment": where[model.experiment_id],
            "type": model.model_type,
            "status": str(model.status),
            "run": model.source_run_id,
            "params": model.params,
            "tags": {
                # a list as text
                key: sorted(map(str, json.loads(value))) if key == "mlflow.modelVersions" else value
                for key, value in tags(model.tags).items()
            },
            "metrics": sorted(
                [m.key, m.step, m.timestamp, str(number(m.value)), m.dataset_name, m.dataset_digest, m.run_id]
                for m in model.metrics or []
            ),
            "files": files(model.artifact_location),
        }
    for model in client.search_registered_models():
        quote = '"' if "'" in model.name else "'"
        told[f"registered model {model.name}"] = {
            "description": model.description or "",
            "tags": tags(model.tags),
            "aliases": {alias: str(version) for alias, version in model.aliases.items()},
            "versions": {
                str(v.version): {
                    "stage": v.current_stage,
                    "description": v.description or "",
                    "source": v.source,
                    "run": v.run_id or "",
                    "model": v.model_id,
                    "status": v.status,
                    "tags": tags(v.tags),
                }
                for v in client.search_model_versions(f"name = {quote}{model.name}{quote}")
            },
        }
    where = {run.info.artifact_uri: f"<files of {names[run.info.run_id]}>" for run in runs}
    text = json.dumps(told, sort_keys=True, ensure_ascii=False)
    for key, value in (where | names).items():
        text = text.replace(key, value)
    return ordered(json.loads(text))


def ordered(value):
    """Lists in the order of their texts: what was sorted by identities is so no longer."""
    if isinstance(value, dict):
        return {key: ordered(of) for key, of in value.items()}
    return sorted(value, key=str) if isinstance(value, list) else value


def differences(one, other, path=""):
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if key not in other:
                yield f"{path}/{key} is missing"
            elif key not in one:
                yield f"{path}/{key} was not there"
            else:
                yield from differences(one[key], other[key], f"{path}/{key}")
    elif one != other:
        yield f"{path}: {str(one)[:300]} became {str(other)[:300]}"


def compare(first, second):
    one, other = tell(first), tell(second)
    counts = {kind: sum(key.startswith(kind) for key in one) for kind in ("experiment", "<run", "<model", "registered")}
    assert counts == {"experiment": 4, "<run": 12, "<model": 4, "registered": 3}, counts
    found = list(differences(one, other))
    print("\n".join(found))
    assert not found, f"{len(found)} differences"


# what an import over HTTP cannot know, by table and column
UNTOLD = {
    "run": {"deleted_us"},
    # times of this import
    "model": {"updated_us"},
    "model_version": {"updated_us", "deleted_us"},
    "metric_key": {"id"},
    "registry_state": {"audit_head"},
    "schema_migration": {"applied_us"},
    "audit": {"time_us", "change", "digest", "previous"},
}


def tables(first, second):
    one, other = sqlite3.connect(first), sqlite3.connect(second)
    names = [name for (name,) in one.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    compared = 0
    for name in names:
        if name.startswith("sqlite_"):
            continue
        columns = [row[1] for row in one.execute(f'PRAGMA table_info("{name}")')]
        columns = [
            {
                # keys are numbered as they are met
                "key_id": "(SELECT key FROM metric_key k WHERE k.id = key_id)",
                # a version that was deleted is made and deleted by the import
                "created_us": "iif(deleted_us IS NULL, created_us, 0)" if name == "model_version" else '"created_us"',
            }.get(column, f'"{column}"')
            for column in columns
            if column not in UNTOLD.get(name, set())
        ]
        sql = f'SELECT {", ".join(columns)} FROM "{name}"'
        rows = [sorted(map(repr, database.execute(sql))) for database in (one, other)]
        compared += len(rows[0])
        assert rows[0] == rows[1], f"table {name}: {[r for r in rows[0] if r not in rows[1]][:3]} became {[r for r in rows[1] if r not in rows[0]][:3]}"
    assert compared > 1000, compared
    print(f"{compared} rows are equal")


if __name__ == "__main__":
    {"fill": fill, "compare": compare, "tables": tables}[sys.argv[1]](*sys.argv[2:])
