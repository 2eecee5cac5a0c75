"""Writes golden.json beside this file: the numbers that the statistics of mlops-drift are held to.

Peers: scipy 1.17.1, statsmodels 0.15.0, numpy 2.4.6 on Python 3.11. Run: python generate.py
PSI, Hellinger and total variation have no function in these peers; they are written out below.
"""

import json
import math
import pathlib
import warnings

import numpy as np
import scipy
import statsmodels
from scipy import stats
from scipy.spatial.distance import jensenshannon
from scipy.stats._stats_py import _attempt_exact_2kssamp
from statsmodels.stats.multitest import multipletests

assert scipy.__version__ == "1.17.1", scipy.__version__
assert statsmodels.__version__ == "0.15.0", statsmodels.__version__
rng = np.random.default_rng(20261101)


def counts_case(name, p, q):
    p, q = np.array(p, float), np.array(q, float)
    a, b = p / p.sum(), q / q.sum()
    chi = stats.chi2_contingency(np.array([p, q]), correction=False)
    return {
        "name": name,
        "expected": p.tolist(),
        "actual": q.tolist(),
        "psi": float(((a - b) * np.log(a / b)).sum()) if (p > 0).all() and (q > 0).all() else None,
        "kl": float(stats.entropy(a, b)) if (q > 0).all() and (p > 0).all() else None,
        "js_distance": float(jensenshannon(p, q)),
        "hellinger": float(math.sqrt(max(0.0, 1 - np.sqrt(a * b).sum()))),
        "tvd": float(np.abs(a - b).sum() / 2),
        "chi2": float(chi.statistic),
        "chi2_p": float(chi.pvalue),
    }


counts = [
    counts_case("six cells", [16, 18, 16, 14, 12, 12], [16, 16, 16, 16, 16, 8]),
    counts_case("two cells", [900, 100], [150, 50]),
    counts_case("far apart", [1000, 10, 10], [10, 10, 1000]),
    counts_case("large", [100000] * 10, [9000, 9500, 10000, 10000, 10000, 10000, 10000, 10000, 10500, 11000]),
    counts_case("empty cells", [50, 0, 50, 10], [0, 40, 50, 10]),
    counts_case("tail", [500, 300, 150, 49, 1], [480, 310, 160, 48, 2]),
]


def samples_case(name, a, b):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        test = stats.ks_2samp(a, b)
    return {"name": name, "a": list(map(float, a)), "b": list(map(float, b)),
            "statistic": float(test.statistic), "p_value": float(test.pvalue)}


samples = [
    samples_case("textbook", [38.7, 41.5, 43.8, 44.5, 45.5, 46.0, 47.7, 58.0],
                 [39.2, 39.3, 39.7, 41.4, 41.8, 42.9, 43.3, 45.8]),
    samples_case("one against one", [1.0], [2.0]),
    samples_case("one against many", [0.5], np.arange(9)),
    samples_case("equal", [1, 2, 3], [1, 2, 3]),
    samples_case("disjoint", np.arange(30), np.arange(100, 140)),
    samples_case("ties", rng.integers(0, 5, 60), rng.integers(0, 6, 45)),
    samples_case("coprime sizes", np.round(rng.normal(0, 1, 97), 6), np.round(rng.normal(0.4, 1, 64), 6)),
    samples_case("same law", np.round(rng.normal(0, 1, 200), 6), np.round(rng.normal(0, 1, 150), 6)),
]

exact = []
for n, m, d in [(50, 50, 0.3), (50, 50, 0.62), (100, 70, 0.1), (100, 70, 0.25), (101, 97, 0.4), (1000, 200, 0.05),
                (1000, 200, 0.12), (1000, 999, 0.06), (1000, 999, 0.2), (5000, 5000, 0.03), (5000, 3, 0.9),
                (10000, 9999, 0.015), (10000, 10000, 0.02), (10000, 10000, 0.05)]:
    g = math.gcd(n, m)
    ok, d_used, p = _attempt_exact_2kssamp(n, m, g, d, "two-sided")
    assert ok
    exact.append({"n": n, "m": m, "statistic": float(d_used), "p_value": float(p)})

asymptotic = []
for n, m in [(20000, 1), (20000, 3), (20000, 10), (20000, 60), (20000, 200), (15000, 1000), (20000, 20000), (50000, 40000),
             (1000000, 2000), (1000000, 1000000)]:
    en = int(np.round(n * m / (n + m)))
    for z in [0.3, 0.5, 0.7, 0.9, 1.1, 1.36, 1.63, 2.0, 2.5, 3.5]:
        d = z / math.sqrt(en)
        if d < 1:
            asymptotic.append({"n": n, "m": m, "statistic": d, "p_value": float(np.clip(stats.kstwo.sf(d, en), 0, 1))})

chi2 = [{"x": x, "df": df, "sf": float(stats.chi2.sf(x, df))}
        for df in [1, 2, 9, 19, 100] for x in [0.0, 0.1, 1.0, 8.0, 30.14, 80.0, 300.0]]

p_values = [
    [0.01, 0.04, 0.03, 0.005, 0.8],
    [0.5],
    [0.0, 1.0, 1.0],
    [0.02, 0.02, 0.02, 0.9],
    np.round(rng.uniform(0, 0.2, 25), 6).tolist(),
]
multiple = [{"p_values": p,
             **{name: multipletests(p, method=method)[1].tolist()
                for name, method in [("holm", "holm"), ("bonferroni", "bonferroni"), ("benjamini_hochberg", "fdr_bh")]}}
            for p in p_values]

golden = {"peers": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__},
          "counts": counts, "samples": samples, "exact": exact, "asymptotic": asymptotic, "chi2": chi2, "multiple": multiple}
out = pathlib.Path(__file__).with_name("golden.json")
out.write_text(json.dumps(golden, separators=(",", ":")).replace("},{", "},\n{") + "\n")
