"""The registry of commands: one typed function each, from which every face follows.

``@command`` marks a function in an ``api.py``; its name, signature and docstring are all that the
magic, the command line, completion, help and the README's table know of it.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import json
import os
import sys
import typing
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

from .errors import Inconclusive, InvalidUsage, ValidationFailed

# Set for a kernel that repeats a run, as the tag of the new one: which run, and a word to find the new one by.
REPRODUCES = "MLOPS_REPRODUCES"
# The file in which the kernel of a notebook that is executed as a whole notes what its commands came to.
NOTES = "MLOPS_NOTES"
_NOTED = frozenset(["register", "validate data", "validate model", "approve", "promote", "rollback", "deploy"])

Function = TypeVar("Function", bound=Callable[..., Any])
SlotKind = Literal[
    "model",
    "name",
    "alias",
    "run",
    "metric",
    "subject",
    "endpoint",
    "rule",
    "variable",
    "values",
    "command",
    "file",
    "address",
]


@dataclass(frozen=True)
class Slot:
    """What a parameter stands for: completion offers it, and a ``variable`` is looked up by its name.

    Of one that ``streams`` a file of tables is not read, but opened: what is in it may be larger than the memory.
    """

    kind: SlotKind
    streams: bool = False


@dataclass(frozen=True)
class Short:
    """A letter by which an option can be given in place of its name: ``-p`` for ``--param``."""

    letter: str


Model = Annotated[object, Slot("model")]
"""A version: ``churn@champion``, ``churn/3``, or a result that has one."""
Name = Annotated[str, Slot("name")]
"""The name of a registered model."""
Run = Annotated[object, Slot("run")]
"""A run: ``last``, ``best:auc``, ``run:3f2a``, a run's name, or a result that is one."""
Subject = Annotated[object, Slot("subject")]
"""A run or a version: what ``Run`` or ``Model`` takes."""
Endpoint = Annotated[str, Slot("endpoint")]
"""The name of an endpoint."""
Rule = Annotated[str, Slot("rule")]
"""The name of a rule of monitoring: what ``mlops.toml`` asks for, or holds by default."""
Metric = Annotated[str, Slot("metric")]
"""The name of a metric."""
Alias = Annotated[str, Slot("alias")]
"""An alias: a word such as ``champion``."""
Variable = Annotated[Any, Slot("variable")]
"""A value: in a notebook the name of a variable, in a shell a file, in Python the value itself."""
Rows = Annotated[Any, Slot("variable", streams=True)]
"""The same for rows that may be many: a Parquet or Arrow file, or a folder of them, is opened and not read."""
File = Annotated[str, Slot("file")]
"""The path of a file."""
Address = Annotated[str, Slot("address")]
"""The address of a server: who may only ask over REST can't choose one."""
Pairs = dict[str, Any] | list[str] | None
"""``--param k=v`` again and again, or a dict in Python."""
Values = Annotated[Pairs, Slot("values")]
"""``accuracy=0.9`` or ``accuracy=score``, where ``score`` is a variable of the notebook; or a dict in Python."""


def short_of(annotation: Any) -> str | None:
    """Find the letter of an option, where it has one."""
    return next((mark.letter for mark in getattr(annotation, "__metadata__", ()) if isinstance(mark, Short)), None)


@dataclass(frozen=True)
class Command:
    """One command, as all faces see it.

    Attributes
    ----------
    name : str
        As it is typed: ``validate data``.
    group : str
        The room it lives in: ``tracking``, ``registry`` …
    changes : bool
        It changes something and so takes ``--dry-run``.
    changes_with : str, optional
        The parameter with which it changes something; without it, it lists.
    cell : bool
        It acts on the body of a cell, and in Python is a context manager.
    """

    name: str
    function: Callable[..., Any]
    group: str
    changes: bool
    changes_with: str | None
    cell: bool

    @property
    def needs_kernel(self) -> bool:
        """Whether it can only be called from a notebook or Python, not from a shell or over REST."""
        return self.cell

    @property
    def python_name(self) -> str:
        """The verb in Python: ``validate_data``."""
        return self.function.__name__

    @property
    def key(self) -> str:
        """What it is called where its name alone does not say which: ``run`` is a cell, ``run notebooks`` a line."""
        words = self.python_name.rstrip("_").replace("_", " ")
        return words if words.startswith(f"{self.name} ") else self.name

    @property
    def magic(self) -> str:
        """How it is typed in a notebook: ``%mlops deploy``, ``%%mlops run``."""
        return f"{'%%' if self.cell else '%'}mlops {self.name}"

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.function) or "").split("\n")[0]

    @cached_property
    def hints(self) -> dict[str, Any]:
        """The annotations of its parameters, with their slots."""
        parameters = {name: hint for name, hint in self.function.__annotations__.items() if name != "return"}

        def without_return() -> None: ...  # what a command returns is often imported for type checkers only

        without_return.__annotations__ = parameters
        return typing.get_type_hints(without_return, inspect.unwrap(self.function).__globals__, include_extras=True)

    def slot(self, parameter: str) -> SlotKind | None:
        """Say what a parameter stands for, where it is marked."""
        return slot_of(self.hints.get(parameter))

    def streams(self, parameter: str) -> bool:
        """Whether a parameter takes files of tables as they are."""
        found = _slot(self.hints.get(parameter))
        return found is not None and found.streams


