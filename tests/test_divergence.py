"""Training that is no longer finite: errors, parameters and the optimizer's state, and what the model goes back to."""

import pickle

import numpy as np
import pytest

import fastbp
from fastbp import callbacks
from fastbp.optimizers import SGD, AdamW, Lion

rng = np.random.default_rng(5)
X = rng.standard_normal((60, 6))
y = (X[:, 0] > 0).astype(int)

BLOWN = {
    "rate beyond float32": (SGD(1e39), X),
    "rate beyond float32, with momentum": (SGD(1e39, momentum=0.9), X),
    "decay": (AdamW(weight_decay=1e300), X),
    "decay of Lion": (Lion(weight_decay=1e300), X),
}


def flat(m):
    return np.concatenate([array.ravel() for layer in m.parameters for array in layer])


def vectors(m):
    return [state.tobytes() for state in (flat(m), *m.get_state()["optimizer"].values())]


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_training_that_diverges_says_where_and_leaves_finite_parameters(kernels):
    m = fastbp.Model([6, 16, 1], seed=1, loss="squared_error", kernels=kernels, learning_rate=1e6)
    with pytest.raises(ArithmeticError, match=r"step \d+ .*layer \d.*learning_rate \(now 1e\+06\)"):
        m.fit(X, X[:, 0], epochs=30, batch_size=16, verbose=0)
    assert np.isfinite(flat(m)).all()
    m.learning_rate = 1e-3
    with pytest.warns(RuntimeWarning, match="rows are not finite"):  # the parameters are, and too large for products
        m.predict(X)


def test_divergence_is_an_error_of_its_own_that_processes_can_hand_on():
    m = fastbp.Model([6, 16, 1], seed=1, loss="squared_error", learning_rate=1e6)
    with pytest.raises(fastbp.DivergenceError) as caught:
        m.fit(X, X[:, 0], epochs=30, batch_size=16, verbose=0)
    error, copy = caught.value, pickle.loads(pickle.dumps(caught.value))
    assert isinstance(error, ArithmeticError) and f"step {error.step} is not finite" in str(error)
    assert (type(copy), str(copy), copy.step) == (fastbp.DivergenceError, str(error), error.step)


def test_an_optimizers_state_that_is_no_number_is_not_kept():
    class Blow(callbacks.Callback):
        def on_epoch_begin(self, model, epoch):
            for W, _ in model.parameters if epoch == 1 else ():
                W[...] = 3e38

    m = fastbp.Model([1, 1], loss="squared_error", optimizer="adam", seed=1)
    ones = np.ones((4, 1))
    with pytest.raises(ArithmeticError, match="largest weights"):  # g ** 2 overflows in the first step, E in the second
        m.fit(ones, 1.5e19 * ones, epochs=2, verbose=0, callbacks=[Blow()])
    for W, b in m.parameters:
        W[...] = b[...] = 0
    m.fit(ones, ones, epochs=1, verbose=0)
    assert flat(m).min() > 0


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
@pytest.mark.parametrize("name", BLOWN)
def test_parameters_are_checked_after_the_last_step(name, kernels, watched):
    optimizer, rows = BLOWN[name]
    m = fastbp.Model([6, 7, 2], optimizer=optimizer, seed=1, kernels=kernels)
    before, again = vectors(m), {"epochs": 1, "batch_size": 60, "verbose": 0}
    with pytest.raises(fastbp.DivergenceError, match="a parameter is not finite after step 1: .*layer 1 .*this call"):
        m.fit(rows, y, **again, callbacks=[callbacks.Callback()] * watched)
    assert vectors(m) == before and m.get_state()["steps"] == 0


def test_callbacks_see_finite_parameters_and_training_goes_back_to_the_last_whole_epoch():
    class Faster(callbacks.Callback):
        def __init__(self):
            self.seen = []

        def on_epoch_end(self, model, logs):
            self.seen.append(vectors(model))
            model.learning_rate = 1e39 if len(self.seen) == 2 else 0.1

    watch, m = Faster(), fastbp.Model([6, 7, 2], optimizer=SGD(0.1, momentum=0.9), seed=1)
    with pytest.raises(fastbp.DivergenceError, match=r"of step 6 is not finite: .*end of this call's epoch 2 are kept"):
        m.fit(X, y, epochs=5, batch_size=30, verbose=0, callbacks=watch)
    assert len(watch.seen) == 2 and vectors(m) == watch.seen[-1] and m.get_state()["steps"] == 4
    assert np.isfinite(flat(m)).all()


