"""``python -m vlmscope``."""

import sys

from vlmscope.cli import main

if __name__ == "__main__":
    sys.exit(main())
