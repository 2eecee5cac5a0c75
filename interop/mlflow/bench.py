"""Rates and waits of both servers through MLflow's own client, on the same machine in the same run.

    python bench.py PATH_TO_TRACKING_SERVER [--seconds 5] [--without-peer]

It needs the whole of MLflow (`pip install mlflow==3.17.2`), whose own server is measured beside ours, each with an
empty SQLite file. Both servers are asked in turns, so that a busy machine is unfair to neither. `--fast` is not given:
what ours acknowledged survives a power cut.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["GIT_PYTHON_REFRESH"] = "quiet"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def processes_below(pid):
    """The process and all its descendants."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo.extend(children.get(one, []))
    return found


def memory(pid):
    """Resident and proportional memory of a process with its descendants, in MB, and their number."""
    pids = processes_below(pid)
    total = {"Rss:": 0, "Pss:": 0}
    for one in pids:
        try:
            lines = pathlib.Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            word = line.split()
            if word and word[0] in total:
                total[word[0]] += int(word[1])
    return {"rss_mb": round(total["Rss:"] / 1024, 1), "pss_mb": round(total["Pss:"] / 1024, 1), "processes": len(pids)}


class Server:
    def __init__(self, name, command, work):
        self.name, self.port = name, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        work.mkdir()
        log = open(work / "log", "wb")
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [part.format(port=self.port, work=work) for part in command], stdout=log, stderr=log, start_new_session=True
        )
        while True:
            try:
                urllib.request.urlopen(f"{self.uri}/health", timeout=1).read()
                break
            except OSError:
                if self.process.poll() is not None or time.perf_counter() - started > 180:
                    raise SystemExit(f"{name} does not start: {(work / 'log').read_text()}")
                time.sleep(0.002)
        self.ready = time.perf_counter() - started

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)


def client_of(uri):
    from mlflow import MlflowClient

    return MlflowClient(uri)


def new_run(uri, name):
    client = client_of(uri)
    found = client.get_experiment_by_name(name)
    experiment = found.experiment_id if found else client.create_experiment(name)
    return client, client.create_run(experiment).info.run_id


def timed(call, seconds):
    """The waits of calls until the time is over."""
    waits = []
    end = time.perf_counter() + seconds
    while True:
        before = time.perf_counter()
        if before >= end:
            return waits
        call(len(waits))
        waits.append(time.perf_counter() - before)


def single(uri, seconds):
    client, run = new_run(uri, "single")
    client.log_metric(run, "warm", 0.0)
    return timed(lambda n: client.log_metric(run, "loss", 1.0 / (n + 1), step=n), seconds)


def batches(uri, seconds):
    from mlflow.entities import Metric

    client, run = new_run(uri, "batches")
    now = int(time.time() * 1000)

    def call(n):
        client.log_batch(run, metrics=[Metric(f"m{i % 20}", i / 7, now + n, n * 1000 + i) for i in range(1000)])

    call(0)
    return timed(lambda n: call(n + 1), seconds)


def writer(uri, seconds, ready, go, waits):
    client, run = new_run(uri, "many")
    client.log_metric(run, "warm", 0.0)
    ready.release()
    go.wait()
    waits.put(timed(lambda n: client.log_metric(run, "loss", 1.0 / (n + 1), step=n), seconds))


def many(uri, seconds, processes=8):
    new_run(uri, "many")
    context = multiprocessing.get_context("spawn")
    ready, go, queue = context.Semaphore(0), context.Event(), context.Queue()
    workers = [context.Process(target=writer, args=(uri, seconds, ready, go, queue)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.acquire()
    go.set()
    waits = [wait for _ in workers for wait in queue.get()]
    for worker in workers:
        worker.join()
    return waits


def searches(uri, seconds):
    client = client_of(uri)
    experiment = client.get_experiment_by_name("searched")
    if experiment is None:
        experiment = client.create_experiment("searched")
        for i in range(300):
            run = client.create_run(experiment).info.run_id
            from mlflow.entities import Metric, Param

            client.log_batch(run, [Metric("auc", (i * 37 % 300) / 300, 0, 0)], [Param("depth", str(i % 7))])
    else:
        experiment = experiment.experiment_id
    query = "metrics.auc > 0.2 AND params.depth = '3'"
    return timed(lambda _: client.search_runs([experiment], query, order_by=["metrics.auc DESC"], max_results=10), seconds)


def summary(waits, factor=1):
    ordered = sorted(waits)
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000  # noqa: E731
    return {
        "calls": len(waits),
        "p50_ms": round(at(0.5), 2),
        "p99_ms": round(at(0.99), 2),
        "max_ms": round(ordered[-1] * 1000, 2),
        "rate": factor / statistics.fmean(waits),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ours")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--without-peer", action="store_true")
    arguments = parser.parse_args()
    commands = {"ours": [arguments.ours, "--dir", "{work}/data", "--port", "{port}"]}
    if not arguments.without_peer:
        commands["mlflow"] = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1",
            "--backend-store-uri", "sqlite:///{work}/mlflow.db", "--artifacts-destination", "{work}/artifacts",
        ]  # fmt: skip
    report = {}
    with tempfile.TemporaryDirectory() as work:
        servers = [Server(name, command, pathlib.Path(work) / name) for name, command in commands.items()]
        try:
            time.sleep(2)
            for server in servers:
                report[server.name] = {"ready_ms": round(server.ready * 1000), "idle": memory(server.process.pid)}
            for name, measure, factor in [
                ("log_metric", single, 1),
                ("log_batch(1000), in metrics", batches, 1000),
                ("search, top 10 of 300", searches, 1),
                ("log_metric, 8 processes", many, 8),
            ]:
                waits = {server.name: [] for server in servers}
                for _ in range(arguments.rounds):
                    for server in servers:
                        waits[server.name] += measure(server.uri, arguments.seconds)
                for server in servers:
                    report[server.name][name] = summary(waits[server.name], factor)
            for server in servers:
                report[server.name]["after"] = memory(server.process.pid)
        finally:
            for server in servers:
                server.stop()
    for name, figures in report.items():
        for what, figure in figures.items():
            if isinstance(figure, dict) and "rate" in figure:
                figure["rate"] = round(figure["rate"], 1)
        print(name)
        for what, figure in figures.items():
            print(f"  {what:28} {json.dumps(figure)}")
    if "mlflow" in report:
        print("ours / mlflow")
        for what, figure in report["ours"].items():
            if isinstance(figure, dict) and "rate" in figure:
                print(f"  {what:28} {figure['rate'] / report['mlflow'][what]['rate']:.1f} times the rate")


if __name__ == "__main__":
    main()
