"""Pictures of networks, their training and their kernels, drawn by matplotlib (extra `plot`).

Each function draws into the Axes it is given, or into a figure of its own, and returns the Axes. Nothing it is given
is changed. In a figure of one's own, `layout="constrained"` makes room for labels and legends.
"""

from .confusing import confusion
from .descending import descent, error_curve
from .epochs import diagnosis, history
from .functions import activation
from .graph import network
from .landscape import loss_surface
from .roof import roofline

__all__ = [
    "activation",
    "confusion",
    "descent",
    "diagnosis",
    "error_curve",
    "history",
    "loss_surface",
    "network",
    "roofline",
]


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
