"""The work of `tracking.rs` with MLflow's own store in process (SQLite), and the ratio to ours.

Run ours first in the same minute and on the same machine, then this:

    pip install mlflow==3.17.2
    cargo bench -p mlops-registry --bench tracking -- 10000
    python peers/tracking.py DIRECTORY 10000
"""

import random
import statistics
import sys
import time
import uuid

from mlflow.entities import Metric, ViewType
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import text

directory, count = sys.argv[1], int(sys.argv[2])
rng = random.Random(1)
store = SqlAlchemyStore(f"sqlite:///{directory}/peer.db", f"{directory}/artifacts")


def report(name, value, unit):
    print(f"{name:<55} {value:>12.1f} {unit}", flush=True)


run = store.create_run("0", "bench", 1_000, [], "bench").info.run_id
began = time.perf_counter()
for step in range(100):
    store.log_metric(run, Metric("metric", 0.5, 1_000 + step, step))
report("single metrics, 1 thread", 100 / (time.perf_counter() - began), "a second")
began = time.perf_counter()
for batch in range(5):
    store.log_batch(run, [Metric(f"metric {at % 10}", 0.5, batch * 100 + at // 10, batch * 100 + at // 10)
                          for at in range(1_000)], [], [])
report("metrics in batches of 1000", 5_000 / (time.perf_counter() - began), "a second")

# filled past the store, which takes a tenth of a second a run; the rows are those that it writes
with store.engine.begin() as connection:
    runs = [{"id": uuid.uuid4().hex, "start": 1_000_000_000 + 1_000 * at} for at in range(count)]
    connection.execute(text(
        "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,"
        " source_version, lifecycle_stage, artifact_uri, experiment_id)"
        " VALUES (:id, 'r', 'UNKNOWN', '', '', 'u', 'RUNNING', :start, '', 'active', '', 0)"), runs)
    for at in range(5):
        connection.execute(text(
            "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (:k, :v, 1, 0, 0, :id)"),
            [{"k": f"m{at}", "v": rng.random(), "id": run["id"]} for run in runs])
    for at in range(10):
        connection.execute(text("INSERT INTO params (key, value, run_uuid) VALUES (:k, :v, :id)"),
                           [{"k": f"p{at}", "v": f"value {rng.randrange(10)}", "id": run["id"]} for run in runs])
    for key, values in [("team", 10), ("kind", 3), ("host", 50)]:
        connection.execute(text("INSERT INTO tags (key, value, run_uuid) VALUES (:k, :v, :id)"),
                           [{"k": key, "v": f"{key} {rng.randrange(values)}", "id": run["id"]} for run in runs])


def find(name, filter, order, limit, rounds=3):
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        store.search_runs(["0"], filter, ViewType.ACTIVE_ONLY, limit, order)
        times.append(1e3 * (time.perf_counter() - began))
    report(name, statistics.median(times), "ms")


find("default order, page of 100", "", [], 100)
find("tag equals, 100", "tags.team = 'team 3'", [], 100)
find("three metric filters, 10", "metrics.m0 > 0.5 AND metrics.m1 > 0.5 AND metrics.m2 < 0.5", [], 10)
find("param LIKE, 10", "params.p1 LIKE '%7%'", [], 10)
find("metric and param filter, order by a metric, 10", "metrics.m0 > 0.5 AND params.p3 = 'value 3'",
     ["metrics.m4 DESC"], 10, 1)
find("order by a metric, 100, no filter", "", ["metrics.m4 DESC"], 100, 1)
