"""Schedules: their factors, the rates of each step, further calls that go on, and what is refused."""

import numpy as np
import pytest

import fastbp
from fastbp import callbacks, schedules

rng = np.random.default_rng(5)
X = rng.standard_normal((120, 6))
y = (X @ rng.standard_normal((6, 3))).argmax(1)


def model(**settings):
    return fastbp.Model([6, 16, 3], seed=1, dtype="float64", **settings)


def flat(m):
    return np.concatenate([array.ravel() for layer in m.parameters for array in layer])


def fit(m, **settings):
    return m.fit(X, y, **{"epochs": 4, "batch_size": 32, "verbose": 0} | settings)


class Given:
    """Is no schedule of ours, and gives what it was told to."""

    def __init__(self, factors):
        self.given = factors

    def factors(self, steps, steps_per_epoch, total):
        return self.given


STEPS, TOTAL = np.arange(40), 40
SHAPES = {
    "constant": (schedules.Constant(), {0: 1, 39: 1}),
    "inverse": (schedules.InverseScaling(0.5), {0: 1, 3: 0.5, 24: 0.2}),
    "step": (schedules.StepDecay(2, 0.1), {0: 1, 7: 1, 8: 0.1, 16: 0.01}),
    "cosine": (schedules.Cosine(), {0: 1, 20: 0.5}),
    "warm-up": (schedules.Cosine(warm_up=0.1, final=0.1), {0: 0.2, 3: 0.8, 4: 1, 22: 0.55}),
    "one cycle": (schedules.OneCycle(up=0.5, start=10, end=10), {0: 0.1, 39: 0.01}),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_schedule_takes_the_values_it_should(name):
    schedule, values = SHAPES[name]
    factors = schedule.factors(STEPS, 4, TOTAL)  # 4 steps an epoch
    assert factors.shape == (TOTAL,) and np.all(factors > 0) and factors.max() <= 1 + 1e-12
    assert {step: pytest.approx(factors[step]) for step in values} == values
    parts = [schedule.factors(STEPS[a : a + 8], 4, TOTAL) for a in range(0, TOTAL, 8)]
    np.testing.assert_array_equal(np.concatenate(parts), factors)


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_each_step_has_its_rate(kernels):
    class Twice:
        def factors(self, steps, steps_per_epoch, total):
            assert (steps_per_epoch, total) == (4, 8)
            return np.where(steps < 4, 1.0, 2.0)

    scheduled, by_hand = model(kernels=kernels, learning_rate=0.05), model(kernels=kernels, learning_rate=0.05)
    fit(scheduled, epochs=2, schedule=Twice())
    fit(by_hand, epochs=1)
    by_hand.learning_rate = 0.1
    fit(by_hand, epochs=1)
    assert flat(scheduled).tobytes() == flat(by_hand).tobytes()


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
@pytest.mark.parametrize(
    "schedule", [schedules.InverseScaling(0.7), schedules.StepDecay(2, 0.3)], ids=["inverse", "step"]
)
def test_a_schedule_goes_on_in_a_second_call_and_in_a_loaded_model(schedule, kernels, tmp_path):
    whole, parts = (model(kernels=kernels, learning_rate=0.2) for _ in range(2))
    fit(whole, epochs=5, schedule=schedule)
    fit(parts, epochs=1, schedule=schedule)
    fit(parts, epochs=2, schedule=schedule)
    parts.save(tmp_path / "model.safetensors")
    parts = fastbp.load(tmp_path / "model.safetensors")
    fit(parts, epochs=2, schedule=schedule)
    assert flat(whole).tobytes() == flat(parts).tobytes()


def test_a_training_that_was_ended_goes_on_along_the_same_cosine():
    class Seen(schedules.Cosine):
        def factors(self, steps, steps_per_epoch, total):
            asked.append((steps.tolist(), steps_per_epoch, total))
            return super().factors(steps, steps_per_epoch, total)

    class Press(callbacks.Callback):
        def on_epoch_end(self, model, logs):
            if logs["epoch"] == 1:
                raise KeyboardInterrupt

    asked, whole, parts = [], model(), model()
    fit(whole, epochs=5, schedule=schedules.Cosine(warm_up=0.3))
    fit(parts, epochs=5, schedule=Seen(warm_up=0.3), callbacks=Press())
    fit(parts, epochs=3, schedule=Seen(warm_up=0.3))
    assert asked == [(list(range(4 * epoch, 4 * epoch + 4)), 4, 20) for epoch in range(5)]
    assert flat(whole).tobytes() == flat(parts).tobytes()


@pytest.mark.parametrize("bad", [{"power": -1}, {"power": "x"}])
def test_bad_settings_of_schedules_are_refused(bad):
    with pytest.raises((ValueError, TypeError), match="power"):
        schedules.InverseScaling(**bad)
    with pytest.raises(ValueError, match="warm_up"):
        schedules.Cosine(warm_up=1)
    with pytest.raises(ValueError, match="start"):
        schedules.OneCycle(start=0.5)


@pytest.mark.parametrize(
    "bad", [1, schedules.Cosine, "cosine", Given([1.0]), Given("word"), Given([[1.0] * 4]), Given([1, 1, np.nan, 1]),
            Given([1, -1, 1, 1])]
)  # fmt: skip
def test_what_is_no_schedule_is_refused(bad):
    m, before = model(), flat(model())
    with pytest.raises((ValueError, TypeError), match="schedule"):
        fit(m, schedule=bad)
    assert flat(m).tobytes() == before.tobytes()


def test_whole_numbers_are_factors_too():
    plain, given = model(), model()
    fit(plain), fit(given, schedule=Given([1, 1, 1, 1]))
    assert flat(plain).tobytes() == flat(given).tobytes()
