"""What Apache DataSketches answers for data that the test makes by the same formula.

datasketches 5.2.0 (its C++ 5.2), numpy; writes sketches.json beside itself. DataSketches draws random bits, so
that only its error is kept, as the scale to hold ours against.
"""

import json
import pathlib

import datasketches
import numpy

COUNT = 100_000
MASK = (1 << 64) - 1


def words(seed, count):
    """A linear congruential generator modulo 2^64 (Knuth, MMIX)."""
    state = seed
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        yield state


def data(kind, seed):
    units = [(word >> 11) / (1 << 53) for word in words(seed, COUNT)]
    if kind == "uniform":
        return units
    if kind == "rising":
        return sorted(units)
    if kind == "skewed":
        return [1.0 / (1.0 - unit) for unit in units]
    if kind == "steps":
        return [float(int(unit * 50)) for unit in units]
    raise ValueError(kind)


def quantiles():
    for kind in ("uniform", "rising", "skewed", "steps"):
        for size in (100, 200, 400):
            values = data(kind, 7)
            sketch = datasketches.kll_doubles_sketch(size)
            sketch.update(numpy.array(values))
            ordered = numpy.sort(values)
            worst = 0.0
            for percent in range(1, 100):
                found = sketch.get_quantile(percent / 100, True)
                low = numpy.searchsorted(ordered, found, "left") / COUNT
                high = numpy.searchsorted(ordered, found, "right") / COUNT
                worst = max(worst, low - percent / 100, percent / 100 - high)
            yield {
                "kind": kind,
                "size": size,
                "rank_error_bound": sketch.normalized_rank_error(False),
                "peer_worst_rank_error": worst,
                "peer_bytes": len(sketch.serialize()),
            }


def distinct():
    for precision in (8, 12, 14):
        for count in (10, 1_000, 20_000, 100_000):
            sketch = datasketches.hll_sketch(precision, datasketches.tgt_hll_type.HLL_8)
            for word in words(11, count):
                sketch.update(word >> 1)
            yield {
                "precision": precision,
                "count": count,
                "peer_estimate": sketch.get_estimate(),
                "peer_lower_3": sketch.get_lower_bound(3),
                "peer_upper_3": sketch.get_upper_bound(3),
            }


def main():
    record = {
        "datasketches": "5.2.0",
        "numpy": numpy.__version__,
        "count": COUNT,
        "quantiles": list(quantiles()),
        "distinct": list(distinct()),
    }
    place = pathlib.Path(__file__).with_name("sketches.json")
    place.write_text(json.dumps(record, indent=1) + "\n")


main()
