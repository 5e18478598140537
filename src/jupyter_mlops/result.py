"""What a command returns: a value that draws itself, in text and in HTML, and stays readable when saved."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .display import View


@dataclasses.dataclass(frozen=True, repr=False)
class Result:
    """The base of all results: a frozen dataclass that says how it looks.

    A subclass gives ``view()``; both forms of the picture follow from it. Results that are tables
    also have ``frame()``. Subclasses are ``@dataclass(frozen=True, repr=False)``: their repr is the picture.
    """

    @property
    def ok(self) -> bool | None:
        """Whether it went well; also what ``bool()`` says. None where it can't be told, which is not well."""
        return True

    @property
    def exit_code(self) -> int:
        """What the command line ends with."""
        return 0 if self.ok else 1

    def __bool__(self) -> bool:
        return bool(self.ok)

    def view(self) -> View:
        """Draw the picture: a card or a table."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Give plain data: what ``--json`` prints."""
        return {field.name: plain(getattr(self, field.name)) for field in dataclasses.fields(self) if field.repr}

    def __str__(self) -> str:
        from .display.text import render

        return render(self.view())

    def __repr__(self) -> str:
        return str(self)

    @property
    def stands_for(self) -> dict[str, Any]:
        """Name what it is about, for a front end that shows more of it: a run, a version, an endpoint, or nothing."""
        return {}

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Give text and HTML side by side, so that it shows in every place, with or without a kernel.

        Beside them are plain data under our own MIME type, for JupyterLab's extension.
        """
        from .display import html, mime, text

        view = self.view()
        own = mime.render(view, type(self).__name__, self.stands_for)
        return {"text/plain": text.render(view), "text/html": html.render(view), **own}


def plain(value: Any) -> Any:
    """Turn a value into what JSON knows; what it doesn't know becomes its text."""
    if isinstance(value, Result):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy and pandas values, without importing either
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no NaN and no infinity
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
