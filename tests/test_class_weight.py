"""Weights of the classes of one output of 0 or 1."""

import numpy as np
import pytest

import fastbp

X = np.random.default_rng(0).standard_normal((120, 4))


@pytest.mark.parametrize(
    ("given", "each"), [("balanced", [60 / 80, 60 / 40]), ({0: 1, 1: 5}, [1, 5]), ({1: 0.5}, [1, 0.5])]
)
def test_one_output_of_0_or_1_has_two_classes_with_weights(given, each):
    yes = np.repeat([0, 1], [80, 40])
    ways = (
        (X, yes, {"class_weight": given}),
        (X, yes, {"sample_weight": np.array(each)[yes]}),
        (lambda: [(X, yes)], None, {"class_weight": given}),
    )
    found = []
    for rows, target, weights in ways:
        m = fastbp.Model([X.shape[1], 5, 1], loss="binary_cross_entropy", seed=0, dtype="float64")
        m.fit(rows, target, epochs=2, batch_size=120, shuffle=False, verbose=0, **weights)
        found.append(m.get_state()["parameters"].tobytes())
    assert found[0] == found[1] == found[2]


def test_weights_of_classes_where_there_are_none_are_refused():
    for outputs, loss in (2, "binary_cross_entropy"), (1, "squared_error"):
        m = fastbp.Model([X.shape[1], outputs], loss=loss)
        with pytest.raises(ValueError, match=f"'binary_cross_entropy' of one output, not for '{loss}' of {outputs}"):
            m.fit(X, np.zeros((120, outputs)), class_weight={0: 1}, verbose=0)
    m = fastbp.Model([X.shape[1], 1], loss="binary_cross_entropy")
    with pytest.raises(ValueError, match="y must hold 0 and 1 only where class_weight is given, got 0.25 in row 7"):
        m.fit(X, np.where(np.arange(120) == 7, 0.25, 1.0), class_weight={0: 2}, verbose=0)
    with pytest.raises(ValueError, match="class_weight's classes must be below 2, got 2"):
        m.fit(X, np.ones(120), class_weight={2: 1}, verbose=0)


def test_names_of_the_two_classes_have_weights():
    yes, found = np.repeat([0, 1], [80, 40]), []
    for target, given in (np.array(["no", "yes"])[yes], {"yes": 3.0}), (yes, {1: 3.0}):
        m = fastbp.Model([4, 1], loss="binary_cross_entropy", seed=0, class_names=["no", "yes"])
        found.append(m.fit(X, target, epochs=2, verbose=0, class_weight=given).loss)
    assert found[0] == found[1]
