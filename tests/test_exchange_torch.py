"""Networks from and to PyTorch: the same parameters to the bit, the same predictions."""

import numpy as np
import pytest
from exchanged import ACTIVATIONS, LOSSES, SIZES, assert_same_parameters, made, near, outputs, rows
from numpy.testing import assert_allclose, assert_array_equal

from fastbp.kernels.activations import ACTIVATIONS as FUNCTIONS
from fastbp.kernels.losses import LOSSES as ENTRIES

torch = pytest.importorskip("torch")
exchange = pytest.importorskip("fastbp.exchange.torch")
nn = torch.nn

ENDS = {"softmax": nn.Softmax(dim=1), "logistic": nn.Sigmoid(), "identity": nn.Identity()}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def names(model):
    return [F.name for F in model.network.activations[:-1]]


def computed(sequential, X):
    with torch.no_grad():
        return sequential(torch.from_numpy(X)).numpy()


def ended(sequential, loss):
    """What a model of that loss gives, from a network that ends before the output's activation."""

    def run(X):
        t = computed(sequential, X)
        return np.exp(t) if loss == "poisson" else computed(ENDS[ENTRIES[loss].link], t)

    return run


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("loss", LOSSES)
def test_models_go_and_come_back(sizes, loss, dtype):
    model = made(sizes, dtype, loss=loss, activation="tanh")
    sequential = exchange.to_torch(model)
    assert {p.dtype for p in sequential.parameters()} == {getattr(torch, dtype.name)}
    z = ended(sequential, loss)(rows(model))
    assert_allclose(z, outputs(model, rows(model)).reshape(z.shape), **near(model))
    back = exchange.from_torch(sequential, loss)
    assert_same_parameters(back.parameters, model.parameters)
    assert back.layer_sizes == model.layer_sizes and back.loss == model.loss
    assert back.network.activations == model.network.activations


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if FUNCTIONS[name].elsewhere.torch])
def test_all_activations_go_and_come_back(activation, dtype):
    model = made((7, 33, 16, 5), dtype, activation=activation)
    sequential = exchange.to_torch(model)
    assert_allclose(ended(sequential, "cross_entropy")(rows(model)), model.predict_proba(rows(model)), **near(model))
    back = exchange.from_torch(sequential)
    assert names(back) == [activation] * 2
    assert_same_parameters(back.parameters, model.parameters)


def test_activations_that_torch_has_not_are_refused_by_name():
    lacking = {name for name in ACTIVATIONS if not FUNCTIONS[name].elsewhere.torch}
    assert lacking == {"blended_selu", "blended_mish"}
    for name in lacking:
        with pytest.raises(ValueError, match=f"activation '{name}' has no module in PyTorch"):
            exchange.to_torch(made((7, 5, 3), "float32", activation=name))


def test_one_slope_for_all_units_becomes_one_for_each():
    sequential = nn.Sequential(nn.Linear(3, 4), nn.PReLU(init=0.5), nn.Linear(4, 5), nn.LayerNorm(5), nn.PReLU(5),
                               nn.Dropout(0.25), nn.Linear(5, 2))  # fmt: skip
    nn.init.uniform_(sequential[4].weight)
    model = exchange.from_torch(sequential)
    (*_, a), (*_, a_2), _ = model.parameters
    assert_array_equal(a, np.full(4, 0.5, np.float32))
    assert_array_equal(a_2, sequential[4].weight.detach().numpy())
    z = ended(sequential.eval(), "cross_entropy")(rows(model))
    assert_allclose(z, model.predict_proba(rows(model)), **near(model))
    again = exchange.from_torch(exchange.to_torch(model))
    assert_same_parameters(again.parameters, model.parameters)


def test_softplus_as_pytorch_has_it_by_default_is_taken():
    sequential = nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 2))
    model = exchange.from_torch(sequential)
    assert names(model) == ["softplus"]
    z = ended(sequential, "cross_entropy")(rows(model))
    assert_allclose(z, model.predict_proba(rows(model)), **near(model))
    assert exchange.to_torch(model)[1].threshold == 40


