"""What the CPU offers: register tiles and their arithmetic, memory, atomics, clocks.

Importing it gives the functions of `entries.functions` their compiled forms.
"""

from . import arithmetic, functions

__all__ = ["arithmetic", "functions"]
