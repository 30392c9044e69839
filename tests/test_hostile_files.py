"""Files made to break what reads them: they take no memory beyond what they hold, and end in one sentence."""

import numpy as np
import pytest
from test_files import data, small

import fastbp

# ---- models


@pytest.mark.parametrize(("steps", "word"), [(2**70, "at most"), (2**53 + 1, "at most"), (-1, "at least 0")])
def test_a_number_of_steps_that_cannot_be_is_refused(tmp_path, monkeypatch, steps, word):
    model = small()
    state = model.get_state()
    with pytest.raises(ValueError, match=f"steps must be {word}"):
        model.set_state(state | {"steps": steps})
    monkeypatch.setattr(model, "get_state", lambda: state | {"steps": steps})
    model.save(tmp_path / "model")
    with pytest.raises(ValueError, match=f"model: .*steps must be {word}"):
        fastbp.load(tmp_path / "model")


def test_training_goes_on_from_the_most_steps_that_can_be():
    model = small()
    model.set_state(model.get_state() | {"steps": 2**53})
    assert np.isfinite(model.fit(*data(), epochs=2, batch_size=20, verbose=0).loss).all()
    assert model.get_state()["steps"] == 2**53 + 4
