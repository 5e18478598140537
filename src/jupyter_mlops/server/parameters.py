"""The parameters of commands as JSON: checked against the command's own signature, and described for forms."""

from __future__ import annotations

import inspect
import re
import types
import typing
from functools import cache
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from .. import grammar
from ..command import Command, Pairs, SlotKind, commands, slot_of
from ..errors import InvalidUsage, NotFound, nearest

_LONGEST: Final = 10_000
_TYPES: Final = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


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
    return found


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


def described() -> list[dict[str, Any]]:
    """Describe all commands, as the palette and the forms need them."""
    return [_described(command) for command in commands().values()]


def _described(command: Command) -> dict[str, Any]:
    return {
        "name": command.name,
        "key": command.key,
        "magic": command.magic,
        "summary": command.summary,
        "group": command.group,
        "changes": command.changes,
        "cell": command.cell,
        "needs_kernel": command.needs_kernel,
        "usage": grammar.usage(command),
        "parameters": [
            {
                "name": option.name,
                "flag": option.flag,
                "kind": command.slot(option.name),
                "help": option.help,
                "positional": option.positional,
                "many": _is_list(command, option.name),
                "required": option.required,
                "default": option.default if isinstance(option.default, str | int | float | bool) else None,
                "type": _type_name(command.hints.get(option.name, str)),
                "choices": list(get_args(hint)) if get_origin(hint := command.hints[option.name]) is typing.Literal else None,
            }
            for option in grammar.options(command)
            if option.name in command.hints and command.slot(option.name) != "address"
        ],
    }  # fmt: skip


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


def _is_list(command: Command, name: str) -> bool:
    parameter = inspect.signature(command.function).parameters[name]
    return parameter.kind is inspect.Parameter.VAR_POSITIONAL or _type_name(command.hints[name]) == "array"


def _type_name(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        return _type_name(get_args(annotation)[0])
    for part in (annotation, *get_args(annotation)):
        found = _TYPES.get(get_origin(part) or part)
        if found:
            return found
    return "string"


def _explain(command: Command, error: ValidationError) -> InvalidUsage:
    found = error.errors()
    first = next((each for each in found if each["type"] == "extra_forbidden"), found[0])  # a slip is missing elsewhere
    name = str(first["loc"][0]) if first["loc"] else "the body"
    usage = grammar.usage(command)
    if first["type"] == "extra_forbidden":
        if name in command.hints:
            return InvalidUsage(f"{name} can't be chosen over REST.", f"{command.magic} in a cell")
        return InvalidUsage(f"{command.name} has no parameter {name[:80]!r}.{nearest(name[:80], command.hints)}", usage)
    if first["type"] == "missing":
        return InvalidUsage(f"{command.name} needs {name}.", usage)
    reason = first["msg"].removeprefix("Value error, ")
    return InvalidUsage(f"{name}: {reason[0].lower()}{reason[1:]}.", usage)
