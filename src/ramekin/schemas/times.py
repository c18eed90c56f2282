"""Dates, times and UUIDs as text, written in C where the text is the same as Python's own.

``isoformat`` takes a microsecond and more; the codec's writer takes a twentieth of that and differs only in writing
UTC as ``Z`` and in rounding odd offsets, so it is asked for UTC and for naive times only.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from ramekin.json import to_text

#: The text of an exact datetime or date, or of a UUID, over ``v``; ``write`` and ``utc`` are the constants below.
DATE_TIME_SOURCE = "(write(v)[:-1] + '+00:00' if v.tzinfo is utc else write(v) if v.tzinfo is None else v.isoformat())"
DATE_SOURCE = "write(v)"
UUID_SOURCE = "write(v)"
CONSTANTS: dict[str, Any] = {"write": to_text, "utc": dt.UTC}
