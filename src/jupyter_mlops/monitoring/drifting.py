"""Drift between any two tables: the one gives the profile, the other is counted on its grid."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from ..frames import as_source
from .results import DriftReport

if TYPE_CHECKING:
    from ..statistics.profile import Profile


def drift(reference: Any, current: Any, names: tuple[str, str], personal: Collection[str], shift: float) -> DriftReport:
    """Compare two tables; of frames of Dask nothing but sketches leaves the workers."""
    from .comparison import compare
    from .rows import without_people

    profile = without_people(_learnt(reference, personal))
    window = _counted(profile, current)
    columns = compare(profile, window, shift)
    return DriftReport(names[0], names[1], profile.rows, window.rows, columns, profile.notes)


def _learnt(reference: Any, personal: Collection[str]) -> Profile:
    from ..statistics import cluster, profiling
    from ..statistics.profile import Profile

    if isinstance(reference, Profile):
        return reference
    if cluster.is_dask(reference):
        return cluster.learn(reference, personal)
    return profiling.learn(as_source(reference), personal)


def _counted(profile: Profile, current: Any) -> Profile:
    from ..statistics import cluster, profiling

    return cluster.count(profile, current) if cluster.is_dask(current) else profiling.count(profile, as_source(current))
