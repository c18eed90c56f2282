"""Checks of an app as it is declared and configured: what is likely wrong, why, and how to mend it.

Each check is a function that looks at a compiled site; `ramekin check` runs them.
"""

from __future__ import annotations

from ramekin.checks.registry import Check, Finding, Severity
from ramekin.checks.running import Report, list_checks, run_checks

__all__ = ["Check", "Finding", "Report", "Severity", "list_checks", "run_checks"]
