"""The estimators with callbacks of scikit-learn's protocol."""

import numpy as np
import pytest

pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 brought callbacks")

from sklearn_pairs import CLASSES, NUMBERS, SETTINGS, X  # noqa: E402

from fastbp.sklearn import MLPClassifier, MLPRegressor  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Watch:
    """Writes down what it is told; ends training after so many epochs."""

    def __init__(self, epochs=None):
        self.epochs, self.tasks, self.seen = epochs, [], []

    def setup(self, estimator, context):
        self.tasks.append("setup")

    def teardown(self, estimator, context):
        self.tasks.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None):
        self.tasks.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.tasks.append(f"end {context.task_name} {context.task_id}")
        if context.task_name == "epoch":
            self.seen.append(fitted_estimator.score(X, y))
            return estimator.n_iter_ == self.epochs
        return None


def test_callbacks_see_each_epoch_and_may_end_training():
    watch, plain = Watch(3), MLPClassifier(**SETTINGS | {"max_iter": 3}).fit(X, CLASSES)
    estimator = MLPClassifier(**SETTINGS).set_callbacks(watch).fit(X, CLASSES)
    epochs = [f"{what} epoch {epoch}" for epoch in range(3) for what in ("begin", "end")]
    assert watch.tasks == ["setup", "begin fit 0", *epochs, "end fit 0", "teardown"]
    assert all(map(np.array_equal, estimator.coefs_, plain.coefs_))
    assert watch.seen[-1] == estimator.score(X, CLASSES)


def test_callbacks_see_a_fit_by_lbfgs_as_one_task_and_nothing_of_partial_fit():
    watch = Watch()
    MLPRegressor(**SETTINGS, solver="lbfgs").set_callbacks(watch).fit(X, NUMBERS)
    assert watch.tasks == ["setup", "begin fit 0", "end fit 0", "teardown"]
    MLPRegressor(**SETTINGS).set_callbacks(watch).partial_fit(X, NUMBERS)
    assert len(watch.tasks) == 4


def test_an_error_in_a_callback_is_told_and_callbacks_are_torn_down():
    class Broken(Watch):
        def on_fit_task_begin(self, estimator, context):
            raise KeyError("broken")

    watch = Broken()
    with pytest.raises(KeyError, match="broken"):
        MLPRegressor(**SETTINGS).set_callbacks(watch).fit(X, NUMBERS)
    assert watch.tasks == ["setup", "teardown"]
