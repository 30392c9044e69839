"""Real tables, from the folder in FASTBP_TABLES: each is read, fitted and transformed."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from fastbp.tables.columns import Columns
from fastbp.tables.reading import read
from fastbp.tables.targets import classes_or_numbers, has_target

FOLDER = Path(os.environ.get("FASTBP_TABLES", ""))
# the target; whether it is classes; which columns are neither numbers nor categories
TABLES = {
    "income": ("INCOME", True, {}),
    "spam": ("type", True, {}),
    "credit_data": ("Status", True, {}),
    "attrition": ("Attrition", True, {}),
    "letter": ("lettr", True, {}),
    "satellite": ("classes", True, {}),
    "wa_churn": ("churn", True, {}),
    "lending_club": ("Class", True, {}),
    "chile": ("vote", True, {}),
    "diamonds": ("price", False, {}),
    "ames": ("Sale_Price", False, {}),
    "concrete": ("compressive_strength", False, {}),
    "check_times": ("check_time", False, {"package": "identifier"}),
    "slid": ("wages", False, {}),
    "cps1988": ("wage", False, {}),
    "sacramento": ("price", False, {}),
}

pytestmark = pytest.mark.skipif("FASTBP_TABLES" not in os.environ, reason="FASTBP_TABLES names no folder of tables")


@pytest.mark.parametrize("name", TABLES)
def test_a_real_table_is_read_fitted_and_transformed(name):
    narwhals = pytest.importorskip("narwhals")
    pytest.importorskip("polars")
    target, classes, odd = TABLES[name]
    frame = narwhals.from_native(read(FOLDER / f"{name}.csv.gz")).head(2000)
    assert classes_or_numbers(frame[target]) == ("classes" if classes else "numbers")
    frame = frame.filter(has_target(frame[target]).tolist())
    X = frame.drop(target).to_native()
    train = np.random.default_rng(0).permutation(len(frame))[: int(0.8 * len(frame))]
    columns = Columns.fit(X, train)
    kinds = {one.name: one.kind for one in columns.described}
    assert {key: kind for key, kind in kinds.items() if kind not in ("number", "category", "constant")} == odd
    Z = columns.transform(X, "float64")
    assert Z.shape == (len(frame), columns.n_outputs) and np.isfinite(Z).all() and (abs(Z) < 3.0001).all()
    inputs = Z[train]
    assert (abs(np.median(inputs, axis=0)) <= 0.5).all()
    config, arrays = columns.to_config()
    again = Columns.from_config(json.loads(json.dumps(config)), arrays)
    assert again.transform(X, "float64").tobytes() == Z.tobytes()
    assert again.transform(frame.drop(target)[5:6].to_native(), "float64").tobytes() == Z[5:6].tobytes()
