"""Reads a training of RealMLP-TD-S out of pytabkit: python read_out.py numbers, and python read_out.py classes.

Writes numbers.npz or classes.npz beside this file, which test_tabular_path.py follows. The tables are drawn by a seed.
It needs pytabkit 1.7.3, torch and pandas.
"""

import sys
from pathlib import Path

import numpy as np
import pandas
import pytabkit
import torch
from pytabkit.models.data import data
from pytabkit.models.training.lightning_modules import TabNNModule
from pytabkit.models.training.nn_creator import NNCreator

ROWS, HIDDEN, EPOCHS = 650, [32, 32, 32], 8  # of 256 epochs, which the schedule spans
found = {"orders": [], "outputs": []}
permutations, loaders = data.batch_randperm, NNCreator.create_dataloaders
start, validated = TabNNModule.on_fit_start, TabNNModule.on_validation_epoch_end


def record_order(*arguments, **keywords):
    orders = permutations(*arguments, **keywords)
    found["orders"].append(orders[0].numpy().astype(np.int16))
    return orders


def record_inputs(self, rows):
    found["inputs"] = self.static_model(rows).tensors["x_cont"].numpy()
    found["train"], found["held"] = (part[0].numpy().astype(np.int16) for part in (self.train_idxs, self.val_idxs))
    return loaders(self, rows)


def record_parameters(self):
    """Scales, then W and b of each layer."""
    start(self)
    trained = [p.detach().numpy()[0].copy() for p in self.model.parameters() if p.requires_grad]
    found.update({f"parameters_{i}": array for i, array in enumerate(trained)})


def record_outputs(self):
    found["outputs"].append(torch.cat(self.val_preds, dim=-2)[0].numpy().copy())
    validated(self)
    found["best_epoch"] = next(iter(self.best_val_epochs.values()))[0][0]
    self.trainer.should_stop = len(found["outputs"]) == EPOCHS


data.batch_randperm, NNCreator.create_dataloaders = record_order, record_inputs
TabNNModule.on_fit_start, TabNNModule.on_validation_epoch_end = record_parameters, record_outputs


def table(of_classes):
    """Skewed numbers, whole numbers, a number that is mostly 0, a constant; words of 2, 3, 7 and 1 levels; y."""
    random = np.random.default_rng(1)
    normal, noise = random.standard_normal((3, ROWS)), random.standard_normal(ROWS)
    whole, rare = random.integers(0, 10, ROWS), np.where(random.random(ROWS) < 0.1, 5.0, 0.0)
    numbers = np.column_stack([100 + 20 * normal[0], np.exp(2 * normal[1]), normal[2], whole, rare, np.full(ROWS, 7.0)])
    levels = [["yes", "no"], ["red", "green", "blue"], list("abcdefg"), ["same"]]
    words = np.column_stack([random.choice(names, ROWS) for names in levels])
    t = normal[0] * normal[1] + np.sin(2 * normal[2]) + (words[:, 0] == "yes") * whole / 4 + (words[:, 2] > "d") + noise
    y = np.array(["low", "middle", "high"])[np.digitize(t, [0.5, 2.0])] if of_classes else 50 + 10 * t
    return numbers.round(3), words, y if of_classes else y.round(2)


of_classes = sys.argv[1] == "classes"
numbers, words, y = table(of_classes)
parts = {"n": numbers, "w": words}
X = pandas.concat([pandas.DataFrame(part).add_prefix(name) for name, part in parts.items()], axis=1)
kind = pytabkit.RealMLP_TD_S_Classifier if of_classes else pytabkit.RealMLP_TD_S_Regressor
kind(random_state=0, device="cpu", n_threads=1, hidden_sizes=HIDDEN).fit(X, y)
found["inputs"] = found["inputs"][found["held"]]
found |= {"numbers": numbers, "words": words, "y": y}
np.savez_compressed(Path(__file__).parent / sys.argv[1], **found)
