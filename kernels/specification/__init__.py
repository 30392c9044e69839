"""The mathematics, one plain loop a formula. Fast kernels are tested against these loops."""
