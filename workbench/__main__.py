"""`python -m workbench`: see cli.py."""

from __future__ import annotations

import sys

from workbench.cli import main

sys.exit(main())
