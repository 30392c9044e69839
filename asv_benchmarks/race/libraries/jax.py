"""JAX: a whole epoch as one jitted scan over minibatches."""

from importlib import import_module

import numpy as np

from . import Case, Data

GATHERED_AT_ONCE = 16e6  # bytes of X, up to which it is faster to shuffle the whole epoch ahead of the scan


class Entrant:
    def __init__(self, case: Case, data: Data) -> None:
        jax = import_module("jax")
        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", case.dtype == "float64")
        self.jax, self.case = jax, case
        self.X, self.y = jax.numpy.asarray(data.X), jax.numpy.asarray(data.y.astype(np.int32))
        self.random = np.random.default_rng(0)  # jax.random would take longer than a small epoch
        parameters = [(jax.numpy.asarray(W), jax.numpy.zeros(W.shape[1], W.dtype)) for W in data.weights]
        slots = {"sgd": 0, "adam": 2}[case.optimizer]
        state = [jax.tree.map(jax.numpy.zeros_like, parameters) for _ in range(slots)]
        self.state = (parameters, state, jax.numpy.zeros((), case.dtype))
        self.train = jax.jit(self.scan, donate_argnums=0)
        self.probabilities = jax.jit(lambda parameters, X: jax.nn.softmax(self.forward(parameters, X)))

    def forward(self, parameters, h):
        for W, b in parameters[:-1]:
            h = self.jax.nn.relu(h @ W + b)
        W, b = parameters[-1]
        return h @ W + b

    def loss(self, parameters, X, y):
        log_z = self.jax.nn.log_softmax(self.forward(parameters, X))
        return -self.jax.numpy.take_along_axis(log_z, y[:, None], axis=1).mean()

    def update(self, state, gradient):
        tree, rate = self.jax.tree.map, self.case.learning_rate
        parameters, slots, t = state
        if self.case.optimizer == "sgd":
            return tree(lambda p, g: p - rate * g, parameters, gradient), slots, t
        t = t + 1
        m = tree(lambda m, g: 0.9 * m + 0.1 * g, slots[0], gradient)
        v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, slots[1], gradient)
        m_share, v_share = 1 - 0.9**t, 1 - 0.999**t

        def moved(p, m, v):
            return p - rate * (m / m_share) / (self.jax.numpy.sqrt(v / v_share) + 1e-8)

        return tree(moved, parameters, m, v), [m, v], t

    def scan(self, state, X, y, order):
        at_once = X.nbytes <= GATHERED_AT_ONCE
        order = order.reshape(-1, self.case.batch)

        def step(state, batch):
            rows = batch if at_once else (X[batch], y[batch])
            return self.update(state, self.jax.grad(self.loss)(state[0], *rows)), None

        return self.jax.lax.scan(step, state, (X[order], y[order]) if at_once else order)[0]

    def epoch(self):
        order = self.random.permutation(len(self.X)).astype(np.int32)
        self.state = self.jax.block_until_ready(self.train(self.state, self.X, self.y, order))

    def predict(self):
        return self.probabilities(self.state[0], self.X).block_until_ready()
