"""The routes, with what is valid for each, and the fields that may be wrong."""


def routes(world):
    """The method, the path and a valid body of every route, each made anew in a world when it is needed."""
    dataset = {"name": "d", "digest": "x", "source_type": "local", "source": "here"}
    point = {"key": "a", "value": 1.0, "timestamp": 1, "step": 0}
    pair = [{"key": "a", "value": "1"}]
    model = lambda **more: {"name": world.new_model(), "version": "1"} | more  # noqa: E731
    return [
        ("POST", "/experiments/create", lambda: {"name": world.fresh(), "tags": pair, "artifact_location": ""}),
        ("GET", "/experiments/get", lambda: {"experiment_id": world.experiment}),
        ("GET", "/experiments/get-by-name", lambda: {"experiment_name": "Default"}),
        ("POST", "/experiments/update", lambda: {"experiment_id": world.experiment, "new_name": world.fresh()}),
        (
            "POST", "/experiments/search",
            lambda: {"filter": f"name = '{world.unique}'", "max_results": 5, "order_by": ["name"], "view_type": "ALL"}
        ),
        (
            "POST", "/experiments/set-experiment-tag",
            lambda: {"experiment_id": world.experiment, "key": "t", "value": "1"}
        ),
        ("POST", "/experiments/delete-experiment-tag", lambda: {"experiment_id": world.experiment, "key": "never"}),
        (
            "POST", "/experiments/delete",
            lambda: {"experiment_id": world.pair.client("create_experiment", world.fresh()).new("experiment")}
        ),
        ("POST", "/experiments/restore", lambda: {"experiment_id": world.experiment}),
        (
            "POST", "/runs/create", lambda:
            {"experiment_id": world.experiment, "user_id": "ada", "run_name": "one", "start_time": 5, "tags": pair}
        ),
        ("GET", "/runs/get", lambda: {"run_id": world.new_run()}),
        (
            "POST", "/runs/update",
            lambda: {"run_id": world.new_run(), "status": "FAILED", "end_time": 5, "run_name": "two"}
        ),
        ("POST", "/runs/delete", lambda: {"run_id": world.new_run()}),
        ("POST", "/runs/restore", lambda: {"run_id": world.new_run()}),
        (
            "POST", "/runs/search", lambda: {
                "experiment_ids": [world.experiment], "filter": "metrics.never > 1", "run_view_type": "ALL",
                "max_results": 5, "order_by": ["start_time"]
            }
        ),
        (
            "POST", "/runs/log-metric",
            lambda: {"run_id": world.one_run, "key": "a", "value": 1.5, "timestamp": 5, "step": 1}
        ),
        (
            "POST", "/runs/log-parameter",
            lambda: {"run_id": world.one_run, "key": world.fresh().replace(" ", ""), "value": "1"}
        ),
        ("POST", "/runs/set-tag", lambda: {"run_id": world.one_run, "key": "t", "value": "1"}),
        ("POST", "/runs/delete-tag", lambda: {"run_id": world.one_run, "key": "never"}),
        (
            "POST", "/runs/log-batch", lambda: {
                "run_id": world.one_run, "metrics": [point],
                "params": [{"key": world.fresh().replace(" ", ""), "value": "1"}], "tags": pair
            }
        ),
        (
            "POST", "/runs/log-inputs", lambda: {
                "run_id": world.one_run, "datasets": [{"dataset": dataset, "tags": pair}],
                "models": [{"model_id": world.logged}]
            }
        ),
        ("POST", "/runs/outputs", lambda: {"run_id": world.one_run, "models": [{"model_id": world.logged, "step": 1}]}),
        ("GET", "/metrics/get-history", lambda: {"run_id": world.one_run, "metric_key": "never", "max_results": "5"}),
        (
            "GET", "/metrics/get-history-bulk-interval", lambda:
            {"run_ids": world.one_run, "metric_key": "never", "start_step": "0", "end_step": "5", "max_results": "5"}
        ),
        ("GET", "/artifacts/list", lambda: {"run_id": world.one_run, "path": ""}),
        (
            "POST", "/logged-models", lambda: {
                "experiment_id": world.experiment, "name": "one", "model_type": "t", "source_run_id": world.one_run,
                "params": pair, "tags": pair
            }
        ),
        (
            "POST", "/logged-models/search", lambda: {
                "experiment_ids": [world.experiment], "filter": "name = 'never'", "max_results": 5,
                "order_by": [{"field_name": "name", "ascending": True}], "datasets": []
            }
        ),
        ("GET", "/logged-models/{model_id}", lambda: {"model_id": world.logged}),
        (
            "PATCH", "/logged-models/{model_id}",
            lambda: {"model_id": world.new_logged(), "status": "LOGGED_MODEL_READY"}
        ),
        ("DELETE", "/logged-models/{model_id}", lambda: {"model_id": world.new_logged()}),
        ("PATCH", "/logged-models/{model_id}/tags", lambda: {"model_id": world.new_logged(), "tags": pair}),
        ("POST", "/logged-models/{model_id}/params", lambda: {"model_id": world.new_logged(), "params": pair}),
        ("POST", "/registered-models/create", lambda: {"name": world.fresh(), "tags": pair, "description": "d"}),
        ("GET", "/registered-models/get", lambda: {"name": world.model}),
        ("PATCH", "/registered-models/update", lambda: {"name": world.model, "description": "d"}),
        ("POST", "/registered-models/rename", lambda: {"name": world.new_model(), "new_name": world.fresh()}),
        ("DELETE", "/registered-models/delete", lambda: {"name": world.new_model()}),
        (
            "GET", "/registered-models/search",
            lambda: {"filter": f"name = '{world.unique}'", "max_results": "5", "order_by": "name"}
        ),
        ("POST", "/registered-models/get-latest-versions", lambda: {"name": world.model, "stages": ["None"]}),
        ("POST", "/registered-models/set-tag", lambda: {"name": world.model, "key": "t", "value": "1"}),
        ("DELETE", "/registered-models/delete-tag", lambda: {"name": world.model, "key": "t"}),
        ("POST", "/registered-models/alias", lambda: model(alias="a")),
        ("GET", "/registered-models/alias", lambda: {"name": world.model, "alias": "never"}),
        ("DELETE", "/registered-models/alias", lambda: {"name": world.model, "alias": "never"}),
        (
            "POST", "/model-versions/create", lambda:
            {"name": world.new_model(), "source": "s3://bucket/x", "run_id": "", "tags": pair, "description": "d"}
        ),
        ("GET", "/model-versions/get", lambda: {"name": world.model, "version": "1"}),
        ("PATCH", "/model-versions/update", lambda: {"name": world.model, "version": "1", "description": "d"}),
        ("POST", "/model-versions/transition-stage", lambda: model(stage="Staging", archive_existing_versions=False)),
        ("DELETE", "/model-versions/delete", lambda: model()),
        (
            "GET", "/model-versions/search",
            lambda: {"filter": f"name = '{world.unique}'", "max_results": "5", "order_by": "name"}
        ),
        ("GET", "/model-versions/get-download-uri", lambda: {"name": world.model, "version": "1"}),
        ("POST", "/model-versions/set-tag", lambda: {"name": world.model, "version": "1", "key": "t", "value": "1"}),
        ("DELETE", "/model-versions/delete-tag", lambda: {"name": world.model, "version": "1", "key": "t"}),
    ]


