"""Fast kernels: the formulas of the specification over register tiles."""
