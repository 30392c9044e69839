"""Searches over a cluster: scikit-learn's, with joblib's backend of Dask, on a cluster of this machine."""

import re
from pathlib import Path

import numpy as np
import pytest

distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
pytest.importorskip("sklearn")

PAGE = Path(__file__).parent.parent / "fastbp" / "sklearn" / "README.md"


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # not converged
def test_the_example_of_the_page_finds_what_a_search_in_this_process_does():
    (example,) = (
        code for code in re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S) if "dask" in code
    )
    names = {}
    exec(example, names)
    search, X, y = names["search"], names["X"], names["y"]
    from sklearn.base import clone

    here = clone(search).set_params(n_jobs=1).fit(X, y)
    assert search.best_params_ == here.best_params_
    assert np.array_equal(search.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"])
    for ours, theirs in zip(search.best_estimator_.coefs_, here.best_estimator_.coefs_, strict=True):
        assert np.array_equal(ours, theirs)
