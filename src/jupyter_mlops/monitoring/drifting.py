"""Drift between any two tables: the one gives the profile, the other is counted on its grid."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..frames import as_source
from .results import DriftReport


def drift(reference: Any, current: Any, names: tuple[str, str], personal: Collection[str], shift: float) -> DriftReport:
    """Compare two tables."""
    from ..statistics import profiling
    from ..statistics.profile import Profile
    from .comparison import compare
    from .rows import without_people

    given = reference if isinstance(reference, Profile) else None
    profile = without_people(given or profiling.learn(as_source(reference), personal))
    window = profiling.count(profile, as_source(current))
    columns = compare(profile, window, shift)
    return DriftReport(names[0], names[1], profile.rows, window.rows, columns, profile.notes)
