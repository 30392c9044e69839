"""The docstrings of the estimators, as tools read them."""

import pytest

docscrape = pytest.importorskip("sklearn.externals._numpydoc.docscrape", reason="a later scikit-learn brings numpydoc")

from sklearn_pairs import CLASSES, SETTINGS, X  # noqa: E402

from fastbp.sklearn import MLPClassifier, MLPRegressor  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_each_parameter_and_attribute_is_described_where_tools_read_it(kind):
    doc = docscrape.NumpyDocString(kind.__doc__)
    described = [entry.name for entry in doc["Parameters"]]
    assert sorted(described) == sorted(kind().get_params())
    assert all(entry.type and entry.desc for entry in doc["Parameters"] + doc["Attributes"])
    fitted = kind(**SETTINGS).fit(X, CLASSES)
    attributes = {name for name in vars(fitted) if name.endswith("_") and not name.startswith("_")}
    assert attributes <= {entry.name for entry in doc["Attributes"]}
    assert doc["See Also"] and doc["Examples"]
    doc = docscrape.NumpyDocString(kind.fit.__doc__)
    assert [entry.name for entry in doc["Parameters"]][:4] == ["X", "y", "sample_weight", "X_val"]
    assert doc["See Also"] and doc["Examples"] and doc["Returns"]
    assert "Share of the outputs of all hidden layers" in kind(dropout=0.5)._repr_html_()