FIELDS = {
    "/experiments/create": ["name", "tags", "artifact_location"],
    "/experiments/get": ["experiment_id"],
    "/experiments/get-by-name": ["experiment_name"],
    "/experiments/update": ["experiment_id", "new_name"],
    "/experiments/search": ["max_results", "order_by", "view_type", "page_token"],
    "/experiments/set-experiment-tag": ["experiment_id", "key", "value"],
    "/experiments/delete-experiment-tag": ["experiment_id", "key"],
    "/experiments/delete": ["experiment_id"],
    "/experiments/restore": ["experiment_id"],
    "/runs/create": ["experiment_id", "user_id", "run_name", "start_time", "tags"],
    "/runs/get": ["run_id"],
    "/runs/update": ["run_id", "status", "end_time", "run_name"],
    "/runs/delete": ["run_id"],
    "/runs/restore": ["run_id"],
    "/runs/search": ["experiment_ids", "run_view_type", "max_results", "order_by", "page_token"],
    "/runs/log-metric": ["run_id", "key", "value", "timestamp", "step", "model_id", "dataset_name"],
    "/runs/log-parameter": ["run_id", "key", "value"],
    "/runs/set-tag": ["run_id", "key", "value"],
    "/runs/delete-tag": ["run_id", "key"],
    "/runs/log-batch": ["run_id", "metrics", "params", "tags"],
    "/runs/log-inputs": ["run_id", "datasets", "models"],
    "/runs/outputs": ["run_id", "models"],
    "/metrics/get-history": ["run_id", "metric_key", "max_results", "page_token"],
    "/metrics/get-history-bulk-interval": ["run_ids", "metric_key", "start_step", "end_step", "max_results"],
    "/artifacts/list": ["run_id", "path"],
    "/logged-models": ["experiment_id", "name", "model_type", "source_run_id", "params", "tags"],
    "/logged-models/search": ["experiment_ids", "max_results", "order_by", "datasets", "page_token"],
    "/logged-models/{model_id}": ["status"],
    "/logged-models/{model_id}/tags": ["tags"],
    "/logged-models/{model_id}/params": ["params"],
    "/registered-models/create": ["name", "tags", "description"],
    "/registered-models/get": ["name"],
    "/registered-models/update": ["name", "description"],
    "/registered-models/rename": ["name", "new_name"],
    "/registered-models/delete": ["name"],
    "/registered-models/search": ["max_results", "order_by", "page_token"],
    "/registered-models/get-latest-versions": ["name", "stages"],
    "/registered-models/set-tag": ["name", "key", "value"],
    "/registered-models/delete-tag": ["name", "key"],
    "/registered-models/alias": ["name", "alias", "version"],
    "/model-versions/create": ["name", "source", "run_id", "tags", "description", "model_id"],
    "/model-versions/get": ["name", "version"],
    "/model-versions/update": ["name", "version", "description"],
    "/model-versions/transition-stage": ["name", "version", "stage", "archive_existing_versions"],
    "/model-versions/delete": ["name", "version"],
    "/model-versions/search": ["max_results", "order_by", "page_token"],
    "/model-versions/get-download-uri": ["name", "version"],
    "/model-versions/set-tag": ["name", "version", "key", "value"],
    "/model-versions/delete-tag": ["name", "version", "key"],
}
