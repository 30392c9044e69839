"""The gradient of W over the rows of all members, block after block of them: what is multiplied stays in cache."""

from ...compiler.jit import inline
from ...machine.memory import part
from ...machine.registers import ROWS
from ...machine.tiles import lanes
from ..panels import Panels, get, put
from ..tile import column_products, each_tile

BLOCK = 512  # rows: two panels of dt and one of x take some hundred KB


@inline
def rows_from(M, row):
    """Return the view of a matrix that begins with this row."""
    at = row * lanes(M.data)
    return Panels(part(M.data, at, M.data.size - at), M.rows)


@inline
def _weight_tiles(zero, first, last, j, dW, x, dt, B, adds):
    for i in range(first, last, ROWS):
        gradient = get(dW, i, j, zero) if adds else zero
        put(dW, i, j, column_products(gradient, x, i, dt, j, B))  # dw_ij += sum_b x_bi dt_bj    (eq. 24)


@inline
def backward_params_in_blocks(dW, x, dt, B, first, last, start, end):
    """dW <- x^T dE/dt, in first:last, start:end                                                     (eqs. 24, 48)

    for each block of rows, for each tile of W:  dw += x[block, :]^T dt[block, :]

    dW  out (I, O)
    x   in  (B, I)
    dt  in  (B, O)
    """
    for row in range(0, B, BLOCK):
        n = min(BLOCK, B - row)
        each_tile(
            _weight_tiles, dW.data, first, last, start, end, (dW, rows_from(x, row), rows_from(dt, row), n, row > 0)
        )
