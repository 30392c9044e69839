"""The step as data: records, their layouts, and the program of phases. None of it needs Numba."""
