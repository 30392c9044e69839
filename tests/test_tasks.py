"""Targets: which labels are one class, and which are no classes but numbers to predict."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_arrays import npz

import fastbp
from fastbp.files import datasets, scales, tasks
from fastbp.files.labels import encode, merged, number, same


@pytest.mark.parametrize(
    "labels",
    [
        ["1_1", "11"],
        ["01234", "1234"],
        ["1e2", "100"],
        ["1E2", "1e2"],
        ["\u0661", "1"],  # Arabic-Indic one
        ["\uff11", "1"],  # fullwidth one
        ["\u00b2", "2"],
        ["10000000000000000000", "20000000000000000000"],
        ["9007199254740993", "9007199254740992"],  # 2**53 + 1
        ["0.1", "0.10000000000000000001"],
        ["-1", "1"],
        ["00", "0"],
        ["1e400", "1e401"],
        ["inf", "nan"],
        ["1e-99999999999999999999", "0"],
    ],
)
def test_different_labels_are_different_classes(labels):
    y, names = encode(labels)
    assert sorted(names) == sorted(labels) and [names[c] for c in y] == labels and merged(labels) == []


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        (["1", "1.0", "1.00", "+1", "1."], "1"),
        (["0", "-0", "0.0"], "0"),
        (["-2.5", "-2.50"], "-2.5"),
        ([".5", "0.5"], ".5"),
        ([str(10**30), f"{10**30}.0"], str(10**30)),
    ],
)
def test_spellings_of_one_number_are_one_class_and_that_is_told(labels, name):
    y, names = encode([*labels, "7"])
    assert len(names) == 2 and len(set(y.tolist()[:-1])) == 1 and name in names
    assert len(merged(labels)) == 1 and sorted(merged(labels)[0]) == sorted(labels)
    assert "one class" in tasks.target(labels + ["7"], "classification").doubts[0]


def test_numbers_keep_their_order_however_they_are_written():
    assert encode(["1e1", "9", "02", "-1", "1.5e0"])[1] == ["-1", "1.5e0", "02", "9", "1e1"]


@given(st.integers(-(10**40), 10**40), st.integers(-(10**40), 10**40))
def test_whole_numbers_are_one_class_only_if_they_are_equal(a, b):
    assert (same(str(a)) == same(str(b))) == (a == b)
    assert number(str(a)) == a


def test_settled_classes_are_found_by_another_spelling_and_no_other():
    assert encode(["1.0", "2"], ["1", "2"])[0].tolist() == [0, 1]
    for label in "01", "1e0", "1_", "\u0661":
        with pytest.raises(ValueError, match="not among the classes"):
            encode([label, "2"], ["1", "2"])
    with pytest.raises(ValueError, match="'1.0'"):
        encode(["1.0"], ["1", "a"])


def test_large_labels_of_npz(tmp_path):
    for y in (
        np.array([1e19, 2e19, 1e19]),
        np.array([2**63, 2**63 + 1, 2**63], np.uint64),
        np.array([1e300, 2.0, 1e300]),
    ):
        (tmp_path / "a.npz").write_bytes(npz(X=np.eye(3), y=y))
        data = datasets.read(tmp_path / "a.npz", task="classification")
        assert len(data.class_names) == 2 and data.y[0] == data.y[2] != data.y[1]
        assert sorted(map(int, data.class_names)) == sorted({int(label) for label in y})


# ---- the task


def repeated(labels, times=30):
    return [str(label) for label in labels] * times


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (["cat", "dog"], "classification"),
        (["1", "2", "many"], "classification"),
        (["0.5", "1.5"], "classification"),
        (["2", "5"], "classification"),
        (["1", "2", "3"], "classification"),
        (["007", "011", "013", "101"], "classification"),
        (repeated(range(10)), "classification"),
        (repeated(range(1, 101)), "classification"),
        (repeated([3, 7, 20]), "classification"),
        (repeated([0.5, 1, 1.5, 2]), "classification"),
        (repeated(np.arange(18, 91)), "regression"),
        (repeated(np.arange(11) / 2), "regression"),
        ([str(x) for x in np.random.default_rng(0).normal(size=200)], "regression"),
        ([str(x) for x in range(1000, 9000, 37)], "regression"),
        ([str(x) for x in range(1, 101)], "regression"),
        (["150000", "210000", "99000"], "regression"),
        (["1e5", "2.5e5", "3e5"], "regression"),
        (["1e400", "1e401", "1e402"], "classification"),
    ],
)
def test_the_task_is_guessed_and_told(labels, task):
    assert tasks.guess(labels)[0] == task
    found = tasks.target(labels)
    assert found.remarks[0].startswith(f"task: {task}, as the target holds ")
    if task == "regression":
        assert found.class_names == [] and found.y.dtype == np.float64 and found.y.tolist() == list(map(float, labels))
        assert found.remarks[0].endswith("--task classification changes that")


@pytest.mark.parametrize("form", ["{},5", "EUR {}", "0{}", "{} cm"])
def test_a_class_for_each_row_is_no_guess(form):
    labels = [form.format(number) for number in range(100, 140)]
    with pytest.raises(ValueError, match=f"40 different labels in 40 rows, .*{labels[0][:1]}.* decimal point"):
        tasks.target(labels)
    assert len(tasks.target(labels * 2).class_names) == len(tasks.target(labels, "classification").class_names) == 40


def test_the_caller_decides_the_task():
    found = tasks.target(["1", "2", "2"], "regression")
    assert found.y.tolist() == [1.0, 2.0, 2.0] and found.class_names == found.remarks == []
    assert tasks.target(["0.1", "0.2", "0.3"], "classification").class_names == ["0.1", "0.2", "0.3"]
    for wrong in "x", "1_0", "\u0661", "nan", "1e400":
        with pytest.raises(ValueError, match=r"row 1, expected finite numbers"):
            tasks.target(["1", wrong], "regression")
    with pytest.raises(ValueError, match="task must be .*'clustering'"):
        tasks.check("clustering")


def test_fractions_of_npz_are_numbers_to_predict(tmp_path):
    y = np.linspace(-1, 1, 30, dtype=np.float32)
    (tmp_path / "a.npz").write_bytes(npz(X=np.arange(60.0).reshape(30, 2), y=y, X_test=np.eye(2), y_test=[1, 7.5]))
    data = datasets.read(tmp_path / "a.npz")
    assert data.task == "regression" and data.y_test.tolist() == [1, 7.5]
    np.testing.assert_array_equal(data.y, y)
    parts = datasets.split(data, 0.2, seed=0)
    assert len(parts.y_test) == 6 and parts.y_test.min() < -0.5 and parts.y_test.max() > 0.5
    (tmp_path / "a.npz").write_bytes(npz(X=np.eye(3), y=["1", "2", "2.5"]))
    assert datasets.read(tmp_path / "a.npz").class_names == ["1", "2", "2.5"]  # text is classes


# ---- the scale of numbers to predict


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_scale_becomes_part_of_the_last_layer(dtype):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.normal(250, 40, size=40)
    scale = scales.target_scale(y)
    np.testing.assert_allclose([scale.mean, scale.deviation], [y.mean(), y.std()])
    np.testing.assert_allclose(scale.standardized(y), (y - y.mean()) / y.std())
    model = fastbp.Model([3, 5, 1], loss="squared_error", dtype=dtype, seed=0)
    before, z = model.get_state()["parameters"].copy(), model.predict(X)
    restored = scale.restored(model)
    np.testing.assert_allclose(restored.predict(X), z * y.std() + y.mean(), rtol=1e-5)
    np.testing.assert_array_equal(model.get_state()["parameters"], before)
    r2, error = scale.score(restored.predict(X), y)
    np.testing.assert_allclose(error, np.sqrt(np.mean((restored.predict(X) - y) ** 2)), rtol=1e-5)
    np.testing.assert_allclose(r2, 1 - error**2 / y.var(), rtol=1e-5)
    assert scale.score(y, y) == (1.0, 0.0) and scale.score(np.ones(2), np.full(2, 3.0))[0] is None


@pytest.mark.parametrize(
    ("y", "dtype"),
    [([1, 2, 4], "float32"), ([1e9, 1e9 + 1], "float64"), ([1e35, 3e35], "float64"), ([0, 1e-40], "float64")],
)
def test_numbers_that_float32_cannot_hold_are_learned_in_float64(y, dtype):
    assert scales.target_scale(np.array(y, float)).dtype == dtype


def test_targets_without_a_scale():
    with pytest.raises(ValueError, match="all rows have the target 3"):
        scales.target_scale(np.full(4, 3.0))
    with pytest.raises(ValueError, match="target .*too large"):
        scales.target_scale(np.array([1e300, -1e300, 1e308]))
