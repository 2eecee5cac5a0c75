"""Values that sessions write, and the filters and orders that ask for them; small pools, so that questions meet answers."""

import math

KEYS = [
    "a", "A", "loss", "val.loss", "learning rate", "x/y", "a-b", "größe", "名", "k:1", "p_1", "mlflow.custom", "1st",
    "select", "and"
]
TEXTS = [
    "", "1", "10", "2.5", "abc", "ABC", "Abc", "a%b", "a_b", "axb", "ä", "Ä", "two words", "a\"b", "a'b", "a`b", "NULL",
    "x" * 300, "new\nline", "back\\slash", "☃", "(1)", "a,b", " ", "1e3", "true", "a AND b"
]
NAMES = [text for text in TEXTS if "\n" not in text]
NUMBERS = [0.0, 1.0, -1.0, 0.5, 2.5, 10.0, 1e-9, -1e300, 1e300, 123456789.125, 2.0**53, 0.1]
ODD_NUMBERS = [math.nan, math.inf, -math.inf, -0.0, 5e-324]
TIMES = [0, 1, 1_600_000_000_000, 1_600_000_000_001, 1_600_000_500_000]
STEPS = [0, 1, 2, 3, 10, -1, 2**31, 2**53, -(2**40)]
STATUSES = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]


def number(rng):
    return rng.choice(ODD_NUMBERS) if rng.random() < 0.2 else rng.choice(NUMBERS)


def pick(rng, pool, most):
    return [rng.choice(pool) for _ in range(rng.randint(0, most))]


def pairs(rng, most):
    return {rng.choice(KEYS): rng.choice(TEXTS) for _ in range(rng.randint(0, most))}


def quoted(rng, text):
    """A text as a filter has it, in whichever quotes it does not hold."""
    quotes = [quote for quote in "'\"" if quote not in text]
    if not quotes:
        return "'" + text.replace("'", "") + "'"
    return (quote := quotes[0] if rng.random() < 0.85 else quotes[-1]) + text + quote


def pattern(rng):
    text = rng.choice(TEXTS)[:12]
    return rng.choice([
        "%", text, text + "%", "%" + text, "%" + text[1:3] + "%", "_" * len(text), text[:1] + "_" + text[2:], "a%b",
        "A_C", "%%", ""
    ])


def key(rng, pool=KEYS):
    name = rng.choice(pool)
    plain = name.replace(".", "").replace("_", "").isalnum() and name.isascii() and not name[0].isdigit()
    if plain and rng.random() < 0.6:
        return name
    return rng.choice(["`{}`", "`{}`", "\"{}\""]).format(name)


def spaced(rng, *words):
    gap = "  " if rng.random() < 0.05 else " "
    tight = rng.random() < 0.1 and words[1] in ("=", "!=", "<", ">", "<=", ">=")
    return ("" if tight else gap).join(words)


def cased(rng, word):
    return rng.choice([word] * 6 + [word.lower(), word.capitalize()])


def by_id(rng, name, ids):
    """As `by_text`; patterns would meet a random id by chance."""
    if rng.random() < 0.2:
        return spaced(
            rng, name, cased(rng, rng.choice(["LIKE", "ILIKE"])),
            quoted(rng, rng.choice(["%", rng.choice(ids), rng.choice(ids) + "%", "%z%", "_" * 32]))
        )
    held = ", ".join(quoted(rng, rng.choice(ids)) for _ in range(rng.randint(1, 3)))
    return rng.choice([
        spaced(rng, name, rng.choice(["=", "!="]), quoted(rng, rng.choice(ids))),
        f"{name} {cased(rng, rng.choice(['IN', 'NOT IN']))} ({held})"
    ])


def by_text(rng, name, texts, null=False, lists=False):
    kind = rng.random()
    if null and kind < 0.15:
        return f"{name} {cased(rng, rng.choice(['IS NULL', 'IS NOT NULL']))}"
    if lists and kind < 0.35:
        held = ", ".join(quoted(rng, rng.choice(texts)) for _ in range(rng.randint(1, 3)))
        return f"{name} {cased(rng, rng.choice(['IN', 'NOT IN']))} ({held})"
    if kind < 0.6:
        return spaced(rng, name, cased(rng, rng.choice(["LIKE", "ILIKE"])), quoted(rng, pattern(rng)))
    return spaced(rng, name, rng.choice(["=", "!="]), quoted(rng, rng.choice(texts)))


def by_number(rng, name, numbers):
    value = rng.choice(numbers)
    text = rng.choice([
        repr(value),
        str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value), f"{value:e}"
    ])
    return spaced(rng, name, rng.choice(["=", "!=", "<", "<=", ">", ">="]), text)


