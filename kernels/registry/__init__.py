"""The table of kernels that tests, benchmarks, the profiler and the equation table read."""

from .entries import KERNELS

__all__ = ["KERNELS"]
