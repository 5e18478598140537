"""A metric of the user's own: a function that gets the rows of a window, and gives a number.

    # shop.py
    def profit(rows):                                  # the frame of ep.log(), as many rows as the window has
        known = rows.dropna(subset=["label"])
        return known["input.amount"].where(known["prediction"] == known["label"], -5)

    # mlops.toml
    [monitor.shop.business]
    profit = "shop:profit"

One number is taken as it is; a number for each row becomes their mean, with an interval.
"""

from __future__ import annotations

import importlib
import math
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from ...errors import InvalidUsage, nearest
from ...statistics.measured import Measured, measured, unknown
from ...statistics.scores import LEAST_ROWS


@dataclass(frozen=True)
class Business:
    """A metric by the name that it is shown by, and the function that reckons it."""

    name: str
    function: Callable[[pd.DataFrame], Any]

    @classmethod
    def of(cls, name: str, written: str, folder: Path | None = None) -> Self:
        """Find a function by how settings name it: ``module:function``.

        Parameters
        ----------
        name : str
        written : str
        folder : Path, optional
            Where modules are looked for first: that of mlops.toml.

        Raises
        ------
        InvalidUsage
            Where there is no such module or function, or the module can't be imported.
        """
        module, _, function = written.partition(":")
        if not module.strip() or not function.strip():
            raise InvalidUsage(
                f"The metric {name} is {written!r}, which names no function.", f'{name} = "module:function"'
            )
        before = list(sys.path)
        sys.path[:0] = [] if folder is None else [str(folder)]
        try:
            loaded = importlib.import_module(module.strip())
        except ModuleNotFoundError as error:
            raise InvalidUsage(f"The metric {name} is {written!r}, and there is no module {error.name!r}.", f"{module}.py beside mlops.toml") from None  # fmt: skip
        except Exception as error:  # whatever the user's module does when it is imported
            raise InvalidUsage(
                f"The metric {name} is {written!r}, and {module} can't be imported: {_told(error)}"
            ) from None
        finally:
            sys.path[:] = before
        found = getattr(loaded, function.strip(), None)
        if not callable(found):
            known = [known for known, value in vars(loaded).items() if callable(value) and not known.startswith("_")]
            raise InvalidUsage(f"The metric {name} is {written!r}, and {module} has no function {function!r}.{nearest(function, known)}")  # fmt: skip
        return cls(name, found)

    def __call__(self, rows: pd.DataFrame) -> Measured:
        """Reckon it; what the function gets is a copy, and what it raises is the reason why there is no figure."""
        if not len(rows):
            return unknown("there were no predictions")
        try:
            found = self.function(rows.copy())
        except Exception as error:  # the user's code
            return unknown(f"{self.name} raised {_told(error)}", len(rows))
        return self._measured(found, len(rows))

    def _measured(self, found: Any, rows: int) -> Measured:
        if isinstance(found, Real | np.number) and not isinstance(found, bool | np.bool_):
            value = float(found)
            return Measured(value, rows=rows) if math.isfinite(value) else unknown(f"{self.name} is {value}", rows)
        if isinstance(found, pd.Series | np.ndarray | list | tuple):
            try:
                each = np.asarray(found, dtype=float).reshape(-1)
            except (ValueError, TypeError):
                return unknown(f"{self.name} gives what are no numbers", rows)
            each = each[np.isfinite(each)]
            if len(each) < LEAST_ROWS:
                return unknown(f"{self.name} has {len(each):,} numbers; {LEAST_ROWS} are needed", len(each))
            return measured(float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each))), len(each))
        return unknown(
            f"{self.name} gives a {type(found).__name__}, and is to give a number, or one for each row", rows
        )


def _told(error: Exception) -> str:
    """Tell an error of the user's code in one line, with where it was; its text may quote rows, so only its first 100."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" ({Path(last[0].filename).name}, line {last[0].lineno})" if last else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:100]}{where}"
