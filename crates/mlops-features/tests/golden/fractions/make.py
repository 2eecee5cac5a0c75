"""Sums, means and variances of reals by Python's exact fractions, and quantiles by NumPy.

python 3.11, numpy as in windows.json; writes windows.json beside itself. Reals are their 64 bits.
"""

import json
import math
import pathlib
import platform
import random
import statistics
import struct
from fractions import Fraction

import numpy


def bits(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def nearest(value):
    """The real nearest to a fraction: Python divides whole numbers with one rounding."""
    try:
        return value.numerator / value.denominator
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def case(values):
    exact = [Fraction(value) for value in values]
    count, total = len(exact), sum(exact)
    spread = sum((value - total / count) ** 2 for value in exact)
    record = {
        "values": [bits(value) for value in values],
        "sum": bits(nearest(total) + 0.0),
        "mean": bits(nearest(total / count) + 0.0),
        "population_variance": bits(nearest(spread / count)),
        "variance": bits(nearest(spread / (count - 1))) if count > 1 else None,
        "quantiles": [],
    }
    if max(map(abs, values)) < 1e300:
        assert record["sum"] == bits(math.fsum(values) + 0.0)
    if count > 1 and max(map(abs, values)) < 1e100:
        assert math.isclose(nearest(spread / (count - 1)), statistics.variance(values))
    for rank in (0.0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0):
        if max(map(abs, values)) < 1e300:
            record["quantiles"].append([rank, bits(float(numpy.quantile(numpy.array(values), rank)) + 0.0)])
    return record


def main():
    rng = random.Random(3)
    lists = [
        [0.1] * 10,
        [1e16, 1.0, -1e16],
        [1e9 + rng.gauss(0, 1) for _ in range(200)],
        [1e15 + rng.randrange(3) for _ in range(50)],
        [1.7976931348623157e308, 1.7976931348623157e308, -1.7976931348623157e308],
        [1.7976931348623157e308, 1.7976931348623157e308],
        [5e-324, 5e-324, 1e-310],
        [5e-324, 1.0, -1.0],
        [1e-200, 2e-200, 4e-200],
        [1e160, -1e160, 3e160],
        [2.5],
        [-7.25, -7.25],
        [9007199254740993.0, 1.0],
        [1.0, 1e-16, 1e-16],
    ]
    for _ in range(80):
        scale = 10.0 ** rng.uniform(-30, 30)
        lists.append([rng.gauss(rng.choice([0, 1, 1e6]), 1) * scale for _ in range(rng.randrange(1, 60))])
    for _ in range(40):
        lists.append([math.ldexp(rng.uniform(-1, 1), rng.randrange(-1070, 1000)) for _ in range(rng.randrange(1, 30))])
    record = {
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "cases": [case(values) for values in lists],
    }
    place = pathlib.Path(__file__).with_name("windows.json")
    place.write_text(json.dumps(record, separators=(",", ":")) + "\n")


main()