def test_layers_of_different_activations_nested_and_passed_over(dtype):
    kind, relu = getattr(torch, dtype.name), nn.ReLU()
    sequential = nn.Sequential(
        nn.Flatten(),
        nn.Sequential(nn.Linear(6, 17, dtype=kind), relu, nn.Sequential(nn.Identity())),
        nn.Linear(17, 7, bias=False, dtype=kind),
        nn.Sequential(nn.Linear(7, 16, dtype=kind), relu, nn.Linear(16, 3, dtype=kind), nn.Softmax(dim=-1)),
    )
    model = exchange.from_torch(sequential, optimizer="adam", class_names=["a", "b", "c"])
    assert names(model) == ["relu", "identity", "relu"]
    assert (model.dtype, model.optimizer.name, model.class_names) == (dtype, "adam", ["a", "b", "c"])
    assert not model.parameters[1][1].any()
    X = rows(model)
    assert_allclose(model.predict_proba(X), computed(sequential, X.reshape(-1, 2, 3)), **near(model))


@pytest.mark.parametrize("shares", [0.25, [0.0, 0.5]])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_dropout_goes_and_comes_back(shares, layer_norm, dtype):
    model = made((7, 33, 16, 5), dtype, dropout=shares, layer_norm=layer_norm)
    sequential = exchange.to_torch(model)
    found = [layer.p for layer in sequential if isinstance(layer, nn.Dropout)]
    assert found == [share for share in model.network.dropouts if share]
    z = ended(sequential.eval(), "cross_entropy")(rows(model))
    assert_allclose(z, model.predict_proba(rows(model)), **near(model))
    assert exchange.from_torch(sequential).network.dropouts == model.network.dropouts
    assert exchange.from_torch(sequential, dropout=0.125).network.dropouts == [0.125, 0.125, 0.0]


@pytest.mark.parametrize("norms", [True, [False, True]])
@pytest.mark.parametrize("activation", ["identity", "gelu"])
def test_layer_normalization_goes_and_comes_back(norms, activation, dtype):
    model = made((7, 33, 16, 5), dtype, activation=activation, layer_norm=norms)
    sequential = exchange.to_torch(model)
    assert sum(isinstance(layer, nn.LayerNorm) for layer in sequential) == sum(model.network.layer_norms)
    assert {p.dtype for p in sequential.parameters()} == {getattr(torch, dtype.name)}
    assert_allclose(ended(sequential, "cross_entropy")(rows(model)), model.predict_proba(rows(model)), **near(model))
    back = exchange.from_torch(sequential)
    assert back.network.layer_norms == model.network.layer_norms
    assert_same_parameters(back.parameters, model.parameters)


def test_a_normalization_without_parameters_comes_with_ones_and_zeros():
    net = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4, elementwise_affine=False), nn.Linear(4, 5),
                        nn.LayerNorm(5, bias=False), nn.ReLU(), nn.Linear(5, 2))  # fmt: skip
    nn.init.uniform_(net[3].weight)
    model = exchange.from_torch(net)
    (_, _, g, c), (_, _, g_2, c_2), _ = model.parameters
    assert (g == 1).all() and not c.any() and not c_2.any()
    assert_array_equal(g_2, net[3].weight.detach().numpy())
    assert names(model) == ["identity", "relu"]
    assert_allclose(ended(net, "cross_entropy")(rows(model)), model.predict_proba(rows(model)), **near(model))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_a_normalized_network_trains_as_in_torch(loss, kernels, dtype):
    model = made((7, 33, 16, 5), dtype, activation=["tanh", "silu"], layer_norm=True, loss=loss, kernels=kernels)
    sequential, X = exchange.to_torch(model), rows(model, 40)
    if loss == "cross_entropy":
        y = np.random.default_rng(3).integers(0, 5, 40)
    else:
        y = np.random.default_rng(3).integers(0, 2, (40, 5)).astype(dtype)
    t_y = torch.from_numpy(y)
    errors = {
        "cross_entropy": nn.functional.cross_entropy,
        "binary_cross_entropy": lambda t, y: 5 * nn.functional.binary_cross_entropy_with_logits(t, y),
        "squared_error": lambda t, y: 5 / 2 * nn.functional.mse_loss(t, y),
        "poisson": lambda t, y: 5 * nn.functional.poisson_nll_loss(t, y),
    }
    optimizer = torch.optim.SGD(sequential.parameters(), lr=0.02)
    for first in (0, 16, 32):
        optimizer.zero_grad()
        errors[loss](sequential(torch.from_numpy(X[first : first + 16])), t_y[first : first + 16]).backward()
        optimizer.step()
    model.learning_rate = 0.02
    model.fit(X, y, epochs=1, batch_size=16, shuffle=False, verbose=0)
    trained = exchange.from_torch(sequential, loss)
    bound = 2e-6 if dtype == np.float32 else 1e-14
    for layer, other in zip(model.parameters, trained.parameters, strict=True):
        for array, wanted in zip(layer, other, strict=True):
            assert_allclose(array, wanted, rtol=0, atol=bound * max(1, abs(wanted).max()))


