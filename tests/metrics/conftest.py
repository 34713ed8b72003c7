"""Codes and factors for the metric tests."""

from __future__ import annotations

import sys
from pathlib import Path

# ``import toy`` from any test in this folder.
sys.path.insert(0, str(Path(__file__).parent))
