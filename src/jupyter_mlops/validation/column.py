"""One column of data, as the checks ask of it."""

from ..statistics.column import Column, Kind, has_half_a_pair

__all__ = ["Column", "Kind", "has_half_a_pair"]
