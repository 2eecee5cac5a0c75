"""Makes a small database with MLflow's own client and says what that client reads there.

    python import.py OUT

writes OUT/import.sql (the database as a dump of the tables that an import reads, and of one that it passes
over) and OUT/import.json (what the client answers, and the artifacts in hexadecimal digits). The folder of the
artifacts stands as /mlflow-root in both. Made with mlflow 3.17.2 on Python 3.11; ids and times differ from one
call to the next, so that both files are committed together.
"""

import json
import math
import os
import sqlite3
import sys
import tempfile
from pathlib import Path

out = Path(sys.argv[1]).resolve()
out.mkdir(parents=True, exist_ok=True)
work = Path(tempfile.mkdtemp())
os.chdir(work)
os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{work}/mlflow.db"
os.environ["MLFLOW_TRUNCATE_LONG_VALUES"] = "false"

import mlflow
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
    Param,
    RunTag,
    ViewType,
)

client = mlflow.MlflowClient()
artifacts = work / "artifacts"
ROOT = "/mlflow-root"

# experiments: the default one, one with tags, a deleted one, one whose artifacts lie in a bucket
churn = client.create_experiment("churn / Q3 é", artifact_location=str(artifacts / "1"))
client.set_experiment_tag(churn, "mlflow.note.content", "what we try\nin autumn")
client.set_experiment_tag(churn, "team", "growth")
gone = client.create_experiment("gone", artifact_location=str(artifacts / "2"))
bucket = client.create_experiment("bucket", artifact_location="s3://bucket/models")

