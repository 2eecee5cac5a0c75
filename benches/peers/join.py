"""The point-in-time join beside Polars, DuckDB and pandas: Parquet to Parquet, each in a process of its own.

    python join.py make DIR [--spine 1000000] [--rows 5000000] [--views 3] [--features 5]
    python join.py run  DIR --ours PATH_OF_point_in_time [--engines ours,duckdb,polars,pandas] [--repeat 3]

`run` takes turns among the engines, keeps each one's best time, and checks that all results are equal. The peers may
write their rows in any order; ours keeps the spine's. Versions used: see the numbers in the README.
Needs: pip install polars duckdb pandas pyarrow numpy
"""

import argparse, os, subprocess, sys, time

DAY = 86_400_000_000
TTL_DAYS = 90


def make(args):
    import numpy as np, pyarrow as pa, pyarrow.parquet as pq

    os.makedirs(args.dir, exist_ok=True)
    rng = np.random.default_rng(7)
    keys = max(args.spine // 10, 1)
    span = 2 * 365 * DAY
    start = 1_640_995_200_000_000

    def skewed(rows):
        # a few keys have a great part of the rows, as customers do
        return (keys * rng.random(rows) ** 2.5).astype("int64") * 7 + 1_000_003

    def times(rows):
        return pa.array(start + rng.integers(0, span, rows), pa.timestamp("us", "UTC"))

    spine = {"driver_id": skewed(args.spine), "customer_id": skewed(args.spine), "event_timestamp": times(args.spine),
             "label": rng.integers(0, 2, args.spine)}
    pq.write_table(pa.table(spine), f"{args.dir}/spine.parquet")
    for view in range(args.views):
        name = f"{args.dir}/view{view}.parquet"
        key = "customer_id" if view % 3 == 2 else "driver_id"
        writer, left = None, args.rows
        while left:
            rows = min(left, 1 << 20)
            table = {key: skewed(rows), "event_timestamp": times(rows)}
            table |= {f"f{i}": rng.standard_normal(rows) for i in range(args.features)}
            table = pa.table(table)
            writer = writer or pq.ParquetWriter(name, table.schema)
            writer.write_table(table)
            left -= rows
        writer.close()


def views_of(dir):
    names = sorted(f[:-8] for f in os.listdir(dir) if f.startswith("view") and f.endswith(".parquet"))
    return [(name, "customer_id" if int(name[4:]) % 3 == 2 else "driver_id") for name in names]


def polars(dir, out):
    import polars as pl

    spine = pl.scan_parquet(f"{dir}/spine.parquet").sort("event_timestamp")
    for name, key in views_of(dir):
        view = pl.scan_parquet(f"{dir}/{name}.parquet").sort("event_timestamp")
        features = [c for c in view.collect_schema().names() if c not in (key, "event_timestamp")]
        view = view.rename({c: f"{name}__{c}" for c in features})
        spine = spine.join_asof(view, on="event_timestamp", by=key, strategy="backward", tolerance=f"{TTL_DAYS}d")
    spine.collect().write_parquet(out)


def duckdb(dir, out):
    import duckdb as db

    con = db.connect()
    con.execute("SET threads = 2; SET preserve_insertion_order = false")
    query = f"SELECT * FROM '{dir}/spine.parquet'"
    for name, key in views_of(dir):
        columns = [c[0] for c in con.execute(f"DESCRIBE SELECT * FROM '{dir}/{name}.parquet'").fetchall()]
        features = [c for c in columns if c not in (key, "event_timestamp")]
        live = f"v.event_timestamp >= s.event_timestamp - INTERVAL {TTL_DAYS} DAY"
        picked = ", ".join(f"CASE WHEN {live} THEN v.{c} END AS {name}__{c}" for c in features)
        query = (f"SELECT s.*, {picked} FROM ({query}) s ASOF LEFT JOIN '{dir}/{name}.parquet' v "
                 f"ON s.{key} = v.{key} AND s.event_timestamp >= v.event_timestamp")
    con.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet)")


def pandas(dir, out):
    import pandas as pd

    spine = pd.read_parquet(f"{dir}/spine.parquet").sort_values("event_timestamp")
    for name, key in views_of(dir):
        view = pd.read_parquet(f"{dir}/{name}.parquet").sort_values("event_timestamp")
        view = view.rename(columns={c: f"{name}__{c}" for c in view.columns if c not in (key, "event_timestamp")})
        spine = pd.merge_asof(spine, view, on="event_timestamp", by=key, tolerance=pd.Timedelta(days=TTL_DAYS))
    spine.to_parquet(out)


def command(engine, args, out):
    if engine != "ours":
        return [sys.executable, __file__, "one", args.dir, "--engine", engine, "--out", out]
    views = [f"{name}={args.dir}/{name}.parquet:key={key}" for name, key in views_of(args.dir)]
    return [args.ours, "--quiet", "--spine", f"{args.dir}/spine.parquet", "--view", *views, "--ttl", f"{TTL_DAYS}d", "--out", out]


def measured(words):
    begin = time.perf_counter()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, words
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def checksum(out):
    """Sums over the whole result that do not depend on the order of its rows."""
    import polars as pl

    table = pl.scan_parquet(out)
    names = sorted(c for c in table.collect_schema().names() if "__" in c)
    weight = (pl.col("driver_id") % 1009 + 1) * (pl.col("event_timestamp").dt.timestamp("us") % 1013 + 1)
    sums = table.select(pl.len(), *[(pl.col(c) * weight).sum().alias(c) for c in names],
                        *[pl.col(c).null_count().alias(f"{c} null") for c in names]).collect()
    return [round(float(v), 2) for v in sums.row(0)]


def run(args):
    best, sums = {}, {}
    for turn in range(args.repeat):
        for engine in args.engines.split(","):
            out = f"{args.dir}/out-{engine}.parquet"
            wall, cpu, peak = measured(command(engine, args, out))
            best[engine] = tuple(map(min, best.get(engine, (wall, cpu, peak)), (wall, cpu, peak)))
            if turn == 0:
                sums[engine] = checksum(out)
            os.remove(out)
    first = next(iter(sums))
    for engine, found in sums.items():
        same = all(abs(a - b) <= 1e-6 * max(1.0, abs(a)) for a, b in zip(sums[first], found))
        assert same, f"{engine} and {first} differ: {found} {sums[first]}"
    base = best.get("ours", next(iter(best.values())))
    print(f"{'engine':8} {'seconds':>8} {'ratio':>6} {'cpu s':>7} {'peak MiB':>9} {'ratio':>6}   results equal")
    for engine, (wall, cpu, peak) in best.items():
        print(f"{engine:8} {wall:8.2f} {wall / base[0]:6.1f} {cpu:7.2f} {peak:9.0f} {peak / base[2]:6.1f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["make", "run", "one"])
    parser.add_argument("dir")
    parser.add_argument("--spine", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--views", type=int, default=3)
    parser.add_argument("--features", type=int, default=5)
    parser.add_argument("--ours")
    parser.add_argument("--engines", default="ours,duckdb,polars,pandas")
    parser.add_argument("--engine")
    parser.add_argument("--out")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    if args.what == "make":
        make(args)
    elif args.what == "run":
        run(args)
    else:
        {"polars": polars, "duckdb": duckdb, "pandas": pandas}[args.engine](args.dir, args.out)


if __name__ == "__main__":
    main()
