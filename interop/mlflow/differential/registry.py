"""Random sessions over registered models, their versions, aliases, stages, tags and searches."""

import words

STAGES = ["None", "Staging", "Production", "Archived", "production", "STAGING", "Live", ""]
ALIASES = ["champion", "challenger", "a_b", "A-1", "Champion", "latest", "v1", "1", "a b", "ü", "vx", ""]


class Registry:

    def __init__(self, pair, rng, unique):
        self.pair = pair
        self.rng = rng
        self.unique = unique
        self.names = []
        self.versions = {}
        self.gone = [unique + " gone"]
        # whether the times of changes are the same on both sides, see `wanted.py`
        self.plain = rng.random() < 0.4

    def run(self):
        rng, pair = self.rng, self.pair
        experiment = pair.client("create_experiment", self.unique).new("experiment")
        self.runs = [pair.client("create_run", experiment, start_time=1, run_name=f"r{n}").new("run") for n in range(2)]
        self.models = [
            pair.client(
                "create_logged_model", experiment, name=f"m{n}", source_run_id=rng.choice([None, self.runs[0]])
            ).new("model") for n in range(2)
        ]
        for _ in range(2):
            self.create()
        for _ in range(3):
            self.create_version()
        acts = [
            (3, self.create),
            (8, self.touch),
            (12, self.create_version),
            (16, self.touch_version),
            (8, self.alias),
            (8, self.stage),
            (5, self.latest),
            (8, self.search),
            (14, self.search_versions),
        ]
        for act in rng.choices([act for _, act in acts], [weight for weight, _ in acts], k=60):
            act()
        for name in self.names:
            pair.client("get_registered_model", name)
            pair.client(
                "search_model_versions", f"name = '{name}'", order_by=None if self.plain else ["creation_timestamp"]
            )

    def name(self):
        return self.rng.choice(self.names) if self.names and self.rng.random() < 0.95 else self.rng.choice(self.gone)

    def version(self):
        if self.rng.random() < 0.94 and (
            held := [(name, version) for name in self.names for version in range(1, self.versions[name] + 1)]
        ):
            return self.rng.choice(held)
        if self.names and self.rng.random() < 0.7:
            return self.rng.choice(self.names), self.rng.choice(["99", "0", "x", "-1", "1.0"])
        return self.name(), "1"

    def create(self):
        rng = self.rng
        name = f"{self.unique} {len(self.versions)} {rng.choice(['one', 'Two', 'ü', 'a.b'])}"
        if rng.random() < 0.1:
            name = self.name()
        answer = self.pair.client(
            "create_registered_model", name,
            words.pairs(rng, 3) or None, rng.choice([None, "a line", ""])
        )
        if answer.ok:
            self.names.append(name)
            self.versions[name] = 0

    def touch(self):
        rng, pair, name = self.rng, self.pair, self.name()
        key = rng.choice(words.KEYS)
        act = rng.choice(["get", "delete"] if self.
                         plain else ["get", "update", "tag", "tag", "untag", "rename", "delete"])
        if act == "update":
            pair.client("update_registered_model", name, rng.choice(["another line", ""]))
        elif act == "tag":
            pair.client("set_registered_model_tag", name, key, rng.choice(words.TEXTS))
        elif act == "untag":
            pair.client("delete_registered_model_tag", name, key)
        elif act == "rename" and rng.random() < 0.5:
            to = rng.choice([f"{self.unique} renamed {len(self.gone)}", self.name()])
            if pair.client("rename_registered_model", name, to).ok and name != to:
                self.names[self.names.index(name)] = to
                self.versions[to] = self.versions.pop(name)
                self.gone.append(name)
                name = to
        elif act == "delete" and rng.random() < 0.3:
            for held in pair.client("get_registered_model", name).body.get("registered_model",
                                                                           {}).get("latest_versions", []):
                self.archive(name, held)
            if pair.client("delete_registered_model", name).ok:
                self.names.remove(name)
                self.gone.append(name)
        pair.client("get_registered_model", name)

    def create_version(self):
        rng, pair, name = self.rng, self.pair, self.name()
        run, model = rng.choice(self.runs), rng.choice(self.models)
        kind = rng.choice(["bucket", "bucket", "run", "model", "version", "proxy", "unknown"])
        source, settings = "s3://bucket/" + rng.choice(["model", "other"]), {}
        if kind == "run":
            source, settings = f"runs:/{run}/model", {"run_id": run}
        elif kind == "model":
            source, settings = f"models:/{model}", {"model_id": model} | ({"run_id": run} if rng.random() < 0.5 else {})
        elif kind == "version":
            other, version = self.version()
            source = f"models:/{other}/{version}"
        elif kind == "proxy":
            source, settings = f"mlflow-artifacts:/{{}}/{run}/artifacts/model", {"run_id": run}
            source = source.replace("{}", pair_experiment(pair, run))
        elif kind == "unknown":
            source, settings = rng.choice([("models:/m-" + "0" * 32, {"model_id": "m-" + "0" * 32}),
                                           ("file:///etc", {}), ("/tmp/x", {})])
        settings |= {"tags": words.pairs(rng, 2) or None, "description": rng.choice([None, "a version"])}
        body = {"name": name, "source": source
                } | {key: value
                     for key, value in settings.items() if value is not None and key != "tags"}
        if settings["tags"]:
            body["tags"] = [{"key": key, "value": value} for key, value in settings["tags"].items()]
        answer = pair.raw("POST", "/model-versions/create", body)
        if answer.ok:
            self.versions[name] = int(answer.body["model_version"]["version"])

    def touch_version(self):
        rng, pair, (name, version) = self.rng, self.pair, self.version()
        key = rng.choice(words.KEYS)
        act = rng.choice(["get", "delete", "uri"] if self.
                         plain else ["get", "update", "tag", "tag", "untag", "delete", "uri"])
        if act == "update":
            pair.client("update_model_version", name, version, rng.choice(["another", ""]))
        elif act == "tag":
            pair.client("set_model_version_tag", name, version, key, rng.choice(words.TEXTS))
        elif act == "untag":
            pair.client("delete_model_version_tag", name, version, key)
        elif act == "delete" and rng.random() < 0.4:
            self.archive(name, pair.client("get_model_version", name, version).body.get("model_version", {}))
            pair.client("delete_model_version", name, version)
        elif act == "uri":
            pair.client("get_model_version_download_uri", name, version)
        pair.client("get_model_version", name, version)

    def archive(self, name, version):
        """Ours deletes nothing that is in production."""
        if version.get("current_stage") == "Production":
            self.pair.client("transition_model_version_stage", name, version["version"], "Archived", False)

    def alias(self):
        if self.plain:
            return
        rng, pair, (name, version) = self.rng, self.pair, self.version()
        alias = rng.choice(ALIASES[:5 if rng.random() < 0.8 else None])
        act = rng.choice(["set", "set", "get", "delete"])
        if act == "set":
            pair.client("set_registered_model_alias", name, alias, version)
        elif act == "delete":
            pair.client("delete_registered_model_alias", name, alias)
        pair.client("get_model_version_by_alias", name, alias)
        pair.client("get_registered_model", name)

    def stage(self):
        rng, pair, (name, version) = self.rng, self.pair, self.version()
        stage = rng.choice(STAGES[:4 if rng.random() < 0.8 else None])
        # what changes nothing is no change to ours
        held = pair.client("get_model_version", name, version).body.get("model_version", {}).get("current_stage", "")
        if self.plain and held.lower() == stage.lower():
            return
        archive = stage.lower() in ("staging", "production") or rng.random() < 0.2
        pair.client("transition_model_version_stage", name, version, stage, archive)
        pair.client("get_registered_model", name)

    def latest(self):
        stages = self.rng.choice([None, ["Production"], ["None", "staging"], ["Live"], ["None", "None"]])
        self.pair.client("get_latest_versions", self.name(), stages)

    def pages(self, call, **settings):
        token = None
        for _ in range(12):
            answer = self.pair.client(call, **settings, **({"page_token": token} if token else {}))
            token = answer.body.get("next_page_token") if answer.ok else None
            if not token:
                return

    def search(self):
        rng = self.rng
        filter = words.joined(
            rng, lambda: words.model_clause(rng, self.names + self.gone), [f"name LIKE '{self.unique}%'"]
        )
        orders = words.order(rng, [lambda: rng.choice(["name", "attribute.name", "creation_timestamp", "tags.a"])])
        self.pages(
            "search_registered_models",
            filter_string=filter,
            max_results=rng.choice([1, 2, 100]),
            order_by=orders or None
        )

    def search_versions(self):
        rng = self.rng
        filter = words.joined(
            rng, lambda: words.version_clause(rng, self.names + self.gone, self.runs), [f"name LIKE '{self.unique}%'"]
        )
        fields = ["name", "version_number", "creation_timestamp", "attribute.name", "run_id", "tags.a"
                  ] + ["last_updated_timestamp"] * self.plain
        orders = words.order(rng, [lambda: rng.choice(fields)])
        if not self.plain and not orders:
            orders = ["creation_timestamp"]
        self.pages(
            "search_model_versions", filter_string=filter, max_results=rng.choice([1, 2, 100]), order_by=orders or None
        )


def pair_experiment(pair, run):
    return next(symbol for symbol in reversed(pair.sides[0].values) if symbol.startswith("«experiment"))
