"""`python -m shared.config`: the settings in effect, or with `--table` the documentation's page."""

from __future__ import annotations

import sys

from shared.config import table

if __name__ == "__main__":
    sys.exit(table.main(sys.argv[1:]))
