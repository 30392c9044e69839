"""The paper's equations, misprints put right, one plain loop each: what fast kernels are tested against.

Row vectors throughout. Sizes: batch B, inputs I, outputs O. Letters as in the paper: x inputs, W weights, b biases,
t linear stage, h activations, z probabilities, y true classes, E error; `d` prefixes the gradient of E, so that
dW is dE/dW. Arguments stand in the order outputs, inputs, scalars. Outputs are overwritten, whatever they held.
Arrays are C-contiguous and of one dtype, float32 or float64; y holds int64 class numbers, 0 <= y < O. Nothing is
checked here, except that an index outside an array raises IndexError under ``NUMBA_BOUNDSCHECK=1``.

1/B enters in `softmax_cross_entropy` alone: E is the mean over the batch, and every later gradient is a sum.
"""

import math

from numba import prange

from ..compiler.jit import jit, plain_loop

# ---- the rows of a minibatch ---------------------------------------------------------------------------------------


@plain_loop
def gather(x, X, order, shift, scale):
    """x_k = (X[order_k] - shift) (.) scale: the rows of a minibatch, scaled

    x      out (B, I)
    X      in  (B, I)  the rows to take
    order  in  (B,)    row numbers
    shift  in  (I,)    a number for each column
    scale  in  (I,)
    """
    for row in prange(order.size):
        for i in range(X.shape[1]):
            x[row, i] = (X[order[row], i] - shift[i]) * scale[i]


# ---- the linear stage: t = x W + b ---------------------------------------------------------------------------------


@plain_loop
def linear(t, x, W, b):
    """t_j = sum_i x_i w_ij + b_j                                              (eqs. 7, 42, 44)

    t  out (B, O)  linear stage
    x  in  (B, I)  one row a sample
    W  in  (I, O)
    b  in  (O,)

    Backward: linear_backward_params, linear_backward_input.
    """
    for row in prange(x.shape[0]):
        for j in range(W.shape[1]):
            t[row, j] = b[j]
        for i in range(W.shape[0]):
            for j in range(W.shape[1]):
                t[row, j] += x[row, i] * W[i, j]


@plain_loop
def linear_backward_params(dW, db, x, dt):
    """dE/dw_ij = dE/dt_j x_i, so dE/dW = x^T dE/dt;  dE/db_j = dE/dt_j         (eqs. 18-27, 48, 49, 52, 53)

    Over a batch both are sums over its rows.

    dW  out (I, O)
    db  out (O,)
    x   in  (B, I)
    dt  in  (B, O)
    """
    for i in prange(x.shape[1]):
        for j in range(dt.shape[1]):
            dW[i, j] = 0
        for row in range(x.shape[0]):
            for j in range(dt.shape[1]):
                dW[i, j] += dt[row, j] * x[row, i]  # (eq. 24)
    for j in range(dt.shape[1]):
        db[j] = 0
    for row in range(dt.shape[0]):
        for j in range(dt.shape[1]):
            db[j] += dt[row, j]


@plain_loop
def linear_backward_input(dx, dt, W):
    """dE/dx_i = sum_j dE/dt_j dt_j/dx_i, where dt_j/dx_i = w_ij; dE/dx = dE/dt W^T   (eqs. 28-32, 50)

    dx  out (B, I)
    dt  in  (B, O)
    W   in  (I, O)
    """
    for row in prange(dt.shape[0]):
        for i in range(W.shape[0]):
            dx[row, i] = 0
            for j in range(W.shape[1]):
                dx[row, i] += dt[row, j] * W[i, j]


# ---- the activation stage: h = F(t) --------------------------------------------------------------------------------


@jit
def relu_element(t):
    """F(t) = max(0, t) of one element                                         (eq. 40)

    A negative t leaves -0.0 and any other a clear sign, so that h alone tells F'(t). NaN stays NaN.
    """
    return -0.0 if t < 0 else t + 0.0


@jit
def relu_derivative_element(h):
    """F'(t) = 1 for t >= 0, else 0, read off the sign of h = F(t); F'(0) = 1   (eq. 41)"""
    return 0 if math.copysign(1, h) < 0 else 1


@plain_loop
def relu(h, t):
    """h_j = F(t_j)                                                            (eqs. 8, 40, 43)

    h  out (B, O)
    t  in  (B, O)

    Backward: relu_backward.
    """
    for row in prange(t.shape[0]):
        for j in range(t.shape[1]):
            h[row, j] = relu_element(t[row, j])


@plain_loop
def relu_derivative(d, h):
    """F'(t_j) = 1 for t_j >= 0, else 0                                         (eq. 41)

    d  out (B, O)
    h  in  (B, O)  as `relu` left it: -0.0 where t was negative
    """
    for row in prange(h.shape[0]):
        for j in range(h.shape[1]):
            d[row, j] = relu_derivative_element(h[row, j])


