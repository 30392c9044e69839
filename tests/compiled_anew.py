"""Functions compiled as a new process would, and whether the cache had them."""

from fastbp.kernels.compiler import jit


def hits_and_misses(function, *arguments):
    """Compile and call as a new process would."""
    dispatcher = jit.jit(function)
    assert dispatcher(*arguments) == function(*arguments)
    return sum(dispatcher.stats.cache_hits.values()), sum(dispatcher.stats.cache_misses.values())
