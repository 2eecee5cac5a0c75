"""What may differ, and why: where MLflow's server is wrong or weak, or where nobody can tell the difference.

A row has the reason and a test of one difference, of which it gets the call's text, the place in the answer, and what
either side has there. Everything that no row lets pass is a bug, and ours.
"""

import re

MISSING = "«missing»"
LARGEST = 1.7976931348623157e308
OK, INVALID, NOT_FOUND = "200", "400 INVALID_PARAMETER_VALUE", "404 RESOURCE_DOES_NOT_EXIST"


def refused(theirs, ours, call="", message=""):
    """A row for two outcomes, over the calls and for the messages of ours that match."""

    def test(text, path, one, other):
        if path[-1] != "(outcome)":
            return False
        found = [f"{status} {code if status != 200 else ''}".strip() for status, code, _ in (one, other)]
        return all(map(re.match,
                       (theirs, ours), found)) and re.search(call, text, re.S) and re.search(message, other[2], re.S)

    return test


def at(*names):
    """A test of the last name of the place."""
    return lambda text, path, one, other: path[-1] in names


def without(aliases):
    """Aliases without the one that follows the stage."""
    if aliases == MISSING:
        return []
    kept = lambda one: (one.get("alias") if isinstance(one, dict) else one) != "production"  # noqa: E731
    return list(filter(kept, aliases)) if isinstance(aliases, list) else aliases


def files(entries):
    return [one["path"] for one in entries if not one["is_dir"]] if isinstance(entries, list) else []