NONSENSE = [
    "",
    " ",
    "nonsense",
    "metrics.a",
    "metrics.a >",
    "metrics.a > 'x'",
    "params.a = 1",
    "params.a > 'x'",
    "tags.a < 'b'",
    "params.a = abc",
    "metrics.a LIKE '%'",
    "a.b.c = 'x'",
    "metrics.a > 1 OR metrics.a < 1",
    "(metrics.a > 1)",
    "NOT metrics.a > 1",
    "metrics.a > 1;",
    "metrics.a > 1; metrics.a > 2",
    "metrics.a >> 1",
    "metrics.a == 1",
    "metrics.a <> 1",
    "params.a = 'x",
    "params.`a = 'x'",
    "params.'a' = 'x'",
    "params.a IN ('x')",
    "tags.a NOT IN ('x')",
    "run_id IN ()",
    "run_id IN ('x',)",
    "run_id IN (1, 2)",
    "run_id IN 'x'",
    "run_id IN ('x', 1)",
    "status = 'x' AND",
    "AND status = 'x'",
    "status = 'x' AND AND status = 'y'",
    "status = RUNNING",
    "status > 'RUNNING'",
    "start_time = 'x'",
    "start_time > 1 AND",
    "dataset.schema = 'x'",
    "dataset.name > 'x'",
    "nothing.a = 'x'",
    "attribute.nothing = 'x'",
    "metrics.a IS NULL",
    "params.a IS NULL",
    "params.a IS NOT NULL AND tags.b IS NULL",
    "params.a IS 'x'",
    "metric.a=1",
    "METRICS.a = 1",
    "metrics.a = NaN",
    "metrics.a = inf",
    "metrics.a = 0x10",
    "metrics.a = 1_000",
    "metrics.a = .5",
    "metrics.a = 5.",
    "metrics.a = +1",
    "metrics.a = - 1",
    "metrics.a = -1",
    "1 = metrics.a",
    "metrics.a = metrics.b",
    "params.a = \"x'y\"",
    "params.a = 'x\"y'",
    "params.a = 'it''s'",
    "params.a = 'a\\'b'",
    "tags.a BETWEEN 'a' AND 'b'",
    "name = 'x'",
    "name LIKE 5",
    "experiment_id = 1",
    "experiment_id = '1'",
    "creation_time > '1'",
    "creation_time > 1",
    "version_number > 1",
    "version_number = '1'",
    "run_name = 'x' and status = 'y'",
    "`run name` = 'x'",
    "attributes.`Run Name` LIKE '%'",
    "created > 0",
    "Created >= 0",
    "user_id = ''",
    "-- x",
    "/* x */ status = 'x'",
    "params.a = 'x' -- y",
    "tags.a = 'x' , tags.b = 'y'",
    "status='FINISHED'",
    "status='FINISHED'AND status='FINISHED'",
    "params.a LIKE'%'",
    "status\t=\n'FINISHED'",
    "metrics.`a` = 1",
    "metrics.\"a\" = 1",
    "metrics.a.b > 0",
    "tags.`a.b` = 'x'",
    "params.a=''",
    "datasets.name = 'd'",
    "run.status = 'FINISHED'",
    "attr.status != 'FINISHED'",
    "parameter.a = '1'",
    "parameters.a = '1'",
    "metrics. a = 1",
    "metrics .a = 1",
    "tags.a ilike 'A'",
    "tags.a Like 'a'",
    "run_id = 'x' AND run_id IN ('y')",
    "status IN ('FINISHED')",
    "end_time IS NULL",
    "start_time IN (1)",
    "tags.select = 'x'",
    "params.and = 'x'",
    "metrics.1st > 0",
    "params.größe = 'x'",
    "params.名 = 'x'",
    "tags.a-b = 'x'",
    "tags.x/y = 'x'",
    "tags.k:1 = 'x'",
    "source_path = 'x'",
    "run_id = 'x'",
    "tag.a = 'x'",
    "last_update_time > 0",
    "model_id = 'x'",
    "attributes.name = 'x'",
    "attributes.creation_timestamp > 0",
    "status = 'READY'",
    "model_type = 'x'",
    "source_run_id = 'x'",
    "last_updated_timestamp > 0",
    "creation_timestamp > 0",
    "params.a = 'x' AND params.a = 'x'",
]


