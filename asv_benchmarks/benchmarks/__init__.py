"""What asv measures."""

import os
import sys

VERSION = "1"  # of most classes; one whose times no longer compare with those before gets the next number

# Each commit keeps its compiled kernels, out of the user's cache, which holds those of a few versions only.
if "ASV_ENV_DIR" in os.environ and "ASV_COMMIT" in os.environ:
    kernels = os.path.join(os.environ["ASV_ENV_DIR"], "kernels", os.environ["ASV_COMMIT"])
    os.environ.setdefault("NUMBA_CACHE_DIR", kernels)

# The peers do the work of the race, in race/libraries/.
sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "race"))