@plain_loop
def relu_backward(dt, dh, h):
    """dE/dt_j = dE/dh_j dh_j/dt_j = dE/dh_j F'(t_j), so dE/dt = dE/dh (.) F'(t)   (eqs. 10-17, 41, 51)

    dt  out (B, O)
    dh  in  (B, O)
    h   in  (B, O)  as `relu` or `linear_relu` left it
    """
    for row in prange(dh.shape[0]):
        for j in range(dh.shape[1]):
            dt[row, j] = dh[row, j] * relu_derivative_element(h[row, j])


# ---- both stages at once -------------------------------------------------------------------------------------------


@plain_loop
def linear_relu(h, x, W, b):
    """h_j = F(sum_i x_i w_ij + b_j)                                           (eqs. 4, 6-8, 40, 42, 43)

    h  out (B, O)
    x  in  (B, I)
    W  in  (I, O)
    b  in  (O,)

    Backward: linear_relu_backward_input for the layer above, linear_backward_params for this one.
    """
    for row in prange(x.shape[0]):
        for j in range(W.shape[1]):
            h[row, j] = b[j]
        for i in range(W.shape[0]):
            for j in range(W.shape[1]):
                h[row, j] += x[row, i] * W[i, j]
        for j in range(W.shape[1]):
            h[row, j] = relu_element(h[row, j])


@plain_loop
def linear_relu_backward_input(dt_below, dt, W, h_below):
    """dE/dt_i = (sum_j dE/dt_j w_ij) F'(t_i), the t of the layer below on the left   (eqs. 10-17, 28-32, 41, 50, 51)

    dt_below  out (B, I)  gradient at the linear stage of the layer below
    dt        in  (B, O)
    W         in  (I, O)
    h_below   in  (B, I)  that layer's activations, this layer's inputs
    """
    for row in prange(dt.shape[0]):
        for i in range(W.shape[0]):
            dt_below[row, i] = 0
            for j in range(W.shape[1]):
                dt_below[row, i] += dt[row, j] * W[i, j]
            dt_below[row, i] *= relu_derivative_element(h_below[row, i])


# ---- the error: softmax and cross-entropy --------------------------------------------------------------------------


@jit
def _row_maximum(t, row):
    """Return the largest t of a row. Subtracted before exp, it changes no z and prevents overflow."""
    largest = t[row, 0]
    for j in range(1, t.shape[1]):
        largest = max(largest, t[row, j])
    return largest


@plain_loop
def softmax(z, t):
    """z_i = exp(t_i) / sum_j exp(t_j)                                         (eqs. 33, 45)

    z  out (B, O)  probabilities, each row's sum 1
    t  in  (B, O)  logits
    """
    for row in prange(t.shape[0]):
        largest = _row_maximum(t, row)
        total = t[row, 0] * 0
        for j in range(t.shape[1]):
            z[row, j] = math.exp(t[row, j] - largest)
            total += z[row, j]
        for j in range(t.shape[1]):
            z[row, j] /= total


@plain_loop
def predicted_class(c, z):
    """c = argmax_i z_i, the lowest class where several are largest             (after eq. 33)

    c  out (B,)  int64
    z  in  (B, O)  probabilities, or logits: softmax keeps their order
    """
    for row in prange(z.shape[0]):
        best = 0
        for j in range(1, z.shape[1]):
            if z[row, j] > z[row, best]:
                best = j
        c[row] = best


@plain_loop
def cross_entropy(e, z, y):
    """E = -sum_i y_i ln z_i, where y is 1 at the true class and 0 elsewhere     (eqs. 34, 46)

    e  out (B,)    error of each row
    z  in  (B, O)  probabilities
    y  in  (B,)    true classes
    """
    for row in prange(z.shape[0]):
        e[row] = -math.log(z[row, y[row]])


@plain_loop
def softmax_cross_entropy(dt, e, t, y):
    """E = -sum_i y_i t_i + ln sum_j exp(t_j);  dE/dt = z - y                   (eqs. 33-39, 45-47)

    The fused value and gradient, in one pass over a row. E is the batch's mean, so dt = (z - y) / B.

    dt  out (B, O)
    e   out (B,)    error of each row
    t   in  (B, O)  logits
    y   in  (B,)    true classes

    Returns E = sum(e) / B, added up in the order of the rows.
    """
    B = t.shape[0]
    for row in prange(B):
        largest = _row_maximum(t, row)
        total = t[row, 0] * 0
        for j in range(t.shape[1]):
            dt[row, j] = math.exp(t[row, j] - largest)
            total += dt[row, j]
        e[row] = math.log(total) - (t[row, y[row]] - largest)
        for j in range(t.shape[1]):
            z = dt[row, j] / total
            dt[row, j] = (z - (1 if j == y[row] else 0)) / B
    E = 0.0
    for row in range(B):
        E += e[row]
    return E / B


# ---- gradient descent ----------------------------------------------------------------------------------------------


@plain_loop
def sgd_update(W, dW, learning_rate):
    """W <- W - alpha dE/dW                                                     (eqs. 9, 54)

    W              in, out (n,)  all parameters as one flat vector
    dW             in      (n,)  their gradient
    learning_rate  alpha, a number of the arrays' dtype
    """
    for k in prange(W.size):
        W[k] -= learning_rate * dW[k]
