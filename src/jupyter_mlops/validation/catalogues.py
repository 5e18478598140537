"""The catalogues: which checks there are for data, and which for models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from .checks import Catalogue, Check

DATA = Catalogue()
MODEL = Catalogue()
SECURITY: Final = "MV1"
"""How the codes of what ``--security`` adds begin."""


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
    from .model import adversarial, artifact, poisoning, security  # isort: skip

    assert all((contract, reproducible, robust, scores, slices, stability, trust))
    assert all((adversarial, artifact, poisoning, security))
    return MODEL


def chosen_for_model(only: Sequence[str] | None, skip: Sequence[str] | None, *, security: bool) -> list[Check]:
    """Choose checks of models; those of security where they are asked for, be it by their codes."""
    checks = model_checks().chosen(only, skip)
    wanted = security or any(code.upper().startswith(SECURITY) for code in only or ())
    return [check for check in checks if wanted or not check.code.startswith(SECURITY)]
