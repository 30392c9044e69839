"""Optimizers beyond plain gradient descent, one plain loop each: the specification of update.py.

All work on one flat vector of parameters W, its gradient dW and as long a vector of each state.
"""

import math

from numba import prange

from ._jit import kernel


@kernel
def momentum_update(W, m, dW, alpha, mu):
    """m <- mu m - alpha dE/dW;  W <- W + m                      (Sutskever et al., 2013, eqs. 1, 2)

    W   in, out (n,)  parameters
    m   in, out (n,)  velocity
    dW  in      (n,)  gradient
    alpha, mu         learning rate and momentum
    """
    for k in prange(W.size):
        m[k] = mu * m[k] - alpha * dW[k]
        W[k] += m[k]


@kernel
def nesterov_update(W, m, dW, alpha, mu):
    """m <- mu m - alpha dE/dW;  W <- W + mu m - alpha dE/dW     (Sutskever et al., 2013, eqs. 3, 4)

    W is kept at the point ahead, where the gradient is taken.

    W   in, out (n,)  parameters
    m   in, out (n,)  velocity
    dW  in      (n,)  gradient
    alpha, mu         learning rate and momentum
    """
    for k in prange(W.size):
        m[k] = mu * m[k] - alpha * dW[k]
        W[k] += mu * m[k] - alpha * dW[k]


@kernel
def adam_update(W, m, v, dW, alpha, b1, b2, eps, step):
    """m <- b1 m + (1 - b1) dE/dW;  v <- b2 v + (1 - b2) (dE/dW)^2
    W <- W - alpha sqrt(1 - b2^step) / (1 - b1^step) m / (sqrt(v) + eps)  (Kingma, Ba, 2015, end of section 2)

    W   in, out (n,)  parameters
    m   in, out (n,)  mean of the gradient
    v   in, out (n,)  mean of its square
    dW  in      (n,)  gradient
    alpha, b1, b2, eps, step   learning rate, decay of m and of v, what keeps the quotient finite; updates from 1
    """
    rate = alpha * math.sqrt(1 - b2**step) / (1 - b1**step)
    for k in prange(W.size):
        m[k] = b1 * m[k] + (1 - b1) * dW[k]
        v[k] = b2 * v[k] + (1 - b2) * dW[k] * dW[k]
        W[k] -= rate * m[k] / (math.sqrt(v[k]) + eps)
