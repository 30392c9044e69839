"""The shared library of compiled kernels: how it is found, checked and called. Nothing here needs Numba."""
