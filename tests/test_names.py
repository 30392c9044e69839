"""Names: those of other libraries where they mean the same, else a suggestion; case and underscores don't matter."""

import numpy as np
import pytest

import fastbp
from fastbp.data import choices
from fastbp.kernels.activations import ACTIVATIONS


def test_names_that_mean_the_same_are_taken_and_the_entrys_own_is_kept():
    for F in ACTIVATIONS.values():
        for alias in F.elsewhere.aliases:
            assert choices.activation(alias) is F
            assert fastbp.Model([2, 3, 2], [alias]).get_config()["activation"] == [F.name]
    assert {"sigmoid", "linear", "swish"} <= {alias for F in ACTIVATIONS.values() for alias in F.elsewhere.aliases}
    for name in "Adam", "SGD", "AdamW", "RMSprop", "NAdam", "Lion":
        model = fastbp.Model([2, 2], optimizer=name)
        assert type(model.optimizer).__name__ == name
        assert model.get_config()["optimizer"]["name"] == name.lower()
    for alias in "CrossEntropyLoss", "sparse_categorical_crossentropy":
        assert fastbp.Model([2, 2], loss=alias).get_config()["loss"]["name"] == "cross_entropy"
    with pytest.raises(ValueError, match=r"loss 'mse' is not known"):  # a mean, not half a sum
        fastbp.Model([2, 2], loss="mse")


@pytest.mark.parametrize(
    ("what", "given", "ours"),
    [
        ("activation", "ReLU", "relu"), ("activation", "LeakyReLU", "leaky_relu"), ("activation", "Tanh", "tanh"),
        ("activation", "Sigmoid", "logistic"), ("activation", "Leaky-ReLU", "leaky_relu"),
        ("optimizer", "Adam", "adam"), ("optimizer", "RMSProp", "rmsprop"), ("optimizer", "rms_prop", "rmsprop"),
        ("loss", "crossentropy", "cross_entropy"), ("loss", "logcosh", "log_cosh"), ("loss", "Huber", "huber"),
        ("loss", "binary_crossentropy", "binary_cross_entropy"), ("loss", "BCEWithLogitsLoss", "binary_cross_entropy"),
        ("loss", "mae", "absolute_error"), ("loss", "L1Loss", "absolute_error"), ("loss", "SmoothL1Loss", "huber"),
    ],
)  # fmt: skip
def test_names_of_other_libraries(what, given, ours):
    outputs = 2 if given == "crossentropy" or what != "loss" else 1
    model = fastbp.Model([2, 3, outputs], **{what: given})
    found = model.network.activations[0] if what == "activation" else getattr(model, what)
    assert found.name == ours


@pytest.mark.parametrize("alias", ["mae", "BCELoss", "HuberLoss"])
def test_means_over_outputs_are_taken_for_one_output_only(alias):
    kind = fastbp.Model([2, 1], loss=alias).loss
    with pytest.raises(ValueError, match=f"mean over outputs .* 3 outputs - did you mean '{kind.name}'"):
        fastbp.Model([2, 3], loss=alias)
    assert fastbp.Model([2, 3], loss=kind.name).loss == kind


def test_pytorchs_means_are_ours_for_one_output():
    torch = pytest.importorskip("torch")
    z, y = torch.tensor([[0.3], [-2.0]], dtype=torch.float64), torch.tensor([[1.0], [0.25]], dtype=torch.float64)
    for name in "BCEWithLogitsLoss", "L1Loss", "HuberLoss", "SmoothL1Loss":
        model = fastbp.Model([1, 1], loss=name, dtype="float64")
        ((W, b),) = model.parameters
        W[...], b[...] = 1, 0
        theirs = getattr(torch.nn, name)()(z, y).item()
        assert model.evaluate(z.numpy(), y.numpy())["loss"] == pytest.approx(theirs, rel=1e-12), name


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"loss": "mse"}, "did you mean 'squared_error', which is half the square"),
        ({"loss": "MSELoss"}, "did you mean 'squared_error', which is half the square"),
        ({"loss": "categorical_crossentropy"}, r"did you mean 'cross_entropy', which takes class numbers"),
        ({"loss": "hubber"}, "did you mean 'huber'"),
        ({"activation": "softmax"}, "did you mean the loss 'cross_entropy'"),
        ({"activation": ["sigmod"]}, r"activation\[0\] 'sigmod' is not known - did you mean 'sigmoid'"),
        ({"activation": "relu6"}, "did you mean 'relu'"),
        ({"activation": "gelu_new"}, "did you mean 'gelu', which is exact"),
        ({"optimizer": "adamx"}, "did you mean 'adam'"),
        ({"optimizer": "momentum"}, r"did you mean fastbp\.optimizers\.SGD\(momentum"),
        ({"initializer": "he"}, "did you mean 'he_normal'"),
        ({"initializer": "xavier_norm"}, "did you mean 'xavier_normal'"),
        ({"kernels": "fats"}, "did you mean 'fast'"),
    ],
)
def test_names_that_are_nearly_right_are_suggested(settings, hint):
    with pytest.raises(ValueError, match=hint):
        fastbp.Model([2, 3, 2], **settings)
    with pytest.raises(ValueError, match="is not known; known are"):
        fastbp.Model([2, 3, 2], **dict.fromkeys(settings, "qqqqq"))


def test_initializers_of_pytorch():
    for theirs, ours in {"xavier_uniform": "glorot_uniform", "kaiming_normal_": "he_normal"}.items():
        model = fastbp.Model([5, 4], initializer=theirs, seed=0)
        assert model.initializer == model.get_config()["initializer"] == ours
        expected = fastbp.Model([5, 4], initializer=ours, seed=0).parameters[0][0]
        np.testing.assert_array_equal(model.parameters[0][0], expected)


def test_a_monitor_that_is_nearly_right_is_suggested():
    with pytest.raises(ValueError, match="monitor 'val_acc': .* - did you mean 'val_accuracy'"):
        fastbp.callbacks.EarlyStopping("val_acc")
    stop = fastbp.callbacks.EarlyStopping("val_acc", mode="max")
    with pytest.raises(ValueError, match="got 'val_acc' - did you mean 'val_accuracy'"):
        fastbp.Model([2, 2]).fit(np.eye(2), [0, 1], validation_data=(np.eye(2), [0, 1]), callbacks=stop, verbose=0)
