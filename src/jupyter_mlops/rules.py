"""When monitoring rings: ``[monitor.ENDPOINT]`` of ``mlops.toml``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from .errors import nearest
from .limits import Threshold
from .moments import moment
from .ways import AlertSettings, Sink

_RULE: Final = re.compile(r"\s*(?P<what>\S.*?)(?:\s+for\s+(?P<windows>\d+)\s+windows?)?\s*")
_MOST_WINDOWS: Final = 1000
_OFF: Final = "off"
GRADED: Final = (
    "drift",
    "missing",
    "infinite",
    "unseen",
    "stuck",
    "range",
    "stale",
    "schema",
    "repeats",
    "traffic",
    "beside",
    "performance",
    "calibration",
    "concept",
)
"""What is graded by levels; the first seven also of one column, as ``drift:age``."""
OF_COLUMNS: Final = GRADED[:7]
METRICS: Final = (
    "accuracy", "balanced_accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier", "mae", "rmse", "r2",
)  # fmt: skip
"""What ``performance`` is made of, by the labels that have come; an estimate is called ``accuracy (estimated)``."""
_NAMED: Final = (*GRADED, *METRICS, *(f"{name} (estimated)" for name in METRICS))
DEFAULT: Final = {"drift": "major", "performance": "major", "concept": "major", "traffic": "major"}
"""The rules of an endpoint that has none: what has moved far enough to matter much, and what chance seldom looks like."""


@dataclass(frozen=True)
class Rule:
    """When one thing rings.

    Attributes
    ----------
    name : str
        Of what: ``drift``, ``drift:age``, ``accuracy`` …
    level : {"minor", "major"}, optional
        From which level on.
    threshold : Threshold, optional
        Or within which bound.
    windows : int
        For how many consecutive windows.
    """

    name: str
    level: Literal["minor", "major"] | None = None
    threshold: Threshold | None = None
    windows: int = 1

    @classmethod
    def of(cls, name: str, text: object, *, is_own: bool = False) -> Rule | None:
        """Read ``"major"`` or ``"< 0.93 for 3 windows"``; None where it is ``"off"``. What is the user's ``own`` has any name.

        Raises
        ------
        ValueError
            Where it is neither, or nothing is called so.
        """
        match = _RULE.fullmatch(text) if isinstance(text, str) else None
        what, windows = (match["what"], int(match["windows"] or 1)) if match else ("", 1)
        kind = name.partition(":")[0]
        is_level = what in ("minor", "major", _OFF)
        if match is None or (not is_level and not re.match(r"[<>]", what)):
            form = (
                '"minor" or "major", or "off"'
                if name in GRADED or kind in OF_COLUMNS
                else '"< 0.93", or "< 0.93 for 3 windows"'
            )
            raise ValueError(f"{text!r} is no rule; write {form}")
        if not 1 <= windows <= _MOST_WINDOWS:
            raise ValueError(f"{windows} windows are no number to wait for: from 1 to {_MOST_WINDOWS}")
        threshold = None if is_level else Threshold.of(what)
        is_known = kind in OF_COLUMNS if ":" in name else name in _NAMED
        if not is_known and not is_own and (close := _mistyped(name, is_level=is_level)):
            raise ValueError(f"nothing is called {name!r}.{close}")
        if what == _OFF:
            return None
        return cls(name, what if is_level else None, threshold, windows)  # type: ignore[arg-type]

    @property
    def waits(self) -> bool:
        """Whether it is of what labels tell, which come late."""
        return self.name.partition(":")[0] not in GRADED or self.name in ("performance", "calibration")

    def __str__(self) -> str:
        for_windows = f" for {self.windows} windows" if self.windows > 1 else ""
        return f"{self.level or self.threshold}{for_windows}"


def _mistyped(name: str, *, is_level: bool) -> str:
    """Say what was meant by a name that nothing has; metrics of one's own have any name, but no level."""
    known = [*_NAMED, "silent", "alert", "business"]
    kind, colon, column = name.partition(":")
    if colon:
        return nearest(name, [f"{each}:{column}" for each in OF_COLUMNS]) if is_level else ""
    if is_level:
        return nearest(name, known)
    close = difflib.get_close_matches(kind, known, n=1, cutoff=0.85)
    return nearest(name, close) if close and kind not in known and not kind.startswith(close[0]) else ""


