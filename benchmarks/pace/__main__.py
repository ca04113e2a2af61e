"""``python -m benchmarks.pace``."""

import sys

from benchmarks.pace.run import main

if __name__ == "__main__":
    sys.exit(main())
