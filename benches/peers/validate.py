"""pandera and Great Expectations on the rows that `benches/validate.rs` writes, and ours beside them in the same run.

    cargo bench -p mlops-features --bench validate --no-run      # prints the path of the binary
    python validate.py FILE.parquet --ours PATH_OF_THE_BINARY

Each peer checks the same 20 expectations on a pandas frame that is read before the clock starts, first with all rows
good, then with a tenth of them bad. Wall seconds and CPU seconds of the process, the best of some runs.
Needs: pip install pandas pyarrow pandera==0.35.0 great_expectations==1.24.1
"""

import argparse, os, re, resource, subprocess, time

RUNS = 3
COUNTRIES = "AT BE CH CZ DE DK EE ES FI FR GB IE IT LT LV NL NO PL PT SE".split()
STATES = "open paid shipped returned cancelled".split()
START, YEAR = 1_600_000_000_000_000, 31_536_000_000_000


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def best(run):
    figures = []
    for _ in range(RUNS):
        wall, used = time.perf_counter(), cpu()
        bad = run()
        figures.append((time.perf_counter() - wall, cpu() - used, bad))
    return min(f[0] for f in figures), min(f[1] for f in figures), figures[0][2]


def pandera(frame, limit):
    import pandas as pd
    import pandera.pandas as pa

    end = pd.Timestamp(START + YEAR, unit="us", tz="UTC")
    start = pd.Timestamp(START, unit="us", tz="UTC")
    checks = {
        "id": dict(unique=True),
        "customer": dict(checks=pa.Check.in_range(0, 99_999)),
        "quantity": dict(checks=pa.Check.in_range(1, 50)),
        "channel": dict(checks=pa.Check.isin([0, 1, 2, 3])),
        "country": dict(checks=pa.Check.isin(COUNTRIES)),
        "state": dict(checks=pa.Check.isin(STATES)),
        "code": dict(checks=pa.Check.str_matches("^[A-Z]{3}-[0-9]{4}$")),
        "email": dict(checks=pa.Check.str_length(5, 60)),
        "ordered_at": dict(checks=pa.Check.in_range(start, end)),
        "paid_at": dict(checks=pa.Check.le(end)),
        "gift": dict(nullable=False),
    }
    for f in range(9):
        checks[f"f{f}"] = dict(checks=pa.Check.in_range(0.0, limit), nullable=True)
    # without dtypes, which would be another check a column
    schema = pa.DataFrameSchema({name: pa.Column(**check) for name, check in checks.items()})

    def run():
        try:
            schema.validate(frame, lazy=True)
        except pa.errors.SchemaErrors as errors:
            return len(errors.failure_cases)
        return 0

    return run


def great_expectations(frame, limit):
    import great_expectations as gx
    import great_expectations.expectations as e
    import pandas as pd

    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("pandas")
    batch = source.add_dataframe_asset("orders").add_batch_definition_whole_dataframe("all")
    batch = batch.get_batch({"dataframe": frame})
    end = pd.Timestamp(START + YEAR, unit="us", tz="UTC")
    start = pd.Timestamp(START, unit="us", tz="UTC")
    between = e.ExpectColumnValuesToBeBetween
    suite = gx.ExpectationSuite("orders", [
        e.ExpectColumnValuesToBeUnique(column="id"),
        between(column="customer", min_value=0, max_value=99_999),
        between(column="quantity", min_value=1, max_value=50),
        e.ExpectColumnValuesToBeInSet(column="channel", value_set=[0, 1, 2, 3]),
        e.ExpectColumnValuesToBeInSet(column="country", value_set=COUNTRIES),
        e.ExpectColumnValuesToBeInSet(column="state", value_set=STATES),
        e.ExpectColumnValuesToMatchRegex(column="code", regex="^[A-Z]{3}-[0-9]{4}$"),
        e.ExpectColumnValueLengthsToBeBetween(column="email", min_value=5, max_value=60),
        between(column="ordered_at", min_value=start, max_value=end),
        between(column="paid_at", max_value=end),
        e.ExpectColumnValuesToNotBeNull(column="gift"),
        *[between(column=f"f{f}", min_value=0.0, max_value=limit) for f in range(9)],
    ])

    def run():
        result = batch.validate(suite, result_format="COMPLETE")
        return sum(r.result.get("unexpected_count", 0) for r in result.results)

    return run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--ours", help="the binary of benches/validate.rs")
    parser.add_argument("--peers", default="pandera,great_expectations")
    args = parser.parse_args()
    ours = {}
    if args.ours:
        out = subprocess.run([args.ours, args.file], check=True, capture_output=True, text=True).stdout
        print(out)
        for case, threads, wall, used in re.findall(r"mlops/(.+)/(\d) threads: ([0-9.]+) s wall, ([0-9.]+) s", out):
            ours[case, int(threads)] = float(wall), float(used)

    import pandas as pd

    frame = pd.read_parquet(args.file)
    for case, limit in [("all good", 100.0), ("a tenth of the rows bad", 98.8)]:
        for peer in args.peers.split(","):
            wall, used, bad = best(globals()[peer](frame, limit))
            line = f"{peer}/{case}: {wall:.3f} s wall, {used:.3f} s CPU, {bad} bad values"
            if ours:
                line += f"; {used / ours[case, 1][1]:.1f} times our CPU on one thread"
                line += f", {wall / ours[case, 2][0]:.1f} times our wall on two"
            print(line)


if __name__ == "__main__":
    main()
