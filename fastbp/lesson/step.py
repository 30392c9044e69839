"""One training step on the paper's example (eqs. 42-54), to be stepped through in a debugger.

    NUMBA_DISABLE_JIT=1 python -m pdb -m fastbp.lesson.step

README.md in this folder shows such a session.
"""

from __future__ import annotations

from ..model.model import Model

X: list[list[float]] = [[1 / 2, -1]]
y: list[int] = [1]  # one row, whose class is the second of two


def example(kernels: str = "elementwise") -> Model:
    """Return the network 2-3-2 with the parameters that tests/test_equations.py works out by hand."""
    model = Model([2, 3, 2], learning_rate=1 / 4, dtype="float64", kernels=kernels)
    (W_1, b_1), (W_2, b_2) = model.parameters
    W_1[...] = [[2, -1, 4], [1, 1 / 2, -1 / 2]]
    b_1[...] = [1 / 4, 3 / 4, -1 / 2]
    W_2[...] = [[4, -2], [3, 5], [1 / 2, 3 / 4]]
    b_2[...] = [-1 / 2, 1 / 2]
    return model


def main() -> None:
    """Take one step and print E and the new parameters."""
    model = example()
    history = model.fit(X, y, epochs=1, batch_size=1, verbose=0)
    print(f"E = {history.loss[0]:.6f}")
    for number, (W, b) in enumerate(model.parameters, 1):
        print(f"W_{number} = {W.tolist()}")
        print(f"b_{number} = {b.tolist()}")


if __name__ == "__main__":
    main()
