"""The parameters of commands as JSON: checked against the command's own signature."""

from __future__ import annotations

import inspect
import re
import types
import typing
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from .. import grammar
from ..command import Command, Pairs, SlotKind, commands, pairs, slot_of
from ..errors import InvalidUsage, NotFound, nearest

_LONGEST: Final = 10_000
_READS: Final = frozenset(
    ["audit", "compare", "doctor", "drift", "help", "history", "lineage", "logs", "models", "runs", "status"]
)  # all others write into runs, files or settings, ask a model, or send, also those that take no --dry-run
_RUNS_CODE: Final = frozenset(["reproduce", "run notebooks"])
_OURS: Final = frozenset([".mlops", ".git"])  # what is in them is nobody's data


def _within(path: str) -> str:
    """Take only a path of the project."""
    parts = PurePosixPath(path).parts
    if not path.strip() or path.startswith(("/", "~")) or ".." in parts or "\\" in path or ":" in path:
        raise ValueError("it must be a path within the project, such as data/test.parquet")
    return path


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("it has a NUL in it")
    return text


def _pairs_within(given: Any) -> Any:
    """Let values be numbers, or files of the project: a word is read as one."""
    words = given.values() if isinstance(given, dict) else [word.partition("=")[2] for word in given or ()]
    for word in words:
        try:
            float(word)
        except ValueError:
            _within(word)
    return given


Text = Annotated[str, Field(max_length=_LONGEST), AfterValidator(_without_nul)]
_Path = Annotated[Text, AfterValidator(_within)]
_Pairs = dict[Text, Text | int | float | bool] | list[Text]
_OF_SLOT: Final[dict[SlotKind, Any]] = {
    "file": _Path,
    "variable": _Path | list[Any] | dict[str, Any],
    "values": Annotated[_Pairs, AfterValidator(_pairs_within)],
}


def find(name: str) -> Command:
    """Find a command by its key as it stands in an address: ``validate-data``, ``validate data``.

    Raises
    ------
    NotFound
        Where there is none.
    InvalidUsage
        Where it acts on the body of a cell.
    """
    known = commands()
    found = known.get(re.sub(r"[-_ ]+", " ", name))
    if found is None:
        raise NotFound(f"There is no command {name[:80]!r}.{nearest(name[:80], known)}", "%mlops help")
    if found.needs_kernel:
        raise InvalidUsage(
            f"{found.name} acts on the body of a notebook's cell.", f"{found.magic}, and the code below it"
        )
    if found.key in _RUNS_CODE:
        named = next(option.label for option in grammar.options(found))
        raise InvalidUsage(
            f"{found.key} runs code, and that is not started over REST.", f"{found.magic} {named}, in a cell"
        )
    return found


def over_rest(command: Command) -> bool:
    """Whether a command can be called over REST at all."""
    return not command.needs_kernel and command.key not in _RUNS_CODE


def only_reads(command: Command, given: object) -> bool:
    """Whether a call changes nothing: that of a reading command which is given no file to write.

    What isn't known to read is taken to write, so that a new command is safe before anybody has thought of it.
    """
    writes = isinstance(given, dict) and any(_slot(command.hints.get(name)) == "file" for name in given)
    return command.key in _READS and not writes


def make_sure_within(command: Command, given: dict[str, Any], root: Path) -> None:
    """Make sure that the files of a call are the project's, wherever links lead.

    Raises
    ------
    InvalidUsage
        For the first that is not.
    """
    for name, value in given.items():
        for path in _paths(_slot(command.hints.get(name)), value):
            place = (root / path).resolve()
            if not place.is_relative_to(root) or _OURS.intersection(place.relative_to(root).parts):
                raise InvalidUsage(
                    f"{name}: {path[:80]!r} leads out of the project, or to what is kept beside its files.",
                    f"{command.magic} in a cell, or a path such as data/test.parquet",
                )


def _slot(annotation: Any) -> SlotKind | None:
    """Find the slot of a parameter, also of one that is a list: ``list[File] | None``."""
    return slot_of(annotation) or next(filter(None, (_slot(part) for part in get_args(annotation))), None)


def _paths(slot: SlotKind | None, value: Any) -> list[str]:
    """List the paths in a parameter; rows that came as JSON have none."""
    if slot == "values":
        return [word for word in pairs(value, "value").values() if isinstance(word, str)]
    if slot == "variable":
        return [value] if isinstance(value, str) else []
    if slot == "file" and value is not None:
        return [value] if isinstance(value, str) else list(value)
    return []


def read(command: Command, given: object) -> dict[str, Any]:
    """Check the parameters of a call.

    Raises
    ------
    InvalidUsage
        For the first that is missing, unknown or of another type.
    """
    if not isinstance(given, dict):
        raise InvalidUsage("The parameters must be an object.", '{"model": "churn@champion"}')
    try:
        checked = model(command).model_validate(given)
    except ValidationError as error:
        raise _explain(command, error) from None
    return {name: value for name, value in checked.model_dump(by_alias=True).items() if name in given}


@cache
def model(command: Command) -> type[BaseModel]:
    """Make the model of a command's parameters."""
    fields: dict[str, Any] = {}
    for number, (name, parameter) in enumerate(inspect.signature(command.function).parameters.items()):
        if command.slot(name) == "address":
            continue
        kind = _json_type(command.hints.get(name, str))
        default = parameter.default
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            kind, default = list[kind], []  # type: ignore[valid-type]
        elif default is None:
            kind = kind | None
        required = ... if default is inspect.Parameter.empty else default
        # By an alias: pydantic has words of its own that a parameter may be called.
        fields[f"p{number}"] = (kind, Field(required, alias=name, description=_help(command).get(name)))
    return create_model(
        command.python_name, __config__=ConfigDict(extra="forbid", allow_inf_nan=True, title=command.key), **fields
    )


@cache
def _help(command: Command) -> dict[str, str]:
    return {option.name: option.help for option in grammar.options(command)}


def _json_type(annotation: Any) -> Any:
    """Turn an annotation into one for JSON: a slot is a text, a file a path of the project."""
    if get_origin(annotation) is list:
        return list[_json_type(get_args(annotation)[0])]  # type: ignore[misc]
    if annotation == Pairs:
        return _Pairs | None
    if get_origin(annotation) in (types.UnionType, typing.Union):
        return typing.Union[tuple(_json_type(part) for part in get_args(annotation))]  # noqa: UP007
    slot = slot_of(annotation)
    if slot is not None:
        return _OF_SLOT.get(slot, Text)
    if get_origin(annotation) is Annotated:
        return _json_type(get_args(annotation)[0])
    return Text if annotation is str else annotation


def _explain(command: Command, error: ValidationError) -> InvalidUsage:
    found = error.errors()
    first = next((each for each in found if each["type"] == "extra_forbidden"), found[0])  # a slip is missing elsewhere
    name = str(first["loc"][0]) if first["loc"] else "the body"
    usage = grammar.usage(command)
    if first["type"] == "extra_forbidden":
        if name in command.hints:
            label = next(option.label for option in grammar.options(command) if option.name == name)
            return InvalidUsage(f"{name} can't be chosen over REST.", f"{command.magic} {label}, in a cell")
        return InvalidUsage(f"{command.name} has no parameter {name[:80]!r}.{nearest(name[:80], command.hints)}", usage)
    if first["type"] == "missing":
        return InvalidUsage(f"{command.name} needs {name}.", usage)
    reason = first["msg"].removeprefix("Value error, ")
    return InvalidUsage(f"{name}: {reason[0].lower()}{reason[1:]}.", usage)
