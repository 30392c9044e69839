"""A constant of layer normalization (Ba, Kiros and Hinton, 2016)."""

EPSILON = 1e-5  # beside the variance, so that a row of equal t is divided by something
