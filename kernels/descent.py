"""Gradient descent without a gradient in memory, and optimizers beyond it, one plain loop each.

They are the specification of linear.py's updates and of update.py. The optimizers work on one flat vector of
parameters W, its gradient dW and as long a vector of each state.
"""

import math

from numba import prange

from ._jit import kernel


@kernel
def linear_descent(W, b, x, dt, learning_rate):
    """W <- W - alpha x^T dE/dt;  b <- b - alpha dE/dt, summed over the rows      (eqs. 24, 27, 48, 49, 52-54)

    W   in, out (I, O)
    b   in, out (O,)
    x   in      (B, I)
    dt  in      (B, O)
    learning_rate      alpha
    """
    for i in prange(x.shape[1]):
        for j in range(dt.shape[1]):
            dw = W[i, j] * 0
            for row in range(x.shape[0]):
                dw += dt[row, j] * x[row, i]
            W[i, j] -= learning_rate * dw
    for j in range(dt.shape[1]):
        db = b[j] * 0
        for row in range(dt.shape[0]):
            db += dt[row, j]
        b[j] -= learning_rate * db


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


@kernel
def adamw_update(W, m, v, dW, alpha, b1, b2, eps, decay, step):
    """W <- W - alpha decay W, then as Adam                       (Loshchilov and Hutter, 2019, algorithm 2)

    W   in, out (n,)  parameters
    m   in, out (n,)  mean of the gradient
    v   in, out (n,)  mean of its square
    dW  in      (n,)  gradient
    alpha, b1, b2, eps, decay, step   as Adam's, and the share of W that each step of size 1 takes off
    """
    rate = alpha * math.sqrt(1 - b2**step) / (1 - b1**step)
    for k in prange(W.size):
        m[k] = b1 * m[k] + (1 - b1) * dW[k]
        v[k] = b2 * v[k] + (1 - b2) * dW[k] * dW[k]
        W[k] -= alpha * decay * W[k]
        W[k] -= rate * m[k] / (math.sqrt(v[k]) + eps)


@kernel
def rmsprop_update(W, v, dW, alpha, rho, eps):
    """v <- rho v + (1 - rho) (dE/dW)^2;  W <- W - alpha dE/dW / (sqrt(v) + eps)   (Tieleman, Hinton, 2012, lecture 6.5)

    W   in, out (n,)  parameters
    v   in, out (n,)  mean of the gradient's square
    dW  in      (n,)  gradient
    alpha, rho, eps   learning rate, decay of v, what keeps the quotient finite
    """
    for k in prange(W.size):
        v[k] = rho * v[k] + (1 - rho) * dW[k] * dW[k]
        W[k] -= alpha * dW[k] / (math.sqrt(v[k]) + eps)
