"""``python -m benchmarks.query``."""

import sys

from benchmarks.query.run import main

if __name__ == "__main__":
    sys.exit(main())
