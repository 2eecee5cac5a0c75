"""Asks MLflow's own server and ours the same, at random from a seed, and compares what they answer.

    python interop/mlflow/differential OURS [--theirs URL] [--seed 1] [--sessions 1] [--rules 150] [--only tracking]

Without `--theirs` it starts a server of the MLflow that it runs with, over a new SQLite database. Ours must be started
with `--webhooks`. It ends with 1 if an answer differs otherwise than `wanted.py` allows.
"""

import argparse
import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
warnings.filterwarnings("ignore", category=FutureWarning)

from artifacts import Artifacts  # noqa: E402
from pair import Pair  # noqa: E402
from registry import Registry  # noqa: E402
from rules import Rules  # noqa: E402
from tracking import Tracking  # noqa: E402
from webhooks import Webhooks  # noqa: E402

SESSIONS = [Tracking, Registry, Artifacts, Webhooks, Rules]


@contextlib.contextmanager
def peer():
    """MLflow's own server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        command = [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--port",
            str(port),
            "--workers",
            "1",
            "--serve-artifacts",
            "--backend-store-uri",
            f"sqlite:///{work}/mlflow.db",
            "--artifacts-destination",
            str(work / "artifacts"),
        ]
        with open(work / "log", "wb") as log:
            # it has children, which end with their group alone
            server = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            )
        try:
            for _ in range(600):
                if server.poll() is not None:
                    sys.exit((work / "log").read_text())
                with contextlib.suppress(urllib.error.URLError, ConnectionError):
                    urllib.request.urlopen(uri + "/health")
                    break
                time.sleep(0.2)
            yield uri
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def compare(theirs, arguments):
    pair = Pair(theirs, arguments.ours, arguments.verbose)
    Rules.size = arguments.rules
    # names of earlier sessions on the same servers must not be met
    stamp = f"{time.time_ns():x}"
    for seed in range(arguments.seed, arguments.seed + arguments.sessions):
        for kind in SESSIONS:
            name = kind.__name__.lower()
            if arguments.only in (None, name):
                pair.where = f"{name} of seed {seed}"
                kind(pair, random.Random(f"{name} {seed}"), f"{name[:2]}{stamp}{seed}").run()
        print(f"seed {seed}: {pair.compared} answers so far, {len(pair.bugs)} calls differ", flush=True)
    print(
        f"{pair.calls} calls, {pair.compared} answers compared, {pair.accepted[True]} accepted, {pair.accepted[False]} refused"
    )
    for reason, count in sorted(pair.count.items()):
        print(f"{count:6} wanted: {reason}")
    print(f"{len(pair.bugs)} calls differ")
    return 1 if pair.bugs else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("ours")
    parser.add_argument("--theirs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument(
        "--rules", type=int, default=150, help="how many cases of wrong and of odd requests a session tries"
    )
    parser.add_argument("--only", choices=[kind.__name__.lower() for kind in SESSIONS])
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    with contextlib.nullcontext(arguments.theirs) if arguments.theirs else peer() as theirs:
        return compare(theirs, arguments)


if __name__ == "__main__":
    sys.exit(main())
