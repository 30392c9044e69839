"""Oracles of the loops of members: see oracles.py."""

import numpy as np

MEMBER_ORACLES = {
    "spread_members": lambda u, s: [(u * s[:, None], abs(u * s[:, None]))],
    "member_scales_backward": lambda dx, u: [((dx * u).sum(1), abs(dx * u).sum(1))],
    "mean_of_members": lambda each: [(each.mean(0), abs(each).mean(0))],
    "log_of_mean": lambda z: [(np.log(np.maximum(z, 1e-37)), abs(np.log(np.maximum(z, 1e-37))))],
}