_commands: dict[str, Command] = {}


def command(
    *, name: str | None = None, changes: bool | str = False, cell: bool = False
) -> Callable[[Function], Function]:
    """Make a function a command of every face.

    Parameters
    ----------
    name : str, optional
        Where it differs from the function's: ``"validate data"``, ``"import"``. A cell and a line may share one:
        ``%%mlops run NAME`` and ``%mlops run NOTEBOOK``.
    changes : bool or str
        The command changes something shared; its function has a ``dry_run`` parameter. The name of a parameter: it
        changes something with that, and lists without it.
    cell : bool
        The function returns a context manager; the body of the cell runs in it.
    """

    def register(function: Function) -> Function:
        words = name or function.__name__
        group = function.__module__.removeprefix(f"{__package__}.").split(".")[0]
        called = _held_back(words, function) if changes else function
        if NOTES in os.environ and words in _NOTED:
            called = _noted(words, called, Path(os.environ[NOTES]))  # now: a cell may clear the environment
        made = Command(words, called, group, bool(changes), changes if isinstance(changes, str) else None, cell)
        _commands[made.key] = made
        return called

    return register


def _held_back(name: str, function: Function) -> Function:
    """Let a command only try what it would do, where a run is made again: its promotion is not."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if REPRODUCES in os.environ and not kwargs.get("dry_run"):
            sys.stderr.write(f"{name}: not done, only tried; a run is made again here, and nothing else.\n")
            kwargs["dry_run"] = True
        return function(*args, **kwargs)

    return cast("Function", guarded)


def _noted(name: str, function: Function, notes: Path) -> Function:
    """Note what a command came to, for the report of the notebook's execution."""

    @functools.wraps(function)
    def noted(*args: Any, **kwargs: Any) -> Any:
        try:
            result = function(*args, **kwargs)
        except ValidationFailed as error:
            _note(notes, name, None if isinstance(error, Inconclusive) else False, error.message)
            raise
        _note(notes, name, result.ok, str(result).split("\n", 1)[0])
        return result

    return cast("Function", noted)


def _note(notes: Path, name: str, ok: bool | None, text: str) -> None:
    line = json.dumps({"command": name, "ok": ok, "text": text[:500]})
    with contextlib.suppress(OSError), notes.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")  # a process that outlives the execution has nobody to tell


def commands() -> dict[str, Command]:
    """Every command by its key; the first call imports each room's ``api.py``.

    The rooms are found, not listed: a folder with an ``api.py`` is a room, or a room within one.
    """
    package = Path(__file__).parent
    for api in sorted([*package.glob("*/api.py"), *package.glob("*/*/api.py")]):
        importlib.import_module(".".join((__package__, *api.relative_to(package).with_suffix("").parts)))
    return _commands


def commands_in_order() -> list[Command]:
    """List the commands as a model's life goes: first the project, then runs, models, endpoints."""
    order = ("session", "tracking", "registry", "validation", "serving", "monitoring", "headless", "widgets")
    return sorted(commands().values(), key=lambda c: order.index(c.group) if c.group in order else len(order))


def slot_of(annotation: Any) -> SlotKind | None:
    """Find the slot in an annotation such as ``Model`` or ``Metric | None``."""
    found = _slot(annotation)
    return None if found is None else found.kind


def _slot(annotation: Any) -> Slot | None:
    for part in (annotation, *getattr(annotation, "__args__", ())):
        for extra in getattr(part, "__metadata__", ()):
            if isinstance(extra, Slot):
                return extra
    return None


spoken: ContextVar[dict[int, str]] = ContextVar("spoken")
"""The words that the values of the running command were given as, by ``id``."""


def name_of(value: object, default: str) -> str:
    """Say under which name a value was given: the variable's or the file's; ``default`` in Python."""
    return spoken.get({}).get(id(value), default)


def pairs(given: Pairs, what: str) -> dict[str, Any]:
    """Read ``["k=v", …]``, or take a dict as it is.

    Raises
    ------
    InvalidUsage
        Where a word has no ``=``, or nothing before it.
    """
    if given is None or isinstance(given, dict):
        return given or {}
    found = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidUsage(f"{word!r} is no {what}: it should be name=value.")
        found[name] = value
    return found
