"""Networks of PyTorch that a Model can't be, and losses that contradict them."""

from collections import OrderedDict

import pytest
from exchanged import made

import fastbp

torch = pytest.importorskip("torch")
exchange = pytest.importorskip("fastbp.exchange.torch")
nn = torch.nn


def sequence(*layers):
    return nn.Sequential(nn.Linear(3, 4), *layers)


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


LAST = nn.Linear(4, 2)


@pytest.mark.parametrize(
    "sequential, words",
    [
        (
            sequence(nn.BatchNorm1d(4), LAST),
            r"layer '1' \(BatchNorm1d.*which fastbp.Model has not; it has Linear, LayerNorm, ReLU",
        ),
        (sequence(nn.Dropout(), nn.Dropout(), LAST), r"layer '2' \(Dropout.*, expected one of p < 1 behind a hidden"),
        (sequence(nn.Dropout(1.0), LAST), r"layer '1' \(Dropout\(p=1.0.*, expected one of p < 1 behind a hidden layer"),
        (nn.Sequential(nn.Dropout(), nn.Linear(3, 2)), r"layer '0' \(Dropout.*, expected one of p < 1 behind a hidden"),
        (sequence(nn.Dropout(), nn.ReLU(), LAST), r"layer '2' \(ReLU.*where a Linear is expected"),
        (sequence(nn.Dropout(), nn.LayerNorm(4), LAST), r"layer '2' \(LayerNorm.*, which is expected right behind"),
        (sequence(LAST, nn.Dropout()), "Dropout behind its last Linear, where a Model has none"),
        (sequence(nn.Sequential(nn.LayerNorm(4, 1e-3)), LAST), r"layer '1\.0' \(LayerNorm.*, expected eps 1e-05"),
        (sequence(nn.LayerNorm(3), LAST), r"layer '1' \(LayerNorm.*, expected shape \(4,\)"),
        (
            sequence(nn.ReLU(), nn.LayerNorm(4), LAST),
            r"layer '2' \(LayerNorm.*, which is expected right behind a Linear",
        ),
        (sequence(nn.LayerNorm(4), nn.LayerNorm(4), LAST), r"layer '2' \(LayerNorm.*, which is expected right behind"),
        (nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 2)), r"layer '0' \(LayerNorm.*, which is expected right behind"),
        (sequence(LAST, nn.LayerNorm(2)), r"LayerNorm\(\(2,\).*behind its last Linear, where a Model has none"),
        (sequence(nn.LayerNorm(4).double(), LAST), "got torch.float32, torch.float64"),
        (nn.Sequential(OrderedDict(first=nn.Linear(3, 4), odd=nn.Softsign())), r"layer 'odd' \(Softsign"),
        (sequence(Doubled(4, 4)), r"layer '1' \(Doubled"),
        (sequence(nn.Flatten(0), LAST), r"layer '1' \(Flatten\(start_dim=0"),
        (sequence(nn.ReLU(), nn.Tanh(), LAST), r"layer '2' \(Tanh\(\)\) where a Linear is expected"),
        (nn.Sequential(nn.ReLU(), LAST), r"layer '0' \(ReLU\(\)\) where a Linear is expected"),
        (sequence(nn.Softmax(dim=1), LAST), r"layer '1' \(Softmax\(dim=1\)\) before its end"),
        (sequence(LAST, nn.Softmax(dim=0)), r"layer '2' \(Softmax\(dim=0\)\), expected dim 1 or -1"),
        (sequence(LAST, nn.ReLU()), r"layer '2' \(ReLU\(\)\) at its end, expected Linear, Softmax, LogSoftmax, Sig"),
        (sequence(nn.Linear(5, 2)), r"layer '1' .*, which does not take the 4 outputs of the one before"),
        (
            nn.Sequential(nn.Linear(3, 4)).half(),
            r"float32 or float64 parameters, got torch.float16; call its float\(\) first",
        ),
        (nn.Sequential(nn.Linear(3, 4).double(), LAST), "got torch.float32, torch.float64"),
        (nn.Sequential(nn.Flatten()), "must have a Linear layer, got none"),
    ],
)
def test_what_a_model_has_not_is_refused(sequential, words):
    with pytest.raises(ValueError, match=words):
        exchange.from_torch(sequential)


@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_a_layer_without_parameters_yet_is_refused():
    with pytest.raises(ValueError, match="without parameters yet; call it on a batch first"):
        exchange.from_torch(nn.Sequential(nn.LazyLinear(3)))


def test_functions_of_other_settings_are_refused():
    for layer, expected in [
        (nn.LeakyReLU(0.2), r"negative_slope 0\.01"), (nn.GELU("tanh"), "approximate 'none'"),
        (nn.ELU(0.5), r"alpha 1\.0"), (nn.Softplus(2), "beta 1 and threshold 40 or 20"),
        (nn.Softplus(threshold=5), "beta 1 and threshold 40 or 20"), (nn.PReLU(3), "num_parameters 1 or 4"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=rf"layer '1' \({type(layer).__name__}.*expected {expected}"):
            exchange.from_torch(sequence(layer, LAST))


def test_other_types_and_names_are_refused():
    with pytest.raises(TypeError, match=r"sequential must be a torch\.nn\.Sequential, got Linear"):
        exchange.from_torch(LAST)
    with pytest.raises(ValueError, match="loss 'hinge' is not known"):
        exchange.from_torch(nn.Sequential(LAST), "hinge")
    with pytest.raises(TypeError, match=r"model must be a fastbp\.Model, got Linear"):
        exchange.to_torch(LAST)
    own = fastbp.activations.Activation("square", lambda t: t * t, lambda t: 2 * t)
    with pytest.raises(ValueError, match="activation 'square' has no module in PyTorch"):
        exchange.to_torch(made((3, 4, 2), activation=own))
    fourth = fastbp.losses.PointLoss("fourth", lambda z, y: (z - y) ** 4 / 4, lambda z, y: (z - y) ** 3)
    with pytest.raises(ValueError, match="loss 'fourth' has no module in PyTorch, so that it can't be converted"):
        exchange.to_torch(made((3, 4, 2), loss=fourth))


def test_a_loss_comes_as_an_object_too():
    own = fastbp.losses.PointLoss("fourth", lambda z, y: (z - y) ** 4 / 4, lambda z, y: (z - y) ** 3)
    for loss in own, fastbp.losses.Huber(0.5), fastbp.losses.CrossEntropy(0.1):
        assert exchange.from_torch(sequence(nn.ReLU(), LAST), loss).loss == loss
    with pytest.raises(ValueError, match="loss must be 'cross_entropy'"):
        exchange.from_torch(sequence(LAST, nn.Softmax(dim=1)), own)


@pytest.mark.parametrize("name", ["layer_sizes", "activation", "dtype", "layer_norm"])
def test_what_the_network_determines_is_no_setting(name):
    network = sequence(nn.ReLU(), LAST)
    with pytest.raises(TypeError, match=f"{name} must not be given, got 'float64': sequential determines it"):
        fastbp.Model.from_torch(network, **{name: "float64"})
    assert fastbp.Model.from_torch(network, dropout=0.25, seed=1).network.dropout == 0.25