def _is_span(text: str) -> str:
    if seconds_of(text) is None:
        raise ValueError(f'{text!r} is no time; write it as "2h", from 1min to 30d')
    return text


def seconds_of(text: str) -> float | None:
    """Read how long ``2h`` is; None where it is no time from a minute to 30 days."""
    found = moment(text.strip(), 0.0) if re.fullmatch(r"\s*\d+(\.\d+)? ?[a-z]+\s*", text) else None
    return -found if found is not None and 60 <= -found <= 30 * 86_400 else None


class MonitorSettings(BaseModel):
    """``[monitor.ENDPOINT]``: what rings, by its name, as ``drift = "major"`` or ``accuracy = "< 0.93 for 3 windows"``.

    Attributes
    ----------
    silent : str, optional
        How long there may be no predictions, and nobody who looks, before that rings: ``2h``.
    alert : list, optional
        Where it is told: ``log``, ``webhook``, ``email``, ``command``; by default in the log, and wherever ``[alerts]`` names.
    business : dict of str to str
        Metrics of one's own by their names, each a function beside mlops.toml: ``profit = "metrics:profit"``.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    silent: Annotated[str, AfterValidator(_is_span)] | None = None
    alert: list[Sink] | None = None
    business: dict[str, Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]] = {}

    @model_validator(mode="before")
    @classmethod
    def _rules_can_be_read(cls, given: Any) -> Any:
        """Name each rule that can't, with its own line."""
        wrong = []
        own = given.get("business") if isinstance(given, Mapping) else None
        for name, text in given.items() if isinstance(given, Mapping) else ():
            if name in cls.model_fields:
                continue
            try:
                if isinstance(text, Mapping):
                    raise ValueError(f"there is no such table.{nearest(name, ['business'])}")
                Rule.of(name, text, is_own=isinstance(own, Mapping) and name in own)
            except ValueError as error:
                wrong.append(_wrong(str(error), name))
        if wrong:
            raise ValidationError.from_exception_data(cls.__name__, wrong)
        return given

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What rings: what is set, and by default what is not."""
        found = (
            Rule.of(name, text, is_own=True) for name, text in {**DEFAULT, **(self.__pydantic_extra__ or {})}.items()
        )
        return tuple(rule for rule in found if rule is not None)

    @property
    def silence_allowed(self) -> float | None:
        """How many seconds there may be silence; None where it is not asked."""
        return None if self.silent is None else seconds_of(self.silent)

    def __str__(self) -> str:
        said = [f"{rule.name} {rule}" for rule in self.rules]
        said += [f"silent {self.silent}"] if self.silent else []
        return ", ".join([*said, *([f"to {', '.join(self.alert)}"] if self.alert is not None else [])])


def _wrong(text: str, *where: str | int) -> InitErrorDetails:
    message = text.replace("{", "(").replace("}", ")").removesuffix(".")
    return InitErrorDetails(type=PydanticCustomError("rule", message), loc=where, input=None)


def check_ways(alerts: AlertSettings, monitors: Mapping[str, MonitorSettings]) -> None:
    """Make sure that what is told has somewhere to go.

    Raises
    ------
    ValidationError
        Where a monitor names a way that is not set up.
    """
    wrong = [
        _wrong(f"{way!r} is not set up: it takes a table [alerts.{way}]", "monitor", name, "alert")
        for name, monitor in monitors.items()
        for way in monitor.alert or ()
        if way not in alerts.ways
    ]
    if wrong:
        raise ValidationError.from_exception_data("Settings", wrong)
