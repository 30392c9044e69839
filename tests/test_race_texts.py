"""PyTorch's network in the race of estimators on texts computes what dense rows would."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

sparse, torch = pytest.importorskip("scipy.sparse"), pytest.importorskip("torch")
FOLDER = Path(__file__).parent.parent / "asv_benchmarks" / "race"


@pytest.fixture
def text(monkeypatch):
    """The module, imported as Python imports a script's neighbours."""
    monkeypatch.syspath_prepend(FOLDER)
    yield importlib.import_module("torch_text")
    for name in ("torch_text", "libraries"):
        del sys.modules[name]


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_an_epoch_is_that_of_dense_rows(text, solver):
    rng = np.random.default_rng(3)
    X, y = sparse.csr_matrix(rng.random((450, 30)) * (rng.random((450, 30)) < 0.2)), rng.integers(0, 3, 450)
    start, end = (text.MLPClassifier(solver, epochs, False, 0).fit(X, y) for epochs in (0, 1))
    parameters = start.bag.weight, start.bias, *start.rest.parameters()
    W, b, V, c = (each.detach().clone().requires_grad_() for each in parameters)
    groups = [{"params": [W, V], "weight_decay": 1e-4 / 200}, {"params": [b, c]}]
    momentum = {"lr": 1e-3, "momentum": 0.9, "nesterov": True}
    optimizer = torch.optim.Adam(groups, lr=1e-3) if solver == "adam" else torch.optim.SGD(groups, **momentum)
    dense, targets = torch.from_numpy(X.toarray()), torch.from_numpy(y)
    order = np.random.default_rng(0).permutation(450)
    for rows in (order[:200], order[200:400], order[400:]):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(torch.relu(dense[rows] @ W + b) @ V.T + c, targets[rows]).backward()
        optimizer.step()
    for found, expected in zip((end.bag.weight, end.bias, *end.rest.parameters()), (W, b, V, c), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    right = (torch.relu(dense @ W + b) @ V.T + c).argmax(1) == targets
    assert end.score(X, y) == pytest.approx(right.double().mean().item())


@pytest.mark.parametrize(("solver", "early_stopping"), [("lbfgs", False), ("adam", True)])
def test_what_the_network_cannot_do_is_left_out(text, solver, early_stopping):
    with pytest.raises(NotImplementedError, match="adam and sgd, without early stopping"):
        text.MLPClassifier(solver, 1, early_stopping, 0)
