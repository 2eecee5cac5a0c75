"""Random sessions over experiments, runs, their logs and searches."""

from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput, LoggedModelOutput, Metric, Param, RunTag, ViewType

import words

VIEWS = [ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL]


class Tracking:

    def __init__(self, pair, rng, unique):
        self.pair = pair
        self.rng = rng
        self.unique = unique
        self.experiments = []
        self.names = [unique]
        self.runs = []
        self.models = []
        self.points = 0

    def run(self):
        for _ in range(2):
            self.create_experiment()
        for _ in range(4):
            self.create_run()
        acts = [
            (1, self.create_experiment),
            (4, self.touch_experiment),
            (5, self.search_experiments),
            (5, self.create_run),
            (6, self.touch_run),
            (16, self.log),
            (3, self.log_batch),
            (3, self.inputs),
            (5, self.history),
            (20, self.search_runs),
            (3, self.create_model),
            (7, self.touch_model),
            (9, self.search_models),
        ]
        for act in self.rng.choices([act for _, act in acts], [weight for weight, _ in acts], k=60):
            act()
        for run in self.runs:
            self.pair.client("get_run", run)

    # experiments

    def create_experiment(self):
        rng = self.rng
        name = f"{self.unique} {rng.choice(words.NAMES)[:20]} {len(self.experiments)}"
        if rng.random() < 0.1:
            name = rng.choice(self.names)
        location = rng.choice([None, None, None, "s3://bucket/" + self.unique])
        answer = self.pair.client("create_experiment", name, location, words.pairs(rng, 3) or None)
        if found := answer.new("experiment"):
            self.experiments.append(found)
            self.names.append(name)

    def experiment(self):
        return self.rng.choice(self.experiments) if self.rng.random() < 0.97 else "987654321"

    def touch_experiment(self):
        rng, pair, id = self.rng, self.pair, self.experiment()
        key = rng.choice(words.KEYS)
        act = rng.choice(["get", "get", "name", "rename", "delete", "restore", "restore", "tag", "untag"])
        if act == "get":
            pair.client("get_experiment", id)
        elif act == "name":
            pair.client("get_experiment_by_name", rng.choice([*self.names, "nothing", ""]))
        elif act == "rename":
            name = rng.choice([f"{self.unique} renamed {len(self.names)}", rng.choice(self.names)])
            self.names.append(name)
            pair.client("rename_experiment", id, name)
        elif act == "delete":
            pair.client("delete_experiment", id)
        elif act == "restore":
            pair.client("restore_experiment", id)
        elif act == "tag":
            pair.client("set_experiment_tag", id, key, rng.choice(words.TEXTS))
        else:
            pair.client("delete_experiment_tag", id, key)
        pair.client("get_experiment", id)

    def search_experiments(self):
        rng = self.rng
        scope = [f"name LIKE '{self.unique}%'"]
        filter = words.joined(rng, lambda: words.experiment_clause(rng, self.names), scope)
        orders = words.order(
            rng, [
                lambda: rng.choice([
                    "name", "experiment_id", "creation_time", "last_update_time", "attribute.name", "lifecycle_stage",
                    "tags.a"
                ])
            ]
        )
        self.pages(
            "search_experiments",
            view_type=rng.choice(VIEWS),
            max_results=rng.choice([1, 2, 3, 1000]),
            filter_string=filter,
            order_by=orders or None
        )

    def pages(self, call, **settings):
        token = None
        for _ in range(12):
            more = {"page_token": token} if token else {}
            answer = self.pair.client(call, **settings, **more)
            if not answer.ok or not isinstance(answer.body, dict):
                return
            token = answer.body.get("next_page_token")
            if not token:
                return

    # runs

    def create_run(self):
        rng = self.rng
        tags = words.pairs(rng, 3)
        if rng.random() < 0.3:
            tags["mlflow.user"] = rng.choice(["ada", "Bob"])
        if self.runs and rng.random() < 0.2:
            tags["mlflow.parentRunId"] = rng.choice(self.runs)
        if rng.random() < 0.1:
            tags["mlflow.runName"] = rng.choice(["one", "two"])
        name = rng.choice([None, "one", "two", "Three", "ü" * 3])
        # no two alike: what is left of an order is by id, and ids are random
        start = rng.choice([None, rng.choice(words.TIMES) + 1000 * len(self.runs)])
        answer = self.pair.client("create_run", self.experiment(), start_time=start, tags=tags, run_name=name)
        if found := answer.new("run"):
            self.runs.append(found)

    def one_run(self):
        return self.rng.choice(self.runs) if self.rng.random() < 0.97 else "0" * 32

    def touch_run(self):
        rng, pair, id = self.rng, self.pair, self.one_run()
        act = rng.choice(["get", "update", "update", "terminate", "delete", "restore", "restore", "parent"])
        if act == "update":
            pair.client(
                "update_run",
                id,
                status=rng.choice([None, *words.STATUSES]),
                name=rng.choice([None, "one", "new name", ""])
            )
        elif act == "terminate":
            pair.client("set_terminated", id, rng.choice([None, *words.STATUSES]), rng.choice([None, *words.TIMES]))
        elif act == "delete":
            pair.client("delete_run", id)
        elif act == "restore":
            pair.client("restore_run", id)
        elif act == "parent":
            pair.client("get_parent_run", id)
        pair.client("get_run", id)

    def metric(self, keys=words.KEYS):
        rng = self.rng
        model = rng.choice(self.models) if self.models and rng.random() < 0.3 else None
        dataset = rng.choice([(None, None), (None, None), ("d1", "abc"), ("d2", "x")]) if model else (None, None)
        key, value, time, step = rng.choice(keys), words.number(rng), rng.choice(words.TIMES), rng.choice(words.STEPS)
        if model:
            # theirs fails on two points of a model at one step and time
            self.points += 1
            time += self.points
        return lambda resolve: Metric(key, value, time, step, resolve(model) if model else None, *dataset)

    def log(self):
        rng, pair, id = self.rng, self.pair, self.one_run()
        key, text = rng.choice(words.KEYS), rng.choice(words.TEXTS)
        act = rng.choice(["metric", "metric", "metric", "param", "param", "tag", "untag"])
        if act == "metric":
            model = rng.choice(self.models) if self.models and rng.random() < 0.2 else None
            pair.client(
                "log_metric",
                id,
                key,
                words.number(rng),
                timestamp=None if model else rng.choice([None, *words.TIMES]),
                step=rng.choice([None, *words.STEPS]),
                model_id=model
            )
        elif act == "param":
            pair.client("log_param", id, key, text)
        elif act == "tag":
            pair.client("set_tag", id, rng.choice([key, "mlflow.runName", "mlflow.user"]), text)
        else:
            pair.client("delete_tag", id, key)
        if rng.random() < 0.3:
            pair.client("get_run", id)

    def log_batch(self):
        rng, id = self.rng, self.one_run()
        # some histories are long
        count = rng.choice([0, 1, 3, 30])
        metrics = [self.metric(words.KEYS if count < 30 else ["loss", "x/y"]) for _ in range(count)]
        params = [Param(key, rng.choice(words.TEXTS)) for key in rng.sample(words.KEYS, rng.choice([0, 1, 3]))]
        if params and rng.random() < 0.1:
            params.append(params[0])
        tags = [RunTag(rng.choice(words.KEYS), rng.choice(words.TEXTS)) for _ in range(rng.choice([0, 1, 3]))]
        self.pair.client("log_batch", id, metrics, params, tags)
        self.pair.client("get_run", id)

    def inputs(self):
        rng, id = self.rng, self.one_run()
        if self.models and rng.random() < 0.5:
            some = rng.sample(self.models, min(len(self.models), 2))
            if rng.random() < 0.5:
                models = [
                    lambda resolve, m=m, s=rng.choice(words.STEPS): LoggedModelOutput(resolve(m), s) for m in some
                ]
                self.pair.client("log_outputs", id, models)
            else:
                self.pair.client(
                    "log_inputs", id, models=[lambda resolve, m=m: LoggedModelInput(resolve(m)) for m in some]
                )
        else:
            datasets = []
            for _ in range(rng.randint(1, 2)):
                schema, profile = rng.choice([None, "{}", "s"]), rng.choice([None, "p"])
                dataset = Dataset(
                    rng.choice(["d1", "d2", "D1"]), rng.choice(["abc", "x"]), "local", rng.choice(["here", "there"]),
                    schema, profile
                )
                tags = [InputTag("mlflow.data.context", rng.choice(["train", "test"]))] if rng.random() < 0.7 else []
                datasets.append(DatasetInput(dataset, tags + [InputTag(k, v) for k, v in words.pairs(rng, 1).items()]))
            self.pair.client("log_inputs", id, datasets)
        self.pair.client("get_run", id)

    def history(self):
        rng, pair, id, key = self.rng, self.pair, self.one_run(), self.rng.choice([
            *words.KEYS, "loss", "x/y", "loss", "x/y"
        ])
        if rng.random() < 0.3:
            pair.client("get_metric_history", id, key)
        elif rng.random() < 0.6:
            # theirs come by time and ours by step: the pages may differ, all of them together may not
            token, both = None, ([], [])
            while True:
                query = {"run_id": id, "metric_key": key, "max_results": rng.choice([1, 2, 5])}
                answer = pair.raw(
                    "GET",
                    "/metrics/get-history",
                    query=query | ({"page_token": token} if token else {}),
                    loose="metrics"
                )
                for all, page in zip(both, answer.both):
                    all += page
                token = answer.body.get("next_page_token") if answer.ok else None
                if not token:
                    break
            pair.equal(f"all points of {key} of {id}", both)
        else:
            query = {"run_ids": pick_runs(rng, self.runs), "metric_key": key}
            if rng.random() < 0.5:
                query |= {"start_step": rng.choice([-5, 0, 1]), "end_step": rng.choice([0, 2, 5])}
            if rng.random() < 0.5:
                query["max_results"] = rng.choice([1, 2, 3, 5, 7, 100, 2500])
            pair.raw("GET", "/metrics/get-history-bulk-interval", query=query)

    def search_runs(self):
        rng = self.rng
        filter = words.joined(rng, lambda: words.run_clause(rng, self.runs))
        experiments = rng.sample(self.experiments, rng.randint(1, len(self.experiments)))
        size = rng.choice([1, 2, 5, 1000])
        self.pages(
            "search_runs",
            experiment_ids=experiments,
            filter_string=filter,
            run_view_type=rng.choice(VIEWS),
            max_results=size,
            order_by=words.run_order(rng) or None
        )

    # logged models

    def create_model(self):
        rng = self.rng
        run = self.one_run() if rng.random() < 0.6 else None
        answer = self.pair.client(
            "create_logged_model",
            self.experiment(),
            name=rng.choice([None, "one", "two", "a b"]),
            source_run_id=run,
            tags=words.pairs(rng, 2) or None,
            params=words.pairs(rng, 2) or None,
            model_type=rng.choice([None, "t1", "T2"]),
        )
        if found := answer.new("model"):
            self.models.append(found)

    def touch_model(self):
        rng, pair = self.rng, self.pair
        id = rng.choice(self.models) if self.models and rng.random() < 0.95 else "m-" + "0" * 32
        act = rng.choice(["get", "finalize", "tags", "untag", "params", "delete", "files"])
        if act == "finalize":
            pair.client("finalize_logged_model", id, rng.choice(["READY", "FAILED", "PENDING"]))
        elif act == "tags":
            pair.client("set_logged_model_tags", id, words.pairs(rng, 3))
        elif act == "untag":
            pair.client("delete_logged_model_tag", id, rng.choice(["a", "A", "loss", "select", "1st", "p_1"]))
        elif act == "params":
            pair.client("log_model_params", id, words.pairs(rng, 3))
        elif act == "delete" and rng.random() < 0.3:
            pair.client("delete_logged_model", id)
        elif act == "files":
            pair.raw("GET", f"/logged-models/{id}/artifacts/directories")
        pair.client("get_logged_model", id)

    def search_models(self):
        rng = self.rng
        orders = []
        for _ in range(rng.choice([0, 1, 1, 2])):
            field = rng.choice([
                "name", "creation_timestamp", "last_updated_timestamp", "model_type",
                "metrics." + rng.choice(words.KEYS), "metrics." + rng.choice(words.KEYS), "status", "params.a",
                "nothing", "attributes.name", "source_run_id", "experiment_id"
            ])
            order = {"field_name": field, "ascending": rng.random() < 0.5}
            if field.startswith("metrics") and rng.random() < 0.3:
                order |= {"dataset_name": "d1"} | ({"dataset_digest": "abc"} if rng.random() < 0.5 else {})
            orders.append(order)
        datasets = rng.choice([
            None, None, [{"dataset_name": "d1"}],
            [{"dataset_name": "d1", "dataset_digest": "abc"}, {"dataset_name": "d2"}]
        ])
        self.pages(
            "search_logged_models",
            experiment_ids=rng.sample(self.experiments, rng.randint(1, len(self.experiments))),
            datasets=datasets,
            filter_string=words.joined(rng, lambda: words.logged_clause(rng, self.models)),
            max_results=rng.choice([1, 2, None]),
            order_by=orders or None,
        )


def pick_runs(rng, runs):
    return [rng.choice(runs) for _ in range(rng.randint(1, 3))]
