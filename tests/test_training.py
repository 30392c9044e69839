"""What fit does beside its steps: callbacks, early stopping and weights."""

import numpy as np
import pytest

import fastbp
from fastbp import callbacks

rng = np.random.default_rng(5)
X = rng.standard_normal((120, 6))
y = (X @ rng.standard_normal((6, 3))).argmax(1)


def model(**settings):
    return fastbp.Model([6, 16, 3], seed=1, dtype="float64", **settings)


def flat(m):
    return np.concatenate([array.ravel() for layer in m.parameters for array in layer])


def fit(m, **settings):
    return m.fit(X, y, **{"epochs": 4, "batch_size": 32, "verbose": 0} | settings)


# ---- callbacks


class Recorder(callbacks.Callback):
    def __init__(self):
        self.calls, self.seen = [], []

    def on_train_begin(self, model):
        self.calls.append("begin")

    def on_epoch_begin(self, model, epoch):
        self.calls.append(epoch)

    def on_epoch_end(self, model, logs):
        self.calls.append(sorted(logs))
        self.seen.append(flat(model))

    def on_train_end(self, model):
        self.calls.append("end")


def test_callbacks_see_each_epoch_and_change_nothing():
    recorder, plain, watched = Recorder(), model(), model()
    fit(plain)
    fit(watched, callbacks=[recorder])
    names = ["accuracy", "epoch", "loss", "seconds"]
    assert recorder.calls == ["begin", 0, names, 1, names, 2, names, 3, names, "end"]
    assert flat(plain).tobytes() == flat(watched).tobytes() == recorder.seen[-1].tobytes()
    assert len({seen.tobytes() for seen in recorder.seen}) == 4


def test_what_a_callback_does_to_the_parameters_counts():
    class Reset(callbacks.Callback):
        def on_epoch_end(self, model, logs):
            for layer in model.parameters:
                for array in layer:
                    array[...] = 0

    m = model()
    fit(m, callbacks=[Reset()])
    assert not flat(m).any()


def test_an_error_in_a_callback_leaves_the_model_as_it_was():
    class Broken(callbacks.Callback):
        def on_epoch_end(self, model, logs):
            model.learning_rate = 7
            raise RuntimeError("out of paper")

    m = model(optimizer=fastbp.optimizers.SGD(momentum=0.9))
    fit(m)
    before = flat(m), m.get_state()
    with pytest.raises(RuntimeError, match="out of paper"):
        fit(m, callbacks=[Broken()])
    assert flat(m).tobytes() == before[0].tobytes() and m.learning_rate == 0.1
    assert m.get_state()["steps"] == before[1]["steps"] and m.get_state()["random"] == before[1]["random"]


def test_training_stops_early_and_the_best_parameters_come_back():
    stop, recorder = callbacks.EarlyStopping(patience=3), Recorder()
    m = model(optimizer=fastbp.optimizers.SGD(1.0, momentum=0.9))
    history = fit(m, epochs=200, validation_split=0.3, callbacks=[recorder, stop])
    best = int(np.argmin(history.val_loss))
    assert stop.best_epoch == best and stop.stopped_epoch == len(history.loss) - 1 == best + 3 < 199
    assert flat(m).tobytes() == recorder.seen[best].tobytes()


class Metric(callbacks.Callback):
    """Writes given values into the logs, and keeps the parameters of each epoch."""

    def __init__(self, values):
        self.values, self.seen = values, []

    def on_epoch_end(self, model, logs):
        logs["metric"] = self.values[logs["epoch"]]
        self.seen.append(flat(model))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_early_stopping_without_a_finite_value_warns_and_keeps_the_last_parameters(bad, mode):
    m, metric, stop = model(), Metric([bad] * 9), callbacks.EarlyStopping("metric", patience=3, mode=mode)
    with pytest.warns(RuntimeWarning, match="no finite metric in 3 epochs; the last parameters are kept") as caught:
        fit(m, epochs=9, callbacks=[metric, stop])
    assert flat(m).tobytes() == metric.seen[-1].tobytes() and len(metric.seen) == 3
    assert stop.best_epoch is None and stop.stopped_epoch == 2 and caught[0].filename.endswith("_training.py")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("mode", "best"), [("min", 3), ("max", 1)])
def test_values_that_are_not_finite_are_no_improvement(bad, mode, best):
    m, metric = model(), Metric([bad, 3.0, bad, 1.0, 2.0, bad, bad])
    stop = callbacks.EarlyStopping("metric", patience=6, mode=mode)
    fit(m, epochs=7, callbacks=[metric, stop])
    assert stop.best_epoch == best and flat(m).tobytes() == metric.seen[best].tobytes()
    assert stop.stopped_epoch is None


