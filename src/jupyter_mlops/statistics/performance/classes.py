"""Labels beside predictions, whatever types the two have come in: 1, 1.0, "1" and True are one class."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from ..scores import Array

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TRUTHS: Final = {"true": 1.0, "false": 0.0}
MISSING: Final = -2
NONE_OF_THEM: Final = -1
Class = bool | int | float | str


def plain(value: Any) -> Class:
    """Give a class as JSON can hold it: a bool, an int, a float or text."""
    value = value.item() if hasattr(value, "item") and not isinstance(value, str) else value
    if isinstance(value, float) and value.is_integer():  # whole numbers among missing ones have become floats
        return int(value)
    return value if isinstance(value, bool | int | float) else str(value)


def classes_of(*columns: Iterable[Any], named_only: Sequence[str] | None = None) -> list[Class]:
    """List the classes that occur, each once, in their order; only those of some names, where there are names."""
    found: dict[float | str, Class] = {}
    for column in columns:
        for value in pd.unique(pd.Series(column).dropna()):
            found.setdefault(_key(value), plain(value))
    if named_only is not None:
        found = {key: found[key] for key in map(_key, named_only)}
    return sorted(found.values(), key=lambda one: (isinstance(one, str), one))


def codes_of(column: Iterable[Any], classes: Sequence[Class]) -> Array:
    """Give each value the number of its class; -1 is none of them, -2 is missing."""
    places = {_key(one): place for place, one in enumerate(classes)}
    codes, values = pd.factorize(pd.Series(column, dtype=object), use_na_sentinel=True)
    truths = {0.0, 1.0} <= set(places)
    found = [places.get(_key(value, truths=truths), NONE_OF_THEM) for value in values]
    return np.array([*found, MISSING], dtype=np.int64)[codes]  # -1 of factorize is the last


def _key(value: Any, *, truths: bool = False) -> float | str:
    """Write what is the same class in the same way."""
    value = value.item() if hasattr(value, "item") and not isinstance(value, str) else value
    if isinstance(value, bool | int | float):
        return float(value)
    text = str(value).strip()
    if truths and text.lower() in _TRUTHS:
        return _TRUTHS[text.lower()]
    return float(text) if _NUMBER.fullmatch(text) else text
