"""The windows of `crates/mlops-features/benches/windows.rs` in DuckDB and Polars.

    python3 -m venv peers-env && peers-env/bin/pip install duckdb polars numpy pyarrow
    peers-env/bin/python benches/peers/windows.py {duckdb|polars} [EVENTS [SPINE [KEYS]]]

Events and questions are put into one table, each question being a row without values, and all windows are
range frames over the rows of a key in the order of time: neither has a join that aggregates a
window without forming every pair. DuckDB computes all twelve features; Polars has no rolling distinct count and
computes eleven. One peer a run, so that the peak memory is its own.
"""

import resource
import sys
import time

import numpy

PEER = sys.argv[1] if len(sys.argv) > 1 else "duckdb"
EVENTS, SPINE, KEYS = (
    int(sys.argv[at]) if len(sys.argv) > at else size
    for at, size in ((2, 10_000_000), (3, 1_000_000), (4, 100_000))
)
YEARS = 2 * 365 * 86_400


def data():
    rng = numpy.random.default_rng(1)

    def keys(count):
        heavy = rng.random(count) < 0.2
        return numpy.where(heavy, rng.integers(0, KEYS // 100 + 1, count), rng.integers(0, KEYS, count))

    def times(count):
        return (rng.integers(0, YEARS, count) * 1_000_000).astype("datetime64[us]")

    events = {
        "id": keys(EVENTS),
        "stamp": times(EVENTS),
        "amount": numpy.round(rng.exponential(20.0, EVENTS), 2),
        "country": rng.integers(0, 40, EVENTS),
    }
    return events, {"id": keys(SPINE), "stamp": times(SPINE)}


def duckdb_windows(events, spine):
    import duckdb
    import pyarrow

    duckdb.sql("SET threads TO 2")
    duckdb.register("events", pyarrow.table(events))
    duckdb.register("spine", pyarrow.table(spine))
    frames = ", ".join(
        f"w{days} AS (PARTITION BY id ORDER BY stamp RANGE BETWEEN INTERVAL {days * 86_400 * 1_000_000 - 1} MICROSECONDS"
        " PRECEDING AND CURRENT ROW)"
        for days in (7, 30, 90)
    )
    columns = ", ".join(
        f"count(amount) OVER w{days} AS c{days}, sum(amount) OVER w{days} AS s{days}, avg(amount) OVER w{days} AS m{days}"
        for days in (7, 30, 90)
    )
    start = time.perf_counter()
    result = duckdb.sql(
        f"""
        SELECT * FROM (
            SELECT place, {columns}, max(amount) OVER w30 AS max30, stddev_samp(amount) OVER w30 AS std30,
                   count(DISTINCT country) OVER w90 AS d90
            FROM (SELECT id, stamp, amount, country, NULL AS place FROM events
                  UNION ALL SELECT id, stamp, NULL, NULL, row_number() OVER () AS place FROM spine)
            WINDOW {frames}
        ) WHERE place IS NOT NULL ORDER BY place
        """
    ).arrow()
    rows = result.read_all().num_rows if hasattr(result, "read_all") else result.num_rows
    return time.perf_counter() - start, rows


def polars_windows(events, spine):
    import polars

    events, spine = polars.DataFrame(events), polars.DataFrame(spine).with_row_index("place")
    start = time.perf_counter()
    both = polars.concat([events, spine], how="diagonal").sort("id", "stamp")
    amount = polars.col("amount")
    columns = []
    for days in (7, 30, 90):
        frame = {"window_size": f"{days}d", "closed": "right", "min_samples": 1}
        known = amount.is_not_null().cast(polars.Int64)
        columns.append(known.rolling_sum_by("stamp", **frame).over("id").alias(f"c{days}"))
        columns.append(amount.rolling_sum_by("stamp", **frame).over("id").alias(f"s{days}"))
        columns.append(amount.rolling_mean_by("stamp", **frame).over("id").alias(f"m{days}"))
    frame = {"window_size": "30d", "closed": "right", "min_samples": 1}
    columns.append(amount.rolling_max_by("stamp", **frame).over("id").alias("max30"))
    columns.append(amount.rolling_std_by("stamp", **frame).over("id").alias("std30"))
    result = both.with_columns(columns).filter(polars.col("place").is_not_null()).sort("place")
    return time.perf_counter() - start, result.height


def main():
    events, spine = data()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    seconds, rows = {"duckdb": duckdb_windows, "polars": polars_windows}[PEER](events, spine)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{PEER}: {EVENTS} events, {rows} rows, {KEYS} keys: {seconds:.2f} s,"
        f" {used.ru_utime - before:.2f} s of user CPU, {used.ru_maxrss // 1024} MiB at the peak"
    )


main()
