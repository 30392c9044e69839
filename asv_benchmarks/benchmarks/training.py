"""Whole training steps, as a user runs them."""

import numpy as np

import fastbp


class TrainingStep:
    """Time of 16 minibatch steps: rows gathered, forward, loss, backward, update."""

    param_names = ["layers", "batch_size"]
    params = (["64-32-10", "784-128-10"], [32, 128])
    number = 1  # training goes on from call to call; every sample starts anew

    def setup(self, layers, batch_size):
        sizes = [int(size) for size in layers.split("-")]
        rng = np.random.default_rng(0)
        self.X = rng.standard_normal((16 * batch_size, sizes[0]), dtype=np.float32)
        self.y = rng.integers(0, sizes[-1], len(self.X))
        self.model = fastbp.Model(sizes, learning_rate=0.01, seed=0)
        self.time_steps(layers, batch_size)

    def time_steps(self, layers, batch_size):
        self.model.fit(self.X, self.y, epochs=1, batch_size=batch_size, verbose=0)
