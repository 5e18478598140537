"""``%%mlops params``: the cell that declares a notebook's parameters."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from ..errors import InvalidUsage
from .parameters import of_source
from .results import Parameters


class Declaration:
    """The context of ``%%mlops params``. The body runs as any cell does; ``result`` lists what it declares.

    Attributes
    ----------
    source : str, optional
        The cell's source; set by the magic.
    value : object
        The cell's last line; set by the magic.
    """

    def __init__(self) -> None:
        self.source: str | None = None
        self.value: object = None
        self.result: Parameters

    def __enter__(self) -> Declaration:
        try:
            self._parameters = of_source(self.source or "")
        except SyntaxError:  # the body says so itself, in its own words
            self._parameters = ()
        for each in self._parameters:
            each.check_default()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None:
            return
        if not self._parameters:
            raise InvalidUsage(
                "The cell declares no parameter: it has no plain assignment.",
                "n_estimators: int = 100  # how many trees",
            )
        self.result = Parameters("", self._parameters, self._values())

    def _values(self) -> dict[str, Any]:
        from IPython.core.getipython import get_ipython

        ip: Any = get_ipython()
        space = ip.user_ns if ip else {}
        return {each.name: _short(space[each.name]) for each in self._parameters if each.name in space}


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
