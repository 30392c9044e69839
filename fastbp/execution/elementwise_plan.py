"""The plan that computes with plain loops, the equations as printed: slow, and readable throughout."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..data.embedded import EmbeddedInputs
from ..data.inputs import DenseInputs, Inputs, RoundedInputs, fetched
from ..data.member_inputs import MemberInputs, SharedInputs, for_each, input_backward, layers_of, merge, rows_of
from ..data.samples import CONSTANT, NO_SUMS, DivergenceError, Labelled, Rates, Samples, Sums
from ..kernels.fast.shuffle import random_word
from ..kernels.machine import points
from ..kernels.program.state import lanes_of, padded
from ..kernels.specification import normalization, paper, pointwise, products, regularization, scaling
from ..network import Network
from . import plain_loops
from .programs import Intake

PARALLEL_FLOP = 2_000_000  # least work of a launch on several threads
BLOCK_ROWS = 1024  # rows computed at once outside training


class ElementwisePlan:
    """A plan as `plan.Plan` describes it. Layers count from 0; x[l] goes into layer l, h[l] comes out."""

    network: Network
    dtype: np.dtype
    optimizer: Any
    n_threads: int | None
    parameters: np.ndarray
    flat: np.ndarray
    slots: dict[str, np.ndarray]
    steps: int
    watch: bool
    draws: bool

    def __init__(self, network: Network, dtype: np.dtype, optimizer: Any, n_threads: int | None) -> None:
        self.network, self.dtype, self.optimizer, self.n_threads = network, dtype, optimizer, n_threads
        self.parameters = self.flat = np.empty(network.n_parameters, dtype)
        self.slots = {name: np.zeros_like(self.flat) for name in optimizer.rule.slots}
        self.steps = self.key = 0
        self.watch, self.draws, self._dropping = False, any(network.dropouts), 1.0
        self._step, self._dense = plain_loops.PlainStep(), RoundedInputs if network.precision else DenseInputs

    def load_in_place(self, layers: list[tuple[np.ndarray, ...]], samples: Samples) -> bool:
        """Return False: all parameters are copied."""
        return False

    def load(self, flat: np.ndarray) -> None:
        """Take a copy of the parameters."""
        self.flat[...] = flat

    def store(self, flat: np.ndarray) -> None:
        """Write the parameters back."""
        flat[...] = self.flat

    def get_slots(self) -> dict[str, np.ndarray]:
        """Return copies of the optimizer's state."""
        return {name: state.copy() for name, state in self.slots.items()}

    def set_slots(self, slots: dict[str, np.ndarray]) -> None:
        """Set the optimizer's state."""
        for name, state in slots.items():
            self.slots[name][...] = self.network.vector(name, state, self.dtype)

    def snapshot(self, over: Any = None) -> Any:
        """Return a copy of the step count and the optimizer's state, in the memory of another one if given."""
        old = {} if over is None else over[1]
        for name, state in self.slots.items():
            if name in old:
                np.copyto(old[name], state)
            else:
                old[name] = state.copy()
        return self.steps, {name: old[name] for name in self.slots}

    def restore(self, snapshot: Any) -> None:
        """Restore a `snapshot`."""
        self.steps, self.slots = snapshot

    def train_epoch(
        self, data: Labelled, order: np.ndarray, batch_size: int, rates: Rates = CONSTANT,
        sums: Sums = NO_SUMS,
    ) -> Iterator[Sums]:  # fmt: skip
        """Train one epoch, or the rest of one; yield the sums so far after each minibatch."""
        self._allocate(min(batch_size, len(order)))
        gradient, so_far = np.empty_like(self.flat), sums
        for start in range(sums.rows, len(order), batch_size):
            picked = order[start : start + batch_size]
            rate, self._dropping, decaying = rates.now(start // batch_size, self.optimizer.learning_rate)
            self._forward(data.samples, picked, dropping=True)
            step = self._descend(data.picked(picked), gradient, dropping=True)
            if self.watch and not np.isfinite(step.error):
                raise DivergenceError(self.steps + 1)
            limits = self.dtype.type(self.network.clip_value), self.dtype.type(self.network.clip_norm)
            if np.isfinite(min(limits)):
                self._run(regularization.limit, gradient.size, gradient, *limits)
            self.steps += 1
            self._step.take(self, gradient, rate, decaying)
            so_far = so_far.plus(step)
            yield so_far

    def evaluate(self, data: Labelled) -> tuple[float, float]:
        """Return the weighted mean of the errors, and the accuracy, computed block by block."""
        error, correct, total = 0.0, 0.0, 0.0
        for block, t in self._merged_blocks(data.samples):
            picked = data.picked(block)
            weight = picked.total()
            error, total = error + self._loss(picked) * weight, total + weight
            correct += self._correct(t, picked)
        return error / total, correct / total

    def predict(self, samples: Samples, z: np.ndarray) -> None:
        """Fill z with the outputs, block by block."""
        for block, t in self._merged_blocks(samples):
            self._run(plain_loops.OUTPUTS[self.network.loss.link], 5 * t.size, z[block], t)

    def row_predictor(self, buffer: np.ndarray) -> None:
        """Return None: `predict` is used for few rows, too."""

    def gradients(self, data: Labelled, gradient: np.ndarray) -> Sums:
        """Fill `gradient` over all rows as one block."""
        for _ in self._blocks(data.samples, len(data.y)):
            pass
        return self._descend(data, gradient)

    def _allocate(self, rows: int) -> None:
        rows, sizes = rows_of(self.network, rows, self.dtype), self.network.layer_sizes[1:]
        self.h, self.dt = ([np.empty((rows, outputs), self.dtype) for outputs in sizes] for _ in range(2))
        self.t: dict[int, np.ndarray] = {}  # or h, where that is changed before F'(t) is read off it
        self.u, self.r = dict[int, np.ndarray](), dict[int, np.ndarray]()
        self.e, self.c = np.empty(rows, self.dtype), np.empty(rows, np.int64)

    def _blocks(self, samples: Samples, rows: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield the slice of each block of rows, and its logits."""
        n = len(samples.X)
        self._allocate(min(rows, n))
        for start in range(0, n, rows):
            block = slice(start, min(start + rows, n))
            yield block, self._forward(samples, np.arange(start, block.stop))

    def _merged_blocks(self, samples: Samples) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield blocks of some rows; with members their logits are those of the mean of the outputs."""
        for block, t in self._blocks(samples, BLOCK_ROWS):
            if self.network.n_members > 1:
                t = merge(self._run, self._outputs, t, self.network.loss.link, self.network.n_members)
                self.h[-1][: len(t)] = t
            yield block, self.h[-1][: min(block.stop, len(samples.X)) - block.start]

    def _forward(self, samples: Samples, picked: np.ndarray, dropping: bool = False) -> np.ndarray:
        """Return the logits of some rows (eqs. 42-44)."""
        rows, as_entries = rows_of(self.network, len(picked), self.dtype), Intake(samples, self.network).sparse
        members, scales = self.network.n_members, self.network.scales(self.flat)
        self.x: list[Inputs] = [fetched(samples, picked, self.dtype, as_entries, self._dense)]
        if isinstance(self.x[0], DenseInputs) and self.network.embedding is not None:
            parameters: Any = self.network.embeddings(self.flat)
            self.x[0] = EmbeddedInputs(self._run, self.x[0].rows, self.network.stack.embedding, parameters)
        if isinstance(self.x[0], DenseInputs) and self.network.scaling_layer:  # others are never scaled
            if members == 1:
                self.x[0].scale(self._run, scales)
            else:
                self.x[0] = MemberInputs(self._run, self.x[0].rows, scales, rows // members)
        layers = zip(layers_of(self.network, self.flat), self.network.activations, strict=False)
        for layer, ((W, b, *more), F) in enumerate(layers):
            norm = more[:2] if self.network.layer_norms[layer] else []
            h = self.h[layer][:rows]
            fused = F.name == "relu" and not norm and not F.is_own and self.x[layer].rectifies
            self.x[layer].linear(self._run, h, W, b, fused)
            if norm:
                self.u[layer], self.r[layer] = np.empty_like(h), np.empty(rows, self.dtype)
                self._run(normalization.layer_norm, 7 * h.size, h, self.u[layer], self.r[layer], h, *norm)
            if not F.of_h:
                self.t[layer] = h.copy()
            if F.name != "identity" and not fused:
                self._run(plain_loops.of_activation(F)[0], 5 * h.size, h, h, *self._slope(layer, self.flat))
            if dropping:
                if F.of_h:
                    self.t[layer] = h.copy()  # F'(t) is read off h as it is now
                self._drop(layer, h)
            self.x.append(self._dense(h) if members == 1 else SharedInputs(h))
        return self.h[-1][:rows]

    def _drop(self, layer: int, h: np.ndarray) -> None:
        """Drop what the fast kernels drop: they count the columns that fill up a vector, too."""
        if share := self.network.dropouts[layer] * self._dropping:
            columns = padded(h.shape[1], lanes_of(self.dtype))
            with np.errstate(over="ignore"):  # of 64 bits
                n, first = len(self.network.sizes), self.network.embedding is not None
                word = inspect.unwrap(random_word)(self.key, self.steps * n + layer + first)
            key = int(word & np.uint64(0xFFFFFFFF))
            self._run(regularization.dropout, 10 * h.size, h, self.dtype.type(share), columns, key)

    def _loss(self, data: Labelled) -> float:
        """Return E, and leave dE/dt of the last layer (eqs. 45-47)."""
        y, rows, weight = data.y, len(data.y), data.total()
        t, dt, e = self.h[-1][:rows], self.dt[-1][:rows], self.e[:rows]
        loss = self.network.loss
        if not loss.of_classes:
            self._run(plain_loops.of_loss(loss), 8 * t.size, dt, e, t, y, *map(self.dtype.type, loss.numbers))
        elif loss.label_smoothing:
            self._run(products.smoothed_cross_entropy, 8 * t.size, dt, e, t, y, self.dtype.type(loss.label_smoothing))
        else:
            self._run(paper.softmax_cross_entropy, 8 * t.size, dt, e, t, y)
        if data.weights is not None:
            self._run(
                regularization.weigh, 2 * t.size, dt, e, data.weights, self.dtype.type(rows / weight if weight else 0)
            )
        return float(e.sum(dtype=np.float64) / weight) if weight else 0.0

    def _correct(self, t: np.ndarray, data: Labelled) -> float:
        """Return the sum of the weights of the rows that are predicted correctly."""
        if self.network.of_classes:
            self._run(paper.predicted_class, t.size, self.c[: len(t)], t)
            right = self.c[: len(t)] == data.y
        else:
            right = ((self._outputs(t) > 0.5) == (data.y > 0.5)).all(axis=1)
        return float(np.count_nonzero(right) if data.weights is None else (right * data.weights).sum(dtype=np.float64))

    def _outputs(self, t: np.ndarray) -> np.ndarray:
        z = np.empty_like(t)
        self._run(plain_loops.OUTPUTS[self.network.loss.link], 5 * t.size, z, t)
        return z

    def _descend(self, data: Labelled, gradient: np.ndarray, dropping: bool = False) -> Sums:
        """Return E of the rows that were last carried forward, and fill `gradient` (eqs. 45-53)."""
        rows, weight, members = len(data.y), data.total(), self.network.n_members
        each = for_each(data, self.network, self.dtype)
        taken, penalty = len(each.y), 0.0
        E, correct = self._loss(each), self._correct(self.h[-1][:taken], each) / members
        decay = self.network.l2 + (self.network.l2_per_weight / weight if weight else 0.0)
        layers, gradients = (layers_of(self.network, flat) for flat in (self.flat, gradient))
        for layer in reversed(range(len(layers))):
            (W, _, *more), (dW, db, *dmore) = layers[layer], gradients[layer]
            dt, first = self.dt[layer][:taken], self.x[layer]
            if self.network.layer_norms[layer]:
                self._normalize_backward(layer, dt, more[0], dmore[:2])
            self.x[layer].backward(self._run, dW, db, dt)
            s, ds = self.network.scales(self.flat), self.network.scales(gradient)
            if isinstance(first, MemberInputs):
                first.scales_backward(self._run, ds, dt, W)
            elif layer == 0 and self.network.scaling_layer:
                self._run(scaling.scale_backward, 2 * W.size, ds, s, W, dW)
            if layer == 0 and isinstance(self.x[0], EmbeddedInputs):
                embedded: Any = self.network.embeddings(gradient)
                self.x[0].embed_backward(dt, W, self.network.scales(self.flat), embedded)
            if decay or self.network.l1:
                strengths = self.dtype.type(decay), self.dtype.type(self.network.l1)
                for V, dV in zip(W, dW, strict=True) if isinstance(W, list) else [(W, dW)]:
                    penalty += self._run(regularization.penalize, 4 * V.size, dV.ravel(), V.ravel(), *strengths)
            if layer > 0:  # eq. 53 is the end: dE/dx is not needed
                below = self.dt[layer - 1][:taken]
                F = self.network.activations[layer - 1]
                h = self.h[layer - 1][:taken] if F.of_h and not dropping else self.t[layer - 1]
                self._backward_input(layer - 1, below, dt, W, h, dropping, gradient)
        return Sums(rows, E * rows, penalty * rows, E * weight, 0.0 if data.weights is None else weight, correct)

    def _normalize_backward(self, layer: int, dn: np.ndarray, g: np.ndarray, gradients: list[np.ndarray]) -> None:
        """Fill dE/dg and dE/dc, the gradients, and make dE/dt of dE/dn in its place."""
        u, du, work = self.u[layer], np.empty_like(dn), 7 * dn.size
        self._run(normalization.layer_norm_backward_params, work, du, *gradients, dn, u, g)
        self._run(normalization.layer_norm_backward_input, work, dn, du, u, self.r[layer])

    def _backward_input(
        self, l: int, below: np.ndarray, dt: np.ndarray, W: Any, h: np.ndarray, dropping: bool,
        gradient: np.ndarray,
    ) -> None:  # fmt: skip
        """Fill dE/dt of layer l, from dE/dt of the one above it and that one's W (eqs. 17, 32)."""
        F = self.network.activations[l]
        if F.name == "relu" and not F.is_own and not isinstance(W, list) and not self.network.precision:
            self._run(paper.linear_relu_backward_input, 2 * len(dt) * W.size, below, dt, W, h)
            if dropping:
                self._drop(l, below)
            return
        input_backward(self._run, below, dt, W, self._dense)
        if dropping:
            self._drop(l, below)
        slope = self._slope(l, self.flat)
        if slope:
            loop = pointwise.PARAMETER_LOOPS[F.name]
            self._run(loop, 2 * h.size, *self._slope(l, gradient), below, h[: len(below)], *slope)
        if F.name != "identity":
            d = np.empty_like(below)
            self._run(plain_loops.of_activation(F)[1], 2 * h.size, d, h[: len(below)], *slope)
            self._run(products.hadamard, h.size, below, below, d)

    def _slope(self, layer: int, flat: np.ndarray) -> list[np.ndarray]:
        """Return the parameter of a layer's activation, or its gradient, in a list; an empty one where it has none."""
        return list(self.network.views(flat)[layer][-1:]) if self.network.activations[layer].parameter else []

    def _run(self, kernel: Any, flop: int, *args: Any) -> Any:
        try:
            return plain_loops.launch(kernel, *args, n_threads=1 if flop < PARALLEL_FLOP else self.n_threads)
        except Exception as error:
            if own := {entry for entry in (*self.network.activations, self.network.loss) if entry.is_own}:
                raise points.refusal(error, *own) from None
            raise
