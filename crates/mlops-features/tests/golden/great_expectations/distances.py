"""Distances of a column from a stored partition: `python distances.py > distances.json`.

The divergences are Great Expectations' `expect_column_kl_divergence_to_be_less_than`, the stability index and the
cumulative difference are their formulas in numpy. Versions are in the file.
"""

import json, os

os.environ["GX_ANALYTICS_ENABLED"] = "false"
import great_expectations as gx, great_expectations.expectations as e, numpy as np, pandas as pd, scipy

context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
source = context.data_sources.add_pandas("pandas")


def divergence(name, column, partition, unseen, empty):
    asset = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
    batch = asset.get_batch({"dataframe": pd.DataFrame({"x": column})})
    more = {"tail_weight_holdout": unseen} if unseen else {}
    result = batch.validate(e.ExpectColumnKLDivergenceToBeLessThan(
        column="x", partition_object=partition, threshold=1e6, internal_weight_holdout=empty, bucketize_data=True, **more
    ), result_format="COMPLETE")
    return result.result["observed_value"]


def shares(partition):
    if "values" in partition:
        return {"categories": partition}
    below, above = partition.get("tail_weights", (0.0, 0.0))
    return {"bins": {"edges": partition["bins"], "weights": partition["weights"], "below": below, "above": above}}


rng = np.random.default_rng(7)
numbers = [float(x) for x in np.round(rng.normal(0.2, 1.2, 200), 3)]
texts = [str(t) for t in rng.choice(["a", "b", "c", "d", "e"], 100, p=[0.4, 0.3, 0.2, 0.06, 0.04])]
bins = {"bins": [-2.0, -1.0, 0.0, 1.0, 2.0], "weights": [0.15, 0.35, 0.35, 0.15]}
tails = {"bins": bins["bins"], "weights": [0.14, 0.34, 0.34, 0.14], "tail_weights": [0.02, 0.02]}
hole = {"bins": [-2.0, -1.0, 0.0, 1.0, 1.5, 2.0], "weights": [0.15, 0.35, 0.5, 0.0, 0.0]}
known = {"values": ["a", "b", "c"], "weights": [0.5, 0.3, 0.2]}
cases = []
for name, column, partition, unseen, empty in [
    ("bins", numbers, bins, 0.02, 0.0),
    ("tails", numbers, tails, 0.0, 0.0),
    ("hole", numbers, hole, 0.02, 0.01),
    ("categories", texts, known, 0.05, 0.0),
]:
    cases.append({"name": name, "column": column, "shares": shares(partition),
                  "distance": {"divergence": {"unseen": unseen, "empty": empty}},
                  "value": divergence(name, column, partition, unseen, empty)})

x = np.array(numbers)
seen = np.concatenate([[np.sum(x < -2)], np.histogram(x, tails["bins"])[0], [np.sum(x > 2)]]) / len(x)
expected = np.array([0.02, *tails["weights"], 0.02])
ef, of = np.maximum(expected, 1e-4), np.maximum(seen, 1e-4)
cases.append({"name": "psi", "column": numbers, "shares": shares(tails), "distance": {"psi": {"floor": 1e-4}},
              "value": float(np.sum((ef - of) * np.log(ef / of)))})
cases.append({"name": "ks", "column": numbers, "shares": shares(tails), "distance": "ks",
              "value": float(np.max(np.abs(np.cumsum(expected) - np.cumsum(seen))))})
print(json.dumps({"versions": {"great_expectations": gx.__version__, "numpy": np.__version__, "scipy": scipy.__version__},
                  "cases": cases}, indent=1))