# a run with everything
first = client.create_run(churn, start_time=1_790_000_000_123, run_name="first try", tags={
    "mlflow.user": "ada", "mlflow.source.name": "train.py", "mlflow.source.type": "LOCAL", "empty": "",
}).info.run_id
client.log_batch(
    first,
    metrics=[Metric("loss", 1 / (step + 1), 1_790_000_000_200 + step // 2, step) for step in range(100)]
    + [
        Metric("train/auc", 0.25, 1_790_000_000_300, -5),
        Metric("train/auc", 0.75, 1_790_000_000_299, 5),
        Metric("train/auc", 0.5, 1_790_000_000_300, 5),
        Metric("train/auc", 0.6, 1_790_000_000_300, 5),
        Metric("nan last", 1.0, 1_790_000_000_300, 1),
        Metric("nan last", math.nan, 1_790_000_000_300, 2),
        Metric("up", math.inf, 1_790_000_000_300, 0),
        Metric("down", -math.inf, 1_790_000_000_300, 0),
        Metric("tiny", 5e-324, 1_790_000_000_300, 0),
        Metric("third", 1 / 3, 1_790_000_000_300, 0),
    ],
    params=[Param("trees", "300"), Param("empty", ""), Param("über", "ja, \"so\"\n'und so'"), Param("long", "x" * 6000)],
    tags=[RunTag("long", "é" * 8000)],
)
data = Dataset("sales", "0123abcd", "local", '{"uri": "/data/sales.csv"}', '{"mlflow_colspec": []}', '{"num_rows": 7}')
bare = Dataset("customers", "feed", "code", "{}")
client.log_inputs(first, datasets=[
    DatasetInput(data, [InputTag("mlflow.data.context", "training"), InputTag("part", "1")]),
    DatasetInput(bare, []),
])
client.log_text(first, "hello\n", "notes/hello.txt")
client.log_text(first, "a,b\n1,2\n", "table é.csv")
client.set_terminated(first, "FINISHED", end_time=1_790_000_009_999)

# a child that failed, one that goes on, one that was deleted
child = client.create_run(churn, start_time=1_790_000_100_000, run_name="child", tags={"mlflow.parentRunId": first}).info.run_id
client.log_metric(child, "loss", 0.5, 1_790_000_100_001, 3)
client.log_inputs(child, datasets=[DatasetInput(data, [InputTag("mlflow.data.context", "test")])])
client.set_terminated(child, "FAILED", end_time=1_790_000_100_002)
open_run = client.create_run("0", start_time=1_790_000_200_000, run_name="goes on").info.run_id
client.log_param(open_run, "seed", 7)
deleted = client.create_run(churn, start_time=1_790_000_300_000, run_name="deleted").info.run_id
client.log_metric(deleted, "loss", 9.0, 1_790_000_300_001, 0)
client.log_text(deleted, "still here", "kept.txt")
client.set_terminated(deleted, "KILLED", end_time=1_790_000_300_002)
client.delete_run(deleted)
inside = client.create_run(gone, start_time=1_790_000_400_000, run_name="inside").info.run_id
client.log_metric(inside, "loss", 8.0, 1_790_000_400_001, 0)
client.set_terminated(inside, "FINISHED", end_time=1_790_000_400_002)
far = client.create_run(bucket, start_time=1_790_000_500_000, run_name="far").info.run_id
client.set_terminated(far, "FINISHED", end_time=1_790_000_500_002)
client.delete_experiment(gone)

# logged models: one that is ready with metrics and files, one pending, one failed, one deleted
ready = client.create_logged_model(
    churn, "boosting", source_run_id=first, model_type="classifier",
    tags={"lang": "rust"}, params={"depth": "6", "rate": "0.1"},
)
folder = work / "model"
folder.mkdir()
(folder / "MLmodel").write_text("flavors: {}\n")
(folder / "data").mkdir()
(folder / "data" / "weights.bin").write_bytes(bytes(range(256)))
client.log_model_artifacts(ready.model_id, str(folder))
client.finalize_logged_model(ready.model_id, LoggedModelStatus.READY)
client.log_outputs(first, [LoggedModelOutput(ready.model_id, 7)])
client.log_inputs(child, models=[LoggedModelInput(ready.model_id)])
client.log_batch(first, metrics=[
    Metric("accuracy", 0.875, 1_790_000_000_400, 0, model_id=ready.model_id, dataset_name="sales", dataset_digest="0123abcd", run_id=first),
    Metric("accuracy", 0.5, 1_790_000_000_401, 1, model_id=ready.model_id, run_id=first),
    Metric("score", math.nan, 1_790_000_000_402, 1, model_id=ready.model_id, run_id=first),
])
pending = client.create_logged_model(churn, "pending")
failed = client.create_logged_model("0", "failed", source_run_id=open_run)
client.finalize_logged_model(failed.model_id, LoggedModelStatus.FAILED)
dropped = client.create_logged_model(churn, "dropped")
client.delete_logged_model(dropped.model_id)

# registered models: stages, aliases, tags, a deleted version in the middle and one at the end
client.create_registered_model("churn model", tags={"owner": "ada", "note": "n\n2"}, description="who leaves")
sources = [f"models:/{ready.model_id}", f"runs:/{first}/model", f"runs:/{child}/model", f"runs:/{child}/other", f"runs:/{first}/last"]
for number, source in enumerate(sources, start=1):
    client.create_model_version(
        "churn model", source, run_id=first if number < 3 else None,
        tags={"n": str(number)}, description=f"version {number}",
    )
client.transition_model_version_stage("churn model", 1, "Archived")
client.transition_model_version_stage("churn model", 2, "Production")
client.transition_model_version_stage("churn model", 4, "Staging")
client.set_registered_model_alias("churn model", "champion", 2)
client.set_registered_model_alias("churn model", "best-so-far", 4)
client.delete_model_version("churn model", 3)
client.delete_model_version("churn model", 5)
client.create_registered_model("empty")
client.create_registered_model("two serve")
for number in (1, 2):
    client.create_model_version("two serve", f"runs:/{first}/two/{number}")
    client.transition_model_version_stage("two serve", number, "Production")
client.set_registered_model_alias("two serve", "production", 1)


def number(value):
    """NaN and infinities as text, the greatest number as the infinity that it stands for."""
    if math.isnan(value):
        return "NaN"
    if abs(value) == sys.float_info.max:
        return "Infinity" if value > 0 else "-Infinity"
    return value


def run_of(run):
    info = run.info
    history = {
        key: [[m.step, m.timestamp, number(m.value)] for m in client.get_metric_history(info.run_id, key)]
        for key in run.data.metrics
    }
    return {
        "experiment": info.experiment_id,
        "name": info.run_name,
        "user": info.user_id,
        "status": info.status,
        "start": info.start_time,
        "end": info.end_time,
        "stage": info.lifecycle_stage,
        "params": run.data.params,
        "tags": run.data.tags,
        "metrics": {key: number(value) for key, value in run.data.metrics.items()},
        "history": history,
        "datasets": [
            {**{k: v for k, v in d.dataset.to_dictionary().items() if v is not None},
             "tags": {t.key: t.value for t in d.tags}}
            for d in run.inputs.dataset_inputs
        ],
        "model_inputs": [m.model_id for m in (run.inputs.model_inputs or [])],
        "outputs": [[m.model_id, m.step] for m in (run.outputs.model_outputs if run.outputs else [])],
    }


experiments = client.search_experiments(view_type=ViewType.ALL)
ids = [e.experiment_id for e in experiments]
runs = client.search_runs(ids, run_view_type=ViewType.ALL)
models = client.search_logged_models(ids)
answer = {
    "experiments": {
        e.experiment_id: {
            "name": e.name, "stage": e.lifecycle_stage, "tags": e.tags,
            "created": e.creation_time, "updated": e.last_update_time,
        }
        for e in experiments
    },
    "runs": {run.info.run_id: run_of(client.get_run(run.info.run_id)) for run in runs},
    "logged_models": {
        m.model_id: {
            "experiment": m.experiment_id, "name": m.name, "type": m.model_type, "status": str(m.status),
            "run": m.source_run_id, "created": m.creation_timestamp, "updated": m.last_updated_timestamp,
            "params": m.params, "tags": m.tags,
            "metrics": sorted(
                [p.key, p.step, p.timestamp, p.run_id, p.dataset_name or "", p.dataset_digest or "",
                 # the client reads a NaN of a logged model as 0 or None
                 "NaN" if p.key == "score" else p.value]
                for p in (m.metrics or [])
            ),
        }
        for m in models
    },
    "models": {
        m.name: {
            "description": m.description or "", "tags": m.tags,
            "aliases": {alias: int(version) for alias, version in m.aliases.items()},
            "versions": {
                str(v.version): {
                    "stage": v.current_stage, "source": v.source, "run": v.run_id or None,
                    "description": v.description or "", "tags": v.tags, "status": str(v.status),
                    "created": v.creation_timestamp,
                }
                for v in client.search_model_versions(f"name = '{m.name}'")
            },
        }
        for m in client.search_registered_models()
    },
    "deleted_models": [dropped.model_id],
    "artifacts": {str(p.relative_to(artifacts)): p.read_bytes().hex() for p in sorted(artifacts.rglob("*")) if p.is_file()},
}
text = json.dumps(answer, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
(out / "import.json").write_text(text.replace(str(artifacts), ROOT))

TABLES = {
    "alembic_version", "experiments", "experiment_tags", "runs", "metrics", "latest_metrics", "params", "tags",
    "datasets", "inputs", "input_tags", "logged_models", "logged_model_metrics", "logged_model_params",
    "logged_model_tags", "registered_models", "registered_model_tags", "registered_model_aliases",
    "model_versions", "model_version_tags", "webhooks",
}
database = sqlite3.connect(work / "mlflow.db")
database.execute("PRAGMA foreign_keys = OFF")
database.execute(
    "INSERT INTO webhooks (webhook_id, name, url, status, secret, creation_timestamp, last_updated_timestamp)"
    " VALUES ('w', 'hook', 'https://example.org', 'ACTIVE', 'x', 1, 1)"
)
rest = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'") if name not in TABLES]
for name in rest:
    database.execute(f'DROP TABLE "{name}"')
database.commit()
dump = "\n".join(database.iterdump()) + "\n"
(out / "import.sql").write_text(dump.replace(str(artifacts), ROOT).replace(str(work), "/srv"))
