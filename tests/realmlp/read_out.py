"""Reads a training of RealMLP-TD-S or TD out of pytabkit: python read_out.py numbers, classes, numbers_td, classes_td.

Writes numbers.npz or the like beside this file, which test_tabular_path.py follows. The tables are drawn by a seed. It
needs pytabkit 1.7.3, torch and pandas. TD drops what fastbp drops with the key 0, and all its epochs are trained, so
that dropout and decay fall to 0.
"""

import sys
from pathlib import Path

import numpy as np
import pandas
import pytabkit
import torch
from pytabkit.models.data import data
from pytabkit.models.nn_models.nn import DropoutLayer
from pytabkit.models.training.lightning_modules import TabNNModule
from pytabkit.models.training.nn_creator import NNCreator

ROWS, HIDDEN, EPOCHS = 650, [32, 32, 32], 8  # of 256 epochs, which the schedule spans; of TD these are all
of_classes, of_td = sys.argv[1].startswith("classes"), sys.argv[1].endswith("td")
found = {"orders": [], "outputs": []}
permutations, loaders = data.batch_randperm, NNCreator.create_dataloaders
start, validated = TabNNModule.on_fit_start, TabNNModule.on_validation_epoch_end


def record_order(*arguments, **keywords):
    orders = permutations(*arguments, **keywords)
    found["orders"].append(orders[0].numpy().astype(np.int16))
    return orders


def record_inputs(self, rows):
    if not of_td:  # whose inputs are made with the trained parameters
        found["inputs"] = self.static_model(rows).tensors["x_cont"].numpy()
    found["train"], found["held"] = (part[0].numpy().astype(np.int16) for part in (self.train_idxs, self.val_idxs))
    return loaders(self, rows)


def record_parameters(self):
    """Embeddings of numbers and categories, scales, then W, b and the activation's a of each layer, as far as there."""
    start(self)
    calls.clear()
    trained = [p.detach().numpy()[0].copy() for p in self.model.parameters() if p.requires_grad]
    found.update({f"parameters_{i}": array for i, array in enumerate(trained)})


def record_outputs(self):
    found["outputs"].append(torch.cat(self.val_preds, dim=-2)[0].numpy().copy())
    validated(self)
    found["best_epoch"] = next(iter(self.best_val_epochs.values()))[0][0]
    self.trainer.should_stop = len(found["outputs"]) == EPOCHS


data.batch_randperm, NNCreator.create_dataloaders = record_order, record_inputs
TabNNModule.on_fit_start, TabNNModule.on_validation_epoch_end = record_parameters, record_outputs


def drop(self, x):
    """Drop what the kernels of fastbp do: a counter of rows and columns, scrambled with the step's and layer's key."""
    share = self.hyper_getter()
    if not self.training:
        return x
    step, layer = divmod(len(calls), 3)
    calls.append(share)
    z = (step * 6 + layer + 2) * 0x9E3779B97F4A7C15 % 2**64  # of five layers, the first of which embeds
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    key = np.uint64((z ^ z >> 31) & 0xFFFFFFFF)
    word = np.arange(x.shape[-2] * x.shape[-1], dtype=np.uint64).reshape(x.shape[-2:]) ^ key
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        word = (word ^ word >> np.uint64(shift)) * np.uint64(factor) & np.uint64(0xFFFFFFFF)
    dropped = (word ^ word >> np.uint64(16)) >> np.uint64(8) < int(share * 2**24)
    return x * torch.from_numpy(np.where(dropped, 0, 1 / (1 - share)).astype(np.float32))


calls, DropoutLayer.forward_cont = [], drop


def table(of_classes):
    """Skewed numbers, whole numbers, a number that is mostly 0, a constant; words of 2, 3, 7 and 1 levels; y."""
    random = np.random.default_rng(1)
    normal, noise = random.standard_normal((3, ROWS)), random.standard_normal(ROWS)
    whole, rare = random.integers(0, 10, ROWS), np.where(random.random(ROWS) < 0.1, 5.0, 0.0)
    numbers = np.column_stack([100 + 20 * normal[0], np.exp(2 * normal[1]), normal[2], whole, rare, np.full(ROWS, 7.0)])
    levels = [["yes", "no"], ["red", "green", "blue"], list("abcdefg"), ["same"]]
    levels += [list("ABCDEFGHIJKL")] * of_td
    words = np.column_stack([random.choice(names, ROWS) for names in levels])
    t = normal[0] * normal[1] + np.sin(2 * normal[2]) + (words[:, 0] == "yes") * whole / 4 + (words[:, 2] > "d") + noise
    y = np.array(["low", "middle", "high"])[np.digitize(t, [0.5, 2.0])] if of_classes else 50 + 10 * t
    return numbers.round(3), words, y if of_classes else y.round(2)


numbers, words, y = table(of_classes)
parts = {"n": numbers, "w": words}
X = pandas.concat([pandas.DataFrame(part).add_prefix(name) for name, part in parts.items()], axis=1)
kind = getattr(pytabkit, f"RealMLP_TD_{'' if of_td else 'S_'}{'Classifier' if of_classes else 'Regressor'}")
more = {"n_epochs": EPOCHS} if of_td else {}
kind(random_state=0, device="cpu", n_threads=1, hidden_sizes=HIDDEN, **more).fit(X, y)
if not of_td:
    found["inputs"] = found["inputs"][found["held"]]
found |= {"numbers": numbers, "words": words, "y": y}
np.savez_compressed(Path(__file__).parent / sys.argv[1], **found)