def test_any_metric_may_be_watched_and_unknown_ones_are_named():
    stop = callbacks.EarlyStopping("accuracy", patience=2, min_delta=0.5, restore_best=False)
    assert len(fit(model(), epochs=50, callbacks=[stop]).loss) == 3  # no accuracy rises by a half
    with pytest.raises(ValueError, match="monitor must be one of accuracy, loss, got 'val_loss'.*val_... needs valid"):
        fit(model(), callbacks=[callbacks.EarlyStopping()])


class Begun(callbacks.Callback):
    """Must not be called."""

    def on_train_begin(self, model):
        raise AssertionError("training has begun")


@pytest.mark.parametrize(
    "watch",
    [
        callbacks.EarlyStopping(), callbacks.ReduceLearningRate("val_accuracy"),
        callbacks.EarlyStopping("f1", mode="max"),
    ],
)  # fmt: skip
def test_a_metric_that_there_will_not_be_is_told_before_training(watch):
    with pytest.raises(ValueError, match=f"monitor must be one of accuracy, loss, got '{watch.monitor}'"):
        fit(model(), callbacks=[watch, Begun()])
    numbers = fastbp.Model([X.shape[1], 1], loss="squared_error")
    with pytest.raises(ValueError, match="monitor must be one of loss, val_loss, got 'accuracy'"):
        stop = callbacks.EarlyStopping("accuracy")
        numbers.fit(X, y, validation_data=(X, y), verbose=0, callbacks=[stop, Begun()])


def test_a_metric_that_an_earlier_callback_writes_is_not_refused():
    class Validates(callbacks.Callback):
        def on_epoch_end(self, model, logs):
            logs["val_loss"] = logs["f1"] = float(logs["epoch"])

    each = [Validates(), callbacks.EarlyStopping(patience=2), callbacks.EarlyStopping("f1", mode="max")]
    assert fit(model(), epochs=9, callbacks=each).val_loss == [0.0, 1.0, 2.0]
    with pytest.raises(ValueError, match="got 'f1'"):
        fit(model(), epochs=9, callbacks=[each[2], each[0], Begun()])


def test_members_can_not_be_diagnosed_which_is_told_before_training():
    m = fastbp.Model([X.shape[1], 4, 3], scaling_layer=fastbp.Members(2))
    with pytest.raises(ValueError, match="a diagnosis has no members"):
        m.fit(X, y, verbose=0, callbacks=[callbacks.Diagnose(X, y), Begun()])


@pytest.mark.parametrize("monitor", ["rmse", "f1", "seconds", "loss_by_accuracy", "val_los"])
def test_whether_less_is_better_is_asked_for_where_the_name_does_not_say_it(monitor):
    for make in callbacks.EarlyStopping, callbacks.ReduceLearningRate:
        with pytest.raises(ValueError, match=f"mode must be 'min' or 'max' for monitor '{monitor}': 'auto' knows"):
            make(monitor)
    with pytest.raises(TypeError, match="monitor must be the name of a metric, got 3"):
        callbacks.EarlyStopping(3)


@pytest.mark.parametrize(("monitor", "best"), [("hinge_loss", 3), ("top5_accuracy", 0)])
def test_losses_fall_and_accuracies_rise(monitor, best):
    class Falls(callbacks.Callback):
        def on_epoch_end(self, model, logs):
            logs[monitor] = -float(logs["epoch"])

    stop = callbacks.EarlyStopping(monitor)
    fit(model(), epochs=4, callbacks=[Falls(), stop])
    assert stop.best_epoch == best


def test_no_callbacks_may_be_none():
    assert fit(model(), epochs=2, callbacks=None).loss == fit(model(), epochs=2).loss


def test_a_metric_of_ones_own_may_end_training():
    class Spread(callbacks.Callback):
        """How unlike its classes are counted in what the model predicts."""

        def on_epoch_end(self, model, logs):
            logs["spread"] = np.bincount(model.predict(X), minlength=3).std()
            spreads.append(logs["spread"])

    spreads, stop = [], callbacks.EarlyStopping("spread", patience=2, mode="min")
    fit(model(), epochs=50, callbacks=[Spread(), stop])
    assert stop.best_epoch == int(np.argmin(spreads)) and len(spreads) == stop.stopped_epoch + 1 < 50


