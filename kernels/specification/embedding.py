"""Embeddings of the columns of X, one plain loop each. Conventions as in paper.py; k is a column, o an output.

Of numbers sums of cosines (Gorishniy, Rubachev and Babenko, 2022, section 3.3), in the form of Holzmueller, Grinsztajn
and Steinwart (2024, section 3); of categories rows of a table.
"""

import math

from numba import prange

from ..compiler.jit import plain_loop


@plain_loop
def embed_numbers(e, x, w, b, V, c):
    """e_ko = c_ko + sum_h v_koh cos(2 pi w_kh x_k + b_kh)

    e     out (B, I, E)
    x     in  (B, I)
    w, b  in  (I, H)
    V     in  (I, E, H)
    c     in  (I, E)
    """
    for row in prange(x.shape[0]):
        for k in range(x.shape[1]):
            for o in range(c.shape[1]):
                e[row, k, o] = c[k, o]
                for h in range(w.shape[1]):
                    e[row, k, o] += V[k, o, h] * math.cos(2 * math.pi * w[k, h] * x[row, k] + b[k, h])


@plain_loop
def embed_numbers_backward(dw, db, dV, dc, de, x, w, b, V):
    """dE/dc = dE/de;  dE/dv = dE/de cos u;  dE/db = -sin u sum_o v dE/de;  dE/dw = 2 pi x dE/db, summed over the rows

    with u = 2 pi w x + b.

    dw, db  out (I, H)
    dV      out (I, E, H)
    dc      out (I, E)
    de      in  (B, I, E)
    x       in  (B, I)
    w, b    in  (I, H)
    V       in  (I, E, H)
    """
    for k in prange(x.shape[1]):
        for o in range(dc.shape[1]):
            dc[k, o] = 0
            for row in range(x.shape[0]):
                dc[k, o] += de[row, k, o]
        for h in range(w.shape[1]):
            dw[k, h], db[k, h] = 0, 0
            for o in range(dc.shape[1]):
                dV[k, o, h] = 0
            for row in range(x.shape[0]):
                u, total = 2 * math.pi * w[k, h] * x[row, k] + b[k, h], w[k, h] * 0
                for o in range(dc.shape[1]):
                    dV[k, o, h] += de[row, k, o] * math.cos(u)
                    total += V[k, o, h] * de[row, k, o]
                db[k, h] -= math.sin(u) * total
                dw[k, h] -= 2 * math.pi * x[row, k] * math.sin(u) * total


@plain_loop
def embed_category(e, levels, T):
    """e_o = T_lo, the row of the table of level l

    e       out (B, O)
    levels  in  (B,)    from 0
    T       in  (I, O)
    """
    for row in prange(e.shape[0]):
        for o in range(e.shape[1]):
            e[row, o] = T[levels[row], o]


@plain_loop
def embed_category_backward(dT, de, levels):
    """dE/dT_lo = dE/de_o, summed over the rows of level l

    dT      out (I, O)
    de      in  (B, O)
    levels  in  (B,)
    """
    for o in prange(dT.shape[1]):
        for l in range(dT.shape[0]):
            dT[l, o] = 0
        for row in range(de.shape[0]):
            dT[levels[row], o] += de[row, o]
