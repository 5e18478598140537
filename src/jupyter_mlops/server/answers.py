"""What goes out: answers as JSON, and errors with their code and the line that mends them."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from ..display import mime
from ..errors import MlopsError


class TooLarge(MlopsError):
    """A request, or what a command has given, is larger than what is taken."""

    status = 413


class TimedOut(MlopsError):
    """Something took longer than it may."""

    status = 504


class Forbidden(MlopsError):
    """Who asks may not do this."""

    status = 403


class Told(MlopsError):
    """An error that a process of ours has told: with the code and the status that it had there."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__(str(said["message"]), said.get("hint"))
        self.code = str(said["code"])
        self.status = int(said["status"])  # type: ignore[misc]


def problem(error: MlopsError) -> dict[str, Any]:
    """Write an error as it is answered."""
    code = error.code if isinstance(error, Told) else type(error).__name__
    return {"code": code, "message": error.message, "hint": error.hint}


def as_json(answer: object) -> str:
    """Write an answer: dataclasses as objects, NaN and the infinities as words."""
    return json.dumps(_faithful(answer), ensure_ascii=False, allow_nan=False)


def _faithful(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _faithful(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _faithful(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_faithful(item) for item in value]
    if isinstance(value, float):
        return mime.number(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)