@pytest.mark.parametrize(
    "end, outputs, loss",
    [
        ([nn.Softmax(dim=1)], 3, "cross_entropy"),
        ([nn.LogSoftmax(dim=1)], 2, "cross_entropy"),
        ([nn.Sigmoid()], 3, "binary_cross_entropy"),
        ([], 3, "cross_entropy"),
        ([], 1, "squared_error"),
    ],
)
def test_the_end_says_the_loss(end, outputs, loss):
    sequential = nn.Sequential(nn.Linear(4, outputs), *end)
    assert exchange.from_torch(sequential).loss.name == loss
    assert exchange.from_torch(sequential, loss).loss.name == loss
    if end:
        with pytest.raises(ValueError, match=f"loss must be '{loss}' for a network that ends in layer '1'"):
            exchange.from_torch(sequential, "poisson")
    else:
        assert exchange.from_torch(sequential, "poisson").loss.name == "poisson"


def test_a_model_shares_no_memory_with_what_it_came_from():
    sequential = nn.Sequential(nn.Linear(4, 3))
    model = exchange.from_torch(sequential)
    model.parameters[0][0][...] = 0
    assert sequential[0].weight.all()
    exchange.to_torch(model)[0].weight.data += 1
    assert not model.parameters[0][0].any()


def test_what_comes_out_trains_in_torch():
    sequential = exchange.to_torch(made((4, 5, 3)))
    loss = nn.functional.cross_entropy(sequential(torch.ones(2, 4)), torch.tensor([0, 1]))
    loss.backward()
    assert all(p.requires_grad and p.grad is not None for p in sequential.parameters())
    assert list(sequential.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


@pytest.mark.parametrize("scaling", [{"input_shift": [0.5, -1, 2]}, {"input_scale": 0.1},
                                     {"input_shift": 100, "input_scale": [2, 0.25, 3]}])  # fmt: skip
def test_scaling_becomes_part_of_the_first_layer(scaling, dtype):
    model = made((3, 17, 2), dtype, **scaling)
    X = rows(model) + dtype.type(np.max(scaling.get("input_shift", 0)))
    expected = {"rtol": 2e-4, "atol": 2e-4} if dtype == np.float32 else {"rtol": 1e-11, "atol": 1e-12}
    z = ended(exchange.to_torch(model), "cross_entropy")(X)
    assert_allclose(z, model.predict_proba(X), **expected)


def test_powers_of_two_are_folded_to_the_bit(dtype):
    model = made((3, 2), dtype, input_shift=0.0, input_scale=[2, 0.25, 8])
    (W, b), (folded, same) = model.parameters[0], exchange.from_torch(exchange.to_torch(model)).parameters[0]
    assert_array_equal(folded, W * np.array([[2], [0.25], [8]]))
    assert_array_equal(same, b)


def test_a_shift_that_would_cost_digits_is_refused():
    far = {"input_shift": [0, 1e6, 0], "input_scale": 0.5}
    with pytest.raises(ValueError, match="input_shift times input_scale is 500000 in column 1, at most 839 keeps"):
        exchange.to_torch(made((3, 2), **far))
    exchange.to_torch(made((3, 2), "float64", **far))
