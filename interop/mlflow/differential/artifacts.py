"""Random sessions over artifacts: up, down, listed and deleted, of runs and of logged models, and paths that lead elsewhere."""

import pathlib
import tempfile

PATHS = [
    "a.txt", "b", "dir/a.txt", "dir/deep/c", "dir", "ü/名.txt", "with space/x y.txt", "a+b.txt", "a&b=c.txt",
    "UPPER.TXT", "dir/a.txt.bak", ".hidden", "x" * 100
]
BAD_PATHS = [
    "..", "../x", "a/../../x", "/etc/passwd", "a//b", "./a", "a/./b", "a\\b", "%2e%2e/x", "..%2fx", "%252e%252e/x",
    "C:/x", "file:///etc", "~/x", "a/..", " ", "a:b"
]


class Artifacts:

    def __init__(self, pair, rng, unique):
        self.pair = pair
        self.rng = rng
        self.unique = unique

    def run(self):
        rng, pair = self.rng, self.pair
        self.experiment = pair.client("create_experiment", self.unique).new("experiment")
        runs = [pair.client("create_run", self.experiment, start_time=1, run_name=f"r{n}").new("run") for n in range(2)]
        model = pair.client("create_logged_model", self.experiment, name="m").new("model")
        self.runs = runs
        self.roots = [f"{self.experiment}/{run}/artifacts"
                      for run in runs] + [f"{self.experiment}/models/{model}/artifacts"]
        acts = [(10, self.put), (6, self.get), (6, self.list), (3, self.delete), (3, self.by_client), (3, self.odd)]
        for act in rng.choices([act for _, act in acts], [weight for weight, _ in acts], k=40):
            act()
        for run in runs:
            pair.client("list_artifacts", run)
            pair.client("list_artifacts", run, "dir")

    def ask(self, method, path, **more):
        answer = self.pair.raw(
            method,
            f"/artifacts/{self.rng.choice(self.roots)}/{path}",
            base="/api/2.0/mlflow-artifacts",
            headers={},
            **more
        )
        return answer

    def put(self):
        size = self.rng.choice([0, 1, 10, 5000, 300_000])
        self.ask(
            "PUT",
            self.rng.choice(PATHS),
            data=bytes(self.rng.randrange(256) for _ in range(min(size, 10))) * (size // 10 or 1) if size else b""
        )

    def get(self):
        self.ask("GET", self.rng.choice(PATHS))

    def delete(self):
        self.ask("DELETE", self.rng.choice(PATHS))

    def list(self):
        path = self.rng.choice(["", "dir", "dir/deep", "ü", "with space", "nothing", "a.txt"])
        if self.rng.random() < 0.5:
            self.pair.raw(
                "GET",
                "/artifacts/list",
                query={"run_id": self.rng.choice(self.runs)} | ({"path": path} if path else {})
            )
        else:
            self.pair.raw(
                "GET",
                "/artifacts",
                query={"path": f"{self.rng.choice(self.roots)}/{path}".rstrip("/")},
                base="/api/2.0/mlflow-artifacts"
            )

    def odd(self):
        path = self.rng.choice(BAD_PATHS)
        kind = self.rng.choice(["GET", "PUT", "DELETE", "list", "files"])
        if kind == "list":
            self.pair.raw("GET", "/artifacts/list", query={"run_id": self.rng.choice(self.runs), "path": path})
        elif kind == "files":
            self.pair.raw(
                "GET",
                "/artifacts",
                query={"path": f"{self.rng.choice(self.roots)}/{path}"},
                base="/api/2.0/mlflow-artifacts"
            )
        else:
            self.ask(kind, path, **({"data": b"x"} if kind == "PUT" else {}))

    def by_client(self):
        rng, pair, run = self.rng, self.pair, self.rng.choice(self.runs)
        with tempfile.TemporaryDirectory() as work:
            work = pathlib.Path(work)
            (work / "in" / "sub").mkdir(parents=True)
            (work / "in" / "one.txt").write_text("one")
            (work / "in" / "sub" / "two.bin").write_bytes(bytes(range(256)) * rng.choice([1, 100]))
            act = rng.choice(["file", "files", "text", "dict", "down", "list"])
            if act == "file":
                pair.client("log_artifact", run, str(work / "in" / "one.txt"), rng.choice([None, "dir", "by client"]))
            elif act == "files":
                pair.client("log_artifacts", run, str(work / "in"), rng.choice([None, "tree"]))
            elif act == "text":
                pair.client("log_text", run, "tëxt", rng.choice(["t.txt", "dir/t.txt"]))
            elif act == "dict":
                pair.client("log_dict", run, {"a": [1, None]}, "d.json")
            elif act == "down":
                pair.client("download_artifacts", run, rng.choice(["a.txt", "dir", "tree", "nothing", ""]), str(work))
            else:
                pair.client("list_artifacts", run, rng.choice([None, "dir", "tree", "nothing"]))