def run_clause(rng, ids):
    kind = rng.random()
    if kind < 0.25:
        return by_number(rng, rng.choice(["metrics", "metric"]) + "." + key(rng), NUMBERS)
    if kind < 0.45:
        return by_text(
            rng, rng.choice(["params", "param", "parameter", "parameters"]) + "." + key(rng), TEXTS, null=True
        )
    if kind < 0.65:
        return by_text(rng, rng.choice(["tags", "tag"]) + "." + key(rng, KEYS + ["mlflow.runName"]), TEXTS, null=True)
    if kind < 0.75:
        return by_text(
            rng,
            rng.choice(["dataset", "datasets"]) + "." + rng.choice(["name", "digest", "context"]),
            ["d1", "d2", "D1", "abc", "train"],
            lists=True
        )
    prefix = rng.choice(["", "", "attributes.", "attribute.", "attr.", "run."])
    attribute = rng.choice([
        "run_id", "run_name", "status", "artifact_uri", "user_id", "start_time", "end_time", "created", "`run name`",
        "`Run Name`"
    ])
    if attribute in ("start_time", "end_time", "created"):
        return by_number(rng, prefix + attribute, TIMES)
    if attribute == "run_id":
        return by_id(rng, prefix + attribute, ids or ["x"])
    if attribute == "artifact_uri":
        return spaced(
            rng, prefix + attribute,
            *rng.choice([("=", "'x'"), ("!=", "'x'"), ("LIKE", "'%artifacts%'"), ("LIKE", "'x%'"),
                         ("ILIKE", "'MLFLOW-%'")])
        )
    pool = {"status": STATUSES, "user_id": ["ada", "Bob", ""]}.get(attribute, ["one", "two", "Three", ""])
    return by_text(rng, prefix + attribute, pool)


def experiment_clause(rng, names):
    kind = rng.random()
    prefix = rng.choice(["", "", "attribute."])
    if kind < 0.35:
        return by_text(rng, prefix + "name", names)
    if kind < 0.6:
        return by_text(rng, rng.choice(["tags", "tag"]) + "." + key(rng), TEXTS, null=True)
    if kind < 0.8:
        return by_number(rng, prefix + rng.choice(["creation_time", "last_update_time"]), TIMES)
    return prefix + "experiment_id " + rng.choice([
        "= 0", "!= 1", "> 0", "IN ('0')", "NOT IN ('0', '1')", "= '0'", "IN (0)"
    ])


def model_clause(rng, names):
    kind = rng.random()
    if kind < 0.6:
        return by_text(rng, rng.choice(["", "attribute."]) + "name", names, lists=rng.random() < 0.3)
    return by_text(rng, rng.choice(["tags", "tag"]) + "." + key(rng), TEXTS)


def version_clause(rng, names, ids):
    kind = rng.random()
    prefix = rng.choice(["", "", "attribute."])
    if kind < 0.35:
        return by_text(rng, prefix + "name", names, lists=True)
    if kind < 0.5:
        return by_id(rng, prefix + "run_id", [*ids, ""])
    if kind < 0.65:
        return by_number(rng, prefix + "version_number", [0, 1, 2, 3])
    if kind < 0.75:
        return by_text(rng, prefix + "source_path", ["s3://bucket/model", "s3://bucket/other"])
    return by_text(rng, rng.choice(["tags", "tag"]) + "." + key(rng), TEXTS)


def logged_clause(rng, ids):
    kind = rng.random()
    name = lambda: rng.choice([rng.choice(KEYS), f"`{rng.choice(KEYS)}`"])  # noqa: E731
    if kind < 0.3:
        return by_number(rng, "metrics." + name(), NUMBERS)
    if kind < 0.5:
        return by_text(rng, "params." + name(), TEXTS, lists=True)
    if kind < 0.7:
        return by_text(rng, "tags." + name(), TEXTS, lists=True)
    prefix = rng.choice(["", "attributes."])
    attribute = rng.choice([
        "name", "model_id", "model_type", "source_run_id", "creation_timestamp", "last_updated_timestamp"
    ])
    if attribute.endswith("timestamp"):
        return by_number(rng, prefix + attribute, TIMES)
    if attribute in ("model_id", "source_run_id"):
        return by_id(rng, prefix + attribute, ids or ["x"])
    return by_text(
        rng, prefix + attribute, {"name": ["one", "two"], "model_type": ["t1", "T2", ""]}[attribute], lists=True
    )


def joined(rng, clause, scope=()):
    clauses = [*scope, *(clause() for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3])))]
    if rng.random() < 0.12:
        clauses.append(rng.choice(NONSENSE))
    return cased(rng, " AND ").join(clauses)


def order(rng, fields):
    found = []
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        found.append(rng.choice(fields)() + rng.choice(["", " ASC", " DESC", " asc", " desc"]))
    if rng.random() < 0.05:
        found.append(
            rng.choice([
                "", "nothing", "metrics.a UP", "metrics.a ASC DESC", "start_time DESC, status", "ASC", "`", "tags",
                "params.a b"
            ])
        )
    return found


def run_order(rng):
    return order(
        rng, [
            lambda: "metrics." + key(rng),
            lambda: "metrics." + key(rng),
            lambda: "params." + key(rng),
            lambda: "tags." + key(rng),
            lambda: rng.choice(["", "attributes.", "attribute."]) + rng.
            choice(["start_time", "end_time", "status", "run_name", "user_id", "created", "`Run Name`"]),
        ]
    )
