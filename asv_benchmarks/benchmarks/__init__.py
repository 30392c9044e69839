"""What asv measures."""

import os

VERSION = "1"  # of most classes; one whose times no longer compare with those before gets the next number

# Each commit keeps its compiled kernels, out of the user's cache, which holds those of a few versions only.
if "ASV_ENV_DIR" in os.environ and "ASV_COMMIT" in os.environ:
    kernels = os.path.join(os.environ["ASV_ENV_DIR"], "kernels", os.environ["ASV_COMMIT"])
    os.environ.setdefault("NUMBA_CACHE_DIR", kernels)
