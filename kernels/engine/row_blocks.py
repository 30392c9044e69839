"""A block of a minibatch's rows, taken through all layers forward and backward by one worker: for small networks.

A phase of a small layer takes less time than passing it to another worker. So a task is a block of rows instead, which
stays in the worker's cache through all layers, and the update sums dE/dW of the blocks. The number of blocks does not
depend on the number of workers, so neither do the bits.
"""

from ..compiler.jit import inline
from ..entries.typed import Function
from ..tasks.row_kernels import prefetch_share
from .minibatch import block_rows, pick
from .run import run_alone
from .worker_state import pass_on_bad_row, worker_state


@inline
def prefetch(s, share, shares, worker):
    """Ask for a share of the rows of X that the next minibatch will gather."""
    prefetch_share(s, share, shares)


def make_row_block(prefetch: Function) -> Function:
    """Make the kernel. `prefetch` asks for some of the next rows; that of clocks.py reads a clock, too."""

    def row_block(s, l, block, after, start, end, worker):
        """E, dE/dW and dE/db of one block's rows                                                  (eqs. 42-53)"""
        mine, phases = worker_state(s, worker, block), s.block_end - s.block_forward
        first, last = block_rows(s, block)
        pick(mine, s.first + first, last - first)
        mine.row, mine.descends = first, 0
        for number in range(s.block_forward, s.block_end):
            prefetch(s, block * phases + number - s.block_forward, phases * s.blocks, worker)
            run_alone(mine, number, number + 1, worker)
        pass_on_bad_row(s, mine)

    return row_block


row_block: Function = make_row_block(prefetch)