TABLE = [
    # values
    (
        "infinity stays infinity; theirs makes it the largest finite number",
        lambda text, path, one, other: (one, other) in [(LARGEST, "Infinity"), (-LARGEST, "-Infinity")],
    ),
    (
        "NaN of a logged model stays NaN; theirs makes it 0",
        lambda text, path, one, other: path[-1] == "value" and "metrics" in path and (one, other) == (0.0, "NaN"),
    ),
    (
        "what is empty may be told or left out, which no client can tell apart",
        lambda text, path, one, other:
        (one in ({}, [], "") and other == MISSING) or (other in ({}, [], "") and one == MISSING),
    ),
    (
        "a history comes by step and then by time, as the index and the word `latest` have it; theirs by time and then by step",
        lambda text, path, one, other: text.startswith("get_metric_history") and "metrics" in path,
    ),
    (
        "the experiment Default is as old as the server's format, not as the database",
        lambda text, path, one, other: path[-1] in ("creation_time", "last_update_time") and other == 0,
    ),
    # the registry's own rules
    (
        "a model has changed when its tags or aliases have, and not when nothing has, as the audit trail tells it; theirs the other way round",
        at("last_updated_timestamp"),
    ),
    (
        "a version tells the logged model that it was made of; theirs takes it and tells nobody",
        lambda text, path, one, other: path[-1] == "model_id" and one == MISSING,
    ),
    (
        "a version tells its aliases wherever it is told of; theirs not within its model or a search",
        lambda text, path, one, other: path[-1] == "aliases" and {"latest_versions", "model_versions"} & set(path) and
        one == MISSING,
    ),
    (
        "the alias `production` follows the stage",
        lambda text, path, one, other: "aliases" in path and without(other) == without(one),
    ),
    (
        "where to download from is told resolved, or is the content that the version was registered with",
        lambda text, path, one, other: path[-1] == "artifact_uri" and (
            re.match("(runs|models):/", str(one)) and re.match("mlflow-artifacts:/|s3:/", str(other)) or str(other).
            startswith("mlflow-artifacts:/registered-models/")
        ),
    ),
    (
        "the tag `mlflow.modelVersions` is the client's to write, which does; theirs writes it again and doubles it",
        lambda text, path, one, other: path[-1] == "tags" and "mlflow.modelVersions" in str(one) and other in
        (MISSING, []),
    ),
    (
        "names of models keep clear of quotes, `%` and `@`, of 257 bytes and of control characters (CVE-2024-3099)",
        refused(f"{OK}|{NOT_FOUND}|400 RESOURCE_ALREADY_EXISTS", INVALID, message="^model name "),
    ),
    (
        "control characters are in no name",
        refused(f"{OK}|{NOT_FOUND}", INVALID, message="control character"),
    ),
    (
        "keys and values of a logged model's params and tags are held to the rules of all params and tags",
        refused(
            f"{OK}|500",
            INVALID,
            call="logged-models|logged_model",
            message="^(tag|param) (key )?`|has [0-9]+ characters|required parameter 'key'"
        ),
    ),
    (
        "a version comes from something that is here, or from a bucket (§4b, sources)",
        refused(
            OK,
            f"{INVALID}|{NOT_FOUND}",
            call="model-versions/create",
            message="Invalid model version source|Run with id|not found"
        ),
    ),
    (
        "buckets of Azure and Hadoop may be named, since the server never opens them; theirs would",
        refused(INVALID, OK, call="(abfss|wasbs|hdfs|gs|s3)://"),
    ),
    (
        "artifacts lie on the server or in a bucket, and nowhere else (§4b, locations)",
        refused(OK, INVALID, message="Invalid artifact_location"),
    ),
    (
        "an alias that can't be is refused when it is deleted, as when it is set",
        refused(OK, INVALID, call="(DELETE /registered-models/|delete_registered_model_)alias", message="^alias "),
    ),
    # what is there and what is not
    (
        "runs read and make logged models that are there",
        refused(f"{OK}|400 BAD_REQUEST|500", NOT_FOUND, call="/runs/|log_metric", message="^Logged model with ID"),
    ),
    (
        "a run tells the models that it read in searches too",
        lambda text, path, one, other: path[-1] == "model_inputs" and text.startswith("search_runs") and one == MISSING,
    ),
    (
        "a dataset named without a digest is any of that name; theirs then finds none over HTTP",
        lambda text, path, one, other: text.startswith("search_logged_models") and re.
        search(r"\{'dataset_name': '\w+'\}",
               text.split("filter_string")[0]),
    ),
    (
        "the history of a run that is not there: whether the caller may see it cannot be said, so it is not found",
        refused(OK, NOT_FOUND, call="get-history"),
    ),
    (
        "what cannot be a run's id is the id of no run, on every route; theirs calls it invalid on some",
        refused(INVALID, NOT_FOUND, call="/runs/", message="^Run with id"),
    ),
    (
        "of a request that is wrong in two ways either may be told",
        refused(INVALID, NOT_FOUND, call="model-versions/create", message="not found"),
    ),
    (
        "a source that is a run's or a logged model's tells whose it is; theirs wants to be told again",
        refused(INVALID, OK, call="model-versions/create.*(runs:/|mlflow-artifacts:/|models:/)"),
    ),
    (
        "a copy names the version that it copies, by its number",
        refused(NOT_FOUND, INVALID, call="model-versions/create.*models:/", message="Invalid model version source"),
    ),
    (
        "a logged model's source run is one that is there",
        refused(OK, NOT_FOUND, call="POST /logged-models", message="^Run with id"),
    ),
    (
        "the name of a run is not blank and has at most 250 characters, the width of their column, which SQLite does not hold them to",
        refused(OK, INVALID, message="^run key|^the name of the run"),
    ),
    (
        "tags that a run is made with are held to the rules of tags",
        refused(OK, INVALID, call="POST /runs/create", message="^tag |required parameter 'key'"),
    ),
    (
        "tags that a run is made with are cut at 8,000 characters, as all tags of runs are",
        lambda text, path, one, other: text.startswith("POST /runs/create") and path[-1] == "value" and str(one)[:8000]
        == other,
    ),
    (
        "a deleted logged model is not changed",
        refused(OK, NOT_FOUND, call="logged-models|logged_model", message="^Logged model with ID"),
    ),
    (
        "a param of a logged model is written once, the same again is no news and another value is told so; theirs tells of its database",
        refused("400 BAD_REQUEST", f"{OK}|{INVALID}", call="log_model_params|/params"),
    ),
    (
        "a run that is not told when it started starts now, and not in 1970",
        lambda text, path, one, other: path[-1] == "start_time" and one == 0 and str(other).startswith("call "),
    ),
    (
        "a run may end with the first moment of 1970; theirs takes that for no end",
        lambda text, path, one, other: path[-1] == "end_time" and (one, other) == (MISSING, 0),
    ),
    (
        "an alias has no line break; theirs lets one pass at its end",
        refused(OK, INVALID, call="alias", message="^alias name"),
    ),
    (
        "the name of an experiment is not blank",
        refused(f"{OK}|400 RESOURCE_ALREADY_EXISTS|400 BAD_REQUEST", INVALID, message="^experiment key"),
    ),
    # requests
    (
        "times end with the year 9999",
        refused(f"{OK}|500", INVALID, message="between 1970 and 9999"),
    ),
    (
        "null is no value",
        refused("500", OK, call="None"),
    ),
    (
        "yes and no may be texts, as in queries",
        refused(INVALID, OK, call="'archive_existing_versions': '(true|false)'"),
    ),
    (
        "a body that is not said to be JSON has a status of its own",
        refused(INVALID, "415 BAD_REQUEST"),
    ),
    (
        "a path with an empty piece is no path",
        refused("405|308", "404 ENDPOINT_NOT_FOUND", call="//"),
    ),
    (
        "a field of the wrong type is refused; theirs passes over it and over what follows it",
        refused(
            OK,
            INVALID,
            message=
            "^Invalid value .*: (it must be (a text|a whole number|a number|an object|a list of|true or false|one of|ACTIVE)|it must be a time)"
        ),
    ),
    (
        "a body that is not a JSON object is refused as such; theirs answers as if it were empty",
        refused(f"{OK}|400 ", "400 BAD_REQUEST", message="^The body of the request"),
    ),
    (
        "older clients' `run_uuid` stands for `run_id` on every route",
        refused(INVALID, f"{OK}|{NOT_FOUND}", call="run_uuid"),
    ),
    (
        "a number stands for an id as well as its digits",
        refused(INVALID, f"{OK}|{NOT_FOUND}", call="'(experiment_id|version|run_id)': -?[0-9]"),
    ),
    (
        "a search without `max_results` gets the usual page; theirs over experiments wants to be told",
        refused(INVALID, OK, call="experiments/search"),
    ),
    (
        "pages have a size, and a largest one",
        refused(f"{OK}|500", INVALID, message="'max_results'.*it must be between"),
    ),
    (
        "page tokens are of their search",
        refused(f"{OK}|500", INVALID, call="page_token", message="page token"),
    ),
    (
        "what is in the path need not be in the body",
        refused(INVALID, OK, call="POST /logged-models/.*/params"),
    ),
    (
        "no more than 1,000 tags are given at once",
        refused(OK, INVALID, message="(tags|params) were given|there are [0-9]+ tags"),
    ),
    (
        "a dataset has a name, a digest, a type and a source",
        refused(OK, INVALID, call="log-inputs", message="dataset|'(name|digest|source|source_type)'"),
    ),
    (
        "a run is of an experiment; theirs tells of its database",
        refused("400 BAD_REQUEST", INVALID, call="/runs/create", message="required parameter 'experiment_id'"),
    ),
    (
        "a name that is taken is told so; theirs tells of its database",
        refused("400 BAD_REQUEST", "400 RESOURCE_ALREADY_EXISTS"),
    ),
    (
        "unknown paths and methods are answered in JSON, as everything else; theirs in HTML",
        lambda text, path, one, other: path[-1] == "(outcome)" and one[:2] == (other[0], None) and one[0] in (404, 405),
    ),
    (
        "the name of a webhook's host is looked up when it is called, and not when it is written down",
        refused(INVALID, OK, call="/webhooks.*https://localhost"),
    ),
    # artifacts
    (
        "a path is plain pieces between slashes, without colons, backslashes, `%` and control characters (§4b, traversal)",
        refused(f"{OK}|404|500", INVALID, call="artifacts", message="^Invalid path"),
    ),
    (
        "a directory is no file; theirs says so with another status and in another form",
        refused("400", NOT_FOUND, call="GET /artifacts/", message="^No such artifact"),
    ),
    (
        "an empty file has a size, which is 0",
        lambda text, path, one, other: path[-1] == "file_size" and (one, other) == (MISSING, 0),
    ),
    (
        "a directory is there as long as a file is in it; theirs stays",
        lambda text, path, one, other: "files" in path and files(one) == files(other),
    ),
    (
        "a directory may be named by a blank; theirs takes it for the root",
        lambda text, path, one, other: path[-1] == "files" and re.search('"path": "([^"]*/)? "', text) and other ==
        MISSING,
    ),
    (
        "what a server says of itself is its own",
        lambda text, path, one, other: path[-1] in
        ("features_enabled", "presigned_upload_model_id_supported", "presigned_upload_run_id_supported"),
    ),
    # searches
    (
        "numbers with e+ in filters are read; theirs has no such numbers, which its own client prints",
        refused(INVALID, OK, call=r"[0-9]e\+[0-9]"),
    ),
    (
        "numbers are read as databases do, not as Python does (1_000)",
        refused(OK, INVALID, call="1_000"),
    ),
    (
        "`like` in any case is read in every search; theirs asks for capitals over experiments and models",
        refused(INVALID, OK, call=r"search_.*\b(?!LIKE\b|ILIKE\b)(?i:i?like)\b"),
    ),
    (
        "keys with - and / over logged models need backticks as everywhere; theirs takes a subtraction for a key",
        refused(OK, INVALID, call=r"(metrics|params|tags)\.(a-b|x/y)"),
    ),
    (
        "nothing is between an entity, its dot and its key",
        refused(OK, INVALID, call="metrics( \\.|\\. )a"),
    ),
    (
        "an order may name what a filter may, in whichever spelling",
        refused(INVALID, OK, call="order_by.*`Run Name`"),
    ),
    (
        "a key with a blank needs backticks as everywhere; over logged models theirs takes the blank for an alias of SQL",
        refused(OK, INVALID, call=r"(metrics|params|tags)\.learning rate"),
    ),
    # bugs of theirs
    (
        "a bug of theirs answers 500 where ours refuses",
        refused("500", "4"),
    ),
    (
        "a bug of theirs answers 500 where ours finds what there is",
        refused("500", OK, call="search_logged_models|/search"),
    ),
    (
        "where an experiment's artifacts lie in a bucket ours lists none, since clients open buckets themselves; theirs fails without that cloud's library",
        refused("500", OK, call="artifacts/directories|artifacts/list"),
    ),
]


def wanted(text, path, theirs, ours):
    return next((reason for reason, test in TABLE if test(text, path, theirs, ours)), None)
