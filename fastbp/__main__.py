"""The command as ``python -m fastbp``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
