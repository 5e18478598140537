"""Moments as people write them: ``2h``, ``yesterday``, ``2026-11-01``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_SPAN = re.compile(r"(\d+(?:\.\d+)?) ?(s|min|h|d|w)(?: ago)?")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}


def moment(text: str, now: float) -> float | None:
    """Read how long ago, a day or a date, in seconds since the epoch; ``None`` where it is neither."""
    span = _SPAN.fullmatch(text.lower())
    if span:
        return now - float(span[1]) * _SECONDS[span[2]]
    try:
        if text.lower() in ("today", "yesterday"):
            day = datetime.fromtimestamp(now).date() - timedelta(days=text.lower() == "yesterday")
            return datetime.combine(day, datetime.min.time()).timestamp()
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