def test_the_rate_falls_on_a_plateau():
    m = model(learning_rate=1e-9)
    fit(m, epochs=9, callbacks=[callbacks.ReduceLearningRate(patience=2, factor=0.5, least=2e-10)])
    assert m.learning_rate == pytest.approx(2e-10)


def test_each_epoch_is_diagnosed():
    m, plain, diagnose = model(activation="logistic"), model(activation="logistic"), callbacks.Diagnose(X, y)
    fit(m, callbacks=[diagnose])
    fit(plain)
    assert len(diagnose.reports) == 4 and diagnose.reports[-1] == m.diagnose(X, y)
    assert flat(m).tobytes() == flat(plain).tobytes()


# ---- rows and classes that count more


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_a_row_of_weight_two_counts_as_two_and_of_weight_zero_not_at_all(kernels):
    weights = np.repeat([0.0, 1.0, 2.0], 40)
    twice = np.concatenate([np.arange(40, 80), np.arange(80, 120), np.arange(80, 120)])
    E, gradients = model(kernels=kernels).gradients(X, y, weights)
    E_twice, gradients_twice = model(kernels=kernels).gradients(X[twice], y[twice])
    assert pytest.approx(E_twice, rel=1e-13) == E
    for layer, layer_twice in zip(gradients, gradients_twice, strict=True):
        for a, b in zip(layer, layer_twice, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-15)


def test_weights_of_classes_are_those_of_their_rows():
    counts = np.bincount(y, minlength=3)
    kinds = {"balanced": 120 / (3 * counts), (("0", 2.0), ("2", 0.5)): np.array([2, 1, 0.5])}
    for kind, each in kinds.items():
        given = kind if isinstance(kind, str) else {int(number): weight for number, weight in kind}
        by_class, by_row = model(), model()
        fit(by_class, class_weight=given)
        fit(by_row, sample_weight=each[y])
        assert flat(by_class).tobytes() == flat(by_row).tobytes()


@pytest.mark.parametrize("kind", ["balanced", {0: 2.0, 2: 0.5}])
def test_weights_of_classes_are_those_of_rows_to_train_on_alone(kind):
    order = np.concatenate([np.argsort(y[:100], kind="stable")[::-1], np.arange(100, 120)])  # fewer of class 0 first
    rows, labels, weights = X[order], y[order], np.random.default_rng(4).uniform(0.5, 2, 120)
    settings = {"epochs": 2, "batch_size": 32, "verbose": 0, "class_weight": kind}
    split, given = model(), model()
    history = split.fit(rows, labels, sample_weight=weights, validation_split=0.4, **settings)
    validation = rows[72:], labels[72:], weights[72:]
    right = given.fit(rows[:72], labels[:72], sample_weight=weights[:72], validation_data=validation, **settings)
    assert history.val_loss == right.val_loss and history.val_accuracy == right.val_accuracy
    assert history.loss == right.loss and flat(split).tobytes() == flat(given).tobytes()


@pytest.mark.parametrize("bad", [{3: 1}, {-1: 1}, {0: -1}, "even", [1, 2], {0: 0, 1: 0, 2: 0}])
def test_bad_weights_of_classes_are_refused(bad):
    with pytest.raises((ValueError, TypeError), match="class_weight"):
        fit(model(), class_weight=bad)


def test_the_last_rows_are_split_off():
    split, given = model(), model()
    losses = fit(split, validation_split=0.25).val_loss
    history = given.fit(X[:90], y[:90], epochs=4, batch_size=32, validation_data=(X[90:], y[90:]), verbose=0)
    assert losses == history.val_loss and flat(split).tobytes() == flat(given).tobytes()


@pytest.mark.parametrize(
    "bad",
    [
        {"sample_weight": np.repeat([1.0, 0.0], 60), "validation_split": 0.25},
        {"sample_weight": np.repeat([0.0, 1.0], [90, 30]), "validation_split": 0.25},
        {"sample_weight": (y == 1).astype(float), "class_weight": {1: 0}},
    ],
)
def test_rows_that_all_count_nothing_are_refused(bad):
    m, before = model(), flat(model())
    with pytest.raises(ValueError, match="weight"):
        fit(m, **bad)
    assert flat(m).tobytes() == before.tobytes()


@pytest.mark.parametrize("bad", [5, [5], callbacks.EarlyStopping, [callbacks.Callback(), "stop"]])
def test_what_is_no_callback_is_refused(bad):
    with pytest.raises(TypeError, match="callbacks"):
        fit(model(), callbacks=bad)
