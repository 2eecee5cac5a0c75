"""Many clients at once against ours, and what must hold afterwards, whoever was first.

    python crowd.py URL [--clients 8] [--rounds 40]

Histories are complete, the latest point is the greatest by step, time and value, params keep their first value, of
each round's contest exactly one wins, versions are numbered without gaps.
"""

import argparse
import collections
import multiprocessing
import os
import random
import time

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Metric, Param, RunTag  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402


def work(uri, number, run, model, rounds, told):
    """What one client does: it tells which points it wrote, which params it won, which versions it made."""
    client, rng = MlflowClient(uri), random.Random(number)
    points, won, versions, refused = [], [], [], 0
    for round in range(rounds):
        metrics = [
            Metric(
                f"m{rng.randrange(3)}", rng.choice([rng.random(), -1.0, 1e300]), 1_600_000_000_000 + rng.randrange(50),
                rng.randrange(20)
            ) for _ in range(rng.choice([1, 1, 10]))
        ]
        if len(metrics) == 1:
            (one, ) = metrics
            client.log_metric(run, one.key, one.value, one.timestamp, one.step)
        else:
            client.log_batch(run, metrics=metrics, tags=[RunTag(f"t{round}", str(number))])
        points += [(m.key, m.value, m.timestamp, m.step) for m in metrics]
        try:
            client.log_batch(run, params=[Param(f"p{round}", str(number)), Param(f"of {number} {round}", "1")])
            won.append((f"p{round}", str(number), f"of {number} {round}"))
        except MlflowException as error:
            assert error.error_code == "INVALID_PARAMETER_VALUE", error
            refused += 1
        if round % 4 == 0:
            versions.append(int(client.create_model_version(model, "s3://bucket/x").version))
            client.set_registered_model_alias(model, "newest", versions[-1])
    told.put((points, won, versions, refused))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    client = MlflowClient(arguments.uri)
    unique = f"crowd {time.time_ns():x}"
    run = client.create_run(client.create_experiment(unique)).info.run_id
    client.create_registered_model(unique)
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    crowd = [
        context.Process(target=work, args=(arguments.uri, number, run, unique, arguments.rounds, told))
        for number in range(arguments.clients)
    ]
    for one in crowd:
        one.start()
    results = [told.get(timeout=600) for _ in crowd]
    for one in crowd:
        one.join()
        assert one.exitcode == 0, one

    data = client.get_run(run).data
    points = collections.defaultdict(set)
    for key, *point in (point for result in results for point in result[0]):
        points[key].add(tuple(point))
    for key, written in points.items():
        found = [(m.value, m.timestamp, m.step) for m in client.get_metric_history(run, key)]
        assert sorted(found) == sorted(written), f"the history of {key} is not what was written"
        latest = max(written, key=lambda point: (point[2], point[1], point[0]))
        assert data.metrics[key] == latest[0], f"the latest point of {key}"

    winners = {name: (value, own) for result in results for name, value, own in result[1]}
    assert len(winners) == sum(len(result[1]) for result in results) == arguments.rounds, "one client wins each param"
    expected = {name: value for name, (value, _) in winners.items()} | {own: "1" for _, own in winners.values()}
    assert data.params == expected, "a refused batch leaves nothing behind"

    versions = sorted(version for result in results for version in result[2])
    assert versions == list(range(1, len(versions) + 1)), "versions are numbered without gaps"
    assert {int(version.version) for version in client.search_model_versions(f"name = '{unique}'")} == set(versions)
    assert int(client.get_model_version_by_alias(unique, "newest").version) in versions
    count = sum(map(len, points.values()))
    print(
        f"{arguments.clients} clients: {count} points, {len(winners)} params won, {sum(r[3] for r in results)} refused, {len(versions)} versions; all as it must be"
    )


if __name__ == "__main__":
    main()