def test_a_state_that_is_not_finite_is_found_though_the_parameters_are():
    m = fastbp.Model([1, 1], loss="squared_error", optimizer="adam", seed=1)
    ones = np.ones((4, 1), np.float32)
    with pytest.raises(fastbp.DivergenceError, match="the optimizer's state is not finite after step 1"):
        m.fit(10 * ones, 1.5e19 * ones, epochs=1, verbose=0)  # the gradient's square overflows: v is infinite for good
    assert all(np.isfinite(state).all() for state in m.get_state()["optimizer"].values()) and np.isfinite(flat(m)).all()


def test_scales_that_are_not_finite_count_as_the_first_layer():
    m = fastbp.Model([6, 7, 2], scaling_layer=True, seed=1)
    m.scales[3] = np.inf
    with pytest.raises(ValueError, match="parameters must be finite, but those of the model are not in layer 1"):
        m.fit(X, y, verbose=0)


def test_ctrl_c_keeps_no_parameters_that_are_not_finite():
    class Press(callbacks.Callback):
        def on_epoch_begin(self, model, epoch):
            if epoch:
                model._plan.load(np.full_like(model._flat, np.nan))  # as a step may leave them
                raise KeyboardInterrupt

    m = fastbp.Model([6, 7, 2], seed=1)
    with pytest.raises(fastbp.DivergenceError, match="epoch 1 are kept"):
        m.fit(X, y, epochs=3, verbose=0, callbacks=Press())
    assert np.isfinite(flat(m)).all()


@pytest.mark.parametrize("when", ["on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end"])
def test_a_callback_may_not_leave_what_is_no_number(when):
    def spoil(self, model, *_):
        model.parameters[1][0][0] = np.nan

    m = fastbp.Model([6, 7, 2], seed=1)
    before = vectors(m)
    with pytest.raises(ValueError, match="parameters must be finite, but those that a callback left.* layer 2"):
        m.fit(X, y, epochs=2, verbose=0, callbacks=type("Spoil", (callbacks.Callback,), {when: spoil})())
    assert vectors(m) == before


def test_a_model_that_is_not_finite_is_not_trained():
    m = fastbp.Model([6, 7, 2], seed=1)
    m.parameters[1][1][0] = np.inf
    with pytest.raises(ValueError, match="parameters must be finite, but those of the model are not in layer 2"):
        m.fit(X, y, verbose=0)


def test_an_error_at_the_end_of_training_leaves_the_model_as_it_was():
    class Broken(callbacks.Callback):
        def on_epoch_end(self, model, logs):
            model.learning_rate = 0.5

        def on_train_end(self, model):
            raise RuntimeError("no disk")

    m, twin = (fastbp.Model([6, 7, 2], optimizer=SGD(0.1, momentum=0.9), seed=1) for _ in range(2))
    with pytest.raises(RuntimeError, match="no disk"):
        m.fit(X, y, epochs=2, verbose=0, callbacks=Broken())
    assert vectors(m) == vectors(twin) and m.learning_rate == 0.1 and m.get_state()["steps"] == 0
    for each in (m, twin):
        each.fit(X, y, epochs=2, batch_size=16, verbose=0)
    assert vectors(m) == vectors(twin)  # the order of the rows, too


def test_a_second_ctrl_c_keeps_the_training():
    class Press(callbacks.Callback):
        def on_train_end(self, model):
            raise KeyboardInterrupt

    m, twin, last = fastbp.Model([6, 7, 2], seed=1), fastbp.Model([6, 7, 2], seed=1), callbacks.EarlyStopping("loss")
    history = m.fit(X, y, epochs=2, verbose=0, callbacks=[Press(), last])
    twin.fit(X, y, epochs=2, verbose=0, callbacks=callbacks.EarlyStopping("loss"))
    assert history.interrupted and len(history.loss) == 2 and vectors(m) == vectors(twin)
