"""The catalogues: which checks there are for data, and which for models."""

from __future__ import annotations

from functools import cache

from .checks import Catalogue

DATA = Catalogue()
MODEL = Catalogue()


@cache
def data_checks() -> Catalogue:
    """Give the checks of data; the first call imports the rooms that they are in."""
    from .contracts import holding
    from .correlations import groups
    from .potential import leakage, learning, power
    from .privacy import anonymity, people, proxies
    from .quality import columns, drift, names, rows, target, text, timing, values

    assert all((columns, drift, names, rows, target, text, timing, values))
    assert all((holding, groups, leakage, learning, power))
    assert all((anonymity, people, proxies))
    return DATA


@cache
def model_checks() -> Catalogue:
    """Give the checks of models; the first call imports the rooms that they are in."""
    from .model import contract, reproducible, robust, scores, slices, stability, trust

    assert all((contract, reproducible, robust, scores, slices, stability, trust))
    return MODEL
