"""Rates and waits of both servers through MLflow's own client, on the same machine in the same run.

    python bench.py PATH_TO_TRACKING_SERVER [--rounds 10] [--seconds 1] [--only log_metric] [--without-peer]

It needs the whole of MLflow (`pip install mlflow==3.17.2`), whose own server is measured beside ours, each with an
empty SQLite file. Ours runs twice: so that what it acknowledged survives a power cut, and with `--fast`, where it
survives a killed process. A fourth server does nothing and answers `{}` at once: no server can be faster through
this client. All are asked in turns, in short rounds; a ratio is taken within a round, and told as the median
of the rounds, so that a busy machine is unfair to none.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import selectors
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


def serve_nothing(port):
    """Answers what a client needs to begin to log, and `{}` to all that it logs; nothing is kept."""
    experiment = {"experiment_id": "1", "name": "x", "artifact_location": "x", "lifecycle_stage": "active"}
    info = {"run_id": "0" * 32, "run_uuid": "0" * 32, "experiment_id": "1", "run_name": "x", "status": "RUNNING"}
    begun = {"experiment": experiment, "experiment_id": "1", "run": {"info": info, "data": {}}}
    answers = []
    for body in (b"{}", json.dumps(begun).encode()):
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        answers.append(head.encode() + body)
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", port))
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection, selectors.EVENT_READ, bytearray())
                continue
            try:
                piece = key.fileobj.recv(1 << 20)
            except ConnectionError:
                piece = b""
            if not piece:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                continue
            request = key.data
            request += piece
            end = request.find(b"\r\n\r\n")
            if end < 0:
                continue
            head = bytes(request[:end]).lower()
            length = head.partition(b"content-length:")[2].split(b"\r\n")[0].strip()
            if len(request) >= end + 4 + int(length or 0):
                logs = b"/runs/log-" in head.split(b"\r\n")[0]
                del request[:]
                key.fileobj.sendall(answers[not logs])


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


def summary(rounds, factor=1):
    waits = sorted(wait for waits in rounds for wait in waits)
    at = lambda share: round(waits[min(len(waits) - 1, int(share * len(waits)))] * 1000, 2)  # noqa: E731
    mean = statistics.fmean(waits)
    return {
        "calls": len(waits),
        "p50_ms": at(0.5),
        "p90_ms": at(0.9),
        "p99_ms": at(0.99),
        "mean_ms": round(mean * 1000, 2),
        "rate": round(factor / mean, 1),
    }


def ratio(slow, fast, of=statistics.fmean):
    """How many times as long one takes as the other: the median of the rounds, least and greatest."""
    ratios = sorted(of(a) / of(b) for a, b in zip(slow, fast))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


MEASURES = {
    "log_metric": (single, 1),
    "log_batch(1000)": (batches, 1000),
    "search, top 10 of 300": (searches, 1),
    "log_metric, 8 processes": (many, 8),
}


def servers_of(arguments):
    ours = [arguments.ours, "--dir", "{work}/data", "--port", "{port}"]
    commands = {"ours": ours, "ours, --fast": [*ours, "--fast"]}
    commands["nothing"] = [sys.executable, __file__, "--nothing", "{port}"]
    if not arguments.without_peer:
        commands["mlflow"] = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1",
            "--backend-store-uri", "sqlite:///{work}/mlflow.db", "--artifacts-destination", "{work}/artifacts",
        ]  # fmt: skip
    return commands


def measured(servers, name, arguments):
    """The rounds of one measure, by server."""
    measure = MEASURES[name][0]
    # new processes are dear to start, and one search is like the other
    few = measure in (many, searches)
    asked = [server for server in servers if measure is not searches or server.name != "nothing"]
    rounds = {server.name: [] for server in asked}
    for _ in range(min(arguments.rounds, 3) if few else arguments.rounds):
        for server in asked:
            rounds[server.name].append(measure(server.uri, arguments.seconds * (3 if few else 1)))
    return rounds


def report(name, rounds):
    print(name)
    for server, waits in rounds.items():
        print(f"  {server:14} {json.dumps(summary(waits, MEASURES[name][1]))}")
    for slow, fast in [("mlflow", "ours"), ("mlflow", "ours, --fast"), ("mlflow", "nothing"), ("ours", "nothing")]:
        if slow in rounds and fast in rounds:
            means, medians = (ratio(rounds[slow], rounds[fast], of) for of in (statistics.fmean, statistics.median))
            print(f"  {slow} / {fast}: mean {means}, p50 {medians}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ours", nargs="?")
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", default="", help="measures whose name holds this")
    parser.add_argument("--without-peer", action="store_true")
    parser.add_argument("--nothing", type=int, help="be the server that does nothing, on a port")
    arguments = parser.parse_args()
    if arguments.nothing:
        return serve_nothing(arguments.nothing)
    # so that the servers are stopped as well
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    servers = []
    with tempfile.TemporaryDirectory() as work:
        try:
            for at, (name, command) in enumerate(servers_of(arguments).items()):
                servers.append(Server(name, command, pathlib.Path(work) / str(at)))
            time.sleep(2)
            for server in servers:
                print(f"{server.name:14} ready in {server.ready * 1000:.0f} ms, idle {memory(server.process.pid)}")
            for name in MEASURES:
                if arguments.only in name:
                    report(name, measured(servers, name, arguments))
            for server in servers:
                print(f"{server.name:14} afterwards {memory(server.process.pid)}")
        finally:
            for server in servers:
                server.stop()


if __name__ == "__main__":
    main()
