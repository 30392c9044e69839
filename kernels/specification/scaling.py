"""Trained scales of a network's inputs, one plain loop each. Conventions as in paper.py."""

from numba import prange

from ..compiler.jit import plain_loop


@plain_loop
def scale_inputs(x, s):
    """x_k <- s_k x_k

    x  in, out (B, I)
    s  in      (I,)
    """
    for row in prange(x.shape[0]):
        for k in range(x.shape[1]):
            x[row, k] *= s[k]


@plain_loop
def scale_backward(ds, s, W, dW):
    """dE/ds_k = sum_j w_kj dE/dw_kj / s_k, or 0 where s_k is 0: x_k is s_k u_k, and dE/dw_kj = sum_i x_ik dE/dt_ij

    ds  out (I,)
    s   in  (I,)
    W   in  (I, O)
    dW  in  (I, O)
    """
    for k in prange(ds.size):
        total = s[k] * 0
        for j in range(W.shape[1]):
            total += W[k, j] * dW[k, j]
        ds[k] = total / s[k] if s[k] != 0 else 0
