"""`python -m ramekin.cli` does what `ramekin` does."""

from __future__ import annotations

import sys

from ramekin.cli import main

sys.exit(main())
