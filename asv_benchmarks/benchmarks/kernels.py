"""One benchmark class for each fast kernel of the registry: `FastSGDUpdate` measures "fast_sgd_update"."""

from . import common

globals().update(common.make_benchmarks(__name__))


def __getattr__(name):
    return common.make_skipped(__name__, name)
