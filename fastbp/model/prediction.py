"""Predictions, scores and gradients of a model: its methods that read the parameters and change nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import choices, classes
from ..data.labelled import labelled, samples
from ..data.samples import Labelled
from ..data.sources import given
from ..data.sparse import SparseRows
from ..execution.plan import make_plan
from ..training import scores
from ..training.feeds import evaluate, outputs
from ..training.finite import warn_if_not_finite
from .available import ForClassifiers

if TYPE_CHECKING:
    from ..data.samples import Samples
    from ..execution.plan import Plan
    from ..execution.pool import LoadedPlans, PlanPool
    from ..inspection.diagnosis import Diagnosis
    from ..kernels.entries.optimizer import Optimizer
    from ..network import Network
    from ..training.seen import Parameters
    from ..training.use import Use


class PredictionMixin:
    """Methods of `Model` that read its parameters and change nothing. Several threads may call them at once."""

    network: Network
    dtype: np.dtype
    class_names: list[str] | None
    input_shift: Any
    input_scale: Any
    _plan: Plan
    _flat: Any  # a property of Model
    _shown: Parameters
    n_threads: int | None
    _new_plan: Callable[[], Plan]
    _pool: PlanPool
    _rounded: LoadedPlans
    _use: Use
    _optimizer: Optimizer
    kernels: str

    def evaluate(self, X: Any, y: Any = None, sample_weight: Any = None) -> dict[str, float]:
        """Return the loss and the accuracy on labelled rows.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`, arrays or a source. Of a source the last digits may differ from those of arrays, as sums are
            rounded in blocks.

        Returns
        -------
        dict
            "loss" is E, the weighted mean over the rows, without the penalties l1 and l2. "accuracy" is the share of
            rows that are predicted correctly, or of their weights; only losses with classes have it.

        Raises
        ------
        ValueError, TypeError
            For bad input. The message names the argument and what is expected.
        """
        data = given.rows(self, X, y, sample_weight)  # type: ignore[arg-type]
        scales = self.network.column_scales(self._flat)
        if isinstance(data, Labelled):
            data.samples.require_scaled(scales)
        with self._loaded_plan(data.samples if isinstance(data, Labelled) else None) as plan:
            return evaluate(plan, data, self.network.classifies, scales)

    @ForClassifiers
    def predict_proba(self, X: Any, *, precision: str | None = None) -> np.ndarray:
        """Return the probabilities of the classes, or of each yes or no.

        Only models of losses with classes have this method: for others `hasattr(model, "predict_proba")` is False.

        Parameters
        ----------
        X : array-like of shape (rows, inputs), or source
            Of a source the y is not looked at.
        precision : {"bfloat16"}, optional
            As for `predict`.

        Returns
        -------
        ndarray of shape (rows, outputs)
            For "cross_entropy" the probability of each class, softmax(t) (eq. 33): each row sums to 1. For
            "binary_cross_entropy" the probability that each output's y is 1, the logistic function of t. A model of one
            output has one column, the probability of class 1: that of class 0 is 1 minus it. `MLPClassifier` of
            `fastbp.sklearn` returns both columns.

        Raises
        ------
        AttributeError
            If the loss has no classes.
        ValueError, TypeError
            For bad input. The message names the argument and what is expected.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Model([2, 8, 1], loss="binary_cross_entropy", seed=0)
        >>> model.predict_proba([[0, 1], [1, 0], [1, 1]]).shape
        (3, 1)
        """
        return self._outputs(X, precision)

    def predict(self, X: Any, *, precision: str | None = None) -> np.ndarray:
        """Return the predicted class of each row, or its predicted numbers.

        Parameters
        ----------
        X : array-like of shape (rows, inputs), or source
            Of a source the y is not looked at. All predictions are returned in one array; where that is too large,
            predict the X of its pieces, which a source of `fastbp.data` yields.
        precision : {"bfloat16"}, optional
            What products take, by default as the model does. "bfloat16" rounds weights and rows of a float32 model. The
            rounded weights are kept from call to call as long as nobody asks for the parameters or trains.

        Returns
        -------
        ndarray of shape (rows,), or (rows, outputs) for several outputs
            int64 class numbers, the argmax of eq. 33, for "cross_entropy"; 0 or 1 for "binary_cross_entropy"; numbers
            for the other losses. Names instead of class numbers if the model has `class_names`.

        Raises
        ------
        ValueError, TypeError
            For bad input. The message names the argument and what is expected.

        Warns
        -----
        RuntimeWarning
            If outputs are not finite, as of a row that is not scaled as those of training were.
        """
        found, names = self._numbers(X, precision), classes.names_of(self.network, self.class_names)
        return found if names is None else classes.named(found, names)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy, or for losses of numbers the coefficient of determination R2, as scikit-learn does.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        float
            Weighted share of the rows that are predicted correctly; a row with several outputs of 0 or 1 is correct if
            all of them are. For numbers the mean over outputs of R2: 1 is best, 0 is what the mean of y scores. NaN
            for numbers of a single row.

        Raises
        ------
        ValueError, TypeError
            For bad input. The message names the argument and what is expected.

        Examples
        --------
        >>> import fastbp
        >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], ["no", "yes", "yes", "no"]
        >>> model = fastbp.Model([2, 16, 2], optimizer="adam", learning_rate=0.05, seed=0, class_names=["no", "yes"])
        >>> history = model.fit(X, y, epochs=100, verbose=0)
        >>> model.predict([[1, 0]]), model.score(X, y)
        (array(['yes'], dtype='<U3'), 1.0)
        """
        data = labelled(self, X, y, sample_weight)  # type: ignore[arg-type]
        if self.network.classifies:
            return scores.accuracy(data.y, self._numbers(X), data.weights)
        return scores.r2(data.y, self._outputs(X), data.weights)

    def gradients(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[float, list[tuple[np.ndarray, ...]]]:
        """Return the loss and its gradients over all rows as one batch (eqs. 47-53). Nothing is updated or dropped.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        E : float
            Weighted mean of the rows' errors, and the penalties.
        gradients : list of tuple of ndarray
            (dE/dW, dE/db) of each layer, in the shapes of `parameters`; then dE/dg and dE/dc where the layer is
            normalized, and the gradient of the slopes where its activation is PReLU. Those of `scales` and of
            `embeddings` are left out.

        Raises
        ------
        ValueError, TypeError
            For bad input. The message names the argument and what is expected.
        """
        data = labelled(self, X, y, sample_weight)  # type: ignore[arg-type]
        gradient = np.empty_like(self._flat)
        data.samples.require_scaled(self.network.column_scales(self._flat))
        with self._loaded_plan() as plan:
            E = plan.gradients(data, gradient).loss / len(data.y)
        return E, self.network.views(gradient)

    def diagnose(self, X: Any, y: Any, sample_weight: Any = None) -> Diagnosis:
        """Look at one batch and name what is wrong with training, such as vanishing gradients or dead units.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`; some hundred rows are enough.

        Returns
        -------
        fastbp.inspection.diagnosis.Diagnosis
            Norms and ratios of each layer; what is wrong and what helps.
        """
        from ..inspection.diagnosis import diagnose

        return diagnose(self, X, y, sample_weight)

    @staticmethod
    def _diagnosis(kept: dict[str, Any]) -> Diagnosis:
        """Return the diagnosis of which `dataclasses.asdict` returned this."""
        from ..inspection.diagnosis import Diagnosis, Finding, LayerReport

        layers = [LayerReport(**layer) for layer in kept["layers"]]
        return Diagnosis(kept["loss"], layers, [Finding(*finding) for finding in kept["findings"]])

    def _numbers(self, X: Any, precision: str | None = None) -> np.ndarray:
        """Return what `predict` does, classes as numbers."""
        z = self._outputs(X, precision)
        if self.network.of_classes:
            return z.argmax(axis=1)
        if self.network.classifies:
            z = (z > 0.5).astype(np.int64)
        return z[:, 0] if z.shape[1] == 1 else z

    def _outputs(self, X: Any, precision: str | None = None) -> np.ndarray:
        """Return z of each row, shape (rows, outputs)."""
        if precision is not None:
            members, embedding = self.network.n_members, self.network.embedding
            precision = choices.precision(precision, self.dtype, members, embedding is not None)
        elif type(X) is np.ndarray and (z := self._few(X)) is not None:
            return z
        precision = precision or self.network.precision
        if (source := given.source(X)) is not None:
            from ..data.sources.streamed import Streamed  # here, as most programs predict arrays

            streamed = Streamed(self, source, has_targets=False)  # type: ignore[arg-type]
            return warn_if_not_finite(outputs(streamed, lambda rows, z: self._fill(rows, z, precision)))
        rows = samples(self, X)  # type: ignore[arg-type]
        z = np.empty((rows.X.shape[0], self.network.layer_sizes[-1]), self.dtype)
        self._fill(rows, z, precision)
        return warn_if_not_finite(z)

    def _few(self, X: np.ndarray) -> np.ndarray | None:
        """Return z of a few rows that kernels can read as they are, or None."""
        if self.input_shift is not None or self.input_scale is not None:
            return None
        few = self._plan.row_predictor(self._shown.buffer)
        return None if few is None else few.outputs(X)

    def _fill(self, rows: Samples, z: np.ndarray, precision: str | None) -> None:
        """Fill z with the outputs of rows."""
        if precision:
            self._predict_rounded(rows, z, precision)
            return
        few = None if isinstance(rows.X, SparseRows) else self._plan.row_predictor(self._shown.buffer)
        if few is None or few.predict(rows, z) is None:
            rows.require_scaled(self.network.column_scales(self._flat))
            with self._loaded_plan(rows) as plan:
                plan.predict(rows, z)

    def _predict_rounded(self, rows: Samples, z: np.ndarray, precision: str) -> None:
        """Fill z by products of bfloat16, of weights that are rounded once."""
        network, mark = replace(self.network, precision=precision), self._use.mark(self._shown.mark())
        make = functools.partial(make_plan, self.kernels, network, self.dtype, self._optimizer, self.n_threads)
        rows.require_scaled(network.column_scales(self._shown.read()))
        with self._rounded.plan(mark, self.n_threads, make, self._shown.read) as plan:
            plan.predict(rows, z)

    @contextmanager
    def _loaded_plan(self, rows: Samples | None = None) -> Iterator[Plan]:
        """Yield a plan with the present parameters that no other thread uses, so that threads may share a model.

        `rows` are those of which alone outputs or scores are wanted, if so.
        """
        with self._pool.plan(self.network, self.dtype, self.n_threads, self._new_plan) as plan:
            if rows is None or not plan.load_in_place(self.network.views(self._flat), rows):
                plan.load(self._flat)
            yield plan
